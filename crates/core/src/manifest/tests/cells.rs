//! What cells and columns of a manifest mean, and what is refused in them.

use serde_json::json;

use super::*;
use crate::desired::Origin;

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
        desired_values(&row),
        [
            ("apiToken".to_owned(), DesiredValue::Secret("T1".parse().unwrap())),
            set("doorInfoMap.d1.doorName", json!("Front")),
            set("saveClips", json!(true)),
        ]
    );
    assert_eq!(row.steps[0].desired.expects[0].value, json!(null));
    assert_eq!(row.typed.row[5], "'=1");
    assert_eq!(row.typed.row[4], "two\r\nlines");
}

#[test]
fn cells_mean_a_value_each_by_their_column() {
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
        ("{}doorName", "#1 Front door", Some(json!("#1 Front door"))),
        ("{}doorName", r"\#NV", Some(json!("#NV"))),
        ("{}doorName", r"\Fehler:502", Some(json!("Fehler:502"))),
        ("{}doorName", "1.23E+11", Some(json!("1.23E+11"))),
        ("{}doorName", "5\" door", Some(json!("5\" door"))),
        ("{}doorName", "+a", Some(json!("+a"))),
        ("{}doorName", "'=a", Some(json!("'=a"))),
        ("{}clipDuration", " 2147483647 ", Some(json!(i32::MAX))),
        ("{}clipDuration", "-2147483648", Some(json!(i32::MIN))),
        ("{}clipDuration", "10.0", Some(json!(10))),
        ("{}clipDuration", " 10,00", Some(json!(10))),
        ("{}locationUuid", " {A}\u{a0}", Some(json!(A))),
        ("{}subLocationsHierarchyKey", "{A}.{B}", Some(json!(format!("{A}.{B}")))),
        ("{}assignedCameraList", "{A}; {B}", Some(json!([A, B]))),
        ("{}assignedCameraList", "<empty>", Some(json!([]))),
    ] {
        let column = column.replace("{}", door);
        let row = row(&format!("org_uuid;{column}\n{{A}};\"{}\"\n", cell.replace('"', "\"\"")));
        let expected: Vec<_> = expected.into_iter().map(|value| set(&column, value)).collect();
        assert_eq!(desired_values(&row), expected, "{column} {cell:?}");
    }
    let removed = row("org_uuid,doorInfoMap.d\n{A},<remove>\n");
    assert_eq!(desired_values(&removed), [("doorInfoMap.d".to_owned(), DesiredValue::Remove)]);
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
        (
            "doorInfoMap.d.doorName",
            &[
                "=1",
                "#N/A",
                "#n/a",
                " #NV ",
                "#¡VALOR!",
                "#Н/Д",
                "Fehler:502",
                "Err:522 ",
                "＝A1",
                "Loading...",
            ],
            Code::CellSpreadsheet,
        ),
        ("expect.doorInfoMap.d.doorName", &["#ЗНАЧ!", "Err:502"], Code::CellSpreadsheet),
        ("doorInfoMap.d.doorName", &["<b>", " <b", "<secret:A>", "＜null＞"], Code::CellToken),
        ("expect.enabled", &["<keep>", "<remove>"], Code::CellToken),
        ("expect.enabled", &["yes"], Code::CellBool),
        ("expect.doorInfoMap.d", &["x", "<empty>"], Code::CellMap),
        ("skip", &["true", "No", "1", "FALSCH", "#N/A", "=A1", "<null>", "-", "否"], Code::CellSkip),
        ("wave", &["-1", "one", "1.5", "1.000", "1,000", "4294967295"], Code::CellNumber),
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
fn ids_identify_rows_or_are_refused() {
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
fn columns_are_recognised_or_refused() {
    for (header, expected) in [
        ("org_uuid,saveclips", vec![Code::ColCase]),
        ("org_uuid,saveClip,zebra", vec![Code::ColUnknown, Code::ColUnknown]),
        ("org_uuid,enabled, enabled\u{a0}", vec![Code::ColDuplicate]),
        (
            "org_uuid,,tokenValid,expect.apiToken,,",
            vec![Code::ColName, Code::ColUnsettable, Code::ColSecretExpect],
        ),
        ("Org_uuid,enabled", vec![Code::ColCase, Code::ColMissing]),
        ("\u{a0}org_uuid ,\" enabled\"", vec![]),
        ("org_uuid,_a,_a", vec![Code::ColDuplicate]),
        ("org_uuid,Note", vec![Code::ColCase]),
        ("org_uuid,\"ena\nbled\"", vec![Code::RowLineBreak]),
        ("org_uuid,ena\0bled", vec![Code::FileControl]),
        ("org_uuid,\"enabled", vec![Code::RowUnclosed]),
    ] {
        let cells = header
            .split(',')
            .map(|name| match name {
                name if name.contains("uuid") => A,
                // What may be in a refused column isn't known, so nothing in it is a second mistake.
                "Note" => "\"two\nlines\"",
                _ => "",
            })
            .collect::<Vec<_>>()
            .join(",");
        let codes: Vec<_> =
            found(format!("{header}\n{cells}\n"), &[]).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, expected, "{header}");
    }
}

#[test]
fn a_default_holds_where_the_row_says_nothing() {
    let mut inputs = inputs(fill("org_uuid,enabled\n{A},\n{B},false\n{C},<keep>\n"), &[]);
    for (path, desired) in [
        ("saveClips", DesiredValue::Secret("D".parse().unwrap())),
        ("enabled", DesiredValue::Set(json!(true))),
    ] {
        let operation = inputs.operation.clone();
        let path = operation.path(path).unwrap();
        inputs.defaults.operations.push(operation.clone());
        inputs.defaults.all.push(Given { operation, path, desired: Some(desired) });
    }
    let (manifest, _) = read(inputs);
    let mut manifest = manifest.unwrap();
    assert_eq!(manifest.header().secrets.values().collect::<Vec<_>>(), [&None]);
    let rows: Vec<_> = manifest.rows().unwrap().map(Result::unwrap).collect();
    let enabled = |row: &Row| {
        row.steps[0].desired.managed.iter().find(|managed| managed.path.to_string() == "enabled").cloned()
    };
    assert_eq!(enabled(&rows[0]).unwrap().origin, Origin::Default);
    assert_eq!(enabled(&rows[1]).unwrap().desired, DesiredValue::Set(json!(false)));
    assert_eq!(enabled(&rows[2]), None);
    assert_eq!(manifest.rows().unwrap().count(), 3, "rows may be read again");
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
fn a_secret_in_a_wrong_column_is_not_shown_either() {
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
    assert_eq!((none.rows, none.pinned, none.has_names, none.has_expects), (2, 0, false, false));
    assert_eq!(none.carried, ["_t"]);
    let all = header("org_uuid;wave;org_name;expect.enabled;apiToken\n{A};;;;\n{B};0;x;true;<secret:A>\n");
    assert_eq!((all.rows, all.pinned, all.has_names, all.has_expects), (2, 1, true, true));
    assert_eq!(all.secrets.into_iter().collect::<Vec<_>>(), [("A".parse().unwrap(), Some(3))]);
    assert_eq!(all.delimiter, Delimiter::Semicolon);
}
