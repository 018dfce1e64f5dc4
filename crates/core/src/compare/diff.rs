//! What differs from what is wanted, when a plan is made.

use super::{Fit, UnknownKeys, broken_expect, fit, unknown_keys};
use crate::code::Code;
use crate::desired::Desired;
use crate::operation::Operation;
use crate::outcome::{OrgError, StoredValue};
use crate::plan::PlannedField;
use crate::secret::{SealKey, Secrets};
use crate::settings::{Observed, RawObject, Settings, ShapeError, veiled};

/// What every comparison needs beside the two sides: the operation, the values of secrets, and the key of their
/// fingerprints.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Whose settings these are.
    pub operation: &'a Operation,
    /// The secrets that desired values name.
    pub secrets: &'a Secrets,
    /// The plan's key.
    pub seal: &'a SealKey,
}

/// What a diff found.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// Every managed path, with what is there and what is wanted.
    pub fields: Vec<PlannedField>,
    /// Whether anything is to be written.
    pub differs: bool,
    /// The guard that doesn't hold, where something is to be written.
    pub broken: Option<OrgError>,
    /// The keys that are named and aren't live.
    pub unknown: UnknownKeys,
}

/// Compares an org's settings with what is wanted. `None`: nothing was read, so every desired value is a change.
///
/// # Errors
/// A managed path can't be seen, since something above it has an unknown shape.
pub fn diff(desired: &Desired, live: Option<&RawObject>, context: Context<'_>) -> Result<Diff, ShapeError> {
    let settings = live.map(Settings::new);
    let mut differs = false;
    let mut fields = Vec::with_capacity(desired.managed.len());
    for managed in &desired.managed {
        let before = match &settings {
            Some(settings) => {
                let observed = settings.at(&managed.path)?;
                differs |= fit(&observed, &managed.path, &managed.desired, context.secrets) != Fit::Yes;
                observed.stored(&managed.path, context.seal)
            }
            None => {
                differs = true;
                StoredValue::Absent
            }
        };
        fields.push(PlannedField {
            fingerprint: managed
                .desired
                .secret(&managed.path, context.secrets)
                .map(|secret| context.seal.fingerprint(managed.path.field().place(), secret.expose())),
            path: managed.path.clone(),
            before,
            after: managed.desired.clone(),
            from: managed.origin.clone(),
        });
    }
    let broken = match &settings {
        Some(settings) if differs => broken_expect(&desired.expects, settings)?
            .map(|(expect, observed)| expect_error(expect, &observed)),
        _ => None,
    };
    let unknown = match &settings {
        Some(settings) => unknown_keys(context.operation, &fields, settings)?,
        None => UnknownKeys::default(),
    };
    Ok(Diff { fields, differs, broken, unknown })
}

/// What to say of a guard that doesn't hold.
pub(super) fn expect_error(expect: &crate::desired::Expect, live: &Observed) -> OrgError {
    let live = match live {
        Observed::Absent => "absent".to_owned(),
        Observed::Json(value) => veiled(expect.path.field(), value, None).to_string(),
        Observed::Secret(_) | Observed::Hidden => "a secret".to_owned(),
    };
    OrgError {
        code: Code::OrgExpect,
        message: format!("{} is {live}, the manifest expects {}", expect.path, expect.value),
        http_status: None,
    }
}
