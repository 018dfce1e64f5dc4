//! The secrets in settings, at any depth, by the description: what the ledger fingerprints and reads may not show.

use orgwave_core::operation::{Field, Fields, Kind};
use serde_json::value::RawValue;

use crate::members::{Members, raw};

/// What is put in the place of secrets.
pub(crate) trait Cover {
    /// In the place of a value, which may be absent; `None` leaves it as it is.
    fn value(&self, secret: Option<&RawValue>) -> Option<Box<RawValue>>;

    /// In the place of a key that is a secret; `None` leaves it as it is.
    fn key(&self, secret: &str) -> Option<String>;
}

/// Covers the secrets among members, and below them.
pub(crate) fn cover(fields: &Fields, members: &mut Members, cover: &impl Cover) {
    for field in fields.iter().filter(|field| field.holds_secrets()) {
        let value = members.get(&field.name);
        if let Some(new) = covered(field, value, cover) {
            members.0.insert(field.name.to_string(), new);
        }
    }
}

/// The value of a field with its secrets covered; `None` where nothing is different, and where it has another type than
/// described.
fn covered(field: &Field, value: Option<&RawValue>, by: &impl Cover) -> Option<Box<RawValue>> {
    match (&field.kind, value) {
        (Kind::List { of, .. }, Some(value)) if value.get().starts_with('[') => {
            let mut items: Vec<Box<RawValue>> = serde_json::from_str(value.get()).ok()?;
            for item in &mut items {
                let new = if field.is_secret() { by.value(Some(item)) } else { covered(of, Some(item), by) };
                if let Some(new) = new {
                    *item = new;
                }
            }
            Some(raw(&items))
        }
        _ if field.is_secret() => by.value(value),
        (Kind::Object(fields), Some(value)) => {
            let mut members = Members::parse(value.get().as_bytes()).ok()?;
            cover(fields, &mut members, by);
            Some(raw(&members))
        }
        (Kind::Map(entry), Some(value)) => {
            let entries = Members::parse(value.get().as_bytes()).ok()?.0.into_iter().map(|(key, value)| {
                let key = if field.has_secret_keys { by.key(&key).unwrap_or(key) } else { key };
                let new = if entry.holds_secrets() { covered(entry, Some(&value), by) } else { None };
                (key, new.unwrap_or(value))
            });
            Some(raw(&Members(entries.collect())))
        }
        _ => None,
    }
}
