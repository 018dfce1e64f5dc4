//! Files as programs write and people damage them.

use proptest::prelude::*;

use super::*;

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
        ("semicolons", text.replace(',', ";").into_bytes(), vec![]),
        ("tabs", text.replace(',', "\t").into_bytes(), vec![]),
        ("a named separator", format!("sep=;\n{}", text.replace(',', ";")).into_bytes(), vec![]),
        ("a named separator after a mark", format!("\u{feff}\"sep=,\"\r\n\r\n{text}").into_bytes(), vec![]),
        ("blank columns at the end", text.replace('\n', ",, ,\n").into_bytes(), vec![]),
        ("blank columns in the header alone", text.replacen('\n', ",,\n", 1).into_bytes(), vec![]),
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
        ("a separator alone", b"sep=;\n".to_vec(), vec![(Code::FileEmpty, 0)]),
        (
            "a separator that is not read",
            fill("\nsep=|\norg_uuid|enabled\n{A}|true\n"),
            vec![(Code::FileKind, 2)],
        ),
        ("a workbook", b"PK\x03\x04\0xl/workbook.xml\n\0".to_vec(), vec![(Code::FileKind, 0)]),
        ("a title", fill("Clients;;\norg_uuid;enabled;x\n{A};yes;\n"), vec![(Code::ColMissing, 1)]),
        (
            "titles and a header in the wrong case",
            fill("\nClients, 2026\nof the north\n\nOrg UUID,enabled\n{A},yes\n"),
            vec![(Code::ColMissing, 2)],
        ),
        (
            "a filled cell in a blank column",
            fill("org_uuid,note,,\n{A},x,,\n{B},x,,y\n{C},x\n"),
            vec![(Code::ColName, 3)],
        ),
        ("a blank column in the middle", fill("org_uuid,,note\n{A},,x\n"), vec![(Code::ColName, 1)]),
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
        inputs.sides.push(side(DOORS, Cursor::new(doors)));
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
                prop_assert!(row.steps[0].desired.managed.is_sorted_by(|left, right| left.path < right.path));
            }
        }
    }
}

#[test]
fn a_header_of_many_columns_takes_no_quadratic_time() {
    const COLUMNS: usize = 60_000;
    for (name, column) in [
        ("members", "doorInfoMap.d{}.remoteUnlock"),
        ("entries", "doorInfoMap.d{}"),
        ("locations", "locationInfoMap.d{}.locationName"),
        ("guards", "expect.doorInfoMap.d{}.remoteUnlock"),
        ("carried", "_c{}"),
        ("blank", ""),
    ] {
        let mut text = "org_uuid".to_owned();
        for number in 0..COLUMNS {
            text.push(',');
            text.push_str(&column.replace("{}", &number.to_string()));
        }
        text.push_str(&format!("\n{A}{}\n", ",".repeat(COLUMNS)));
        let begun = std::time::Instant::now();
        assert_eq!(rows(inputs(text.into_bytes(), &[])).len(), 1, "{name}");
        // Two columns at a time would take minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{name}: {:?}", begun.elapsed());
    }
}
