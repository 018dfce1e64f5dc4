//! Findings as an HTML page shows them.

use crate::digest::{Cause, Finding};
use crate::terminal::{clean, cut, orgs};

/// Why orgs failed, with one of them.
pub(crate) struct CauseCard {
    pub(crate) orgs: String,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) todo: String,
    pub(crate) example: String,
    pub(crate) message: String,
}

impl CauseCard {
    pub(crate) fn all(causes: Vec<Cause<'_>>) -> Vec<Self> {
        let card = |cause: Cause<'_>| Self {
            orgs: orgs(cause.finding.orgs),
            code: cause.code.as_str(),
            title: cause.code.title(),
            example: cause.example().place(),
            message: cut(&cause.example().detail, 300),
            todo: cause.todo.into_owned(),
        };
        causes.into_iter().map(card).collect()
    }
}

/// Something to know, with the first orgs that it is about.
pub(crate) struct Card {
    pub(crate) orgs: String,
    pub(crate) what: String,
    pub(crate) todo: String,
    pub(crate) examples: Vec<ExampleRow>,
    pub(crate) more: Option<String>,
}

pub(crate) struct ExampleRow {
    pub(crate) line: u64,
    pub(crate) name: String,
    pub(crate) detail: String,
}

impl Card {
    pub(crate) fn of(what: impl Into<String>, todo: &str, finding: &Finding) -> Self {
        let row = |example: &crate::digest::Example| ExampleRow {
            line: example.line,
            name: clean(&cut(example.called(), 80)).into_owned(),
            detail: cut(&example.detail, 300),
        };
        Self {
            orgs: orgs(finding.orgs),
            what: what.into(),
            todo: todo.to_owned(),
            examples: finding.examples.iter().map(row).collect(),
            more: finding.more(finding.examples.len()),
        }
    }
}
