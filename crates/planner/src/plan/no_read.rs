//! What can't be planned without a read, found before anything is sent.

use orgwave_core::manifest::Header;
use orgwave_core::operation::{Body, Operation};
use orgwave_core::policy::WriteMode;

use crate::error::Error;
use crate::warning::Warning;

/// Without a read, what can't be known from the manifest alone is refused.
///
/// # Errors
/// [`Error::NeedsRead`]: a removal, an `expect.` guard, or an operation whose updates send what was read.
pub fn check_no_read(write: WriteMode, header: &Header) -> Result<Option<Warning>, Error> {
    if write.reads() {
        return Ok(None);
    }
    let needs = |operation: &Operation| operation.body == Body::Projected || operation.is_derived();
    if let Some((_, operation)) = header.operations.iter().find(|(_, operation)| needs(operation)) {
        let what = format!("an update of {} sends what was read", operation.name);
        return Err(Error::NeedsRead(what));
    }
    if header.has_expects {
        return Err(Error::NeedsRead("the manifest has expect. guards".to_owned()));
    }
    if let Some(removal) = &header.removal {
        let what = format!("line {} of {} removes {}", removal.line, removal.file, removal.path);
        return Err(Error::NeedsRead(what));
    }
    Ok(header.has_maps.then_some(Warning::MapsUnread))
}
