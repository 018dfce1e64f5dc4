//! A file that appears whole or not at all: a temporary in the same folder, synced, then renamed.
//!
//! Where a link is, the file that it leads to is replaced. A device, a pipe, a socket or a folder is never.
//!
//! Dropped before its rename, the temporary is removed. Readable by its owner only, as tempfile makes them.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;

use orgwave_core::durable::folder_synced;
use tempfile::NamedTempFile;

use crate::error::ReportError;

/// A file being written beside the name that it will have.
#[derive(Debug)]
pub(crate) struct WholeFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

/// A file that is durable and only lacks its name.
#[derive(Debug)]
pub(crate) struct Nameless {
    temporary: tempfile::TempPath,
    path: PathBuf,
}

impl WholeFile {
    /// Begins a file in a folder that is there.
    pub(crate) fn begin(folder: &Path, name: &str) -> io::Result<Self> {
        let path = target_of(&folder.join(name))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary =
            tempfile::Builder::new().prefix(&format!(".{name}.")).suffix(".tmp").tempfile_in(folder)?;
        Ok(Self { temporary, path })
    }

    /// Opens it to others than its owner.
    pub(crate) fn permit(&self, permissions: fs::Permissions) -> io::Result<()> {
        self.temporary.as_file().set_permissions(permissions)
    }

    /// Makes what was written durable.
    pub(crate) fn end(self) -> io::Result<Nameless> {
        self.sync()?;
        Ok(self.nameless())
    }

    fn sync(&self) -> io::Result<()> {
        self.temporary.as_file().sync_all()
    }

    /// The name it will have.
    pub(crate) fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn nameless(self) -> Nameless {
        Nameless { temporary: self.temporary.into_temp_path(), path: self.path }
    }
}

impl Nameless {
    /// Gives it its name, in place of what had it. The folder is to be synced afterwards.
    pub(crate) fn name(self) -> Result<(), ReportError> {
        self.temporary.persist(&self.path).map_err(|error| ReportError::write(&self.path)(error.error))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.temporary.as_file_mut().seek(to)
    }
}

/// Makes all of these durable at once: a disk that is asked together is done sooner.
pub(crate) fn sync_all(files: Vec<WholeFile>) -> Result<Vec<Nameless>, ReportError> {
    /// Syncs that wait together share their waiting.
    const THREADS: usize = 16;
    let share = files.len().div_ceil(THREADS).max(1);
    thread::scope(|scope| {
        let sync = |file: &WholeFile| file.sync().map_err(ReportError::write(&file.path));
        let shares: Vec<_> =
            files.chunks(share).map(|files| scope.spawn(move || files.iter().try_for_each(sync))).collect();
        let ended = |share: thread::ScopedJoinHandle<'_, _>| {
            share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        shares.into_iter().try_for_each(ended)
    })?;
    Ok(files.into_iter().map(WholeFile::nameless).collect())
}

/// Where a file of this name is written: links are followed, to a plain file or to where one may be made.
///
/// # Errors
/// Something else is there, or the links go in a circle.
pub fn target_of(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..=MOST_LINKS {
        if is_descriptor(&path) {
            return Err(io::Error::other(
                "it is what a descriptor of this process leads to, not a plain file",
            ));
        }
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        };
        if found.is_symlink() {
            let to = fs::read_link(&path)?;
            path = path.parent().unwrap_or(Path::new("")).join(to);
        } else if found.is_file() {
            return Ok(path);
        } else {
            return Err(io::Error::other("it is a folder, a device, a pipe or a socket, not a plain file"));
        }
    }
    Err(io::Error::other("its links go in a circle"))
}

/// Whether a path names an open descriptor, as `/dev/stdout` does in the end. What that leads to looks like a link and is
/// none: a file in its place would take it away from those that write through the descriptor, as stdout does.
fn is_descriptor(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(Path::new(""));
    folder == Path::new("/dev/fd") || folder.starts_with("/proc") && folder.ends_with("fd")
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), ReportError> {
    // The folder of a bare file name is the working directory.
    let open = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(open).and_then(|folder| folder_synced(folder.sync_all())).map_err(ReportError::write(folder))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn an_unended_file_leaves_nothing_and_keeps_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.csv"), "before").unwrap();
        let mut file = WholeFile::begin(folder.path(), "a.csv").unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(folder.path().join("a.csv")).unwrap(), "before");
    }

    #[test]
    fn a_named_file_replaces_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.csv"), "before").unwrap();
        let mut file = WholeFile::begin(folder.path(), "a.csv").unwrap();
        file.write_all(b"after").unwrap();
        file.end().unwrap().name().unwrap();
        let path = folder.path().join("a.csv");
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("there")).unwrap();
        fs::write(folder.path().join("there/a.csv"), "before").unwrap();
        symlink("there/a.csv", folder.path().join("one")).unwrap();
        symlink("one", folder.path().join("two")).unwrap();
        symlink("there/new.csv", folder.path().join("three")).unwrap();
        for (name, target) in [("two", "there/a.csv"), ("three", "there/new.csv")] {
            let mut file = WholeFile::begin(folder.path(), name).unwrap();
            file.write_all(b"after").unwrap();
            file.end().unwrap().name().unwrap();
            assert!(fs::symlink_metadata(folder.path().join(name)).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(folder.path().join(target)).unwrap(), "after");
        }
    }

    #[test]
    fn devices_folders_and_circles_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        symlink("/dev/null", folder.path().join("device")).unwrap();
        symlink("circle", folder.path().join("circle")).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        for name in ["device", "circle", "folder"] {
            assert!(WholeFile::begin(folder.path(), name).is_err(), "{name}");
        }
    }
}
