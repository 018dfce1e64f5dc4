//! Plans as a thing to keep, and guards.

use std::fs;
use std::path::Path;

use orgwave_sandbox::{Route, Server};

use crate::desk::{Desk, FAST, acks, of_one, saving_clips};
use crate::org::Org;
use crate::vendor::{Fault, KEY, Vendor};

fn planned(manifest: &str, count: usize) -> (Desk, Vendor, Vec<Org>, String) {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..count).map(Org::new).collect();
    let (columns, cells) = manifest.split_once('\n').unwrap();
    desk.manifest(columns, orgs.iter().map(|org| (org, cells.to_owned())));
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    let plan = desk.run(&vendor, &format!("plan orgs.csv --max-failures 100% {FAST}")).expect(0).plan_file();
    (desk, vendor, orgs, plan)
}

#[test]
fn a_plan_that_was_altered_is_refused_wherever_it_was() {
    let (desk, vendor, orgs, plan) = planned("saveClips,note\ntrue,as reviewed", 3);
    let text = fs::read_to_string(&plan).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let reads = vendor.seen().len();
    let join = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let swapped = [lines[0], lines[2], lines[1], lines[3], lines[4]];
    for (name, altered) in [
        ("a note", text.replacen("as reviewed", "as REviewed", 1)),
        ("a value", text.replacen(r#""after":true"#, r#""after":false"#, 1)),
        ("an org", text.replacen(&orgs[1].uuid, &orgs[2].uuid, 1)),
        ("a line less", join(&[lines[0], lines[1], lines[3], lines[4]])),
        ("a line twice", join(&[lines[0], lines[1], lines[1], lines[2], lines[3], lines[4]])),
        ("lines swapped", join(&swapped)),
        ("no footer", join(&lines[..4])),
        ("half a line", text[..text.len() - 20].to_owned()),
        ("something after the footer", format!("{text}{}\n", lines[1])),
        ("only a header", join(&lines[..1])),
    ] {
        assert_ne!(altered, text, "{name}: the test alters nothing");
        desk.write("altered.jsonl", altered);
        let ended = desk.run(&vendor, &format!("apply altered.jsonl --yes {FAST}"));
        assert!([12, 65].contains(&ended.code), "{name}: {} {}", ended.code, ended.err);
        assert_eq!(ended.run, None, "{name}: nothing half done is left");
    }
    assert_eq!(vendor.seen().len(), reads, "nothing is sent for a plan that isn't proved");
    desk.run(&vendor, &format!("apply {plan} --yes {FAST}")).expect(0);
}

#[test]
fn a_changed_value_or_org_is_12() {
    let (desk, vendor, orgs, plan) = planned("saveClips\ntrue", 2);
    let text = fs::read_to_string(&plan).unwrap();
    for altered in [
        text.replacen(r#""after":true"#, r#""after":false"#, 1),
        text.replacen(&orgs[0].uuid, &Org::new(9).uuid, 1),
    ] {
        assert_ne!(altered, text);
        desk.write("altered.jsonl", altered);
        desk.run(&vendor, &format!("apply altered.jsonl --yes {FAST}")).expect(12);
    }
}

#[test]
fn a_plan_of_another_format_is_12_and_says_what_to_do() {
    let (desk, vendor, _, plan) = planned("saveClips\ntrue", 2);
    let other = |path: &Path, format: &str| {
        let text = fs::read_to_string(path).unwrap();
        let altered = text.replacen(r#"{"format":4,"#, &format!(r#"{{"format":{format},"#), 1);
        assert_ne!(altered, text);
        altered
    };
    for (format, said) in [("3", "format 3, older"), ("1", "format 1, older"), ("5", "format 5, newer")] {
        desk.write("other.jsonl", other(Path::new(&plan), format));
        let line = format!("apply other.jsonl --yes {FAST}");
        desk.run(&vendor, &line).expect(12).says(said).says("plan again");
    }
    let run = desk.run(&vendor, &format!("apply {plan} --yes {FAST}")).expect(0).run.unwrap();
    let own = run.join("plan.jsonl");
    fs::write(&own, other(&own, "3")).unwrap();
    let line = |command: &str| format!("{command} {}", run.display());
    let refused = ["undo", "resume"].map(|command| desk.run(&vendor, &line(command)));
    for ended in refused.into_iter().chain([desk.run_bare(&line("report"))]) {
        ended.expect(12).says("format 3, older").says("finished by the version that made it");
    }
    assert_eq!(vendor.of(Route::Write).len(), 2);
}

#[test]
fn a_plan_is_for_one_endpoint_one_key_and_a_while() {
    let (desk, vendor, orgs, plan) = planned("saveClips\ntrue", 2);
    let other = Vendor::start(Server::Merge, orgs);
    desk.run(&other, &format!("apply {plan} --yes {FAST}")).expect(12).says(&vendor.url());
    assert_eq!(other.seen().len(), 0);

    desk.write_private("other-key", "another-key-altogether");
    let line = format!("apply {plan} --yes {FAST} --endpoint {} --token-file other-key", vendor.url());
    let ended = desk.run_bare(&line).expect(12).says("another key");
    assert!(!ended.err.contains(KEY) && !ended.err.contains("another-key-altogether"));
    desk.run_bare(&format!("apply {plan} --yes --sandbox")).expect(12);

    let short = desk.run(&vendor, &format!("plan orgs.csv --expires 1ms {FAST}")).expect(0).plan_file();
    desk.run(&vendor, &format!("apply {short} --yes {FAST}")).expect(12).says("expired");
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn a_secret_that_changed_since_the_plan_is_12() {
    let org = Org::new(0);
    let (desk, vendor) = of_one(Server::Merge, &org, "apiToken", "<secret:ENVOY_TOKEN>");
    desk.write_private("s.toml", "ENVOY_TOKEN = \"first-value\"\n");
    let plan = desk.run(&vendor, &format!("plan orgs.csv --secrets s.toml {FAST}")).expect(0).plan_file();
    desk.write_private("s.toml", "ENVOY_TOKEN = \"second-value\"\n");
    desk.run(&vendor, &format!("apply {plan} --yes --secrets s.toml {FAST}")).expect(12);
    assert_eq!(vendor.of(Route::Write).len(), 0);
    desk.write_private("s.toml", "ENVOY_TOKEN = \"first-value\"\n");
    desk.run(&vendor, &format!("apply {plan} --yes --secrets s.toml {FAST}")).expect(0);
    assert_eq!(vendor.settings(&org.uuid)["apiToken"], "\"first-value\"");
}

#[test]
fn an_org_drifted_since_the_plan_is_its_only_conflict() {
    let (desk, vendor, orgs, plan) = planned("saveClips\ntrue", 4);
    vendor.edit(&orgs[2].uuid, "saveClips", "null");
    vendor.edit(&orgs[3].uuid, "futureText", "\"edited\"");
    let ended = desk.run(&vendor, &format!("apply {plan} --yes {FAST}")).expect(3);
    assert_eq!(ended.statuses(), ["applied", "applied", "conflict", "applied"]);
    assert_eq!(vendor.settings(&orgs[2].uuid)["saveClips"], "null");
    // Unmanaged fields may change at any time, and are kept as it is now.
    assert_eq!(vendor.settings(&orgs[3].uuid)["futureText"], "\"edited\"");
    assert_eq!(ended.rows("retry.csv").len(), 1);
}

#[test]
fn a_manifest_that_changed_since_is_not_what_a_plan_applies() {
    let (desk, vendor, orgs, plan) = planned("saveClips\ntrue", 2);
    desk.manifest("saveClips", orgs.iter().map(|org| (org, "<null>".to_owned())));
    desk.run(&vendor, &format!("apply {plan} --yes {FAST}")).expect(0);
    assert_eq!(vendor.settings(&orgs[0].uuid)["saveClips"], "true");
}

/// The command that a message suggests, as a shell would take it.
fn suggested(text: &str) -> String {
    let line = text.lines().find_map(|line| line.split_once("orgwave apply ")).expect("a command").1;
    line.to_owned()
}

#[test]
fn guards_stop_with_13_and_the_line_they_print_then_works() {
    for (name, columns, cells) in [
        ("clears", "saveClips", "<null>"),
        ("removals", r"doorInfoMap.d\.1", "<remove>"),
        ("removals", "doorInfoMap", "<empty>"),
        ("disarms", "badgeAuthDisablesAlarmMonitoring", "true"),
        ("additions", r"doorInfoMap.d\.2.remoteUnlock", "false"),
    ] {
        let org = Org::new(1);
        let (desk, vendor) = of_one(Server::Replace, &org, columns, cells);
        for yes in ["--yes", "--unattended --max-changed 100%"] {
            let stopped = desk.run(&vendor, &format!("apply orgs.csv {yes} {FAST}")).expect(13);
            assert_eq!(vendor.of(Route::Write).len(), 0, "{name}");
            assert!(stopped.file("plan.jsonl").is_file(), "{name}: the plan is kept");
            desk.run(&vendor, &format!("apply orgs.csv --ack WRONG-CODE {yes} {FAST}")).expect(13);
        }
        let stopped = desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(13);
        // Word for word what it says, with the approval that a terminal would have asked for, and the code that is apart.
        let line = suggested(&stopped.err);
        assert!(!line.contains("--ack "), "{name}: {line}");
        desk.run_bare(&format!("apply {line} --yes {}", acks(&stopped.err))).expect(0);
        assert_eq!(vendor.of(Route::Write).len(), 1, "{name}");
    }
}

#[test]
fn an_org_that_does_not_say_whose_it_is_is_a_guard() {
    let org = Org::new(1).without("orgUuid");
    let (desk, vendor) = of_one(Server::Replace, &org, "saveClips", "true");
    let stopped = desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(13);
    desk.run_bare(&format!("apply {} --yes {}", suggested(&stopped.err), acks(&stopped.err))).expect(0);
    assert_eq!(vendor.settings(&org.uuid), org.with("saveClips", "true").settings);
}

#[test]
fn a_plan_prints_the_line_that_applies_it() {
    let org = Org::new(1);
    let (desk, vendor) = of_one(Server::Merge, &org, "saveClips", "<null>");
    let planned = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
    assert!(!suggested(&planned.out).contains("--ack"), "{}", planned.out);
    desk.run_bare(&format!("apply {} --yes {}", suggested(&planned.out), acks(&planned.out))).expect(0);
    assert_eq!(vendor.settings(&org.uuid)["saveClips"], "null");
}

#[test]
fn unattended_a_plan_that_changes_too_much_is_stopped() {
    let (desk, vendor, _orgs, plan) = planned("saveClips\ntrue", 4);
    let mut hints = Vec::new();
    for target in ["orgs.csv", &plan] {
        let stopped = desk.run(&vendor, &format!("apply {target} --unattended {FAST}")).expect(13);
        let page = stopped.err.split_once("review ").unwrap().1.split_once(';').unwrap().0;
        assert!(Path::new(page).extension().is_some_and(|kind| kind == "html"), "{}", stopped.err);
        hints.push(suggested(&stopped.err));
    }
    assert_eq!(vendor.of(Route::Write).len(), 0);
    assert!(hints[1].starts_with(&plan), "{hints:?}");
    // Word for word what it says, of the plan that it made.
    desk.run_bare(&format!("apply {}", hints[0])).expect(0);
    assert_eq!(vendor.of(Route::Write).len(), 4);
}

#[test]
fn unattended_a_larger_share_can_be_allowed() {
    let (desk, vendor, _orgs, plan) = planned("saveClips\ntrue", 4);
    desk.run(&vendor, &format!("apply {plan} --unattended --max-changed 100% {FAST}")).expect(0);
}

#[test]
fn detailed_exitcode_distinguishes_changes_none_and_unknown() {
    let desk = Desk::new();
    let (same, differs, gone) = (Org::new(0).with("saveClips", "true"), Org::new(1), Org::new(2));
    let vendor = Vendor::start(Server::Merge, [same.clone(), differs.clone()]);
    let line = format!("plan orgs.csv --detailed-exitcode {FAST}");
    for (orgs, code) in [(vec![&same], 0), (vec![&same, &differs], 2), (vec![&differs, &gone], 3)] {
        desk.manifest("saveClips", orgs.into_iter().map(|org| (org, "true".to_owned())));
        desk.run(&vendor, &line).expect(code);
    }
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn plan_is_written_to_the_given_path_and_overwrites_nothing() {
    let (desk, vendor, _orgs, _plan) = planned("saveClips\ntrue", 1);
    desk.run(&vendor, &format!("plan orgs.csv -o p.jsonl {FAST}")).expect(0);
    assert!(desk.path("p.csv").is_file());
    desk.run(&vendor, &format!("plan orgs.csv -o p.jsonl {FAST}")).expect(64);
    desk.run(&vendor, &format!("apply p.jsonl --yes {FAST}")).expect(0);
}

#[test]
fn neither_a_plan_nor_its_pages_replace_a_file() {
    let (desk, vendor, _, _) = planned("saveClips\ntrue", 2);
    let manifest = fs::read(desk.path("orgs.csv")).unwrap();
    let calls = vendor.seen().len();
    desk.run(&vendor, &format!("plan orgs.csv -o orgs.jsonl {FAST}"))
        .expect(64)
        .says("orgs.csv already exists");
    assert_eq!(fs::read(desk.path("orgs.csv")).unwrap(), manifest);
    assert!(!desk.path("orgs.jsonl").exists());
    assert_eq!(vendor.seen().len(), calls, "refused before anything is sent");
}

#[test]
fn a_retry_writes_as_the_run_did() {
    for flag in ["--write patch", "--no-read"] {
        let (desk, vendor, orgs) = saving_clips(Server::Merge, 3);
        vendor.on(Fault::status(503, &[], "").on(Route::Write).of(&orgs[1].uuid));
        let all = "--waves rest --max-failures 100% --attempts 1";
        let ended = desk.run(&vendor, &format!("apply orgs.csv {flag} {all} --yes {FAST}")).expect(5);
        let line = suggested(&ended.out);
        assert!(line.contains(flag), "{line}");
        vendor.behave();
        let retry = ended.file("retry.toml");
        let limits = fs::read_to_string(&retry).unwrap();
        assert!(
            limits.contains(r#"waves = ["rest"]"#) && limits.contains(r#"max_failures = "100%""#),
            "{limits}"
        );
        let before = vendor.writes_of(&orgs[1].uuid).len();
        desk.run(&vendor, &format!("apply {} {flag} --yes {FAST}", retry.display())).expect(0);
        let writes = vendor.writes_of(&orgs[1].uuid);
        assert_eq!(writes.len(), before + 1);
        assert_eq!(writes.last().unwrap().body, r#"{"envoySettings":{"saveClips":true}}"#);
    }
}

#[test]
fn an_id_that_begins_with_a_hyphen_is_no_flag() {
    let (desk, vendor, orgs, _) = planned("saveClips\ntrue", 2);
    let id = &orgs[0].uuid;
    assert!(id.starts_with('-'));
    for line in [format!("--skip {id} --only Org*"), format!("--skip={id}")] {
        let ended = desk.run(&vendor, &format!("apply orgs.csv {line} --yes {FAST}")).expect(0);
        assert_eq!(ended.result(id)["status"], "skipped");
    }
    for line in ["--only --yes", "--skip -q --yes", "--only --rate=8/s --yes"] {
        desk.run(&vendor, &format!("apply orgs.csv {line} {FAST}")).expect(64).says("an org's id or name");
    }
    assert_eq!(vendor.writes_of(id).len(), 0);
}

#[test]
fn undo_takes_out_an_added_entry_that_has_a_null_member() {
    let org = Org::new(0).without("doorInfoMap");
    let (desk, vendor) =
        of_one(Server::Merge, &org, "doorInfoMap.d1.doorName,doorInfoMap.d1.remoteUnlock", "New,<null>");
    let run = desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0).run.unwrap();
    assert!(vendor.settings(&org.uuid)["doorInfoMap"].contains("\"New\""));
    desk.run(&vendor, &format!("undo {} -o undo.jsonl --rate unlimited", run.display())).expect(0);
    let plan = fs::read_to_string(desk.path("undo.jsonl")).unwrap();
    assert!(plan.contains(r#""path":"doorInfoMap.d1","#), "{plan}");
    assert!(!plan.contains("doorInfoMap.d1.doorName"), "{plan}");
}

#[test]
fn what_an_undo_left_is_undone_anew() {
    let (desk, vendor, orgs, plan) = planned("saveClips\ntrue", 2);
    let run = desk.run(&vendor, &format!("apply {plan} --yes {FAST}")).expect(0).run.unwrap();
    let undo = format!("undo {} -o undo.jsonl --rate unlimited", run.display());
    desk.run(&vendor, &undo).expect(0);
    let header = fs::read_to_string(desk.path("undo.jsonl")).unwrap();
    let header: serde_json::Value = serde_json::from_str(header.lines().next().unwrap()).unwrap();
    let name = run.file_name().unwrap().to_str().unwrap();
    assert_eq!(header["undoes"], name);
    assert_eq!(header["inputs"][0]["name"], format!("run {name}"));
    vendor.on(Fault::status(500, &[], "{}").on(Route::Write).of(&orgs[1].uuid));
    let ended = desk.run(&vendor, &format!("apply undo.jsonl --yes {FAST}"));
    assert_eq!(ended.result(&orgs[1].uuid)["status"], "failed");
    assert!(ended.out.contains(&format!("orgwave undo reports/{name} ")), "{}", ended.out);
    let retry = fs::read_to_string(ended.file("retry.toml")).unwrap();
    assert_eq!(retry.lines().count(), 1);
    assert!(retry.contains(&format!("orgwave undo {name}")), "{retry}");
}
