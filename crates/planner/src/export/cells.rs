//! An org's settings as cells: what a rollout's tables would have to hold for that org to be as it is.
//!
//! * A setting that is null is `<null>`; one that is absent has a blank cell, which leaves it as it is.
//! * Maps become the entries of their side tables, and a map without entries becomes nothing: `<empty>` in its
//!   column would throw out what is added later, and would forbid lines in the side table. The entries of a map without a
//!   side table have no column that all orgs share: such a map is omitted and named.
//! * Secrets, server state, audit and unknown fields are not looked at.
//! * What no cell can hold (a line break, a word that the enum doesn't know, a text that a spreadsheet would split and find
//!   a formula in) is omitted and named.

use std::sync::Arc;

use orgwave_core::autoformat::is_reformatted;
use orgwave_core::formula::{begins_formula, guarded};
use orgwave_core::manifest::{write_cell, write_key};
use orgwave_core::operation::{Class, Field, Fields, Kind, Operation, Path, SideTable, TableName};
use orgwave_core::settings::RawObject;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The cells of one org.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OrgCells {
    /// By [`columns`].
    pub settings: Vec<String>,
    /// The lines of the side tables, in their order.
    pub entries: Vec<Entry>,
    /// The paths that are omitted.
    pub left_out: Vec<String>,
}

/// A line of a side table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Which table.
    pub table: TableName,
    /// The cell of the key.
    pub key: String,
    /// By [`columns`] of the members of the table's map.
    pub members: Vec<String>,
}

/// The settings among some fields that have a column, with its name: the way to them through objects.
pub fn columns(fields: &Fields) -> Vec<(String, &Arc<Field>)> {
    let (mut columns, mut maps) = (Vec::new(), Vec::new());
    collect(fields, "", &mut columns, &mut maps);
    columns
}

