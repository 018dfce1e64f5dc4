//! A run in a few words, the same on every page.

use std::path::Path;

use orgwave_core::status::Status;

use super::screen::Summary;
use crate::client_files::ClientFiles;
use crate::digest::RunDigest;
use crate::note::Note;
use crate::terminal::{count, duration, orgs, pace, several};

/// A title, and what must be said at once.
pub(super) fn headline(digest: &RunDigest) -> (String, Vec<Note>) {
    let counts = &digest.counts;
    let written = counts.of(Status::Applied) + counts.of(Status::AppliedWithWarnings);
    let troubled: u64 = counts.total() - written - counts.of(Status::Unchanged) - counts.of(Status::Skipped);
    let course = &digest.course;
    let title = match (written, troubled) {
        (0, 0) => format!("Nothing to do for {}", orgs(counts.total())),
        (_, 0) => format!("{} written, none failed", orgs(written)),
        _ => format!("{} written, {} not done", orgs(written), count(troubled)),
    };
    let mut notes = Vec::new();
    let mut speed = vec![orgs(counts.total())];
    let waves = digest.waves.keys().filter(|wave| **wave > 0).count();
    if waves > 1 {
        speed.push(format!("{waves} waves"));
    }
    if !course.worked.is_zero() {
        speed.push(duration(course.worked));
    }
    if let Some(rate) = course.pace() {
        speed.push(format!("{} at {}", several(course.calls, "call", "calls"), pace(rate)));
    }
    if course.throttled > 0 {
        speed.push(format!("{} answered 429 and waited out", count(course.throttled)));
    }
    notes.push(Note::own(speed.join(", ")));
    match course.finish.as_ref().map(|finish| &finish.stop) {
        Some(None) => {}
        Some(Some(stop)) => {
            notes.push(Note::quoting("Stopped early: ".to_owned(), stop.to_string()));
        }
        None => notes.push(Note::own("The run's last process didn't end by itself".to_owned())),
    }
    (title, notes)
}

/// The command that goes on from here, for a run in the folder where runs land by default: where the folder
/// lies now isn't known to a file that may be carried anywhere.
pub(super) fn next_command(digest: &RunDigest) -> Option<String> {
    Summary::of_files(digest, &Path::new("reports").join(&digest.run.run_id), ClientFiles::None)
        .next_command()
}

/// What identifies a run.
pub(super) fn facts(digest: &RunDigest) -> Vec<(&'static str, String)> {
    let run = &digest.run;
    let mut facts = vec![
        ("run", run.run_id.clone()),
        ("plan", run.plan_id.clone()),
        ("endpoint", run.endpoint.clone()),
        ("key fingerprint", run.key_fingerprint.as_str().to_owned()),
        ("plan made", digest.plan_created.to_string()),
        ("started", run.started.to_string()),
    ];
    if let Some(finish) = &digest.course.finish {
        facts.push(("finished", finish.at.to_string()));
    }
    if digest.course.began.len() > 1 {
        facts.push(("processes", digest.course.began.len().to_string()));
    }
    facts.push(("write, verify", format!("{}, {}", run.write, run.verify)));
    facts.push(("failure budget", run.max_failures.to_string()));
    if let Some(exit) = digest.exit() {
        facts.push(("exit code", exit.code().to_string()));
    }
    facts.push(("tool", run.tool.clone()));
    facts
}
