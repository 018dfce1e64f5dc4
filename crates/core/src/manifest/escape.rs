//! A value -> the cell that reads as it: the way back from [`super::cell`], for exports and plans that undo.
//!
//! Not every value has a cell: a text with a line break, a null among cameras, a word that the enum doesn't know
//! yet. Whoever exports says so and leaves that path out, rather than writing something else.

use std::borrow::Cow;

use serde_json::Value;

use super::cell::{Cell, is_json, read_expect, read_key, read_setting};
use super::tokenizer::MAX_CELL;
use crate::operation::{Field, Kind, Operation};

/// The cell that sets this value of a field of an operation, if there is one. Quotes of CSV are the writer's business.
pub fn write_cell(operation: &Operation, field: &Field, value: &Value) -> Option<String> {
    let plain = match (&field.kind, value) {
        (_, Value::Null) => "<null>".to_owned(),
        (_, Value::Bool(value)) => value.to_string(),
        (_, Value::Number(value)) => value.to_string(),
        (Kind::Text, Value::String(text)) if text.is_empty() => "<empty>".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(elements)) if elements.is_empty() => "<empty>".to_owned(),
        (kind, Value::Array(_)) if is_json(kind) => value.to_string(),
        (_, Value::Array(elements)) => elements.iter().map(element).collect::<Option<Vec<_>>>()?.join(";"),
        (_, Value::Object(members)) if members.is_empty() => "<empty>".to_owned(),
        (_, Value::Object(_)) => return None,
    };
    escaped(plain, |cell| {
        read_setting(operation, field, cell).is_ok_and(|read| read == Cell::Set(value.clone()))
    })
}

