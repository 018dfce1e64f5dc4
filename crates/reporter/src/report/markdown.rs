//! `report.md`: a run in one screenful, to be posted where people talk. The orgs that need attention are
//! listed, up to a number; every org is in `results.csv`.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use orgwave_core::operation::Confession;
use orgwave_core::status::Status;

use crate::advice::next_step;
use crate::digest::RunDigest;
use crate::pages::markdown::{Table, causes, code, example, own, whole_code};
use crate::part_name::parts;
use crate::record::Record;
use crate::rendered::Rendered;
use crate::run_file::{Place, RunFile};
use crate::terminal::{count, orgs, status_words};
use crate::whole::WholeFile;

/// Orgs that are listed.
const LISTED: usize = 50;

pub(crate) struct ReportMd {
    file: WholeFile,
    listed: Vec<[String; 6]>,
    troubled: u64,
}

impl ReportMd {
    pub(crate) const NAME: &str = "report.md";

    pub(crate) fn begin(place: &Place<'_>) -> io::Result<Self> {
        Ok(Self { file: place.begin(Self::NAME)?, listed: Vec::new(), troubled: 0 })
    }
}

impl RunFile for ReportMd {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record, _: &Rendered) -> io::Result<()> {
        let Record { line, outcome, .. } = record;
        if matches!(outcome.status, Status::Applied | Status::Unchanged | Status::Skipped) {
            return Ok(());
        }
        self.troubled += 1;
        if self.listed.len() < LISTED {
            let org_error = outcome.org_error.as_ref();
            self.listed.push([
                line.line.to_string(),
                code(if record.name().trim().is_empty() { line.org.as_str() } else { record.name() }),
                outcome.status.to_string(),
                org_error.map(|org_error| org_error.code.to_string()).unwrap_or_default(),
                code(org_error.map_or(outcome.ack.message(), |c| c.message.as_str())),
                own(&next_step(record)),
            ]);
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, digest: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        let mut text = String::new();
        top(&mut text, digest);
        counts(&mut text, digest);
        causes(&mut text, "Errors", &digest.causes());
        warnings(&mut text, digest);
        if !self.listed.is_empty() {
            text.push_str("\n## Orgs that need attention\n\n");
            let mut table =
                Table::begin(&mut text, &["line:", "org", "status", "code", "message", "what to do"]);
            for row in &self.listed {
                table.row(row.clone());
            }
            let more = self.troubled - self.listed.len() as u64;
            if more > 0 {
                let tables = parts(done.iter().map(WholeFile::file_name), "results.csv").join("`, `");
                let _ = writeln!(text, "\nand {} more: see `{tables}`.", orgs(more));
            }
        }
        text.push_str("\n## Facts\n\n");
        for (name, value) in digest.facts() {
            let _ = writeln!(text, "- {name}: {}", code(&value));
        }
        self.file.write_all(text.as_bytes())?;
        done.push(self.file);
        Ok(())
    }
}

fn top(text: &mut String, digest: &RunDigest) {
    let _ = writeln!(text, "# {}\n", digest.title());
    for allowance in &digest.allowances {
        let _ = writeln!(text, "**{}**\n", allowance.render(whole_code));
    }
    let _ = writeln!(text, "{}.  ", digest.speed());
    if let Some(stopped) = digest.stopped() {
        let _ = writeln!(text, "{}.  ", stopped.render(whole_code));
    }
    if let Some(command) = digest.default_command() {
        let _ = writeln!(text, "\nNext: {}", whole_code(&command));
    }
}

fn counts(text: &mut String, digest: &RunDigest) {
    text.push('\n');
    let mut table = Table::begin(text, &["orgs:", "status", "meaning"]);
    for (status, number) in digest.counts.iter().filter(|(_, number)| *number > 0) {
        table.row([count(number), status.to_string(), status_words(status).0.to_owned()]);
    }
    let waves: Vec<_> = digest.waves.iter().filter(|(wave, _)| **wave > 0).collect();
    if waves.len() > 1 {
        text.push('\n');
        let mut table = Table::begin(text, &["wave:", "orgs:", "applied:", "with warnings:", "other:"]);
        for (wave, counts) in waves {
            let (good, warned) = (counts.of(Status::Applied), counts.of(Status::AppliedWithWarnings));
            let other = counts.total() - good - warned;
            table.row([wave.to_string(), count(counts.total()), count(good), count(warned), count(other)]);
        }
    }
}

fn warnings(text: &mut String, digest: &RunDigest) {
    let warnings = &digest.warnings;
    if warnings.lists().next().is_none() && warnings.texts.is_empty() {
        return;
    }
    text.push_str("\n## Warnings of the vendor\n\n");
    for (Confession { words, advice, .. }, finding) in warnings.lists() {
        let first = &finding.examples[0];
        let (orgs, items) = (orgs(finding.orgs), code(&first.detail));
        let _ =
            writeln!(text, "- {orgs} with {words}, e.g. {}: {items}. Do: {}", example(first), own(advice));
    }
    for (said, finding) in &warnings.texts {
        let (orgs, first) = (orgs(finding.orgs), example(&finding.examples[0]));
        let _ =
            writeln!(text, "- {orgs}: {}, e.g. {first}. Do: {}", code(said), own(warnings.todo_of_texts()));
    }
}
