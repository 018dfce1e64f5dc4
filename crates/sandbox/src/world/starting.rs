//! The settings that an org starts with: every described field, and some unknown ones.
//!
//! What a careless client would harm is in all of them: fields that no schema names, at the top and inside doors,
//! whole numbers beyond what a float holds, explicit nulls, a door key with a dot in it.

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Class, Discriminator, Kind, Operation, Owner};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::estate::Estate;
use super::generated::Maker;
use crate::dice::Dice;
use crate::members::{Members, raw};
use crate::served::Document;
use crate::tree;

/// The generated Envoy settings of an org in the world of a seed, before any override, as the JSON text it is served as.
pub fn starting_settings(operation: &Operation, seed: u64, org: Ruuid) -> String {
    let text = generate(operation, seed, org).to_bytes();
    String::from_utf8_lossy(&text).into_owned()
}

/// A document of an org in the world of a seed, before any override.
pub(crate) fn document(document: &Document, seed: u64, org: Ruuid, name: &str) -> Bytes {
    let estate = Estate::generate(seed, org);
    let maker = Maker { seed, org, name, estate: &estate };
    let mut whole = Bytes::from_static(b"{}");
    for operation in &document.operations {
        let there = tree::get(&whole, &operation.at).map(|there| there.get().as_bytes());
        let mut settings = Members::parse(there.unwrap_or_default()).unwrap_or_default();
        if *operation.name == *ENVOY {
            settings = generate(operation, seed, org);
        } else {
            maker.fill(&mut settings, operation);
        }
        whole = tree::put(&whole, &operation.at, Some(&raw(&settings)));
    }
    // Where it is said beside the settings whose they are.
    for operation in &document.operations {
        if let Owner::Beside(at) = &operation.owner {
            whole = tree::put(&whole, at, Some(&raw(&org)));
        }
    }
    whole
}

/// Whose world is older than the others': tests and documents quote what is in it.
const ENVOY: &str = "envoy";

fn generate(operation: &Operation, seed: u64, org: Ruuid) -> Members {
    let estate = Estate::generate(seed, org);
    let mut dice = Dice::new(seed, &[b"settings", org.as_bytes()]);
    let user = dice.ruuid();
    let mut members = Members::default();
    let of_kind = |is: fn(&Kind) -> bool| operation.fields.iter().filter(move |field| is(&field.kind));
    for field in of_kind(|kind| matches!(kind, Kind::Bool)) {
        let is_guarded = field.risks.iter().any(|risk| risk.guard.is_some());
        let is_so = field.class == Class::ServerState || !is_guarded && dice.chance(0.5);
        members.set(&field.name, &is_so);
    }
    for field in operation.fields.iter() {
        if let Kind::Enum(words) = &field.kind {
            let word = |place: usize| words.get(place).map(|word| &**word);
            members.set(&field.name, dice.pick(&[None, word(0), word(1)]));
        }
    }
    for field in operation.fields.secrets() {
        let stem = field.name.strip_suffix("Token").unwrap_or(&field.name);
        members.set(&field.name, &format!("{}-{stem}-{}", operation.name, dice.ruuid()));
    }
    if let Some(Discriminator { member, is }) = &operation.discriminator {
        members.set(member, is);
    }
    for field in operation.fields.iter().filter(|field| field.class == Class::Identity) {
        let id = if operation.owner.inside() == Some(&*field.name) { org } else { user };
        members.set(&field.name, &id);
    }
    for field in of_kind(|kind| matches!(kind, Kind::List { .. })) {
        members.set(&field.name, &json!([]));
    }
    for table in &operation.tables {
        let entries = match &*table.name {
            "doors" => doors(&mut dice, &estate),
            "locations" => locations(&mut dice, &estate),
            "users" => users(&mut dice),
            _ => Map::new(),
        };
        members.set(&table.map.name, &entries);
    }
    for field in operation.fields.iter().filter(|field| field.class == Class::Audit) {
        members.set(
            &field.name,
            &json!({ "1700000000000-000000": {
                "enabledTimestampMs": 1_700_000_000_000_u64,
                "integrationAuditEvent": "UPDATE",
                "user": "installer@example.com",
                "userUuid": user,
            }}),
        );
    }
    members.set("visitorHostPolicy", &json!({"limits": [1, 2.5, null], "mode": "strict", "note": null}));
    members.set("settingsEpoch", &(9_007_199_254_740_993 + dice.below(1_000)));
    members.set("retiredFeature", &Value::Null);
    let beyond = RawValue::from_string("123456789012345678901234567890".to_owned());
    members.0.extend(beyond.ok().map(|number| ("ledgerOffset".to_owned(), number)));
    members
}

