//! Keys that aren't live. A misspelled key must not become a new entry unnoticed, and must not count as removed.

use serde_json::Value;

use orgwave_sandbox::{Route, Server};

use crate::desk::{Desk, Ended, FAST, acks};
use crate::org::Org;
use crate::vendor::{Fault, Vendor};

/// An org whose doors have these keys, and can be unlocked remotely.
fn org_with(n: usize, keys: &[&str]) -> Org {
    let doors: Value =
        keys.iter().map(|key| ((*key).to_owned(), serde_json::json!({"remoteUnlock": true}))).collect();
    Org::new(n).with("doorInfoMap", &doors.to_string())
}

/// A rollout that sets a door of each org.
fn rollout(desk: &Desk, doors: &[(&Org, &str)], limits: &str) {
    desk.manifest("note", doors.iter().map(|(org, _)| (*org, String::new())));
    let rows: String = doors.iter().map(|(org, key)| format!("{},{key},FALSE\n", org.uuid)).collect();
    desk.write("doors.csv", format!("org_uuid,door_key,remoteUnlock\n{rows}"));
    desk.write(
        "r.toml",
        format!("[rollout]\norgs = \"orgs.csv\"\ndoors = \"doors.csv\"\n[limits]\n{limits}\n"),
    );
}

fn doors(vendor: &Vendor, org: &Org) -> Value {
    serde_json::from_str(&vendor.settings(&org.uuid)["doorInfoMap"]).unwrap()
}

fn stopped(desk: &Desk, vendor: &Vendor, line: &str) -> Ended {
    let ended = desk.run(vendor, &format!("{line} {FAST}")).expect(13);
    assert_eq!(vendor.of(Route::Write).len(), 0, "{}", ended.err);
    ended
}

#[test]
fn a_key_that_a_spreadsheet_changed_adds_no_door_unnoticed() {
    for (key, live) in [
        ("123", "0123"),
        ("1234567890123450", "1234567890123456"),
        ("02-Jan", "1-2"),
        ("1E11", "100000000000"),
        ("LOBBY", "lobby"),
        ("A–1", "A-1"),
        ("1.1", "1.10"),
        ("1200000", "12E5"),
        ("02.янв", "1-2"),
        ("Main\u{a0}door", "Main door"),
        ("Cafe\u{301}", "Café"),
    ] {
        let desk = Desk::new();
        let org = org_with(1, &[live, "other"]);
        let vendor = Vendor::start(Server::Replace, [org.clone()]);
        rollout(&desk, &[(&org, key)], "allow = [\"additions\"]");
        for yes in ["--yes", "--unattended --max-changed 100%", "--yes --allow additions,clears"] {
            let ended = stopped(&desk, &vendor, &format!("apply r.toml {yes}"));
            assert!(
                ended.err.contains("entries are added that are not live in 1 org"),
                "{key}: {}",
                ended.err
            );
            assert!(ended.err.contains("another spelling of a live key"), "{key}: {}", ended.err);
            assert!(ended.out.contains("live is"), "{key}: {}", ended.out);
        }
        let plan = desk.run(&vendor, &format!("plan r.toml {FAST}")).expect(0);
        let line = plan.out.lines().find(|line| line.starts_with("apply it:")).unwrap();
        assert!(!line.contains("--ack"), "{line}");
        for page in ["plan.html", "plan.md", "plan.csv"] {
            let text = std::fs::read_to_string(std::path::Path::new(&plan.plan_file()).with_file_name(page))
                .unwrap();
            assert!(text.contains("live is"), "{page}: {text}");
        }
        desk.run(&vendor, &format!("check r.toml --online {FAST}")).expect(0).says("W-LIVE-001");
        // With the acknowledgement it is applied.
        desk.run(&vendor, &format!("apply {} --yes {} {FAST}", plan.plan_file(), acks(&plan.out))).expect(0);
        assert_eq!(doors(&vendor, &org).as_object().unwrap().len(), 3, "{key}");
    }
}

