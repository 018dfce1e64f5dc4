//! What a write changed beyond what was meant. Asked of the canary only: whether the vendor
//! merges or replaces is undocumented, and one org is a cheap way to find out.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::operation::{Class, Field, Fields, Ignored, Kind, Operation, Path};
use crate::plan::PlannedField;
use crate::secret::SealKey;
use crate::settings::{RawObject, shown_key};
use crate::timestamp::Timestamp;

/// How far from the reply's date a number may be that still reads as a time.
const NEAR: Duration = Duration::from_secs(24 * 60 * 60);
/// The last words of names of numbers that servers count on by themselves.
const COUNTERS: [&str; 4] = ["version", "revision", "count", "sequence"];

/// What changes without a writer's doing. A described setting never does.
#[derive(Debug, Clone, Copy)]
pub struct Exempt<'a> {
    /// Whose settings these are.
    pub operation: &'a Operation,
    /// `[limits] ignore`.
    pub ignored: &'a [Ignored],
    /// When the reply was sent.
    pub at: Timestamp,
    /// The plan's key: a key of a map that is a secret is written down as its fingerprint.
    pub seal: &'a SealKey,
}

/// What a write changed beyond what was meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnintendedChange {
    /// The first change that stops the run: an unmanaged setting or unknown field that differs, or server state that
    /// went from good to bad. Other server state, audit and identity change by themselves.
    pub stops: Option<String>,
    /// Unknown fields that appeared and hold nothing yet: reported.
    pub new_fields: Vec<String>,
}

/// Compares what was before a write with what was read after it.
pub fn unintended_change(
    fields: &[PlannedField],
    before: &RawObject,
    after: &RawObject,
    exempt: Exempt<'_>,
) -> UnintendedChange {
    let mut search = Search { exempt, found: UnintendedChange::default() };
    let managed: Vec<&Path> = fields.iter().map(|field| &field.path).collect();
    search.object(&exempt.operation.fields, &managed, &mut Vec::new(), &values(before), &values(after));
    search.found
}

struct Search<'a> {
    exempt: Exempt<'a>,
    found: UnintendedChange,
}

type Members = serde_json::Map<String, Value>;

impl Search<'_> {
    fn is_ignored(&self, place: &[&str]) -> bool {
        self.exempt.ignored.iter().any(|ignored| ignored.covers(place))
    }

    fn stop(&mut self, place: &[&str], how: &str) {
        if self.found.stops.is_none() && !self.is_ignored(place) {
            self.found.stops = Some(format!("{} {how}", place.join(".")));
        }
    }

    /// The members of an object, but for what is managed of them.
    fn object<'v>(
        &mut self,
        described: &Fields,
        managed: &[&Path],
        place: &mut Vec<&'v str>,
        before: &'v Members,
        after: &'v Members,
    ) {
        for (name, left, right) in both(before, after) {
            place.push(name);
            match described.get(name).map(|field| (field, field.class)) {
                Some((_, Class::ServerState)) => self.server_state(place, left, right),
                Some((_, Class::Audit | Class::Identity | Class::Discriminator)) => {}
                // A secret may be masked in one read and null in another; its value isn't compared here.
                Some((_, Class::Secret)) => {}
                Some((field, Class::Setting | Class::Keep | Class::Omit)) => {
                    self.setting(field, managed, place, left, right);
                }
                None => self.undescribed(place, left, right),
            }
            place.pop();
        }
    }

    /// State of the server's own, of which only what is watched counts.
    fn server_state<'v>(&mut self, place: &mut Vec<&'v str>, before: &'v Value, after: &'v Value) {
        let is_watched = self.exempt.operation.watch.iter().any(|watched| **watched == *place.join("."));
        if is_watched && *before == Value::Bool(true) && *after == Value::Bool(false) {
            self.stop(place, "went from true to false");
        }
        if let (Value::Object(before), Value::Object(after)) = (before, after) {
            for (name, left, right) in both(before, after) {
                place.push(name);
                self.server_state(place, left, right);
                place.pop();
            }
        }
    }

    /// A setting, or what is inside of it, unless it is managed as a whole.
    fn setting<'v>(
        &mut self,
        field: &Field,
        managed: &[&Path],
        place: &mut Vec<&'v str>,
        before: &'v Value,
        after: &'v Value,
    ) {
        static NOTHING: LazyLock<Members> = LazyLock::new(Members::new);
        let (depth, own) = (place.len() - 1, place.last().copied());
        let managed: Vec<&Path> = managed.iter().copied().filter(|path| path.part(depth) == own).collect();
        if managed.iter().any(|path| path.depth() == place.len()) {
            return;
        }
        if field.is_secret() {
            return;
        }
        let is_whole = before.is_object() && after.is_object();
        let members = |value: &'v Value| value.as_object().unwrap_or(&NOTHING);
        match &field.kind {
            Kind::Map(entry) => {
                for (key, left, right) in both(members(before), members(after)) {
                    if field.has_secret_keys {
                        if !alike(left, right) {
                            let shown = shown_key(field, key, Some(self.exempt.seal));
                            self.stop(&[place.as_slice(), &[&shown]].concat(), "changed");
                        }
                        continue;
                    }
                    place.push(key);
                    self.setting(entry, &managed, place, left, right);
                    place.pop();
                }
            }
            Kind::Object(described) if is_whole || !managed.is_empty() => {
                self.object(described, &managed, place, members(before), members(after));
            }
            _ if alike(before, after) => {}
            _ => self.stop(place, "changed"),
        }
    }

    /// A value that no description knows, or a value inside it.
    fn undescribed<'v>(&mut self, place: &mut Vec<&'v str>, before: &'v Value, after: &'v Value) {
        if alike(before, after) || self.is_ignored(place) {
            return;
        }
        if let (Value::Object(left), Value::Object(right)) = (before, after) {
            for (name, left, right) in both(left, right) {
                place.push(name);
                self.undescribed(place, left, right);
                place.pop();
            }
            return;
        }
        if before.is_null() && is_nothing(after) {
            self.found.new_fields.push(place.join("."));
            return;
        }
        let name = place.last().copied().unwrap_or_default();
        let counts_by_itself =
            is_counter(name) && is_integer(after) && (before.is_null() || is_integer(before));
        let is_clock = (before.is_null() || before.is_number()) && reads_as_time(after, self.exempt.at);
        if !counts_by_itself && !is_clock {
            self.stop(place, "changed");
        }
    }
}

