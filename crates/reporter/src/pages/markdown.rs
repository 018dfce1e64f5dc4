//! Markdown that stays what it is, whatever texts are put into it.
//!
//! Foreign texts are in code spans: there no markup, no link, no `@mention` and no entity is read. Long ones
//! are cut: the whole is in the CSV.

use std::fmt::Write as _;

use orgwave_core::legible::without_commands;

use crate::digest::{Cause, Example, Finding};
use crate::terminal::{clean, count, cut};

/// As much of a foreign text as a line bears.
const LONGEST: usize = 120;

/// A foreign text, as a code span that may be in a table's cell and anywhere else.
pub(crate) fn code(text: &str) -> String {
    whole_code(&cut(text, LONGEST))
}

/// The same, never cut: a command, or what stopped a run. A page is also printed to a job's log.
pub(crate) fn whole_code(text: &str) -> String {
    let text = clean(text);
    let text = without_commands(text.trim());
    if text.is_empty() {
        return String::new();
    }
    // A cell ends at any bare bar, even in code; a bar that looks like one ends it nowhere.
    let text = text.replace('|', "\u{2758}");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest > 0 { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

/// Words of ours, or of a description: angle brackets in them are no HTML. Whatever else is put into a page is [`code`].
pub(crate) fn own(text: &str) -> String {
    text.replace('<', "\\<").replace('|', "\\|").replace('*', "\\*")
}

/// A table.
pub(crate) struct Table<'a> {
    out: &'a mut String,
}

impl<'a> Table<'a> {
    /// Begins one; a head that ends in `:` is of a column of numbers.
    pub(crate) fn begin(out: &'a mut String, heads: &[&str]) -> Self {
        let mut table = Self { out };
        table.row(heads.iter().map(|head| head.trim_end_matches(':').to_owned()));
        table.row(heads.iter().map(|head| if head.ends_with(':') { "--:" } else { "---" }.to_owned()));
        table
    }

    /// Adds a row; each cell is Markdown already.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        for cell in cells {
            let _ = write!(self.out, "| {cell} ");
        }
        self.out.push_str("|\n");
    }
}

/// An org, by its line and its name or id.
pub(crate) fn example(example: &Example) -> String {
    format!("line {}, {}", example.line, code(example.called()))
}

/// The first orgs of a finding, as a list in a list.
pub(crate) fn examples(out: &mut String, finding: &Finding) {
    for org in &finding.examples {
        let _ = writeln!(out, "  - {}: {}", example(org), code(&org.detail));
    }
    if let Some(more) = finding.more(finding.examples.len()) {
        let _ = writeln!(out, "  - {more}");
    }
}

/// Why orgs failed, as a section.
pub(crate) fn causes(out: &mut String, title: &str, causes: &[Cause<'_>]) {
    if causes.is_empty() {
        return;
    }
    let _ = write!(out, "\n## {title}\n\n");
    let mut table = Table::begin(out, &["orgs:", "code", "cause", "what to do", "for example"]);
    for cause in causes {
        table.row([
            count(cause.finding.orgs),
            cause.code.to_string(),
            own(cause.code.title()),
            own(&cause.todo),
            format!("{}: {}", example(cause.example()), code(&cause.example().detail)),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_stay_in_their_span() {
        for (text, span) in [
            ("Zoë GmbH", "`Zoë GmbH`"),
            ("", ""),
            ("a|b", "`a❘b`"),
            ("``x`", "``` ``x` ```"),
            ("##vso[task.complete]", "`#<U+0023>vso[task.complete]`"),
            ("two\nlines", "`two lines`"),
            ("<script>alert(1)</script> @all #1", "`<script>alert(1)</script> @all #1`"),
        ] {
            assert_eq!(code(text), span);
        }
        assert!(code(&"x".repeat(300)).chars().count() < 130);
    }
}
