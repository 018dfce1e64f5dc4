//! Files as spreadsheets and people make them. How each mistake is found is core's to test; here it is that the binary
//! carries it to the user: exit 65, the line and the cell, all at once, and nothing sent.

use std::fs;
use std::path::Path;

use serde_json::Value;

use orgwave_sandbox::Server;

use crate::desk::{ALL, Desk, FAST, of_one};
use crate::org::{Org, uuid};
use crate::vendor::Vendor;

const A: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const B: &str = "BAAAAAAAAAAAAAAAAAAAAA";

/// A name, the file, and the lines and codes that it is refused with.
type Hostile = (&'static str, Vec<u8>, Vec<(u64, &'static str)>);

/// Manifests, and what must be said of them.
fn hostile() -> Vec<Hostile> {
    let text = |text: &str| text.replace("$A", A).replace("$B", B).into_bytes();
    vec![
        ("empty", text(""), vec![(1, "E-FILE-001")]),
        ("a header alone", text("org_uuid,enabled\n"), vec![(1, "E-FILE-002")]),
        ("no header", text("$A,true\n$B,true\n"), vec![(1, "E-COL-004")]),
        (
            "latin-1",
            [text("org_uuid,org_name\n$A,Caf").as_slice(), b"\xe9\n"].concat(),
            vec![(2, "E-FILE-003")],
        ),
        ("NUL", text("org_uuid,note\n$A,a\0b\n"), vec![(2, "E-FILE-004")]),
        ("a lone CR", text("org_uuid,note\n$A,one\rtwo\n"), vec![(2, "E-FILE-005")]),
        ("unknown column", text("org_uuid,saveClip\n$A,true\n"), vec![(1, "E-COL-001")]),
        ("wrong case", text("org_uuid,saveclips\n$A,true\n"), vec![(1, "E-COL-002")]),
        ("column twice", text("org_uuid,enabled,enabled\n$A,true,true\n"), vec![(1, "E-COL-003")]),
        ("no org_uuid", text("org_name,enabled\nx,true\n"), vec![(1, "E-COL-004")]),
        ("server state", text("org_uuid,tokenValid\n$A,true\n"), vec![(1, "E-COL-005")]),
        ("identity", text("org_uuid,orgUuid\n$A,$A\n"), vec![(1, "E-COL-005")]),
        ("expect of a secret", text("org_uuid,expect.apiToken\n$A,x\n"), vec![(1, "E-COL-006")]),
        ("ragged, longer", text("org_uuid,enabled\n$A,true,x\n"), vec![(2, "E-ROW-001")]),
        ("ragged, shorter", text("org_uuid,org_name,enabled\n$A,x\n"), vec![(2, "E-ROW-001")]),
        (
            "unclosed quote",
            text("org_uuid,note,enabled\n$A,\"x,true\n$B,,yes\n"),
            vec![(2, "E-ROW-002"), (3, "E-CELL-003")],
        ),
        ("duplicate org", text("org_uuid,enabled\n$A,true\n$A,true\n"), vec![(3, "E-ROW-003")]),
        (
            "the same bytes",
            text("org_uuid,enabled\n$A,true\nAAAAAAAAAAAAAAAAAAAAAB,true\n"),
            vec![(3, "E-ROW-003")],
        ),
        ("text after a quote", text("org_uuid,note\n$A,\"x\" y\n"), vec![(2, "E-ROW-004")]),
        (
            "line break in a setting",
            text("org_uuid,doorInfoMap.d.doorName\n$A,\"x\ny\"\n"),
            vec![(2, "E-ROW-005")],
        ),
        (
            "whole map and an entry",
            text("org_uuid,doorInfoMap,doorInfoMap.d.doorName\n$A,<null>,x\n"),
            vec![(2, "E-ROW-007")],
        ),
        ("short id", text("org_uuid,enabled\nAAAA,true\n"), vec![(2, "E-CELL-001")]),
        ("padded id", text("org_uuid,enabled\n$A==,true\n"), vec![(2, "E-CELL-001")]),
        ("id with a slash", text("org_uuid,enabled\n/AAAAAAAAAAAAAAAAAAAAA,true\n"), vec![(2, "E-CELL-001")]),
        ("id as a number", text("org_uuid,enabled\n1.23E+11,true\n"), vec![(2, "E-CELL-007")]),
        ("no id", text("org_uuid,enabled\n,true\n"), vec![(2, "E-CELL-012")]),
        (
            "hierarchy key",
            text("org_uuid,doorInfoMap.d.subLocationsHierarchyKey\n$A,$A.\n"),
            vec![(2, "E-CELL-002")],
        ),
        ("boolean", text("org_uuid,enabled\n$A,yes\n"), vec![(2, "E-CELL-003")]),
        ("number", text("org_uuid,doorInfoMap.d.clipDuration\n$A,3.5\n"), vec![(2, "E-CELL-004")]),
        (
            "number too large",
            text("org_uuid,doorInfoMap.d.clipDuration\n$A,2147483648\n"),
            vec![(2, "E-CELL-004")],
        ),
        ("enum", text("org_uuid,badgeFaceVerificationMode\n$A,ON\n"), vec![(2, "E-CELL-005")]),
        ("token", text("org_uuid,enabled\n$A,<NULL>\n"), vec![(2, "E-CELL-006")]),
        ("markup", text("org_uuid,doorInfoMap.d.doorName\n$A,<b>x</b>\n"), vec![(2, "E-CELL-006")]),
        ("#N/A", text("org_uuid,enabled\n$A,#N/A\n"), vec![(2, "E-CELL-007")]),
        ("formula", text("org_uuid,doorInfoMap.d.doorName\n$A,=A2\n"), vec![(2, "E-CELL-007")]),
        ("raw secret", text("org_uuid,apiToken\n$A,hunter2hunter2\n"), vec![(2, "E-CELL-008")]),
        ("bad secret name", text("org_uuid,apiToken\n$A,<secret:lower>\n"), vec![(2, "E-CELL-008")]),
        (
            "hole in a list",
            text("org_uuid,doorInfoMap.d.assignedCameraList\n$A,$A;;$B\n"),
            vec![(2, "E-CELL-009")],
        ),
        ("skip without a reason", text("org_uuid,skip\n$A,TRUE\n"), vec![(2, "E-CELL-010")]),
        ("value for a map", text("org_uuid,doorInfoMap\n$A,x\n"), vec![(2, "E-CELL-011")]),
        ("wave", text("org_uuid,wave\n$A,first\n"), vec![(2, "E-CELL-004")]),
        ("utf-16 without a mark", b"o\0r\0g\0_\0u\0u\0i\0d\0\n\0".to_vec(), vec![(1, "E-FILE-004")]),
        ("classic Macintosh", text("org_uuid,note\r$A,x\r"), vec![(1, "E-FILE-005")]),
    ]
}

