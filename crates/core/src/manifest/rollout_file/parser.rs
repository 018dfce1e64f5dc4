//! The tables of a rollout file, and what may be in each.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::toml_value::{Item, Key, argument, json_table, line_of, shown};
use super::{Limit, RolloutFile, SideFile};
use crate::code::Code;
use crate::manifest::problem::{Problem, Problems, quote};
use crate::operation::{Catalog, Operation, SideTable, nearest};

const TABLES: [&str; 7] = ["rollout", "connection", "settings", "operation", "group", "limits", "sandbox"];

/// Those that prove a rollout file: other files have groups too.
const OURS: [&str; 5] = ["rollout", "connection", "settings", "limits", "sandbox"];

/// The vendor's regions, which a rollout may assert and never chooses.
const REGIONS: [&str; 2] = ["us", "eu"];

/// The key of `[limits]` that is read here: what the canary's read-back ignores.
const IGNORE: &str = "ignore";

/// What every rollout file has.
pub(super) const NO_ORGS: &str = "orgs = \"...\" in [rollout], the manifest's path";

pub(super) struct Parser<'t> {
    catalog: &'t Catalog,
    file: Arc<str>,
    text: &'t str,
    limits: &'t [&'t str],
    found: Vec<Problem>,
    named: Vec<Named>,
    pub(super) rollout: RolloutFile,
}

/// An operation that is named. It has its place where that is for the first time, if anything is set of it.
struct Named {
    at: usize,
    operation: Arc<Operation>,
    sets: bool,
}

