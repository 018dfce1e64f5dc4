//! Results as a spreadsheet shows them: numbers are numbers, and everything else is the text that was written.

use std::fs;
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};

use crate::made::{Folder, NAMES};
use crate::office::WORKBOOK;

/// Columns of numbers.
const NUMBERS: [&str; 5] = ["line", "wave", "attempts", "http_status", "duration_ms"];
/// Columns in which a number or a truth is one when the setting is.
const VALUES: [&str; 3] = ["before", "after", "verified"];

const OFFICE: &str = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
const TABLE: &str = "urn:oasis:names:tc:opendocument:xmlns:table:1.0";

/// A cell as the spreadsheet took it.
#[derive(Debug, Clone, Default)]
struct Cell {
    kind: String,
    text: String,
    formula: bool,
}

#[test]
fn every_result_opens_with_the_right_types_and_no_formula() {
    let folder = Folder::new();
    let run = folder.run();
    let mut files = vec![folder.path("run.csv")];
    files.extend(["results.csv", "changes.csv"].map(|name| run.join(name)));
    files.extend(fs::read_dir(run.join("orgs")).unwrap().map(|entry| entry.unwrap().path()));
    assert!(files.len() >= 9, "{files:?}");

    let to = tempfile::tempdir().unwrap();
    let mut seen = String::new();
    for (file, opened) in files.iter().zip(WORKBOOK.save(&files, to.path())) {
        seen += &compare(file, &opened);
    }
    for name in NAMES {
        assert!(seen.contains(name), "{name:?} isn't shown");
    }
}

/// Holds the cells of a table against what was made of them. Returns all texts.
fn compare(file: &Path, opened: &PathBuf) -> String {
    let bytes = fs::read(file).unwrap();
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").expect("a mark of UTF-8");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    let written: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let columns = &written[0];
    let shown = cells(&fs::read_to_string(opened).unwrap());
    assert_eq!(shown.len(), written.len(), "{}", file.display());

    let mut seen = String::new();
    for (line, (written, shown)) in written.iter().zip(&shown).enumerate() {
        for (place, (text, column)) in written.iter().zip(columns).enumerate() {
            let cell = shown.get(place).cloned().unwrap_or_default();
            let at = format!("{}, line {line}, {column}: {text:?} is {cell:?}", file.display());
            assert!(!cell.formula, "{at}");
            match cell.kind.as_str() {
                "" => assert_eq!(text, "", "{at}"),
                "float" => assert!(NUMBERS.contains(&column) || VALUES.contains(&column), "{at}"),
                "boolean" => assert!(VALUES.contains(&column), "{at}"),
                "string" => {
                    assert!(line == 0 || !NUMBERS.contains(&column), "{at}");
                    assert_eq!(cell.text, text, "{at}");
                }
                _ => panic!("{at}"),
            }
            seen.extend([&cell.text, "\n"]);
        }
    }
    seen
}

/// The rows of a workbook's first sheet, without the empty ones behind them.
fn cells(workbook: &str) -> Vec<Vec<Cell>> {
    let document = Document::parse(workbook).unwrap();
    let sheet = document.descendants().find(|node| node.has_tag_name((TABLE, "table"))).unwrap();
    let mut rows = Vec::new();
    for row in sheet.descendants().filter(|node| node.has_tag_name((TABLE, "table-row"))) {
        let mut cells: Vec<Cell> = Vec::new();
        for cell in row.children().filter(Node::is_element) {
            let text: Vec<String> =
                cell.children().filter(|node| node.tag_name().name() == "p").map(text_of).collect();
            let made = Cell {
                kind: cell.attribute((OFFICE, "value-type")).unwrap_or_default().to_owned(),
                text: text.join("\n"),
                formula: cell.has_attribute((TABLE, "formula")),
            };
            let repeated = cell
                .attribute((TABLE, "number-columns-repeated"))
                .map_or(1, |number| number.parse().unwrap());
            cells.extend(std::iter::repeat_n(made, repeated));
        }
        let repeated: usize =
            row.attribute((TABLE, "number-rows-repeated")).map_or(1, |number| number.parse().unwrap());
        if cells.iter().any(|cell| !cell.kind.is_empty()) {
            rows.extend(std::iter::repeat_n(cells, repeated));
        }
    }
    rows
}

/// A paragraph's text, in which spaces in a row are an element.
fn text_of(paragraph: Node<'_, '_>) -> String {
    let mut text = String::new();
    for node in paragraph.descendants() {
        if node.is_text() {
            text += node.text().unwrap_or_default();
        } else if node.tag_name().name() == "s" {
            let spaces = node.attributes().find(|attribute| attribute.name() == "c");
            text += &" ".repeat(spaces.map_or(1, |spaces| spaces.value().parse().unwrap()));
        }
    }
    text
}
