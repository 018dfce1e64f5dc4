//! A run in a few words, the same on every page.

use std::path::Path;

use orgwave_core::run::StopReason;
use orgwave_core::status::Status;

use super::{Cause, RunDigest};
use crate::note::Note;
use crate::terminal::{count, duration, orgs, pace, several, shell_path};

/// What a person does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Resumes the run.
    Resume,
    /// Applies the rows that may be tried again; of an undo: undoes again.
    Again,
}

impl RunDigest {
    /// What came of it.
    pub(crate) fn title(&self) -> String {
        let counts = &self.counts;
        let written = counts.of(Status::Applied) + counts.of(Status::AppliedWithWarnings);
        let troubled = counts.total() - written - counts.of(Status::Unchanged) - counts.of(Status::Skipped);
        match (written, troubled) {
            (0, 0) => format!("{} unchanged", orgs(counts.total())),
            (_, 0) => format!("{} written, none failed", orgs(written)),
            _ if self.partly > 0 => {
                let (written, partly) = (orgs(written), count(self.partly));
                format!("{written} written, {} not done, {partly} of them in part", count(troubled))
            }
            _ => format!("{} written, {} not done", orgs(written), count(troubled)),
        }
    }

    /// How much it was, and how fast.
    pub(crate) fn speed(&self) -> String {
        let course = &self.course;
        let all = orgs(self.counts.total());
        let mut parts = vec![match self.waves.keys().filter(|wave| **wave > 0).count() {
            0 => all,
            waves => format!("{all} in {}", several(waves as u64, "wave", "waves")),
        }];
        if !course.worked.is_zero() {
            parts.push(duration(course.worked));
        }
        if let Some(rate) = course.pace() {
            parts.push(format!("{} at {}", several(course.calls, "call", "calls"), pace(rate)));
        }
        if course.throttled > 0 {
            parts.push(format!("{} rate-limited (HTTP 429), retried", count(course.throttled)));
        }
        parts.join(", ")
    }

    /// Why it ended before its end.
    pub(crate) fn stopped(&self) -> Option<Note> {
        match (&self.course.finish, self.stop()) {
            (None, _) => Some(Note::own("The run's last process was killed".to_owned())),
            (Some(_), None) => None,
            (Some(_), Some(stop)) => Some(Note::quoting("Stopped early: ".to_owned(), stop.to_string())),
        }
    }

    /// Why its newest process stopped early, if it did and said so.
    pub(crate) fn stop(&self) -> Option<&StopReason> {
        self.course.finish.as_ref().and_then(|finish| finish.stop.as_ref())
    }

    /// Why orgs failed.
    pub(crate) fn causes(&self) -> Vec<Cause<'_>> {
        Cause::all(&self.codes, self.stage(), &self.operations)
    }

    /// What a person does next; `None` if there is nothing to do.
    pub(crate) fn next(&self, has_files: bool) -> Option<Next> {
        let is_resumable = !self.in_sandbox() && self.stop() != Some(&StopReason::Expired);
        if self.unsettled > 0 && is_resumable {
            return Some(Next::Resume);
        }
        (self.retryable > 0 && has_files).then_some(Next::Again)
    }

    /// The command for it, of a run in this folder; `connection` are the flags that say which API is meant.
    pub(crate) fn command(&self, next: Next, folder: &Path, connection: &str) -> String {
        match (next, &self.undoes) {
            (Next::Resume, _) => format!("orgwave resume {}{connection}", shell_path(folder)),
            // The rows of such a plan name no settings: a new one is made, of what is still to be taken back.
            (Next::Again, Some(run)) => {
                format!("orgwave undo {}{connection}", shell_path(&folder.with_file_name(run)))
            }
            (Next::Again, None) => {
                let sandbox = if self.in_sandbox() { " --sandbox" } else { "" };
                let (rows, mode) = (shell_path(&folder.join("retry.toml")), self.run.mode_again());
                format!("orgwave apply {rows}{mode}{sandbox}{connection}")
            }
        }
    }

    /// The command that comes next, for a run in the folder where runs land by default: where the folder lies now isn't
    /// known to a file that may be carried anywhere.
    pub(crate) fn default_command(&self) -> Option<String> {
        let folder = Path::new("reports").join(&self.run.run_id);
        self.next(true).map(|next| self.command(next, &folder, ""))
    }

    /// What identifies the run.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let Self { run, course, .. } = self;
        let mut facts = vec![
            ("run", run.run_id.clone()),
            ("plan", run.plan_id.clone()),
            ("endpoint", run.endpoint.clone()),
            ("key fingerprint", run.key_fingerprint.as_str().to_owned()),
            ("plan made", self.plan_created.to_string()),
            ("started", run.started.to_string()),
        ];
        facts.extend(course.finish.as_ref().map(|finish| ("finished", finish.at.to_string())));
        if course.began.len() > 1 {
            facts.push(("processes", course.began.len().to_string()));
        }
        facts.push(("write, verify", format!("{}, {}", run.write, run.verify)));
        facts.push(("failure budget", run.max_failures.to_string()));
        facts.extend(self.exit().map(|exit| ("exit code", exit.code().to_string())));
        facts.push(("tool", run.tool.clone()));
        facts
    }
}
