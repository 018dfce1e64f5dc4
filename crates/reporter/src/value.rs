//! How a value of the settings reads in a report: as a manifest's cell would say it, so that people see the
//! words they type. No value of a secret is here.

use std::borrow::Cow;

use orgwave_core::desired::DesiredValue;
use orgwave_core::operation::{Class, Path};
use orgwave_core::outcome::StoredValue;
use orgwave_core::plan::PlannedField;
use orgwave_core::secret::Fingerprint;
use serde_json::Value;

/// A value as text, and whether a table must guard it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown<'a> {
    pub(crate) text: Cow<'a, str>,
    /// A number or a word of ours: `-5` is no formula.
    pub(crate) own: bool,
}

impl<'a> Shown<'a> {
    const fn own(text: &'static str) -> Self {
        Self { text: Cow::Borrowed(text), own: true }
    }

    fn foreign(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), own: false }
    }
}

/// What was at a path.
pub(crate) fn before<'a>(path: &Path, stored: &'a StoredValue) -> Shown<'a> {
    match stored {
        StoredValue::Absent => Shown::own("<absent>"),
        StoredValue::Json(value) => json(path, value),
        StoredValue::Secret(print) => secret(print),
        StoredValue::Hidden => Shown::own("<hidden>"),
    }
}

/// What was written to a path: a secret as the first digits of its fingerprint.
pub(crate) fn after(field: &PlannedField) -> Shown<'_> {
    match (&field.after, &field.fingerprint) {
        (DesiredValue::Set(value), _) => json(&field.path, value),
        (DesiredValue::Remove, _) => Shown::own("<removed>"),
        (DesiredValue::Secret(_), Some(print)) => secret(print),
        (DesiredValue::Secret(_), None) => Shown::own("<hidden>"),
    }
}

/// The desired value of a field.
pub(crate) fn desired(field: &PlannedField) -> Shown<'_> {
    match &field.after {
        DesiredValue::Set(value) => json(&field.path, value),
        DesiredValue::Remove => Shown::own("<removed>"),
        DesiredValue::Secret(names) => Shown::foreign(names.to_string()),
    }
}

/// Eight digits tell one value from another; they reveal nothing without the key.
fn secret(print: &Fingerprint) -> Shown<'static> {
    let digits = print.as_str();
    Shown::foreign(format!("<secret {}>", digits.get(..8).unwrap_or(digits)))
}

fn json<'a>(path: &Path, value: &'a Value) -> Shown<'a> {
    match value {
        Value::Null => Shown::own("<null>"),
        // Secrets are in records as fingerprints only. Should one ever not, it ends here.
        _ if path.class() == Class::Secret => Shown::own("<secret>"),
        Value::Bool(true) => Shown::own("true"),
        Value::Bool(false) => Shown::own("false"),
        Value::Number(number) => Shown { text: Cow::Owned(number.to_string()), own: true },
        Value::String(text) => Shown::foreign(cell(text)),
        Value::Array(items) if items.is_empty() => Shown::own("<empty>"),
        Value::Object(entries) if entries.is_empty() => Shown::own("<empty>"),
        Value::Array(items) => match texts(items) {
            Some(joined) => Shown::foreign(joined),
            None => Shown::foreign(value.to_string()),
        },
        Value::Object(_) => Shown::foreign(value.to_string()),
    }
}

/// A list of plain texts, as a cell says it; `None` where a cell could not.
fn texts(items: &[Value]) -> Option<String> {
    let mut joined = String::new();
    for (place, item) in items.iter().enumerate() {
        let text = item.as_str().filter(|text| !text.is_empty() && !text.contains(';'))?;
        if place > 0 {
            joined.push(';');
        }
        joined.push_str(text);
    }
    if is_marked(&joined) {
        joined.insert(0, '\\');
    }
    Some(joined)
}

/// A text as a cell says it: marked where the bare text would mean something else.
fn cell(text: &str) -> Cow<'_, str> {
    if text.is_empty() {
        Cow::Borrowed("<empty>")
    } else if is_marked(text) {
        Cow::Owned(format!("\\{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn is_marked(text: &str) -> bool {
    text.starts_with(['<', '\\', '=', '#']) || text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use orgwave_core::operation::Operation;
    use serde_json::json;

    use super::*;

    fn at(path: &str) -> Path {
        Operation::default_one().path(path).unwrap()
    }

    fn shown(path: &str, value: Value) -> String {
        before(&at(path), &StoredValue::Json(value)).text.into_owned()
    }

    #[test]
    fn values_read_as_cells_do() {
        for (value, text) in [
            (json!(null), "<null>"),
            (json!(true), "true"),
            (json!(-5), "-5"),
            (json!(""), "<empty>"),
            (json!("  "), "\\  "),
            (json!("<null>"), "\\<null>"),
            (json!("=1+1"), "\\=1+1"),
            (json!("#N/A"), "\\#N/A"),
            (json!("\\x"), "\\\\x"),
            (json!("door"), "door"),
            (json!([]), "<empty>"),
            (json!({}), "<empty>"),
            (json!(["a", "b"]), "a;b"),
            (json!(["a;b"]), r#"["a;b"]"#),
            (json!(["a", null]), r#"["a",null]"#),
            (json!({"doorName": "x"}), r#"{"doorName":"x"}"#),
        ] {
            assert_eq!(shown("doorInfoMap.d.doorName", value), text);
        }
    }

    #[test]
    fn a_secret_never_reads_as_itself() {
        assert_eq!(shown("apiToken", json!("hunter2")), "<secret>");
        let print = serde_json::from_value(json!("0123456789abcdef")).unwrap();
        assert_eq!(before(&at("apiToken"), &StoredValue::Secret(print)).text, "<secret 01234567>");
        assert_eq!(before(&at("apiToken"), &StoredValue::Hidden).text, "<hidden>");
    }

    #[test]
    fn nothing_is_named_by_its_side() {
        let path = at("doorInfoMap.d");
        assert_eq!(before(&path, &StoredValue::Absent).text, "<absent>");
        let field = PlannedField {
            path,
            before: StoredValue::Absent,
            after: DesiredValue::Remove,
            fingerprint: None,
            from: orgwave_core::desired::Origin::Row,
        };
        assert_eq!(after(&field).text, "<removed>");
    }
}
