//! Bytes of UTF-8 -> records of cells, with recovery.
//!
//! RFC 4180 as spreadsheets write it: cells between delimiters, records between line breaks (LF or CRLF), a cell
//! that begins with a quote goes to the quote that closes it, `""` in it is one quote. A quote elsewhere is
//! literal. What general readers do with a quote that is never closed - swallow the rest of the file - is what this
//! one exists to avoid:
//!
//! 1. A quoted cell holds at most 64 KiB. If it doesn't close within them, or closes on a later line with text
//!    behind the quote (which then began another cell), the record has the fault [`FaultKind::Unclosed`] and
//!    reading continues at the line after the one where the quote opened.
//! 2. Any other fault ends with its record.
//!
//! A record is found by one search for its line break; only one with quotes is walked cell by cell. Nothing is
//! decoded, judged or copied here: cells are places in the buffer.

use std::io::{self, Read, Seek};

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::encoding::Text;

/// The longest cell.
pub(crate) const MAX_CELL: usize = 64 * 1024;
/// The longest record: thousands of columns, and still an end when a file has no line breaks.
const MAX_RECORD: usize = 8 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;
/// After a seek little is wanted.
const SMALL_CHUNK: usize = 4 * 1024;

/// The place of a cell in its record, without the quotes around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// It holds `""`, each for one quote.
    pub(crate) doubled: bool,
    /// It holds line breaks.
    pub(crate) broken: bool,
}

/// What keeps a record from being one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Unclosed,
    TextAfterQuote,
    LoneCr,
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// The byte of the record where it shows.
    pub(crate) at: usize,
    /// The cell, from 0.
    pub(crate) cell: usize,
}

/// A record: up to its fault, if it has one.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// The physical line of its first byte, from 1.
    pub(crate) line: u64,
    /// Where it begins in the text.
    pub(crate) offset: u64,
    pub(crate) bytes: &'a [u8],
    pub(crate) cells: &'a [Span],
    pub(crate) fault: Option<Fault>,
}

/// How far a scan came: the bytes of the record, and the bytes up to the next one.
struct Extent {
    body: usize,
    consumed: usize,
    /// Line breaks among the consumed bytes.
    breaks: u64,
    fault: Option<Fault>,
}

pub(crate) struct Tokenizer<R> {
    source: Text<R>,
    buffer: Vec<u8>,
    /// The next record begins here in the buffer ...
    start: usize,
    /// ... and here in the text.
    offset: u64,
    end: usize,
    ended: bool,
    line: u64,
    delimiter: u8,
    cells: Vec<Span>,
    chunk: usize,
    /// The rest of a line that is too long for the buffer is thrown away first.
    discarding: bool,
}

impl<R: Read> Tokenizer<R> {
    pub(crate) fn new(source: Text<R>, delimiter: u8) -> Self {
        Self {
            source,
            buffer: vec![0; CHUNK],
            start: 0,
            offset: 0,
            end: 0,
            ended: false,
            line: 1,
            delimiter,
            cells: Vec::new(),
            chunk: CHUNK,
            discarding: false,
        }
    }

