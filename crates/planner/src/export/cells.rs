//! An org's settings as cells: what a rollout's tables would have to hold for that org to be as it is.
//!
//! * A setting that is null is `<null>`; one that is absent has a blank cell, which leaves it as it is.
//! * Maps become the entries of their side tables, and a map without entries becomes nothing: `<empty>` in its
//!   column would throw out what is added later, and would forbid lines in the side table.
//! * Secrets, server state, audit and fields that nobody knows are not looked at.
//! * What no cell can hold (a line break, a word that the enum doesn't know, a text that a spreadsheet would split and find
//!   a formula in) is left out and named.

use orgwave_core::autoformat::is_reformatted;
use orgwave_core::desired::SideTable;
use orgwave_core::formula::{begins_formula, guarded};
use orgwave_core::manifest::{write_cell, write_key};
use orgwave_core::settings::{Class, FIELDS, Field, Kind, MapSpec, Path, RawObject};
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
    /// The paths that are left out.
    pub left_out: Vec<String>,
}

/// A line of a side table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Which table.
    pub table: SideTable,
    /// The cell of the key.
    pub key: String,
    /// By the members of the table's map.
    pub members: Vec<String>,
}

/// The settings that have a column in `orgs.csv`.
pub fn columns() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| field.class == Class::Setting && field.map().is_none())
}

/// What the entries of a table's map hold.
pub fn spec_of(table: SideTable) -> (&'static Field, &'static MapSpec) {
    Field::named(table.map())
        .and_then(|field| Some((field, field.map()?)))
        .expect("every side table's map is a map of the catalog")
}

impl OrgCells {
    /// The cells of these settings.
    pub fn of(live: &RawObject) -> Self {
        let mut cells = Self::default();
        for field in columns() {
            let cell = cells.cell(&Path::Field(field), live);
            cells.settings.push(cell);
        }
        for table in SideTable::ALL {
            let (field, spec) = spec_of(table);
            match live.get(field.name).map(RawValue::get) {
                None | Some("null") => {}
                Some(raw) => match RawObject::parse(raw) {
                    Ok(map) => cells.entries_of(table, field, spec, &map),
                    Err(_) => cells.left_out.push(field.name.to_owned()),
                },
            }
        }
        cells
    }

    fn entries_of(
        &mut self,
        table: SideTable,
        field: &'static Field,
        spec: &'static MapSpec,
        map: &RawObject,
    ) {
        for (key, raw) in map.iter() {
            let key_cell = write_key(&key).and_then(safe);
            let (Some(key_cell), Ok(entry)) = (key_cell, RawObject::parse(raw.get())) else {
                self.left_out.push(Path::Entry(field, (*key).into()).to_string());
                continue;
            };
            let members: Vec<String> = spec
                .members
                .iter()
                .map(|member| self.cell(&Path::Member(field, (*key).into(), member), &entry))
                .collect();
            // A line with nothing but a key asks for nothing.
            if members.iter().any(|cell| !cell.is_empty()) {
                self.entries.push(Entry { table, key: key_cell, members });
            }
        }
    }

    /// The cell of the value at a path, which `object` holds under the path's last name.
    fn cell(&mut self, path: &Path, object: &RawObject) -> String {
        let name = match path {
            Path::Member(_, _, member) => member.name,
            Path::Field(field) | Path::Entry(field, _) => field.name,
        };
        let Some(raw) = object.get(name) else { return String::new() };
        let cell = serde_json::from_str::<Value>(raw.get()).ok().and_then(|value| write_cell(path, &value));
        let cell = cell.and_then(|cell| match path.kind() {
            Kind::Int32 | Kind::Bool => Some(cell),
            // Each id of a list may begin with `-`, and no id is a formula.
            Kind::Cameras => Some(marked(cell)),
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
        OrgCells::of(&RawObject::parse(&settings.to_string()).unwrap())
    }

    fn setting(cells: &OrgCells, name: &str) -> String {
        let place = columns().position(|field| field.name == name).unwrap();
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
        let names: Vec<_> = columns().map(|field| field.name).collect();
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
        assert_eq!(cells.entries[0].table, SideTable::Users);
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
            let (field, spec) = spec_of(SideTable::Doors);
            for (member, cell) in spec.members.iter().zip(&entry.members) {
                let read = read_setting(&Path::Member(field, "k".into(), member), cell).unwrap();
                match member.name {
                    "doorName" => prop_assert_eq!(read, Cell::Set(json!(name))),
                    "leadingSeconds" => prop_assert_eq!(read, Cell::Set(json!(-5))),
                    _ => prop_assert_eq!(read, Cell::Blank),
                }
                prop_assert!(member.name == "leadingSeconds" || is_safe(cell));
            }
            prop_assert!(is_safe(&entry.key));
        }
    }
}
