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

#[test]
fn files_that_cannot_be_read() {
    let big = "x".repeat(70_000);
    for (name, bytes, expected) in [
        ("empty", b"".to_vec(), vec![(Code::FileEmpty, 0)]),
        ("a mark alone", b"\xEF\xBB\xBF".to_vec(), vec![(Code::FileEmpty, 0)]),
        ("blank lines alone", b"\n \n,,\n".to_vec(), vec![(Code::FileEmpty, 0)]),
        ("a header alone", b"org_uuid,enabled\n".to_vec(), vec![(Code::FileNoRows, 0)]),
        ("a header and blank rows", b"org_uuid,enabled\n,\n\n".to_vec(), vec![(Code::FileNoRows, 0)]),
        ("utf-32", b"\xFF\xFE\0\0o\0\0\0".to_vec(), vec![(Code::FileEncoding, 0)]),
        ("utf-16 without a mark", b"o\0r\0g\0".to_vec(), vec![(Code::FileControl, 1)]),
        ("latin-1 in the header", b"org_uuid,_caf\xE9\n".to_vec(), vec![(Code::FileEncoding, 1)]),
        ("old macintosh", b"org_uuid,enabled\rx,true\r".to_vec(), vec![(Code::FileLoneCr, 1)]),
        ("latin-1", [&fill("org_uuid,note\n{A},caf")[..], b"\xE9\n"].concat(), vec![(Code::FileEncoding, 2)]),
        ("a lone CR", fill("org_uuid,note\n{A},a\rb\n{B},\n"), vec![(Code::FileLoneCr, 2)]),
        ("a lone CR in quotes", fill("org_uuid,note\n{A},\"a\rb\"\n{B},\n"), vec![(Code::FileLoneCr, 2)]),
        ("a NUL", fill("org_uuid,note\n{A},a\0b\n{B},\n"), vec![(Code::FileControl, 2)]),
        (
            "a tab in a text",
            fill("org_uuid,doorInfoMap.a.doorName\n{A},a\tb\n"),
            vec![(Code::FileControl, 2)],
        ),
        ("a tab in a note", fill("org_uuid,note\n{A},a\tb\n"), vec![]),
        ("an escape in an id", fill("org_uuid,note\n{A}\u{1b},\n{B},\n"), vec![(Code::FileControl, 2)]),
        ("a next-line mark", fill("org_uuid,note\n{A},a\u{85}b\n"), vec![(Code::FileControl, 2)]),
        ("bidi in a note", fill("org_uuid,note\n{A},a\u{202e}b\n"), vec![(Code::CellMarks, 2)]),
        (
            "bidi in a key",
            fill("org_uuid,doorInfoMap.a\u{202e}b.doorName\n{A},x\n"),
            vec![(Code::ColName, 1)],
        ),
        (
            "too few and too many cells",
            fill("org_uuid,note\n{A}\n{B},,\n{C},x\n"),
            vec![(Code::RowRagged, 2), (Code::RowRagged, 3)],
        ),
        ("a long note", fill(&format!("org_uuid,note\n{{A}},\"{}\"\n", &big[..65_536])), vec![]),
        (
            "too long a note",
            fill(&format!("org_uuid,note\n{{A}},{big}\n{{B}},\n")),
            vec![(Code::RowTooLong, 2)],
        ),
        (
            "too long a quoted note",
            fill(&format!("org_uuid,note\n{{A}},\"{big}\"\n{{B}},\n")),
            vec![(Code::RowUnclosed, 2)],
        ),
        (
            "an unclosed quote",
            fill("org_uuid,note\n{A},\"x\n{B},\n{C}\n"),
            vec![(Code::RowUnclosed, 2), (Code::RowRagged, 4)],
        ),
        (
            "an unclosed quote before a quoted row",
            fill("org_uuid,note\n{A},\"x\n{B},\"y\"\n{C}\n"),
            vec![(Code::RowUnclosed, 2), (Code::RowRagged, 4)],
        ),
        (
            "text after a quote",
            fill("org_uuid,note\n{A},\"x\"y\n{C}\n"),
            vec![(Code::RowTextAfterQuote, 2), (Code::RowRagged, 3)],
        ),
        (
            "a line break in a setting",
            fill("org_uuid,enabled,note\n{A},\"tr\nue\",x\n{B},yes,\"\n\"\n{C}\n"),
            vec![(Code::RowLineBreak, 2), (Code::CellBool, 4), (Code::RowRagged, 6)],
        ),
        (
            "a line break after a note's",
            fill("org_uuid,note,enabled\n{A},\"a\nb\",\"\ntrue\"\n"),
            vec![(Code::RowLineBreak, 3)],
        ),
        (
            "a map whole and in parts",
            fill("org_uuid,doorInfoMap,doorInfoMap.a.doorName\n{A},<null>,x\n{B},<null>,\n{C},,x\n"),
            vec![(Code::RowClash, 2)],
        ),
        (
            "an entry whole and in parts",
            fill(
                "org_uuid,doorInfoMap.a,doorInfoMap.a.doorName,doorInfoMap.b.doorName\n{A},<remove>,x,\n{B},<remove>,,x\n",
            ),
            vec![(Code::RowClash, 2)],
        ),
        (
            "a raw secret in a ragged row",
            fill("org_uuid,apiToken\n{A},x,hunter2\n"),
            vec![(Code::RowRagged, 2)],
        ),
    ] {
        assert_eq!(found(bytes, &[]), expected, "{name}");
    }
}

