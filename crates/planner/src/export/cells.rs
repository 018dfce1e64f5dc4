//! An org's settings as cells: what a rollout's tables would have to hold for that org to be as it is.
//!
//! * A setting that is null is `<null>`; one that is absent has a blank cell, which leaves it as it is.
//! * Maps become the entries of their side tables, and a map without entries becomes nothing: `<empty>` in its
//!   column would throw out what is added later, and would forbid lines in the side table.
//! * Secrets, server state, audit and fields that nobody knows are not looked at.
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
    /// By the members of the table's map.
    pub members: Vec<String>,
}

/// The settings that have a column in `orgs.csv`.
pub fn columns(operation: &Operation) -> impl Iterator<Item = &Arc<Field>> {
    operation.fields.iter().filter(|field| field.class == Class::Setting && field.members().is_none())
}

impl OrgCells {
    /// The cells of these settings of an operation.
    pub fn of(operation: &Operation, live: &RawObject) -> Self {
        let mut cells = Self::default();
        for field in columns(operation) {
            let cell = cells.cell(operation, &Path::new(field, []), live);
            cells.settings.push(cell);
        }
        for table in &operation.tables {
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
            let members = described.members().into_iter().flat_map(Fields::iter);
            let members: Vec<String> =
                members.map(|member| self.cell(operation, &path(member), &entry)).collect();
            // A line with nothing but a key asks for nothing.
            if members.iter().any(|cell| !cell.is_empty()) {
                self.entries.push(Entry { table: table.name.clone(), key: key_cell, members });
            }
        }
    }

    /// The cell of the value at a path, which `object` holds under the path's last name.
    fn cell(&mut self, operation: &Operation, path: &Path, object: &RawObject) -> String {
        let field = path.field();
        let Some(raw) = object.get(&field.name) else { return String::new() };
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
        let place = columns(&Operation::default_one()).position(|field| *field.name == *name).unwrap();
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
        let names: Vec<&str> = columns(&operation).map(|field| &*field.name).collect();
        for name in ["apiToken", "refreshToken", "tokenValid", "orgUuid", "integration", "doorInfoMap"] {
            assert!(!names.contains(&name), "{name}");
        }
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
            for (member, cell) in members.iter().zip(&entry.members) {
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
