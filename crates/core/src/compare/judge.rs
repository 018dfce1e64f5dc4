//! Whether what a plan saw is still there, right before a write.

use super::diff::{Context, expect_error};
use super::owner::check_owner;
use super::{Fit, broken_expect, fit};
use crate::change::{Before, Seen};
use crate::code::Code;
use crate::desired::Expect;
use crate::ids::Ruuid;
use crate::operation::Operation;
use crate::outcome::OrgError;
use crate::plan::PlannedField;
use crate::settings::{RawObject, Settings, ShapeError};

/// What a read before a write says of an org.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Every managed field is as desired: nothing to do.
    AsDesired,
    /// These paths are to be changed; every other managed path is as desired.
    Differs(Before),
    /// Someone else changed a managed field; which, in words.
    Conflicts(OrgError),
    /// A guard doesn't hold; which, in words.
    Blocked(OrgError),
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
    let mut before = Vec::new();
    let mut foreign = Vec::new();
    for (place, field) in (0..).zip(fields) {
        let observed = settings.at(&field.path)?;
        if fit(&observed, &field.path, &field.after, context.secrets) == Fit::Yes {
            continue;
        }
        if !observed.is(&field.before, &field.path, context.seal) {
            foreign.push(field.path.to_string());
        }
        before.push(Seen { field: place, stored: observed.stored(&field.path, context.seal) });
    }
    if !foreign.is_empty() {
        let message = format!("changed by someone else since the plan was made: {}", foreign.join(", "));
        return Ok(Judgement::Conflicts(OrgError { code: Code::OrgConflict, message, http_status: None }));
    }
    if before.is_empty() {
        return Ok(Judgement::AsDesired);
    }
    if let Some((expect, observed)) = broken_expect(expects, &settings)? {
        return Ok(Judgement::Blocked(expect_error(expect, &observed)));
    }
    Ok(Judgement::Differs(Before::Seen(before).beside(fields)))
}

/// Whether what an org is expected to be, of an operation that isn't written now, is live.
///
/// # Errors
/// It isn't, it can't be seen, or the settings are another org's.
pub fn check_expects(
    operation: &Operation,
    org: &Ruuid,
    expects: &[Expect],
    live: Option<&RawObject>,
) -> Result<(), OrgError> {
    let nothing = RawObject::default();
    if let Some(live) = live {
        check_owner(operation, org, live)?;
    }
    let settings = Settings::new(live.unwrap_or(&nothing));
    match broken_expect(expects, &settings) {
        Ok(None) => Ok(()),
        Ok(Some((expect, observed))) => Err(expect_error(expect, &observed)),
        Err(shape) => Err(OrgError { code: Code::OrgShape, message: shape.to_string(), http_status: None }),
    }
}
