//! What takes a run's changes back: field by field and entry by entry, and only where what the run set is
//! still live.

use serde_json::Value;

use crate::change::Change;
use crate::desired::{DesiredValue, Origin};
use crate::operation::{Operation, Path};
use crate::outcome::StoredValue;
use crate::plan::PlannedField;
use crate::secret::SealKey;
use crate::settings::{Observed, RawObject, Settings, ShapeError, has_secrets};

/// What can be taken back of an org, and what can't.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restoration {
    /// The paths to be restored, sorted.
    pub fields: Vec<PlannedField>,
    /// Paths that have their old value already: there is nothing to take back.
    pub back_already: Vec<Path>,
    /// Paths that have neither the value that the run set nor the one before: changed since by another writer.
    pub changed_since: Vec<Path>,
    /// Secrets: their old values are kept nowhere.
    pub secrets: Vec<Path>,
    /// Paths whose change destroyed what their old value would not bring back, sorted, each with what that is.
    pub irreversible: Vec<(Path, Box<str>)>,
}

/// What takes these changes back, by what is live.
///
/// # Errors
/// A path can't be seen.
pub fn restore<'a>(
    operation: &Operation,
    changes: impl IntoIterator<Item = Change<'a>>,
    live: &RawObject,
    seal: &SealKey,
) -> Result<Restoration, ShapeError> {
    let settings = Settings::new(live);
    let mut restoration = Restoration::default();
    let mut ours: Vec<(Change<'_>, Observed)> = Vec::new();
    for change in changes {
        let path = &change.field.path;
        if path.field().is_secret() || !path.field().is_shown || is_veiled(path, change.before) {
            restoration.secrets.push(path.clone());
            continue;
        }
        if let Some(lost) = operation.irreversible(path) {
            restoration.irreversible.push((path.clone(), lost));
            continue;
        }
        let observed = settings.at(path)?;
        if observed.is(&change.field.after_stored(), path, seal) {
            ours.push((change, observed));
        } else if observed.is(change.before, path, seal) {
            restoration.back_already.push(path.clone());
        } else {
            restoration.changed_since.push(path.clone());
        }
    }
    for group in ours.chunk_by(|(left, _), (right, _)| are_of_one_entry(&left.field.path, &right.field.path))
    {
        match added_entry(operation, group, &settings)? {
            Some(field) => restoration.fields.push(field),
            None => restoration
                .fields
                .extend(group.iter().map(|(change, observed)| back(*change, observed, seal))),
        }
    }
    restoration.fields.retain(PlannedField::differs);
    Ok(restoration)
}

/// Whether what was before had secrets in it, which are written down nowhere.
fn is_veiled(path: &Path, before: &StoredValue) -> bool {
    matches!(before, StoredValue::Json(value) if has_secrets(path.field(), value))
}

/// How deep the map's entry is that a path is a field of; `None` for other paths.
fn entry_above(path: &Path) -> Option<usize> {
    path.entry_depth().filter(|_| !path.is_entry())
}

fn are_of_one_entry(left: &Path, right: &Path) -> bool {
    entry_above(left).is_some() && entry_above(right).is_some() && left.shares_entry(right)
}

/// An entry that the run added, and that holds nothing but what the run set, is taken out whole.
fn added_entry(
    operation: &Operation,
    group: &[(Change<'_>, Observed)],
    settings: &Settings<'_>,
) -> Result<Option<PlannedField>, ShapeError> {
    let paths = || group.iter().map(|(change, _)| &change.field.path);
    let Some((first, depth)) = paths().next().and_then(|path| Some((path, entry_above(path)?))) else {
        return Ok(None);
    };
    if group.iter().any(|(change, _)| *change.before != StoredValue::Absent) {
        return Ok(None);
    }
    let Some(path) = operation.above(first, depth) else { return Ok(None) };
    let Observed::Json(entry) = settings.at(&path)? else { return Ok(None) };
    let is_ours = |name: &String| {
        paths().any(|path| path.depth() == depth + 1 && path.part(depth) == Some(name.as_str()))
    };
    // Absent is as good as null: a null that the run sent along is no change, and neither is another writer's.
    let only_ours = entry
        .as_object()
        .is_some_and(|entry| entry.iter().all(|(name, value)| value.is_null() || is_ours(name)));
    Ok(only_ours.then_some(PlannedField {
        path,
        before: StoredValue::Json(entry),
        after: DesiredValue::Remove,
        fingerprint: None,
        from: Origin::Undo,
    }))
}

fn back(change: Change<'_>, observed: &Observed, seal: &SealKey) -> PlannedField {
    let after = match (change.before, change.field.path.is_entry()) {
        (StoredValue::Json(value), _) => DesiredValue::Set(value.clone()),
        (StoredValue::Absent, true) => DesiredValue::Remove,
        // Absent is as good as null, and null can be sent.
        (StoredValue::Absent | StoredValue::Secret(_) | StoredValue::Hidden, _) => {
            DesiredValue::Set(Value::Null)
        }
    };
    PlannedField {
        path: change.field.path.clone(),
        before: observed.stored(&change.field.path, seal),
        after,
        fingerprint: None,
        from: Origin::Undo,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::SecretText;

    fn at(path: &str) -> Path {
        Operation::default_one().path(path).unwrap()
    }

    fn change(path: &str, before: StoredValue, after: StoredValue) -> PlannedField {
        let (after, fingerprint) = match after {
            StoredValue::Json(value) => (DesiredValue::Set(value), None),
            StoredValue::Absent | StoredValue::Hidden => (DesiredValue::Remove, None),
            StoredValue::Secret(print) => (DesiredValue::Secret("TOKEN".parse().unwrap()), Some(print)),
        };
        PlannedField { path: at(path), before, after, fingerprint, from: Origin::Row }
    }

    fn plan(fields: &[PlannedField], live: &Value) -> Restoration {
        plan_of(&Operation::default_one(), fields, live)
    }

    fn plan_of(operation: &std::sync::Arc<Operation>, fields: &[PlannedField], live: &Value) -> Restoration {
        let seal = SealKey::derive(&SecretText::new("k".into()), "p");
        let changes = fields.iter().map(|field| Change { operation, field, before: &field.before });
        restore(operation, changes, &RawObject::parse(&live.to_string()).unwrap(), &seal).unwrap()
    }

    fn desired_values(restoration: &Restoration) -> Vec<(String, DesiredValue)> {
        restoration.fields.iter().map(|field| (field.path.to_string(), field.after.clone())).collect()
    }

    #[test]
    fn what_the_run_set_goes_back_and_what_others_set_stays() {
        let changes = [
            change("enabled", StoredValue::Json(json!(false)), StoredValue::Json(json!(true))),
            change("indexFaces", StoredValue::Absent, StoredValue::Json(json!(true))),
            change("saveClips", StoredValue::Json(json!(false)), StoredValue::Json(json!(true))),
        ];
        let restoration = plan(&changes, &json!({"enabled": true, "indexFaces": true, "saveClips": null}));
        assert_eq!(
            desired_values(&restoration),
            [
                ("enabled".into(), DesiredValue::Set(json!(false))),
                ("indexFaces".into(), DesiredValue::Set(json!(null)))
            ]
        );
        assert_eq!(restoration.changed_since, [at("saveClips")]);
    }

    #[test]
    fn an_added_entry_goes_and_a_removed_one_comes_back() {
        let changes = [
            change("doorInfoMap.gone", StoredValue::Json(json!({"doorName": "g"})), StoredValue::Absent),
            change("doorInfoMap.new.doorName", StoredValue::Absent, StoredValue::Json(json!("n"))),
            change("doorInfoMap.new.remoteUnlock", StoredValue::Absent, StoredValue::Json(json!(true))),
        ];
        let live = json!({"doorInfoMap": {"new": {"doorName": "n", "remoteUnlock": true}, "other": {}}});
        assert_eq!(
            desired_values(&plan(&changes, &live)),
            [
                ("doorInfoMap.gone".into(), DesiredValue::Set(json!({"doorName": "g"}))),
                ("doorInfoMap.new".into(), DesiredValue::Remove),
            ]
        );
    }

    #[test]
    fn an_entry_that_has_more_than_the_run_set_stays() {
        let changes =
            [change("doorInfoMap.new.doorName", StoredValue::Absent, StoredValue::Json(json!("n")))];
        let live = json!({"doorInfoMap": {"new": {"doorName": "n", "reader": 7}}});
        assert_eq!(
            desired_values(&plan(&changes, &live)),
            [("doorInfoMap.new.doorName".into(), DesiredValue::Set(json!(null)))]
        );
    }

    #[test]
    fn a_null_in_an_added_entry_keeps_nothing() {
        let changes =
            [change("doorInfoMap.new.doorName", StoredValue::Absent, StoredValue::Json(json!("n")))];
        let live = json!({"doorInfoMap": {"new": {"doorName": "n", "remoteUnlock": null, "reader": null}}});
        assert_eq!(
            desired_values(&plan(&changes, &live)),
            [("doorInfoMap.new".into(), DesiredValue::Remove)]
        );
    }

    #[test]
    fn a_field_back_at_its_old_value_is_no_later_change() {
        let changes = [
            change("doorInfoMap.new.doorName", StoredValue::Absent, StoredValue::Json(json!("n"))),
            change("enabled", StoredValue::Json(json!(false)), StoredValue::Json(json!(true))),
            change("indexFaces", StoredValue::Absent, StoredValue::Json(json!(true))),
        ];
        let restoration = plan(&changes, &json!({"enabled": false, "indexFaces": null}));
        assert!(restoration.fields.is_empty() && restoration.changed_since.is_empty(), "{restoration:?}");
        assert_eq!(restoration.back_already, changes.map(|change| change.path));
    }

    #[test]
    fn secrets_are_named_and_not_restored() {
        let print = |text: &str| {
            let seal = SealKey::derive(&SecretText::new("k".into()), "p");
            StoredValue::Secret(seal.fingerprint("apiToken", text))
        };
        let restoration = plan(&[change("apiToken", print("a"), print("b"))], &json!({"apiToken": "b"}));
        assert!(restoration.fields.is_empty());
        assert_eq!(restoration.secrets, [at("apiToken")]);
    }

    #[test]
    fn what_no_old_value_brings_back_is_named_and_not_restored() {
        let operation = Operation::named("data-retention").unwrap();
        let path = operation.path("faceEventRetentionDays").unwrap();
        let change = PlannedField {
            path: path.clone(),
            ..change("enabled", StoredValue::Json(json!(30)), StoredValue::Json(json!(7)))
        };
        let restoration = plan_of(&operation, &[change], &json!({"faceEventRetentionDays": 7}));
        assert!(restoration.fields.is_empty());
        assert_eq!(restoration.irreversible, [(path, operation.irreversible.clone().unwrap())]);
    }
}
