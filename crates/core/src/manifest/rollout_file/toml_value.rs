//! TOML values as texts, as JSON, and as messages show them.

use std::borrow::Cow;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::manifest::problem::quote;

/// A key with its place.
pub(super) type Key<'a> = Spanned<Cow<'a, str>>;
/// A value with its place.
pub(super) type Item<'a> = Spanned<DeValue<'a>>;

/// A text, or the digits of a whole number.
pub(super) fn argument(value: &DeValue<'_>) -> Option<String> {
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

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

pub(super) fn shown(value: &Item<'_>) -> String {
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

pub(super) fn json_table(table: &DeTable<'_>) -> Value {
    table
        .iter()
        .map(|(key, value)| (key.get_ref().clone().into_owned(), json_value(value.get_ref())))
        .collect()
}

pub(super) fn line_of(text: &[u8], at: usize) -> u64 {
    memchr::memchr_iter(b'\n', &text[..at.min(text.len())]).count() as u64 + 1
}
