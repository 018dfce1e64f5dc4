//! The rules, one named case each, through the whole reader. What one module promises alone is tested beside it.

use std::io::Cursor;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::code::Code;
use crate::desired::{Managed, Origin, SideTable, Wish};

/// Ids that are canonical and easy to tell apart.
const A: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const B: &str = "BAAAAAAAAAAAAAAAAAAAAA";
const C: &str = "CAAAAAAAAAAAAAAAAAAAAA";

type Bytes = Cursor<Vec<u8>>;

/// Text with `{A}`, `{B}`, `{C}` for ids.
fn fill(text: &str) -> Vec<u8> {
    text.replace("{A}", A).replace("{B}", B).replace("{C}", C).into_bytes()
}

fn inputs(orgs: Vec<u8>, sides: &[(SideTable, &str)]) -> Inputs<Bytes> {
    Inputs {
        orgs: Source::new("orgs.csv", Cursor::new(orgs)),
        sides: sides
            .iter()
            .map(|(side, text)| {
                (*side, Source::new(&format!("{}.csv", side.name()), Cursor::new(fill(text))))
            })
            .collect(),
        defaults: Vec::new(),
    }
}

fn read(inputs: Inputs<Bytes>) -> (Option<Manifest<Bytes>>, Vec<Problem>) {
    let mut found = Vec::new();
    let mut sink = |problem| found.push(problem);
    let manifest = Manifest::read(inputs, &mut Problems::new(&mut sink)).unwrap();
    (manifest, found)
}

fn rows(inputs: Inputs<Bytes>) -> Vec<Row> {
    let (manifest, found) = read(inputs);
    let found: Vec<_> =
        found.iter().filter(|problem| problem.severity == Severity::Error).map(ToString::to_string).collect();
    assert_eq!(found, [] as [String; 0]);
    manifest.unwrap().rows().unwrap().map(Result::unwrap).collect()
}

fn row(text: &str) -> Row {
    rows(inputs(fill(text), &[])).remove(0)
}

/// Codes with lines.
fn found(orgs: impl Into<Vec<u8>>, sides: &[(SideTable, &str)]) -> Vec<(Code, u64)> {
    let (manifest, found) = read(inputs(orgs.into(), sides));
    assert_eq!(manifest.is_none(), found.iter().any(|problem| problem.severity == Severity::Error));
    found.iter().map(|problem| (problem.code, problem.line.unwrap_or(0))).collect()
}

fn wishes(row: &Row) -> Vec<(String, Wish)> {
    row.desired.managed.iter().map(|managed| (managed.path.to_string(), managed.wish.clone())).collect()
}

fn set(path: &str, value: Value) -> (String, Wish) {
    (path.to_owned(), Wish::Set(value))
}

#[test]
fn a_row_says_what_its_org_shall_be() {
    let row = row(
        "org_name,org_uuid,wave,skip,note,_ticket,saveClips,expect.enabled,doorInfoMap.d1.doorName,apiToken\r\n\
         'Ann,{A},2,,\"two\r\nlines\",'=1,TRUE,<null>,Front,<secret:T1>\r\n",
    );
    assert_eq!((row.line, row.org.as_str(), row.wave), (2, A, Some(2)));
    assert_eq!(row.name.as_deref(), Some("'Ann"));
    assert_eq!(row.note.as_deref(), Some("two\r\nlines"));
    assert_eq!(row.skip, None);
    assert_eq!(row.carried, ["=1"]);
    assert_eq!(
        wishes(&row),
        [
            ("apiToken".to_owned(), Wish::Secret("T1".parse().unwrap())),
            set("doorInfoMap.d1.doorName", json!("Front")),
            set("saveClips", json!(true)),
        ]
    );
    assert_eq!(row.desired.expects[0].value, json!(null));
    assert_eq!(row.typed.row[5], "'=1");
    assert_eq!(row.typed.row[4], "two\r\nlines");
}