/// False, or empty.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null => true,
        Value::Number(_) => false,
    }
}

fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64()
}

/// Whether the last word of a name says that its number counts something: `revision`, `rowVersion`, `write_count`; not
/// `discount`.
fn is_counter(name: &str) -> bool {
    COUNTERS.iter().any(|word| {
        let Some(at) = name.len().checked_sub(word.len()).filter(|at| name.is_char_boundary(*at)) else {
            return false;
        };
        let (before, last) = name.split_at(at);
        let begins_a_word = match before.chars().next_back() {
            None => true,
            Some(c) if c.is_alphabetic() => c.is_lowercase() == last.starts_with(char::is_uppercase),
            Some(_) => true,
        };
        last.eq_ignore_ascii_case(word) && begins_a_word
    })
}

/// Whether a number is a time near this one, in milliseconds or seconds since the epoch.
fn reads_as_time(value: &Value, at: Timestamp) -> bool {
    let Some(number) = value.as_f64() else { return false };
    #[expect(clippy::cast_precision_loss, reason = "a day's distance, of times that are far below 2^53")]
    let at = at.as_millis() as f64;
    let near = NEAR.as_secs_f64() * 1000.0;
    [number, number * 1000.0].into_iter().any(|millis| (millis - at).abs() <= near)
}

fn values(object: &RawObject) -> Members {
    let value = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or(Value::Null);
    object.iter().map(|(name, raw)| (name.into_owned(), value(raw))).collect()
}

/// The members of two objects by name, with what is there in each; null where nothing does.
fn both<'v>(left: &'v Members, right: &'v Members) -> impl Iterator<Item = (&'v str, &'v Value, &'v Value)> {
    let names: BTreeSet<&'v String> = left.keys().chain(right.keys()).collect();
    let at = |object: &'v Members, name: &String| object.get(name).unwrap_or(&Value::Null);
    names.into_iter().map(move |name| (name.as_str(), at(left, name), at(right, name)))
}

