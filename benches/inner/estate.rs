//! What the benches work on: one org's settings of a chosen size, and desired values for them.
//!
//! The settings have what the vendor's have: every known field, some that no schema names, doors with cameras. They
//! are the same in every process.

use std::fmt::Write as _;

use orgwave_core::desired::{DesiredValue, Origin};
use orgwave_core::operation::Operation;
use orgwave_core::outcome::StoredValue;
use orgwave_core::plan::{PlanLine, PlannedField, PlannedStep, Typed, Verdict};
use orgwave_core::settings::RawObject;
use serde_json::{Value, json};

use super::rows::{self, id};

/// The key of a door.
pub(crate) fn door_key(number: usize) -> String {
    format!("door-{number:04}")
}

/// A door as a read shows it, with one field that no schema names.
fn door(number: usize) -> Value {
    let camera = |offset| id(u64::try_from(2 * number + offset).unwrap_or(0));
    json!({
        "assignedCameraList": [camera(0), camera(1)],
        "clipDuration": 30,
        "doorName": format!("Entrance {number}, north wing"),
        "leadingSeconds": 5,
        "locationUuid": id(7),
        "remoteUnlock": false,
        "subLocationsHierarchyKey": format!("{}.{}", id(7), id(8)),
        "doorSensor": {"kind": "reed", "since": 1_700_000_000_123_u64},
    })
}

/// The settings of an org with this many doors, as the text that a read answers: about 2 KB and 350 bytes a door.
pub(crate) fn settings_text(doors: usize) -> String {
    let mut text = format!(
        concat!(
            r#"{{"integration":"ENVOY","orgUuid":"{}","userUuid":"{}","enabled":true,"saveClips":false,"#,
            r#""indexFaces":true,"createSeekPoints":false,"identifyFacesFromBadge":null,"#,
            r#""alertUnauthorizedFaces":true,"createAccessAnomalyAlerts":false,"#,
            r#""badgeAuthDisablesAlarmMonitoring":false,"badgeFaceVerificationMode":"SHADOW","#,
            r#""apiToken":"{}","refreshToken":"{}","doorsValidated":true,"tokenValid":true,"#,
            r#""envoyIntegrationInstalled":true,"misconfiguredDoors":[],"nextFeature":{{"beta":[1,2,3]}},"#,
            r#""locationInfoMap":{{"560315":{{"assignedCameraList":["{}"],"locationName":"Headquarters"}}}},"#,
            r#""envoyUserSettingsMap":{{"{}":{{"guestsEnabled":true,"packagesEnabled":false}}}},"#,
            r#""doorInfoMap":{{"#
        ),
        id(1),
        id(2),
        "t".repeat(640),
        "r".repeat(640),
        id(3),
        id(4)
    );
    for number in 0..doors {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\"{}\":{}", door_key(number), door(number));
    }
    text.push_str("}}");
    text
}

/// The same, read.
pub(crate) fn settings(doors: usize) -> RawObject {
    RawObject::parse(&settings_text(doors)).expect("the text above is an object")
}

fn field(path: &str, after: Value, from: Origin) -> PlannedField {
    let path = Operation::default_one().path(path).expect("a described path");
    PlannedField {
        path,
        before: StoredValue::Json(Value::Null),
        after: DesiredValue::Set(after),
        fingerprint: None,
        from,
    }
}

/// Two switches, as most rollouts set them. One of them is in sync already.
pub(crate) fn switches() -> Vec<PlannedField> {
    vec![field("enabled", json!(true), Origin::Default), field("saveClips", json!(true), Origin::Row)]
}

/// What a wide row sets.
pub(crate) fn wide() -> Vec<PlannedField> {
    sorted(rows::wide(1, true).into_iter().map(|(path, value)| field(path, value, Origin::Row)).collect())
}

/// Two switches, and one field of each of this many doors.
pub(crate) fn one_field_a_door(doors: usize) -> Vec<PlannedField> {
    let unlock = |number| {
        let from = Origin::Side("doors".into(), 2 + number as u64);
        field(&format!("doorInfoMap.{}.remoteUnlock", door_key(number)), json!(true), from)
    };
    sorted((0..doors).map(unlock).chain(switches()).collect())
}

/// Two switches, and every known field of each of this many doors.
pub(crate) fn every_field_of_doors(doors: usize) -> Vec<PlannedField> {
    let mut fields = switches();
    for number in 0..doors {
        let Value::Object(mut door) = door(number) else { unreachable!("a door is an object") };
        door.remove("doorSensor");
        door.insert("clipDuration".to_owned(), json!(45));
        let from = Origin::Side("doors".into(), 2 + number as u64);
        fields.extend(door.into_iter().map(|(member, value)| {
            field(&format!("doorInfoMap.{}.{member}", door_key(number)), value, from.clone())
        }));
    }
    sorted(fields)
}

/// A line of a plan that reads nothing, of a row of 31 cells: three switches, and every known field of four doors.
pub(crate) fn wide_line() -> PlanLine {
    let Value::Object(mut door) = door(1) else { unreachable!("a door is an object") };
    door.remove("doorSensor");
    let paths = (0..4).flat_map(|number| {
        let member = move |(member, value): (&String, &Value)| {
            (format!("doorInfoMap.{}.{member}", door_key(number)), value.clone())
        };
        door.iter().map(member)
    });
    let switches = ["enabled", "indexFaces", "saveClips"].map(|name| (name.to_owned(), json!(true)));
    let values: Vec<(String, Value)> = paths.chain(switches).collect();
    let cell = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(ids) => ids.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    };
    let named = [id(9).to_string(), "Client 4711 Ltd".to_owned()];
    let row = named.into_iter().chain(values.iter().map(|(_, value)| cell(value))).collect();
    let fields = values.into_iter().map(|(path, value)| PlannedField {
        before: StoredValue::Absent,
        ..field(&path, value, Origin::Row)
    });
    PlanLine {
        name: Some("Client 4711 Ltd".to_owned()),
        steps: vec![PlannedStep {
            fields: sorted(fields.collect()),
            ..PlannedStep::new(&Operation::default_one(), 0, Verdict::Update)
        }],
        typed: (&Typed { row, sides: Vec::new() }).into(),
        ..PlanLine::new(4711, id(9), Verdict::Update)
    }
}

fn sorted(mut fields: Vec<PlannedField>) -> Vec<PlannedField> {
    fields.sort_by(|left, right| left.path.cmp(&right.path));
    fields
}
