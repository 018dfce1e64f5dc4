//! How the problems of inputs are reported.
//!
//! For programs each is an object. For people many problems of one column are one: a column that is wrong in 600 rows
//! is one mistake, so its first problem is shown with the lines of all.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use orgwave_core::code::Code;
use orgwave_core::manifest::{Problem, Severity};
use orgwave_reporter::terminal::several;

use crate::console;

/// Problems that are shown on a terminal before they are only counted.
const SHOWN: usize = 1_000;
/// This many problems of a kind are shown one by one; with more, they are shown as one.
const SEPARATE: usize = 5;
/// Ranges of lines that are listed.
const RANGES: usize = 8;

/// How problems are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemFormat {
    /// One a line on stderr, the first thousand, those of one kind together.
    Text,
    /// One JSON object a line on stdout, all.
    Json,
}

/// The problems so far, in the order of the files and of their lines.
pub struct ProblemReport {
    format: ProblemFormat,
    /// What may be shown, each with its kind.
    kept: Vec<(Problem, Option<usize>)>,
    kinds: Vec<Kind>,
    by_key: HashMap<Key, usize>,
    errors: u64,
    warnings: u64,
}

/// The file, the code, the column and what was expected there, which problems of a kind share.
type Key = (Arc<str>, Code, Option<usize>, String);

/// What is known of all problems of a kind.
#[derive(Default)]
struct Kind {
    rows: usize,
    lines: Vec<(u64, u64)>,
}

impl Kind {
    fn add(&mut self, line: u64) {
        self.rows += 1;
        // One range more than is listed says that there are more.
        let is_full = self.lines.len() > RANGES;
        match self.lines.last_mut() {
            Some((_, last)) if *last == line || *last + 1 == line => *last = line,
            _ if is_full => {}
            _ => self.lines.push((line, line)),
        }
    }

    fn is_many(&self) -> bool {
        self.rows > SEPARATE
    }

    /// `600 rows: lines 2-601`.
    fn in_words(&self) -> String {
        let range = |(first, last): &(u64, u64)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        let mut text = format!("{}: lines ", several(self.rows as u64, "row", "rows"));
        let ranges: Vec<String> = self.lines.iter().take(RANGES).map(range).collect();
        let more = if self.lines.len() > RANGES { ", ..." } else { "" };
        let _ = write!(text, "{}{more}", ranges.join(", "));
        text
    }
}

/// What problems have in common that are shown as one; none for those that each say something else.
fn key(problem: &Problem) -> Option<Key> {
    let is_of_a_column = problem.column.is_some() || problem.code == Code::RowRagged;
    let says_something_else = matches!(problem.code, Code::RowDuplicate | Code::SideTwice | Code::SideClash);
    // What is in brackets is about the one cell.
    let expected = problem.expected.split(" (").next().unwrap_or_default().to_owned();
    (is_of_a_column && !says_something_else)
        .then(|| (Arc::clone(&problem.file), problem.code, problem.column, expected))
}

impl ProblemReport {
    pub fn new(format: ProblemFormat) -> Self {
        Self { format, kept: Vec::new(), kinds: Vec::new(), by_key: HashMap::new(), errors: 0, warnings: 0 }
    }

    /// Takes the next problem in.
    pub fn add(&mut self, problem: Problem) {
        if self.format == ProblemFormat::Json {
            console::event("problem", &problem);
            self.count(problem.severity);
            return;
        }
        let kind = key(&problem).map(|key| {
            *self.by_key.entry(key).or_insert_with(|| {
                self.kinds.push(Kind::default());
                self.kinds.len() - 1
            })
        });
        if let Some(kind) = kind.and_then(|kind| self.kinds.get_mut(kind)) {
            kind.add(problem.line.unwrap_or(0));
        }
        let rows = kind.map_or(1, |kind| self.kinds[kind].rows);
        match rows.cmp(&(SEPARATE + 1)) {
            std::cmp::Ordering::Less => self.count(problem.severity),
            // From here on all of them are one.
            std::cmp::Ordering::Equal => self.uncount(problem.severity),
            std::cmp::Ordering::Greater => {}
        }
        if rows <= SEPARATE && self.kept.len() < SHOWN * SEPARATE {
            self.kept.push((problem, kind));
        }
    }