    pub(crate) fn set_delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
    }

    pub(crate) fn source(&self) -> &Text<R> {
        &self.source
    }

    pub(crate) fn into_source(self) -> Text<R> {
        self.source
    }

    /// The next physical line, without taking it; none at the end.
    pub(crate) fn peek_line(&mut self) -> io::Result<Option<&[u8]>> {
        let len = self.find(|hay| memchr(b'\n', hay), 0, MAX_RECORD)?;
        let rest = &self.buffer[self.start..self.end];
        Ok(match len {
            Some(len) => Some(&rest[..len]),
            None if rest.is_empty() => None,
            None => Some(rest),
        })
    }

    /// The text from the next line on, without taking it: this many bytes, or all that there are.
    pub(crate) fn peek(&mut self, bytes: usize) -> io::Result<&[u8]> {
        self.find(|_| None, 0, bytes)?;
        let rest = self.record_bytes();
        Ok(&rest[..rest.len().min(bytes)])
    }

    /// The physical line of the next record.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The next record; none at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        if self.discarding {
            self.discard_line()?;
        }
        self.cells.clear();
        let break_at = self.find(|hay| memchr(b'\n', hay), 0, MAX_RECORD)?;
        let rest = &self.buffer[self.start..self.end];
        if rest.is_empty() {
            return Ok(None);
        }
        let extent = match break_at {
            None if rest.len() >= MAX_RECORD => {
                self.discarding = true;
                let cr = memchr(b'\r', rest);
                let kind = cr.map_or(FaultKind::TooLong, |_| FaultKind::LoneCr);
                let fault = Some(Fault { kind, at: cr.unwrap_or(0), cell: 0 });
                Extent { body: rest.len(), consumed: rest.len(), breaks: 0, fault }
            }
            _ => {
                let line = &rest[..break_at.unwrap_or(rest.len())];
                let consumed = line.len() + usize::from(break_at.is_some());
                let body = match memchr2(b'"', b'\r', line) {
                    None => Some(line.len()),
                    Some(at) if break_at == Some(at + 1) && line[at] == b'\r' => Some(at),
                    Some(_) => None,
                };
                match body {
                    Some(body) if body <= MAX_CELL => {
                        let mut start = 0;
                        for end in memchr_iter(self.delimiter, &line[..body]).chain([body]) {
                            self.cells.push(Span { start, end, doubled: false, broken: false });
                            start = end + 1;
                        }
                        Extent { body, consumed, breaks: u64::from(break_at.is_some()), fault: None }
                    }
                    _ => self.scan()?,
                }
            }
        };
        let bytes = &self.buffer[self.start..][..extent.consumed];
        let record = Record {
            line: self.line,
            offset: self.offset,
            bytes: &bytes[..extent.body],
            cells: &self.cells,
            fault: extent.fault,
        };
        self.line += extent.breaks;
        self.start += extent.consumed;
        self.offset += extent.consumed as u64;
        Ok(Some(record))
    }

    /// Walks a record cell by cell.
    fn scan(&mut self) -> io::Result<Extent> {
        let mut at = 0;
        let mut first_fault = None;
        loop {
            let cell = self.cells.len();
            let start = at;
            let mut text_from = start;
            if self.byte(start)? == Some(b'"') {
                let mut limit = start + 1 + MAX_CELL + 1;
                let mut from = start + 1;
                let mut doubled = false;
                let close = loop {
                    let Some(quote) = self.find(|hay| memchr(b'"', hay), from, limit)? else {
                        return self.fault(FaultKind::Unclosed, start, cell);
                    };
                    if self.byte(quote + 1)? != Some(b'"') {
                        break quote;
                    }
                    doubled = true;
                    limit += 1;
                    from = quote + 2;
                };
                let broken = memchr(b'\n', &self.record_bytes()[start..close]).is_some();
                text_from = close + 1;
                if self.is_end_of_cell(text_from)? {
                    self.cells.push(Span { start: start + 1, end: close, doubled, broken });
                } else if broken {
                    return self.fault(FaultKind::Unclosed, start, cell);
                } else {
                    first_fault =
                        first_fault.or(Some(Fault { kind: FaultKind::TextAfterQuote, at: text_from, cell }));
                }
            }
            let delimiter = self.delimiter;
            let limit = text_from + MAX_CELL + 1;
            let end = self.find(|hay| memchr3(delimiter, b'\n', b'\r', hay), text_from, limit)?;
            if end.is_none() && self.record_bytes().len() >= limit {
                return self.fault(FaultKind::TooLong, text_from, cell);
            }
            let end = end.unwrap_or(self.record_bytes().len());
            if self.cells.len() == cell {
                self.cells.push(Span { start, end, doubled: false, broken: false });
            }
            match self.byte(end)? {
                Some(byte) if byte == delimiter => at = end + 1,
                Some(b'\r') if self.byte(end + 1)? != Some(b'\n') => {
                    return self.fault(FaultKind::LoneCr, end, cell);
                }
                ending => {
                    let skipped = match ending {
                        None => 0,
                        Some(b'\r') => 2,
                        Some(_) => 1,
                    };
                    return Ok(self.extent(end, end + skipped, first_fault));
                }
            }
            if at > MAX_RECORD {
                return self.fault(FaultKind::TooLong, at, cell);
            }
        }
    }

    /// Ends the record with a fault; the next one begins after the line of `at`.
    fn fault(&mut self, kind: FaultKind, at: usize, cell: usize) -> io::Result<Extent> {
        let fault = Some(Fault { kind, at, cell });
        let break_at = self.find(|hay| memchr(b'\n', hay), at, at + MAX_RECORD)?;
        let len = self.record_bytes().len();
        self.discarding = break_at.is_none() && len >= at + MAX_RECORD;
        Ok(match break_at {
            Some(break_at) => self.extent(break_at, break_at + 1, fault),
            None => self.extent(len, len, fault),
        })
    }

    fn extent(&self, body: usize, consumed: usize, fault: Option<Fault>) -> Extent {
        let breaks = memchr_iter(b'\n', &self.record_bytes()[..consumed]).count() as u64;
        Extent { body, consumed, breaks, fault }
    }

    fn discard_line(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            let found = memchr(b'\n', rest);
            let gone = found.map_or(rest.len(), |at| at + 1);
            self.start += gone;
            self.offset += gone as u64;
            if found.is_some() || self.ended {
                self.line += u64::from(found.is_some());
                self.discarding = false;
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn is_end_of_cell(&mut self, at: usize) -> io::Result<bool> {
        Ok(match self.byte(at)? {
            None | Some(b'\n' | b'\r') => true,
            Some(byte) => byte == self.delimiter,
        })
    }

    /// What is in the buffer from the record's first byte on.
    fn record_bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// A byte of the record, reading as much as that takes; none at the end.
    fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        while self.start + at >= self.end && !self.ended {
            self.fill()?;
        }
        Ok(self.record_bytes().get(at).copied())
    }

    /// Searches the record from `from`, reading as much as that takes, up to `limit`.
    fn find(
        &mut self,
        search: impl Fn(&[u8]) -> Option<usize>,
        mut from: usize,
        limit: usize,
    ) -> io::Result<Option<usize>> {
        loop {
            let known = (self.end - self.start).min(limit);
            if from < known {
                if let Some(at) = search(&self.record_bytes()[from..known]) {
                    return Ok(Some(from + at));
                }
                from = known;
            }
            if known == limit || self.ended {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Reads once, keeping the record.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end + self.chunk > self.buffer.len() {
            self.buffer.resize((2 * self.end).max(self.end + self.chunk), 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..self.end + self.chunk]) {
                Ok(read) => {
                    self.end += read;
                    self.ended = read == 0;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<R: Read + Seek> Tokenizer<R> {
    /// Goes to the record that begins at this offset of the text.
    pub(crate) fn seek_to(&mut self, offset: u64, line: u64) -> io::Result<()> {
        self.discarding = false;
        self.line = line;
        let from = self.offset - self.start as u64;
        if (from..from + self.end as u64).contains(&offset) {
            // Bounded by the buffer's length, so it fits.
            self.start = usize::try_from(offset - from).unwrap_or(0);
        } else {
            self.source.seek_to(offset)?;
            self.chunk = SMALL_CHUNK;
            self.start = 0;
            self.end = 0;
            self.ended = false;
        }
        self.offset = offset;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    type Found = (u64, Vec<String>, Option<FaultKind>);

    fn read(bytes: &[u8]) -> Vec<Found> {
        let mut tokens = Tokenizer::new(Text::open(bytes).unwrap(), b',');
        let mut records = Vec::new();
        while let Some(record) = tokens.next().unwrap() {
            let cell = |span: &Span| {
                let text = String::from_utf8_lossy(&record.bytes[span.start..span.end]).into_owned();
                if span.doubled { text.replace("\"\"", "\"") } else { text }
            };
            let cells = record.cells.iter().map(cell).collect();
            records.push((record.line, cells, record.fault.map(|fault| fault.kind)));
        }
        records
    }

    fn cells(line: u64, cells: &[&str]) -> Found {
        (line, cells.iter().map(ToString::to_string).collect(), None)
    }

    #[test]
    fn well_formed_records_are_read() {
        for (name, text, expected) in [
            ("nothing", "", vec![]),
            ("an empty line", "\n", vec![cells(1, &[""])]),
            ("no last line break", "a,b\nc,", vec![cells(1, &["a", "b"]), cells(2, &["c", ""])]),
            ("crlf", "a,b\r\nc,d\r\n", vec![cells(1, &["a", "b"]), cells(2, &["c", "d"])]),
            ("quoted", "\"a,\"\"b\",c\r\nd,\"\"", vec![cells(1, &["a,\"b", "c"]), cells(2, &["d", ""])]),
            ("line breaks", "\"a\r\n\nb\",c\nd,e", vec![cells(1, &["a\r\n\nb", "c"]), cells(4, &["d", "e"])]),
            ("a quote inside", "5\" door,b\"\n", vec![cells(1, &["5\" door", "b\""])]),
            ("a space before", "a, \"b\"\n", vec![cells(1, &["a", " \"b\""])]),
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn a_fault_costs_one_record() {
        let fault = |text: &str| -> Vec<(u64, Option<FaultKind>)> {
            read(text.as_bytes()).into_iter().map(|(line, _, fault)| (line, fault)).collect()
        };
        let filler = "x".repeat(MAX_CELL);
        for (name, text, expected) in [
            (
                "unclosed at the end",
                "a,\"b\nc,d\n".to_owned(),
                vec![(1, Some(FaultKind::Unclosed)), (2, None)],
            ),
            (
                "unclosed for 64 KiB",
                format!("a,\"b\n{filler}\nc"),
                vec![(1, Some(FaultKind::Unclosed)), (2, None), (3, None)],
            ),
            (
                "closed by the next cell's quote",
                "a,\"b\nc,\"d\"\n".into(),
                vec![(1, Some(FaultKind::Unclosed)), (2, None)],
            ),
            (
                "unclosed in a later line of a record",
                "\"a\nb\",\"c\nd\ne".into(),
                vec![(1, Some(FaultKind::Unclosed)), (3, None), (4, None)],
            ),
            ("exactly 64 KiB", format!("\"{filler}\"\nb"), vec![(1, None), (2, None)]),
            (
                "64 KiB and a byte",
                format!("\"{filler}x\"\nb"),
                vec![(1, Some(FaultKind::Unclosed)), (2, None)],
            ),
            ("unquoted, too long", format!("a,{filler}x\nb"), vec![(1, Some(FaultKind::TooLong)), (2, None)]),
            (
                "text after a quote",
                "\"a\"b,c\nd".into(),
                vec![(1, Some(FaultKind::TextAfterQuote)), (2, None)],
            ),
            ("a lone CR", "a\rb\nc".into(), vec![(1, Some(FaultKind::LoneCr)), (2, None)]),
            ("a CR at the end", "a\r".into(), vec![(1, Some(FaultKind::LoneCr))]),
            ("a CR after a quote", "\"a\"\rb\nc".into(), vec![(1, Some(FaultKind::LoneCr)), (2, None)]),
        ] {
            assert_eq!(fault(&text), expected, "{name}");
        }
    }

    #[test]
    fn a_line_without_end_is_dropped_and_costs_no_memory() {
        let text = io::repeat(b'x').take(3 * MAX_RECORD as u64).chain(&b"\nb\n"[..]);
        let mut tokens = Tokenizer::new(Text::open(text).unwrap(), b',');
        let fault = tokens.next().unwrap().unwrap().fault.unwrap();
        assert_eq!(fault.kind, FaultKind::TooLong);
        let record = tokens.next().unwrap().unwrap();
        assert_eq!((record.line, record.bytes), (2, &b"b"[..]));
        assert!(tokens.next().unwrap().is_none());
        assert!(tokens.buffer.len() < 3 * MAX_RECORD);
    }

    fn quoted(cell: &str) -> String {
        format!("\"{}\"", cell.replace('"', "\"\""))
    }

    proptest! {
        #[test]
        fn agrees_with_the_csv_crate_on_what_it_wrote(
            records in prop::collection::vec(prop::collection::vec("[a ,;\"\n\u{e9}]{0,6}|[a-z]{0,9}", 2..5), 0..9),
            crlf: bool,
        ) {
            let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().flexible(true).terminator(terminator).from_writer(Vec::new());
            for record in &records {
                writer.write_record(record).unwrap();
            }
            let found = read(&writer.into_inner().unwrap());
            prop_assert!(found.iter().all(|(_, _, fault)| fault.is_none()));
            let texts: Vec<_> = found.into_iter().map(|(_, cells, _)| cells).collect();
            prop_assert_eq!(texts, records);
        }

        #[test]
        fn agrees_with_the_csv_crate_on_well_formed_text(
            records in prop::collection::vec(prop::collection::vec(("[a ,\"\n\r]{0,6}", "[a b\"]{0,4}", any::<bool>()), 1..5), 1..9),
        ) {
            let mut text = String::new();
            for record in &records {
                let cells: Vec<_> = record.iter().map(|(inside, plain, quotes)| {
                    if *quotes || plain.starts_with('"') { quoted(&inside.replace('\r', "\r\n")) } else { format!("x{plain}") }
                }).collect();
                text += &cells.join(",");
                text.push('\n');
            }
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let expected: Vec<(u64, Vec<String>)> = reader.records().map(|record| {
                let record = record.unwrap();
                (record.position().unwrap().line(), record.iter().map(ToOwned::to_owned).collect())
            }).collect();
            let found: Vec<_> = read(text.as_bytes()).into_iter().map(|(line, cells, _)| (line, cells)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn ends_on_any_bytes_and_every_record_can_be_found_again(bytes in prop::collection::vec(prop_oneof![
            Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200)) {
            let plain: Vec<u8> = [b"a".as_slice(), &bytes].concat();
            let mut tokens = Tokenizer::new(Text::open(Cursor::new(&plain)).unwrap(), b',');
            let mut places = Vec::new();
            while let Some(record) = tokens.next().unwrap() {
                places.push((record.offset, record.line, record.bytes.to_vec()));
            }
            for (offset, line, bytes) in places.into_iter().rev() {
                tokens.seek_to(offset, line).unwrap();
                let again = tokens.next().unwrap().unwrap();
                prop_assert_eq!((again.line, again.bytes), (line, bytes.as_slice()));
            }
        }
    }
}
