//! Files that are read, as carefully as files of strangers ask for: opening one never waits, only plain files are
//! taken, and none is read beyond a cap. What a rollout names lies below the rollout's folder.
//!
//! A pipe is taken where the user handed it over as an open descriptor: `/dev/stdin`, or `<(command)` of a shell.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Larger than any table: a million rows take half a gigabyte.
const LARGEST: u64 = 16 << 30;
/// What comes through a pipe is held in memory.
const LARGEST_PIPE: u64 = 256 << 20;
/// Larger than any rollout file, key or set of secrets.
const LARGEST_TEXT: u64 = 1 << 20;
/// Larger than any spec: the vendor's has 4 MiB.
const LARGEST_SPEC: u64 = 64 << 20;

/// An open file that may be read: plain, or a pipe that the user handed over.
#[derive(Debug)]
pub struct Input {
    file: File,
    metadata: Metadata,
}

/// A table's file, or (what can't be sought in) its bytes.
pub enum TableFile {
    /// A plain file, and how far it has been read.
    File(BufReader<File>, u64),
    /// A pipe's bytes.
    Held(Cursor<Vec<u8>>),
}

impl Input {
    /// Opens a file without blocking.
    ///
    /// # Errors
    /// It can't be opened, or is neither plain nor handed over.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Opening a FIFO would wait for its writer.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
        let metadata = file.metadata()?;
        let kind = metadata.file_type();
        if kind.is_fifo() && is_handed_over(path) {
            rustix::fs::fcntl_setfl(&file, OFlags::empty())?;
        } else if !kind.is_file() {
            let what = match kind {
                kind if kind.is_dir() => "it is a folder",
                kind if kind.is_fifo() => "it is a FIFO, not a plain file",
                _ => "it is a device, not a plain file",
            };
            return Err(io::Error::other(what));
        }
        Ok(Self { file, metadata })
    }

    /// Opens what a rollout in `folder` names by `name`: below that folder once links are resolved, unless it may
    /// lie outside. `None` if it doesn't.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_below(folder: &Path, name: &Path, allow_outside: bool) -> io::Result<Option<Self>> {
        let path = folder.join(name);
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let (root, real) = (folder.canonicalize()?, path.canonicalize()?);
        if !allow_outside && !real.starts_with(root) {
            return Ok(None);
        }
        let input = Self::open(&real)?;
        if input.metadata.file_type().is_fifo() {
            return Err(io::Error::other("it is a FIFO, not a plain file"));
        }
        // The name may have come to mean another file between the two looks at it.
        let looked_at = real.symlink_metadata()?;
        if (looked_at.dev(), looked_at.ino()) != (input.metadata.dev(), input.metadata.ino()) {
            return Err(io::Error::other("it was replaced while it was opened"));
        }
        Ok(Some(input))
    }

    /// Who owns it, and who may read it.
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Whether it is a plain file.
    pub fn is_plain(&self) -> bool {
        self.metadata.is_file()
    }

    /// The open file.
    pub fn into_file(self) -> File {
        self.file
    }

    /// The open file, to be asked about.
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// As a table. A pipe is read to its end: a table is read twice.
    ///
    /// # Errors
    /// Reading fails, or there is too much.
    pub fn into_table(self) -> io::Result<TableFile> {
        if self.is_plain() {
            return Ok(TableFile::File(BufReader::with_capacity(1 << 16, self.file), 0));
        }
        read_up_to(self.file, LARGEST_PIPE).map(|bytes| TableFile::Held(Cursor::new(bytes)))
    }

    /// All of a small file.
    ///
    /// # Errors
    /// Reading fails, or there is too much.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        read_up_to(self.file, LARGEST_TEXT)
    }
}

/// All of a small file by its path.
///
/// # Errors
/// As [`Input::open`] and [`Input::into_bytes`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    Input::open(path)?.into_bytes()
}

/// All of an API's spec by its path.
///
/// # Errors
/// As [`read`].
pub fn read_spec(path: &Path) -> io::Result<Vec<u8>> {
    read_up_to(Input::open(path)?.file, LARGEST_SPEC)
}

fn read_up_to(file: File, cap: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(cap + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > cap { Err(too_large(cap)) } else { Ok(bytes) }
}

fn too_large(cap: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", cap >> 20))
}

/// Whether a path is the name of a descriptor that this process was started with.
fn is_handed_over(path: &Path) -> bool {
    let folders = [PathBuf::from("/dev/fd"), PathBuf::from("/proc/self/fd")];
    path == Path::new("/dev/stdin") || folders.iter().any(|folder| path.parent() == Some(folder))
}

impl Read for TableFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file, place) => {
                let read = file.read(buffer)?;
                *place += read as u64;
                if *place > LARGEST { Err(too_large(LARGEST)) } else { Ok(read) }
            }
            Self::Held(held) => held.read(buffer),
        }
    }
}

impl Seek for TableFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file, place) => {
                *place = file.seek(to)?;
                Ok(*place)
            }
            Self::Held(held) => held.seek(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_of_a_rollout_lie_below_its_folder_links_resolved() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("key"), "x").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str, allow| Input::open_below(folder.path(), Path::new(name), allow);
        std::fs::create_dir_all(folder.path().join("..data/v1")).unwrap();
        std::fs::write(folder.path().join("..data/v1/orgs.csv"), "x").unwrap();
        symlink("..data/v1/orgs.csv", folder.path().join("orgs.csv")).unwrap();
        symlink(outside.path().join("key"), folder.path().join("key.csv")).unwrap();
        symlink(outside.path(), folder.path().join("sub")).unwrap();
        for name in ["orgs.csv", "./orgs.csv", "..data/../orgs.csv"] {
            assert!(below(name, false).unwrap().is_some(), "{name}");
        }
        let absolute = outside.path().join("key");
        for name in ["key.csv", "sub/key", absolute.to_str().unwrap()] {
            assert!(below(name, false).unwrap().is_none(), "{name}");
            assert!(below(name, true).unwrap().is_some(), "{name}");
        }
        for name in ["nothing.csv", "../nothing.csv"] {
            assert!(below(name, false).is_err(), "{name}");
        }
    }

    #[test]
    fn a_text_without_end_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn devices_and_folders_are_refused_without_being_read() {
        for path in ["/dev/zero", "/dev/null", "/dev/tty", "/"] {
            assert!(read(Path::new(path)).is_err(), "{path}");
        }
    }
}