#[test]
fn hostile_manifests_are_refused_with_place_and_no_call() {
    let desk = Desk::new();
    let vendor = Vendor::start(Server::Merge, []);
    for (name, bytes, wanted) in hostile() {
        desk.write("orgs.csv", &bytes);
        let ran = desk.run_bare("check orgs.csv --json").expect(65);
        let problems: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found: Vec<(u64, &str)> = problems
            .iter()
            .filter(|problem| problem["code"].as_str().unwrap().starts_with('E'))
            .map(|problem| (problem["line"].as_u64().unwrap_or(1), problem["code"].as_str().unwrap()))
            .collect();
        for place in &wanted {
            assert!(found.contains(place), "{name}: no {place:?} in {found:?}");
        }
        for command in ["check", "plan", "apply --yes"] {
            let ended = desk.run(&vendor, &format!("{command} orgs.csv")).expect(65);
            for (line, code) in &wanted {
                assert!(ended.err.contains(code), "{name}: no {code} in {}", ended.err);
                assert!(
                    ended.err.contains(&format!("orgs.csv:{line}")) || found.len() == 1 && *line == 1,
                    "{name}: {}",
                    ended.err
                );
            }
            assert_eq!((ended.run, ended.plan), (None, None), "{name}");
        }
    }
    assert_eq!(vendor.seen().len(), 0);
}

