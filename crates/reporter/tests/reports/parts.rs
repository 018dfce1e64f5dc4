//! Tables that a spreadsheet would cut off, with a lowered limit: their files, and who names them.

use std::fs;
use std::path::Path;

use orgwave_reporter::files::{OrgFiles, Written, write_files, write_files_in_parts};
use orgwave_reporter::terminal::Style;

use crate::fixture;
use crate::golden::files_in;

/// Rows of a file, with its header.
const MOST: u32 = 8;

fn write(folder: &Path, most_rows: u32) -> Written {
    write_files_in_parts(&fixture::rich(), folder, OrgFiles::Never, most_rows, || ()).unwrap()
}

/// The lines of a table's file, each as it is.
fn lines(folder: &Path, name: &str) -> Vec<Vec<u8>> {
    let text = fs::read(folder.join(name)).unwrap();
    let text = text.strip_prefix(b"\xEF\xBB\xBF").expect("a byte order mark");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.byte_records().map(|row| row.unwrap().as_slice().to_vec()).collect()
}

#[test]
fn parts_of_a_table_are_together_what_one_file_would_be() {
    let (whole, split) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_files(&fixture::rich(), whole.path(), OrgFiles::Never).unwrap();
    write(split.path(), MOST);
    for (table, parts) in
        [("results.csv", ["results.csv", "results-2.csv"]), ("changes.csv", ["changes.csv", "changes-2.csv"])]
    {
        let wanted = lines(whole.path(), table);
        let mut found = vec![wanted[0].clone()];
        for part in parts {
            let rows = lines(split.path(), part);
            assert!(rows.len() <= MOST as usize && rows.len() > 1, "{part}: {}", rows.len());
            assert_eq!(rows[0], wanted[0], "{part}");
            found.extend(rows.into_iter().skip(1));
        }
        assert_eq!(found, wanted, "{table}");
    }
}

#[test]
fn parts_of_a_table_are_named_wherever_the_table_is() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), MOST);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    let told = written.summary().render(200, Style::Plain);
    for name in ["results.csv", "results-2.csv", "changes.csv", "changes-2.csv"] {
        assert!(summary["files"].as_array().unwrap().contains(&name.into()), "{name}");
        assert!(written.files.iter().any(|file| file == name), "{name}");
        assert!(told.contains(name), "{name}: {told}");
    }
    let page = read("report.html");
    for name in ["results.csv", "results-2.csv"] {
        assert!(page.contains(&format!("<a href=\"{name}\">{name}</a>")), "{name}");
    }
    assert!(page.contains("\"csv\":\"results.csv, results-2.csv\""));
}

#[test]
fn parts_that_a_table_no_longer_needs_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 4);
    assert!(folder.path().join("results-5.csv").exists());
    write(folder.path(), MOST);
    let numbered = |folder: &Path| {
        let names = files_in(folder).into_keys().map(|name| name.to_string_lossy().into_owned());
        names.filter(|name| name.contains("s-")).collect::<Vec<_>>()
    };
    assert_eq!(numbered(folder.path()), ["changes-2.csv", "results-2.csv"]);
    write_files(&fixture::rich(), folder.path(), OrgFiles::Never).unwrap();
    assert_eq!(numbered(folder.path()), Vec::<String>::new());
}
