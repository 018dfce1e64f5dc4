//! What an update does to an org's settings. Pure: the old settings, what was sent, the new settings.
//!
//! Under every kind of server:
//!
//! * Server state, audit, identity and discriminator fields are the server's own, at any depth: sent ones are ignored. So are
//!   those of the classes keep and omit.
//! * A field sent as null becomes null.
//! * One audit entry is added, and the latest eight are kept; `misconfiguredDoors` and `doorsValidated` are worked out anew.
//! * Where reads hide or mask secrets, a secret that isn't sent stays: no caller could have sent it back.
//!
//! Of a *projected* body, which holds the writable fields alone, what isn't described is ignored, and stays as it is, also inside
//! objects. A field that isn't sent stays, unless the server blanks what is absent: then it becomes null.
//!
//! Of *whole* bodies, the kinds differ in what isn't sent:
//!
//! * **replace**: it is gone.
//! * **merge**: it stays, at the top level only. A map that is sent takes the place of the map.
//! * **deep-merge**: it stays, also in maps and in their entries. An entry sent as null becomes null.

use std::collections::{BTreeMap, BTreeSet};

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Body, Class, Field, Kind, Operation};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::config::Server;
use crate::members::{Members, raw};

/// Under which rules an update happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// What the settings are of.
    pub(crate) operation: &'a Operation,
    pub(crate) server: Server,
    /// Whether a writable field that a projected body leaves out becomes null.
    pub(crate) blank_absent: bool,
    /// Whether reads show secrets.
    pub(crate) secrets_shown: bool,
    /// Milliseconds since the epoch, for the audit; `None` where nothing is audited.
    pub(crate) now_ms: Option<u64>,
}

/// The settings after an update.
pub(crate) fn update(rules: Rules<'_>, current: &Members, sent: Members) -> Members {
    let is_projected = rules.operation.body == Body::Projected;
    let mut next = match rules.server {
        _ if is_projected => current.clone(),
        Server::Replace => kept_by_server(rules, current),
        Server::Merge | Server::DeepMerge => current.clone(),
    };
    if is_projected && rules.blank_absent {
        let is_written = |field: &Field| match field.class {
            Class::Setting | Class::Keep => true,
            Class::Secret => rules.secrets_shown,
            _ => false,
        };
        for field in rules.operation.fields.iter().filter(|field| is_written(field)) {
            if sent.get(&field.name).is_none() {
                next.set(&field.name, &());
            }
        }
    }
    for (name, value) in sent.0 {
        let field = rules.operation.fields.get(&name);
        if field.is_none() && is_projected {
            continue;
        }
        if let Some(field) = field.filter(|field| !field.class.is_settable()) {
            // A server that replaces loses what should have come back and didn't.
            if let (Class::Keep, Some(own)) = (field.class, current.get(&name)) {
                next.0.insert(name, own.to_owned());
            }
            continue;
        }
        let own = field.filter(|field| is_projected || has_own(field));
        let own = own.and_then(|field| with_own(rules, field, current.get(&name)?, &value));
        let value = own.unwrap_or(value);
        let is_map = field.is_some_and(|field| matches!(field.kind, Kind::Map(_)));
        let value = match (rules.server, current.get(&name)) {
            (Server::DeepMerge, Some(old)) if is_map => merged(old, &value, 2),
            _ => value,
        };
        next.0.insert(name, value);
    }
    if let Some(now_ms) = rules.now_ms {
        let has = |name: &str| rules.operation.fields.get(name).is_some();
        let misconfigured = misconfigured_doors(&next);
        if has("doorsValidated") {
            next.set("doorsValidated", &misconfigured.is_empty());
        }
        if has("misconfiguredDoors") {
            next.set("misconfiguredDoors", &misconfigured);
        }
        if has("integrationAuditMap") {
            audit(&mut next, now_ms);
        }
        if has("enabledTimestampMs") {
            next.set("enabledTimestampMs", &now_ms);
        }
    }
    next
}

/// Whether the server keeps fields of this class to itself.
const fn is_servers(class: Class) -> bool {
    match class {
        Class::Setting | Class::Secret | Class::Keep => false,
        Class::ServerState | Class::Audit | Class::Identity | Class::Discriminator | Class::Omit => true,
    }
}

/// Whether something inside a field may be the server's.
fn has_own(field: &Field) -> bool {
    match &field.kind {
        Kind::Map(entry) => has_own(entry),
        Kind::Object(members) => {
            members.iter().any(|member| member.class != Class::Setting || has_own(member))
        }
        _ => false,
    }
}

