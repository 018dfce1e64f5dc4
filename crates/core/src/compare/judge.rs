//! Whether what a plan saw is still there, right before a write.

use super::diff::{Context, expect_complaint};
use super::{Fit, broken_expect, fit};
use crate::code::Code;
use crate::desired::{Expect, Wish};
use crate::outcome::{Change, Complaint, Image};
use crate::plan::PlannedField;
use crate::settings::{RawObject, Settings, ShapeError};

/// What a read before a write says of an org.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Every managed field is as desired: nothing to do.
    AsDesired,
    /// These paths are to be changed; every other managed path is as desired.
    Differs(Vec<Change>),
    /// Someone else changed a managed field; which, in words.
    Conflicts(Complaint),
    /// A guard doesn't hold; which, in words.
    Blocked(Complaint),
}

/// Judges what is live by what the plan saw and wants.
///
/// # Errors
/// A managed path can't be seen.
pub fn judge(
    fields: &[PlannedField],
    expects: &[Expect],
    live: &RawObject,
    context: Context<'_>,
) -> Result<Judgement, ShapeError> {
    let settings = Settings::new(live);
    let mut changes = Vec::new();
    let mut foreign = Vec::new();
    for field in fields {
        let sight = settings.at(&field.path)?;
        if fit(&sight, &field.path, &field.after, context.secrets) == Fit::Yes {
            continue;
        }
        if !sight.is(&field.before, &field.path, context.seal) {
            foreign.push(field.path.to_string());
        }
        changes.push(Change {
            path: field.path.clone(),
            before: sight.image(&field.path, context.seal),
            after: wanted(field),
        });
    }
    if !foreign.is_empty() {
        let message = format!("changed by someone else since the plan was made: {}", foreign.join(", "));
        return Ok(Judgement::Conflicts(Complaint { code: Code::OrgConflict, message, http_status: None }));
    }
    if changes.is_empty() {
        return Ok(Judgement::AsDesired);
    }
    if let Some((expect, sight)) = broken_expect(expects, &settings)? {
        return Ok(Judgement::Blocked(expect_complaint(expect, &sight)));
    }
    Ok(Judgement::Differs(changes))
}

/// Every managed path as a change, for a write without a read.
pub fn unread_changes(fields: &[PlannedField]) -> Vec<Change> {
    let change = |field: &PlannedField| Change {
        path: field.path.clone(),
        before: Image::Absent,
        after: wanted(field),
    };
    fields.iter().map(change).collect()
}

pub(super) fn wanted(field: &PlannedField) -> Image {
    match &field.after {
        Wish::Set(value) => Image::Json(value.clone()),
        Wish::Remove => Image::Absent,
        Wish::Secret(_) => field.fingerprint.clone().map_or(Image::Hidden, Image::Secret),
    }
}
