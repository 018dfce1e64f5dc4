//! What takes a run's changes back: field by field and entry by entry, and only where what the run set is
//! still live.

use serde_json::Value;

use crate::change::Change;
use crate::desired::{Origin, Wish};
use crate::operation::{Operation, Path};
use crate::outcome::Image;
use crate::plan::PlannedField;
use crate::secret::SealKey;
use crate::settings::{RawObject, Settings, ShapeError, Sight};

/// What can be taken back of an org, and what can't.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restoration {
    /// The paths to be restored, sorted.
    pub fields: Vec<PlannedField>,
    /// Paths that have their old value already: there is nothing to take back.
    pub back_already: Vec<Path>,
    /// Paths that have neither the value that the run set nor the one before: somebody else's by now.
    pub changed_since: Vec<Path>,
    /// Secrets: their old values are kept nowhere.
    pub secrets: Vec<Path>,
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
    let mut ours: Vec<(Change<'_>, Sight)> = Vec::new();
    for change in changes {
        let path = &change.field.path;
        if path.field().is_secret() {
            restoration.secrets.push(path.clone());
            continue;
        }
        let sight = settings.at(path)?;
        if sight.is(&change.field.after_image(), path, seal) {
            ours.push((change, sight));
        } else if sight.is(change.before, path, seal) {
            restoration.back_already.push(path.clone());
        } else {
            restoration.changed_since.push(path.clone());
        }
    }
    for group in ours.chunk_by(|(left, _), (right, _)| are_of_one_entry(&left.field.path, &right.field.path))
    {
        match added_entry(operation, group, &settings)? {
            Some(field) => restoration.fields.push(field),
            None => restoration.fields.extend(group.iter().map(|(change, sight)| back(*change, sight, seal))),
        }
    }
    restoration.fields.retain(PlannedField::differs);
    Ok(restoration)
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
    group: &[(Change<'_>, Sight)],
    settings: &Settings<'_>,
) -> Result<Option<PlannedField>, ShapeError> {
    let paths = || group.iter().map(|(change, _)| &change.field.path);
    let Some((first, depth)) = paths().next().and_then(|path| Some((path, entry_above(path)?))) else {
        return Ok(None);
    };
    if group.iter().any(|(change, _)| *change.before != Image::Absent) {
        return Ok(None);
    }
    let Some(path) = operation.above(first, depth) else { return Ok(None) };
    let Sight::Json(entry) = settings.at(&path)? else { return Ok(None) };
    let is_ours = |name: &String| {
        paths().any(|path| path.depth() == depth + 1 && path.part(depth) == Some(name.as_str()))
    };
    // Absent is as good as null: a null that the run sent along is no change, and one of somebody else's says nothing.
    let only_ours = entry
        .as_object()
        .is_some_and(|entry| entry.iter().all(|(name, value)| value.is_null() || is_ours(name)));
    Ok(only_ours.then_some(PlannedField {
        path,
        before: Image::Json(entry),
        after: Wish::Remove,
        fingerprint: None,
        from: Origin::Undo,
    }))
}

fn back(change: Change<'_>, sight: &Sight, seal: &SealKey) -> PlannedField {
    let after = match (change.before, change.field.path.is_entry()) {
        (Image::Json(value), _) => Wish::Set(value.clone()),
        (Image::Absent, true) => Wish::Remove,
        // Absent is as good as null, and null can be sent.
        (Image::Absent | Image::Secret(_) | Image::Hidden, _) => Wish::Set(Value::Null),
    };
    PlannedField {
        path: change.field.path.clone(),
        before: sight.image(&change.field.path, seal),
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

    fn change(path: &str, before: Image, after: Image) -> PlannedField {
        let (after, fingerprint) = match after {
            Image::Json(value) => (Wish::Set(value), None),
            Image::Absent | Image::Hidden => (Wish::Remove, None),
            Image::Secret(print) => (Wish::Secret("TOKEN".parse().unwrap()), Some(print)),
        };
        PlannedField { path: at(path), before, after, fingerprint, from: Origin::Row }
    }

    fn plan(fields: &[PlannedField], live: &Value) -> Restoration {
        let seal = SealKey::derive(&SecretText::new("k".into()), "p");
        let changes = fields.iter().map(|field| Change { field, before: &field.before });
        restore(&Operation::default_one(), changes, &RawObject::parse(&live.to_string()).unwrap(), &seal)
            .unwrap()
    }

    fn wishes(restoration: &Restoration) -> Vec<(String, Wish)> {
        restoration.fields.iter().map(|field| (field.path.to_string(), field.after.clone())).collect()
    }

    #[test]
    fn what_the_run_set_goes_back_and_what_others_set_stays() {
        let changes = [
            change("enabled", Image::Json(json!(false)), Image::Json(json!(true))),
            change("indexFaces", Image::Absent, Image::Json(json!(true))),
            change("saveClips", Image::Json(json!(false)), Image::Json(json!(true))),
        ];
        let restoration = plan(&changes, &json!({"enabled": true, "indexFaces": true, "saveClips": null}));
        assert_eq!(
            wishes(&restoration),
            [("enabled".into(), Wish::Set(json!(false))), ("indexFaces".into(), Wish::Set(json!(null)))]
        );
        assert_eq!(restoration.changed_since, [at("saveClips")]);
    }

    #[test]
    fn an_added_entry_goes_and_a_removed_one_comes_back() {
        let changes = [
            change("doorInfoMap.gone", Image::Json(json!({"doorName": "g"})), Image::Absent),
            change("doorInfoMap.new.doorName", Image::Absent, Image::Json(json!("n"))),
            change("doorInfoMap.new.remoteUnlock", Image::Absent, Image::Json(json!(true))),
        ];
        let live = json!({"doorInfoMap": {"new": {"doorName": "n", "remoteUnlock": true}, "other": {}}});
        assert_eq!(
            wishes(&plan(&changes, &live)),
            [
                ("doorInfoMap.gone".into(), Wish::Set(json!({"doorName": "g"}))),
                ("doorInfoMap.new".into(), Wish::Remove),
            ]
        );
    }

    #[test]
    fn an_entry_that_has_more_than_the_run_set_stays() {
        let changes = [change("doorInfoMap.new.doorName", Image::Absent, Image::Json(json!("n")))];
        let live = json!({"doorInfoMap": {"new": {"doorName": "n", "reader": 7}}});
        assert_eq!(
            wishes(&plan(&changes, &live)),
            [("doorInfoMap.new.doorName".into(), Wish::Set(json!(null)))]
        );
    }

    #[test]
    fn a_null_in_an_added_entry_keeps_nothing() {
        let changes = [change("doorInfoMap.new.doorName", Image::Absent, Image::Json(json!("n")))];
        let live = json!({"doorInfoMap": {"new": {"doorName": "n", "remoteUnlock": null, "reader": null}}});
        assert_eq!(wishes(&plan(&changes, &live)), [("doorInfoMap.new".into(), Wish::Remove)]);
    }

    #[test]
    fn what_has_its_old_value_already_is_nobody_elses_change() {
        let changes = [
            change("doorInfoMap.new.doorName", Image::Absent, Image::Json(json!("n"))),
            change("enabled", Image::Json(json!(false)), Image::Json(json!(true))),
            change("indexFaces", Image::Absent, Image::Json(json!(true))),
        ];
        let restoration = plan(&changes, &json!({"enabled": false, "indexFaces": null}));
        assert!(restoration.fields.is_empty() && restoration.changed_since.is_empty(), "{restoration:?}");
        assert_eq!(restoration.back_already, changes.map(|change| change.path));
    }

    #[test]
    fn secrets_are_named_and_not_restored() {
        let print = |text: &str| {
            let seal = SealKey::derive(&SecretText::new("k".into()), "p");
            Image::Secret(seal.fingerprint("apiToken", text))
        };
        let restoration = plan(&[change("apiToken", print("a"), print("b"))], &json!({"apiToken": "b"}));
        assert!(restoration.fields.is_empty());
        assert_eq!(restoration.secrets, [at("apiToken")]);
    }
}