#[test]
fn hostile_files_of_the_inputs_never_make_it_panic() {
    let desk = Desk::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs/hostile");
    let mut refused = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let ended = desk.run_bare(&format!("check {}", path.display()));
            assert!([0, 65].contains(&ended.code), "{}: {}", path.display(), ended.code);
            // What is printed of a file holds no control character of it, on a terminal least of all.
            assert!(!ended.err.chars().any(|c| c.is_control() && c != '\n'), "{}", path.display());
            refused += usize::from(ended.code == 65);
        }
    }
    assert!(refused > 15);
}

#[test]
fn harmless_oddities_reach_the_orgs_they_mean() {
    let plain = format!("org_uuid,org_name,saveClips\n{},Org 0,true\n{},Org 1,TRUE\n", uuid(0), uuid(1));
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    for (name, bytes) in [
        ("plain", plain.clone().into_bytes()),
        ("a mark", format!("\u{feff}{plain}").into_bytes()),
        ("CRLF", plain.replace('\n', "\r\n").into_bytes()),
        ("no last newline", plain.trim_end().as_bytes().to_vec()),
        ("semicolons", plain.replace(',', ";").into_bytes()),
        ("tabs", plain.replace(',', "\t").into_bytes()),
        ("UTF-16, little", utf16(&plain.replace(',', "\t").replace('\n', "\r\n"), false)),
        ("UTF-16, big", utf16(&plain, true)),
        ("blank rows", plain.replace('\n', "\n\n , ,\u{a0}\n").into_bytes()),
        (
            "no-break spaces",
            plain.replace(",true", ",\u{a0}true\u{a0}").replace(",TRUE", ", True ").into_bytes(),
        ),
        ("quotes", plain.replace("Org 0", "\"Org 0\"").replace("true", "\"true\"").into_bytes()),
        ("a space around a name", plain.replace("Org 0", " Org 0 ").into_bytes()),
    ] {
        let desk = Desk::new();
        let orgs = [Org::new(0), Org::new(1)];
        desk.write("orgs.csv", bytes);
        let vendor = Vendor::start(Server::Merge, orgs.clone());
        let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}"));
        assert_eq!(ended.code, 0, "{name}: {}", ended.err);
        for org in &orgs {
            assert_eq!(vendor.settings(&org.uuid), org.clone().with("saveClips", "true").settings, "{name}");
        }
    }
}

#[test]
fn odd_names_and_texts_go_through_unharmed() {
    let names =
        ["../../x", "CON", "<script>alert(1)</script>", "Über \u{1F600} GmbH", "a;b,c", "=1+1", "'quoted"];
    let desk = Desk::new();
    let orgs: Vec<Org> = names.iter().enumerate().map(|(n, name)| Org::new(n).named(name)).collect();
    let rows = orgs.iter().map(|org| {
        // In a cell, a spreadsheet's guard is before what would be a formula.
        let name = if org.name.starts_with('=') { format!("'{}", org.name) } else { org.name.clone() };
        (org, format!("\"{name}\",\\=SUM(A1),\"two\nlines\""))
    });
    desk.manifest("org_name,doorInfoMap.new.doorName,note", rows);
    let vendor = Vendor::start(Server::Replace, orgs.clone());
    let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(0);
    for org in &orgs {
        let doors: Value =
            serde_json::from_str(&vendor.settings(&org.uuid)["doorInfoMap"].replace("1e400", "0")).unwrap();
        assert_eq!(doors["new"]["doorName"], "=SUM(A1)");
        let row = ended.result(&org.uuid);
        assert_eq!(row["note"], "two\nlines");
        let wanted = if org.name.starts_with('=') { format!("'{}", org.name) } else { org.name.clone() };
        assert_eq!(row["org_name"], wanted);
    }
    // Names are no paths: every file lies where it belongs.
    assert_eq!(fs::read_dir(ended.file("orgs")).unwrap().count(), orgs.len());
}

