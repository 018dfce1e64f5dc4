//! A value -> the cell that reads as it: the way back from [`super::cell`], for exports and plans that undo.
//!
//! Not every value has a cell: a text with a line break, a null among cameras, a word that the enum doesn't know
//! yet. An export reports such a path and omits it, rather than writing something else.

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
    use crate::operation::fixture;

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

    /// A field of each type.
    fn kinds() -> Arc<Operation> {
        fixture::operation(
            r#"
            [fields]
            int64 = "int64"
            number = "number"
            range = "address_range"
            ranges = { type = "list of address_range", as = "set" }
            flags = "list of bool"
            numbers = "list of number"
            words = { type = "list of enum", values = ["A", "B"] }
            counts = { type = "map of int64" }
            lists = { type = "map of list of text" }
            rules = { list = "rule" }
            most = { object = "most" }
            [objects.rule]
            start = "int32"
            who = { type = "list of ruuid" }
            [objects.most]
            share = "number"
            "#,
        )
    }

    #[test]
    fn values_of_every_type_and_their_cells() {
        let operation = kinds();
        for (at, value, cell) in [
            ("int64", json!(i64::MIN), Some("-9223372036854775808")),
            ("int64", json!(9_007_199_254_740_993_i64), Some("9007199254740993")),
            ("int64", json!(1.5), None),
            ("int64", json!(u64::MAX), None),
            ("number", json!(0.1), Some("0.1")),
            ("number", json!(-12), Some("-12")),
            ("number", json!(u64::MAX), Some("18446744073709551615")),
            ("number", json!(1e-7), Some("\\1e-7")),
            ("range", json!("10.0.0.0/8"), Some("10.0.0.0/8")),
            ("range", json!("10.0.0.0/99"), None),
            ("ranges", json!(["10.0.0.0/8", "::1"]), Some("10.0.0.0/8;::1")),
            ("flags", json!([true, false]), Some("true;false")),
            ("numbers", json!([1, 2.5]), Some("1;2.5")),
            ("numbers", json!([null]), None),
            ("words", json!(["B", "A"]), Some("B;A")),
            ("words", json!(["C"]), None),
            ("counts.k", json!(5), Some("5")),
            ("counts", json!({}), Some("<empty>")),
            ("lists.k", json!(["a", "b"]), Some("a;b")),
            ("rules", json!([]), Some("<empty>")),
            (
                "rules",
                json!([{"start": 5, "who": ["AAAAAAAAAAAAAAAAAAAAAA"]}, {"start": null}]),
                Some(r#"[{"start":5,"who":["AAAAAAAAAAAAAAAAAAAAAA"]},{"start":null}]"#),
            ),
            ("rules", json!([{"start": "5"}]), None),
            ("rules", json!([{"begin": 5}]), None),
            ("most.share", json!(0.5), Some("0.5")),
            ("most", json!({"share": 1}), None),
        ] {
            let path = operation.path(at).unwrap();
            let written = write_cell(&operation, path.field(), &value);
            assert_eq!(written.as_deref(), cell, "{at} {value}");
            if let Some(cell) = written {
                assert_eq!(write_expect(&operation, path.field(), &value).as_deref(), Some(&*cell), "{at}");
            }
        }
    }

    #[test]
    fn what_a_cell_should_hold_is_said() {
        let operation = kinds();
        let said = |at: &str, cell: &str| {
            let path = operation.path(at).unwrap();
            let refusal = read_setting(&operation, path.field(), cell).unwrap_err();
            format!("{}: {}", refusal.code, refusal.expected)
        };
        assert_eq!(
            said("rules", r#"[{"start":1},{"start":"x"}]"#),
            "E-CELL-015: a list in JSON, with a whole number of 32 bits at [1].start"
        );
        assert_eq!(
            said("rules", r#"[{"strt":1}]"#),
            r#"E-CELL-015: a list in JSON, with no "strt", only start, who, at [0]"#
        );
        assert_eq!(said("rules", "a;b"), "E-CELL-015: a list in JSON; at its character 1 is something else");
        assert_eq!(
            said("ranges", "10.0.0.0/8;x"),
            "E-CELL-014: an IP address, or a range of them such as 10.0.0.0/8"
        );
        assert_eq!(said("int64", "1.5E+17"), "E-CELL-007: all digits: a spreadsheet shortened this number");
        assert_eq!(said("number", "1,5"), "E-CELL-004: a number, with a decimal point where it has decimals");
        assert_eq!(said("number", "NaN"), said("number", "1,5"));
        assert_eq!(
            said("number", "<secret:A>"),
            "E-CELL-006: no secret: no setting of this operation takes one"
        );
        assert_eq!(
            said("int64", "<remove>"),
            "E-CELL-006: no <remove>: it is only allowed in the column of a map's entry, such as counts.<key>"
        );
    }

    fn id() -> impl Strategy<Value = String> {
        "[A-Za-z0-9_-]{22}"
    }

    proptest! {
        #[test]
        fn printable_texts_have_a_cell_that_reads_as_the_same(
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