/// An element of a list in a cell; what has none isn't written.
fn element(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The cell that names this key in a side table, if there is one.
pub fn write_key(key: &str) -> Option<String> {
    escaped(key.to_owned(), |cell| read_key(cell).is_ok_and(|read| read.as_deref() == Some(key)))
}

/// The cell that guards for this live value, if there is one.
pub fn write_expect(operation: &Operation, field: &Field, value: &Value) -> Option<String> {
    if value.is_null() {
        return Some("<null>".to_owned());
    }
    let cell = write_cell(operation, field, value)?;
    read_expect(operation, field, &cell).is_ok_and(|read| read.as_ref() == Some(value)).then_some(cell)
}

/// The text itself or with a backslash before it, whichever reads back.
fn escaped(plain: String, reads_back: impl Fn(&str) -> bool) -> Option<String> {
    if plain.len() >= MAX_CELL || plain.chars().any(char::is_control) {
        return None;
    }
    if reads_back(&plain) {
        return Some(plain);
    }
    let literal = format!("\\{plain}");
    reads_back(&literal).then_some(literal)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn field(path: &str) -> Arc<Field> {
        Operation::default_one().path(path).unwrap().field().clone()
    }

    fn written(at: &str, value: &Value) -> Option<String> {
        write_cell(&Operation::default_one(), &field(at), value)
    }

    fn read(at: &str, cell: &str) -> Result<Cell, super::super::cell::Refusal> {
        read_setting(&Operation::default_one(), &field(at), cell)
    }

    #[test]
    fn values_and_their_cells() {
        for (at, value, cell) in [
            ("enabled", json!(true), Some("true")),
            ("enabled", json!(null), Some("<null>")),
            ("enabled", json!("true"), None),
            ("badgeFaceVerificationMode", json!("OFF"), Some("OFF")),
            ("badgeFaceVerificationMode", json!("TOMORROW"), None),
            ("doorInfoMap", json!({}), Some("<empty>")),
            ("doorInfoMap", json!({"a": {}}), None),
            ("doorInfoMap.d.clipDuration", json!(-5), Some("-5")),
            ("doorInfoMap.d.clipDuration", json!(5_000_000_000_u64), None),
            ("doorInfoMap.d.doorName", json!(""), Some("<empty>")),
            ("doorInfoMap.d.doorName", json!("  "), Some("\\  ")),
            ("doorInfoMap.d.doorName", json!("<b>"), Some("\\<b>")),
            ("doorInfoMap.d.doorName", json!(" <null>"), Some("\\ <null>")),
            ("doorInfoMap.d.doorName", json!("=1"), Some("\\=1")),
            ("doorInfoMap.d.doorName", json!("#N/A"), Some("\\#N/A")),
            ("doorInfoMap.d.doorName", json!("#1"), Some("#1")),
            ("doorInfoMap.d.doorName", json!("\\"), Some("\\\\")),
            ("doorInfoMap.d.doorName", json!("a\nb"), None),
            ("doorInfoMap.d.assignedCameraList", json!([]), Some("<empty>")),
            ("doorInfoMap.d.assignedCameraList", json!([null]), None),
            (
                "doorInfoMap.d.assignedCameraList",
                json!(["AAAAAAAAAAAAAAAAAAAAAA", "BAAAAAAAAAAAAAAAAAAAAA"]),
                Some("AAAAAAAAAAAAAAAAAAAAAA;BAAAAAAAAAAAAAAAAAAAAA"),
            ),
            ("apiToken", json!("raw"), None),
        ] {
            assert_eq!(written(at, &value).as_deref(), cell, "{at} {value}");
        }
        assert_eq!(write_key("1.23E+11").as_deref(), Some("\\1.23E+11"));
        assert_eq!(write_key(" k").as_deref(), Some("\\ k"));
        assert_eq!(write_key(""), None);
        assert_eq!(write_key("a\tb"), None);
    }

    fn id() -> impl Strategy<Value = String> {
        "[A-Za-z0-9_-]{22}"
    }

    proptest! {
        #[test]
        fn every_text_of_printable_characters_has_a_cell_that_reads_as_it(
            text in prop_oneof!["\\PC{0,30}", "[ \u{a0}<>=#\\\\/A-Z!?;E+0-9.]{0,12}", "<(null|keep|empty|secret:A)>[ ]?"],
        ) {
            let at = "doorInfoMap.d.doorName";
            let cell = written(at, &json!(text)).unwrap();
            prop_assert_eq!(read(at, &cell), Ok(Cell::Set(json!(text))));
            if !text.is_empty() && !text.chars().any(super::super::problem::is_mark) {
                let cell = write_key(&text).unwrap();
                prop_assert_eq!(read_key(&cell), Ok(Some(text)));
            }
        }

        #[test]
        fn ids_numbers_and_lists_have_cells_that_read_as_them(
            number: i32, flag: bool, ids in prop::collection::vec(id(), 1..5),
        ) {
            for (at, value) in [
                ("enabled", json!(flag)),
                ("doorInfoMap.d.leadingSeconds", json!(number)),
                ("doorInfoMap.d.locationUuid", json!(ids[0])),
                ("doorInfoMap.d.subLocationsHierarchyKey", json!(ids.join("."))),
                ("doorInfoMap.d.assignedCameraList", json!(ids)),
            ] {
                let cell = written(at, &value).unwrap();
                prop_assert_eq!(read(at, &cell), Ok(Cell::Set(value)));
            }
        }

        #[test]
        fn nothing_is_written_that_reads_as_something_else(text in "(?s).{0,30}", number: i64) {
            for at in ["enabled", "badgeFaceVerificationMode", "doorInfoMap", "doorInfoMap.d", "doorInfoMap.d.doorName",
                "doorInfoMap.d.assignedCameraList", "doorInfoMap.d.clipDuration", "apiToken"] {
                for value in [json!(text), json!(number), json!([text]), json!([text, number]), json!({ text.clone(): 1 })] {
                    if let Some(cell) = written(at, &value) {
                        prop_assert_eq!(read(at, &cell), Ok(Cell::Set(value)));
                    }
                }
            }
        }
    }
}
