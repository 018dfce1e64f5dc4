//! What `--no-read` can't do, found before anything is sent.

use orgwave_core::manifest::Header;
use orgwave_core::run::Exit;

use crate::args::PlanPolicy;
use crate::console;
use crate::failure::Failure;

/// Without a read, what can't be known from the manifest alone is refused.
///
/// # Errors
/// 65: a removal, or an `expect.` guard.
pub fn check_no_read(policy: &PlanPolicy, header: &Header) -> Result<(), Failure> {
    if policy.write.reads() {
        return Ok(());
    }
    let refused = |what: String| {
        Failure::new(Exit::BadInput, what).hint("that takes a read of what is live: leave --no-read out")
    };
    if header.has_expects {
        return Err(refused("--no-read, and the manifest has expect. guards".to_owned()));
    }
    if let Some(removal) = &header.removal {
        let what =
            format!("--no-read, and line {} of {} removes {}", removal.line, removal.file, removal.path);
        return Err(refused(what));
    }
    if header.has_maps {
        console::note(
            "warning: --no-read sends maps as they are written: on a server that replaces, entries that no row names are lost\n",
        );
    }
    Ok(())
}
