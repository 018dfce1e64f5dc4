//! What spreadsheets make of a manifest, in any language, and what the binary then does to orgs.

use serde_json::Value;

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Desk, FAST};
use crate::org::{Org, uuid};
use crate::vendor::{Fault, Vendor};

#[test]
fn error_values_of_other_languages_do_not_reach_an_org() {
    let (desk, org) = (Desk::new(), Org::new(0));
    let vendor = Vendor::start(Server::Merge, [org.clone()]);
    for cell in [
        "#NV",
        "#¡VALOR!",
        "#Н/Д",
        "#ЗНАЧ!",
        "#BEZUG!",
        "Fehler:502",
        "Err:522",
        "＃ＶＡＬＵＥ！",
        "\u{200b}#NV",
        "#N\u{2060}/A",
        "Loading...",
    ] {
        desk.manifest(r"doorInfoMap.d\.1.doorName", [(&org, cell.to_owned())]);
        desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(65).says("E-CELL-007").says("`\\`");
    }
    assert_eq!(vendor.seen().len(), 0);
    for (cell, name) in [(r"\#NV", "#NV"), ("#1 Front door", "#1 Front door"), (r"\Fehler:502", "Fehler:502")]
    {
        desk.manifest(r"doorInfoMap.d\.1.doorName", [(&org, cell.to_owned())]);
        desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(0);
        assert!(vendor.settings(&org.uuid)["doorInfoMap"].contains(name), "{name}");
    }
}

#[test]
fn a_skip_without_a_reason_is_refused_with_a_hint() {
    let (desk, org) = (Desk::new(), Org::new(0));
    let vendor = Vendor::start(Server::Merge, [org.clone()]);
    for cell in [
        "#N/A",
        "=IF(A1)",
        "FALSCH",
        "FAUX",
        "n/a",
        "-",
        "none",
        "null",
        "<null>",
        "off",
        "否",
        "ЛОЖЬ",
        "いいえ",
    ] {
        desk.manifest("saveClips,skip", [(&org, format!("true,{cell}"))]);
        for command in ["check", "plan", "apply --yes -q"] {
            desk.run(&vendor, &format!("{command} orgs.csv"))
                .expect(65)
                .says("E-CELL-010")
                .says("add a word");
        }
    }
    assert_eq!(vendor.seen().len(), 0);
    desk.manifest("saveClips,skip", [(&org, "true,off until May".to_owned())]);
    desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(0);
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn a_run_in_which_every_row_is_skipped_or_blocked_says_so() {
    const WARNING: &str = "warning: nothing can be applied";
    let desk = Desk::new();
    let orgs = [Org::new(0), Org::new(1)];
    let vendor = Vendor::start(Server::Merge, [orgs[0].clone()]);
    desk.manifest("saveClips,skip", [(&orgs[0], "true,closed".to_owned()), (&orgs[1], "true,".to_owned())]);
    for line in
        ["plan orgs.csv", "plan orgs.csv -q", "apply orgs.csv --yes -q", "apply orgs.csv --unattended -q"]
    {
        let ended =
            desk.run(&vendor, &format!("{line} {FAST}")).says(WARNING).says("1 skipped").says("1 blocked");
        assert_eq!(ended.err.matches(WARNING).count(), 1, "{line}");
    }
    desk.run(&vendor, &format!("plan orgs.csv -o plan.jsonl {FAST}")).says(WARNING);
    desk.run(&vendor, &format!("apply plan.jsonl --yes -q {FAST}")).says(WARNING);
    desk.manifest("saveClips,skip", [(&orgs[0], "true,".to_owned()), (&orgs[1], "true,closed".to_owned())]);
    let ended = desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0);
    assert!(!ended.err.contains(WARNING), "{}", ended.err);
}

/// The orgs of a vendor, in the order in which they were written.
fn order(vendor: &Vendor, orgs: &[Org]) -> Vec<usize> {
    let place = |uuid: &str| orgs.iter().position(|org| org.uuid == uuid).unwrap();
    vendor.of(Route::Write).iter().map(|write| place(write.org().unwrap())).collect()
}

#[test]
fn one_pinned_row_leaves_the_others_their_waves() {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..22).map(Org::new).collect();
    let wave = |n: usize| {
        if n == 20 {
            "1"
        } else if n == 21 {
            "0"
        } else {
            ""
        }
    };
    let rows = || orgs.iter().enumerate().map(|(n, org)| (org, format!("true,{}", wave(n))));
    desk.manifest("saveClips,wave", rows());
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    // 20 orgs aren't pinned: 1, 5 % of them, 25 % of them, rest.
    let planned = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
    let words = "Waves: 1 (pinned to wave 0), then 1 (pinned to wave 1), then 1, then 1, then 5, then 13";
    assert!(planned.out.contains(words), "{}", planned.out);
    desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0);
    let order = order(&vendor, &orgs);
    assert_eq!(order[..4], [21, 20, 0, 1]);
    assert_eq!(order.len(), 22);

    // Pinned orgs that go first are a canary, even where the others go at once.
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    vendor.on(Fault::status(500, &[], "").on(Route::Write));
    desk.run(&vendor, &format!("apply orgs.csv --yes --waves rest {FAST}")).expect(4);
    assert!(
        vendor.of(Route::Write).iter().all(|write| write.org() == Some(&*orgs[21].uuid)),
        "the pinned canary"
    );
    desk.write(
        "rollout.toml",
        "[rollout]\norgs = \"orgs.csv\"\n[limits]\nwaves = [\"2\", \"50%\", \"rest\"]\n",
    );
    let planned = desk.run(&vendor, &format!("plan rollout.toml {FAST}")).expect(0);
    assert!(planned.out.contains("then 2, then 10, then 8"), "{}", planned.out);
}

