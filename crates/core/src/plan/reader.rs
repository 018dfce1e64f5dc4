//! Reads a plan as a stream and proves its seal.

use std::io::{self, BufRead, Read as _, Seek, SeekFrom};

use hmac::{Hmac, Mac};
use memchr::memrchr;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::parser::Sketch;
use super::{Dealer, FORMAT, Footer, Header, IndexEntry, LineParser, PlanLine, Verdict};
use crate::ids::Ruuid;
use crate::operation::{Catalog, Operations, UnknownOperation};
use crate::secret::{SealKey, hex};

/// The longest line that is read. The rows of a manifest are bounded, and so is what an org's settings can
/// bring; a longer line is damage.
const LONGEST_LINE: u64 = 64 << 20;
/// How much of a plan's end is looked at first, for its footer.
const TAIL: u64 = 8 << 10;

/// What a plan is read from: its footer is at its end, and is needed first.
pub trait PlanInput: BufRead + Seek {}

impl<T: BufRead + Seek + ?Sized> PlanInput for T {}

/// Why a file is no plan, or no plan to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file could not be read.
    #[error("the plan can't be read")]
    Io(#[from] io::Error),
    /// A line is none of a plan.
    #[error("line {line} is not part of a plan")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The file doesn't end with a footer: it was cut or altered, or its writing never ended.
    #[error("the plan is incomplete: it was truncated or altered, or never finished")]
    NoFooter,
    /// A newer version of the format.
    #[error("the plan has format {found}, newer than {FORMAT}, the only one that this version reads")]
    Newer {
        /// What the header says.
        found: u32,
    },
    /// An older version of the format.
    #[error("the plan has format {found}, older than {FORMAT}, the only one that this version reads")]
    Older {
        /// What the header says.
        found: u32,
    },
    /// An operation isn't known, or is described otherwise than when the plan was made.
    #[error(transparent)]
    Operation(#[from] UnknownOperation),
    /// The seal doesn't fit: altered, or sealed under another API key.
    #[error("the seal doesn't match: the plan was altered, or made with another key")]
    Seal,
}

/// A plan being read: the header first, then the lines, then the footer with the verdict on the seal.
#[derive(Debug)]
pub struct PlanReader<R: PlanInput> {
    lines: Lines<R>,
    parser: LineParser,
    header: Header,
    /// Since the first line was asked for.
    end: Option<End>,
    footer: Option<(Footer, String)>,
    mac: Option<Hmac<Sha256>>,
}

/// The last line as it was when the first was read: a change of it meanwhile is found.
#[derive(Debug)]
struct End {
    line: Vec<u8>,
    dealer: Dealer,
}

#[derive(Deserialize)]
struct SealedFooter<'a> {
    #[serde(borrow)]
    footer: &'a RawValue,
    seal: String,
}

impl<R: PlanInput> PlanReader<R> {
    /// Reads the header. The seal isn't judged: for plans that this process has proved already, or only shows.
    ///
    /// # Errors
    /// Not a plan, or one of another format.
    pub fn open(input: R, catalog: &Catalog) -> Result<Self, PlanError> {
        // The header of another format may hold what this version can't parse, so its number is looked at first.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let mut lines = Lines { input, buffer: Vec::new(), number: 0, offset: 0 };
        // What the parser says may quote the line, and until this is a plan's header it may be anything, a key as well.
        let no_header =
            |_| PlanError::Line { line: 1, source: serde::de::Error::custom("it is not a plan's header") };
        lines.advance()?;
        let Format { format } = lines.parse().map_err(no_header)?;
        match format {
            FORMAT => {}
            found if found > FORMAT => return Err(PlanError::Newer { found }),
            found => return Err(PlanError::Older { found }),
        }
        let header: Header = lines.parse().map_err(no_header)?;
        let parser = LineParser::new(catalog.find(&header.operations)?);
        Ok(Self { lines, parser, header, end: None, footer: None, mac: None })
    }

