//! The dialect of every CSV: UTF-8 with BOM, CRLF, quoted where needed, guarded where the text is foreign.
//!
//! What a cell takes decides whether it is guarded, so that none can be forgotten: a text that isn't a constant of ours, an
//! id or a number is [`text`](Table::text), but for cells that a manifest has [as typed](Table::typed).

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use orgwave_core::autoformat::is_reformatted;
use orgwave_core::code::Code;
use orgwave_core::formula::guarded;
use orgwave_core::ids::Ruuid;
use orgwave_core::timestamp::Timestamp;

use crate::value::Shown;

/// Spreadsheets take a CSV without this mark for one in the machine's own code page.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Large enough that a table of 100,000 rows is some hundreds of writes.
const BUFFER: usize = 128 << 10;

/// A table being written, cell by cell.
#[derive(Debug)]
pub struct Table<W: Write> {
    csv: csv::Writer<W>,
    /// The row so far: written whole, its cells need no second look once none has to be quoted.
    row: csv::ByteRecord,
    scratch: String,
}

/// What shows itself in characters of ours.
pub trait Plain: fmt::Display {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for u128 {}
impl Plain for i32 {}
impl Plain for Timestamp {}
impl Plain for Code {}

impl<W: Write> Table<W> {
    /// Begins a table with its header.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn begin<'a>(out: W, columns: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let mut table = Self::without_header(out)?;
        for column in columns {
            table.text(column)?;
        }
        table.end_row()?;
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

    /// A word of ours.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn word(&mut self, text: &'static str) -> io::Result<()> {
        self.typed(text)
    }

    /// An org's id: its alphabet may begin with `-`, and is never guarded.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn id(&mut self, org: &Ruuid) -> io::Result<()> {
        self.typed(org.as_str())
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

    /// A cell whose text is somebody else's: guarded.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.typed(&guarded(text))
    }

    /// A list whose items are somebody else's.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn texts(&mut self, items: &[String]) -> io::Result<()> {
        match items {
            [] => self.word(""),
            [one] => self.text(one),
            _ => self.text(&items.join(";")),
        }
    }

    /// A value of the settings, as a manifest's cell would say it: where a spreadsheet would take a text for a
    /// number or a date, a backslash says that it is none.
    pub(crate) fn value(&mut self, shown: &Shown) -> io::Result<()> {
        if shown.own {
            self.typed(&shown.text)
        } else if is_reformatted(&shown.text) {
            self.text(&format!("\\{}", shown.text))
        } else {
            self.text(&shown.text)
        }
    }

    /// A number or a moment.
    ///
    /// # Errors
    /// The table can't be written.
    #[expect(clippy::needless_pass_by_value, reason = "they are numbers and moments: copies")]
    pub fn show(&mut self, value: impl Plain) -> io::Result<()> {
        self.scratch.clear();
        let _ = write!(self.scratch, "{value}");
        self.row.push_field(self.scratch.as_bytes());
        Ok(())
    }

    /// The same, or nothing.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn maybe(&mut self, value: Option<impl Plain>) -> io::Result<()> {
        match value {
            Some(value) => self.show(value),
            None => self.word(""),
        }
    }

    /// A moment, or nothing.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn moment(&mut self, at: Option<Timestamp>) -> io::Result<()> {
        self.maybe(at)
    }

    /// Ends the row.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn end_row(&mut self) -> io::Result<()> {
        self.end_row_keeping(0)
    }

    /// Ends the row, and begins the next with the first so many of its cells.
    ///
    /// # Errors
    /// The table can't be written.
    pub(super) fn end_row_keeping(&mut self, cells: usize) -> io::Result<()> {
        self.csv.write_byte_record(&self.row)?;
        self.row.truncate(cells);
        Ok(())
    }

    /// Forgets the cells of a row that isn't to be.
    pub(super) fn drop_row(&mut self) {
        self.row.clear();
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
        table.text("=x, \"y\"").unwrap();
        table.typed("-AAAA").unwrap();
        table.texts(&["@1".into(), "-2".into()]).unwrap();
        table.end_row().unwrap();
        table.text("two\nlines").unwrap();
        table.show(-5).unwrap();
        table.moment(None).unwrap();
        table.end_row().unwrap();
        let bytes = table.end().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\u{feff}a,b,c\r\n\"'=x, \"\"y\"\"\",-AAAA,'@1;'-2\r\n\"two\nlines\",-5,\r\n"
        );
    }
}
