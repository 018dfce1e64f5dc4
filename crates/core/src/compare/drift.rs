//! What is not (or no longer) as a plan wanted it.

use crate::change::Seen;
use crate::desired::Wish;
use crate::outcome::Image;
use crate::plan::PlannedField;
use crate::secret::SealKey;
use crate::settings::{RawObject, Settings, ShapeError, Sight, same};

/// The managed paths that are not as wanted, with what is live instead. A secret
/// that isn't shown can't drift; one that is, is compared by its fingerprint, so no secret is needed.
///
/// # Errors
/// A managed path can't be seen.
pub fn drift(fields: &[PlannedField], live: &RawObject, seal: &SealKey) -> Result<Vec<Seen>, ShapeError> {
    let settings = Settings::new(live);
    let mut drifted = Vec::new();
    for (place, field) in (0..).zip(fields) {
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
            drifted.push(Seen { field: place, image: sight.image(&field.path, seal) });
        }
    }
    Ok(drifted)
}
