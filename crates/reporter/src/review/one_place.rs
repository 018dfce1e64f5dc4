//! Entries of one name that would be in two places of one org, where the vendor objects to that: cheaper fixed in the
//! manifest. Judged by what the plan's line shows: an entry whose name or place is unmanaged and nothing shows is
//! passed over.

use std::collections::BTreeMap;

use orgwave_core::desired::DesiredValue;
use orgwave_core::operation::OnePlace;
use orgwave_core::outcome::StoredValue;
use orgwave_core::plan::{PlannedField, PlannedStep};
use serde_json::Value;

#[derive(Default)]
struct Entry {
    name: Option<String>,
    place: Option<String>,
    is_gone: bool,
}

/// The names that would be in two places.
pub(super) fn in_two_places(rule: &OnePlace, step: &PlannedStep) -> Vec<String> {
    let mut entries: BTreeMap<&str, Entry> = BTreeMap::new();
    for field in step.fields.iter().filter(|field| field.path.top() == &*rule.map) {
        let [key] = field.path.keys() else { continue };
        let entry = entries.entry(key).or_default();
        if field.path.is_entry() {
            if let StoredValue::Json(Value::Object(before)) = &field.before {
                let text = |name: &str| before.get(name).and_then(Value::as_str).map(str::to_owned);
                entry.name = entry.name.take().or_else(|| text(&rule.name));
                entry.place = entry.place.take().or_else(|| text(&rule.place));
            }
            entry.is_gone = field.after == DesiredValue::Remove;
        } else if *field.path.field().name == *rule.name {
            entry.name = text_wanted(field);
        } else if *field.path.field().name == *rule.place {
            entry.place = text_wanted(field);
        }
    }
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    let mut twice = Vec::new();
    for entry in entries.into_values().filter(|entry| !entry.is_gone) {
        if let (Some(name), Some(place)) = (entry.name, entry.place) {
            let first = places.entry(name.clone()).or_insert_with(|| place.clone());
            if *first != place && !twice.contains(&name) {
                twice.push(name);
            }
        }
    }
    twice
}

fn text_wanted(field: &PlannedField) -> Option<String> {
    match &field.after {
        DesiredValue::Set(value) => value.as_str().map(str::to_owned),
        DesiredValue::Remove | DesiredValue::Secret(_) => None,
    }
}