#[test]
fn all_problems_come_at_once_but_a_terminal_gets_a_thousand() {
    let desk = Desk::new();
    // Each names another org, so they aren't one mistake.
    let org = |line: usize| uuid(line % 750);
    let rows: String = (0..2250).map(|line| format!("{},true\n", org(line))).collect();
    desk.write("orgs.csv", format!("org_uuid,enabled\n{rows}"));
    let shown = desk.run_bare("check orgs.csv").expect(65);
    assert_eq!(shown.err.matches("E-ROW-003").count(), 1000);
    assert!(shown.err.contains("1,500 errors"), "{}", shown.err.lines().last().unwrap());
    let all = desk.run_bare("check orgs.csv --json").expect(65);
    let lines: Vec<u64> = all
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, (752..2252).collect::<Vec<u64>>());
}

#[test]
fn mistakes_in_side_tables_and_rollouts_name_their_file() {
    let desk = Desk::new();
    let vendor = Vendor::start(Server::Merge, []);
    desk.write("orgs.csv", format!("org_uuid,enabled\n{A},true\n"));
    desk.write(
        "doors.csv",
        format!("org_uuid,door_key,doorName,remoteUnlock\n{B},d1,Front,\n{A},d1,Front,maybe\n"),
    );
    desk.write("rollout.toml", "[rollout]\norgs = \"orgs.csv\"\ndoors = \"doors.csv\"\n");
    for command in ["check", "plan", "apply --yes"] {
        desk.run(&vendor, &format!("{command} rollout.toml"))
            .expect(65)
            .says("doors.csv:2")
            .says("E-SIDE-001")
            .says("doors.csv:3")
            .says("E-CELL-003");
    }
    for (toml, code) in [
        ("[rollout\n", "E-ROLL-001"),
        ("[rollout]\norg = \"orgs.csv\"\n", "E-ROLL-002"),
        ("[rollout]\norgs = 7\n", "E-ROLL-003"),
        ("[rollout]\norgs = \"orgs.csv\"\n[settings]\nenabled = [true]\n", "E-ROLL-004"),
        ("[limits]\nrate = \"8/s\"\n", "E-ROLL-005"),
    ] {
        desk.write("bad.toml", toml);
        let ended = desk.run(&vendor, "apply bad.toml --yes").expect(65);
        assert!(ended.err.contains(code) && ended.err.contains("bad.toml"), "{code}: {}", ended.err);
    }
    assert_eq!(vendor.seen().len(), 0);
}

#[test]
fn one_manifest_holds_settings_of_several_operations() {
    let desk = Desk::new();
    desk.write(
        "orgs.csv",
        format!(
            "org_uuid,group,org-mfa:mfaEnabled,toast:enabled,saveClips\n{A},gold,true,,\n{B},,,false,true\n"
        ),
    );
    desk.write("restaurants.csv", format!("org_uuid,restaurant_key,locationName\n{A},r1,North\n"));
    let toml = "[rollout]\norgs = \"orgs.csv\"\n[operation.toast]\nrestaurants = \"restaurants.csv\"\n\
                [group.gold.operation.org-llm.settings]\nllmUsageEnabled = false\n";
    desk.write("rollout.toml", toml);
    let said = desk.run_bare("check rollout.toml").expect(0).out;
    let steps = "2 orgs, toast:restaurants; steps of an org: org-mfa, toast, envoy, org-llm; no problems";
    assert!(said.contains(steps), "{said}");
    desk.run_bare("check orgs.csv").expect(65).says("E-COL-009 group");
    desk.write("rollout.toml", toml.replace("gold", "Gold").replace("toast", "tost"));
    desk.run_bare("check rollout.toml")
        .expect(65)
        .says("rollout.toml:3: E-ROLL-007")
        .says("did you mean toast?")
        .says("orgs.csv:2: E-CELL-013 group")
        .says("did you mean \"Gold\"?");
}

