//! The TOML that names a rollout's files, its defaults for every org, and its limits.
//!
//! Limits are kept as they are written: their names are handed in, and what each may be is for the binary to say, which has
//! flags beside them. Paths of files are texts: against which folder they are resolved is the binary's business too.
//!
//! * `parser`: the tables of the file, and what may be in each.
//! * `settings`: what a value of `[settings]`, `[operation.*]` and `[group.*]` sets.
//! * `toml_value`: TOML values as texts, as JSON, and as messages show them.

mod parser;
mod settings;
#[cfg(test)]
mod tests;
mod toml_value;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use toml::de::DeTable;

use self::parser::{NO_ORGS, Parser, is_ours};
use self::toml_value::line_of;
use super::defaults::Defaults;
use super::problem::{Problem, Problems};
use crate::code::Code;
use crate::operation::{Catalog, Operation, SideTable};

/// A rollout file. Of one with errors, all that could be read, so that its manifest can be checked too.
#[derive(Debug, Clone)]
pub struct RolloutFile {
    /// The operation of columns without a prefix.
    pub operation: Arc<Operation>,
    /// The manifest's path.
    pub orgs: Option<String>,
    /// The side tables: by operation in the order in which the file names them, then by name.
    pub sides: Vec<SideFile>,
    /// `[connection] region`: which region the rollout is for.
    pub region: Option<String>,
    /// `[settings]`, `[operation.*]` and `[group.*]`.
    pub defaults: Defaults,
    /// `[limits]`, by their names.
    pub limits: BTreeMap<String, Limit>,
    /// `[sandbox]`, as the sandbox reads it.
    pub sandbox: Option<Value>,
}

/// A side table as the file names it.
#[derive(Debug, Clone)]
pub struct SideFile {
    /// What it is about.
    pub operation: Arc<Operation>,
    /// Which table.
    pub table: Arc<SideTable>,
    /// Its key: `doors`, or `operation.toast.restaurants`.
    pub key: String,
    /// Its path.
    pub path: String,
}

/// A limit as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The line of the rollout file.
    pub line: u64,
    /// `true` or `false`, a text (a whole number is the text of its digits), or a list of texts; of anything else, what it
    /// is.
    pub value: Result<Value, String>,
}

impl RolloutFile {
    /// Reads a rollout file of these operations, whose `[limits]` may have these names, reporting every problem in
    /// line order.
    pub fn parse(
        catalog: &Catalog,
        name: &str,
        bytes: &[u8],
        limits: &[&str],
        problems: &mut Problems<'_>,
    ) -> Self {
        let file: Arc<str> = name.into();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(error) => {
                let line = line_of(bytes, error.valid_up_to());
                let problem =
                    Problem::new(Code::RollSyntax, &file, "TOML in UTF-8", "bytes that are not UTF-8");
                problems.report(problem.at(line));
                return Self::of(catalog);
            }
        };
        let mut parser = Parser::new(catalog, file, text, limits);
        let (document, errors) = DeTable::parse_recoverable(text);
        // A file of secrets is TOML too: nothing of a file is quoted that has no table of ours.
        if !document.get_ref().iter().any(|(key, value)| is_ours(key.get_ref(), value.get_ref())) {
            let span = errors.first().and_then(toml::de::Error::span).unwrap_or(0..0);
            parser.report(Code::RollOrgs, span, "", NO_ORGS, "no such table");
        } else if errors.is_empty() {
            parser.read(document.get_ref());
        } else {
            for error in &errors {
                // Its own display quotes the line, which may hold what was meant to be a secret.
                let message = error.message().to_owned();
                parser.report(Code::RollSyntax, error.span().unwrap_or(0..0), "", "TOML", message);
            }
        }
        parser.finish(problems)
    }

    /// One that says nothing.
    fn of(catalog: &Catalog) -> Self {
        Self {
            operation: catalog.default_one().clone(),
            orgs: None,
            sides: Vec::new(),
            region: None,
            defaults: Defaults::default(),
            limits: BTreeMap::new(),
            sandbox: None,
        }
    }

    /// The place of an operation among those that it names.
    fn place(&self, operation: &Operation) -> Option<usize> {
        self.defaults.operations.iter().position(|known| known.name == operation.name)
    }
}
