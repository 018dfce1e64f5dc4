//! What is on the terminal when a run has ended: what came of it, why, where it is, what to do next.

use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Confession;
use orgwave_core::run::StopReason;
use orgwave_core::status::Status;

use crate::client_files::ClientFiles;
use crate::digest::{Next, RunDigest};
use crate::pages::{say_cause, say_examples};
use crate::part_name::parts;
use crate::terminal::{Page, Style, Tone, count, cut, orgs, shell_path, status_words};

const RESULTS: &str = "results.csv";
const CHANGES: &str = "changes.csv";
/// How many causes of failure are shown; the rest is in the results.
const CAUSES: usize = 5;
/// How many of the vendor's texts are shown.
const TEXTS: usize = 3;

/// The end of a run, in words.
#[derive(Debug)]
pub struct Summary<'a> {
    digest: &'a RunDigest,
    folder: PathBuf,
    files_written: bool,
    org_files: ClientFiles,
    /// The tables of orgs and of changes, each in as many files as it has.
    results: Vec<String>,
    changes: Vec<String>,
    /// The flags that say which API is meant, for the commands that are suggested.
    connection: String,
}

impl<'a> Summary<'a> {
    /// Of a run whose files were written.
    pub fn of_files(digest: &'a RunDigest, folder: &Path, org_files: ClientFiles) -> Self {
        Self { files_written: true, org_files, ..Self::without_files(digest, folder) }
    }

    /// Of a run whose files could not be written.
    pub fn without_files(digest: &'a RunDigest, folder: &Path) -> Self {
        Self {
            digest,
            folder: folder.to_owned(),
            files_written: false,
            org_files: ClientFiles::None,
            results: vec![RESULTS.to_owned()],
            changes: vec![CHANGES.to_owned()],
            connection: String::new(),
        }
    }

    /// Of these files.
    #[must_use]
    pub(crate) fn written(mut self, files: &[String]) -> Self {
        self.results = parts(files.to_vec(), RESULTS);
        self.changes = parts(files.to_vec(), CHANGES);
        self
    }

    /// Tells commands with these flags, each with a space before it: they are to work as they are.
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

    /// The command that comes next; `None` if there is nothing to do.
    pub fn next_command(&self) -> Option<String> {
        self.digest.next(self.files_written).map(|next| self.command(next))
    }

    fn command(&self, next: Next) -> String {
        self.digest.command(next, &self.folder, &self.connection)
    }

    fn headline(&self, page: &mut Page) {
        page.paragraph(Tone::Strong, 0, 2, &self.digest.speed());
        for allowance in &self.digest.allowances {
            page.paragraph(Tone::Warn, 0, 2, &allowance.render(str::to_owned));
        }
        if let Some(stopped) = self.digest.stopped() {
            page.paragraph(Tone::Bad, 0, 2, &stopped.render(str::to_owned));
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
        let causes = self.digest.causes();
        for cause in causes.iter().take(CAUSES) {
            say_cause(page, Tone::Strong, cause);
        }
        if causes.len() > CAUSES {
            page.gap();
            let text =
                format!("{} more kinds of error: see {}", causes.len() - CAUSES, self.results.join(", "));
            page.paragraph(Tone::Faint, 0, 2, &text);
        }
    }

    fn warnings(&self, page: &mut Page) {
        let warnings = &self.digest.warnings;
        for (Confession { words, advice, .. }, finding) in warnings.lists() {
            page.gap();
            page.paragraph(Tone::Warn, 0, 2, &format!("Warning  {} with {words}", orgs(finding.orgs)));
            say_examples(page, finding, &self.results.join(", "));
            page.paragraph(Tone::Plain, 2, 2, &format!("do:  {advice}"));
        }
        if warnings.with_more > 0 {
            page.gap();
            let text = format!("Warning  {} with a message of the vendor", orgs(warnings.with_more));
            page.paragraph(Tone::Warn, 0, 2, &text);
            for (text, finding) in warnings.texts.iter().take(TEXTS) {
                let (orgs, first) = (orgs(finding.orgs), finding.examples[0].place());
                let line = format!("{orgs}: \"{}\", e.g. {first}", cut(text, 120));
                page.paragraph(Tone::Plain, 2, 2, &line);
            }
            page.paragraph(Tone::Plain, 2, 2, &format!("do:  {}", warnings.todo_of_texts()));
        }
    }

    fn files(&self, page: &mut Page) {
        page.gap();
        if !self.files_written {
            page.paragraph(Tone::Bad, 0, 2, "The results could not be written. The journal is in");
            page.uncut(Tone::Plain, 2, &self.folder.shown());
            page.paragraph(Tone::Plain, 0, 2, "Once there is space, write them with");
            page.uncut(Tone::Strong, 2, &format!("orgwave report {}", shell_path(&self.folder)));
            return;
        }
        page.paragraph(Tone::Plain, 0, 2, "A row for every org is in");
        for name in &self.results {
            page.uncut(Tone::Plain, 2, &self.folder.join(name).shown());
        }
        let orgs = match self.org_files {
            ClientFiles::All => ", orgs/ (a file for each client)",
            ClientFiles::Changed if self.digest.changed > 0 => {
                ", orgs/ (a file for each client that changed)"
            }
            ClientFiles::Changed | ClientFiles::None => "",
        };
        let changes = self.changes.join(", ");
        page.paragraph(Tone::Faint, 0, 2, &format!("next to it: report.html, {changes}, retry.csv{orgs}"));
    }

    fn next(&self, page: &mut Page) {
        let Some(next) = self.digest.next(self.files_written) else { return };
        page.gap();
        let why = match next {
            Next::Resume => format!("{} left. Resume with", orgs(self.digest.unsettled)),
            Next::Again => format!("{} can be retried with", orgs(self.digest.retryable)),
        };
        page.paragraph(Tone::Plain, 0, 2, &why);
        page.uncut(Tone::Strong, 2, &self.command(next));
        let is_refused = self.digest.stop() == Some(&StopReason::KeyRefused);
        if next == Next::Resume && is_refused && self.files_written {
            page.paragraph(Tone::Plain, 0, 2, "if the same key works again; with a new key");
            page.uncut(Tone::Strong, 2, &self.command(Next::Again));
        }
    }
}