#[test]
fn waves_are_refused_only_where_every_row_is_pinned() {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..3).map(Org::new).collect();
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    for (waves, code) in [(["1", "2", "2"], 64), (["1", "", "2"], 0), (["", "", ""], 0)] {
        desk.manifest(
            "saveClips,wave",
            orgs.iter().zip(waves).map(|(org, wave)| (org, format!("true,{wave}"))),
        );
        desk.run(&vendor, &format!("plan orgs.csv --waves 1,rest {FAST}")).expect(code);
    }
    desk.manifest(
        "saveClips,wave",
        orgs.iter().zip(["5.0", "3", "3"]).map(|(org, wave)| (org, format!("true,{wave}"))),
    );
    desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0);
    assert_eq!(order(&vendor, &orgs)[2], 0);
}

#[test]
fn files_of_spreadsheets_are_read_or_named() {
    let desk = Desk::new();
    let org = Org::new(0);
    let vendor = Vendor::start(Server::Merge, [org.clone()]);
    for (name, text) in [
        ("sep", "sep=;\r\norg_uuid;saveClips;note\r\n$A;true;a, b\r\n"),
        ("blank columns", "org_uuid,saveClips,,,\n$A,true,,,\n"),
        ("blank columns that the rows leave out", "org_uuid,saveClips,,\n$A,true\n"),
        ("a decimal", "org_uuid,wave,saveClips\n$A,10.0,true\n"),
    ] {
        desk.write("orgs.csv", text.replace("$A", &org.uuid));
        let ended = desk.run(&vendor, "check orgs.csv").expect(0);
        assert_eq!(ended.err, "", "{name}");
        assert!(ended.out.contains("cells separated by"), "{name}: {}", ended.out);
        let ended = desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0);
        assert_eq!(ended.results().len(), 1, "{name}");
    }
    desk.write(
        "orgs.csv",
        format!("Clients of the north,,\n\norg_uuid,saveClips,note\n{},true,\n", org.uuid),
    );
    let ended = desk.run(&vendor, "check orgs.csv").expect(65).says("orgs.csv:1: E-COL-004").says("line 3");
    assert!(ended.err.contains("1 error,"), "{}", ended.err);
    for (file, bytes, named) in [
        ("a.xlsx", &b"PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml xl/workbook.xml"[..], ".xlsx"),
        ("a.csv", b"PK\x03\x04\x14\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ".ods"),
        ("a.ods", b"PK\x03\x04\x14\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ".ods"),
        ("a.numbers", b"PK\x03\x04\x14\0\0\0Index/Document.iwa", ".numbers"),
        ("a.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0", ".xls"),
    ] {
        desk.write(file, bytes);
        for command in ["check", "plan", "apply --yes"] {
            let ended =
                desk.run(&vendor, &format!("{command} {file}")).expect(65).says("E-FILE-007").says(named);
            assert!(ended.err.contains("1 error,"), "{}", ended.err);
        }
    }
}

#[test]
fn a_wrong_column_is_one_error_on_a_terminal_but_all_in_json() {
    let desk = Desk::new();
    let rows: String = (0..600).map(|n| format!("{},WAHR\n", uuid(n))).collect();
    desk.write("orgs.csv", format!("org_uuid,enabled\n{rows}"));
    let shown = desk.run_bare("check orgs.csv").expect(65).says("600 rows: lines 2-601").says("1 error,");
    assert_eq!(shown.err.matches("E-CELL-003").count(), 1);
    let all = desk.run_bare("check orgs.csv --json").expect(65);
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["line"].as_u64().unwrap();
    assert_eq!(all.out.lines().map(line).collect::<Vec<u64>>(), (2..602).collect::<Vec<u64>>());
}

#[test]
fn a_name_is_compared_as_people_read_it() {
    let desk = Desk::new();
    for (typed, live, code) in
        [("Café Nord", "Cafe\u{301} Nord", 0), ("Café\u{a0}Nord", "Café Nord", 0), ("Acme", "\u{410}cme", 3)]
    {
        let org = Org::new(0).named(live);
        let vendor = Vendor::start(Server::Merge, [org.clone()]);
        desk.manifest("org_name,saveClips", [(&org, format!("{typed},true"))]);
        let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(code);
        let message = ended.result(&org.uuid)["error_message"].clone();
        assert_eq!(message.contains("U+0041") && message.contains("U+0410"), code == 3, "{message}");
    }
}
