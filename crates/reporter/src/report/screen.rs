//! What stands on the terminal when a run has ended: what came of it, why, where it is, what to do next.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::StopReason;
use orgwave_core::status::Status;

use crate::advice::{DOORS, GUIDS, WARNING, advice};
use crate::client_files::ClientFiles;
use crate::digest::{OrgRef, RunDigest};
use crate::terminal::{
    Page, Style, Tone, count, cut, duration, orgs, pace, several, shell_path, status_words,
};

/// How many causes of failure are told; the rest is in the results.
const CAUSES: usize = 5;
/// How many examples of a warning are told.
const EXAMPLES: usize = 3;

/// The end of a run, in words.
#[derive(Debug)]
pub struct Summary<'a> {
    digest: &'a RunDigest,
    folder: PathBuf,
    files_written: bool,
    org_files: ClientFiles,
    /// The flags that say which API is meant, for the commands that are told.
    connection: String,
}

impl<'a> Summary<'a> {
    /// Of a run whose files were written.
    pub fn of_files(digest: &'a RunDigest, folder: &Path, org_files: ClientFiles) -> Self {
        Self { digest, folder: folder.to_owned(), files_written: true, org_files, connection: String::new() }
    }

    /// Of a run whose files could not be written.
    pub fn without_files(digest: &'a RunDigest, folder: &Path) -> Self {
        Self {
            digest,
            folder: folder.to_owned(),
            files_written: false,
            org_files: ClientFiles::None,
            connection: String::new(),
        }
    }

    /// Tells commands with these flags, each with a space before it: they are to work as they stand.
    #[must_use]
    pub fn reached_by(mut self, connection: String) -> Self {
        self.connection = connection;
        self
    }

    /// The text, each line with its end.
    pub fn render(&self, width: usize, style: Style) -> String {
        let mut page = Page::new(width, style);
        self.headline(&mut page);
        self.counts(&mut page);
        self.causes(&mut page);
        self.warnings(&mut page);
        self.files(&mut page);
        self.next(&mut page);
        page.finish()
    }

    /// The command that goes on from here; `None` if there is nothing to go on with.
    pub fn next_command(&self) -> Option<String> {
        let stop = self.digest.course.finish.as_ref().and_then(|finish| finish.stop.as_ref());
        let resumable = !self.digest.in_sandbox() && stop != Some(&StopReason::Expired);
        if self.digest.unsettled() > 0 && resumable {
            return Some(format!("orgwave resume {}{}", shell_path(&self.folder), self.connection));
        }
        (self.digest.retryable() > 0 && self.files_written).then(|| self.retry_command())
    }

    fn retry_command(&self) -> String {
        if let Some(run) = &self.digest.undoes {
            // The rows of such a plan name no settings: a new one is made, of what is still to be taken back.
            return format!(
                "orgwave undo {}{}",
                shell_path(&self.folder.with_file_name(run)),
                self.connection
            );
        }
        let sandbox = if self.digest.in_sandbox() { " --sandbox" } else { "" };
        let mode = self.digest.run.mode_again();
        format!(
            "orgwave apply {}{mode}{sandbox}{}",
            shell_path(&self.folder.join("retry.toml")),
            self.connection
        )
    }

    fn headline(&self, page: &mut Page) {
        let course = &self.digest.course;
        let waves = self.digest.waves.keys().filter(|wave| **wave > 0).count();
        let all = orgs(self.digest.counts.total());
        let mut parts = vec![match waves {
            0 => all,
            _ => format!("{all} in {}", several(waves as u64, "wave", "waves")),
        }];
        if !course.worked.is_zero() {
            parts.push(duration(course.worked));
        }
        if let Some(rate) = course.pace() {
            parts.push(format!("{} at {}", several(course.calls, "call", "calls"), pace(rate)));
        }
        if course.throttled > 0 {
            parts.push(format!("{} answered 429 and waited out", count(course.throttled)));
        }
        page.paragraph(Tone::Strong, 0, 2, &parts.join(", "));
        for allowance in &self.digest.allowances {
            page.paragraph(Tone::Warn, 0, 2, &allowance.render(str::to_owned));
        }
        match course.finish.as_ref().map(|finish| &finish.stop) {
            Some(None) => {}
            Some(Some(stop)) => page.paragraph(Tone::Bad, 0, 2, &format!("Stopped early: {stop}")),
            None => page.paragraph(Tone::Bad, 0, 2, "The run's last process didn't end by itself"),
        }
    }

    fn counts(&self, page: &mut Page) {
        page.gap();
        let rows: Vec<(Status, u64)> = self.digest.counts.iter().filter(|(_, orgs)| *orgs > 0).collect();
        let digits = rows.iter().map(|(_, orgs)| count(*orgs).len()).max().unwrap_or(0);
        let word = rows.iter().map(|(status, _)| status.as_str().len()).max().unwrap_or(0);
        for (status, orgs) in rows {
            let (words, tone) = status_words(status);
            let number = count(orgs);
            let line = format!("{number:>digits$}  {status}");
            let full = format!("{number:>digits$}  {:word$}  {words}", status.as_str());
            page.line(tone, 2, if full.len() + 2 <= page.width() { &full } else { &line });
        }
    }

