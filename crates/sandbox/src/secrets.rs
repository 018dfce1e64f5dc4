//! The secrets in settings, at any depth, by the description: what the ledger fingerprints and reads may not show.

use orgwave_core::operation::{Field, Fields, Kind};
use serde_json::value::RawValue;

use crate::members::{Members, raw};

/// Puts something else in the place of each secret; `other` gets the value, if there is one, and says what to put there, if
/// anything.
pub(crate) fn replace(
    fields: &Fields,
    members: &mut Members,
    other: &mut impl FnMut(Option<&RawValue>) -> Option<Box<RawValue>>,
) {
    for field in fields.iter().filter(|field| has_secrets(field)) {
        let value = members.get(&field.name);
        let new = if field.is_secret() {
            other(value)
        } else {
            value.and_then(|value| inside(field, value, other))
        };
        if let Some(new) = new {
            members.0.insert(field.name.to_string(), new);
        }
    }
}

/// The same in the value of a field; `None` where nothing is different, and where it has another type than described.
fn inside(
    field: &Field,
    value: &RawValue,
    other: &mut impl FnMut(Option<&RawValue>) -> Option<Box<RawValue>>,
) -> Option<Box<RawValue>> {
    let mut members = Members::parse(value.get().as_bytes()).ok()?;
    match &field.kind {
        Kind::Object(fields) => replace(fields, &mut members, other),
        Kind::Map(entry) => {
            for value in members.0.values_mut() {
                let new = if entry.is_secret() { other(Some(value)) } else { inside(entry, value, other) };
                if let Some(new) = new {
                    *value = new;
                }
            }
        }
        _ => return None,
    }
    Some(raw(&members))
}

/// Whether a field is a secret, or has one below it.
pub(crate) fn has_secrets(field: &Field) -> bool {
    field.is_secret()
        || match &field.kind {
            Kind::Object(fields) => fields.iter().any(|field| has_secrets(field)),
            Kind::Map(entry) => has_secrets(entry),
            _ => false,
        }
}
