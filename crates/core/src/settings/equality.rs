//! When two values of a setting mean the same.
//!
//! The vendor's server may answer null for absent, order a map anew, or list cameras in another order:
//! none of these is a difference. Everything else is.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::ids::{AddressRange, Ruuid};
use crate::operation::{Fields, Kind, order};

/// Whether two values of this kind mean the same. `None` is absent, and absent is as good as null.
pub fn same(kind: &Kind, left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left.unwrap_or(&Value::Null), right.unwrap_or(&Value::Null)) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (left, right) => match kind {
            Kind::List { of, as_set: true } => same_set(&of.kind, left, right),
            Kind::List { of, as_set: false } => same_list(&of.kind, left, right),
            Kind::Ruuid(_) => same_id(left, right),
            Kind::AddressRange => same_range(left, right),
            Kind::Map(entry) => same_map(&entry.kind, left, right),
            Kind::Object(members) => same_object(members, left, right),
            Kind::Bool
            | Kind::Int32
            | Kind::Int64
            | Kind::Number
            | Kind::Text
            | Kind::Enum(_)
            | Kind::HierarchyKey
            | Kind::Opaque => same_json(left, right),
        },
    }
}

/// Numbers by value (5 and 5.0 are one number), members in any order, absent as null.
fn same_json(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order(left, right).is_eq(),
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

/// A range is the same however its address is written.
fn same_range(left: &Value, right: &Value) -> bool {
    let range = |value: &Value| value.as_str()?.parse::<AddressRange>().ok();
    match (range(left), range(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

fn id(value: &Value) -> Option<Ruuid> {
    value.as_str()?.parse().ok()
}

/// In any order, however often each is there.
fn same_set(of: &Kind, left: &Value, right: &Value) -> bool {
    let (Value::Array(left), Value::Array(right)) = (left, right) else { return left == right };
    if matches!(of, Kind::Ruuid(_) | Kind::Text | Kind::Enum(_)) {
        // Lists of thousands of ids are compared by what each is written as.
        let set = |items: &[Value]| items.iter().map(|item| text(of, item)).collect::<BTreeSet<_>>();
        return set(left) == set(right);
    }
    let holds = |items: &[Value], wanted: &Value| items.iter().any(|item| same(of, Some(item), Some(wanted)));
    left.iter().all(|item| holds(right, item)) && right.iter().all(|item| holds(left, item))
}

/// What stands for an id or a text in a set. One that is no RUUID still counts, by its text.
fn text(of: &Kind, value: &Value) -> String {
    let id = if matches!(of, Kind::Ruuid(_)) { id(value) } else { None };
    id.map_or_else(|| value.to_string(), |id| id.to_hex())
}

fn same_list(of: &Kind, left: &Value, right: &Value) -> bool {
    let (Value::Array(left), Value::Array(right)) = (left, right) else { return left == right };
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(of, Some(left), Some(right)))
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

    use std::sync::Arc;

    use super::*;
    use crate::operation::{Field, Operation, Thing};

    fn cameras() -> Kind {
        Kind::List { of: Arc::new(Field::new("", Kind::Ruuid(Some(Thing::Camera)))), as_set: true }
    }

    #[test]
    fn absent_and_null_are_one_but_empty_is_another() {
        assert!(same(&Kind::Text, None, Some(&json!(null))));
        assert!(!same(&Kind::Text, None, Some(&json!(""))));
        assert!(!same(&cameras(), Some(&json!(null)), Some(&json!([]))));
    }

    #[test]
    fn cameras_compare_as_sets_of_ids() {
        let left = json!(["AAAAAAAAAAAAAAAAAAAAAA", "BAAAAAAAAAAAAAAAAAAAAA"]);
        let right = json!(["BAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB"]);
        assert!(same(&cameras(), Some(&left), Some(&right)));
        assert!(!same(&cameras(), Some(&left), Some(&json!(["AAAAAAAAAAAAAAAAAAAAAA"]))));
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
    fn whole_numbers_compare_to_the_last_digit() {
        let (left, right) = (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64));
        assert!(!same(&Kind::Int64, Some(&left), Some(&right)));
        assert!(same(&Kind::Number, Some(&json!(0.5)), Some(&json!(5e-1))));
    }

    #[test]
    fn lists_compare_in_order_and_sets_by_what_they_hold() {
        let list = |kind, as_set| Kind::List { of: Arc::new(Field::new("", kind)), as_set };
        let (left, right) = (json!(["10.0.0.0/8", "::1"]), json!(["::1/128", "10.0.0.0/8"]));
        assert!(same(&list(Kind::AddressRange, true), Some(&left), Some(&right)));
        assert!(!same(&list(Kind::AddressRange, false), Some(&left), Some(&right)));
        assert!(same(&list(Kind::Int32, true), Some(&json!([1, 2.0, 2])), Some(&json!([2, 1]))));
        assert!(!same(&list(Kind::Int32, true), Some(&json!([1])), Some(&json!([1, 2]))));
        assert!(same(&list(Kind::Int32, false), Some(&json!([1, 2.0])), Some(&json!([1, 2]))));
    }

    #[test]
    fn numbers_compare_by_value() {
        assert!(same(&Kind::Int32, Some(&json!(5)), Some(&json!(5.0))));
        assert!(!same(&Kind::Int32, Some(&json!(5)), Some(&json!("5"))));
    }
}