impl<'t> Parser<'t> {
    pub(super) fn new(catalog: &'t Catalog, file: Arc<str>, text: &'t str, limits: &'t [&'t str]) -> Self {
        let rollout = RolloutFile::of(catalog);
        Self { catalog, file, text, limits, found: Vec::new(), named: Vec::new(), rollout }
    }

    /// What was read, with its operations in their order; its problems are reported in line order.
    pub(super) fn finish(self, problems: &mut Problems<'_>) -> RolloutFile {
        let Parser { mut found, mut named, mut rollout, .. } = self;
        named.sort_by_key(|named| named.at);
        let set: HashSet<&str> =
            named.iter().filter(|named| named.sets).map(|named| &*named.operation.name).collect();
        for Named { operation, .. } in named.iter().filter(|named| set.contains(&*named.operation.name)) {
            if rollout.place(operation).is_none() {
                rollout.defaults.operations.push(operation.clone());
            }
        }
        let mut sides = std::mem::take(&mut rollout.sides);
        sides.sort_by_key(|side| (rollout.place(&side.operation), side.table.name.clone()));
        rollout.sides = sides;
        found.sort_by_key(|problem| problem.line);
        for problem in found {
            problems.report(problem);
        }
        rollout
    }

    pub(super) fn report(
        &mut self,
        code: Code,
        span: Range<usize>,
        key: &str,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) {
        let problem =
            Problem::new(code, &self.file, expected, found).at(line_of(self.text.as_bytes(), span.start));
        self.found.push(if key.is_empty() { problem } else { problem.under(key) });
    }

    pub(super) fn unknown(&mut self, key: &Key<'_>, table: &str, known: &[&str]) {
        let name = key.get_ref();
        let shown = quote(name);
        let found = nearest(name, known.iter().copied())
            .map_or(shown.clone(), |near| format!("{shown}; did you mean {near}?"));
        let whose = if table.is_empty() {
            "a table of a rollout file".to_owned()
        } else {
            format!("a key of [{table}]")
        };
        self.report(Code::RollUnknown, key.span(), "", format!("{whose}: {}", known.join(", ")), found);
    }

    pub(super) fn read(&mut self, document: &DeTable<'_>) {
        // It says what the other tables are about.
        if let Some(DeValue::Table(rollout)) = document.get("rollout").map(Spanned::get_ref)
            && let Some(operation) = rollout.get("operation")
        {
            self.read_operation(operation);
        }
        for (key, value) in document {
            if !TABLES.contains(&key.get_ref().as_ref()) {
                self.unknown(key, "", &TABLES);
                continue;
            }
            let Some(table) = self.table(key, value, "") else { continue };
            match key.get_ref().as_ref() {
                "rollout" => self.read_files(table),
                "connection" => self.read_connection(table),
                "settings" => self.read_default_settings(table),
                "operation" => self.read_operations(table),
                "group" => self.read_groups(table),
                "limits" => self.read_limits(table),
                _ => self.rollout.sandbox = Some(json_table(table)),
            }
        }
        if self.rollout.orgs.is_none()
            && !self.found.iter().any(|problem| problem.name.as_deref() == Some("orgs"))
        {
            self.report(Code::RollOrgs, 0..0, "", NO_ORGS, "none");
        }
    }

    /// The table of a key, below these others.
    pub(super) fn table<'v>(
        &mut self,
        key: &Key<'_>,
        value: &'v Item<'_>,
        above: &str,
    ) -> Option<&'v DeTable<'v>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        let name = [above, key.get_ref()].concat();
        self.report(
            Code::RollValue,
            key.span(),
            &name,
            format!("a table: [{name}]"),
            value.get_ref().type_str(),
        );
        None
    }

    pub(super) fn name(&mut self, key: &Key<'_>, operation: &Arc<Operation>, sets: bool) {
        self.named.push(Named { at: key.span().start, operation: operation.clone(), sets });
    }

    pub(super) fn keep_typed(&mut self, name: &str, table: Value) {
        self.rollout.defaults.typed.insert(name.to_owned(), table);
    }

    fn read_operation(&mut self, value: &Item<'_>) {
        match value.get_ref().as_str() {
            Some(name) => {
                if let Some(operation) = self.known(name, value.span(), "operation") {
                    self.rollout.operation = operation;
                }
            }
            None => {
                let found = shown(value);
                self.report(
                    Code::RollValue,
                    value.span(),
                    "operation",
                    "the name of an operation, in quotes",
                    found,
                );
            }
        }
    }

    /// The operation of this name; that there is none is reported.
    pub(super) fn known(&mut self, name: &str, span: Range<usize>, key: &str) -> Option<Arc<Operation>> {
        let known = self.catalog.get(name).cloned();
        if known.is_none() {
            let found = self
                .catalog
                .nearest(name)
                .map_or(quote(name), |near| format!("{}; did you mean {near}?", quote(name)));
            self.report(Code::RollOperation, span, key, "the name of an operation", found);
        }
        known
    }

    fn read_files(&mut self, table: &DeTable<'_>) {
        let operation = self.rollout.operation.clone();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if name == "orgs" {
                self.rollout.orgs = self.read_path(name, value);
            } else if let Some(side) = operation.table(name) {
                self.read_side(&operation, side, name, key, value);
            } else if name != "operation" {
                let tables = operation.tables.iter().map(|table| &*table.name);
                self.unknown(
                    key,
                    "rollout",
                    &["orgs", "operation"].into_iter().chain(tables).collect::<Vec<_>>(),
                );
            }
        }
    }

    pub(super) fn read_side(
        &mut self,
        operation: &Arc<Operation>,
        table: &Arc<SideTable>,
        name: &str,
        key: &Key<'_>,
        value: &Item<'_>,
    ) {
        let Some(path) = self.read_path(name, value) else { return };
        let is_same =
            |side: &SideFile| side.operation.name == operation.name && side.table.name == table.name;
        if let Some(other) = self.rollout.sides.iter().find(|side| is_same(side)) {
            let found = format!("{} and {}", other.key, name);
            self.report(Code::ColDuplicate, key.span(), name, "every side table once", found);
            return;
        }
        self.name(key, operation, true);
        self.rollout.sides.push(SideFile {
            operation: operation.clone(),
            table: table.clone(),
            key: name.to_owned(),
            path,
        });
    }

    /// The path of a table; that it is none is reported.
    fn read_path(&mut self, name: &str, value: &Item<'_>) -> Option<String> {
        let path = value.get_ref().as_str().filter(|path| !path.trim().is_empty());
        if path.is_none() {
            let found = shown(value);
            self.report(Code::RollValue, value.span(), name, "the path of a CSV file, in quotes", found);
        }
        path.map(ToOwned::to_owned)
    }

    fn read_connection(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            if key.get_ref() != "region" {
                self.unknown(key, "connection", &["region"]);
                continue;
            }
            match value.get_ref().as_str().filter(|region| REGIONS.contains(region)) {
                Some(region) => self.rollout.region = Some(region.to_owned()),
                None => {
                    let found = shown(value);
                    self.report(Code::RollValue, value.span(), "region", "\"us\" or \"eu\"", found);
                }
            }
        }
    }

    /// Whether all places of `ignore` can be; those that can't are reported.
    fn can_be_ignored(&mut self, limit: &Result<Value, String>, value: &Item<'_>) -> bool {
        let expected = "a list of undescribed fields or server state, such as [\"lastModifiedMillis\"]";
        let Ok(Value::Array(places)) = limit else {
            self.report(Code::RollValue, value.span(), IGNORE, expected, shown(value));
            return false;
        };
        let places = places.iter().filter_map(Value::as_str);
        let problems: Vec<_> =
            places.filter_map(|place| self.rollout.operation.ignored(place).err()).collect();
        for problem in &problems {
            self.report(Code::RollValue, value.span(), IGNORE, expected, problem.to_string());
        }
        problems.is_empty()
    }

    fn read_limits(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !self.limits.contains(&name) {
                self.unknown(key, "limits", self.limits);
                continue;
            }
            let limit = match value.get_ref() {
                DeValue::Boolean(flag) => Some(Value::Bool(*flag)),
                DeValue::Array(values) => {
                    let parts = values.iter().map(|value| argument(value.get_ref()).map(Value::String));
                    parts.collect::<Option<_>>().map(Value::Array)
                }
                value => argument(value).map(Value::String),
            };
            let limit = limit.ok_or_else(|| shown(value));
            if name == IGNORE && !self.can_be_ignored(&limit, value) {
                continue;
            }
            let line = line_of(self.text.as_bytes(), value.span().start);
            self.rollout.limits.insert(name.to_owned(), Limit { line, value: limit });
        }
    }
}

/// Whether this is a table of a rollout file, or would be without a typing error.
pub(super) fn is_ours(name: &str, value: &DeValue<'_>) -> bool {
    OURS.contains(&name) || (value.is_table() && nearest(name, OURS.into_iter()).is_some())
}