/// Members in any order, null as good as absent.
fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            both(left, right).all(|(_, left, right)| alike(left, right))
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
    use crate::desired::{DesiredValue, Origin};
    use crate::outcome::StoredValue;
    use crate::secret::SecretText;

    const AT: Timestamp = Timestamp::from_millis(1_795_505_432_050);

    fn found(paths: &[&str], before: &Value, after: &Value) -> Option<String> {
        all(paths, &[], before, after).stops
    }

    fn all(paths: &[&str], ignored: &[&str], before: &Value, after: &Value) -> UnintendedChange {
        let operation = Operation::default_one();
        let fields: Vec<PlannedField> = paths
            .iter()
            .map(|path| PlannedField {
                path: operation.path(path).unwrap(),
                before: StoredValue::Absent,
                after: DesiredValue::Set(json!(true)),
                fingerprint: None,
                from: Origin::Row,
            })
            .collect();
        let raw = |value: &Value| RawObject::parse(&value.to_string()).unwrap();
        let seal = SealKey::derive(&SecretText::new("k".into()), "p");
        let ignored: Vec<Ignored> = ignored.iter().map(|place| operation.ignored(place).unwrap()).collect();
        unintended_change(
            &fields,
            &raw(before),
            &raw(after),
            Exempt { operation: &operation, ignored: &ignored, at: AT, seal: &seal },
        )
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
    fn server_fields_and_spellings_of_nothing_do_not_count() {
        let before = json!({"integrationAuditMap": {}, "doorsValidated": true, "tokenValid": null, "x": null, "m": {"a": null}});
        let after =
            json!({"integrationAuditMap": {"a": 1}, "doorsValidated": false, "tokenValid": true, "m": {}});
        assert_eq!(found(&[], &before, &after), None);
    }

    #[test]
    fn undescribed_numbers_that_read_as_now_change_by_themselves() {
        for (before, after) in [
            (json!(1_795_405_432_050_u64), json!(1_795_505_432_000_u64)),
            (json!(0), json!(1_795_505_431)),
            (json!(null), json!(1_795_505_431.5)),
            (json!(17), json!(1_795_505_432_050_u64 + 86_400_000)),
        ] {
            assert_eq!(
                found(&[], &json!({"touchedAt": before}), &json!({"touchedAt": after})),
                None,
                "{after}"
            );
            let inside = |value: &Value| json!({"doorInfoMap": {"a": {"doorName": "x", "seen": value}}});
            assert_eq!(found(&[], &inside(&before), &inside(&after)), None, "in an entry: {after}");
            let deep = |value: &Value| json!({"new": {"deep": {"at": value}}});
            assert_eq!(found(&[], &deep(&before), &deep(&after)), None, "deep: {after}");
        }
        for (before, after) in [
            (json!(1), json!(2)),
            (json!(0), json!(1_795_505_432_050_u64 - 86_400_001)),
            (json!("then"), json!(1_795_505_432_050_u64)),
            (json!("2026-11-24T07:30:31Z"), json!("2026-11-24T07:30:32Z")),
            (json!(1_795_505_432_050_u64), json!(null)),
        ] {
            let found = found(&[], &json!({"touchedAt": before}), &json!({"touchedAt": after}));
            assert_eq!(found.as_deref(), Some("touchedAt changed"), "{after}");
        }
    }

    #[test]
    fn undescribed_integers_that_count_change_by_themselves() {
        for name in ["revision", "version", "rowVersion", "write_count", "eventSequence", "ETAG_VERSION"] {
            assert_eq!(found(&[], &json!({name: 7}), &json!({name: 8})), None, "{name}");
            assert_eq!(found(&[], &json!({}), &json!({name: 1})), None, "{name}");
        }
        for (name, before, after) in [
            ("discount", json!(7), json!(8)),
            ("account", json!(7), json!(8)),
            ("versionLimit", json!(7), json!(8)),
            ("revision", json!(7), json!(7.5)),
            ("revision", json!("a"), json!(8)),
            ("revision", json!(7), json!("b")),
        ] {
            assert!(found(&[], &json!({name: before}), &json!({name: after})).is_some(), "{name}: {after}");
        }
    }

    #[test]
    fn a_described_setting_is_never_exempt() {
        let entry = |clip: u64| json!({"doorInfoMap": {"a": {"clipDuration": clip}}});
        assert!(found(&[], &entry(1), &entry(1_795_505_432)).is_some());
        assert!(found(&[], &json!({"saveClips": false}), &json!({"saveClips": true})).is_some());
    }

    #[test]
    fn what_is_ignored_may_change() {
        let before =
            json!({"etag": "a", "tokenValid": true, "doorInfoMap": {"a": {"doorName": "x", "tag": "a"}}});
        let after =
            json!({"etag": "b", "tokenValid": false, "doorInfoMap": {"a": {"doorName": "x", "tag": "b"}}});
        let found = |ignored: &[&str]| all(&[], ignored, &before, &after).stops;
        assert_eq!(found(&["etag", "tokenValid", "doorInfoMap.*.tag"]), None);
        assert_eq!(found(&["etag", "tokenValid"]).as_deref(), Some("doorInfoMap.a.tag changed"));
        assert_eq!(
            found(&["doorInfoMap.a.tag", "etag"]).as_deref(),
            Some("tokenValid went from true to false")
        );
    }

    #[test]
    fn a_new_field_without_a_value_is_reported_and_stops_nothing() {
        let after = json!({"a": false, "b": "", "c": [], "d": {}, "e": null});
        let found = all(&[], &[], &json!({}), &after);
        assert_eq!(
            found,
            UnintendedChange { stops: None, new_fields: ["a", "b", "c", "d"].map(str::to_owned).into() }
        );
        for value in [json!(true), json!("x"), json!(0), json!([null]), json!({"x": 1})] {
            assert!(all(&[], &[], &json!({}), &json!({"a": value})).stops.is_some(), "{value}");
        }
    }
}