#[test]
fn no_problem_shows_a_cell_of_a_secrets_column() {
    for cell in [
        "hunter2",
        "hunter2\0",
        "\"hunter2\"x",
        "\"hunter2",
        "\"hunter\n2\"",
        "hunter2\r",
        "hunter2\u{202e}",
        "<hunter2",
        "=hunter2",
    ] {
        for header in ["apiToken", "apitoken", "expect.apiToken", "refreshToken"] {
            let (_, problems) =
                read(inputs(fill(&format!("org_uuid,{header}\n{{A}},{cell}\n{{B}},\n")), &[]));
            assert!(!problems.is_empty());
            for problem in problems {
                let shown = format!("{problem} {problem:?} {}", serde_json::to_string(&problem).unwrap());
                assert!(!shown.contains("hunter"), "{shown}");
            }
        }
    }
}

#[test]
fn a_secret_that_slipped_into_another_column_is_not_shown_either() {
    for row in
        ["{A},hunter2,true", "{A},hunter2,", "{A},,hunter2-hunter2-x", "{A},true,hunter2", "{A},x,hunter2=,"]
    {
        let text = format!("org_uuid,apiToken,saveClips,doorInfoMap.d.locationUuid\n{row},\n");
        let (_, problems) = read(inputs(fill(&text), &[]));
        assert!(!problems.is_empty(), "{row}");
        for problem in problems {
            assert!(!format!("{problem:?}").contains("hunter"), "{problem}");
        }
    }
    let (_, problems) = read(inputs(fill("org_uuid,apiToken,saveClips\n{A},,yes\n"), &[]));
    assert_eq!(problems[0].found, "\"yes\"", "what is short is still shown");
}

#[test]
fn a_quote_that_never_closes_costs_one_error_in_many_rows() {
    let mut text = fill("org_uuid,note,enabled\n{A},\"never closed,\n");
    for row in 1_u128..50_000 {
        let org = crate::ids::Ruuid::from_bytes(row.to_be_bytes());
        text.extend_from_slice(format!("{org},,true\n").as_bytes());
    }
    assert_eq!(found(text, &[]), [(Code::RowUnclosed, 2)]);
}

#[test]
fn org_names_of_any_kind_are_names() {
    for name in ["../../x", "CON", "<script>", "<null>", "#N/A", "\\x", &"n".repeat(300)] {
        let row = row(&format!("org_uuid,org_name\n{{A}},{name}\n"));
        assert_eq!(row.name.as_deref(), Some(name));
    }
}

#[test]
fn a_header_says_what_the_rows_hold() {
    let header = |text: &str| read(inputs(fill(text), &[])).0.unwrap().header().clone();
    let none = header("org_uuid,wave,org_name,expect.enabled,_t\n{A}, ,,,\n{B},,,,\n");
    assert_eq!((none.rows, none.has_waves, none.has_names, none.has_expects), (2, false, false, false));
    assert_eq!(none.carried, ["_t"]);
    let all = header("org_uuid;wave;org_name;expect.enabled;apiToken\n{A};;;;\n{B};0;x;true;<secret:A>\n");
    assert_eq!((all.rows, all.has_waves, all.has_names, all.has_expects), (2, true, true, true));
    assert_eq!(all.secrets.into_iter().collect::<Vec<_>>(), [("A".parse().unwrap(), Some(3))]);
    assert_eq!(all.delimiter, Delimiter::Semicolon);
}

