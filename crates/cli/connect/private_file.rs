//! Files that hold secrets: read only if their owner alone can.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use orgwave_core::run::Exit;

use crate::failure::Failure;

/// Larger than any key or set of secrets.
const LONGEST: u64 = 1 << 20;

/// Reads a file that nobody but its owner can read. The mode is that of the very file that is read.
///
/// # Errors
/// 78: it isn't there, others can read it, or it is no text.
pub fn read_private(path: &Path) -> Result<String, Failure> {
    let failure = |what: String| Failure::new(Exit::BadConfig, what);
    let file = File::open(path)
        .map_err(|error| failure(format!("{} can't be opened", path.display())).because(error))?;
    let metadata = file
        .metadata()
        .map_err(|error| failure(format!("{} can't be looked at", path.display())).because(error))?;
    let mode = metadata.permissions().mode();
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(failure(format!("{} can be read by others (mode {:03o})", path.display(), mode & 0o777))
            .hint(format!("chmod 600 {}", path.display())));
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| failure(format!("{} can't be read", path.display())).because(error))?;
    Ok(text)
}
