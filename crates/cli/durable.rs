//! Names that survive a power cut.

use std::fs::File;
use std::path::Path;

use orgwave_core::durable::folder_synced;

use crate::failure::Failure;

/// Makes the names in a folder durable.
///
/// # Errors
/// 74.
pub fn sync_folder(path: &Path) -> Result<(), Failure> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)
        .and_then(|folder| folder_synced(folder.sync_all()))
        .map_err(|error| Failure::cannot_write(path, error))
}
