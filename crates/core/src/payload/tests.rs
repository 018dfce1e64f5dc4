//! Bodies, byte for byte, and held against bodies that are made slowly.

mod projected;

use std::sync::Arc;

use proptest::prelude::*;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::compare::{Context, Judgement, ReadBack, diff, judge, read_back};
use crate::desired::{Desired, DesiredValue, Managed, Origin};
use crate::operation::{Field, Operation, Path};
use crate::secret::{SealKey, SecretText};

fn secrets() -> Secrets {
    [("T".parse().unwrap(), SecretText::new("to\"ken".into()))].into()
}

fn at(path: &str) -> Path {
    Operation::default_one().path(path).unwrap()
}

fn door() -> Arc<Field> {
    Operation::default_one().fields.get("doorInfoMap").unwrap().entry().unwrap().clone()
}

fn fields(desired: &[(&str, DesiredValue)]) -> Vec<PlannedField> {
    let mut fields: Vec<PlannedField> = desired
        .iter()
        .map(|(path, after)| PlannedField {
            path: at(path),
            before: crate::outcome::StoredValue::Absent,
            after: after.clone(),
            fingerprint: None,
            from: Origin::Row,
        })
        .collect();
    fields.sort_by(|left, right| left.path.cmp(&right.path));
    fields
}

fn body(mode: WriteMode, desired: &[(&str, DesiredValue)], live: Option<&str>) -> String {
    let live = live.map(|live| RawObject::parse(live).unwrap());
    String::from_utf8(
        update_body(&Operation::default_one(), mode, &fields(desired), live.as_ref(), &secrets()).unwrap(),
    )
    .unwrap()
}

fn set(value: Value) -> DesiredValue {
    DesiredValue::Set(value)
}

#[test]
fn merge_keeps_every_byte_that_is_not_managed() {
    let live = r#"{"x":1.00,"enabled":false,"doorInfoMap":{"b":{"new":[ 1 ],"doorName":"n"},"a":null},"y":"\u00e9"}"#;
    assert_eq!(
        body(
            WriteMode::Merge,
            &[
                ("enabled", set(json!(true))),
                ("doorInfoMap.b.doorName", set(json!("m"))),
                ("saveClips", set(json!(null)))
            ],
            Some(live)
        ),
        r#"{"envoySettings":{"x":1.00,"enabled":true,"doorInfoMap":{"b":{"new":[ 1 ],"doorName":"m"},"a":null},"y":"\u00e9","saveClips":null}}"#
    );
}

#[test]
fn patch_sends_managed_fields_only_but_a_managed_map_whole() {
    let live = r#"{"x":1,"enabled":false,"doorInfoMap":{"b":{"new":1},"a":{"doorName":"n"}}}"#;
    assert_eq!(
        body(WriteMode::Patch, &[("doorInfoMap.c.remoteUnlock", set(json!(true)))], Some(live)),
        r#"{"envoySettings":{"doorInfoMap":{"b":{"new":1},"a":{"doorName":"n"},"c":{"remoteUnlock":true}}}}"#
    );
}

#[test]
fn without_a_read_only_what_the_manifest_names_is_sent() {
    assert_eq!(
        body(
            WriteMode::NoRead,
            &[
                ("enabled", set(json!(true))),
                ("doorInfoMap.k.clipDuration", set(json!(5))),
                ("apiToken", DesiredValue::Secret("T".parse().unwrap()))
            ],
            None
        ),
        r#"{"envoySettings":{"apiToken":"to\"ken","doorInfoMap":{"k":{"clipDuration":5}},"enabled":true}}"#
    );
}

#[test]
fn removals_whole_maps_and_unseen_secrets() {
    let live = r#"{"apiToken":null,"refreshToken":"r","doorInfoMap":{"a":{"doorName":"n"},"b":{}},"locationInfoMap":{"l":{}}}"#;
    assert_eq!(
        body(
            WriteMode::Merge,
            &[("doorInfoMap.a", DesiredValue::Remove), ("locationInfoMap", set(json!({})))],
            Some(live)
        ),
        r#"{"envoySettings":{"refreshToken":"r","doorInfoMap":{"b":{}},"locationInfoMap":{}}}"#
    );
    assert_eq!(
        body(WriteMode::Merge, &[("doorInfoMap.zz", DesiredValue::Remove)], Some("{}")),
        r#"{"envoySettings":{"doorInfoMap":{}}}"#
    );
}

#[test]
fn a_key_that_is_not_unicode_is_carried_at_every_depth() {
    let live = r#"{"\ud800":1,"doorInfoMap":{"\ud800":{},"\ud800":2,"a":{"\udfff":[ ]}}}"#;
    assert_eq!(
        body(WriteMode::Merge, &[("doorInfoMap.a.doorName", set(json!("m")))], Some(live)),
        r#"{"envoySettings":{"\ud800":1,"doorInfoMap":{"\ud800":{},"\ud800":2,"a":{"\udfff":[ ],"doorName":"m"}}}}"#
    );
}

