//! Findings in the order of the replies, read again in the manifest's order.
//!
//! A file, so that what a verification takes in memory doesn't grow with what drifted: a finding costs 24 bytes.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::marker::PhantomData;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::scratch::scratch;

/// Findings of one kind.
pub(super) struct Noted<T> {
    out: Option<BufWriter<File>>,
    written: u64,
    /// The manifest's line, and where the finding is.
    places: Vec<(u64, u64, u32)>,
    kind: PhantomData<T>,
}

impl<T> Default for Noted<T> {
    fn default() -> Self {
        Self { out: None, written: 0, places: Vec::new(), kind: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> Noted<T> {
    /// Takes in what was found of the row at this line. The file, made for the first in a folder of its own, has no name.
    ///
    /// # Errors
    /// [`Error::Scratch`], [`Error::Spool`].
    pub(super) fn put(&mut self, line: u64, found: &T, other: Option<&Path>) -> Result<(), Error> {
        let out = match &mut self.out {
            Some(out) => out,
            none => {
                let folder = scratch(other)?;
                let file = tempfile::tempfile_in(folder.path()).map_err(Error::Spool)?;
                none.insert(BufWriter::with_capacity(1 << 16, file))
            }
        };
        let json = serde_json::to_vec(found).map_err(|error| Error::Spool(error.into()))?;
        out.write_all(&json).map_err(Error::Spool)?;
        let length = u32::try_from(json.len()).map_err(|error| Error::Spool(io::Error::other(error)))?;
        self.places.push((line, self.written, length));
        self.written += u64::from(length);
        Ok(())
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.places.len() as u64
    }

    /// Hands out so many of them, at most, in the manifest's order.
    ///
    /// # Errors
    /// [`Error::Spool`]. What `each` fails with.
    pub(super) fn each<E: From<Error>>(
        &mut self,
        most: usize,
        mut each: impl FnMut(u64, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(out) = &mut self.out else { return Ok(()) };
        out.flush().map_err(Error::Spool)?;
        self.places.sort_unstable();
        // Replies come nearly in the manifest's order: the next one is mostly in the reader's buffer.
        let mut file = BufReader::with_capacity(1 << 18, out.get_ref());
        file.rewind().map_err(Error::Spool)?;
        let (mut read, mut buffer) = (0, Vec::new());
        for (line, offset, length) in self.places.iter().copied().take(most) {
            let mut load = || {
                buffer.resize(length as usize, 0);
                file.seek_relative(offset.cast_signed() - read)?;
                file.read_exact(&mut buffer)?;
                read = (offset + u64::from(length)).cast_signed();
                Ok(serde_json::from_slice(&buffer)?)
            };
            each(line, load().map_err(Error::Spool)?)?;
        }
        // What comes now is appended.
        drop(file);
        out.seek(io::SeekFrom::End(0)).map(drop).map_err(Error::Spool)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_comes_back_in_the_order_of_the_lines_as_often_as_it_is_asked_for() {
        let mut noted: Noted<String> = Noted::default();
        let read = |noted: &mut Noted<String>, most| {
            let mut all = Vec::new();
            let each = |line, text| {
                all.push((line, text));
                Ok::<_, Error>(())
            };
            noted.each(most, each).unwrap();
            all
        };
        assert_eq!((noted.len(), read(&mut noted, 9)), (0, Vec::new()));
        for line in [5, 2, 9] {
            noted.put(line, &"x".repeat(usize::try_from(line).unwrap()), None).unwrap();
        }
        let found = |line: u64| (line, "x".repeat(usize::try_from(line).unwrap()));
        assert_eq!(read(&mut noted, 2), [found(2), found(5)]);
        noted.put(3, &found(3).1, None).unwrap();
        assert_eq!(read(&mut noted, 9), [found(2), found(3), found(5), found(9)]);
        assert_eq!(noted.len(), 4);
    }
}
