//! A table that continues in a numbered file where a spreadsheet would cut it off: `changes.csv`, `changes-2.csv`, and so
//! on, each with the header.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::table::Table;
use crate::cell::{Cell, push_cells};
use crate::error::ReportError;
use crate::part_name::numbered;
use crate::run_file::Place;
use crate::whole::{WholeFile, sync_all, sync_folder};

/// The rows of a spreadsheet: Excel loads this many of a CSV and drops the others.
pub(super) const MOST_ROWS: u32 = 1_048_576;

/// A table being written, in as many files as it needs.
#[derive(Debug)]
pub(super) struct Parts {
    folder: PathBuf,
    name: String,
    header: Vec<u8>,
    /// Rows of a file, with its header.
    most: u32,
    full: Vec<WholeFile>,
    last: Table<WholeFile>,
}

impl Parts {
    /// Begins the first file of a table of a run.
    pub(super) fn of_run<'a>(
        place: &Place<'_>,
        name: &str,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> io::Result<Self> {
        Self::begin(place.folder, name, place.most_rows, columns)
    }

    /// Begins the first file, whose files are to have at most this many rows.
    pub(super) fn begin<'a>(
        folder: &Path,
        name: &str,
        most: u32,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> io::Result<Self> {
        let mut header = Vec::new();
        push_cells(&mut header, columns.into_iter().map(|column| Cell::Text(column.into())));
        let last = part(folder, name, &header)?;
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Ok(Self { folder, name, header, most: most.max(2), full: Vec::new(), last })
    }

    /// Where the next row is to be written. It and the rows that belong with it, this many in all, are kept in one file if
    /// one has room for them.
    pub(super) fn table(&mut self, rows: usize) -> io::Result<&mut Table<WholeFile>> {
        let left = self.most - self.last.rows();
        let fit = |room: u32| u32::try_from(rows).is_ok_and(|rows| rows <= room);
        if left == 0 || (!fit(left) && fit(self.most - 1)) {
            let next = part(&self.folder, &numbered(&self.name, self.full.len() + 2), &self.header)?;
            self.full.push(std::mem::replace(&mut self.last, next).end()?);
        }
        Ok(&mut self.last)
    }

    /// Ends the table alone: makes its files durable and gives them their names, which it returns.
    pub(super) fn finish(self) -> Result<Vec<String>, ReportError> {
        let (folder, name) = (self.folder.clone(), self.name.clone());
        let files = self.end().map_err(ReportError::write(&folder.join(&name)))?;
        let names: Vec<_> = files.iter().map(WholeFile::file_name).collect();
        for file in sync_all(files)? {
            file.name()?;
        }
        clear(&folder, &name, names.len())?;
        sync_folder(&folder)?;
        Ok(names)
    }

    /// Ends the table; its files are to be made durable and named.
    pub(super) fn end(self) -> io::Result<Vec<WholeFile>> {
        let mut files = self.full;
        files.push(self.last.end()?);
        Ok(files)
    }
}

fn part(folder: &Path, name: &str, header: &[u8]) -> io::Result<Table<WholeFile>> {
    let mut table = Table::without_header(WholeFile::begin(folder, name)?);
    table.made([header])?;
    Ok(table)
}

/// Removes the parts that an earlier, longer table of this name left behind its now this many. They are known by the
/// header of the first.
pub(super) fn clear(folder: &Path, name: &str, parts: usize) -> Result<(), ReportError> {
    let header = |path: &Path| {
        let mut header = Vec::new();
        BufReader::new(File::open(path)?).take(HEADER).read_until(b'\n', &mut header)?;
        io::Result::Ok(header)
    };
    let own = folder.join(name);
    for part in parts + 1.. {
        let path = folder.join(numbered(name, part));
        match header(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            found => {
                let found = found.map_err(ReportError::write(&path))?;
                if found != header(&own).map_err(ReportError::write(&own))? {
                    break;
                }
                fs::remove_file(&path).map_err(ReportError::write(&path))?;
            }
        }
    }
    Ok(())
}

/// Longer than any header.
const HEADER: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(folder: &Path, orgs: &[usize]) -> Vec<String> {
        let mut table = Parts::begin(folder, "t.csv", 4, ["a"]).unwrap();
        for (org, rows) in orgs.iter().enumerate() {
            for row in 0..*rows {
                let table = table.table(rows - row).unwrap();
                table.row([Cell::Text(format!("{org}.{row}").into())]).unwrap();
            }
        }
        let files = table.end().unwrap();
        let names: Vec<_> = files.iter().map(WholeFile::file_name).collect();
        for file in files {
            file.end().unwrap().name().unwrap();
        }
        clear(folder, "t.csv", names.len()).unwrap();
        names
    }

    fn rows(folder: &Path, name: &str) -> String {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        text.trim_start_matches('\u{feff}').split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_table_continues_with_its_header_and_an_org_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(parts(folder.path(), &[2, 1, 2, 1, 1]), ["t.csv", "t-2.csv", "t-3.csv"]);
        for (name, wanted) in [("t.csv", "a 0.0 0.1 1.0"), ("t-2.csv", "a 2.0 2.1 3.0"), ("t-3.csv", "a 4.0")]
        {
            assert_eq!(rows(folder.path(), name), wanted);
        }
    }

    #[test]
    fn an_org_with_more_rows_than_a_file_fills_files() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(parts(folder.path(), &[1, 7]), ["t.csv", "t-2.csv", "t-3.csv"]);
        assert_eq!(rows(folder.path(), "t.csv"), "a 0.0 1.0 1.1");
        assert_eq!(rows(folder.path(), "t-2.csv"), "a 1.2 1.3");
        // What is left of it is kept together.
        assert_eq!(rows(folder.path(), "t-3.csv"), "a 1.4 1.5 1.6");
    }

    #[test]
    fn parts_of_an_earlier_table_go_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        parts(folder.path(), &[3, 3, 3, 3]);
        fs::write(folder.path().join("t-5.csv"), "mine").unwrap();
        assert_eq!(parts(folder.path(), &[3, 1]), ["t.csv", "t-2.csv"]);
        for (name, is_there) in [("t-2.csv", true), ("t-3.csv", false), ("t-4.csv", false), ("t-5.csv", true)]
        {
            assert_eq!(folder.path().join(name).exists(), is_there, "{name}");
        }
    }
}