/// What was sent for a field, with what the server keeps to itself inside: its own members, and secrets that reads don't show.
/// `None` where that is nothing.
fn with_own(rules: Rules<'_>, field: &Field, current: &RawValue, sent: &RawValue) -> Option<Box<RawValue>> {
    let object = |value: &RawValue| Members::parse(value.get().as_bytes()).ok();
    let (Kind::Map(_) | Kind::Object(_), Some(current), Some(mut sent)) =
        (&field.kind, object(current), object(sent))
    else {
        return None;
    };
    let mut is_other = false;
    match &field.kind {
        Kind::Map(entry) => {
            for (key, value) in &mut sent.0 {
                let own = current.get(key).and_then(|current| with_own(rules, entry, current, value));
                is_other |= own.is_some();
                if let Some(own) = own {
                    *value = own;
                }
            }
        }
        Kind::Object(members) => {
            if rules.operation.body == Body::Projected {
                let unlisted = current.0.iter().filter(|(name, _)| members.get(name).is_none());
                sent.0.retain(|name, _| members.get(name).is_some());
                sent.0.extend(unlisted.map(|(name, value)| (name.clone(), value.clone())));
                is_other = true;
            }
            for member in members.iter() {
                let own = match (member.class, current.get(&member.name), sent.get(&member.name)) {
                    (class, Some(own), _) if is_servers(class) => Some(own.to_owned()),
                    (Class::Secret, Some(own), None) if !rules.secrets_shown => Some(own.to_owned()),
                    (_, Some(current), Some(sent)) => with_own(rules, member, current, sent),
                    _ => None,
                };
                is_other |= own.is_some();
                sent.0.extend(own.map(|own| (member.name.to_string(), own)));
            }
        }
        _ => {}
    }
    is_other.then(|| raw(&sent))
}