#[test]
fn a_retry_has_its_runs_operations_defaults_groups_tables() {
    let desk = Desk::new();
    desk.write(
        "orgs.csv",
        format!("org_uuid,group,toast:enabled,saveClips\n{A},,true,true\n{B},gold,false,true\n"),
    );
    desk.write("restaurants.csv", format!("org_uuid,restaurant_key,locationName\n{A},r1,x\n{B},r2,North\n"));
    desk.write("doors.csv", format!("org_uuid,door_key,doorName\n{B},d,Front\n"));
    let toml = "[rollout]\norgs = \"orgs.csv\"\ndoors = \"doors.csv\"\n[group.gold.operation.org-llm.settings]\n\
                llmUsageEnabled = false\n[operation.toast]\nrestaurants = \"restaurants.csv\"\n\
                settings = { currentToastRestaurantGuid = \"g\" }\n[operation.org-mfa.settings]\n\
                mfaEnabled = true\n[sandbox]\nfaults = [\"429 retry-after=901 on write of $B nth 1\"]\n";
    desk.write("rollout.toml", toml.replace("$B", B));
    let steps = "steps of an org: toast, envoy, org-llm, org-mfa;";
    let said = desk.run_bare("check rollout.toml").expect(0).out;
    assert!(said.contains(steps), "{said}");
    let ended = desk.run_bare(&format!("apply rollout.toml --sandbox {ALL} {FAST} --allow clears,unproven"));
    let retry = ended.file("retry.toml");
    let text = fs::read_to_string(&retry).unwrap();
    let said = desk.run_bare(&format!("check {}", retry.display())).expect(0).out;
    assert!(said.contains("1 org, ") && said.contains(steps), "{said}\n{text}");
    assert!(text.contains("[group.gold.operation.org-llm.settings]\nllmUsageEnabled = false\n"), "{text}");
    assert!(text.contains("[operation.toast]\nrestaurants = \"retry-toast-restaurants.csv\"\n"), "{text}");
    assert!(text.contains("[operation.envoy]\ndoors = \"retry-doors.csv\"\n"), "{text}");
}

#[test]
fn a_bare_csv_is_of_the_operation_that_is_asked_for() {
    let desk = Desk::new();
    desk.write("orgs.csv", format!("org_uuid,mfaEnabled,envoy:saveClips\n{A},true,true\n"));
    desk.run_bare("check orgs.csv").expect(65).says("did you mean \"org-mfa:mfaEnabled\"?");
    let said = desk.run_bare("check orgs.csv --operation org-mfa").expect(0).out;
    assert!(said.contains("steps of an org: org-mfa, envoy;"), "{said}");
    desk.run_bare("check orgs.csv --operation org-mfs").expect(64).says("did you mean org-mfa?");
    desk.write("rollout.toml", "[rollout]\norgs = \"orgs.csv\"\noperation = \"org-mfa\"\n");
    desk.run_bare("check rollout.toml").expect(0);
    desk.run_bare("check rollout.toml --operation org-mfa").expect(0);
    desk.run_bare("plan rollout.toml --operation envoy")
        .expect(64)
        .says("--operation envoy is for a bare CSV: this rollout file is about org-mfa");
    desk.with_variable("ORGWAVE_OPERATION", "org-mfa").run_bare("check orgs.csv").expect(0);
}

#[test]
fn invisible_characters_of_a_name_are_shown_as_code_points() {
    let org = Org::new(1).named("Acme\u{202e}\u{200b} Inc");
    let (desk, vendor) = of_one(Server::Merge, &org, "org_name,saveClips", "Acme,true");
    let blocked = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(3);
    let said = "expected the name \"Acme\", found \"Acme<U+202E><U+200B> Inc\"";
    assert_eq!(blocked.result(&org.uuid)["error_message"], said);
    assert!(blocked.out.contains("<U+202E>"), "{}", blocked.out);
    desk.manifest("org_name,saveClips", [(&org, format!("{},true", org.name))]);
    let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(0);
    assert_eq!(ended.result(&org.uuid)["org_name"], org.name);
    for page in [blocked.file("report.md"), ended.file("report.html"), ended.file("junit.xml")] {
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.contains("U+202E") && !text.contains('\u{202e}'), "{}", page.display());
    }
}