#[test]
fn cells_mean() {
    let door = "doorInfoMap.d.";
    for (column, cell, expected) in [
        ("enabled", "", None),
        ("enabled", " \u{a0} ", None),
        ("enabled", "<keep>", None),
        ("enabled", "tRue", Some(json!(true))),
        ("enabled", "\u{a0}FALSE\u{202f}", Some(json!(false))),
        ("enabled", "<null>", Some(json!(null))),
        ("badgeFaceVerificationMode", " AUTO ", Some(json!("AUTO"))),
        ("doorInfoMap", "<null>", Some(json!(null))),
        ("doorInfoMap", "<empty>", Some(json!({}))),
        ("doorInfoMap", "<keep>", None),
        ("doorInfoMap.d", "<keep>", None),
        ("{}doorName", " Front ", Some(json!(" Front "))),
        ("{}doorName", "\u{a0}Front", Some(json!("\u{a0}Front"))),
        ("{}doorName", "<empty>", Some(json!(""))),
        ("{}doorName", r"\<null>", Some(json!("<null>"))),
        ("{}doorName", r"\=1", Some(json!("=1"))),
        ("{}doorName", r"\#N/A", Some(json!("#N/A"))),
        ("{}doorName", r"\\", Some(json!("\\"))),
        ("{}doorName", r"a\b", Some(json!("a\\b"))),
        ("{}doorName", "#1", Some(json!("#1"))),
        ("{}doorName", "1.23E+11", Some(json!("1.23E+11"))),
        ("{}doorName", "5\" door", Some(json!("5\" door"))),
        ("{}doorName", "+a", Some(json!("+a"))),
        ("{}doorName", "'=a", Some(json!("'=a"))),
        ("{}clipDuration", " 2147483647 ", Some(json!(i32::MAX))),
        ("{}clipDuration", "-2147483648", Some(json!(i32::MIN))),
        ("{}locationUuid", " {A}\u{a0}", Some(json!(A))),
        ("{}subLocationsHierarchyKey", "{A}.{B}", Some(json!(format!("{A}.{B}")))),
        ("{}assignedCameraList", "{A}; {B}", Some(json!([A, B]))),
        ("{}assignedCameraList", "<empty>", Some(json!([]))),
    ] {
        let column = column.replace("{}", door);
        let row = row(&format!("org_uuid;{column}\n{{A}};\"{}\"\n", cell.replace('"', "\"\"")));
        let expected: Vec<_> = expected.into_iter().map(|value| set(&column, value)).collect();
        assert_eq!(wishes(&row), expected, "{column} {cell:?}");
    }
    let removed = row("org_uuid,doorInfoMap.d\n{A},<remove>\n");
    assert_eq!(wishes(&removed), [("doorInfoMap.d".to_owned(), Wish::Remove)]);
}

#[test]
fn cells_are_refused() {
    for (column, cells, code) in [
        ("enabled", &["yes", "1", "WAHR", "t", "tru\u{200b}e"][..], Code::CellBool),
        ("enabled", &["<empty>", "<remove>", "<NULL>", "<x", "<", "<secret:A>"], Code::CellToken),
        (
            "enabled",
            &["=TRUE()", "#N/A", "#REF!", "#NAME?", "#DIV/0!", "#VALUE!", "########", "Err:502"],
            Code::CellSpreadsheet,
        ),
        ("badgeFaceVerificationMode", &["off", "ON", "OFF,AUTO"], Code::CellEnum),
        ("badgeFaceVerificationMode", &["<empty>"], Code::CellToken),
        (
            "apiToken",
            &["hunter2", "<null>", "<empty>", "<secret:hunter2>", "<secret:>", "=hunter2", r"\hunter2"],
            Code::CellSecret,
        ),
        ("doorInfoMap", &["{}", "x"], Code::CellMap),
        ("doorInfoMap", &["<remove>"], Code::CellToken),
        ("doorInfoMap.d", &["x", "<null>", "<empty>", "true"], Code::CellMap),
        ("doorInfoMap.d.clipDuration", &["1.5", "2147483648", "1e3", "ten", "1,000"], Code::CellNumber),
        ("doorInfoMap.d.clipDuration", &["1.23E+11", "1,23E+11", "1E-5"], Code::CellSpreadsheet),
        (
            "doorInfoMap.d.locationUuid",
            &["short", "AAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAA\u{202e}"],
            Code::CellId,
        ),
        ("doorInfoMap.d.locationUuid", &["1.23E+11"], Code::CellSpreadsheet),
        ("doorInfoMap.d.subLocationsHierarchyKey", &["a", "AAAAAAAAAAAAAAAAAAAAAA."], Code::CellKey),
        (
            "doorInfoMap.d.assignedCameraList",
            &["AAAAAAAAAAAAAAAAAAAAAA;", ";", "AAAAAAAAAAAAAAAAAAAAAA; ;BAAAAAAAAAAAAAAAAAAAAA"],
            Code::CellList,
        ),
        (
            "doorInfoMap.d.assignedCameraList",
            &["AAAAAAAAAAAAAAAAAAAAAA,BAAAAAAAAAAAAAAAAAAAAA"],
            Code::CellId,
        ),
        ("doorInfoMap.d.doorName", &["=1", "#N/A", "#n/a"], Code::CellSpreadsheet),
        ("doorInfoMap.d.doorName", &["<b>", " <b", "<secret:A>"], Code::CellToken),
        ("expect.enabled", &["<keep>", "<remove>"], Code::CellToken),
        ("expect.enabled", &["yes"], Code::CellBool),
        ("expect.doorInfoMap.d", &["x", "<empty>"], Code::CellMap),
        ("skip", &["true", "No", "1"], Code::CellSkip),
        ("wave", &["-1", "one", "1.0", "4294967296"], Code::CellNumber),
        ("wave", &["#N/A", "=1", "1E+1"], Code::CellSpreadsheet),
    ] {
        for cell in cells {
            let text = format!("org_uuid,{column}\n{{B}},\n{{A}},\"{cell}\"\n");
            let (_, problems) = read(inputs(fill(&text), &[]));
            let codes: Vec<_> = problems.iter().map(|problem| (problem.code, problem.line)).collect();
            assert_eq!(codes, [(code, Some(3))], "{column} {cell:?}");
            assert_eq!(problems[0].name.as_deref(), Some(column));
            assert_eq!(problems[0].org.as_deref(), Some(A));
            let shown = format!("{} {}", problems[0], serde_json::to_string(&problems[0]).unwrap());
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(problems[0].found.is_empty(), column == "apiToken", "{shown}");
        }
    }
}