#[test]
fn a_new_door_is_acknowledged_by_kind_only_without_a_plan() {
    let desk = Desk::new();
    let org = org_with(1, &["front"]);
    let vendor = Vendor::start(Server::Replace, [org.clone()]);
    rollout(&desk, &[(&org, "back")], "");
    let ended = stopped(&desk, &vendor, "apply r.toml --yes");
    assert!(ended.out.contains("nearest live: \"front\""), "{}", ended.out);
    let plan = desk.run(&vendor, &format!("plan r.toml --allow additions {FAST}")).expect(0).plan_file();
    stopped(&desk, &vendor, &format!("apply {plan} --yes"));
    desk.run(&vendor, &format!("apply {plan} --yes --allow additions {FAST}")).expect(64);
    desk.run(&vendor, &format!("apply r.toml --yes --allow nonsense {FAST}")).expect(64);
    let page = std::fs::read_to_string(std::path::Path::new(&plan).with_extension("md")).unwrap();
    let allowed = page.find("Allowed without a code").unwrap();
    assert!(allowed < page.find("## Changes").unwrap(), "{page}");
    desk.run(&vendor, &format!("apply r.toml --unattended --max-changed 100% --allow additions {FAST}"))
        .expect(0);
    assert!(doors(&vendor, &org)["back"].is_object());
}

#[test]
fn the_first_doors_of_an_org_are_no_additions() {
    for map in ["null", "{}", r#"{"old":null}"#] {
        let desk = Desk::new();
        let org = Org::new(1).with("doorInfoMap", map);
        let vendor = Vendor::start(Server::Replace, [org.clone()]);
        rollout(&desk, &[(&org, "front")], "");
        desk.run(&vendor, &format!("apply r.toml --yes {FAST}")).expect(0);
        assert!(doors(&vendor, &org)["front"].is_object(), "{map}");
    }
}

#[test]
fn retry_of_acknowledged_additions_and_its_undo_need_no_code() {
    let desk = Desk::new();
    let orgs = [org_with(1, &["front"]), org_with(2, &["front"])];
    let vendor = Vendor::start(Server::Replace, orgs.clone());
    rollout(&desk, &[(&orgs[0], "back"), (&orgs[1], "back")], "");
    let plan = desk.run(&vendor, &format!("plan r.toml {FAST}")).expect(0);
    vendor.on(Fault::status(503, &[], "").on(Route::Write).of(&orgs[1].uuid));
    let line = format!("apply {} --yes {} {FAST} --attempts 1", plan.plan_file(), acks(&plan.out));
    let ended = desk.run(&vendor, &line);
    assert!(ended.statuses().contains(&"failed".to_owned()), "{:?}", ended.statuses());
    vendor.behave();
    let retry = ended.file("retry.toml");
    let again = desk.run(&vendor, &format!("apply {} --yes {FAST}", retry.display())).expect(0);
    assert_eq!(again.statuses(), ["applied"]);
    // What an undo puts back is no addition; what it takes out is a removal.
    let undo = desk.run(&vendor, &format!("undo {} {FAST}", again.run.unwrap().display())).expect(0);
    assert!(!undo.out.contains("additions-") && undo.out.contains("removals-"), "{}", undo.out);
    desk.run(&vendor, &format!("apply {} --yes {} {FAST}", undo.plan_file(), acks(&undo.out))).expect(0);
    assert_eq!(doors(&vendor, &orgs[1]).as_object().unwrap().len(), 1);
}

#[test]
fn an_undo_that_puts_a_removed_door_back_needs_no_code() {
    let desk = Desk::new();
    let org = org_with(1, &["front", "back"]);
    let vendor = Vendor::start(Server::Replace, [org.clone()]);
    desk.manifest("doorInfoMap.back", [(&org, "<remove>".to_owned())]);
    let ended = desk.run(&vendor, &format!("apply orgs.csv --yes --allow removals {FAST}")).expect(0);
    let undo = desk.run(&vendor, &format!("undo {} {FAST}", ended.run.unwrap().display())).expect(0);
    desk.run(&vendor, &format!("apply {} --yes {FAST}", undo.plan_file())).expect(0);
    assert!(doors(&vendor, &org)["back"].is_object());
}

#[test]
fn a_removal_of_a_key_that_is_not_live_is_a_warning() {
    for (key, respelled) in [("123", true), ("gone", false)] {
        let desk = Desk::new();
        let org = org_with(1, &["0123"]);
        let vendor = Vendor::start(Server::Replace, [org.clone()]);
        desk.manifest(&format!("doorInfoMap.{key}"), [(&org, "<remove>".to_owned())]);
        let plan = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
        assert!(plan.out.contains("an entry is to be removed that is not live"), "{}", plan.out);
        assert!(plan.out.contains("\"0123\""), "{}", plan.out);
        desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0).says("is not live");
        let quiet = desk.run(&vendor, &format!("apply orgs.csv --yes -q {FAST}")).expect(0);
        assert_eq!(quiet.err.contains("is not live"), respelled, "{key}: {}", quiet.err);
        desk.run(&vendor, &format!("check orgs.csv --online {FAST}")).expect(0).says("W-LIVE-002");
        assert_eq!(doors(&vendor, &org).as_object().unwrap().len(), 1);
    }
}
