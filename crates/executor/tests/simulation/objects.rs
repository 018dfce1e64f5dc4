//! The settings objects that a stage may have: what the vendor holds of each at first, and what is wanted of it.

use std::sync::Arc;

use orgwave_core::operation::Operation;
use serde_json::{Map, Value, json};

use crate::stage::org_id;

/// Something that is wanted: a path as manifests name it, the same as a JSON pointer, and the value.
pub(crate) type Wanted = (&'static str, &'static str, Value);

/// One settings object of every org: an operation, and the vendor's and the judge's own words for what it is about.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) operation: Arc<Operation>,
    /// The member of an update's body that holds the settings.
    pub(crate) wrap: Option<&'static str>,
    /// What a write may touch; none: all but the vendor's own.
    pub(crate) writable: Option<&'static [&'static str]>,
    /// What comes back masked, where something does.
    pub(crate) secret: Option<&'static str>,
    /// What another writer may do to it: to something unmanaged, to something managed, and what is wanted itself.
    pub(crate) edits: [(&'static str, &'static str); 3],
    /// What rows may expect to be live: a path that is a member's name, too.
    pub(crate) expected: (&'static str, Value),
    settings: fn(usize) -> Value,
    wanted: fn(usize) -> Vec<Wanted>,
}

/// What no write touches.
const OWN: [&str; 4] = ["orgUuid", "integration", "tokenValid", "uuid"];

impl Object {
    /// The object of an operation.
    pub(crate) fn of(operation: &Arc<Operation>) -> Self {
        let all: [fn(&Arc<Operation>) -> Self; 5] = [envoy, toast, org_mfa, org_general, data_retention];
        let place = NAMES.iter().position(|name| *name == &*operation.name).expect("one that is simulated");
        all[place](operation)
    }

    /// What the org with this number has at first.
    pub(crate) fn settings(&self, number: usize) -> Map<String, Value> {
        let Value::Object(settings) = (self.settings)(number) else { unreachable!("an object") };
        settings
    }

    pub(crate) fn wanted(&self, number: usize) -> Vec<Wanted> {
        (self.wanted)(number)
    }

    /// Whether a write may touch a member.
    pub(crate) fn may_write(&self, name: &str) -> bool {
        self.writable.map_or_else(|| !OWN.contains(&name), |writable| writable.contains(&name))
    }
}

/// The operations that can be simulated.
pub(crate) const NAMES: [&str; 5] = ["envoy", "toast", "org-mfa", "org-general", "data-retention"];

fn envoy(operation: &Arc<Operation>) -> Object {
    let settings = |number: usize| {
        json!({
            "orgUuid": org_id(number).to_string(),
            "integration": "ENVOY",
            "tokenValid": true,
            "apiToken": null,
            "enabled": number.is_multiple_of(3),
            "saveClips": false,
            "indexFaces": true,
            "badgeFaceVerificationMode": "OFF",
            "doorInfoMap": {
                "front": {"doorName": "Front", "remoteUnlock": false, "clipDuration": 10},
                "back": {"doorName": "Back", "remoteUnlock": false, "leadingSeconds": 3, "newMember": [1.50]},
            },
            "newSetting": {"deep": [1, {"er": null}]},
        })
    };
    let wanted = |number: usize| {
        let mut wanted = vec![("enabled", "/enabled", json!(true))];
        if number.is_multiple_of(2) {
            wanted.push(("badgeFaceVerificationMode", "/badgeFaceVerificationMode", json!("AUTO")));
        }
        wanted.push(("saveClips", "/saveClips", json!(true)));
        if !number.is_multiple_of(5) {
            let path = "doorInfoMap.front.remoteUnlock";
            wanted.push((path, "/doorInfoMap/front/remoteUnlock", json!(true)));
        }
        wanted
    };
    Object {
        operation: Arc::clone(operation),
        wrap: Some("envoySettings"),
        writable: None,
        secret: Some("apiToken"),
        edits: [("indexFaces", "false"), ("saveClips", "null"), ("enabled", "true")],
        expected: ("indexFaces", json!(true)),
        settings,
        wanted,
    }
}

