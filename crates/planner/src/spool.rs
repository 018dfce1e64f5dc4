//! Records in the order of the replies, until their turn comes, or until all are there and can be read in the manifest's
//! order.
//!
//! A file without a name, so that memory doesn't grow with what orgs hold: a record costs 32 bytes at most.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Texts in a file without a name: gone with the process, whatever becomes of it.
#[derive(Debug)]
pub(crate) struct SpoolFile {
    out: BufWriter<File>,
    written: u64,
}

/// Where a text is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spooled {
    offset: u64,
    length: u32,
}

/// Records, each with a key that orders it.
#[derive(Debug)]
pub struct Spool {
    file: SpoolFile,
    places: Vec<(u64, Spooled)>,
}

impl SpoolFile {
    /// A file with nothing in it, in this folder.
    ///
    /// # Errors
    /// It can't be made.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        Ok(Self { out: BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?), written: 0 })
    }

    /// Takes in a text.
    ///
    /// # Errors
    /// The file can't be written.
    pub(crate) fn put(&mut self, text: &[u8]) -> io::Result<Spooled> {
        self.out.write_all(text)?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        let place = Spooled { offset: self.written, length };
        self.written += u64::from(length);
        Ok(place)
    }

    /// Gives a text back.
    ///
    /// # Errors
    /// The file can't be written, or read.
    pub(crate) fn get(&mut self, Spooled { offset, length }: Spooled) -> io::Result<Vec<u8>> {
        self.out.flush()?;
        let mut text = vec![0; length as usize];
        self.out.get_ref().read_exact_at(&mut text, offset)?;
        Ok(text)
    }
}

impl Spool {
    /// A spool without a record, in this folder.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: SpoolFile::in_folder(folder)?, places: Vec::new() })
    }

    /// Takes in a record.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn put(&mut self, key: u64, record: &impl Serialize) -> io::Result<()> {
        let place = self.file.put(&serde_json::to_vec(record)?)?;
        self.places.push((key, place));
        Ok(())
    }

    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.places.len() as u64
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The records by their keys.
    ///
    /// # Errors
    /// A record can't be written, or read.
    pub fn read<T: DeserializeOwned>(&mut self) -> impl Iterator<Item = io::Result<(u64, T)>> {
        self.places.sort_unstable_by_key(|(key, _)| *key);
        let file = &mut self.file;
        self.places.iter().map(|(key, place)| Ok((*key, serde_json::from_slice(&file.get(*place)?)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spooled_entries_return_in_line_order_repeatedly() {
        let mut spool = Spool::in_folder(&std::env::temp_dir()).unwrap();
        let read = |spool: &mut Spool, most| -> Vec<(u64, String)> {
            spool.read().take(most).map(Result::unwrap).collect()
        };
        assert_eq!((spool.len(), read(&mut spool, 9)), (0, Vec::new()));
        let found = |line: u64| (line, "x".repeat(usize::try_from(line).unwrap()));
        for line in [5, 2, 9] {
            spool.put(line, &found(line).1).unwrap();
        }
        assert_eq!(read(&mut spool, 2), [found(2), found(5)]);
        spool.put(3, &found(3).1).unwrap();
        assert_eq!(read(&mut spool, 9), [found(2), found(3), found(5), found(9)]);
        assert_eq!(spool.len(), 4);
    }
}
