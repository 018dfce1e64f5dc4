//! What `--no-read` can't do, found before anything is sent.

use orgwave_core::desired::Wish;
use orgwave_core::run::Exit;

use crate::args::PlanPolicy;
use crate::console;
use crate::failure::Failure;
use crate::rollout::{Rollout, rows_failure};

/// Without a read, what can't be known from the manifest alone is refused.
///
/// # Errors
/// 65: a removal, or an `expect.` guard.
pub fn check_no_read(policy: &PlanPolicy, rollout: &mut Rollout) -> Result<(), Failure> {
    if policy.write.reads() {
        return Ok(());
    }
    let refused = |what: String| {
        Failure::new(Exit::BadInput, what).hint("that takes a read of what is live: leave --no-read out")
    };
    if rollout.manifest.header().has_expects {
        return Err(refused("--no-read, and the manifest has expect. guards".to_owned()));
    }
    let mut sends_maps = false;
    for row in rollout.manifest.rows().map_err(rows_failure)? {
        let row = row.map_err(rows_failure)?;
        if let Some(managed) = row.desired.managed.iter().find(|managed| managed.wish == Wish::Remove) {
            return Err(refused(format!("--no-read, and line {} removes {}", row.line, managed.path)));
        }
        sends_maps |= row.desired.managed.iter().any(|managed| managed.path.field().map().is_some());
    }
    if sends_maps {
        console::note(
            "warning: --no-read sends maps as they are written: on a server that replaces, entries that no row names are lost\n",
        );
    }
    Ok(())
}
