//! Writes a plan as a stream, sealing what it writes.

use std::io::{self, Write};

use hmac::{Hmac, Mac};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use super::{Footer, Header, PlanLine};
use crate::secret::{SealKey, hex};

/// Writes header, lines and footer, in this order, each once.
#[derive(Debug)]
pub struct PlanWriter<W: Write> {
    out: W,
    mac: Hmac<Sha256>,
    buffer: Vec<u8>,
}

/// The footer on the wire: its bytes are sealed too, so the seal stands beside it.
#[derive(Serialize)]
struct SealedFooter<'a> {
    footer: &'a RawValue,
    seal: String,
}

impl<W: Write> PlanWriter<W> {
    /// Begins a plan. Buffer `out`: each line is one write.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(out: W, header: &Header, seal: &SealKey) -> io::Result<Self> {
        let mut writer = Self { out, mac: seal.mac(), buffer: Vec::new() };
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

    /// Ends the plan with its seal, and gives the output back, flushed.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self, footer: &Footer) -> io::Result<W> {
        let footer = serde_json::value::to_raw_value(footer)?;
        self.mac.update(footer.get().as_bytes());
        let seal = hex(&self.mac.finalize().into_bytes());
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, &SealedFooter { footer: &footer, seal })?;
        self.buffer.push(b'\n');
        self.out.write_all(&self.buffer)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write<T: Serialize>(&mut self, record: &T) -> io::Result<()> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, record)?;
        self.buffer.push(b'\n');
        self.mac.update(&self.buffer);
        self.out.write_all(&self.buffer)
    }
}
