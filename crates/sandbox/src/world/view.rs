//! How a read shows settings: not always as they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use orgwave_core::operation::{Kind, Operation};
use serde_json::value::RawValue;

use crate::members::{Members, raw};
use crate::secrets::{self, Cover};

/// What is different from the settings themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct View {
    /// Secrets as `***`.
    pub(crate) masked: bool,
    /// Secrets as null.
    pub(crate) hidden: bool,
    /// Without `orgUuid`.
    pub(crate) org_uuid_absent: bool,
    /// Absent known fields as null, all maps in another order.
    pub(crate) reshaped: bool,
}

impl Cover for View {
    fn value(&self, secret: Option<&RawValue>) -> Option<Box<RawValue>> {
        let is_there = secret.is_some_and(|secret| secret.get() != "null");
        if self.hidden { Some(raw(&())) } else { (self.masked && is_there).then(|| raw(&"***")) }
    }

    /// A key that isn't shown would be another key.
    fn key(&self, _: &str) -> Option<String> {
        None
    }
}

/// The settings under a view; `None` where it shows them as they are.
pub(crate) fn of(operation: &Operation, view: View, settings: &[u8]) -> Option<Bytes> {
    let unshown: Vec<_> = operation.fields.iter().filter(|field| !field.is_shown).collect();
    if view == View::default() && unshown.is_empty() {
        return None;
    }
    let mut members = Members::parse(settings).ok()?;
    for field in unshown {
        members.0.remove(&*field.name);
    }
    secrets::cover(&operation.fields, &mut members, &view);
    let owner = operation.owner.inside().filter(|_| view.org_uuid_absent);
    if let Some(owner) = owner {
        members.0.remove(owner);
    }
    if !view.reshaped {
        return Some(members.to_bytes());
    }
    for field in operation.fields.iter() {
        if members.get(&field.name).is_none() && field.is_shown && owner != Some(&*field.name) {
            members.set(&field.name, &());
        }
    }
    let is_map =
        |name: &str| operation.fields.get(name).is_some_and(|field| matches!(field.kind, Kind::Map(_)));
    Some(
        backwards(
            &members.0,
            |name, value| if is_map(name) { entries_backwards(value) } else { value.get().to_owned() },
        )
        .into(),
    )
}

fn entries_backwards(map: &RawValue) -> String {
    let object = |value: &RawValue| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(value.get()).ok();
    let Some(entries) = object(map) else { return map.get().to_owned() };
    backwards(&entries, |_, entry| {
        object(entry).map_or_else(
            || entry.get().to_owned(),
            |members| backwards(&members, |_, value| value.get().to_owned()),
        )
    })
}

/// An object with its members in reverse, each written by a function.
fn backwards(members: &BTreeMap<String, Box<RawValue>>, write: impl Fn(&str, &RawValue) -> String) -> String {
    let mut text = String::from("{");
    for (place, (name, value)) in members.iter().rev().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let name_json = serde_json::Value::from(name.as_str());
        let _ = write!(text, "{comma}{name_json}:{}", write(name, value));
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = r#"{"apiToken":"a","doorInfoMap":{"a":{"doorName":"A","x":1},"b":null},"n":1.0,"orgUuid":"AAAAAAAAAAAAAAAAAAAAAA"}"#;

    fn shown(view: View) -> String {
        String::from_utf8(of(&Operation::default_one(), view, SETTINGS.as_bytes()).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn settings_as_they_are_cost_nothing() {
        assert_eq!(of(&Operation::default_one(), View::default(), SETTINGS.as_bytes()), None);
    }

    #[test]
    fn secrets_are_masked_or_hidden() {
        let masked = shown(View { masked: true, ..View::default() });
        assert!(masked.contains(r#""apiToken":"***""#) && !masked.contains("refreshToken"), "{masked}");
        let hidden = shown(View { hidden: true, ..View::default() });
        assert!(hidden.contains(r#""apiToken":null"#), "{hidden}");
    }

    #[test]
    fn reshaped_settings_mean_the_same() {
        let text = shown(View { reshaped: true, ..View::default() });
        assert!(text.contains(r#""doorInfoMap":{"b":null,"a":{"x":1,"doorName":"A"}}"#), "{text}");
        assert!(text.contains(r#""n":1.0"#), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["enabled"], serde_json::Value::Null);
        assert!(value.as_object().unwrap().contains_key("enabled"));
    }
}
