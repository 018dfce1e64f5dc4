//! A file -> its header and its rows, each row whole or refused: everything that is true of any table.
//!
//! Encoding, delimiter, quotes, the count of cells, control characters and stray line breaks are judged here;
//! what a cell means is not known. Wholly blank rows are passed over.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use super::cell::{is_space, trim};
use super::columns::{ColumnRefusal, Shape};
use super::delimiter::Delimiter;
use super::encoding::{Encoding, Text};
use super::opening::{Opening, opening};
use super::problem::{Problem, Problems, is_mark, quote};
use super::source::{ReadError, Source};
use super::tokenizer::{Fault, FaultKind, Record, Span, Tokenizer};
use crate::code::Code;
use crate::ids::Ruuid;

/// A table with its header read.
pub(crate) struct Table<R> {
    file: Arc<str>,
    tokens: Tokenizer<R>,
    /// The names of the columns as typed, without the blank ones at the end ...
    typed: Vec<String>,
    /// ... and how many there are with those.
    width: usize,
    header_line: u64,
    shapes: Vec<Shape>,
    org_column: Option<usize>,
    delimiter: Delimiter,
}

/// A record, judged.
pub(crate) enum Step<'a> {
    /// Nothing is there.
    Blank,
    /// It was refused and reported. What could be read of it may say whose it was.
    Bad { org: Option<Ruuid>, line: u64 },
    /// As many cells as the header has, each clean.
    Row(Cells<'a>),
}

/// The cells of a row.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'a> {
    pub(crate) line: u64,
    pub(crate) offset: u64,
    pub(crate) text: &'a str,
    spans: &'a [Span],
}

impl<'a> Cells<'a> {
    /// The text of a cell; empty where the row has no such cell.
    pub(crate) fn get(&self, index: usize) -> Cow<'a, str> {
        let Some(span) = self.spans.get(index) else { return Cow::Borrowed("") };
        let text = &self.text[span.start..span.end];
        if span.doubled { text.replace("\"\"", "\"").into() } else { text.into() }
    }

    pub(crate) fn is_blank(&self, index: usize) -> bool {
        trim(&self.get(index)).is_empty()
    }

    /// The cells as typed.
    pub(crate) fn typed(&self) -> Vec<String> {
        (0..self.spans.len()).map(|index| self.get(index).into_owned()).collect()
    }
}

impl<R: Read> Table<R> {
    /// Reads the header's record. `None` where there is nothing to read on with, which was reported.
    pub(crate) fn open(source: Source<R>, problems: &mut Problems<'_>) -> Result<Option<Self>, ReadError> {
        let Source { name: file, reader } = source;
        Self::read_header(&file, reader, problems).map_err(|source| ReadError { file, source })
    }

    fn read_header(file: &Arc<str>, raw: R, problems: &mut Problems<'_>) -> io::Result<Option<Self>> {
        let text = Text::open(raw)?;
        match text.encoding() {
            Encoding::Utf8 => {}
            Encoding::Utf32 => {
                let expected = "UTF-8, or UTF-16 with a byte order mark";
                problems.report(Problem::new(Code::FileEncoding, file, expected, "UTF-32"));
                return Ok(None);
            }
            Encoding::Utf16Le | Encoding::Utf16Be => {
                problems.report(Problem::new(
                    Code::FileUtf16,
                    file,
                    "UTF-8",
                    "UTF-16, which was read, by its byte order mark",
                ));
            }
        }
        let mut tokens = Tokenizer::new(text, b',');
        let delimiter = match opening(&mut tokens)? {
            Opening::Header(delimiter) => delimiter,
            Opening::Nothing => {
                let expected = "a header with the column org_uuid, and rows below it";
                problems.report(Problem::new(Code::FileEmpty, file, expected, "nothing"));
                return Ok(None);
            }
            Opening::Title { line, header } => {
                let found = format!("a title; the header is in line {header}, delete the lines above it");
                let expected = "the header, with the column org_uuid, in the first line";
                problems.report(Problem::new(Code::ColMissing, file, expected, found).at(line));
                return Ok(None);
            }
            Opening::Separator { line } => {
                let expected = "sep=, or sep=; or sep= and a tab";
                problems.report(Problem::new(Code::FileKind, file, expected, "another separator").at(line));
                return Ok(None);
            }
            Opening::Other(kind) => {
                let expected = "a CSV; save the sheet as CSV (UTF-8)";
                problems.report(Problem::new(Code::FileKind, file, expected, kind));
                return Ok(None);
            }
        };
        tokens.set_delimiter(delimiter.byte());
        let Some(record) = tokens.next()? else { return Ok(None) };
        let shapes = vec![Shape { secret: true, text: true, literal: false }; record.cells.len()];
        let rules = Rules {
            file,
            typed: &[],
            width: 0,
            shapes: &shapes,
            org_column: None,
            delimiter: delimiter.byte(),
            stage: if names_orgs(&record) { Stage::Header } else { Stage::Unproven },
        };
        let header_line = record.line;
        let Step::Row(cells) = rules.judge(&record, problems) else { return Ok(None) };
        let mut typed = cells.typed();
        if rules.stage == Stage::Unproven {
            let found = match typed.len() {
                1 => "one column with another name".to_owned(),
                columns => format!("{columns} columns, none of that name"),
            };
            let problem = Problem::new(Code::ColMissing, file, "a header with the column org_uuid", found);
            problems.report(problem.at(header_line));
            return Ok(None);
        }
        let width = typed.len();
        while typed.pop_if(|name| trim(name).is_empty()).is_some() {}
        Ok(Some(Self {
            file: Arc::clone(file),
            tokens,
            typed,
            width,
            header_line,
            shapes,
            org_column: None,
            delimiter,
        }))
    }

