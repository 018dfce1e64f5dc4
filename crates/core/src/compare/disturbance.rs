//! What a write changed beyond what was meant. Asked of the canary only: nobody knows whether the vendor
//! merges or replaces, and one org is a cheap way to find out.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plan::PlannedField;
use crate::settings::{Class, Field, Path, RawObject};

/// The first unmanaged setting or unknown field that differs, or server state that went from good to bad.
/// Other server state, audit and identity change by themselves.
pub fn disturbance(fields: &[PlannedField], before: &RawObject, after: &RawObject) -> Option<String> {
    let names: BTreeSet<&str> = before.iter().chain(after.iter()).map(|(name, _)| name).collect();
    names.into_iter().find_map(|name| {
        let (left, right) = (value(before, name), value(after, name));
        let field = Field::named(name);
        match field.map(|field| field.class) {
            Some(Class::ServerState) => {
                let watched = matches!(name, "tokenValid" | "envoyIntegrationInstalled");
                (watched && left == Value::Bool(true) && right == Value::Bool(false))
                    .then(|| format!("{name} went from true to false"))
            }
            Some(Class::Audit | Class::Identity | Class::Discriminator) => None,
            // A secret may be masked in one read and null in another; its value is nobody's business here.
            Some(Class::Secret) => None,
            Some(Class::Setting) | None => {
                let managed: Vec<&Path> =
                    fields.iter().map(|field| &field.path).filter(|path| path.field().name == name).collect();
                match field.and_then(Field::map) {
                    _ if managed.iter().any(|path| matches!(path, Path::Field(_))) => None,
                    Some(_) => entry_disturbance(name, &managed, &left, &right),
                    None => (!alike(&left, &right)).then(|| format!("{name} changed")),
                }
            }
        }
    })
}

fn entry_disturbance(map: &str, managed: &[&Path], before: &Value, after: &Value) -> Option<String> {
    let empty = serde_json::Map::new();
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter().find_map(|key| {
        let of_entry: Vec<&&Path> = managed.iter().filter(|path| path.key() == Some(key.as_str())).collect();
        if of_entry.iter().any(|path| matches!(path, Path::Entry(..))) {
            return None;
        }
        let (left, right) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
        if of_entry.is_empty() {
            return (!alike(left, right)).then(|| format!("{map}.{key} changed"));
        }
        let (left, right) = (left.as_object().unwrap_or(&empty), right.as_object().unwrap_or(&empty));
        let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        names.into_iter().find_map(|name| {
            let is_managed =
                of_entry.iter().any(|path| matches!(path, Path::Member(_, _, member) if member.name == name));
            let same = alike(left.get(name).unwrap_or(&Value::Null), right.get(name).unwrap_or(&Value::Null));
            (!is_managed && !same).then(|| format!("{map}.{key}.{name} changed"))
        })
    })
}

fn value(object: &RawObject, name: &str) -> Value {
    object.get(name).map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap_or(Value::Null))
}

/// Members in any order, null as good as absent.
fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            keys.into_iter().all(|key| {
                alike(left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null))
            })
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| alike(left, right))
        }
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::desired::{Origin, Wish};
    use crate::outcome::Image;

    fn found(paths: &[&str], before: &Value, after: &Value) -> Option<String> {
        let fields: Vec<PlannedField> = paths
            .iter()
            .map(|path| PlannedField {
                path: path.parse().unwrap(),
                before: Image::Absent,
                after: Wish::Set(json!(true)),
                fingerprint: None,
                from: Origin::Row,
            })
            .collect();
        let raw = |value: &Value| RawObject::parse(&value.to_string()).unwrap();
        disturbance(&fields, &raw(before), &raw(after))
    }

    #[test]
    fn what_is_managed_may_change() {
        assert_eq!(found(&["enabled"], &json!({"enabled": false}), &json!({"enabled": true})), None);
        let before = json!({"doorInfoMap": {"a": {"doorName": "x", "new": 1}}});
        let after = json!({"doorInfoMap": {"a": {"new": 1, "doorName": "y"}}});
        assert_eq!(found(&["doorInfoMap.a.doorName"], &before, &after), None);
    }

    #[test]
    fn what_is_not_managed_may_not() {
        let cases = [
            (json!({"saveClips": true}), json!({"saveClips": null}), "saveClips changed"),
            (json!({"unknown": {"a": 1}}), json!({}), "unknown changed"),
            (json!({"tokenValid": true}), json!({"tokenValid": false}), "tokenValid went from true to false"),
            (json!({"doorInfoMap": {"b": {}}}), json!({"doorInfoMap": {}}), "doorInfoMap.b changed"),
            (
                json!({"doorInfoMap": {"a": {"remoteUnlock": true}}}),
                json!({"doorInfoMap": {"a": {"doorName": "y"}}}),
                "doorInfoMap.a.remoteUnlock changed",
            ),
        ];
        for (before, after, expected) in cases {
            assert_eq!(found(&["doorInfoMap.a.doorName"], &before, &after).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_servers_own_fields_and_the_spelling_of_nothing_do_not_count() {
        let before = json!({"integrationAuditMap": {}, "doorsValidated": true, "tokenValid": null, "x": null, "m": {"a": null}});
        let after =
            json!({"integrationAuditMap": {"a": 1}, "doorsValidated": false, "tokenValid": true, "m": {}});
        assert_eq!(found(&[], &before, &after), None);
    }
}
