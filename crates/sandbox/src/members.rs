//! Settings as the server holds them: members by name, their values as the JSON text that was written.
//!
//! Text instead of parsed values, so that the server adds no rounding of its own to a number that a client must
//! carry unharmed.

use std::collections::BTreeMap;

use bytes::Bytes;
use orgwave_core::ids::{HierarchyKey, Ruuid};
use orgwave_core::operation::{Fields, Kind, Operation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// A JSON object of raw values.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Members(pub(crate) BTreeMap<String, Box<RawValue>>);

impl Members {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.get(name).map(|value| &**value)
    }

    pub(crate) fn set(&mut self, name: &str, value: &impl Serialize) {
        self.0.insert(name.to_owned(), raw(value));
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).expect("texts and raw JSON always serialize"))
    }

    /// The first described field, or place in a map, whose value has the wrong type.
    pub(crate) fn wrong_type(&self, operation: &Operation) -> Option<String> {
        self.wrong_type_besides(operation, &Self::default())
    }

    /// The same, without another look at values that are in settings which are known already: most of what an
    /// update sends back is as it was read.
    pub(crate) fn wrong_type_besides(&self, operation: &Operation, known: &Self) -> Option<String> {
        self.0.iter().find_map(|(name, value)| {
            if known.get(name).is_some_and(|known| known.get() == value.get()) {
                return None;
            }
            let field = operation.fields.get(name)?;
            wrong(&field.kind, value.get()).map(|place| format!("{name}{place}"))
        })
    }
}

/// A value as raw JSON.
pub(crate) fn raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("what the sandbox holds has text keys and always serializes")
}

/// Where a value isn't of its type, as a text behind its place: `""` for the value itself, `.key`, `.key.member`. Null is
/// of every type.
fn wrong(kind: &Kind, json: &str) -> Option<String> {
    fn is<'a, T: Deserialize<'a>>(json: &'a str) -> bool {
        serde_json::from_str::<Option<T>>(json).is_ok()
    }
    let fits = match kind {
        Kind::Bool => is::<bool>(json),
        Kind::Int32 => is::<i32>(json),
        Kind::Int64 => is::<i64>(json),
        Kind::Number => is::<f64>(json),
        Kind::Text | Kind::Enum(_) | Kind::AddressRange => is::<String>(json),
        Kind::Ruuid(_) => is::<Ruuid>(json),
        Kind::HierarchyKey => is::<HierarchyKey>(json),
        Kind::List { of, .. } => serde_json::from_str::<Option<Vec<&RawValue>>>(json)
            .is_ok_and(|items| items.iter().flatten().all(|item| wrong(&of.kind, item.get()).is_none())),
        Kind::Map(entry) => return wrong_inside(json, |_| Some(&entry.kind)),
        Kind::Object(members) => return wrong_member(members, json),
        Kind::Opaque => true,
    };
    (!fits).then(String::new)
}

fn wrong_member(members: &Fields, json: &str) -> Option<String> {
    wrong_inside(json, |name| members.get(name).map(|member| &member.kind))
}

/// The same, of what an object holds.
fn wrong_inside<'k>(json: &str, kind_of: impl Fn(&str) -> Option<&'k Kind>) -> Option<String> {
    type Inside<'a> = BTreeMap<String, &'a RawValue>;
    let Ok(inside) = serde_json::from_str::<Option<Inside<'_>>>(json) else { return Some(String::new()) };
    inside
        .into_iter()
        .flatten()
        .find_map(|(name, value)| wrong(kind_of(&name)?, value.get()).map(|place| format!(".{name}{place}")))
}

/// Puts null where a TOML table had to write `<null>`.
pub(crate) fn with_nulls(value: &Value) -> Value {
    match value {
        Value::String(text) if text == "<null>" => Value::Null,
        Value::Array(items) => items.iter().map(with_nulls).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), with_nulls(value))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_text() {
        let text = r#"{"a":1.0,"b":123456789012345678901234567890,"c":"\u00e9"}"#;
        assert_eq!(Members::parse(text.as_bytes()).unwrap().to_bytes(), text);
    }

    #[test]
    fn wrong_types_are_found_where_they_are() {
        for (json, place) in [
            (r#"{"enabled":"true"}"#, Some("enabled")),
            (r#"{"enabled":null,"new":[1]}"#, None),
            (r#"{"orgUuid":""}"#, Some("orgUuid")),
            (r#"{"apiToken":5}"#, Some("apiToken")),
            (r#"{"badgeFaceVerificationMode":"TOMORROW"}"#, None),
            (r#"{"doorInfoMap":[]}"#, Some("doorInfoMap")),
            (r#"{"doorInfoMap":{"a":null,"b":{}}}"#, None),
            (r#"{"doorInfoMap":{"a":{"clipDuration":1.5}}}"#, Some("doorInfoMap.a.clipDuration")),
            (r#"{"doorInfoMap":{"a":{"clipDuration":3000000000}}}"#, Some("doorInfoMap.a.clipDuration")),
            (r#"{"doorInfoMap":{"a":{"locationUuid":""}}}"#, Some("doorInfoMap.a.locationUuid")),
            (
                r#"{"doorInfoMap":{"a":{"assignedCameraList":["x"]}}}"#,
                Some("doorInfoMap.a.assignedCameraList"),
            ),
            (r#"{"doorInfoMap":{"a":{"new":{"deep":1}}}}"#, None),
            (r#"{"misconfiguredDoors":["a",null]}"#, None),
        ] {
            let members = Members::parse(json.as_bytes()).unwrap();
            assert_eq!(members.wrong_type(&Operation::default_one()).as_deref(), place, "{json}");
        }
    }
}
