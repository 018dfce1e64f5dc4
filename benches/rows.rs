//! The rows that benches work on, narrow and wide, as values: manifests, bodies and planned fields are made of them.
//!
//! Each row has two states, on and off, which differ in every field, so a client that writes one after the other always has
//! something to change.

use orgwave_core::ids::Ruuid;
use serde_json::{Value, json};

/// A column with the value of one row.
pub(crate) type Field = (&'static str, Value);

/// The id of this number.
pub(crate) fn id(number: u64) -> Ruuid {
    // An odd multiplier, so that neighbours look as unlike as real ids do.
    let spread = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    Ruuid::from_bytes(spread.to_be_bytes())
}

/// One switch.
pub(crate) fn narrow(_: u64, on: bool) -> Vec<Field> {
    vec![("saveClips", json!(on))]
}

/// What a partner sets who sets everything: 31 fields, of them nine of the org, two doors, two locations and two people.
/// The body of its update has about 1.6 kB.
pub(crate) fn wide(number: u64, on: bool) -> Vec<Field> {
    let state = if on { "open" } else { "closed" };
    let (more, seconds) = if on { (0, 30) } else { (10, 20) };
    let other = |offset: u64| json!(id(1_000_000 + number + offset + more));
    let cameras =
        |offset: u64| json!([other(offset), other(offset + 1), other(offset + 2), other(offset + 3)]);
    let sub_location = |offset: u64| json!(format!("{}.{}", id(1_000_000 + more + offset), id(8)));
    vec![
        ("alertUnauthorizedFaces", json!(on)),
        ("badgeAuthDisablesAlarmMonitoring", json!(!on)),
        ("badgeFaceVerificationMode", json!(if on { "SUPERVISED" } else { "SHADOW" })),
        ("createAccessAnomalyAlerts", json!(on)),
        ("createSeekPoints", json!(on)),
        ("enabled", json!(on)),
        ("identifyFacesFromBadge", if on { Value::Null } else { json!(true) }),
        ("indexFaces", json!(on)),
        ("saveClips", json!(on)),
        ("doorInfoMap.front.assignedCameraList", cameras(0)),
        ("doorInfoMap.front.clipDuration", json!(seconds)),
        (
            "doorInfoMap.front.doorName",
            json!(format!("Main entrance of building {number} north wing - {state} to visitors")),
        ),
        ("doorInfoMap.front.leadingSeconds", json!(seconds / 5)),
        ("doorInfoMap.front.locationUuid", other(3)),
        ("doorInfoMap.front.remoteUnlock", json!(on)),
        ("doorInfoMap.front.subLocationsHierarchyKey", sub_location(3)),
        ("doorInfoMap.back.assignedCameraList", cameras(4)),
        ("doorInfoMap.back.clipDuration", json!(seconds + 5)),
        (
            "doorInfoMap.back.doorName",
            json!(format!("Deliveries of building {number} yard - {state} until six")),
        ),
        ("doorInfoMap.back.leadingSeconds", json!(seconds / 10)),
        ("doorInfoMap.back.locationUuid", other(6)),
        ("doorInfoMap.back.remoteUnlock", json!(!on)),
        ("doorInfoMap.back.subLocationsHierarchyKey", sub_location(6)),
        ("locationInfoMap.560315.assignedCameraList", cameras(7)),
        (
            "locationInfoMap.560315.locationName",
            json!(format!("Headquarters of client {number} in the city centre - {state}")),
        ),
        ("locationInfoMap.560316.assignedCameraList", cameras(9)),
        (
            "locationInfoMap.560316.locationName",
            json!(format!("Warehouse of client {number} behind the station - {state}")),
        ),
        ("envoyUserSettingsMap.20141.guestsEnabled", json!(on)),
        ("envoyUserSettingsMap.20141.packagesEnabled", json!(!on)),
        ("envoyUserSettingsMap.20142.guestsEnabled", json!(!on)),
        ("envoyUserSettingsMap.20142.packagesEnabled", json!(on)),
    ]
}

/// The first line of a manifest with these columns.
pub(crate) fn header(fields: &[Field]) -> String {
    let mut line = String::from("org_uuid");
    for (column, _) in fields {
        line.push(',');
        line.push_str(column);
    }
    line.push('\n');
    line
}

/// An org's line, as a spreadsheet writes it.
pub(crate) fn line(org: Ruuid, fields: &[Field]) -> String {
    let mut line = org.to_string();
    for (_, value) in fields {
        line.push(',');
        match value {
            Value::Null => line.push_str("<null>"),
            Value::String(text) => line.push_str(text),
            Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                line.push_str(&items.join(";"));
            }
            other => line.push_str(&other.to_string()),
        }
    }
    line.push('\n');
    line
}
