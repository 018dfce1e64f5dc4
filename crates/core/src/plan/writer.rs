//! Writes a plan as a stream, sealing what it writes.

use std::io::{self, Write};

use hmac::{Hmac, Mac};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use super::{Footer, Header, IndexEntry, Places, PlanLine, Verdict};
use crate::secret::{SealKey, hex};
use crate::status::Status;

/// Writes header, lines and footer, in this order, each once.
#[derive(Debug)]
pub struct PlanWriter<W: Write> {
    out: W,
    mac: Hmac<Sha256>,
    buffer: Vec<u8>,
    /// Bytes written.
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
    /// Begins a plan. Buffer `out`: each line is one write.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(out: W, header: &Header, seal: &SealKey) -> io::Result<Self> {
        let mut writer = Self { out, mac: seal.mac(), buffer: Vec::new(), offset: 0 };
        writer.write(header)?;
        Ok(writer)
    }

    /// Adds the next org.
    ///
    /// # Errors
    /// What `out` says.
    pub fn line(&mut self, line: &PlanLine) -> io::Result<()> {
        self.write(line)
    }

    /// Adds the next org by its line as JSON, which has no wave yet, and says where it is: a plan's lines are
    /// made before the waves are known, and are many.
    ///
    /// # Errors
    /// What `out` says.
    pub fn placed(
        &mut self,
        line: &[u8],
        verdict: Verdict,
        updates: Places,
        rest: Option<Status>,
        wave: Option<u32>,
    ) -> io::Result<IndexEntry> {
        debug_assert!(line.starts_with(br#"{"line":"#), "a line without a wave begins with its number");
        self.buffer.clear();
        match wave {
            Some(wave) => {
                write!(self.buffer, r#"{{"wave":{wave},"#)?;
                self.buffer.extend_from_slice(&line[1..]);
            }
            None => self.buffer.extend_from_slice(line),
        }
        self.buffer.push(b'\n');
        let offset = self.offset;
        self.put()?;
        let length = u32::try_from(self.buffer.len()).map_err(io::Error::other)?;
        Ok(IndexEntry { offset, length, wave: wave.unwrap_or(0), verdict, updates, rest })
    }

    /// Ends the plan with its seal, and flushes.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self, footer: &Footer) -> io::Result<Sealed<W>> {
        let footer = serde_json::value::to_raw_value(footer)?;
        self.mac.update(footer.get().as_bytes());
        let seal = hex(&self.mac.finalize().into_bytes());
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, &SealedFooter { footer: &footer, seal: &seal })?;
        self.buffer.push(b'\n');
        self.out.write_all(&self.buffer)?;
        self.out.flush()?;
        Ok(Sealed { out: self.out, seal })
    }

    fn write<T: Serialize>(&mut self, record: &T) -> io::Result<()> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, record)?;
        self.buffer.push(b'\n');
        self.put()
    }

    fn put(&mut self) -> io::Result<()> {
        self.mac.update(&self.buffer);
        self.offset += self.buffer.len() as u64;
        self.out.write_all(&self.buffer)
    }
}
