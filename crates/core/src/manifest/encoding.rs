//! Bytes of a file -> bytes of UTF-8, as a stream, whatever a spreadsheet saved.
//!
//! UTF-8 passes through, less its byte order mark; UTF-16 with a mark is transcoded. What isn't text stays
//! visible as bytes that are not UTF-8 (a lone surrogate as its three bytes, half a unit as 0xFF), so that the one
//! who knows lines and columns, the table, refuses it there. A digest of the raw bytes is taken on the way.

use std::fmt;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use sha2::{Digest as _, Sha256};

const CHUNK: usize = 64 * 1024;

/// How a file's text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, little-endian, by its mark.
    Utf16Le,
    /// UTF-16, big-endian, by its mark.
    Utf16Be,
    /// UTF-32 by its mark: refused.
    Utf32,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16, little-endian",
            Self::Utf16Be => "UTF-16, big-endian",
            Self::Utf32 => "UTF-32",
        })
    }
}

/// The text of a file, read as UTF-8.
pub(crate) struct Text<R> {
    raw: R,
    digest: Sha256,
    encoding: Encoding,
    /// Length of the byte order mark, which no offset counts.
    mark: u64,
    /// Bytes that were decoded, or read while looking for the mark, and not yet handed out.
    ready: Vec<u8>,
    taken: usize,
    /// For UTF-16: half a unit, and half a pair, that wait for the next bytes.
    half: Option<u8>,
    high: Option<u16>,
    /// All of the text, after the first seek in UTF-16.
    held: Option<Cursor<Vec<u8>>>,
}

