//! What is live, held against what was planned and what is wanted. Three questions, one module each:
//!
//! 1. [`diff`]: when a plan is made - what differs from what is wanted?
//! 2. [`judge`](judge()): right before a write - is what the plan saw still there?
//! 3. [`read_back`](read_back()): after a write - is what is wanted live, or still what was before, or neither?
//!
//! Later, [`drift`](drift()) asks what is no longer in sync, and [`restore`](restore()) what takes a run back.
//!
//! Beside them, [`unknown_keys`](unknown_keys()) asks which entries that are named aren't live, [`check_owner`] whether settings
//! belong to the org at all, and [`unintended_change`](unintended_change()) what a canary's write changed beyond what was meant. All are pure: settings
//! in, a finding out.

mod diff;
mod drift;
mod judge;
mod owner;
mod read_back;
mod restore;
mod unintended_change;
mod unknown_keys;

pub use diff::{Context, Diff, diff};
pub use drift::drift;
pub use judge::{Judgement, check_expects, judge};
pub use owner::{Ownership, check_owner, masked_secret};
pub use read_back::{ReadBack, read_back};
pub use restore::{Restoration, restore};
pub use unintended_change::{Exempt, UnintendedChange, unintended_change};
pub use unknown_keys::{UnknownKeys, unknown_keys};

use crate::desired::{DesiredValue, Expect};
use crate::operation::Path;
use crate::secret::Secrets;
use crate::settings::{Observed, Settings, ShapeError, same};

/// Whether an observed value is the desired one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// A secret that isn't shown: unknown.
    Hidden,
}

fn fit(observed: &Observed, path: &Path, desired: &DesiredValue, secrets: &Secrets) -> Fit {
    let yes = match (observed, desired) {
        (Observed::Hidden, _) => return Fit::Hidden,
        (Observed::Absent, DesiredValue::Set(value)) => same(path.kind(), None, Some(value)),
        (Observed::Json(live), DesiredValue::Set(value)) => same(path.kind(), Some(live), Some(value)),
        (Observed::Absent, DesiredValue::Remove) => true,
        (Observed::Secret(live), DesiredValue::Secret(_)) => {
            desired.secret(path, secrets).is_some_and(|wanted| wanted == *live)
        }
        (Observed::Json(_), DesiredValue::Remove | DesiredValue::Secret(_))
        | (Observed::Absent, DesiredValue::Secret(_))
        | (Observed::Secret(_), _) => false,
    };
    if yes { Fit::Yes } else { Fit::No }
}

/// The first guard that doesn't hold, with what is live instead.
fn broken_expect<'a>(
    expects: &'a [Expect],
    settings: &Settings<'_>,
) -> Result<Option<(&'a Expect, Observed)>, ShapeError> {
    for expect in expects {
        let observed = settings.at(&expect.path)?;
        let live = match &observed {
            Observed::Json(value) => Some(value),
            Observed::Absent | Observed::Secret(_) | Observed::Hidden => None,
        };
        if !same(expect.path.kind(), live, Some(&expect.value)) {
            return Ok(Some((expect, observed)));
        }
    }
    Ok(None)
}
