//! What is live, held against what was planned and what is wanted. Three questions, one module each:
//!
//! 1. [`diff`]: when a plan is made - what differs from what is wanted?
//! 2. [`judge`](judge()): right before a write - is what the plan saw still there?
//! 3. [`read_back`](read_back()): after a write - is what is wanted live, or still what was before, or neither?
//!
//! Later, [`drift`](drift()) asks what is no longer as wanted, and [`restore`](restore()) what takes a run back.
//!
//! Beside them, [`unknown_keys`](unknown_keys()) asks which entries that are named aren't live, [`whose`] whether settings
//! belong to the org at all, and [`disturbance`] what a canary's write changed beyond what was meant. All are pure: settings
//! in, a finding out.

mod diff;
mod disturbance;
mod drift;
mod judge;
mod read_back;
mod restore;
mod unknown_keys;
mod whose;

pub use diff::{Context, Diff, diff};
pub use disturbance::{Disturbance, Exempt, disturbance};
pub use drift::drift;
pub use judge::{Judgement, judge, unread};
pub use read_back::{Standing, read_back};
pub use restore::{Restoration, restore};
pub use unknown_keys::{UnknownKeys, unknown_keys};
pub use whose::{Ownership, echo_hazard, whose};

use crate::desired::{Expect, Wish};
use crate::operation::Path;
use crate::secret::Secrets;
use crate::settings::{Settings, ShapeError, Sight, same};

/// Whether a sight is as wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// A secret that isn't shown: nobody can tell.
    Hidden,
}

fn fit(sight: &Sight, path: &Path, wish: &Wish, secrets: &Secrets) -> Fit {
    let yes = match (sight, wish) {
        (Sight::Hidden, _) => return Fit::Hidden,
        (Sight::Absent, Wish::Set(value)) => same(path.kind(), None, Some(value)),
        (Sight::Json(live), Wish::Set(value)) => same(path.kind(), Some(live), Some(value)),
        (Sight::Absent, Wish::Remove) => true,
        (Sight::Secret(live), Wish::Secret(name)) => secrets.get(name) == Some(live),
        (Sight::Json(_), Wish::Remove | Wish::Secret(_))
        | (Sight::Absent, Wish::Secret(_))
        | (Sight::Secret(_), _) => false,
    };
    if yes { Fit::Yes } else { Fit::No }
}

/// The first guard that doesn't hold, with what is live instead.
fn broken_expect<'a>(
    expects: &'a [Expect],
    settings: &Settings<'_>,
) -> Result<Option<(&'a Expect, Sight)>, ShapeError> {
    for expect in expects {
        let sight = settings.at(&expect.path)?;
        let live = match &sight {
            Sight::Json(value) => Some(value),
            Sight::Absent | Sight::Secret(_) | Sight::Hidden => None,
        };
        if !same(expect.path.kind(), live, Some(&expect.value)) {
            return Ok(Some((expect, sight)));
        }
    }
    Ok(None)
}
