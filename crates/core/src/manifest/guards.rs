//! Guards that an earlier step of the same row would break.
//!
//! A guard is judged again before its own step. Several operations may read one object, and an `expect.` column of a
//! later one on what an earlier one changes there could not hold any more. It belongs to the earlier one: its guards
//! hold for the row as a whole.

use std::collections::HashMap;

use super::columns::Column;
use crate::operation::{Operation, Operations, Path};

/// A place in what a read shows: its path, then names and keys.
type Place<'a> = Vec<&'a str>;

/// The guards of these columns that earlier steps break, each with the operation and the path that does so. `others` is
/// what is set outside of the manifest.
pub(super) fn broken<'a>(
    columns: &'a [Column],
    others: impl Iterator<Item = (u8, &'a Path)>,
    operations: &'a Operations,
) -> Vec<(usize, (u8, &'a Path))> {
    let shares = |(place, operation): (u8, &Operation)| {
        operations.iter().any(|(other, known)| other != place && known.read.path == operation.read.path)
    };
    let sharing: Vec<bool> = operations.iter().map(|(place, operation)| shares((place, operation))).collect();
    if !sharing.contains(&true) {
        return Vec::new();
    }
    let place = |step: u8, path: &'a Path| -> Option<Place<'a>> {
        let operation = operations.get(step).filter(|_| sharing[usize::from(step)])?;
        let at = operation.at.split('.').filter(|part| !part.is_empty());
        Some([&*operation.read.path].into_iter().chain(at).chain(path.parts()).collect())
    };
    let settings = columns.iter().filter_map(|column| match column {
        Column::Setting(step, path) => Some((*step, path)),
        _ => None,
    });
    // What is set, and what has something inside that is set: by the first step that does so.
    let mut set: HashMap<Place<'a>, (u8, &'a Path)> = HashMap::new();
    let mut around: HashMap<Place<'a>, (u8, &'a Path)> = HashMap::new();
    let keep_first = |known: &mut HashMap<_, (u8, _)>, at, by: (u8, &'a Path)| {
        let first = known.entry(at).or_insert(by);
        if by.0 < first.0 {
            *first = by;
        }
    };
    for (step, path) in settings.chain(others) {
        let Some(at) = place(step, path) else { continue };
        for depth in 1..at.len() {
            keep_first(&mut around, at[..depth].to_vec(), (step, path));
        }
        keep_first(&mut set, at, (step, path));
    }
    let mut broken = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let Column::Expect(step, path) = column else { continue };
        let Some(at) = place(*step, path) else { continue };
        let above = (1..=at.len()).filter_map(|depth| set.get(&at[..depth]));
        let by = above.chain(around.get(&at)).find(|(by, _)| by < step);
        broken.extend(by.map(|by| (index, *by)));
    }
    broken
}