    /// Finds out what the columns are; refused ones, reported, keep their place as `refused`. `spelled` gives names of
    /// the same meaning the same spelling.
    pub(crate) fn classify<C: Clone>(
        &mut self,
        problems: &mut Problems<'_>,
        refused: &C,
        spelled: impl for<'n> Fn(&'n str) -> Cow<'n, str>,
        classify: impl Fn(&str) -> Result<C, ColumnRefusal>,
    ) -> Vec<C> {
        let mut first: HashMap<Cow<'_, str>, usize> = HashMap::new();
        let mut columns = Vec::with_capacity(self.typed.len());
        for (index, typed) in self.typed.iter().enumerate() {
            let name = trim(typed);
            let column = classify(name).and_then(|column| match first.insert(spelled(name), index) {
                None => Ok(column),
                Some(earlier) => Err(ColumnRefusal {
                    code: Code::ColDuplicate,
                    expected: "every column once".into(),
                    found: match trim(&self.typed[earlier]) {
                        same if same == name => {
                            format!("{} as column {} and as column {}", quote(name), earlier + 1, index + 1)
                        }
                        other => format!(
                            "{} as column {} and {}, which is the same, as column {}",
                            quote(other),
                            earlier + 1,
                            quote(name),
                            index + 1
                        ),
                    },
                }),
            });
            columns.push(column.unwrap_or_else(|refusal| {
                self.refuse(index, refusal, problems);
                refused.clone()
            }));
        }
        columns
    }

    /// Reports why a column is refused.
    pub(crate) fn refuse(&self, column: usize, refusal: ColumnRefusal, problems: &mut Problems<'_>) {
        let problem = Problem::new(refusal.code, &self.file, refusal.expected, refusal.found);
        problems.report(problem.at(self.header_line).in_column(column, trim(&self.typed[column])));
    }

    /// Tells what is to be known of the columns, before rows are read.
    pub(crate) fn set_shapes(&mut self, shapes: Vec<Shape>) {
        self.shapes = shapes;
    }

    /// Asks for a column that must be there, and gives its place.
    pub(crate) fn require(&self, place: Option<usize>, name: &str, problems: &mut Problems<'_>) {
        if place.is_none() {
            let expected = format!("a column {name}");
            let near = self.typed.iter().map(|typed| trim(typed)).filter(|typed| !typed.is_empty());
            let found = near.take(8).map(quote).collect::<Vec<_>>().join(", ");
            problems.report(Problem::new(Code::ColMissing, &self.file, expected, found).at(self.header_line));
        }
    }

    /// Tells where the org is, so that problems can name it.
    pub(crate) fn set_org_column(&mut self, column: Option<usize>) {
        self.org_column = column;
    }

    /// The next record, judged; none at the end.
    pub(crate) fn next(&mut self, problems: &mut Problems<'_>) -> Result<Option<Step<'_>>, ReadError> {
        let Self { file, tokens, typed, width, shapes, org_column, delimiter, .. } = self;
        let rules = Rules {
            file,
            typed,
            width: *width,
            shapes,
            org_column: *org_column,
            delimiter: delimiter.byte(),
            stage: Stage::Rows,
        };
        match tokens.next() {
            Ok(None) => Ok(None),
            Ok(Some(record)) => Ok(Some(rules.judge(&record, problems))),
            Err(source) => Err(ReadError { file: Arc::clone(file), source }),
        }
    }

    pub(crate) fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub(crate) fn typed_header(&self) -> &[String] {
        &self.typed
    }

    pub(crate) fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.tokens.source().encoding()
    }

    /// The digest of what was read of the file.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.tokens.source().digest()
    }
}

