//! The TOML that names a rollout's files, its defaults for every org, and its limits.
//!
//! Limits are kept as they are written: their names are handed in, and what each may be is for the binary to say, which has
//! flags beside them. Paths of files are texts: against which folder they are resolved is the binary's business too.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Number, Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::cell::{Cell, Refusal, read_setting, trim};
use super::columns::unsettable;
use super::defaults::{Defaults, Given};
use super::problem::{Problem, Problems, is_mark, quote};
use super::row::desired_value;
use crate::code::Code;
use crate::desired::DesiredValue;
use crate::operation::{Catalog, Kind, Operation, Path, SideTable, nearest};

const TABLES: [&str; 7] = ["rollout", "connection", "settings", "operation", "group", "limits", "sandbox"];

/// Those that prove a rollout file: other files have groups too.
const OURS: [&str; 5] = ["rollout", "connection", "settings", "limits", "sandbox"];

/// The vendor's regions, which a rollout may assert and never chooses.
const REGIONS: [&str; 2] = ["us", "eu"];

/// The key of `[limits]` that is read here: what the canary's read-back ignores.
const IGNORE: &str = "ignore";

/// What every rollout file has.
const NO_ORGS: &str = "orgs = \"...\" in [rollout], the manifest's path";

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
        let rollout = Self::of(catalog);
        let mut parser =
            Parser { catalog, file, text, limits, found: Vec::new(), named: Vec::new(), rollout };
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
        let Parser { mut found, mut named, mut rollout, .. } = parser;
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

struct Parser<'t> {
    catalog: &'t Catalog,
    file: Arc<str>,
    text: &'t str,
    limits: &'t [&'t str],
    found: Vec<Problem>,
    named: Vec<Named>,
    rollout: RolloutFile,
}

/// An operation that is named. It has its place where that is for the first time, if anything is set of it.
struct Named {
    at: usize,
    operation: Arc<Operation>,
    sets: bool,
}

/// What a table of settings is about.
struct Settings<'a> {
    /// The table's name.
    table: &'a str,
    operation: &'a Arc<Operation>,
    /// Whose rows; `None` for all.
    group: Option<&'a str>,
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Item<'a> = Spanned<DeValue<'a>>;