fn doors(dice: &mut Dice, estate: &Estate) -> Map<String, Value> {
    (0..2 + dice.below(4))
        .map(|place| {
            let location = dice.pick(&estate.locations);
            let hierarchy = location
                .sub_locations
                .first()
                .map_or_else(|| location.uuid.to_string(), |sub| format!("{}.{}", location.uuid, sub.uuid));
            let cameras: Vec<Ruuid> = (0..dice.below(3)).map(|_| dice.pick(&estate.cameras).uuid).collect();
            let key = if place == 0 { "north.1".to_owned() } else { format!("door-{}", 1_000 + place) };
            let door = json!({
                "assignedCameraList": cameras,
                "clipDuration": 10 + dice.below(50),
                "doorName": format!("Door {}", place + 1),
                "leadingSeconds": dice.below(10),
                "locationUuid": location.uuid,
                "remoteUnlock": dice.chance(0.5),
                "subLocationsHierarchyKey": hierarchy,
                "reader": {"firmware": "4.10", "serial": u64::MAX - dice.below(1_000), "pairedWith": null},
            });
            (key, door)
        })
        .collect()
}

fn locations(dice: &mut Dice, estate: &Estate) -> Map<String, Value> {
    estate
        .sites
        .iter()
        .map(|location| {
            let cameras = [dice.pick(&estate.cameras).uuid];
            (location.id.to_string(), json!({"assignedCameraList": cameras, "locationName": location.name}))
        })
        .collect()
}

fn users(dice: &mut Dice) -> Map<String, Value> {
    (0..=dice.below(3))
        .map(|_| {
            let settings =
                json!({"guestsEnabled": dice.chance(0.5), "packagesEnabled": dice.pick(&[None, Some(true)])});
            (dice.ruuid().to_string(), settings)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use sha2::{Digest as _, Sha256};

    use super::*;

    /// Worlds stay as they are from version to version: documents and tests quote what is in them.
    #[test]
    fn the_world_stays_the_same() {
        let settings = starting_settings(&Operation::default_one(), 7, Ruuid::from_bytes([7; 16]));
        let digest = Sha256::digest(settings.as_bytes());
        assert_eq!(format!("{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]), "01d4b3");
    }

    proptest! {
        #[test]
        fn the_world_is_a_pure_function_of_seed_and_org(seed: u64, bytes: [u8; 16]) {
            let org = Ruuid::from_bytes(bytes);
            prop_assert_eq!(starting_settings(&Operation::default_one(), seed, org), starting_settings(&Operation::default_one(), seed, org));
            prop_assert_eq!(Estate::generate(seed, org), Estate::generate(seed, org));
            prop_assert_ne!(starting_settings(&Operation::default_one(), seed, org), starting_settings(&Operation::default_one(), seed.wrapping_add(1), org));
        }

        #[test]
        fn every_known_field_is_there_and_has_its_type(seed: u64, bytes: [u8; 16]) {
            let org = Ruuid::from_bytes(bytes);
            let operation = Operation::default_one();
            let members = generate(&operation, seed, org);
            prop_assert_eq!(members.wrong_type(&operation), None);
            for field in operation.fields.iter() {
                prop_assert!(members.get(&field.name).is_some(), "{}", field.name);
            }
            let owner: Ruuid = serde_json::from_str(members.get("orgUuid").unwrap().get()).unwrap();
            prop_assert_eq!(owner, org);
            prop_assert!(members.0.keys().filter(|name| operation.fields.get(name).is_none()).count() >= 4);
        }

        #[test]
        fn estates_have_what_tests_rely_on(seed: u64, bytes: [u8; 16]) {
            let estate = Estate::generate(seed, Ruuid::from_bytes(bytes));
            prop_assert!(!estate.locations[0].sub_locations.is_empty());
            prop_assert_eq!(estate.cameras.iter().filter(|camera| camera.mummified).count(), 1);
            prop_assert_eq!(estate.cameras.len() as u64, Estate::camera_count(seed, Ruuid::from_bytes(bytes)));
            prop_assert!(!estate.sites.is_empty());
        }
    }
}
