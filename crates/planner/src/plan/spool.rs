//! Plan lines in the order of the replies, until all are there and can be put into the manifest's order.
//!
//! A file, so that what a plan takes in memory doesn't grow with what its orgs hold: an org costs 24 bytes.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::Path;

use orgwave_core::plan::{PlanLine, Verdict};

/// Where a line is, and what its wave depends on.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    length: u32,
    verdict: Verdict,
    /// The manifest's own.
    wave: Option<u32>,
}

/// A line as it is to stand in the plan, but for its wave.
#[derive(Debug)]
pub(super) struct SpooledLine<'a> {
    /// As JSON.
    pub(super) json: &'a [u8],
    /// What planning found.
    pub(super) verdict: Verdict,
    /// The wave that the manifest gives the org.
    pub(super) wave: Option<u32>,
}

/// The lines that are there so far.
#[derive(Debug)]
pub(super) struct Spool {
    out: BufWriter<File>,
    written: u64,
    places: Vec<Option<Place>>,
    buffer: Vec<u8>,
}

impl Spool {
    /// A spool without a name, in this folder: gone with the process, whatever becomes of it.
    pub(super) fn in_folder(folder: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        Ok(Self {
            out: BufWriter::with_capacity(1 << 16, file),
            written: 0,
            places: Vec::new(),
            buffer: Vec::new(),
        })
    }

    /// Takes in the line of the org with this place. Its wave is taken out of it, until waves are dealt.
    pub(super) fn put(&mut self, index: u32, mut line: PlanLine) -> io::Result<()> {
        let wave = line.wave.take();
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, &line)?;
        self.out.write_all(&self.buffer)?;
        let length = u32::try_from(self.buffer.len()).map_err(io::Error::other)?;
        let index = index as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, None);
        }
        self.places[index] = Some(Place { offset: self.written, length, verdict: line.verdict, wave });
        self.written += u64::from(length);
        Ok(())
    }

    /// Ends the taking in.
    pub(super) fn finish(self) -> io::Result<Spooled> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spooled { file, places: self.places })
    }
}

/// All lines, to be read in the manifest's order.
#[derive(Debug)]
pub(super) struct Spooled {
    file: File,
    places: Vec<Option<Place>>,
}

impl Spooled {
    /// The orgs that are to be written, each as the wave that the manifest pins it to.
    pub(super) fn updates(&self) -> impl Iterator<Item = Option<u32>> {
        self.places.iter().flatten().filter(|place| place.verdict == Verdict::Update).map(|place| place.wave)
    }

    /// Hands out the lines in the manifest's order.
    pub(super) fn each_line(
        &self,
        mut each: impl FnMut(SpooledLine<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        // Most lines lie in the manifest's order, or near it: then the next one is in the reader's buffer.
        let mut file = BufReader::with_capacity(1 << 18, &self.file);
        file.rewind()?;
        let mut read = 0;
        let mut buffer = Vec::new();
        for place in &self.places {
            let Place { offset, length, verdict, wave } =
                place.ok_or_else(|| io::Error::other("an org has no line"))?;
            buffer.resize(length as usize, 0);
            file.seek_relative(offset.cast_signed() - read)?;
            file.read_exact(&mut buffer)?;
            read = (offset + u64::from(length)).cast_signed();
            each(SpooledLine { json: &buffer, verdict, wave })?;
        }
        Ok(())
    }
}
