//! When two values of a setting mean the same.
//!
//! The vendor's server may answer null for absent, order a map anew, or list cameras in another order:
//! none of these is a difference. Everything else is.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::ids::Ruuid;
use crate::operation::{Fields, Kind};

/// Whether two values of this kind mean the same. `None` is absent, and absent is as good as null.
pub fn same(kind: &Kind, left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left.unwrap_or(&Value::Null), right.unwrap_or(&Value::Null)) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (left, right) => match kind {
            Kind::Cameras => same_cameras(left, right),
            Kind::Ruuid => same_id(left, right),
            Kind::Map(entry) => same_map(&entry.kind, left, right),
            Kind::Object(members) => same_object(members, left, right),
            Kind::Bool
            | Kind::Int32
            | Kind::Text
            | Kind::Enum(_)
            | Kind::HierarchyKey
            | Kind::Texts
            | Kind::Opaque => same_json(left, right),
        },
    }
}

/// Numbers by value (5 and 5.0 are one number), members in any order, absent as null.
fn same_json(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_json(left, right))
        }
        (Value::Object(left), Value::Object(right)) => keys(left, right).into_iter().all(|key| {
            same_json(left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null))
        }),
        (left, right) => left == right,
    }
}

/// The identity of an id is its 16 bytes, not its text.
fn same_id(left: &Value, right: &Value) -> bool {
    match (id(left), id(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

fn id(value: &Value) -> Option<Ruuid> {
    value.as_str()?.parse().ok()
}

fn same_cameras(left: &Value, right: &Value) -> bool {
    fn set(value: &Value) -> Option<BTreeSet<String>> {
        // A camera id that is no RUUID still counts, by its text.
        let text = |value: &Value| id(value).map_or_else(|| value.to_string(), |id| id.to_hex());
        Some(value.as_array()?.iter().map(text).collect())
    }
    match (set(left), set(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

fn same_map(entry: &Kind, left: &Value, right: &Value) -> bool {
    let (Value::Object(left), Value::Object(right)) = (left, right) else { return left == right };
    keys(left, right).into_iter().all(|key| same(entry, left.get(key), right.get(key)))
}

fn same_object(members: &Fields, left: &Value, right: &Value) -> bool {
    let (Value::Object(left), Value::Object(right)) = (left, right) else { return left == right };
    keys(left, right).into_iter().all(|name| {
        let kind = members.get(name).map_or(&Kind::Opaque, |member| &member.kind);
        same(kind, left.get(name), right.get(name))
    })
}

fn keys<'a>(
    left: &'a serde_json::Map<String, Value>,
    right: &'a serde_json::Map<String, Value>,
) -> BTreeSet<&'a str> {
    left.keys().chain(right.keys()).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operation::Operation;

    #[test]
    fn absent_and_null_are_one_but_empty_is_another() {
        assert!(same(&Kind::Text, None, Some(&json!(null))));
        assert!(!same(&Kind::Text, None, Some(&json!(""))));
        assert!(!same(&Kind::Cameras, Some(&json!(null)), Some(&json!([]))));
    }

    #[test]
    fn cameras_compare_as_sets_of_ids() {
        let left = json!(["AAAAAAAAAAAAAAAAAAAAAA", "BAAAAAAAAAAAAAAAAAAAAA"]);
        let right = json!(["BAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB"]);
        assert!(same(&Kind::Cameras, Some(&left), Some(&right)));
        assert!(!same(&Kind::Cameras, Some(&left), Some(&json!(["AAAAAAAAAAAAAAAAAAAAAA"]))));
    }

    #[test]
    fn maps_compare_in_any_order_and_by_the_kinds_of_their_members() {
        let operation = Operation::default_one();
        let kind = &operation.fields.get("doorInfoMap").unwrap().kind;
        let left = json!({"a": {"assignedCameraList": ["x", "y"], "doorName": null}, "b": {}});
        let right = json!({"b": {}, "a": {"assignedCameraList": ["y", "x"]}});
        assert!(same(kind, Some(&left), Some(&right)));
        assert!(!same(kind, Some(&left), Some(&json!({"a": {"assignedCameraList": ["x", "y"]}}))));
    }

    #[test]
    fn numbers_compare_by_value() {
        assert!(same(&Kind::Int32, Some(&json!(5)), Some(&json!(5.0))));
        assert!(!same(&Kind::Int32, Some(&json!(5)), Some(&json!("5"))));
    }
}