fn toast(operation: &Arc<Operation>) -> Object {
    let settings = |number: usize| {
        json!({
            "orgUuid": org_id(number).to_string(),
            "integration": "TOAST",
            "currentToastRestaurantGuid": "8f2c",
            "enabled": false,
            "restaurantSettingsMap": {
                "8f2c": {"locationName": "Harbor", "restaurantName": "Diner", "newMember": 1.50},
            },
            "newSetting": [null],
        })
    };
    let wanted = |number: usize| {
        let mut wanted = vec![("enabled", "/enabled", json!(true))];
        if number.is_multiple_of(3) {
            let path = "restaurantSettingsMap.8f2c.locationName";
            wanted.push((path, "/restaurantSettingsMap/8f2c/locationName", json!("Pier")));
        }
        wanted
    };
    Object {
        operation: Arc::clone(operation),
        wrap: Some("toastSettings"),
        writable: None,
        secret: None,
        edits: [("currentToastRestaurantGuid", "\"0000\""), ("enabled", "null"), ("enabled", "true")],
        expected: ("currentToastRestaurantGuid", json!("8f2c")),
        settings,
        wanted,
    }
}

fn org_mfa(operation: &Arc<Operation>) -> Object {
    let settings = |number: usize| {
        json!({
            "uuid": org_id(number).to_string(),
            "mfaEnabled": false,
            "v3AuthNumDaysSkip2FAForTrustedDevices": 7,
            "llmUsageEnabled": true,
        })
    };
    Object {
        operation: Arc::clone(operation),
        wrap: None,
        writable: Some(&["mfaEnabled", "v3AuthNumDaysSkip2FAForTrustedDevices"]),
        secret: None,
        edits: [
            ("v3AuthNumDaysSkip2FAForTrustedDevices", "30"),
            ("mfaEnabled", "null"),
            ("mfaEnabled", "true"),
        ],
        expected: ("v3AuthNumDaysSkip2FAForTrustedDevices", json!(7)),
        settings,
        wanted: |_| vec![("mfaEnabled", "/mfaEnabled", json!(true))],
    }
}

fn org_general(operation: &Arc<Operation>) -> Object {
    let settings = |number: usize| {
        json!({
            "uuid": org_id(number).to_string(),
            "name": format!("Org {number}"),
            "accountOwnerEmail": "owner@example.com",
            "accountBillingContactEmail": "billing@example.com",
            "accountTechnicalContactEmail": "it@example.com",
            "accountTechnicalContacts": ["it@example.com"],
            "connectivityBatchWindowSecs": 300,
            "defaultPlayerViewLiveType": "BUFFERED",
            "inactivityTimeout": 60,
            "mobileSessionLimitInDays": 90,
            "uapSettings": {"enabled": false, "text": "Authorized use only."},
            "llmUsageEnabled": true,
        })
    };
    let wanted = |number: usize| {
        let mut wanted = vec![("mobileSessionLimitInDays", "/mobileSessionLimitInDays", json!(30))];
        if number.is_multiple_of(2) {
            wanted.push(("uapSettings.enabled", "/uapSettings/enabled", json!(true)));
        }
        wanted
    };
    Object {
        operation: Arc::clone(operation),
        wrap: None,
        writable: Some(&[
            "name",
            "accountOwnerEmail",
            "accountBillingContactEmail",
            "accountTechnicalContactEmail",
            "accountTechnicalContacts",
            "connectivityBatchWindowSecs",
            "defaultPlayerViewLiveType",
            "inactivityTimeout",
            "mobileSessionLimitInDays",
            "uapSettings",
        ]),
        secret: None,
        edits: [
            ("inactivityTimeout", "90"),
            ("mobileSessionLimitInDays", "null"),
            ("mobileSessionLimitInDays", "30"),
        ],
        expected: ("inactivityTimeout", json!(60)),
        settings,
        wanted,
    }
}

fn data_retention(operation: &Arc<Operation>) -> Object {
    let settings = |number: usize| {
        json!({
            "faceEventRetentionDays": 365 + number,
            "licensePlateEventRetentionDays": 90,
            "newSetting": {"days": 1},
        })
    };
    Object {
        operation: Arc::clone(operation),
        wrap: Some("dataRetentionSettings"),
        writable: None,
        secret: None,
        edits: [
            ("licensePlateEventRetentionDays", "10"),
            ("faceEventRetentionDays", "null"),
            ("faceEventRetentionDays", "30"),
        ],
        expected: ("licensePlateEventRetentionDays", json!(90)),
        settings,
        wanted: |_| vec![("faceEventRetentionDays", "/faceEventRetentionDays", json!(30))],
    }
}