    fn count(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => {}
        }
    }

    fn uncount(&mut self, severity: Severity) {
        let counted = (SEPARATE - 1) as u64;
        match severity {
            Severity::Error => self.errors -= counted,
            Severity::Warning => self.warnings -= counted,
            Severity::Note => {}
        }
    }

    /// Shows what is to be shown at the end, and counts.
    pub fn print(&mut self) {
        let (lines, shown) = self.lines();
        console::note(&lines);
        if self.errors + self.warnings == 0 {
            return;
        }
        let all = self.errors + self.warnings;
        let more = if self.format == ProblemFormat::Text && shown == SHOWN && all > SHOWN as u64 {
            ", the first 1,000 problems shown"
        } else {
            ""
        };
        console::note(&format!(
            "{}, {}{more}; `orgwave explain CODE` says more\n",
            several(self.errors, "error", "errors"),
            several(self.warnings, "warning", "warnings"),
        ));
    }

    /// The problems as people read them, and how many they are.
    fn lines(&self) -> (String, usize) {
        let mut text = String::new();
        let mut shown = vec![false; self.kinds.len()];
        let mut lines = 0;
        for (problem, kind) in &self.kept {
            if lines == SHOWN {
                break;
            }
            match kind.filter(|kind| self.kinds[*kind].is_many()) {
                Some(kind) if shown[kind] => continue,
                Some(kind) => {
                    shown[kind] = true;
                    let _ = writeln!(text, "{problem} ({})", self.kinds[kind].in_words());
                }
                None => {
                    let _ = writeln!(text, "{problem}");
                }
            }
            lines += 1;
        }
        (text, lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: Code, line: u64, column: usize) -> Problem {
        Problem::new(code, &"orgs.csv".into(), "true", "\"x\"").at(line).in_column(column, "c")
    }

    fn reported(problems: impl IntoIterator<Item = Problem>) -> (Vec<String>, u64) {
        let mut report = ProblemReport::new(ProblemFormat::Text);
        for problem in problems {
            report.add(problem);
        }
        (report.lines().0.lines().map(str::to_owned).collect(), report.errors)
    }

    #[test]
    fn a_wrong_column_is_one_error_with_its_rows_counted() {
        let (lines, errors) = reported((2..602).map(|line| problem(Code::CellBool, line, 1)));
        assert_eq!(lines, ["orgs.csv:2: E-CELL-003 c: expected true, found \"x\" (600 rows: lines 2-601)"]);
        assert_eq!(errors, 1);
        let (lines, errors) = reported((1..50).map(|line| problem(Code::CellBool, 2 * line, 1)));
        assert!(lines[0].ends_with("(49 rows: lines 2, 4, 6, 8, 10, 12, 14, 16, ...)"), "{lines:?}");
        assert_eq!((lines.len(), errors), (1, 1));
        let (lines, _) = reported((2..12_002).map(|line| problem(Code::CellBool, line, 1)));
        assert!(lines[0].ends_with("(12,000 rows: lines 2-12001)"), "{lines:?}");
    }

    #[test]
    fn few_problems_of_a_kind_are_shown_singly_in_line_order() {
        let few = || (2..7).flat_map(|line| [1, 2].map(|column| problem(Code::CellBool, line, column)));
        let (lines, errors) = reported(few());
        assert_eq!((lines.len(), errors), (10, 10));
        let (lines, errors) =
            reported(few().chain([problem(Code::CellBool, 7, 1), problem(Code::CellId, 8, 3)]));
        assert_eq!((lines.len(), errors), (7, 7));
        assert!(lines[0].contains("lines 2-7") && lines[6].starts_with("orgs.csv:8: "), "{lines:?}");
    }

    #[test]
    fn what_says_something_else_each_time_is_shown_up_to_a_thousand() {
        let (lines, errors) = reported((2..1502).map(|line| problem(Code::RowDuplicate, line, 0)));
        assert_eq!((lines.len(), errors), (SHOWN, 1500));
    }
}
