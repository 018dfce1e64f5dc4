//! The Envoy settings that an org starts with: every known field, and some that nobody knows.
//!
//! What a careless client would harm is in all of them: fields that no schema names, at the top and inside doors,
//! whole numbers beyond what a float holds, explicit nulls, a door key with a dot in it.

use orgwave_core::ids::Ruuid;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::estate::Estate;
use super::members::Members;
use crate::dice::Dice;

/// The generated settings of an org in the world of a seed, before any override, as the JSON text it is served as.
pub fn starting_settings(seed: u64, org: Ruuid) -> String {
    let text = generate(seed, org).to_bytes();
    String::from_utf8_lossy(&text).into_owned()
}

pub(crate) fn generate(seed: u64, org: Ruuid) -> Members {
    let estate = Estate::generate(seed, org);
    let mut dice = Dice::new(seed, &[b"settings", org.as_bytes()]);
    let user = dice.ruuid();
    let mut members = Members::default();
    for name in [
        "alertUnauthorizedFaces",
        "createAccessAnomalyAlerts",
        "createSeekPoints",
        "enabled",
        "identifyFacesFromBadge",
        "indexFaces",
        "saveClips",
    ] {
        members.set(name, &dice.chance(0.5));
    }
    members.set("badgeAuthDisablesAlarmMonitoring", &false);
    members.set("badgeFaceVerificationMode", dice.pick(&[None, Some("OFF"), Some("SHADOW")]));
    members.set("apiToken", &format!("envoy-api-{}", dice.ruuid()));
    members.set("refreshToken", &format!("envoy-refresh-{}", dice.ruuid()));
    members.set("integration", &"ENVOY");
    members.set("orgUuid", &org);
    members.set("userUuid", &user);
    members.set("doorsValidated", &true);
    members.set("envoyIntegrationInstalled", &true);
    members.set("tokenValid", &true);
    members.set("misconfiguredDoors", &json!([]));
    members.set("doorInfoMap", &doors(&mut dice, &estate));
    members.set("locationInfoMap", &locations(&mut dice, &estate));
    members.set("envoyUserSettingsMap", &users(&mut dice));
    members.set(
        "integrationAuditMap",
        &json!({ "1700000000000-000000": {
            "enabledTimestampMs": 1_700_000_000_000_u64,
            "integrationAuditEvent": "UPDATE",
            "user": "installer@example.com",
            "userUuid": user,
        }}),
    );
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
        .envoy_locations
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
    use orgwave_core::settings::{FIELDS, schema::EnvoySettings};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_world_is_a_pure_function_of_seed_and_org(seed: u64, bytes: [u8; 16]) {
            let org = Ruuid::from_bytes(bytes);
            prop_assert_eq!(starting_settings(seed, org), starting_settings(seed, org));
            prop_assert_eq!(Estate::generate(seed, org), Estate::generate(seed, org));
            prop_assert_ne!(starting_settings(seed, org), starting_settings(seed.wrapping_add(1), org));
        }

        #[test]
        fn every_known_field_is_there_and_has_its_type(seed: u64, bytes: [u8; 16]) {
            let org = Ruuid::from_bytes(bytes);
            let members = generate(seed, org);
            prop_assert_eq!(members.wrong_type(), None);
            for field in FIELDS {
                prop_assert!(members.get(field.name).is_some(), "{}", field.name);
            }
            let typed: EnvoySettings = serde_json::from_str(&starting_settings(seed, org)).unwrap();
            prop_assert_eq!(typed.org_uuid.value(), Some(&org));
            prop_assert!(typed.other.len() >= 4);
        }

        #[test]
        fn estates_have_what_tests_rely_on(seed: u64, bytes: [u8; 16]) {
            let estate = Estate::generate(seed, Ruuid::from_bytes(bytes));
            prop_assert!(!estate.locations[0].sub_locations.is_empty());
            prop_assert_eq!(estate.cameras.iter().filter(|camera| camera.mummified).count(), 1);
            prop_assert_eq!(estate.cameras.len() as u64, Estate::camera_count(seed, Ruuid::from_bytes(bytes)));
            prop_assert!(!estate.envoy_locations.is_empty());
        }
    }
}