const DOORS: SideTable = SideTable::Doors;

#[test]
fn side_tables_join_by_org() {
    let orgs = "org_uuid,doorInfoMap.m.doorName\n{B},x\n\n{A},\n{C},\n";
    let doors = "door_key,org_uuid,doorName,remoteUnlock,remove\n\
        1,{A},\"One, \"\"1\"\"\",TRUE,\n2,{B},Two,,false\n3,{A},,,TRUE\n m2 ,{B},<null>,<keep>,\n";
    let users = "org_uuid,user_key,guestsEnabled\n{C},u.1,true\n";
    for doors in [doors.to_owned(), doors.replace('\n', "\r\n"), format!("\u{feff}{doors}")] {
        let rows = rows(inputs(fill(orgs), &[(DOORS, &doors), (SideTable::Users, users)]));
        let orgs: Vec<_> = rows.iter().map(|row| row.org.as_str()).collect();
        assert_eq!(orgs, [B, A, C]);
        assert_eq!(
            wishes(&rows[0]),
            [
                set("doorInfoMap.2.doorName", json!("Two")),
                set("doorInfoMap.m.doorName", json!("x")),
                set("doorInfoMap.m2.doorName", json!(null)),
            ]
        );
        assert_eq!(
            wishes(&rows[1]),
            [
                set("doorInfoMap.1.doorName", json!("One, \"1\"")),
                set("doorInfoMap.1.remoteUnlock", json!(true)),
                ("doorInfoMap.3".to_owned(), Wish::Remove),
            ]
        );
        assert_eq!(wishes(&rows[2]), [set("envoyUserSettingsMap.u\\.1.guestsEnabled", json!(true))]);
        assert_eq!(rows[1].desired.managed[0].origin, Origin::Side(DOORS, 2));
        assert_eq!(
            rows[1].typed.sides[0],
            (DOORS, ["1", A, "One, \"1\"", "TRUE", ""].map(String::from).to_vec())
        );
        assert_eq!(rows[0].typed.sides.len(), 2);
    }
}