impl<R: Read> Text<R> {
    /// Looks for a byte order mark.
    ///
    /// # Errors
    /// When reading fails.
    pub(crate) fn open(mut raw: R) -> io::Result<Self> {
        let mut head = [0; 4];
        let mut len = 0;
        while len < head.len() {
            match raw.read(&mut head[len..]) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let head = &head[..len];
        let (encoding, mark) = match head {
            [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
            [0xFF, 0xFE, 0, 0] | [0, 0, 0xFE, 0xFF] => (Encoding::Utf32, 4),
            [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
            _ => (Encoding::Utf8, 0),
        };
        let mut text = Self {
            raw,
            digest: Sha256::new(),
            encoding,
            mark: mark as u64,
            ready: Vec::new(),
            taken: 0,
            half: None,
            high: None,
            held: None,
        };
        text.digest.update(head);
        match encoding {
            Encoding::Utf16Le | Encoding::Utf16Be => text.transcode(&head[mark..]),
            Encoding::Utf8 | Encoding::Utf32 => text.ready.extend_from_slice(&head[mark..]),
        }
        Ok(text)
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The digest of the raw bytes that were read so far.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }

    /// The reader, wherever it is.
    pub(crate) fn into_raw(self) -> R {
        self.raw
    }

    fn transcode(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let Some(first) = self.half.take() else {
                self.half = Some(byte);
                continue;
            };
            let unit = if self.encoding == Encoding::Utf16Le {
                u16::from_le_bytes([first, byte])
            } else {
                u16::from_be_bytes([first, byte])
            };
            self.push_unit(unit);
        }
    }

    fn push_unit(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if (0xDC00..0xE000).contains(&unit) {
                let pair = 0x10000 + ((u32::from(high) - 0xD800) << 10) + (u32::from(unit) - 0xDC00);
                self.push_char(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
                return;
            }
            self.push_surrogate(high);
        }
        match unit {
            0xD800..0xDC00 => self.high = Some(unit),
            0xDC00..0xE000 => self.push_surrogate(unit),
            unit => self.push_char(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }

    fn push_char(&mut self, c: char) {
        self.ready.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// The three bytes that UTF-8 would have for it, if it had any: they are no valid text.
    fn push_surrogate(&mut self, unit: u16) {
        let [top, low] = unit.to_be_bytes();
        self.ready.extend_from_slice(&[0xED, 0x80 | (top & 0x0F) << 2 | low >> 6, 0x80 | low & 0x3F]);
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(held) = &mut self.held {
            return held.read(into);
        }
        while self.taken == self.ready.len() {
            self.ready.clear();
            self.taken = 0;
            if matches!(self.encoding, Encoding::Utf8 | Encoding::Utf32) {
                let read = self.raw.read(into)?;
                self.digest.update(&into[..read]);
                return Ok(read);
            }
            let mut chunk = vec![0; CHUNK];
            let read = self.raw.read(&mut chunk)?;
            self.digest.update(&chunk[..read]);
            self.transcode(&chunk[..read]);
            if read == 0 {
                let unpaired = self.high.take();
                if let Some(high) = unpaired {
                    self.push_surrogate(high);
                }
                if self.half.take().is_some() {
                    self.ready.push(0xFF);
                }
                if self.ready.is_empty() {
                    return Ok(0);
                }
            }
        }
        let part = &self.ready[self.taken..];
        let len = part.len().min(into.len());
        into[..len].copy_from_slice(&part[..len]);
        self.taken += len;
        Ok(len)
    }
}

impl<R: Read + Seek> Text<R> {
    /// Goes to an offset in the text. In UTF-16 its place in the file is unknown, so such a text is then held in memory.
    /// The digest is of no use afterwards.
    pub(crate) fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        self.ready.clear();
        self.taken = 0;
        if matches!(self.encoding, Encoding::Utf8 | Encoding::Utf32) {
            return self.raw.seek(SeekFrom::Start(self.mark + offset)).map(drop);
        }
        if self.held.is_none() {
            (self.half, self.high) = (None, None);
            self.raw.seek(SeekFrom::Start(self.mark))?;
            let mut whole = Vec::new();
            self.read_to_end(&mut whole)?;
            self.held = Some(Cursor::new(whole));
        }
        if let Some(held) = &mut self.held {
            held.set_position(offset);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads one byte at a time, so that every unit and pair is torn.
    struct Drip<R>(R);

    impl<R: Read> Read for Drip<R> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let len = into.len().min(1);
            self.0.read(&mut into[..len])
        }
    }

    fn decode(bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        Text::open(bytes).unwrap().read_to_end(&mut whole).unwrap();
        let mut dripped = Vec::new();
        Text::open(Drip(bytes)).unwrap().read_to_end(&mut dripped).unwrap();
        assert_eq!(whole, dripped);
        whole
    }

    #[test]
    fn what_is_no_text_stays_no_text() {
        for bytes in [
            &[0xFF, 0xFE, 0x00, 0xD8][..],
            &[0xFF, 0xFE, 0x00, 0xDC, b'a', 0],
            &[0xFF, 0xFE, 0x00, 0xD8, b'a', 0],
            &[0xFE, 0xFF, 0, b'a', 0],
            &[0xFF, 0xFE, b'a'],
            &[0xC3],
        ] {
            assert!(std::str::from_utf8(&decode(bytes)).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn offsets_do_not_count_the_mark() {
        let mut text = Text::open(Cursor::new(b"\xEF\xBB\xBFabcdef")).unwrap();
        text.seek_to(3).unwrap();
        assert_eq!(io::read_to_string(text).unwrap(), "def");
        let mut text = Text::open(Cursor::new(b"\xFE\xFF\0a\0\xE9\0c")).unwrap();
        for _ in 0..2 {
            text.seek_to(1).unwrap();
            assert_eq!(io::read_to_string(&mut text).unwrap(), "éc");
        }
    }

    proptest! {
        #[test]
        fn every_encoding_gives_the_same_text(text in "\\PC{0,40}") {
            let le: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
            let be: Vec<u8> = [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
            let marked = format!("\u{feff}{text}");
            prop_assume!(!text.starts_with(['\u{feff}', '\0']));
            for bytes in [text.as_bytes(), marked.as_bytes(), &le, &be] {
                prop_assert_eq!(decode(bytes), text.as_bytes());
            }
        }
    }
}
