//! Rows, until all are there.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::OrgRow;

/// Rows in the order of the replies, in a file without a name: memory doesn't grow with what orgs hold.
pub struct Kept {
    out: BufWriter<File>,
    written: u64,
    places: Vec<Option<(u64, usize)>>,
}

impl Kept {
    /// Nothing yet, for so many orgs.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn new(folder: &Path, orgs: usize) -> io::Result<Self> {
        let out = BufWriter::new(tempfile::tempfile_in(folder)?);
        Ok(Self { out, written: 0, places: vec![None; orgs] })
    }

    /// Keeps the row of the org with this place.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn put(&mut self, place: usize, row: &OrgRow) -> io::Result<()> {
        let json = serde_json::to_vec(row)?;
        self.out.write_all(&json)?;
        self.places[place] = Some((self.written, json.len()));
        self.written += json.len() as u64;
        Ok(())
    }

    /// All rows, by their places.
    ///
    /// # Errors
    /// The file can't be written, or, of a row, read.
    pub fn rows(self) -> io::Result<impl Iterator<Item = io::Result<OrgRow>>> {
        let Self { out, places, .. } = self;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(places.into_iter().flatten().map(move |(offset, length)| {
            let mut json = vec![0; length];
            file.read_exact_at(&mut json, offset)?;
            Ok(serde_json::from_slice(&json)?)
        }))
    }
}
