//! What is wrong with an input: one value a finding, handed on as it is found.
//!
//! A file may hold a million mistakes, so nothing here keeps them: each goes to the caller's sink and is
//! counted. Within a file they come in line order. A problem never quotes a cell of a secret's column, and what
//! it quotes is cleaned of control and direction marks and cut.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::code::Code;
use crate::legible::{Legible, one_line};

/// How much of a cell a problem quotes, in characters.
const QUOTED: usize = 60;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing will be planned.
    Error,
    /// It works, but a person should look.
    Warning,
    /// A choice that was made for the user.
    Note,
}

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its code; the page of the code says more.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The file, as the caller named it.
    #[serde(serialize_with = "as_text")]
    pub file: Arc<str>,
    /// The physical line, the header's being 1; none for a file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The cell's place in its row, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The column's name, or the key of a rollout file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// The org of the row, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<Box<str>>,
    /// What should have been there.
    pub expected: Cow<'static, str>,
    /// What was there; empty where it may not be shown.
    pub found: Cow<'static, str>,
}

impl Problem {
    /// A problem of a file as a whole; its severity follows from the code.
    pub fn new(
        code: Code,
        file: &Arc<str>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Self {
        let severity = match code {
            Code::FileUtf16 => Severity::Note,
            code if code.as_str().starts_with("W-") => Severity::Warning,
            _ => Severity::Error,
        };
        Self {
            code,
            severity,
            file: Arc::clone(file),
            line: None,
            column: None,
            name: None,
            org: None,
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// At this line.
    #[must_use]
    pub fn at(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// In the cell of this column; `index` counts from 0.
    #[must_use]
    pub fn in_column(mut self, index: usize, name: &str) -> Self {
        self.column = Some(index + 1);
        self.name = (!name.is_empty()).then(|| clean(name).into());
        self
    }

    /// Under this key of a rollout file.
    #[must_use]
    pub fn under(mut self, key: &str) -> Self {
        self.name = Some(clean(key).into());
        self
    }

    /// In the row of this org.
    #[must_use]
    pub fn of(mut self, org: Option<&str>) -> Self {
        self.org = org.map(Into::into);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A file's name may hold line breaks, too.
        f.write_str(&one_line(&self.line_of_text()?))
    }
}

impl Problem {
    fn line_of_text(&self) -> Result<String, fmt::Error> {
        let mut line = String::new();
        let f = &mut line;
        f.push_str(&self.file);
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.code)?;
        match (&self.name, self.column) {
            (Some(name), _) => write!(f, " {name}")?,
            (None, Some(column)) => write!(f, " column {column}")?,
            (None, None) => {}
        }
        if let Some(org) = &self.org {
            write!(f, " (org {org})")?;
        }
        write!(f, ": expected {}", self.expected)?;
        if !self.found.is_empty() {
            write!(f, ", found {}", self.found)?;
        }
        Ok(line)
    }
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// Takes problems in as they are found: hands each to a sink, and counts.
pub struct Problems<'sink> {
    sink: &'sink mut dyn FnMut(Problem),
    counts: [u64; 3],
}

impl<'sink> Problems<'sink> {
    /// Hands every problem to `sink`, in the order of the files and, within a file, of its lines.
    pub fn new(sink: &'sink mut dyn FnMut(Problem)) -> Self {
        Self { sink, counts: [0; 3] }
    }

    /// One more.
    pub fn report(&mut self, problem: Problem) {
        self.counts[problem.severity as usize] += 1;
        (self.sink)(problem);
    }

    /// How many there were of a severity.
    pub const fn count(&self, severity: Severity) -> u64 {
        self.counts[severity as usize]
    }

    /// How many errors there were: with any, nothing may be planned.
    pub const fn errors(&self) -> u64 {
        self.count(Severity::Error)
    }
}

impl fmt::Debug for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problems").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// A cell as a problem may show it: in quotes, cleaned, cut.
pub fn quote(text: &str) -> String {
    format!("\"{}\"", clean(text))
}

/// What may reach a terminal: legible, and not too much of it.
fn clean(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == QUOTED {
            shown.push('…');
            break;
        }
        let _ = write!(shown, "{}", Legible(c));
    }
    shown
}

/// Marks that can't be seen and change how their neighbours look: directions, and widths of zero.
pub(crate) const fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{061C}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_where_what_was_expected_and_what_was_found() {
        let problem = Problem::new(Code::CellBool, &"orgs.csv".into(), "true or false", quote("yes"))
            .at(17)
            .in_column(3, "saveClips")
            .of(Some("AAAAAAAAAAAAAAAAAAAAAA"));
        assert_eq!(
            problem.to_string(),
            "orgs.csv:17: E-CELL-003 saveClips (org AAAAAAAAAAAAAAAAAAAAAA): expected true or false, found \"yes\""
        );
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["column"], 4);
        assert_eq!(json["severity"], "error");
    }

    #[test]
    fn what_is_quoted_is_clean_and_short() {
        assert_eq!(quote("a\u{1b}[31m\nb\u{202e}c"), "\"a<U+001B>[31m<U+000A>b<U+202E>c\"");
        assert_eq!(quote(&"x".repeat(1000)).chars().count(), QUOTED + 3);
    }

    #[test]
    fn every_problem_is_handed_on_and_counted() {
        let mut seen = 0;
        let mut sink = |_| seen += 1;
        let mut problems = Problems::new(&mut sink);
        for code in [Code::FileEmpty, Code::FileUtf16, Code::CellCanonical] {
            problems.report(Problem::new(code, &"f".into(), "", ""));
        }
        assert_eq!(
            [Severity::Error, Severity::Warning, Severity::Note].map(|severity| problems.count(severity)),
            [1, 1, 1]
        );
        assert_eq!(seen, 3);
    }
}
