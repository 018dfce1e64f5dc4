//! Doors that would be in two locations of one org: the vendor calls them misconfigured, and they are cheaper
//! mended in the manifest. Judged by what the plan's line shows: an entry whose name or location nobody
//! manages and nothing shows is passed over.

use std::collections::BTreeMap;

use orgwave_core::desired::Wish;
use orgwave_core::outcome::Image;
use orgwave_core::plan::{PlanLine, PlannedField};
use orgwave_core::settings::Path;
use serde_json::Value;

#[derive(Default)]
struct Door {
    name: Option<String>,
    location: Option<String>,
    is_gone: bool,
}

/// The names of these doors.
pub(super) fn in_two_locations(line: &PlanLine) -> Vec<String> {
    let mut doors: BTreeMap<&str, Door> = BTreeMap::new();
    for field in &line.fields {
        match &field.path {
            Path::Entry(map, key) if map.name == "doorInfoMap" => {
                let door = doors.entry(key).or_default();
                if let Image::Json(Value::Object(before)) = &field.before {
                    let text = |name: &str| before.get(name).and_then(Value::as_str).map(str::to_owned);
                    door.name = door.name.take().or_else(|| text("doorName"));
                    door.location = door.location.take().or_else(|| text("locationUuid"));
                }
                door.is_gone = field.after == Wish::Remove;
            }
            Path::Member(map, key, member) if map.name == "doorInfoMap" => {
                let door = doors.entry(key).or_default();
                match member.name {
                    "doorName" => door.name = text_wanted(field),
                    "locationUuid" => door.location = text_wanted(field),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    let mut twice = Vec::new();
    for door in doors.into_values().filter(|door| !door.is_gone) {
        if let (Some(name), Some(location)) = (door.name, door.location) {
            let first = places.entry(name.clone()).or_insert_with(|| location.clone());
            if *first != location && !twice.contains(&name) {
                twice.push(name);
            }
        }
    }
    twice
}

fn text_wanted(field: &PlannedField) -> Option<String> {
    match &field.after {
        Wish::Set(value) => value.as_str().map(str::to_owned),
        Wish::Remove | Wish::Secret(_) => None,
    }
}
