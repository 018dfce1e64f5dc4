//! What the client list says of orgs, and what `--only` and `--skip` select of them.

use orgwave_sandbox::{Route, Server};

use crate::desk::{Desk, Ended, FAST};
use crate::org::Org;
use crate::vendor::{Fault, Seen, Vendor};

/// A desk with a manifest of these orgs, and their vendor.
fn settled(orgs: &[Org]) -> (Desk, Vendor) {
    let desk = Desk::new();
    desk.manifest("saveClips", orgs.iter().map(|org| (org, "true".to_owned())));
    (desk, Vendor::start(Server::Merge, orgs.to_vec()))
}

/// Runs a command whose arguments hold spaces.
fn run(desk: &Desk, vendor: &Vendor, args: &[&str]) -> Ended {
    let mut command = desk.command();
    command.args(args).args(FAST.split_whitespace());
    command.args(["--endpoint", &vendor.url(), "--token-file", "key"]);
    desk.spawn(command).wait()
}

/// A list of these records.
fn list(records: &[String]) -> Fault {
    Fault::ok(&format!(r#"{{"clients":[{}]}}"#, records.join(",")))
}

fn record(org: &Org, more: &str) -> String {
    format!(r#"{{"clientOrgUuid":"{}","clientOrgName":"{}"{more}}}"#, org.uuid, org.name)
}

#[test]
fn a_pattern_without_a_match_is_64_before_anything_is_read() {
    let orgs = [Org::new(1).named("Acme"), Org::new(2).named("Zoë Ltd")];
    let (desk, vendor) = settled(&orgs);
    desk.write("frozen.txt", "Acme\nZoe Ltd\n");
    for (pattern, meant) in [
        ("Acem", "did you mean \"Acme\"?"),
        ("ACME", "did you mean \"Acme\"?"),
        ("zo?*", "did you mean \"Zoë Ltd\"?"),
        ("Acme,Zoë Ltd", "give"),
        ("@frozen.txt", "(frozen.txt, line 2) matches no org; did you mean \"Zoë Ltd\"?"),
        ("", "it is empty"),
        ("nothing like it", "matches no org"),
    ] {
        for flag in ["--only", "--skip"] {
            for command in
                [&["plan", "orgs.csv"][..], &["apply", "orgs.csv", "--yes"], &["export", "-o", "out"]]
            {
                let args = [command, &[flag, pattern]].concat();
                // `export` shows no progress that could be omitted.
                let ended = if command[0] == "export" {
                    let mut export = desk.command();
                    export.args(&args).args(["--endpoint", &vendor.url(), "--token-file", "key"]);
                    desk.spawn(export).wait()
                } else {
                    run(&desk, &vendor, &args)
                };
                let ended = ended.expect(64).says(meant).says(flag);
                assert!(ended.run.is_none() && ended.plan.is_none(), "{args:?}");
            }
        }
    }
    assert_eq!(vendor.of(Route::Read).len() + vendor.of(Route::Write).len(), 0);
    run(&desk, &vendor, &["plan", "orgs.csv", "--skip", "@gone.txt"]).expect(66);
    assert!(!desk.path("out").exists());
}

#[test]
fn a_selection_takes_live_names_lookalikes_and_files() {
    let orgs = [Org::new(1).named("Acme"), Org::new(2).named("Zo\u{eb} Ltd"), Org::new(3).named("Third")];
    let (desk, vendor) = settled(&orgs);
    desk.write("some.txt", "\u{feff}Zoe\u{308}*\r\n\r\nTh?rd\r\n");
    for skip in
        [&["--skip", "Zoe\u{308} Ltd ", "--skip", "Third"][..], &["--only", "Acme"], &["--skip", "@some.txt"]]
    {
        let ended = run(&desk, &vendor, &[&["apply", "orgs.csv", "--yes"], skip].concat()).expect(0);
        assert_eq!(ended.statuses()[1..], ["skipped", "skipped"], "{skip:?}");
    }
    assert_eq!(vendor.of(Route::Write).len(), 1);
}

#[test]
fn one_unreadable_record_of_another_client_stops_nothing() {
    let orgs = [Org::new(1), Org::new(2), Org::new(3)];
    let (desk, vendor) = settled(&orgs);
    let missing = &orgs[2];
    for (other, named) in [
        (r#"{"clientOrgUuid":null,"clientOrgName":"Pending"}"#.to_owned(), "record 1, \"Pending\""),
        (r#"{"clientOrgName":"No id"}"#.to_owned(), "\"No id\""),
        (format!(r#"{{"clientOrgUuid":"{}","clientOrgName":42}}"#, missing.uuid), "`clientOrgName`"),
        (format!(r#"{{"clientOrgUuid":"{}","clientOrgName":"x\ud800"}}"#, missing.uuid), "`clientOrgName`"),
        ("null".to_owned(), "null instead of an object"),
    ] {
        vendor.behave();
        let records = [other.clone(), record(&orgs[0], ""), record(&orgs[1], "")];
        vendor.on(list(&records).on(Route::Clients));
        let ended = run(&desk, &vendor, &["apply", "orgs.csv", "--yes"]).expect(3).says(named);
        assert!(!ended.err.contains("can't be reached"), "{}", ended.err);
        let result = ended.result(&missing.uuid);
        assert_eq!((&*result["status"], &*result["error_code"]), ("blocked", "E-ORG-002"), "{other}");
        assert!(result["error_message"].contains("can't be read"), "{}", result["error_message"]);
        assert!(ended.statuses()[..2].iter().all(|status| ["applied", "unchanged"].contains(&&**status)));
    }
}

#[test]
fn a_list_that_is_no_list_is_an_answer_that_cannot_be_used() {
    let orgs = [Org::new(1)];
    let (desk, vendor) = settled(&orgs);
    for body in [
        r#"{"clients":null}"#,
        r#"{"clients":{}}"#,
        r#"{"partnerClients":[]}"#,
        r#"{"clients":[{"orgUuid":"x"}]}"#,
        r#"{"error":true,"errorMsg":"later"}"#,
        "<html>",
    ] {
        vendor.behave();
        vendor.on(Fault::ok(body).on(Route::Clients));
        for line in ["plan orgs.csv", "apply orgs.csv --yes", "check orgs.csv --online"] {
            let fast = if line.starts_with("check") { "--rate unlimited" } else { FAST };
            let ended = desk
                .run(&vendor, &format!("{line} {fast}"))
                .expect(69)
                .says("the API sent an unusable reply");
            assert!(!ended.err.contains("can't be reached"), "{body}: {}", ended.err);
        }
    }
    assert_eq!(vendor.of(Route::Read).len(), 0);
}

#[test]
fn an_org_closed_to_the_partner_is_blocked_while_planning() {
    let orgs = [Org::new(1), Org::new(2), Org::new(3), Org::new(4)];
    let (desk, vendor) = settled(&orgs);
    vendor.on(list(&[
        record(&orgs[0], r#","clientAccessAllowed":false"#),
        record(&orgs[1], r#","clientAccessAllowed":true,"deactivated":true"#),
        record(&orgs[2], r#","clientAccessAllowed":null,"deactivated":null"#),
        record(&orgs[3], ""),
    ])
    .on(Route::Clients));
    let ended = run(&desk, &vendor, &["apply", "orgs.csv", "--yes"]).expect(3);
    let said: Vec<(String, String)> =
        ended.results().iter().map(|row| (row["status"].clone(), row["error_code"].clone())).collect();
    let expected = [("blocked", "E-ORG-011"), ("blocked", "E-ORG-012"), ("applied", ""), ("applied", "")];
    assert!(said.iter().map(|(status, code)| (&**status, &**code)).eq(expected), "{said:?}");
    for org in &orgs[..2] {
        assert!(vendor.seen().iter().all(|seen| seen.org() != Some(&org.uuid)), "{} was asked", org.name);
    }
    // Where the list isn't asked, nothing is known of it.
    run(&desk, &vendor, &["plan", "orgs.csv", "--no-read"]).expect(0);

    let mut shown = desk.run(&vendor, "orgs --rate unlimited").expect(0).out;
    assert!(shown.contains("Org 1  the client doesn't allow partner access"), "{shown}");
    assert!(shown.contains("Org 2  the org is deactivated"), "{shown}");
    shown = desk.run(&vendor, "orgs --format csv --rate unlimited").expect(0).out;
    assert!(shown.contains("org_uuid,org_name,_clientAccessAllowed,_deactivated\r\n"), "{shown}");
    assert!(shown.contains(",Org 1,false,\r\n") && shown.contains(",Org 2,true,true\r\n"), "{shown}");
    assert!(shown.contains(",Org 3,,\r\n"), "{shown}");
    desk.write("starter.csv", &shown);
    run(&desk, &vendor, &["plan", "starter.csv"]).expect(0);
    let doctor = desk.run(&vendor, "doctor --rate unlimited");
    assert!(doctor.out.contains("1 without partner access, 1 deactivated"), "{}", doctor.out);
}

#[test]
fn a_plan_of_which_nothing_can_be_applied_ends_with_3() {
    let orgs = [Org::new(1), Org::new(2), Org::new(3).not_connected()];
    let (desk, vendor) = settled(&orgs);
    desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
    desk.run(&vendor, &format!("plan orgs.csv --strict {FAST}")).expect(3);
    desk.run(&vendor, &format!("plan orgs.csv --strict --skip {} {FAST}", orgs[2].uuid)).expect(0);
    for cells in [["x,", "x,", "x,"], ["x,", "x,", ",skipped on purpose"]] {
        desk.manifest(
            "saveClips,org_name,skip",
            orgs.iter().zip(cells).map(|(org, cells)| (org, format!("true,{cells}"))),
        );
        for line in
            ["plan orgs.csv", "plan orgs.csv -q", "plan orgs.csv --strict", "apply orgs.csv --dry-run"]
        {
            let ended = desk.run(&vendor, &format!("{line} {FAST}")).expect(3);
            assert!(ended.out.contains("blocked"), "{line}: {}", ended.out);
        }
        desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(3);
    }
    desk.manifest("saveClips,skip", orgs.iter().map(|org| (org, "true,not now".to_owned())));
    desk.run(&vendor, &format!("plan orgs.csv --strict {FAST}")).expect(0);
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn check_online_judges_as_a_plan_does_with_one_list_call() {
    let orgs = [Org::new(1), Org::new(2), Org::new(3).not_connected(), Org::new(4), Org::new(5)];
    let desk = Desk::new();
    let cells = ["true,Org 1,", "true,Another,", "true,,", "true,,true", "true,,"];
    let rows = orgs.iter().zip(cells).map(|(org, cells)| (org, cells.to_owned()));
    desk.manifest("saveClips,org_name,expect.enabled", rows.clone());
    let vendor = Vendor::start(Server::Merge, orgs[..4].to_vec());
    vendor.edit(&orgs[3].uuid, "enabled", "false");
    let ended = desk.run(&vendor, "check orgs.csv --online --rate unlimited").expect(65).says("4 problems");
    let said: Vec<&str> = ended.err.lines().filter(|line| line.contains("E-")).collect();
    for (line, code) in said.iter().zip(["3: E-ORG-001", "4: E-ORG-005", "5: E-ORG-003", "6: E-LIVE-001"]) {
        assert!(line.contains(code), "{code} in {line}");
    }
    assert_eq!((said.len(), vendor.of(Route::Clients).len()), (4, 1));
    let json = desk.run(&vendor, "check orgs.csv --online --rate unlimited --json").expect(65).out;
    assert!(json.lines().count() == 4 && json.lines().all(|line| line.contains("\"code\"")), "{json}");
    desk.manifest("saveClips,org_name,expect.enabled", rows.take(1));
    desk.run(&vendor, "check orgs.csv --online --rate unlimited").expect(0);
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn more_problems_than_are_shown_are_said_to_be_more() {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..1_003).map(Org::new).collect();
    desk.manifest("saveClips", orgs.iter().map(|org| (org, "true".to_owned())));
    let vendor = Vendor::start(Server::Merge, orgs[..1].to_vec());
    let ended = desk.run(&vendor, "check orgs.csv --online --rate unlimited").expect(65);
    assert_eq!(ended.err.matches("E-LIVE-001").count(), 1_000);
    assert!(ended.err.contains("1,002 problems; the first 1,000 are shown"), "{}", ended.err);
}

#[test]
fn cameras_are_listed_for_orgs_that_name_new_ones_at_once() {
    const CAMERA: &str = "BBBBBBBBBBBBBBBBBBBBBA";
    let live = format!(r#"{{"d1":{{"assignedCameraList":["{CAMERA}"]}}}}"#);
    let orgs: Vec<Org> = (0..12).map(|n| Org::new(n).with("doorInfoMap", &live)).collect();
    let camera = |n: usize| if n < 6 { CAMERA } else { "CCCCCCCCCCCCCCCCCCCCCA" };
    let desk = Desk::new();
    let cells = orgs.iter().enumerate().map(|(n, org)| (org, camera(n).to_owned()));
    desk.manifest("doorInfoMap.d1.assignedCameraList", cells);
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    // This vendor has no cameras to tell of.
    let none = Fault::status(404, &[], r#"{"error":"Not Found","msg":"no such path"}"#).on(Route::Cameras);
    vendor.on(none.clone().hold());
    let running = desk.start(&vendor, "check orgs.csv --online --rate unlimited --attempts 1 --timeout 20s");
    // All are in progress before the first is answered.
    vendor.until_seen(6, Route::Cameras);
    vendor.behave();
    let ended = running.wait().expect(65).says("6 problems");
    assert_eq!(ended.err.matches("E-LIVE-004").count(), 6, "{}", ended.err);
    let others = || -> Vec<Seen> {
        let is_other = |seen: &Seen| !matches!(seen.route, Some(Route::Clients | Route::Read | Route::Write));
        vendor.seen().into_iter().filter(is_other).collect()
    };
    let asked = others();
    assert!(asked.iter().all(|seen| seen.line.contains("getMinimalCameraStateList")), "only cameras are new");
    assert!(orgs[..6].iter().all(|org| asked.iter().all(|seen| seen.org() != Some(&org.uuid))));
    vendor.on(none);
    let planned = run(&desk, &vendor, &["plan", "orgs.csv", "--online"]).expect(0);
    assert!(planned.plan.is_some());
    assert_eq!((vendor.of(Route::Clients).len(), others().len()), (2, 12));
}