    /// Reads the header, and will judge the seal at the end. `key_of` derives the seal's key from the plan's
    /// id.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_sealed(
        input: R,
        catalog: &Catalog,
        key_of: impl FnOnce(&str) -> SealKey,
    ) -> Result<Self, PlanError> {
        let mut reader = Self::open(input, catalog)?;
        let mut mac = key_of(&reader.header.plan_id).mac();
        mac.update(&reader.lines.buffer);
        reader.mac = Some(mac);
        Ok(reader)
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The operations that it is of.
    pub const fn operations(&self) -> &Operations {
        self.parser.operations()
    }

    /// The next org with its place in the file; `None` after the last, when the seal has been found good.
    ///
    /// # Errors
    /// A line that isn't of a plan, a missing end, or a seal that doesn't fit.
    pub fn next_org(&mut self) -> Result<Option<(IndexEntry, PlanLine)>, PlanError> {
        let Some(offset) = self.advance()? else { return Ok(None) };
        let mut line = self.line()?;
        let entry = self.entry(offset, IndexEntry::of(&line), line.wave)?;
        line.wave = Some(entry.wave).filter(|_| line.verdict == Verdict::Update);
        Ok(Some((entry, line)))
    }

    /// As [`Self::next_org`], without reading the line whole: its place, its org, and whether it names secrets.
    /// [`Self::line`] gives the rest.
    ///
    /// # Errors
    /// As [`Self::next_org`]; but of what is passed over, only the seal says whether it is of a plan.
    pub fn next_entry(&mut self) -> Result<Option<(IndexEntry, Ruuid, bool)>, PlanError> {
        let Some(offset) = self.advance()? else { return Ok(None) };
        let Sketch { org, pin, entry, has_secrets } =
            self.lines.with_text(|text| self.parser.sketch(text))?;
        Ok(Some((self.entry(offset, entry, pin)?, org, has_secrets)))
    }

    /// The line that was read last, whole, but with the wave that the manifest pins.
    ///
    /// # Errors
    /// It isn't of a plan.
    pub fn line(&mut self) -> Result<PlanLine, PlanError> {
        self.lines.with_text(|text| self.parser.read(text))
    }

    /// Goes to the next org's line and returns where it begins; at the end, judges the seal.
    fn advance(&mut self) -> Result<Option<u64>, PlanError> {
        if self.footer.is_some() {
            return Ok(None);
        }
        if self.end.is_none() {
            let line = self.lines.last()?;
            let (Footer { waves, .. }, _) = parse_footer(&line, 0)?;
            self.end = Some(End { line, dealer: Dealer::new(&waves) });
        }
        let offset = self.lines.offset;
        self.lines.advance()?;
        if self.lines.buffer.starts_with(FOOTER) {
            self.footer = Some(self.judge_footer()?);
            return Ok(None);
        }
        if let Some(mac) = &mut self.mac {
            mac.update(&self.lines.buffer);
        }
        Ok(Some(offset))
    }

    /// Deals the org of a line its wave.
    fn entry(&mut self, offset: u64, entry: IndexEntry, pin: Option<u32>) -> Result<IndexEntry, PlanError> {
        let length = u32::try_from(self.lines.buffer.len()).expect("a line is bounded");
        let dealer = self.end.as_mut().map(|end| &mut end.dealer);
        let wave = match entry.verdict {
            Verdict::Update => dealer.and_then(|dealer| dealer.deal(pin)).ok_or(PlanError::Seal)?,
            _ => 0,
        };
        Ok(IndexEntry { offset, length, wave, ..entry })
    }

    /// The footer, once every org was read.
    pub const fn footer(&self) -> Option<&Footer> {
        match &self.footer {
            Some((footer, _)) => Some(footer),
            None => None,
        }
    }

    /// Header, footer and seal, once every org was read.
    pub fn into_parts(self) -> Option<(Header, Footer, String)> {
        self.footer.map(|(footer, seal)| (self.header, footer, seal))
    }

    fn judge_footer(&mut self) -> Result<(Footer, String), PlanError> {
        let (footer, seal) = parse_footer(&self.lines.buffer, self.lines.number)?;
        if let Some(mut mac) = self.mac.take() {
            let sealed: SealedFooter<'_> = self.lines.parse()?;
            mac.update(sealed.footer.get().as_bytes());
            let expected = hex(&mac.finalize().into_bytes());
            if !bool::from(expected.as_bytes().ct_eq(seal.as_bytes())) {
                return Err(PlanError::Seal);
            }
        }
        // It is what the waves were dealt by, nothing is behind it, and it counts what is before it.
        let ends_here = self.lines.input.fill_buf()?.is_empty();
        let is_same = |end: &End| end.line == self.lines.buffer && end.dealer.is_done();
        if ends_here && self.end.as_ref().is_some_and(is_same) && footer.lines + 2 == self.lines.number {
            Ok((footer, seal))
        } else {
            Err(PlanError::Seal)
        }
    }
}

