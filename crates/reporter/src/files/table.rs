//! The dialect of every CSV: UTF-8 with BOM, CRLF, quoted where needed, guarded where the text is foreign.
//!
//! What a cell is decides whether it is guarded, so that none can be forgotten: whatever isn't a constant of ours, an id, a
//! number or a moment is a `Cell::Text`, but for cells that a manifest has [as typed](Table::typed).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use orgwave_core::autoformat::is_reformatted;
use orgwave_core::formula::guarded;
use orgwave_core::ids::Ruuid;
use orgwave_core::timestamp::Timestamp;

use crate::value::Shown;

/// Spreadsheets take a CSV without this mark for one in the machine's own code page.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Large enough that a table of 100,000 rows is some hundreds of writes.
const BUFFER: usize = 128 << 10;

/// A column of a table: its name, what it says, and how its cell is made of a row.
pub(super) struct Column<F> {
    /// As the header has it; scripts depend on it.
    pub(super) name: &'static str,
    /// What its cells say, for the documentation.
    pub(super) about: &'static str,
    /// Makes the cell.
    pub(super) cell: F,
}

/// What is in a cell.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A word of ours, or an org's id: its alphabet may begin with `-`, and is never guarded.
    Word(&'a str),
    /// A number of ours.
    Number(u64),
    /// A moment.
    Moment(Timestamp),
    /// A text that is somebody else's: guarded.
    Text(Cow<'a, str>),
    /// A value of the settings, as a manifest's cell would say it: where a spreadsheet would take a text for a number or a
    /// date, a backslash says that it is none.
    Value(Shown<'a>),
}

impl<'a> Cell<'a> {
    /// A text that may be missing.
    pub(crate) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, |text| Self::Text(text.into()))
    }

    /// A list whose items are somebody else's.
    pub(crate) fn texts(items: &'a [String]) -> Self {
        match items {
            [] => Self::Empty,
            [one] => Self::Text(one.into()),
            _ => Self::Text(items.join(";").into()),
        }
    }

    /// A number that may be missing.
    pub(crate) fn number(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Empty, |number| Self::Number(number.into()))
    }

    /// A moment that may be missing.
    pub(crate) fn moment(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Empty, Self::Moment)
    }
}

/// A table being written, cell by cell.
#[derive(Debug)]
pub struct Table<W: Write> {
    csv: csv::Writer<W>,
    /// The row so far: written whole, its cells need no second look once none has to be quoted.
    row: csv::ByteRecord,
    scratch: String,
}

impl<W: Write> Table<W> {
    /// Begins a table with its header.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn begin<'a>(out: W, columns: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let mut table = Self::without_header(out)?;
        table.row(columns.into_iter().map(|column| Cell::Text(column.into())))?;
        Ok(table)
    }

    /// Begins a table whose first row is its header.
    pub(super) fn without_header(mut out: W) -> io::Result<Self> {
        out.write_all(BOM)?;
        let csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .buffer_capacity(BUFFER)
            .from_writer(out);
        Ok(Self { csv, row: csv::ByteRecord::new(), scratch: String::new() })
    }

    /// Adds a whole row.
    pub(super) fn row<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) -> io::Result<()> {
        for cell in cells {
            self.cell(cell);
        }
        self.end_row()
    }

    fn cell(&mut self, cell: Cell<'_>) {
        self.scratch.clear();
        match cell {
            Cell::Empty => self.row.push_field(b""),
            Cell::Word(word) => self.row.push_field(word.as_bytes()),
            Cell::Text(text) => self.row.push_field(guarded(&text).as_bytes()),
            Cell::Value(Shown { text, own: true }) => self.row.push_field(text.as_bytes()),
            Cell::Value(Shown { text, own: false }) if is_reformatted(&text) => {
                self.row.push_field(guarded(&format!("\\{text}")).as_bytes());
            }
            Cell::Value(Shown { text, own: false }) => self.row.push_field(guarded(&text).as_bytes()),
            Cell::Number(number) => {
                let _ = write!(self.scratch, "{number}");
                self.row.push_field(self.scratch.as_bytes());
            }
            Cell::Moment(at) => {
                let _ = write!(self.scratch, "{at}");
                self.row.push_field(self.scratch.as_bytes());
            }
        }
    }

    /// The cell of an id, a key or a setting as a manifest has it: our reader takes it to the letter, so that what would
    /// be a formula is marked there with a `\`.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn typed(&mut self, cell: &str) -> io::Result<()> {
        self.row.push_field(cell.as_bytes());
        Ok(())
    }

    /// A word of ours.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn word(&mut self, text: &'static str) -> io::Result<()> {
        self.typed(text)
    }

    /// An org's id.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn id(&mut self, org: &Ruuid) -> io::Result<()> {
        self.typed(org.as_str())
    }

    /// A cell whose text is somebody else's: guarded.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.typed(&guarded(text))
    }

    /// Ends the row.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn end_row(&mut self) -> io::Result<()> {
        self.csv.write_byte_record(&self.row)?;
        self.row.clear();
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn end(self) -> io::Result<W> {
        self.csv.into_inner().map_err(|error| io::Error::new(error.error().kind(), error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect() {
        let mut table = Table::begin(Vec::new(), ["a", "b", "c"]).unwrap();
        let items = ["@1".into(), "-2".into()];
        table.row([Cell::Text("=x, \"y\"".into()), Cell::Word("-AAAA"), Cell::texts(&items)]).unwrap();
        let shown = |text, own| Cell::Value(Shown { text: Cow::Borrowed(text), own });
        table.row([Cell::Text("two\nlines".into()), shown("-5", true), Cell::moment(None)]).unwrap();
        table.row([Cell::Number(5), shown("007", false), Cell::Empty]).unwrap();
        let bytes = table.end().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\u{feff}a,b,c\r\n\"'=x, \"\"y\"\"\",-AAAA,'@1;'-2\r\n\"two\nlines\",-5,\r\n5,\\007,\r\n"
        );
    }
}