    fn causes(&self, page: &mut Page) {
        let mut causes: Vec<_> = self.digest.codes.iter().collect();
        causes.sort_by_key(|(_, group)| Reverse(group.orgs));
        for (code, group) in causes.iter().take(CAUSES) {
            page.gap();
            page.paragraph(Tone::Strong, 0, 2, &format!("{code}  {}: {}", orgs(group.orgs), code.title()));
            let name = name_of(&group.example);
            let example = if group.message.is_empty() || group.message == code.title() {
                format!("e.g. {name}")
            } else {
                format!("e.g. {name}: {}", short(&group.message))
            };
            page.paragraph(Tone::Plain, 2, 2, &example);
            page.paragraph(Tone::Plain, 2, 2, &format!("do:  {}", advice(**code, self.digest.stage())));
        }
        if causes.len() > CAUSES {
            page.gap();
            page.paragraph(
                Tone::Faint,
                0,
                2,
                &format!("{} more kinds of error: see results.csv", causes.len() - CAUSES),
            );
        }
    }

    fn warnings(&self, page: &mut Page) {
        let warnings = &self.digest.warnings;
        if warnings.with_doors > 0 {
            page.gap();
            let text = format!("Warning  {} with doors in more than one location", orgs(warnings.with_doors));
            page.paragraph(Tone::Warn, 0, 2, &text);
            lists(page, &warnings.doors, warnings.with_doors);
            page.paragraph(Tone::Plain, 2, 2, &format!("do:  {DOORS}"));
        }
        if warnings.with_guids > 0 {
            page.gap();
            let text = format!("Warning  {} with ids that the vendor didn't take", orgs(warnings.with_guids));
            page.paragraph(Tone::Warn, 0, 2, &text);
            lists(page, &warnings.guids, warnings.with_guids);
            page.paragraph(Tone::Plain, 2, 2, &format!("do:  {GUIDS}"));
        }
        if warnings.with_more > 0 {
            page.gap();
            let text = format!("Warning  {} with a message of the vendor", orgs(warnings.with_more));
            page.paragraph(Tone::Warn, 0, 2, &text);
            for (text, example, number) in warnings.texts.iter().take(EXAMPLES) {
                let line = format!("{}: \"{}\", e.g. {}", orgs(*number), short(text), name_of(example));
                page.paragraph(Tone::Plain, 2, 2, &line);
            }
            page.paragraph(Tone::Plain, 2, 2, &format!("do:  {WARNING}"));
        }
    }

    fn files(&self, page: &mut Page) {
        page.gap();
        if !self.files_written {
            page.paragraph(Tone::Bad, 0, 2, "The results could not be written. The journal is in");
            page.uncut(Tone::Plain, 2, &self.folder.shown());
            page.paragraph(Tone::Plain, 0, 2, "Once there is room, write them with");
            page.uncut(Tone::Strong, 2, &format!("orgwave report {}", shell_path(&self.folder)));
            return;
        }
        page.paragraph(Tone::Plain, 0, 2, "A row for every org is in");
        page.uncut(Tone::Plain, 2, &self.folder.join("results.csv").shown());
        let orgs = match self.org_files {
            ClientFiles::All => ", orgs/ (a file for each client)",
            ClientFiles::Changed if self.digest.changed > 0 => {
                ", orgs/ (a file for each client that changed)"
            }
            ClientFiles::Changed | ClientFiles::None => "",
        };
        page.paragraph(Tone::Faint, 0, 2, &format!("beside it: report.html, changes.csv, retry.csv{orgs}"));
    }

    fn next(&self, page: &mut Page) {
        let Some(command) = self.next_command() else { return };
        page.gap();
        let resumes = command.starts_with("orgwave resume");
        let why = if resumes {
            format!("{} left. Go on with", orgs(self.digest.unsettled()))
        } else {
            format!("{} may be tried again with", orgs(self.digest.retryable()))
        };
        page.paragraph(Tone::Plain, 0, 2, &why);
        page.uncut(Tone::Strong, 2, &command);
        let stop = self.digest.course.finish.as_ref().and_then(|finish| finish.stop.as_ref());
        if resumes && stop == Some(&StopReason::KeyRefused) && self.files_written {
            page.paragraph(Tone::Plain, 0, 2, "if the same key works again; with a new key");
            page.uncut(Tone::Strong, 2, &self.retry_command());
        }
    }
}

fn lists(page: &mut Page, examples: &[(OrgRef, Vec<String>)], total: u64) {
    const ITEMS: usize = 5;
    for (example, items) in examples.iter().take(EXAMPLES) {
        let named = items.iter().take(ITEMS).map(|item| short(item)).collect::<Vec<_>>().join(", ");
        let more =
            if items.len() > ITEMS { format!(" and {} more", items.len() - ITEMS) } else { String::new() };
        page.paragraph(Tone::Plain, 2, 2, &format!("{}: {named}{more}", name_of(example)));
    }
    let more = total.saturating_sub(EXAMPLES as u64);
    if more > 0 {
        page.paragraph(Tone::Faint, 2, 2, &format!("and {} more: see results.csv", orgs(more)));
    }
}

/// An org, as short as it can be found by: its line, and its name or id.
fn name_of(example: &OrgRef) -> String {
    if example.name.trim().is_empty() {
        format!("line {}, {}", example.line, example.org)
    } else {
        format!("line {}, {}", example.line, short(&example.name))
    }
}

/// A foreign text that shall not fill the screen.
fn short(text: &str) -> String {
    cut(text, 120)
}