#[test]
fn ids_of_rows() {
    for (cell, expected) in [
        ("{A}", vec![]),
        (" {A}\u{a0}", vec![]),
        ("-AAAAAAAAAAAAAAAAAAAAA", vec![]),
        ("aAAAAAAAAAAAAAAAAAAAAA", vec![]),
        ("AAAAAAAAAAAAAAAAAAAAAB", vec![Code::CellCanonical]),
        ("", vec![Code::CellMissing]),
        ("AAAA", vec![Code::CellId]),
        ("\u{200e}{A}", vec![Code::CellId]),
        ("'{A}", vec![Code::CellId]),
        ("<null>", vec![Code::CellId]),
        ("1.23E+11", vec![Code::CellSpreadsheet]),
        ("#N/A", vec![Code::CellSpreadsheet]),
        ("=A1", vec![Code::CellSpreadsheet]),
    ] {
        let codes: Vec<_> = found(fill(&format!("org_uuid,enabled\n{cell},true\n")), &[])
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(codes, expected, "{cell:?}");
    }
    let text = "org_uuid\nAAAAAAAAAAAAAAAAAAAAAA\naAAAAAAAAAAAAAAAAAAAAA\n";
    assert_eq!(found(text, &[]), [], "ids that differ by case are two");
}

#[test]
fn duplicate_orgs_name_both_lines() {
    let (_, problems) = read(inputs(fill("org_uuid\n{A}\n\n{B}\nAAAAAAAAAAAAAAAAAAAAAB\n"), &[]));
    let problem = problems.iter().find(|problem| problem.code == Code::RowDuplicate).unwrap();
    assert_eq!(problem.line, Some(5));
    assert!(problem.found.contains("line 2 and in line 5"), "{problem}");
}

#[test]
fn columns() {
    for (header, expected) in [
        ("org_uuid,saveclips", vec![Code::ColCase]),
        ("org_uuid,saveClip,zebra", vec![Code::ColUnknown, Code::ColUnknown]),
        ("org_uuid,enabled, enabled\u{a0}", vec![Code::ColDuplicate]),
        (
            "org_uuid,tokenValid,expect.apiToken,",
            vec![Code::ColUnsettable, Code::ColSecretExpect, Code::ColName],
        ),
        ("Org_uuid,enabled", vec![Code::ColCase, Code::ColMissing]),
        ("\u{a0}org_uuid ,\" enabled\"", vec![]),
        ("org_uuid,_a,_a", vec![Code::ColDuplicate]),
        ("org_uuid,\"ena\nbled\"", vec![Code::RowLineBreak]),
        ("org_uuid,ena\0bled", vec![Code::FileControl]),
        ("org_uuid,\"enabled", vec![Code::RowUnclosed]),
    ] {
        let cells = header
            .split(',')
            .map(|name| if name.contains("uuid") { A } else { "" })
            .collect::<Vec<_>>()
            .join(",");
        let codes: Vec<_> =
            found(format!("{header}\n{cells}\n"), &[]).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, expected, "{header}");
    }
}

#[test]
fn files_as_spreadsheets_make_them() {
    let text = fill("org_uuid,note\n{A},caf\u{e9} \u{1f6aa}\n");
    let text = String::from_utf8(text).unwrap();
    let utf16 = |mark: [u8; 2], units: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.into_iter().chain(text.encode_utf16().flat_map(units)).collect()
    };
    for (name, bytes, notes) in [
        ("plain", text.clone().into_bytes(), vec![]),
        ("a byte order mark", format!("\u{feff}{text}").into_bytes(), vec![]),
        ("crlf", text.replace('\n', "\r\n").into_bytes(), vec![]),
        ("semicolons", text.replace(',', ";").into_bytes(), vec![Code::FileDelimiter]),
        ("tabs", text.replace(',', "\t").into_bytes(), vec![Code::FileDelimiter]),
        ("utf-16le", utf16([0xFF, 0xFE], u16::to_le_bytes), vec![Code::FileUtf16]),
        ("utf-16be", utf16([0xFE, 0xFF], u16::to_be_bytes), vec![Code::FileUtf16]),
        ("blank rows", text.replace('\n', "\n,\n  \n\"\",\" \"\n\u{a0},,,\n").into_bytes(), vec![]),
        ("a blank row first", format!("\n,\n{text}").into_bytes(), vec![]),
        ("no last line break", text.trim_end().to_owned().into_bytes(), vec![]),
    ] {
        let codes: Vec<_> = found(bytes.clone(), &[]).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, notes, "{name}");
        let rows = rows(inputs(bytes, &[]));
        assert_eq!(rows.len(), 1, "{name}");
        assert_eq!(rows[0].note.as_deref(), Some("caf\u{e9} \u{1f6aa}"), "{name}");
    }
}
