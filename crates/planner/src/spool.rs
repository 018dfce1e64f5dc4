//! Records in the order of the replies, until all are there and can be read in the manifest's order.
//!
//! A file without a name, so that memory doesn't grow with what orgs hold: a record costs 32 bytes at most.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Records, each with a key that orders it, and with a mark that stays in memory.
#[derive(Debug)]
pub struct Spool<M = ()> {
    out: BufWriter<File>,
    written: u64,
    places: Vec<Place<M>>,
}

/// Where a record is.
#[derive(Debug, Clone, Copy)]
struct Place<M> {
    key: u64,
    offset: u64,
    length: u32,
    mark: M,
}

impl<M: Copy> Spool<M> {
    /// A spool without a record, in this folder: gone with the process, whatever becomes of it.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        let out = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?);
        Ok(Self { out, written: 0, places: Vec::new() })
    }

    /// Takes in a record.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn put(&mut self, key: u64, record: &impl Serialize, mark: M) -> io::Result<()> {
        let json = serde_json::to_vec(record)?;
        self.out.write_all(&json)?;
        let length = u32::try_from(json.len()).map_err(io::Error::other)?;
        self.places.push(Place { key, offset: self.written, length, mark });
        self.written += u64::from(length);
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

    /// The marks, in no order.
    pub fn marks(&self) -> impl Iterator<Item = M> {
        self.places.iter().map(|place| place.mark)
    }

    /// The records by their keys, each as JSON.
    ///
    /// # Errors
    /// The file can't be written, or, of a record, read.
    pub fn records(&mut self) -> io::Result<impl Iterator<Item = io::Result<(u64, Vec<u8>, M)>>> {
        self.out.flush()?;
        self.places.sort_unstable_by_key(|place| place.key);
        let file = self.out.get_ref();
        Ok(self.places.iter().map(|place| {
            let mut json = vec![0; place.length as usize];
            file.read_exact_at(&mut json, place.offset)?;
            Ok((place.key, json, place.mark))
        }))
    }

    /// The same, read.
    ///
    /// # Errors
    /// As [`Self::records`].
    pub fn read<T: DeserializeOwned>(&mut self) -> io::Result<impl Iterator<Item = io::Result<(u64, T)>>> {
        let parsed = |(key, json, _): (u64, Vec<u8>, M)| Ok((key, serde_json::from_slice(&json)?));
        Ok(self.records()?.map(move |record| record.and_then(parsed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spooled_entries_return_in_line_order_repeatedly() {
        let mut spool: Spool = Spool::in_folder(&std::env::temp_dir()).unwrap();
        let read = |spool: &mut Spool, most| -> Vec<(u64, String)> {
            spool.read().unwrap().take(most).map(Result::unwrap).collect()
        };
        assert_eq!((spool.len(), read(&mut spool, 9)), (0, Vec::new()));
        let found = |line: u64| (line, "x".repeat(usize::try_from(line).unwrap()));
        for line in [5, 2, 9] {
            spool.put(line, &found(line).1, ()).unwrap();
        }
        assert_eq!(read(&mut spool, 2), [found(2), found(5)]);
        spool.put(3, &found(3).1, ()).unwrap();
        assert_eq!(read(&mut spool, 9), [found(2), found(3), found(5), found(9)]);
        assert_eq!(spool.len(), 4);
    }
}