#[test]
fn deep_values_are_carried_without_recursion() {
    let deep = format!(r#"{{"doorInfoMap":{{"a":{{"b":{}{}}}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let written = body(WriteMode::Merge, &[("doorInfoMap.a.doorName", set(json!("m")))], Some(&deep));
    assert_eq!(written.len(), deep.len() + r#"{"envoySettings":}"#.len() + r#","doorName":"m""#.len());
}

#[test]
fn an_unknown_shape_is_not_overwritten_in_part() {
    let live = RawObject::parse(r#"{"doorInfoMap":[1]}"#).unwrap();
    let managed = fields(&[("doorInfoMap.a.doorName", set(json!("x")))]);
    let error = update_body(&Operation::default_one(), WriteMode::Merge, &managed, Some(&live), &secrets())
        .unwrap_err();
    assert_eq!(error.to_string(), "doorInfoMap is a list, not an object");
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from)
    ]
}

fn any_entry() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(json!(null)),
        6 => prop::collection::btree_map(prop::sample::select(vec!["doorName", "remoteUnlock", "clipDuration", "new"]), any_scalar(), 0..4)
            .prop_map(|members| json!(members)),
    ]
}

prop_compose! {
    fn any_live()(
        scalars in prop::collection::btree_map(prop::sample::select(vec!["enabled", "saveClips", "indexFaces", "tomorrow"]), any_scalar(), 0..4),
        doors in prop::option::of(prop::collection::btree_map("[a-c.\\\\]{1,2}", any_entry(), 0..4)),
    ) -> Value {
        let mut live = json!(scalars);
        if let Some(doors) = doors {
            live["doorInfoMap"] = json!(doors);
        }
        live
    }
}

fn any_managed() -> impl Strategy<Value = Vec<Managed>> {
    let scalar = (prop::sample::select(vec!["enabled", "saveClips"]), any_scalar())
        .prop_map(|(name, value)| (at(name), DesiredValue::Set(value)));
    let member = ("[a-c.\\\\]{1,2}", prop::sample::select(vec!["doorName", "remoteUnlock"]), any_scalar())
        .prop_map(|(key, name, value)| {
            (Path::new(door().members().unwrap().get(name).unwrap(), [key.into()]), DesiredValue::Set(value))
        });
    let entry = "[d-f]{1,2}".prop_map(|key| (Path::new(&door(), [key.into()]), DesiredValue::Remove));
    prop::collection::vec(prop_oneof![3 => scalar, 5 => member, 1 => entry], 1..6).prop_map(|mut desired| {
        desired.sort_by(|left, right| left.0.cmp(&right.0));
        desired.dedup_by(|left, right| left.0 == right.0);
        desired.into_iter().map(|(path, desired)| Managed { path, desired, origin: Origin::Row }).collect()
    })
}

/// An object that is parsed, changed and written by serde_json.
#[derive(Default)]
struct Slow(Vec<(String, Box<RawValue>)>);

impl Slow {
    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let Members(pairs) = serde_json::from_str(text)?;
        let mut object = Self::default();
        for (key, value) in pairs {
            object.set(&key, value);
        }
        Ok(object)
    }

    fn inside(&self, key: &str) -> Result<Self, serde_json::Error> {
        match self.0.iter().find(|(name, _)| name == key).map_or("null", |(_, value)| value.get()) {
            "null" => Ok(Self::default()),
            text => Self::parse(text),
        }
    }

    fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    fn raw(&self) -> Box<RawValue> {
        let members: Vec<_> = self.0.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
        RawValue::from_string(format!("{{{}}}", members.join(","))).unwrap()
    }
}