impl<R: Read + Seek> Table<R> {
    /// Goes to the record at this offset.
    pub(crate) fn seek_to(&mut self, offset: u64, line: u64) -> Result<(), ReadError> {
        self.tokens.seek_to(offset, line).map_err(|source| ReadError { file: Arc::clone(&self.file), source })
    }

    /// Begins anew at the file's start, as `open` did.
    pub(crate) fn restart(self, problems: &mut Problems<'_>) -> Result<Option<Self>, ReadError> {
        let Self { file, tokens, shapes, org_column, .. } = self;
        let mut raw = tokens.into_source().into_raw();
        raw.seek(SeekFrom::Start(0)).map_err(|source| ReadError { file: Arc::clone(&file), source })?;
        let table = Self::open(Source { name: file, reader: raw }, problems)?;
        Ok(table.map(|table| Self { shapes, org_column, ..table }))
    }
}

/// What a record is judged by.
struct Rules<'a> {
    file: &'a Arc<str>,
    typed: &'a [String],
    width: usize,
    shapes: &'a [Shape],
    org_column: Option<usize>,
    delimiter: u8,
    stage: Stage,
}

/// What a record is, which decides what may be quoted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The first line of a file that may be anything, a key as well: nothing of it is quoted.
    Unproven,
    /// The header of a table of orgs.
    Header,
    /// A row below it.
    Rows,
}

impl Rules<'_> {
    fn judge<'r>(&self, record: &Record<'r>, problems: &mut Problems<'_>) -> Step<'r> {
        let text = match std::str::from_utf8(record.bytes) {
            Ok(text) => text,
            // A fault is the reason why a row can't be read; not valid text may follow from it.
            Err(_) if record.fault.is_some() => "",
            Err(error) => {
                let (line, character) = place(record, error.valid_up_to());
                let cell = record.cells.iter().take_while(|span| span.end < error.valid_up_to()).count();
                let expected = "UTF-8, or UTF-16 with a byte order mark";
                let found = format!("not valid text at character {character} of the line");
                problems.report(self.problem(Code::FileEncoding, cell, line, None, expected, found));
                return Step::Bad { org: None, line: record.line };
            }
        };
        let spans = if text.len() == record.bytes.len() { record.cells } else { &[] };
        let mut cells = Cells { line: record.line, offset: record.offset, text, spans };
        if let Some(fault) = record.fault {
            let org = self.org(&cells);
            problems.report(self.fault(record, fault, org));
            return Step::Bad { org, line: record.line };
        }
        if is_blank(&cells, self.delimiter) {
            return Step::Blank;
        }
        if self.stage == Stage::Rows {
            let named = self.typed.len();
            if !(named..=self.width).contains(&cells.spans.len()) {
                let org = self.org(&cells);
                let expected = match named {
                    1 => "1 cell, as the header has".to_owned(),
                    cells => format!("{cells} cells, as many as the header has"),
                };
                let problem =
                    Problem::new(Code::RowRagged, self.file, expected, cells.spans.len().to_string());
                problems.report(problem.at(record.line).of(org.as_ref().map(Ruuid::as_str)));
                return Step::Bad { org, line: record.line };
            }
            if let Some(nameless) = (named..cells.spans.len()).find(|index| !cells.is_blank(*index)) {
                let org = self.org(&cells);
                let expected = "a name for this column in the header, or nothing in its cells";
                let found = "a cell that is filled";
                problems.report(self.problem(Code::ColName, nameless, record.line, org, expected, found));
                return Step::Bad { org, line: record.line };
            }
            cells.spans = &cells.spans[..named];
        }
        for (index, (span, shape)) in cells.spans.iter().zip(self.shapes).enumerate() {
            if span.broken && !shape.literal {
                let org = self.org(&cells);
                let (line, _) = place(record, span.start);
                let expected =
                    "no line break: only org_name, note, skip and the columns that begin with `_` hold one";
                let found = self.found(index, &cells.get(index));
                problems.report(self.problem(Code::RowLineBreak, index, line, org, expected, found));
                return Step::Bad { org, line: record.line };
            }
        }
        if has_odd_bytes(text, self.delimiter) {
            if !self.judge_characters(record, &cells, problems) {
                return Step::Bad { org: self.org(&cells), line: record.line };
            }
            self.warn_of_marks(&cells, problems);
        }
        Step::Row(cells)
    }

    /// Refuses control characters.
    fn judge_characters(&self, record: &Record<'_>, cells: &Cells<'_>, problems: &mut Problems<'_>) -> bool {
        let mut clean = true;
        for (index, shape) in self.shapes.iter().enumerate() {
            let Some(span) = cells.spans.get(index) else { continue };
            let text = &cells.text[span.start..span.end];
            let stray = text.char_indices().find(|&(at, c)| match c {
                '\t' | '\n' => !shape.literal,
                '\r' => !shape.literal || !text[at + 1..].starts_with('\n'),
                c => c.is_control(),
            });
            if let Some((at, c)) = stray {
                clean = false;
                let (line, character) = place(record, span.start + at);
                let (code, expected) = match c {
                    '\r' => (Code::FileLoneCr, "line breaks of LF or CRLF"),
                    _ => (Code::FileControl, "no control characters"),
                };
                let found = match c {
                    _ if shape.secret && self.stage == Stage::Rows => Cow::Borrowed(""),
                    '\0' => "a NUL; is this UTF-16 without a byte order mark, or no text at all?".into(),
                    c => format!("U+{:04X} at character {character} of the line", u32::from(c)).into(),
                };
                problems.report(self.problem(code, index, line, self.org(cells), expected, found));
                if self.stage != Stage::Rows {
                    // A file that is no text has many; its header is enough to say so.
                    break;
                }
            }
        }
        clean
    }

    fn warn_of_marks(&self, cells: &Cells<'_>, problems: &mut Problems<'_>) {
        for (index, shape) in self.shapes.iter().enumerate() {
            let text = cells.get(index);
            if shape.text && !shape.secret && text.chars().any(is_mark) {
                let expected = "a text without direction or zero-width marks, which change how it looks";
                let found = self.found(index, &text);
                problems.report(self.problem(
                    Code::CellMarks,
                    index,
                    cells.line,
                    self.org(cells),
                    expected,
                    found,
                ));
            }
        }
    }

    fn fault(&self, record: &Record<'_>, fault: Fault, org: Option<Ruuid>) -> Problem {
        let (line, character) = place(record, fault.at);
        let at = format!("at character {character} of the line");
        let (code, expected, found) = match fault.kind {
            FaultKind::Unclosed => (
                Code::RowUnclosed,
                "a quote that closes before the next cell, at most 64 KiB on",
                format!("one that doesn't, {at}"),
            ),
            FaultKind::TextAfterQuote => (
                Code::RowTextAfterQuote,
                "nothing between a closing quote and the next cell",
                format!("text {at}"),
            ),
            FaultKind::LoneCr => (Code::FileLoneCr, "line breaks of LF or CRLF", format!("a lone CR {at}")),
            FaultKind::TooLong => {
                (Code::RowTooLong, "cells of at most 64 KiB in rows of at most 8 MiB", format!("more, {at}"))
            }
        };
        self.problem(code, fault.cell, line, org, expected, found)
    }

    fn problem(
        &self,
        code: Code,
        column: usize,
        line: u64,
        org: Option<Ruuid>,
        expected: &'static str,
        found: impl Into<Cow<'static, str>>,
    ) -> Problem {
        let name = self.typed.get(column).map_or("", |typed| trim(typed));
        Problem::new(code, self.file, expected, found)
            .at(line)
            .in_column(column, name)
            .of(org.as_ref().map(Ruuid::as_str))
    }

    fn found(&self, column: usize, text: &str) -> String {
        let secret = match self.stage {
            Stage::Unproven => true,
            Stage::Header => false,
            Stage::Rows => self.shapes.get(column).is_none_or(|shape| shape.secret),
        };
        if secret { String::new() } else { quote(text) }
    }

    fn org(&self, cells: &Cells<'_>) -> Option<Ruuid> {
        trim(&cells.get(self.org_column?)).parse().ok()
    }
}

