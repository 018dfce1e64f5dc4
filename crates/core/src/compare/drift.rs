//! What is not (or no longer) as a plan wanted it.

use crate::change::Seen;
use crate::desired::DesiredValue;
use crate::outcome::StoredValue;
use crate::plan::PlannedField;
use crate::secret::SealKey;
use crate::settings::{Observed, RawObject, Settings, ShapeError, same};

/// The managed paths that are not in sync, with what is live instead. A secret
/// that isn't shown can't drift; one that is, is compared by its fingerprint, so no secret is needed.
///
/// # Errors
/// A managed path can't be seen.
pub fn drift(fields: &[PlannedField], live: &RawObject, seal: &SealKey) -> Result<Vec<Seen>, ShapeError> {
    let settings = Settings::new(live);
    let mut drifted = Vec::new();
    for (place, field) in (0..).zip(fields) {
        let observed = settings.at(&field.path)?;
        let kind = field.path.kind();
        let is_as_wanted = match (&observed, &field.after) {
            (Observed::Hidden, _) | (Observed::Absent, DesiredValue::Remove) => true,
            (Observed::Absent, DesiredValue::Set(wanted)) => same(kind, None, Some(wanted)),
            (Observed::Json(value), DesiredValue::Set(wanted)) => same(kind, Some(value), Some(wanted)),
            (Observed::Secret(_), DesiredValue::Secret(_)) => match observed.stored(&field.path, seal) {
                StoredValue::Secret(print) => field.fingerprint.as_ref() == Some(&print),
                _ => false,
            },
            _ => false,
        };
        if !is_as_wanted {
            drifted.push(Seen { field: place, stored: observed.stored(&field.path, seal) });
        }
    }
    Ok(drifted)
}