/// What a footer's line begins with.
const FOOTER: &[u8] = br#"{"footer":"#;

fn parse_footer(json: &[u8], line: u64) -> Result<(Footer, String), PlanError> {
    let error = |source| PlanError::Line { line, source };
    let SealedFooter { footer, seal } = serde_json::from_slice(json).map_err(error)?;
    Ok((serde_json::from_str(footer.get()).map_err(error)?, seal))
}

/// The lines of a file, one held at a time.
#[derive(Debug)]
struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// Of the line in the buffer, from 1.
    number: u64,
    /// Of the first byte behind the line in the buffer.
    offset: u64,
}

impl<R: PlanInput> Lines<R> {
    /// The last line of the file, whole.
    fn last(&mut self) -> Result<Vec<u8>, PlanError> {
        let end = self.input.seek(SeekFrom::End(0))?;
        let (mut tail, mut length) = (Vec::new(), TAIL);
        let line = loop {
            let start = end.saturating_sub(length).max(self.offset);
            tail.clear();
            self.input.seek(SeekFrom::Start(start))?;
            (&mut self.input).take(end.saturating_sub(start)).read_to_end(&mut tail)?;
            let Some(whole) = tail.strip_suffix(b"\n") else { return Err(PlanError::NoFooter) };
            match memrchr(b'\n', whole) {
                Some(before) => break tail.split_off(before + 1),
                None if start == self.offset => break tail,
                None if length > LONGEST_LINE => return Err(PlanError::NoFooter),
                None => length *= 8,
            }
        };
        self.input.seek(SeekFrom::Start(self.offset))?;
        if line.starts_with(FOOTER) { Ok(line) } else { Err(PlanError::NoFooter) }
    }

    /// Reads the next line, which must be whole.
    fn advance(&mut self) -> Result<(), PlanError> {
        self.buffer.clear();
        let read = (&mut self.input).take(LONGEST_LINE).read_until(b'\n', &mut self.buffer)?;
        self.offset += read as u64;
        self.number += 1;
        if self.buffer.ends_with(b"\n") { Ok(()) } else { Err(PlanError::NoFooter) }
    }

    fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, PlanError> {
        self.with_text(serde_json::from_str)
    }

    /// What is made of the line's text, looked at once as a whole.
    fn with_text<'a, T>(
        &'a self,
        read: impl FnOnce(&'a str) -> Result<T, serde_json::Error>,
    ) -> Result<T, PlanError> {
        let text = std::str::from_utf8(&self.buffer).map_err(serde::de::Error::custom);
        text.and_then(read).map_err(|source| match serde_json::from_slice::<IgnoredAny>(&self.buffer) {
            // Any other JSON than the one form in which a plan is written can't have been sealed.
            Ok(_) if self.number > 1 => PlanError::Seal,
            _ => PlanError::Line { line: self.number, source },
        })
    }
}