/// Whether a header has the column `org_uuid`, in whatever case and with whatever between its words: then it is one of
/// ours, if not a correct one.
fn names_orgs(record: &Record<'_>) -> bool {
    record.cells.iter().any(|span| {
        let cell = String::from_utf8_lossy(record.bytes.get(span.start..span.end).unwrap_or_default());
        let letters = cell.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).eq("orguuid".chars())
    })
}

/// The physical line and the character in it, from 1, of a byte of the record.
fn place(record: &Record<'_>, at: usize) -> (u64, usize) {
    let before = &record.bytes[..at.min(record.bytes.len())];
    let breaks = memchr::memchr_iter(b'\n', before).count() as u64;
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    (record.line + breaks, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

fn is_blank(cells: &Cells<'_>, delimiter: u8) -> bool {
    cells.text.chars().all(|c| is_space(c) || c == '"' || c == char::from(delimiter))
        && (0..cells.spans.len()).all(|index| cells.is_blank(index))
}

/// Whether there is anything but printable ASCII and delimiters: without a branch, so that it is vectorized.
fn has_odd_bytes(text: &str, delimiter: u8) -> bool {
    let is_odd = |byte: u8| u8::from(byte < b' ' && byte != delimiter) | u8::from(byte >= 0x7F);
    text.bytes().fold(0, |odd, byte| odd | is_odd(byte)) != 0
}