impl Parser<'_> {
    fn report(
        &mut self,
        code: Code,
        span: Range<usize>,
        key: &str,
        expected: impl Into<std::borrow::Cow<'static, str>>,
        found: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        let problem =
            Problem::new(code, &self.file, expected, found).at(line_of(self.text.as_bytes(), span.start));
        self.found.push(if key.is_empty() { problem } else { problem.under(key) });
    }

    fn unknown(&mut self, key: &Key<'_>, table: &str, known: &[&str]) {
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

    fn read(&mut self, document: &DeTable<'_>) {
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
                "settings" => {
                    let operation = self.rollout.operation.clone();
                    self.read_settings(
                        table,
                        &Settings { table: "settings", operation: &operation, group: None },
                    );
                    self.keep_typed("settings", json_table(table));
                }
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
    fn table<'v>(&mut self, key: &Key<'_>, value: &'v Item<'_>, above: &str) -> Option<&'v DeTable<'v>> {
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

    fn name(&mut self, key: &Key<'_>, operation: &Arc<Operation>, sets: bool) {
        self.named.push(Named { at: key.span().start, operation: operation.clone(), sets });
    }

    fn keep_typed(&mut self, name: &str, table: Value) {
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
    fn known(&mut self, name: &str, span: Range<usize>, key: &str) -> Option<Arc<Operation>> {
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

    /// `[operation.*]`: settings of each, and its side tables.
    fn read_operations(&mut self, operations: &DeTable<'_>) {
        let mut typed = serde_json::Map::new();
        for (name, value) in operations {
            let Some(operation) = self.known(name.get_ref(), name.span(), "") else { continue };
            let Some(table) = self.table(name, value, "operation.") else { continue };
            self.name(name, &operation, false);
            let whole = format!("operation.{}", operation.name);
            for (key, value) in table {
                let name = key.get_ref().as_ref();
                if name == "settings" {
                    let Some(settings) = self.table(key, value, &format!("{whole}.")) else { continue };
                    let of =
                        Settings { table: &format!("{whole}.settings"), operation: &operation, group: None };
                    self.read_settings(settings, &of);
                    typed.insert(operation.name.to_string(), json!({ "settings": json_table(settings) }));
                } else if let Some(side) = operation.table(name) {
                    self.read_side(&operation, side, &format!("{whole}.{name}"), key, value);
                } else {
                    let tables = operation.tables.iter().map(|table| &*table.name);
                    self.unknown(key, &whole, &["settings"].into_iter().chain(tables).collect::<Vec<_>>());
                }
            }
        }
        if !typed.is_empty() {
            self.keep_typed("operation", typed.into());
        }
    }

    /// `[group.*]`: settings of the rows that are in it, by operation.
    fn read_groups(&mut self, groups: &DeTable<'_>) {
        for (key, value) in groups {
            let name = key.get_ref().as_ref();
            if name.is_empty() || trim(name) != name || name.chars().any(|c| c.is_control() || is_mark(c)) {
                let expected = "the name of a group, without spaces around it or control, direction or zero-width characters";
                self.report(Code::RollValue, key.span(), "", expected, quote(name));
                continue;
            }
            self.rollout.defaults.groups.insert(name.into(), Vec::new());
            let Some(table) = self.table(key, value, "group.") else { continue };
            let whole = format!("group.{name}");
            for (key, value) in table {
                match key.get_ref().as_ref() {
                    "settings" => {
                        let operation = self.rollout.operation.clone();
                        self.read_group_settings(key, value, &whole, &operation, name);
                    }
                    "operation" => {
                        let whole = format!("{whole}.");
                        let Some(operations) = self.table(key, value, &whole) else { continue };
                        for (key, value) in operations {
                            let Some(operation) = self.known(key.get_ref(), key.span(), "") else { continue };
                            let Some(table) = self.table(key, value, &format!("{whole}operation.")) else {
                                continue;
                            };
                            let whole = format!("{whole}operation.{}", operation.name);
                            for (key, value) in table {
                                if key.get_ref() == "settings" {
                                    self.read_group_settings(key, value, &whole, &operation, name);
                                } else {
                                    self.unknown(key, &whole, &["settings"]);
                                }
                            }
                        }
                    }
                    _ => self.unknown(key, &whole, &["settings", "operation"]),
                }
            }
        }
        self.keep_typed("group", json_table(groups));
    }

    fn read_group_settings(
        &mut self,
        key: &Key<'_>,
        value: &Item<'_>,
        above: &str,
        operation: &Arc<Operation>,
        group: &str,
    ) {
        if let Some(table) = self.table(key, value, &format!("{above}.")) {
            let of = Settings { table: &format!("{above}.settings"), operation, group: Some(group) };
            self.read_settings(table, &of);
        }
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

    fn read_side(
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

    fn read_settings(&mut self, table: &DeTable<'_>, of: &Settings<'_>) {
        for (key, value) in table {
            self.read_setting(key.get_ref(), key, value, of);
        }
    }

    /// Reads the value at a path; a table holds those of an object's members.
    fn read_setting(&mut self, name: &str, key: &Key<'_>, value: &Item<'_>, of: &Settings<'_>) {
        let operation = of.operation;
        let Ok(path) = operation.path(name) else {
            let fields = operation.fields.iter();
            let known: Vec<&str> = fields
                .filter(|field| field.class.is_settable() && field.members().is_none())
                .map(|field| &*field.name)
                .collect();
            self.unknown(key, of.table, &known);
            return;
        };
        // A path into a map is known, but is no scalar for every org.
        if !path.keys().is_empty() {
            self.report(
                Code::RollScalar,
                key.span(),
                name,
                "a setting at the top: entries of maps have side tables",
                "a path into a map",
            );
            return;
        }
        if let (Kind::Object(_), DeValue::Table(members)) = (path.kind(), value.get_ref()) {
            for (key, value) in members {
                self.read_setting(&format!("{name}.{}", key.get_ref()), key, value, of);
            }
            return;
        }
        if let Some(class) = path.field().unsettable() {
            let found = format!("{name}, {}", unsettable(class));
            self.report(Code::ColUnsettable, key.span(), name, "a setting that a partner may set", found);
            return;
        }
        match read_default(operation, &path, value.get_ref()) {
            Ok(cell) => self.give(path, desired_value(cell), key, of),
            Err(refusal) => {
                let found = if path.field().is_secret() { String::new() } else { shown(value) };
                self.report(refusal.code, value.span(), name, refusal.expected, found);
            }
        }
    }

    /// Takes a value in, unless the same place has one already, under the other name of the default operation.
    fn give(&mut self, path: Path, desired: Option<DesiredValue>, key: &Key<'_>, of: &Settings<'_>) {
        let defaults = &mut self.rollout.defaults;
        let given = match of.group {
            None => &mut defaults.all,
            Some(group) => defaults.groups.entry(group.into()).or_default(),
        };
        if given.iter().any(|known| known.operation.name == of.operation.name && known.path == path) {
            let found = format!("a second {} of {}", path.text(), of.operation.name);
            self.report(Code::ColDuplicate, key.span(), &path.text(), "every setting once", found);
            return;
        }
        given.push(Given { operation: of.operation.clone(), path, desired });
        self.name(key, of.operation, true);
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
fn is_ours(name: &str, value: &DeValue<'_>) -> bool {
    OURS.contains(&name) || (value.is_table() && nearest(name, OURS.into_iter()).is_some())
}

fn read_default(operation: &Operation, path: &Path, value: &DeValue<'_>) -> Result<Cell, Refusal> {
    let field = path.field();
    let read = |text: &str| read_setting(operation, field, text);
    let may_be = match value {
        DeValue::Boolean(_) | DeValue::Integer(_) | DeValue::String(_) => true,
        DeValue::Float(_) => matches!(field.kind, Kind::Number),
        DeValue::Array(_) => matches!(field.kind, Kind::List { .. }),
        DeValue::Datetime(_) | DeValue::Table(_) => false,
    };
    if field.members().is_some() || !may_be {
        return Err(Refusal::new(
            Code::RollScalar,
            "one value, true, false, a whole number or a text: maps have side tables",
        ));
    }
    if field.is_secret() {
        return read(value.as_str().unwrap_or("no text"));
    }
    match (&field.kind, value) {
        (Kind::Bool, DeValue::Boolean(flag)) => Ok(Cell::Set(Value::Bool(*flag))),
        (Kind::Int32 | Kind::Int64 | Kind::Number, DeValue::Integer(_)) => {
            read(&argument(value).unwrap_or_default())
        }
        (Kind::Number, DeValue::Float(number)) => {
            let number = number.as_str().parse().ok().and_then(Number::from_f64);
            let refusal = || Refusal::new(Code::CellNumber, "a number that is finite");
            number.map(|number| Cell::Set(number.into())).ok_or_else(refusal)
        }
        (Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Number, DeValue::String(token))
            if token.trim_start().starts_with('<') =>
        {
            read(token)
        }
        (Kind::List { .. }, DeValue::Array(values)) => read(&list_cell(values)?),
        (Kind::Bool, _) => Err(Refusal::new(Code::CellBool, "true or false, without quotes, or \"<null>\"")),
        (Kind::Int32 | Kind::Int64, _) => {
            Err(Refusal::new(Code::CellNumber, "a whole number, without quotes, or \"<null>\""))
        }
        (Kind::Number, _) => Err(Refusal::new(Code::CellNumber, "a number, without quotes, or \"<null>\"")),
        (_, DeValue::String(text)) => match read(text)? {
            Cell::Blank => Err(Refusal::new(
                Code::RollValue,
                "a value, or \"<null>\" or \"<empty>\": a blank default does nothing",
            )),
            cell => Ok(cell),
        },
        _ => Err(Refusal::new(Code::RollValue, "a text, in quotes")),
    }
}

/// A list as the cell that holds the same.
fn list_cell(values: &[Item<'_>]) -> Result<String, Refusal> {
    if values.is_empty() {
        return Ok("<empty>".to_owned());
    }
    let element = |value: &Item<'_>| argument(value.get_ref()).filter(|text| !text.contains(';'));
    let elements: Option<Vec<String>> = values.iter().map(element).collect();
    // Behind a backslash no text is a token.
    elements.map(|elements| ["\\", &elements.join(";")].concat()).ok_or_else(|| {
        Refusal::new(Code::CellList, "a list of texts or whole numbers, none of them with a `;`")
    })
}

/// A text, or the digits of a whole number.
fn argument(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => integer(number).map(|number| number.to_string()),
        DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => None,
    }
}

fn integer(number: &toml::de::DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn shown(value: &Item<'_>) -> String {
    match value.get_ref() {
        DeValue::String(text) => quote(text),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Integer(number) => quote(number.as_str()).trim_matches('"').to_owned(),
        other => format!("a TOML {}", other.type_str()),
    }
}

fn json_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Integer(number) => integer(number).map_or(Value::Null, Value::from),
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(values) => values.iter().map(|value| json_value(value.get_ref())).collect(),
        DeValue::Table(table) => json_table(table),
    }
}

fn json_table(table: &DeTable<'_>) -> Value {
    table
        .iter()
        .map(|(key, value)| (key.get_ref().clone().into_owned(), json_value(value.get_ref())))
        .collect()
}

fn line_of(text: &[u8], at: usize) -> u64 {
    memchr::memchr_iter(b'\n', &text[..at.min(text.len())]).count() as u64 + 1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::desired::DesiredValue;

    fn parse(text: &str) -> (RolloutFile, Vec<(Code, u64)>) {
        let mut found = Vec::new();
        let mut sink = |problem: Problem| {
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
            found.push((problem.code, problem.line.unwrap_or(0)));
        };
        let rollout = RolloutFile::parse(
            &Catalog::built_in(),
            "rollout.toml",
            text.as_bytes(),
            &LIMITS,
            &mut Problems::new(&mut sink),
        );
        (rollout, found)
    }

    const LIMITS: [&str; 6] = ["concurrency", "ignore", "max_failures", "no_read", "rate", "waves"];

    const WHOLE: &str = r#"
[rollout]
orgs = "orgs.csv"
doors = "doors.csv"
[settings]
saveClips = true
enabled = "<null>"
indexFaces = "<keep>"
badgeFaceVerificationMode = "OFF"
apiToken = "<secret:T>"
[limits]
rate = "8/s"
concurrency = 16
no_read = true
waves = ["1", 5, "rest"]
[sandbox]
latency = "5ms"
seed = 7
faults = [{ org = 1, p = 0.5 }]
"#;

    #[test]
    fn all_that_may_stand_in_one() {
        let (rollout, found) = parse(WHOLE);
        assert_eq!(found, []);
        assert_eq!(rollout.orgs.as_deref(), Some("orgs.csv"));
        let sides = rollout.sides.iter().map(|side| (&*side.table.name, &*side.path)).collect::<Vec<_>>();
        assert_eq!(sides, [("doors", "doors.csv")]);
        let mut defaults: Vec<_> = rollout
            .defaults
            .all
            .iter()
            .filter_map(|given| Some((given.path.to_string(), given.desired.clone()?)))
            .collect();
        defaults.sort_by(|left, right| left.0.cmp(&right.0));
        assert_eq!(
            defaults,
            [
                ("apiToken".into(), DesiredValue::Secret("T".parse().unwrap())),
                ("badgeFaceVerificationMode".into(), DesiredValue::Set(json!("OFF"))),
                ("enabled".into(), DesiredValue::Set(json!(null))),
                ("saveClips".into(), DesiredValue::Set(json!(true))),
            ]
        );
        let limit = |name: &str| rollout.limits[name].value.clone();
        assert_eq!(limit("rate"), Ok(json!("8/s")));
        assert_eq!(limit("concurrency"), Ok(json!("16")));
        assert_eq!(limit("no_read"), Ok(json!(true)));
        assert_eq!(limit("waves"), Ok(json!(["1", "5", "rest"])));
        assert_eq!(rollout.limits["rate"].line, 12);
        assert_eq!(
            rollout.sandbox,
            Some(json!({"latency": "5ms", "seed": 7, "faults": [{"org": 1, "p": 0.5}]}))
        );
    }

    #[test]
    fn a_limit_that_is_none_is_kept_as_what_it_is() {
        let (rollout, found) = parse("[rollout]\norgs = \"a\"\n[limits]\nrate = 8.5\nwaves = [[1]]");
        assert_eq!(found, []);
        assert_eq!(rollout.limits["rate"], Limit { line: 4, value: Err("a TOML float".to_owned()) });
        assert_eq!(rollout.limits["waves"], Limit { line: 5, value: Err("a TOML array".to_owned()) });
    }

    #[test]
    fn what_may_not() {
        for (name, text, expected) in [
            ("no TOML", "[rollout]\norgs = \n", vec![(Code::RollSyntax, 2)]),
            ("a key twice", "[rollout]\norgs = \"a\"\norgs = \"b\"", vec![(Code::RollSyntax, 3)]),
            ("nothing", "", vec![(Code::RollOrgs, 1)]),
            ("no orgs", "[rollout]\ndoors = \"d.csv\"", vec![(Code::RollOrgs, 1)]),
            ("orgs is no text", "[rollout]\norgs = 5", vec![(Code::RollValue, 2)]),
            ("unknown table", "[rollout]\norgs = \"a\"\n[setings]\n", vec![(Code::RollUnknown, 3)]),
            ("unknown key", "[rollout]\norgs = \"a\"\ndoor = \"b\"", vec![(Code::RollUnknown, 3)]),
            (
                "unknown limit",
                "[rollout]\norgs = \"a\"\n[limits]\nrates = 1\nmax-failures = 1",
                vec![(Code::RollUnknown, 4), (Code::RollUnknown, 5)],
            ),
            (
                "what can't be ignored",
                "[rollout]\norgs = \"a\"\n[limits]\nignore = [\"saveClips\", \"new\", \"doorInfoMap\"]",
                vec![(Code::RollValue, 4), (Code::RollValue, 4)],
            ),
            (
                "what is ignored is a list",
                "[rollout]\norgs = \"a\"\n[limits]\nignore = \"new\"",
                vec![(Code::RollValue, 4)],
            ),
            (
                "unknown setting",
                "[rollout]\norgs = \"a\"\n[settings]\nsaveclips = true",
                vec![(Code::RollUnknown, 4)],
            ),
            (
                "server state",
                "[rollout]\norgs = \"a\"\n[settings]\ntokenValid = true",
                vec![(Code::ColUnsettable, 4)],
            ),
            (
                "a map",
                "[rollout]\norgs = \"a\"\n[settings]\ndoorInfoMap = \"<null>\"\nlocationInfoMap.k.locationName = \"x\"\n\"doorInfoMap.k\" = \"x\"",
                vec![(Code::RollScalar, 4), (Code::RollScalar, 5), (Code::RollScalar, 6)],
            ),
            (
                "values of other types",
                "[rollout]\norgs = \"a\"\n[settings]\nenabled = \"true\"\nsaveClips = 1\nindexFaces = [true]",
                vec![(Code::CellBool, 4), (Code::CellBool, 5), (Code::RollScalar, 6)],
            ),
            (
                "an enum",
                "[rollout]\norgs = \"a\"\n[settings]\nbadgeFaceVerificationMode = \"off\"",
                vec![(Code::CellEnum, 4)],
            ),
            (
                "a blank",
                "[rollout]\norgs = \"a\"\n[settings]\nbadgeFaceVerificationMode = \" \"",
                vec![(Code::RollValue, 4)],
            ),
            (
                "raw secrets",
                "[rollout]\norgs = \"a\"\n[settings]\napiToken = \"hunter2\"\nrefreshToken = \"<secret:hunter2>\"",
                vec![(Code::CellSecret, 4), (Code::CellSecret, 5)],
            ),
            (
                "a raw secret in broken TOML",
                "[rollout]\norgs = \"a\"\n[settings]\napiToken = hunter2",
                vec![(Code::RollSyntax, 4)],
            ),
            ("a table that is none", "rollout = 5", vec![(Code::RollValue, 1), (Code::RollOrgs, 1)]),
        ] {
            assert_eq!(parse(text).1, expected, "{name}");
        }
    }

    #[test]
    fn a_bad_setting_does_not_hide_the_manifest() {
        let (rollout, _) = parse("[settings]\nsaveclips = 1\n[rollout]\norgs = \"a.csv\"");
        assert_eq!(rollout.orgs.as_deref(), Some("a.csv"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, text in "[\\[\\]a-z=\"\n.{}0-9<> -]{0,60}") {
            let mut sink = |_| {};
            let mut problems = Problems::new(&mut sink);
            let catalog = Catalog::built_in();
            RolloutFile::parse(&catalog, "f", &bytes, &LIMITS, &mut problems);
            RolloutFile::parse(&catalog, "f", text.as_bytes(), &LIMITS, &mut problems);
        }
    }
}