/// The same body, made slowly.
fn slow_body(fields: &[PlannedField], live: &str) -> Result<String, serde_json::Error> {
    let raw = |desired: &DesiredValue| match desired {
        DesiredValue::Set(value) => serde_json::value::to_raw_value(value).unwrap(),
        _ => unreachable!("only plain values are generated here"),
    };
    let mut settings = Slow::parse(live)?;
    for field in fields {
        let parts: Vec<&str> = field.path.parts().collect();
        let name = parts[0];
        let value = match parts[1..] {
            [] => raw(&field.after),
            [key] => {
                let mut map = settings.inside(name)?;
                map.0.retain(|(known, _)| **known != *key);
                map.raw()
            }
            [key, member, ..] => {
                let mut map = settings.inside(name)?;
                let mut entry = map.inside(key)?;
                entry.set(member, raw(&field.after));
                map.set(key, entry.raw());
                map.raw()
            }
        };
        settings.set(name, value);
    }
    Ok(format!(r#"{{"envoySettings":{}}}"#, settings.raw()))
}

/// All members of an object, those of a repeated key as well.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let members = std::iter::from_fn(|| map.next_entry().transpose());
                members.collect::<Result<_, _>>().map(Members)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The objects down to the members of entries, taken apart: keys in their order, values as the bytes they are.
fn apart(text: &str, depth: usize) -> String {
    match serde_json::from_str(text) {
        Ok(Members(members)) if depth > 0 => {
            let member = |(key, value): &(String, Box<RawValue>)| {
                format!("{key:?}={}|", apart(value.get(), depth - 1))
            };
            format!("{{{}}}", members.iter().map(member).collect::<String>())
        }
        _ => text.to_owned(),
    }
}

/// An object's text as no sane server writes it: spaces, keys spelled with escapes, keys that occur twice.
fn any_object(
    keys: &'static [&'static str],
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    let space = || prop::sample::select(vec!["", "", "", "", " ", "\n"]);
    let member = (space(), prop::sample::select(keys), space(), space(), value, space()).prop_map(
        |(before, key, after, lead, value, end)| format!("{before}\"{key}\"{after}:{lead}{value}{end}"),
    );
    prop::collection::vec(member, 0..7).prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn any_odd_live() -> impl Strategy<Value = String> {
    let value = || {
        prop::sample::select(vec![
            "null",
            "true",
            "1.00",
            "-2E+07",
            "12345678901234567890123",
            r#""\"}""#,
            r#""\\""#,
            r#""é,{""#,
            "[ 1 ,{ \"a\":[]}]",
            r#"{"doorName" : {"a":[ ]}}"#,
            "{}",
        ])
        .prop_map(str::to_owned)
    };
    let members = &["doorName", r"d\u006forName", "remoteUnlock", "remoteUnlock ", "new", r#"new\""#, ""];
    let entry = prop_oneof![20 => any_object(members, value()), 3 => Just("null".to_owned()), 1 => value()];
    let doors = any_object(&["a", "b", r"\u0061", "c", r"b\\", ".", r"\ud83d\ude00", "d", "e", "f"], entry);
    let map = prop_oneof![12 => doors, 1 => Just("null".to_owned()), 1 => value()];
    let scalars = prop::collection::vec((prop::sample::select(vec!["enabled", "tomorrow"]), value()), 0..3);
    (scalars, map).prop_map(|(scalars, map)| {
        let scalars: String = scalars.iter().map(|(name, value)| format!("\"{name}\":{value},")).collect();
        format!(r#"{{{scalars}"doorInfoMap" : {map}}}"#)
    })
}

proptest! {
    /// However the live text is spelled: the body is what parsing, changing and writing it would give.
    #[test]
    fn bodies_equal_those_of_a_slow_implementation(live in any_odd_live(), managed in any_managed()) {
        let fields: Vec<PlannedField> = managed
            .into_iter()
            .map(|Managed { path, desired, origin }| PlannedField {
                path,
                before: crate::outcome::StoredValue::Absent,
                after: desired,
                fingerprint: None,
                from: origin,
            })
            .collect();
        let read = RawObject::parse(&live).unwrap();
        let fast = update_body(&Operation::default_one(), WriteMode::Merge, &fields, Some(&read), &secrets());
        match slow_body(&fields, &live) {
            Err(_) => prop_assert!(fast.is_err()),
            Ok(slow) => {
                let fast = String::from_utf8(fast.unwrap()).unwrap();
                prop_assert!(serde_json::from_str::<Value>(&fast).is_ok(), "{}", fast);
                prop_assert_eq!(apart(&fast, 4), apart(&slow, 4));
            }
        }
    }

    /// Whatever is live and whatever is wanted: after the write it is live, and nothing else changed.
    #[test]
    fn diff_then_apply_is_desired(live in any_live(), managed in any_managed()) {
        let seal = SealKey::derive(&SecretText::new("k".into()), "p");
        let secrets = secrets();
        let operation = Operation::default_one();
        let context = Context { operation: &operation, secrets: &secrets, seal: &seal };
        let before = RawObject::parse(&live.to_string()).unwrap();
        let desired = Desired { managed, expects: Vec::new() };
        let found = diff(&desired, Some(&before), context).unwrap();
        let judged = judge(&found.fields, &[], &before, context).unwrap();
        prop_assert_eq!(found.differs, judged != Judgement::AsDesired);

        let body = update_body(&Operation::default_one(), WriteMode::Merge, &found.fields, Some(&before), &secrets).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let after = RawObject::parse(&body["envoySettings"].to_string()).unwrap();
        prop_assert!(!diff(&desired, Some(&after), context).unwrap().differs);
        let exempt =
            crate::compare::Exempt { operation: &operation, ignored: &[], at: crate::timestamp::Timestamp::from_millis(0), seal: &seal };
        let beside = crate::compare::unintended_change(&found.fields, &before, &after, exempt);
        prop_assert_eq!(beside, crate::compare::UnintendedChange::default());
        if let Judgement::Differs(changes) = judged {
            prop_assert_eq!(
                read_back(&found.fields, &changes, &after, context).unwrap(),
                ReadBack::AsDesired { partly: false }
            );
            prop_assert_eq!(read_back(&found.fields, &changes, &before, context).unwrap(), ReadBack::AsBefore);
        }
    }
}
