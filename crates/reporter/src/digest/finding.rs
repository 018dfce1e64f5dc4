//! Something that several orgs have in common, with the first of them.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use orgwave_core::code::Code;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operations;

use crate::advice::advice;
use crate::stage::Stage;
use crate::terminal::{cut, orgs};

/// This many orgs are kept of each finding.
const KEPT: usize = 10;

/// An org as a report points at it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Example {
    pub(crate) line: u64,
    pub(crate) org: Option<Ruuid>,
    /// May be empty.
    pub(crate) name: String,
    /// What it is about, in words that may be foreign text; may be empty.
    pub(crate) detail: String,
}

impl Example {
    /// Its name, or its id if it has none.
    pub(crate) fn called(&self) -> &str {
        let id = self.org.as_ref().map_or("", Ruuid::as_str);
        if self.name.trim().is_empty() { id } else { &self.name }
    }

    /// `line 7, Acme`: as short as it can be found by.
    pub(crate) fn place(&self) -> String {
        format!("line {}, {}", self.line, cut(self.called(), 80))
    }
}

/// How many orgs it is about, and the first of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Finding {
    pub(crate) orgs: u64,
    pub(crate) examples: Vec<Example>,
}

impl Finding {
    /// Takes an org in.
    pub(crate) fn add(&mut self, example: impl FnOnce() -> Example) {
        self.orgs += 1;
        if self.examples.len() < KEPT {
            self.examples.push(example());
        }
    }

    /// How many orgs there are beside these examples, if any.
    pub(crate) fn more(&self, shown: usize) -> Option<String> {
        let more = self.orgs.checked_sub(shown as u64).filter(|more| *more > 0)?;
        Some(format!("and {} more", orgs(more)))
    }
}

/// Why orgs failed, and what to do about it.
pub(crate) struct Cause<'a> {
    pub(crate) code: Code,
    pub(crate) todo: Cow<'static, str>,
    pub(crate) finding: &'a Finding,
}

impl<'a> Cause<'a> {
    /// The causes with the most orgs first.
    pub(crate) fn all(
        codes: &'a BTreeMap<Code, Finding>,
        stage: Stage,
        operations: &Operations,
    ) -> Vec<Self> {
        // A code may be of orgs with different operations.
        let title = if operations.are_several() { "the integration" } else { &operations.first().title };
        let of = |code, finding| Self { code, todo: advice(code, stage, title), finding };
        let mut causes: Vec<_> = codes.iter().map(|(code, finding)| of(*code, finding)).collect();
        causes.sort_by_key(|cause| Reverse(cause.finding.orgs));
        causes
    }

    /// The first org with it.
    pub(crate) fn example(&self) -> &'a Example {
        &self.finding.examples[0]
    }
}
