//! `[settings]`, `[operation.*]` and `[group.*]`: what each of their values sets.

use std::sync::Arc;

use serde_json::{Number, Value, json};
use toml::de::{DeTable, DeValue};

use super::parser::Parser;
use super::toml_value::{Item, Key, argument, json_table, shown};
use crate::code::Code;
use crate::desired::DesiredValue;
use crate::manifest::cell::{Cell, Refusal, read_setting, trim};
use crate::manifest::columns::unsettable;
use crate::manifest::defaults::Given;
use crate::manifest::problem::{is_mark, quote};
use crate::manifest::row::desired_value;
use crate::operation::{Kind, Operation, Path};

/// What a table of settings is about.
struct Settings<'a> {
    /// The table's name.
    table: &'a str,
    operation: &'a Arc<Operation>,
    /// Whose rows; `None` for all.
    group: Option<&'a str>,
}

impl Parser<'_> {
    /// `[settings]`: of the default operation, for all rows.
    pub(super) fn read_default_settings(&mut self, table: &DeTable<'_>) {
        let operation = self.rollout.operation.clone();
        self.read_settings(table, &Settings { table: "settings", operation: &operation, group: None });
        self.keep_typed("settings", json_table(table));
    }

    /// `[operation.*]`: settings of each, and its side tables.
    pub(super) fn read_operations(&mut self, operations: &DeTable<'_>) {
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
    pub(super) fn read_groups(&mut self, groups: &DeTable<'_>) {
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