fn kept_by_server(rules: Rules<'_>, current: &Members) -> Members {
    let keeps = |name: &str| {
        rules.operation.fields.get(name).is_some_and(|field| match field.class {
            // What reads don't show, no caller could have sent back.
            Class::Setting | Class::Keep => !field.is_shown,
            Class::Secret => !rules.secrets_shown,
            class => is_servers(class),
        })
    };
    Members(
        current
            .0
            .iter()
            .filter(|(name, _)| keeps(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

/// Merges two objects down to a depth; whatever isn't two objects is replaced.
fn merged(old: &RawValue, new: &RawValue, depth: u8) -> Box<RawValue> {
    let object = |value: &RawValue| Members::parse(value.get().as_bytes()).ok();
    let (Some(mut merging), Some(sent)) = (object(old), object(new)) else { return new.to_owned() };
    for (name, value) in sent.0 {
        let value = match merging.get(&name) {
            Some(old) if depth > 1 => merged(old, &value, depth - 1),
            _ => value,
        };
        merging.0.insert(name, value);
    }
    raw(&merging)
}

/// Names of doors that are in more than one location.
fn misconfigured_doors(settings: &Members) -> Vec<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Door {
        door_name: Option<String>,
        location_uuid: Option<Ruuid>,
    }
    let doors: BTreeMap<String, Option<Door>> = settings
        .get("doorInfoMap")
        .and_then(|map| serde_json::from_str(map.get()).ok().flatten())
        .unwrap_or_default();
    let mut places = BTreeMap::<String, BTreeSet<Ruuid>>::new();
    for door in doors.into_values().flatten() {
        if let (Some(name), Some(location)) = (door.door_name, door.location_uuid) {
            places.entry(name).or_default().insert(location);
        }
    }
    places.into_iter().filter(|(_, locations)| locations.len() > 1).map(|(name, _)| name).collect()
}

/// How many audit entries are kept, so that settings don't grow without end.
const AUDITED: usize = 8;

fn audit(settings: &mut Members, now_ms: u64) {
    let mut events: BTreeMap<String, Box<RawValue>> = settings
        .get("integrationAuditMap")
        .and_then(|map| serde_json::from_str(map.get()).ok().flatten())
        .unwrap_or_default();
    let event = json!({
        "enabledTimestampMs": now_ms,
        "integrationAuditEvent": "UPDATE",
        "user": "partner",
        "userUuid": null,
    });
    // Keys sort by time, the last part by what came in the same millisecond.
    let place = events
        .last_key_value()
        .and_then(|(key, _)| key.strip_prefix(&format!("{now_ms}-"))?.parse::<u32>().ok())
        .map_or(0, |place| place.saturating_add(1));
    events.insert(format!("{now_ms}-{place:06}"), raw(&event));
    while events.len() > AUDITED {
        events.pop_first();
    }
    settings.set("integrationAuditMap", &events);
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: &str = r#"{
        "apiToken":"a","enabled":true,"saveClips":true,"tokenValid":true,"orgUuid":"AAAAAAAAAAAAAAAAAAAAAA","new":1.0,
        "doorInfoMap":{"d":{"doorName":"D","clipDuration":5,"reader":7},"e":{"doorName":"E"}}
    }"#;

    fn updated(server: Server, secrets_shown: bool, sent: &str) -> Members {
        let parse = |text: &str| Members::parse(text.as_bytes()).unwrap();
        update(
            Rules {
                operation: &Operation::default_one(),
                server,
                blank_absent: false,
                secrets_shown,
                now_ms: Some(5),
            },
            &parse(CURRENT),
            parse(sent),
        )
    }

    fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
        members.get(name).map(RawValue::get)
    }

    #[test]
    fn what_is_not_sent_depends_on_the_server() {
        for (server, enabled, new, door_e) in [
            (Server::Replace, None, None, false),
            (Server::Merge, Some("true"), Some("1.0"), false),
            (Server::DeepMerge, Some("true"), Some("1.0"), true),
        ] {
            let next = updated(server, true, r#"{"saveClips":false,"doorInfoMap":{"d":{"clipDuration":6}}}"#);
            assert_eq!(text(&next, "saveClips"), Some("false"), "{server:?}");
            assert_eq!(text(&next, "enabled"), enabled, "{server:?}");
            assert_eq!(text(&next, "new"), new, "{server:?}");
            assert_eq!(text(&next, "doorInfoMap").unwrap().contains("\"E\""), door_e, "{server:?}");
            assert_eq!(text(&next, "tokenValid"), Some("true"), "{server:?}");
        }
    }

    #[test]
    fn a_deep_merge_reaches_into_entries_and_no_further() {
        let next = updated(Server::DeepMerge, true, r#"{"doorInfoMap":{"d":{"clipDuration":6},"e":null}}"#);
        assert_eq!(
            text(&next, "doorInfoMap"),
            Some(r#"{"d":{"clipDuration":6,"doorName":"D","reader":7},"e":null}"#)
        );
    }

    #[test]
    fn null_clears_and_the_servers_own_fields_cannot_be_sent() {
        for server in [Server::Replace, Server::Merge, Server::DeepMerge] {
            let next = updated(server, true, r#"{"enabled":null,"tokenValid":false,"integration":"OKTA"}"#);
            assert_eq!(text(&next, "enabled"), Some("null"));
            assert_eq!(text(&next, "tokenValid"), Some("true"));
            assert_eq!(text(&next, "integration"), None);
        }
    }

    #[test]
    fn a_secret_that_reads_never_showed_survives_a_replacing_server() {
        assert_eq!(text(&updated(Server::Replace, true, "{}"), "apiToken"), None);
        assert_eq!(text(&updated(Server::Replace, false, "{}"), "apiToken"), Some("\"a\""));
    }

    #[test]
    fn doors_in_two_locations_are_misconfigured() {
        let sent = r#"{"doorInfoMap":{
            "a":{"doorName":"Front","locationUuid":"AAAAAAAAAAAAAAAAAAAAAA"},
            "b":{"doorName":"Front","locationUuid":"BAAAAAAAAAAAAAAAAAAAAA"},
            "c":{"doorName":"Back","locationUuid":"AAAAAAAAAAAAAAAAAAAAAA"},
            "d":{"doorName":"Back","locationUuid":"AAAAAAAAAAAAAAAAAAAAAA"},
            "e":{"doorName":null,"locationUuid":null}, "f":null
        }}"#;
        let next = updated(Server::Merge, true, sent);
        assert_eq!(text(&next, "misconfiguredDoors"), Some("[\"Front\"]"));
        assert_eq!(text(&next, "doorsValidated"), Some("false"));
    }

    #[test]
    fn every_update_leaves_an_audit_entry() {
        let next = updated(Server::Merge, true, "{}");
        let map: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(text(&next, "integrationAuditMap").unwrap()).unwrap();
        assert_eq!(map["5-000000"]["integrationAuditEvent"], "UPDATE");
    }

    #[test]
    fn the_latest_audit_entries_are_kept_within_a_millisecond() {
        let mut settings = Members::default();
        for now_ms in [5; 20] {
            audit(&mut settings, now_ms);
        }
        audit(&mut settings, 6);
        let map: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(text(&settings, "integrationAuditMap").unwrap()).unwrap();
        assert_eq!(map.len(), AUDITED);
        let keys: Vec<&str> = map.keys().map(String::as_str).collect();
        assert_eq!(keys[AUDITED - 2..], ["5-000019", "6-000000"]);
    }
}