/// Puts settings with what leads to them in one list or in the other.
fn collect<'f>(
    fields: &'f Fields,
    above: &str,
    columns: &mut Vec<(String, &'f Arc<Field>)>,
    maps: &mut Vec<(String, &'f Arc<Field>)>,
) {
    for field in fields.iter().filter(|field| field.class == Class::Setting && field.unsettable().is_none()) {
        let name = format!("{above}{}", field.name);
        match &field.kind {
            Kind::Object(members) => collect(members, &format!("{name}."), columns, maps),
            Kind::Map(entry) if field.has_secret_keys || entry.is_secret() => {}
            Kind::Map(_) => maps.push((name, field)),
            _ if field.holds_secrets() => {}
            _ => columns.push((name, field)),
        }
    }
}

impl OrgCells {
    /// The cells of these settings of an operation.
    pub fn of(operation: &Operation, live: &RawObject) -> Self {
        let mut cells = Self::default();
        let has_table = |field: &Field| operation.tables.iter().any(|table| *table.map == *field);
        cells.settings = cells.members(operation, &operation.fields, None, live, has_table);
        for table in operation.tables.iter().filter(|table| !table.map.has_secret_keys) {
            match live.get(&table.map.name).map(RawValue::get) {
                None | Some("null") => {}
                Some(raw) => match RawObject::parse(raw) {
                    Ok(map) => cells.entries_of(operation, table, &map),
                    Err(_) => cells.left_out.push(table.map.name.to_string()),
                },
            }
        }
        cells
    }

    fn entries_of(&mut self, operation: &Operation, table: &SideTable, map: &RawObject) {
        let described = table.entry();
        for (key, raw) in map.iter() {
            let path = |field| Path::new(field, [(*key).into()]);
            let key_cell = write_key(&key).and_then(safe);
            let (Some(key_cell), Ok(entry)) = (key_cell, RawObject::parse(raw.get())) else {
                self.left_out.push(path(described).to_string());
                continue;
            };
            let Some(fields) = described.members() else { continue };
            let members = self.members(operation, fields, Some(&key), &entry, |_| false);
            // A line with nothing but a key asks for nothing.
            if members.iter().any(|cell| !cell.is_empty()) {
                self.entries.push(Entry { table: table.name.clone(), key: key_cell, members });
            }
        }
    }

    /// The cells of an object, under this key of a map or at the top.
    fn members(
        &mut self,
        operation: &Operation,
        fields: &Fields,
        key: Option<&str>,
        object: &RawObject,
        has_table: impl Fn(&Field) -> bool,
    ) -> Vec<String> {
        let path = |field| Path::new(field, key.map(Into::into));
        let (mut columns, mut maps) = (Vec::new(), Vec::new());
        collect(fields, "", &mut columns, &mut maps);
        for (name, map) in maps.into_iter().filter(|(_, map)| !has_table(map)) {
            let holds_something =
                object.inside(&name).is_some_and(|raw| !["null", "{}"].contains(&raw.get()));
            if holds_something {
                self.left_out.push(path(map).to_string());
            }
        }
        columns
            .into_iter()
            .map(|(name, field)| self.cell(operation, &path(field), object.inside(&name)))
            .collect()
    }

    /// The cell of the value at a path.
    fn cell(&mut self, operation: &Operation, path: &Path, raw: Option<&RawValue>) -> String {
        let field = path.field();
        let Some(raw) = raw else { return String::new() };
        let value = serde_json::from_str::<Value>(raw.get()).ok();
        let cell = value.and_then(|value| write_cell(operation, field, &value));
        let cell = cell.and_then(|cell| match path.kind() {
            Kind::Int32 | Kind::Int64 | Kind::Number | Kind::Bool => Some(cell),
            // Each id of a list may begin with `-`, and no id is a formula.
            Kind::List { of, .. } if matches!(of.kind, Kind::Ruuid(_)) => Some(marked(cell)),
            _ => safe(cell),
        });
        cell.unwrap_or_else(|| {
            self.left_out.push(path.to_string());
            String::new()
        })
    }
}

/// A spreadsheet would take these for formulas, numbers or dates. A backslash says that the rest is literal.
fn marked(cell: String) -> String {
    if begins_formula(&cell) || (!cell.starts_with('\\') && is_reformatted(&cell)) {
        format!("\\{cell}")
    } else {
        cell
    }
}

/// The same, unless there is still a formula behind a separator, where no mark helps: a setting has no guard but the one
/// at its beginning.
fn safe(cell: String) -> Option<String> {
    let cell = marked(cell);
    (guarded(&cell) == cell).then_some(cell)
}

#[cfg(test)]
mod tests {
    use orgwave_core::manifest::{Cell, read_key, read_setting};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn cells(settings: &Value) -> OrgCells {
        OrgCells::of(&Operation::default_one(), &RawObject::parse(&settings.to_string()).unwrap())
    }

    fn setting(cells: &OrgCells, name: &str) -> String {
        let operation = Operation::default_one();
        let place = columns(&operation.fields).iter().position(|(column, _)| column == name).unwrap();
        cells.settings[place].clone()
    }

    #[test]
    fn null_is_a_token_and_absent_is_blank() {
        let cells = cells(&json!({"saveClips": true, "indexFaces": null}));
        assert_eq!(setting(&cells, "saveClips"), "true");
        assert_eq!(setting(&cells, "indexFaces"), "<null>");
        assert_eq!(setting(&cells, "enabled"), "");
        assert_eq!(cells.left_out, [""; 0]);
    }

    #[test]
    fn secrets_and_what_the_server_keeps_have_no_column() {
        let operation = Operation::default_one();
        let columns = columns(&operation.fields);
        let names: Vec<&str> = columns.iter().map(|(name, _)| &**name).collect();
        for name in ["apiToken", "refreshToken", "tokenValid", "orgUuid", "integration", "doorInfoMap"] {
            assert!(!names.contains(&name), "{name}");
        }
    }

    #[test]
    fn nothing_that_holds_a_secret_has_a_column() {
        let catalog = orgwave_core::operation::Catalog::built_in();
        for operation in catalog.iter() {
            let tables = operation.tables.iter().filter_map(|table| table.entry().members());
            for (name, field) in [&operation.fields].into_iter().chain(tables).flat_map(columns) {
                assert!(!field.holds_secrets(), "{}: {name}", operation.name);
            }
        }
    }

    #[test]
    fn objects_have_columns_and_what_no_table_holds_is_named() {
        let text = r#"
            format = 1
            name = "kinds"
            title = "Kinds"
            about = "Objects and maps."
            read = { path = "/api/org/getKinds", at = "org" }
            write = { path = "/api/org/updateKinds", body = "projected" }
            owner = "none"
            absent = "empty"
            [fields]
            counts = { type = "map of int32" }
            name = { type = "text", class = "keep" }
            policy = { object = "policy" }
            rules = { list = "rule" }
            sites = { map = "site", table = "sites" }
            [objects.policy]
            on = "bool"
            seen = { type = "bool", class = "server" }
            [objects.rule]
            start = "int32"
            [maps.site]
            doors = { map = "door" }
            policy = { object = "policy" }
            token = { type = "text", class = "secret" }
            [maps.door]
            note = "text"
        "#;
        let catalog = orgwave_core::operation::Catalog::built_in().with(text, "kinds.toml").unwrap();
        let operation = catalog.get("kinds").unwrap();
        let names = |fields| columns(fields).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&operation.fields), ["policy.on", "rules"]);
        assert_eq!(names(operation.tables[0].entry().members().unwrap()), ["policy.on"]);
        let live = json!({
            "counts": {"a": 1}, "name": "Acme", "policy": {"on": true, "seen": true}, "rules": [{"start": 1}],
            "sites": {"s": {"policy": {"on": false}, "token": "t", "doors": {"d": {"note": "n"}}}},
        });
        let cells = OrgCells::of(operation, &RawObject::parse(&live.to_string()).unwrap());
        assert_eq!(cells.settings, ["true", r#"[{"start":1}]"#]);
        assert_eq!(cells.entries[0].members, ["false"]);
        assert_eq!(cells.left_out, ["counts", "sites.s.doors"]);
    }

    #[test]
    fn what_no_cell_can_hold_is_named_and_left_out() {
        let cells = cells(&json!({
            "badgeFaceVerificationMode": "TOMORROW",
            "saveClips": "yes",
            "locationInfoMap": "odd",
            "envoyUserSettingsMap": {"u": [], "v": {"guestsEnabled": true}},
            "doorInfoMap": {
                "a\nb": {"doorName": "x"},
                "n": null,
                "k.1": {"doorName": "two\nlines", "clipDuration": 2.5, "assignedCameraList": [null]},
                "empty": {"reader": 5},
            },
        }));
        let mut left_out = cells.left_out.clone();
        left_out.sort();
        assert_eq!(
            left_out,
            [
                "badgeFaceVerificationMode",
                "doorInfoMap.a\nb",
                r"doorInfoMap.k\.1.assignedCameraList",
                r"doorInfoMap.k\.1.clipDuration",
                r"doorInfoMap.k\.1.doorName",
                "doorInfoMap.n",
                "envoyUserSettingsMap.u",
                "locationInfoMap",
                "saveClips",
            ]
        );
        assert_eq!(cells.entries.len(), 1);
        assert_eq!(cells.entries[0].table, "users".into());
    }

    #[test]
    fn a_formula_behind_a_separator_is_named_and_left_out() {
        let cells = cells(&json!({"doorInfoMap": {
            "a;=1": {"doorName": "x"},
            "k": {"doorName": "x;=cmd|' /C calc'!A0", "clipDuration": -5, "assignedCameraList": [
                "AAAAAAAAAAAAAAAAAAAAAA", "-AAAAAAAAAAAAAAAAAAAAA"]},
            "l": {"doorName": "\u{200b}=1"},
        }}));
        assert_eq!(cells.left_out, ["doorInfoMap.a;=1", "doorInfoMap.k.doorName"]);
        assert!(
            cells.entries[0].members.contains(&"AAAAAAAAAAAAAAAAAAAAAA;-AAAAAAAAAAAAAAAAAAAAA".to_owned())
        );
        assert!(cells.entries[1].members.contains(&"\\\u{200b}=1".to_owned()), "{:?}", cells.entries[1]);
    }

    fn is_safe(cell: &str) -> bool {
        !cell.starts_with(['=', '+', '-', '@']) && (cell.starts_with('\\') || !is_reformatted(cell))
    }

    proptest! {
        /// Whatever a door is called, its cell is no formula, number or date, and reads as that name.
        #[test]
        fn texts_and_keys_read_back(name in "['=+@<#\\\\ /:\\-a-z0-9]{0,8}", key in "['=+@<#\\\\ .\\-a-z0-9]{1,8}") {
            let cells = cells(&json!({"doorInfoMap": {&key: {"doorName": name, "leadingSeconds": -5}}}));
            prop_assert_eq!(&cells.left_out, &[""; 0]);
            let entry = &cells.entries[0];
            prop_assert_eq!(read_key(&entry.key).unwrap(), Some(key));
            let operation = Operation::default_one();
            let members = operation.table("doors").unwrap().entry().members().unwrap();
            for ((_, member), cell) in columns(members).into_iter().zip(&entry.members) {
                let read = read_setting(&operation, member, cell).unwrap();
                match &*member.name {
                    "doorName" => prop_assert_eq!(read, Cell::Set(json!(name))),
                    "leadingSeconds" => prop_assert_eq!(read, Cell::Set(json!(-5))),
                    _ => prop_assert_eq!(read, Cell::Blank),
                }
                prop_assert!(*member.name == *"leadingSeconds" || is_safe(cell));
            }
            prop_assert!(is_safe(&entry.key));
        }
    }
}
