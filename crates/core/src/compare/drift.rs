//! What is not (or no longer) as a plan wanted it.

use crate::desired::Wish;
use crate::outcome::{Change, Image};
use crate::plan::PlannedField;
use crate::secret::SealKey;
use crate::settings::{RawObject, Settings, ShapeError, Sight, same};

/// The managed paths that are not as wanted: what is live (`before`), and what is wanted (`after`). A secret
/// that isn't shown can't drift; one that is, is compared by its fingerprint, so no secret is needed.
///
/// # Errors
/// A managed path can't be seen.
pub fn drift(fields: &[PlannedField], live: &RawObject, seal: &SealKey) -> Result<Vec<Change>, ShapeError> {
    let settings = Settings::new(live);
    let mut drifted = Vec::new();
    for field in fields {
        let sight = settings.at(&field.path)?;
        let kind = field.path.kind();
        let is_as_wanted = match (&sight, &field.after) {
            (Sight::Hidden, _) | (Sight::Absent, Wish::Remove) => true,
            (Sight::Absent, Wish::Set(wanted)) => same(kind, None, Some(wanted)),
            (Sight::Json(value), Wish::Set(wanted)) => same(kind, Some(value), Some(wanted)),
            (Sight::Secret(_), Wish::Secret(_)) => match sight.image(&field.path, seal) {
                Image::Secret(print) => field.fingerprint.as_ref() == Some(&print),
                _ => false,
            },
            _ => false,
        };
        if !is_as_wanted {
            let after = super::judge::wanted(field);
            drifted.push(Change { path: field.path.clone(), before: sight.image(&field.path, seal), after });
        }
    }
    Ok(drifted)
}