#[test]
fn a_side_table_in_utf_16_joins_too() {
    let doors =
        String::from_utf8(fill("org_uuid;door_key;doorName\n{B};1;caf\u{e9}\n{A};2;\u{1f6aa}\n")).unwrap();
    let bytes = [0xFE, 0xFF].into_iter().chain(doors.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let mut inputs = inputs(fill("org_uuid\n{A}\n{B}\n"), &[]);
    inputs.sides.push((DOORS, Source::new("doors.csv", Cursor::new(bytes))));
    let rows = rows(inputs);
    assert_eq!(wishes(&rows[0]), [set("doorInfoMap.2.doorName", json!("\u{1f6aa}"))]);
    assert_eq!(wishes(&rows[1]), [set("doorInfoMap.1.doorName", json!("caf\u{e9}"))]);
}

#[test]
fn side_tables_are_refused() {
    let orgs =
        "org_uuid,doorInfoMap,doorInfoMap.m.doorName,doorInfoMap.e\n{A},,x,\n{B},<empty>,,\n{C},,,<remove>\n";
    for (name, doors, expected) in [
        (
            "an org that isn't there",
            "org_uuid,door_key,doorName\nDAAAAAAAAAAAAAAAAAAAAA,1,x\n",
            vec![(Code::SideOrg, 2)],
        ),
        (
            "an entry twice",
            "org_uuid,door_key,doorName\n{A},1,x\n{A},2,x\n{C},1,x\n{A}, 1 ,y\n",
            vec![(Code::SideTwice, 5)],
        ),
        (
            "a field that the row names",
            "org_uuid,door_key,doorName,remoteUnlock\n{A},m,y,\n{C},m,y,\n",
            vec![(Code::SideClash, 2)],
        ),
        ("another field of the same entry", "org_uuid,door_key,doorName,remoteUnlock\n{A},m,,true\n", vec![]),
        (
            "the entry of such a field removed",
            "org_uuid,door_key,remove\n{A},m,TRUE\n",
            vec![(Code::SideClash, 2)],
        ),
        (
            "a map that the row sets whole",
            "org_uuid,door_key,doorName\n{B},1,x\n",
            vec![(Code::SideClash, 2)],
        ),
        (
            "an entry that the row removes",
            "org_uuid,door_key,doorName\n{C},e,x\n",
            vec![(Code::SideClash, 2)],
        ),
        ("no org column, no key column", "doorName\nx\n", vec![(Code::ColMissing, 1), (Code::ColMissing, 1)]),
        (
            "an unknown column",
            "org_uuid,door_key,doorname\n{A},1,x\n",
            vec![(Code::ColCase, 1), (Code::SideIdle, 2)],
        ),
        ("a line that changes nothing", "org_uuid,door_key,doorName\n{A},1, \n", vec![(Code::SideIdle, 2)]),
        (
            "blank org and key",
            "org_uuid,door_key,doorName\n,,x\n",
            vec![(Code::CellMissing, 2), (Code::CellMissing, 2)],
        ),
        (
            "keys that are none",
            "org_uuid,door_key,doorName\n{A},1.23E+11,x\n{A},<null>,x\n{A},a\u{202e},x\n{A},#REF!,x\n",
            vec![
                (Code::CellSpreadsheet, 2),
                (Code::CellToken, 3),
                (Code::CellKey, 4),
                (Code::CellSpreadsheet, 5),
            ],
        ),
        ("a token out of place", "org_uuid,door_key,doorName\n{A},1,<remove>\n", vec![(Code::CellToken, 2)]),
        ("a remove that is neither", "org_uuid,door_key,remove\n{A},1,x\n", vec![(Code::CellBool, 2)]),
        ("old values beside a remove", "org_uuid,door_key,clipDuration,remove\n{A},1,old,TRUE\n", vec![]),
        ("a header alone", "org_uuid,door_key\n", vec![]),
        ("empty", "", vec![(Code::FileEmpty, 0)]),
        (
            "a line break",
            "org_uuid,door_key,doorName\n{A},1,\"a\nb\"\n{A}\n",
            vec![(Code::RowLineBreak, 2), (Code::RowRagged, 4)],
        ),
    ] {
        assert_eq!(found(fill(orgs), &[(DOORS, doors)]), expected, "{name}");
    }
}

#[test]
fn a_bad_row_does_not_make_its_side_lines_wrong() {
    let orgs = fill("org_uuid,note\n{A}\n{B},\"x\n");
    let doors = "org_uuid,door_key,doorName\n{A},1,x\n{B},1,x\n";
    assert_eq!(found(orgs, &[(DOORS, doors)]), [(Code::RowRagged, 2), (Code::RowUnclosed, 3)]);
    let unusable = fill("org_uuid,\"note\n{A},\n");
    assert_eq!(found(unusable, &[(DOORS, doors)]), [(Code::RowUnclosed, 1)]);
}

#[test]
fn a_default_holds_where_the_row_says_nothing() {
    let mut inputs = inputs(fill("org_uuid,enabled\n{A},\n{B},false\n{C},<keep>\n"), &[]);
    for (path, wish) in
        [("saveClips", Wish::Secret("D".parse().unwrap())), ("enabled", Wish::Set(json!(true)))]
    {
        inputs.defaults.push(Managed { path: path.parse().unwrap(), wish, origin: Origin::Default });
    }
    let (manifest, _) = read(inputs);
    let mut manifest = manifest.unwrap();
    assert_eq!(manifest.header().secrets.values().collect::<Vec<_>>(), [&None]);
    let rows: Vec<_> = manifest.rows().unwrap().map(Result::unwrap).collect();
    let enabled =
        |row: &Row| row.desired.managed.iter().find(|managed| managed.path.to_string() == "enabled").cloned();
    assert_eq!(enabled(&rows[0]).unwrap().origin, Origin::Default);
    assert_eq!(enabled(&rows[1]).unwrap().wish, Wish::Set(json!(false)));
    assert_eq!(enabled(&rows[2]), None);
    assert_eq!(manifest.rows().unwrap().count(), 3, "rows may be read again");
}

/// A file that is another one once it was rewound or sought in.
struct Changing {
    bytes: [Vec<u8>; 2],
    sized: bool,
    second: bool,
    at: u64,
}

impl std::io::Read for Changing {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut rest = Cursor::new(&self.bytes[usize::from(self.second)]);
        rest.set_position(self.at);
        let read = std::io::Read::read(&mut rest, into)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl std::io::Seek for Changing {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        match to {
            // The size is asked for, and then the file is read for the first time.
            std::io::SeekFrom::End(_) => {
                self.sized = true;
                self.at = self.bytes[0].len() as u64;
            }
            std::io::SeekFrom::Start(at) => {
                self.second = !std::mem::take(&mut self.sized);
                self.at = at;
            }
            std::io::SeekFrom::Current(_) => unreachable!("nobody goes on from where they are"),
        }
        Ok(self.at)
    }
}

#[test]
fn a_file_that_changes_in_between_ends_the_rows() {
    let orgs = "org_uuid,enabled\n{A},true\n{B},true\n";
    let doors = "org_uuid,door_key,doorName\n{A},1,x\n{B},1,y\n";
    for (name, orgs_then, doors_then, changed) in [
        ("nothing", orgs, doors, None),
        ("a cell", "org_uuid,enabled\n{A},true\n{B},fals\n", doors, Some("orgs.csv")),
        ("a value", "org_uuid,enabled\n{A},true\n{B},TRUE\n", doors, Some("orgs.csv")),
        ("a row more", "org_uuid,enabled\n{A},true\n{B},true\n{C},true\n", doors, Some("orgs.csv")),
        ("a row less", "org_uuid,enabled\n{A},true\n", doors, Some("orgs.csv")),
        ("the header", "org_uuid,saveClips\n{A},true\n{B},true\n", doors, Some("orgs.csv")),
        ("gone", "", doors, Some("orgs.csv")),
        ("a side table's cell", orgs, "org_uuid,door_key,doorName\n{A},1,z\n{B},1,y\n", Some("doors.csv")),
        ("a side table's order", orgs, "org_uuid,door_key,doorName\n{B},1,y\n{A},1,x\n", Some("doors.csv")),
        ("a side table cut", orgs, "org_uuid,door_key,doorName\n{A},1,x\n", Some("doors.csv")),
    ] {
        let file = |first: &str, then: &str| Changing {
            bytes: [fill(first), fill(then)],
            sized: false,
            second: false,
            at: 0,
        };
        let mut sink = |problem: Problem| panic!("{problem}");
        let inputs = Inputs {
            orgs: Source::new("orgs.csv", file(orgs, orgs_then)),
            sides: vec![(DOORS, Source::new("doors.csv", file(doors, doors_then)))],
            defaults: Vec::new(),
        };
        let mut manifest = Manifest::read(inputs, &mut Problems::new(&mut sink)).unwrap().unwrap();
        let end = manifest.rows().and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match (end, changed) {
            (Ok(rows), None) => assert_eq!(rows.len(), 2, "{name}"),
            (Err(RowsError::Changed { file }), Some(changed)) => assert_eq!(&*file, changed, "{name}"),
            (end, _) => panic!("{name}: {end:?}"),
        }
    }
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(A.as_bytes().to_vec()),
        Just(B.as_bytes().to_vec()),
        Just(b"<null>".to_vec()),
        Just(b"<secret:X>".to_vec()),
        Just(b"true".to_vec()),
        Just(b"\"".to_vec()),
        Just(b",".to_vec()),
        Just(b",".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just("\u{202e}\u{e9}".as_bytes().to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\xFF".to_vec()),
        prop::collection::vec(any::<u8>(), 0..5),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_end_in_rows_or_in_problems_in_line_order(
        header in prop_oneof![
            Just(""), Just("org_uuid,note,enabled\n"), Just("org_uuid,apiToken\n"), Just("\u{feff}org_uuid;doorInfoMap.k.doorName\r\n"),
        ],
        orgs in hostile(), doors in hostile(),
    ) {
        let mut inputs = inputs([header.as_bytes(), &orgs].concat(), &[]);
        let doors = [b"org_uuid,door_key,doorName,assignedCameraList\n", &doors[..]].concat();
        inputs.sides.push((DOORS, Source::new("doors.csv", Cursor::new(doors))));
        let (manifest, problems) = read(inputs);
        for file in ["orgs.csv", "doors.csv"] {
            let lines: Vec<_> = problems.iter().filter(|problem| &*problem.file == file).filter_map(|problem| problem.line).collect();
            prop_assert!(lines.is_sorted(), "{lines:?}");
        }
        let errors = problems.iter().any(|problem| problem.severity == Severity::Error);
        prop_assert_eq!(manifest.is_none(), errors);
        if let Some(mut manifest) = manifest {
            let expected = manifest.header().rows;
            let rows: Vec<_> = manifest.rows().unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len() as u64, expected);
            for row in rows {
                prop_assert!(row.desired.managed.is_sorted_by(|left, right| left.path < right.path));
            }
        }
    }
}
