//! The secrets in settings, by their description: at any depth, in lists, and as keys of maps.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use super::RawObject;
use crate::operation::{Field, Fields, Kind, Operation};
use crate::secret::{SealKey, SecretText, is_masked};

/// A secret that a read shows, or shows masked.
pub(crate) struct Found {
    /// The names and keys that lead to it; those of a list lead to the list.
    pub(crate) place: Vec<String>,
    /// How its place may be written down.
    pub(crate) shown: String,
    /// What is there.
    pub(crate) text: SecretText,
}

/// The secrets that settings of an operation show, those that are keys among them.
pub fn secrets_in(operation: &Operation, object: &RawObject) -> impl Iterator<Item = SecretText> {
    found_in(operation, object).into_iter().map(|found| found.text).filter(|text| !is_masked(text.expose()))
}

/// All secrets in settings, masked ones too.
pub(crate) fn found_in(operation: &Operation, object: &RawObject) -> Vec<Found> {
    let mut search = Search { place: Vec::new(), shown: Vec::new(), found: Vec::new() };
    for field in operation.fields.iter().filter(|field| field.holds_secrets()) {
        let value = object.get(&field.name).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        if let Some(value) = value {
            search.at(&field.name, &field.name, field, &value);
        }
    }
    search.found
}

/// Whether there is a secret in the value of a field, or what stands for one that was written down.
pub(crate) fn has_secrets(field: &Field, value: &Value) -> bool {
    let mut search = Search { place: Vec::new(), shown: Vec::new(), found: Vec::new() };
    if field.holds_secrets() {
        search.value(field, value);
    }
    !search.found.is_empty()
}

/// Where a search is, and what it found.
struct Search {
    place: Vec<String>,
    shown: Vec<String>,
    found: Vec<Found>,
}

impl Search {
    fn at(&mut self, part: &str, shown: &str, field: &Field, value: &Value) {
        if !field.holds_secrets() {
            return;
        }
        self.place.push(part.to_owned());
        self.shown.push(shown.to_owned());
        self.value(field, value);
        self.place.pop();
        self.shown.pop();
    }

    fn value(&mut self, field: &Field, value: &Value) {
        if field.is_secret() {
            self.texts(value);
            return;
        }
        match (&field.kind, value) {
            (Kind::Object(members), Value::Object(object)) => {
                for (name, value) in object {
                    if let Some(member) = members.get(name) {
                        self.at(name, name, member, value);
                    }
                }
            }
            (Kind::Map(entry), Value::Object(object)) => {
                for (key, value) in object {
                    if field.has_secret_keys {
                        self.push(key);
                    }
                    self.at(key, if field.has_secret_keys { "***" } else { key }, entry, value);
                }
            }
            (Kind::List { of, .. }, Value::Array(items)) => {
                for item in items {
                    self.value(of, item);
                }
            }
            // What has another shape than described may have a secret anywhere.
            (_, value) if field.holds_secrets() => self.texts(value),
            _ => {}
        }
    }

    /// Every text of a secret's value, whatever its shape.
    fn texts(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.push(text),
            Value::Array(items) => items.iter().for_each(|item| self.texts(item)),
            Value::Object(members) => members.values().for_each(|member| self.texts(member)),
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.push(&number.to_string()),
        }
    }

    fn push(&mut self, text: &str) {
        let (place, shown) = (self.place.clone(), self.shown.join("."));
        self.found.push(Found { place, shown, text: SecretText::new(text.to_owned()) });
    }
}

/// The value of a field as it may be written down: fingerprints in the place of the secrets in it. Without a key to make
/// them with, marks.
pub(crate) fn veiled<'v>(field: &Field, value: &'v Value, seal: Option<&SealKey>) -> Cow<'v, Value> {
    if field.holds_secrets() { Cow::Owned(veil(field, value, seal)) } else { Cow::Borrowed(value) }
}

/// Digits of a fingerprint, enough to tell values apart.
const DIGITS: usize = 16;

fn veil(field: &Field, value: &Value, seal: Option<&SealKey>) -> Value {
    let print =
        |text: &str| seal.map(|seal| seal.fingerprint(field.place(), text).as_str()[..DIGITS].to_owned());
    if field.is_secret() {
        return veil_texts(value, &|text| match print(text) {
            _ if is_masked(text) => "<hidden>".to_owned(),
            Some(print) => format!("<secret {print}>"),
            None => "<secret>".to_owned(),
        });
    }
    match (&field.kind, value) {
        (Kind::Object(members), Value::Object(object)) => veil_members(members, object, seal),
        (Kind::Map(entry), Value::Object(object)) => object
            .iter()
            .map(|(key, value)| {
                let key = if field.has_secret_keys { shown_key(field, key, seal) } else { key.clone() };
                (key, veil(entry, value, seal))
            })
            .collect(),
        (Kind::List { of, .. }, Value::Array(items)) => {
            items.iter().map(|item| veil(of, item, seal)).collect()
        }
        (_, value) if field.holds_secrets() => veil_texts(value, &|_| "<secret>".to_owned()),
        (_, value) => value.clone(),
    }
}

fn veil_members(members: &Fields, object: &serde_json::Map<String, Value>, seal: Option<&SealKey>) -> Value {
    let member = |(name, value): (&String, &Value)| {
        let value = members.get(name).map_or_else(|| value.clone(), |member| veil(member, value, seal));
        (name.clone(), value)
    };
    object.iter().map(member).collect()
}

fn veil_texts(value: &Value, veil: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::from(veil(text)),
        Value::Number(number) => Value::from(veil(&number.to_string())),
        Value::Array(items) => items.iter().map(|item| veil_texts(item, veil)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), veil_texts(member, veil))).collect()
        }
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// How a key that is a secret is written down.
pub(crate) fn shown_key(map: &Field, key: &str, seal: Option<&SealKey>) -> String {
    let mut shown = String::from("<key");
    if let Some(seal) = seal {
        let _ = write!(shown, ":{}", &seal.fingerprint(map.place(), key).as_str()[..DIGITS]);
    }
    shown.push('>');
    shown
}
