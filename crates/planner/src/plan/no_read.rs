//! What can't be planned without a read, found before anything is sent.

use orgwave_core::manifest::Header;
use orgwave_core::policy::WriteMode;

use crate::error::Error;
use crate::warning::Warning;

/// Without a read, what can't be known from the manifest alone is refused.
///
/// # Errors
/// [`Error::NeedsRead`]: a removal, or an `expect.` guard.
pub fn check_no_read(write: WriteMode, header: &Header) -> Result<Option<Warning>, Error> {
    if write.reads() {
        return Ok(None);
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
