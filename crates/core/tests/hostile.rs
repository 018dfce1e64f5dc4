//! The files of `inputs/hostile`, each with what is found in it: code and line, in the order of the report.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use orgwave_core::manifest::{Inputs, Manifest, Problems, Severity, Source};
use orgwave_core::operation::Catalog;

/// Line 0 stands for the file as a whole.
const FOUND: &[(&str, &[(&str, u64)])] = &[
    ("bidi.csv", &[("W-CELL-002", 2), ("E-CELL-001", 3)]),
    ("a-workbook.csv", &[("E-FILE-007", 0)]),
    ("blank-column-with-a-cell.csv", &[("E-COL-007", 2)]),
    ("blank-columns.csv", &[]),
    ("blank-rows.csv", &[]),
    ("classic-macintosh.csv", &[("E-FILE-005", 1)]),
    (
        "columns.csv",
        &[
            ("E-COL-002", 1),
            ("E-COL-001", 1),
            ("E-COL-003", 1),
            ("E-COL-007", 1),
            ("E-COL-005", 1),
            ("E-COL-006", 1),
        ],
    ),
    ("decimals.csv", &[("E-CELL-004", 3), ("E-CELL-004", 3)]),
    ("duplicate-org.csv", &[("W-CELL-001", 4), ("E-ROW-003", 4)]),
    ("empty.csv", &[("E-FILE-001", 0)]),
    ("header-only.csv", &[("E-FILE-002", 0)]),
    ("hierarchy-keys.csv", &[("E-CELL-002", 3), ("E-CELL-002", 4)]),
    ("ids.csv", &[("E-CELL-001", 2), ("E-CELL-001", 3), ("E-CELL-007", 7), ("E-CELL-012", 8)]),
    ("latin-1.csv", &[("E-FILE-003", 2)]),
    ("line-break-in-a-setting.csv", &[("E-ROW-005", 2), ("E-CELL-003", 4)]),
    ("lone-cr.csv", &[("E-FILE-005", 2)]),
    ("no-header.csv", &[("E-COL-004", 1)]),
    ("nul.csv", &[("E-FILE-004", 2)]),
    ("odd-names.csv", &[]),
    ("ragged.csv", &[("E-ROW-001", 2), ("E-ROW-001", 3)]),
    ("raw-secret.csv", &[("E-CELL-008", 2)]),
    ("sep-line.csv", &[]),
    (
        "skips.csv",
        &[
            ("E-CELL-010", 2),
            ("E-CELL-010", 3),
            ("E-CELL-010", 5),
            ("E-CELL-010", 6),
            ("E-CELL-010", 7),
            ("E-CELL-010", 8),
            ("E-CELL-010", 10),
            ("E-CELL-010", 11),
        ],
    ),
    (
        "spreadsheet-errors.csv",
        &[
            ("E-CELL-007", 2),
            ("E-CELL-007", 2),
            ("E-CELL-007", 2),
            ("E-CELL-007", 3),
            ("E-CELL-007", 3),
            ("E-CELL-007", 5),
            ("E-CELL-007", 6),
            ("E-CELL-007", 7),
            ("E-CELL-007", 8),
            ("E-CELL-007", 9),
            ("E-CELL-007", 10),
            ("E-CELL-007", 11),
        ],
    ),
    ("text-after-quote.csv", &[("E-ROW-004", 2)]),
    ("title.csv", &[("E-COL-004", 1)]),
    (
        "tokens.csv",
        &[("E-CELL-006", 2), ("E-CELL-006", 3), ("E-CELL-011", 4), ("E-CELL-006", 4), ("E-ROW-007", 4)],
    ),
    ("unclosed-quote.csv", &[("E-ROW-002", 2), ("E-CELL-003", 3)]),
    ("utf-16-le.csv", &[("W-FILE-002", 0)]),
    ("utf-16-without-a-mark.csv", &[("E-FILE-004", 1)]),
    ("utf-8-with-a-mark-and-crlf.csv", &[]),
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../inputs/hostile")
}

#[test]
fn each_file_is_judged_as_the_table_says() {
    for (name, expected) in FOUND {
        let mut found = Vec::new();
        let mut is_bad = false;
        let mut sink = |problem: orgwave_core::manifest::Problem| {
            is_bad |= problem.severity == Severity::Error;
            let shown = problem.to_string();
            assert!(!shown.contains("correct-horse"), "{shown}");
            assert!(!shown.contains(char::is_control), "{shown:?}");
            found.push((problem.code.as_str(), problem.line.unwrap_or(0)));
        };
        let orgs = Source::new(name, File::open(folder().join(name)).unwrap());
        let manifest =
            Manifest::read(Inputs::bare(Catalog::built_in(), orgs), &mut Problems::new(&mut sink)).unwrap();
        assert_eq!(found, *expected, "{name}");
        assert_eq!(manifest.is_none(), is_bad, "{name}");
    }
}

#[test]
fn every_file_of_the_folder_is_in_the_table() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "csv"))
        .collect();
    let known: BTreeSet<String> = FOUND.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, known);
}
