//! Keys that the manifest names and that aren't live: a misspelled key looks like an entry to be added, and like one that
//! is removed already.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::desired::DesiredValue;
use crate::operation::Operation;
use crate::outcome::StoredValue;
use crate::plan::{PlannedField, UnknownKey};
use crate::settings::{Lookalikes, Observed, Settings, ShapeError};

/// The keys that aren't live among those that some fields name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnknownKeys {
    /// Entries that would be added to maps that have others.
    pub additions: Vec<UnknownKey>,
    /// Entries to be removed that aren't there.
    pub idle_removals: Vec<UnknownKey>,
}

/// Finds them. The fields are sorted by path.
///
/// # Errors
/// A path can't be seen.
pub fn unknown_keys(
    operation: &Operation,
    fields: &[PlannedField],
    settings: &Settings<'_>,
) -> Result<UnknownKeys, ShapeError> {
    let mut found = UnknownKeys::default();
    for of_map in fields.chunk_by(|left, right| left.path.shares_map(&right.path)) {
        // Made when first needed: most keys are live.
        let keys = OnceCell::new();
        let mut lookalikes = None;
        for of_entry in of_map.chunk_by(|left, right| left.path.shares_entry(&right.path)) {
            let path = &of_entry[0].path;
            let (Some(key), Some(depth)) = (path.key(), path.entry_depth()) else { continue };
            if of_entry.iter().any(|field| field.before != StoredValue::Absent) {
                continue;
            }
            let removes = of_entry.iter().any(|field| field.after == DesiredValue::Remove);
            if !removes && !of_entry.iter().any(PlannedField::differs) {
                continue;
            }
            let Some(entry) = operation.above(path, depth) else { continue };
            if settings.at(&entry)? != Observed::Absent {
                continue;
            }
            if keys.get().is_none() {
                let _ = keys.set(settings.keys_beside(&entry)?);
            }
            let lookalikes = lookalikes.get_or_insert_with(|| {
                let keys: &[Cow<'_, str>] = keys.get().map_or(&[], |keys: &Vec<_>| keys);
                Lookalikes::of(keys.iter().map(|key| &**key))
            });
            // The first entries of a map are what a client starts with.
            if lookalikes.is_empty() && !removes {
                continue;
            }
            let near = lookalikes.near(key);
            let unknown = UnknownKey { entry, near: near.keys, respelled: near.respelled };
            if removes { &mut found.idle_removals } else { &mut found.additions }.push(unknown);
        }
    }
    Ok(found)
}
