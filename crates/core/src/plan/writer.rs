//! Writes a plan as a stream, sealing what it writes.

use std::io::{self, Write};

use hmac::{Hmac, Mac};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use super::{Footer, Header, IndexEntry, PlanLine};
use crate::secret::{SealKey, hex};

/// How much is gathered for one write.
const CHUNK: usize = 1 << 16;

/// Writes header, lines and footer, in this order, each once.
#[derive(Debug)]
pub struct PlanWriter<W: Write> {
    out: W,
    mac: Hmac<Sha256>,
    /// What isn't written yet ...
    buffer: Vec<u8>,
    /// ... and how much of it the seal covers.
    sealed: usize,
    /// Bytes written before it.
    offset: u64,
}

/// A whole plan, sealed.
#[derive(Debug)]
pub struct Sealed<W> {
    /// Where it was written, flushed.
    pub out: W,
    /// Its seal.
    pub seal: String,
}

/// The footer on the wire: its bytes are sealed too, so the seal is beside it.
#[derive(Serialize)]
struct SealedFooter<'a> {
    footer: &'a RawValue,
    seal: &'a str,
}

impl<W: Write> PlanWriter<W> {
    /// Begins a plan. What is written to `out` is gathered before.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(out: W, header: &Header, seal: &SealKey) -> io::Result<Self> {
        let mut writer = Self { out, mac: seal.mac(), buffer: Vec::new(), sealed: 0, offset: 0 };
        serde_json::to_writer(&mut writer.buffer, header)?;
        writer.end_line()?;
        Ok(writer)
    }

    /// Adds the next org, and says where it is.
    ///
    /// # Errors
    /// What `out` says.
    pub fn line(&mut self, line: &PlanLine) -> io::Result<IndexEntry> {
        line.write_json(&mut self.buffer);
        self.place(IndexEntry::of(line))
    }

    /// Adds the next org by its line as JSON, of which this is known.
    ///
    /// # Errors
    /// What `out` says.
    pub fn written(&mut self, json: &[u8], entry: IndexEntry) -> io::Result<IndexEntry> {
        self.buffer.extend_from_slice(json);
        self.place(entry)
    }

    /// Ends the plan with its seal, and flushes.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self, footer: &Footer) -> io::Result<Sealed<W>> {
        let footer = serde_json::value::to_raw_value(footer)?;
        self.mac.update(footer.get().as_bytes());
        let seal = hex(&self.mac.finalize().into_bytes());
        serde_json::to_writer(&mut self.buffer, &SealedFooter { footer: &footer, seal: &seal })?;
        self.buffer.push(b'\n');
        self.out.write_all(&self.buffer)?;
        self.out.flush()?;
        Ok(Sealed { out: self.out, seal })
    }

    fn place(&mut self, entry: IndexEntry) -> io::Result<IndexEntry> {
        let offset = self.offset + self.sealed as u64;
        let length = u32::try_from(self.buffer.len() + 1 - self.sealed).map_err(io::Error::other)?;
        self.end_line()?;
        Ok(IndexEntry { offset, length, ..entry })
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.buffer.push(b'\n');
        self.mac.update(&self.buffer[self.sealed..]);
        self.sealed = self.buffer.len();
        if self.sealed >= CHUNK {
            self.out.write_all(&self.buffer)?;
            self.offset += self.sealed as u64;
            self.sealed = 0;
            self.buffer.clear();
        }
        Ok(())
    }
}
