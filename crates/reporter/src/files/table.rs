//! The dialect of every CSV: UTF-8 with BOM, CRLF, quoted where needed, guarded where the text is foreign.

use std::io::{self, Write};
use std::mem;

use orgwave_core::formula::guarded;
use orgwave_core::ids::Ruuid;

use crate::cell::{Cell, push_typed};

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

/// A table being written, cell by cell.
#[derive(Debug)]
pub struct Table<W: Write> {
    out: W,
    buffer: Vec<u8>,
    /// Where the row that is being written begins in the buffer; `None` between rows.
    row: Option<usize>,
    rows: u32,
}

impl<W: Write> Table<W> {
    /// Begins a table with its header.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn begin<'a>(out: W, columns: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let mut table = Self::without_header(out);
        table.row(columns.into_iter().map(|column| Cell::Text(column.into())))?;
        Ok(table)
    }

    /// Begins a table whose first row is its header.
    pub(super) fn without_header(out: W) -> Self {
        Self { out, buffer: BOM.to_vec(), row: None, rows: 0 }
    }

    /// How many rows it has, with the header.
    pub(super) const fn rows(&self) -> u32 {
        self.rows
    }

    /// Adds a whole row.
    pub(super) fn row<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) -> io::Result<()> {
        for cell in cells {
            cell.push(self.cell());
        }
        self.end_row()
    }

    /// Adds a whole row of cells, or groups of them, that were made before.
    pub(super) fn made<const CELLS: usize>(&mut self, cells: [&[u8]; CELLS]) -> io::Result<()> {
        let first = self.buffer.len();
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.buffer.push(b',');
            }
            self.buffer.extend_from_slice(cell);
        }
        self.row = Some(first);
        self.end_row()
    }

    /// Where the next cell is to be appended; or several that were made before, with commas between them.
    pub(super) fn cell(&mut self) -> &mut Vec<u8> {
        match self.row {
            Some(_) => self.buffer.push(b','),
            None => self.row = Some(self.buffer.len()),
        }
        &mut self.buffer
    }

    /// The cell of an id, a key or a setting as a manifest has it: our reader takes it to the letter, so that what would
    /// be a formula is marked there with a `\`.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn typed(&mut self, cell: &str) -> io::Result<()> {
        push_typed(self.cell(), cell);
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

    /// A cell whose text is foreign: guarded.
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
        // A row of one empty cell would read as no row.
        if self.row.take() == Some(self.buffer.len()) {
            self.buffer.extend_from_slice(b"\"\"");
        }
        self.buffer.extend_from_slice(b"\r\n");
        self.rows += 1;
        if self.buffer.len() >= BUFFER { self.write_out() } else { Ok(()) }
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn end(mut self) -> io::Result<W> {
        self.write_out()?;
        Ok(self.out)
    }
}

impl Table<Vec<u8>> {
    /// The table so far; a new one, with the same buffer, takes its place.
    pub(super) fn take(&mut self) -> io::Result<Vec<u8>> {
        self.write_out()?;
        self.buffer.extend_from_slice(BOM);
        self.rows = 0;
        Ok(mem::take(&mut self.out))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::value::Shown;

    #[test]
    fn tables_are_written_in_one_csv_dialect() {
        let mut table = Table::begin(Vec::new(), ["a", "b", "c"]).unwrap();
        let items = ["@1".into(), "-2".into()];
        table.row([Cell::Text("=x, \"y\"".into()), Cell::Word("-AAAA"), Cell::texts(&items)]).unwrap();
        let shown = |text, own| Cell::Value(Shown { text: Cow::Borrowed(text), own });
        table.row([Cell::Text("two\nlines".into()), shown("-5", true), Cell::moment(None)]).unwrap();
        table.row([Cell::Number(5), shown("007", false), Cell::Empty]).unwrap();
        assert_eq!(table.rows(), 4);
        let bytes = table.end().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\u{feff}a,b,c\r\n\"'=x, \"\"y\"\"\",-AAAA,'@1;'-2\r\n\"two\nlines\",-5,\r\n5,\\007,\r\n"
        );
    }

    #[test]
    fn a_row_of_one_empty_cell_is_seen_by_readers() {
        let mut table = Table::begin(Vec::new(), ["a"]).unwrap();
        table.row([Cell::Empty]).unwrap();
        assert_eq!(table.end().unwrap(), "\u{feff}a\r\n\"\"\r\n".as_bytes());
    }
}
