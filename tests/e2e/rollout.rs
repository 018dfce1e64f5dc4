//! What a healthy rollout sends and leaves.

use std::collections::BTreeMap;

use serde_json::Value;

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Desk, FAST, Row, acks, of_one};
use crate::org::{Org, parse, uuid};
use crate::vendor::{KEY, Seen, Vendor};

const COLUMNS: &str =
    r"org_name,saveClips,indexFaces,doorInfoMap.d\.1.clipDuration,doorInfoMap.d3.doorName,note,_ticket";

/// A manifest that changes a flag, clears nothing, edits one field of a door and adds a door.
fn orgs_and_manifest(desk: &Desk, count: usize) -> Vec<Org> {
    let orgs: Vec<Org> = (0..count).map(Org::new).collect();
    // Not in the vendor's order, so that a result in the wrong row can't go unseen.
    let rows = orgs.iter().rev().map(|org| {
        let name = &org.name;
        (org, format!("{name},true,<keep>,45,Side door,=note,CHG-{}", &org.uuid[..2]))
    });
    desk.manifest(COLUMNS, rows);
    orgs
}

/// Whether an org is as the manifest wants it, and otherwise as it was.
#[track_caller]
fn assert_as_wanted(before: &Org, live: &BTreeMap<String, String>) {
    let mut wanted = before.settings.clone();
    wanted.insert("saveClips".to_owned(), "true".to_owned());
    let (was, is) = (parse(&wanted.remove("doorInfoMap").unwrap()), parse(&live["doorInfoMap"]));
    let others: BTreeMap<_, _> =
        live.iter().filter(|(name, _)| *name != "doorInfoMap").map(|(n, v)| (n.clone(), v.clone())).collect();
    assert_eq!(others, wanted, "{}", before.uuid);

    assert_eq!(is.keys().collect::<Vec<_>>(), ["d.1", "d2", "d3"]);
    assert_eq!(is["d2"], was["d2"]);
    assert_eq!(parse(&is["d3"]), BTreeMap::from([("doorName".to_owned(), "\"Side door\"".to_owned())]));
    let mut door = parse(&was["d.1"]);
    door.insert("clipDuration".to_owned(), "45".to_owned());
    assert_eq!(parse(&is["d.1"]), door);
}

/// What must hold of every request, whatever the test.
#[track_caller]
pub(crate) fn assert_proper(seen: &[Seen]) {
    for request in seen {
        assert_eq!(request.header("x-auth-scheme"), ["partner-api-token"], "{}", request.line);
        assert_eq!(request.header("x-auth-apikey"), [KEY], "{}", request.line);
        assert_eq!(request.header("content-type"), ["application/json"], "{}", request.line);
        match request.route.unwrap() {
            Route::Clients => {
                assert_eq!(request.header("x-auth-org"), [""; 0], "the list is the partner's own");
                assert_eq!(request.body, "{}");
            }
            Route::Read => {
                assert_eq!(request.header("x-auth-org").len(), 1);
                assert_eq!(request.body, "{}");
            }
            Route::Write => {
                assert_eq!(request.header("x-auth-org").len(), 1);
                let body = parse(&request.body);
                assert_eq!(body.keys().collect::<Vec<_>>(), ["envoySettings"]);
                // A body that says whose it is says so truly.
                if let Some(owner) = parse(&body["envoySettings"]).get("orgUuid") {
                    assert_eq!(owner.trim_matches('"'), request.org().unwrap());
                }
            }
            _ => panic!("unexpected {}", request.line),
        }
    }
}

#[test]
fn merging_and_replacing_servers_change_managed_fields_only() {
    for server in [Server::Merge, Server::Replace] {
        let desk = Desk::new();
        let orgs = orgs_and_manifest(&desk, 70);
        let vendor = Vendor::start(server, orgs.clone());
        let ended = desk.run(&vendor, &format!("apply orgs.csv --yes --allow additions {FAST}")).expect(0);

        for org in &orgs {
            assert_as_wanted(org, &vendor.settings(&org.uuid));
            assert_eq!(vendor.writes_of(&org.uuid).len(), 1, "{server:?}");
        }
        assert_proper(&vendor.seen());
        // One list; a read to plan, which serves the write, and one after it.
        assert_eq!(vendor.of(Route::Clients).len(), 1);
        assert_eq!(vendor.of(Route::Read).len(), 2 * orgs.len());

        let results = ended.results();
        let order: Vec<&String> = results.iter().map(|row| &row["org_uuid"]).collect();
        assert_eq!(order, orgs.iter().rev().map(|org| &org.uuid).collect::<Vec<_>>());
        for (line, (row, org)) in (2..).zip(results.iter().zip(orgs.iter().rev())) {
            let has = |column: &str, value: &str| assert_eq!(row[column], value, "{column} of line {line}");
            has("line", &line.to_string());
            has("org_name", &org.name);
            has("status", "applied");
            has("action", "update");
            has("verified", "true");
            has("attempts", "1");
            has("http_status", "200");
            has("error_code", "");
            has("note", "'=note");
            has("_ticket", &format!("CHG-{}", &org.uuid[..2]));
            let mut changed: Vec<&str> = row["changed_fields"].split(';').collect();
            changed.sort_unstable();
            assert_eq!(changed, [r"doorInfoMap.d3.doorName", r"doorInfoMap.d\.1.clipDuration", "saveClips"]);
        }
    }
}

#[test]
fn results_have_exactly_the_columns_that_scripts_depend_on() {
    let desk = Desk::new();
    let orgs = orgs_and_manifest(&desk, 2);
    let vendor = Vendor::start(Server::Merge, orgs);
    let ended = desk.run(&vendor, &format!("apply orgs.csv --yes --allow additions {FAST}")).expect(0);
    let text = std::fs::read_to_string(ended.file("results.csv")).unwrap();
    let header = text.trim_start_matches('\u{feff}').lines().next().unwrap();
    // The contract itself is in the reporter's golden files and in docs/results.md.
    let golden = include_str!("../../crates/reporter/tests/golden/results.csv");
    let columns = golden.trim_start_matches('\u{feff}').lines().next().unwrap();
    let own = columns.split_once(",note").unwrap().0;
    assert_eq!(header, format!("{own},note,_ticket"));
    assert!(text.lines().count() == 3 && text.ends_with("\r\n"), "{text}");
    for row in ended.results() {
        for time in ["started_at", "finished_at"] {
            let cell = &row[time];
            assert!(cell.len() == 24 && cell.ends_with('Z') && cell.as_bytes()[19] == b'.', "{time}: {cell}");
        }
    }
    for name in [
        "run.db",
        "plan.jsonl",
        "results.csv",
        "changes.csv",
        "retry.csv",
        "retry.toml",
        "summary.json",
        "run.log.jsonl",
    ] {
        assert!(ended.file(name).is_file(), "{name}");
    }
    assert_eq!(std::fs::read_dir(ended.file("orgs")).unwrap().count(), 2);
}

#[test]
fn a_second_apply_writes_nothing() {
    for server in [Server::Merge, Server::Replace] {
        let desk = Desk::new();
        let orgs = orgs_and_manifest(&desk, 20);
        let vendor = Vendor::start(server, orgs.clone());
        let line = format!("apply orgs.csv --yes --allow additions {FAST}");
        desk.run(&vendor, &line).expect(0);
        let writes = vendor.of(Route::Write).len();
        let again = desk.run(&vendor, &line).expect(0);
        assert_eq!(vendor.of(Route::Write).len(), writes);
        for row in again.results() {
            let cells = ["status", "action", "attempts", "changed_fields"].map(|column| row[column].as_str());
            assert_eq!(cells, ["unchanged", "none", "0", ""]);
        }
        assert_eq!(again.rows("changes.csv"), Vec::<Row>::new());
        assert_eq!(again.rows("retry.csv"), Vec::<Row>::new());
    }
}

#[test]
fn quiet_says_nothing_when_nothing_changed() {
    let org = Org::new(0);
    let (desk, vendor) = of_one(Server::Merge, &org, "enabled", "true");
    let ended = desk.run(&vendor, &format!("apply orgs.csv --yes -q {FAST}")).expect(0);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", ""));
}

#[test]
fn a_plan_says_what_apply_then_does() {
    let desk = Desk::new();
    let orgs = orgs_and_manifest(&desk, 12);
    let vendor = Vendor::start(Server::Replace, orgs.clone());
    let planned = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
    assert_eq!(vendor.of(Route::Write).len(), 0);
    let line = format!("apply {} --yes {} {FAST}", planned.plan_file(), acks(&planned.out));
    let applied = desk.run(&vendor, &line).expect(0);
    // Every org is read again before it is written, and once after.
    assert_eq!(vendor.of(Route::Read).len(), 3 * orgs.len());
    assert_eq!(vendor.of(Route::Clients).len(), 1);
    for org in &orgs {
        assert_as_wanted(org, &vendor.settings(&org.uuid));
    }
    assert_eq!(applied.statuses(), vec!["applied"; 12]);
    let plan_id = planned.plan.unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(applied.results().iter().all(|row| row["plan_id"] == plan_id));
}

#[test]
fn side_tables_and_defaults_reach_the_orgs_they_name() {
    let desk = Desk::new();
    let orgs: Vec<Org> = (1..=3).map(Org::new).collect();
    desk.manifest(
        "createSeekPoints",
        orgs.iter().zip(["", "<keep>", "true"]).map(|(o, c)| (o, c.to_owned())),
    );
    let camera = "BAAAAAAAAAAAAAAAAAAAAA";
    desk.write(
        "doors.csv",
        format!(
            "org_uuid,door_key,doorName,assignedCameraList,remoteUnlock,remove\n\
             {a},new.door,Roof,{camera};CAAAAAAAAAAAAAAAAAAAAA,TRUE,\n{b},d.1,,,,TRUE\n",
            a = orgs[0].uuid,
            b = orgs[1].uuid
        ),
    );
    desk.write("users.csv", format!("org_uuid,user_key,guestsEnabled\n{},u1,false\n", orgs[2].uuid));
    desk.write(
        "rollout.toml",
        "[rollout]\norgs = \"orgs.csv\"\ndoors = \"doors.csv\"\nusers = \"users.csv\"\n\
         [settings]\ncreateSeekPoints = false\n[limits]\nwaves = [\"rest\"]\n",
    );
    let vendor = Vendor::start(Server::Replace, orgs.clone());
    // Taking a door out, and adding one beside others, are what guards ask about.
    let stopped = desk.run(&vendor, &format!("plan rollout.toml {FAST}")).expect(0);
    desk.run(&vendor, &format!("apply {} --yes {} {FAST}", stopped.plan_file(), acks(&stopped.out)))
        .expect(0);

    let live: Vec<_> = orgs.iter().map(|org| vendor.settings(&org.uuid)).collect();
    assert_eq!(["false", "true", "true"], [0, 1, 2].map(|n: usize| live[n]["createSeekPoints"].as_str()));
    let doors: Value = serde_json::from_str(&parse(&live[0]["doorInfoMap"])["new.door"]).unwrap();
    assert_eq!(doors["assignedCameraList"], serde_json::json!([camera, "CAAAAAAAAAAAAAAAAAAAAA"]));
    assert_eq!(doors["remoteUnlock"], Value::Bool(true));
    assert_eq!(parse(&live[0]["doorInfoMap"]).len(), 3);
    assert_eq!(parse(&live[1]["doorInfoMap"]).keys().collect::<Vec<_>>(), ["d2"]);
    assert_eq!(live[2]["envoyUserSettingsMap"].replace(' ', ""), r#"{"u1":{"guestsEnabled":false}}"#);
    // The third had the default already, but not the user.
    assert_eq!(vendor.of(Route::Write).len(), 3);
    assert_proper(&vendor.seen());
}

#[test]
fn a_blocked_org_is_left_unwritten_and_the_others_done() {
    let desk = Desk::new();
    let fine: Vec<Org> = (0..6).map(Org::new).collect();
    let named = Org::new(10).named("Another name");
    let unlisted = Org::new(11);
    let expecting = Org::new(12);
    let masked = Org::new(13).with("apiToken", "\"***\"");
    let never = Org::new(14).not_connected();
    let other = Org::new(15).with("orgUuid", &format!("\"{}\"", uuid(1)));
    let skipped = Org::new(16);
    let rows = fine.iter().map(|org| (org, format!("{},true,,", org.name))).chain([
        (&named, "Org 10,true,,".to_owned()),
        (&unlisted, ",true,,".to_owned()),
        (&expecting, ",true,false,".to_owned()),
        (&masked, ",true,,".to_owned()),
        (&never, ",true,,".to_owned()),
        (&other, ",true,,".to_owned()),
        (&skipped, ",true,,closed in May".to_owned()),
    ]);
    desk.manifest("org_name,saveClips,expect.enabled,skip", rows);
    let served = fine.iter().chain([&named, &expecting, &masked, &never, &other, &skipped]);
    let vendor = Vendor::start(Server::Merge, served.cloned());
    let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(3);
    for org in &fine {
        assert_eq!(ended.result(&org.uuid)["status"], "applied");
        assert_eq!(vendor.settings(&org.uuid)["saveClips"], "true");
    }
    for (org, code) in [
        (&named, "E-ORG-001"),
        (&unlisted, "E-ORG-002"),
        (&expecting, "E-ORG-003"),
        (&masked, "E-ORG-004"),
        (&never, "E-ORG-005"),
        (&other, "E-ORG-006"),
    ] {
        let row = ended.result(&org.uuid);
        assert_eq!((row["status"].as_str(), row["error_code"].as_str()), ("blocked", code));
        assert_eq!(vendor.writes_of(&org.uuid).len(), 0);
    }
    assert_eq!(ended.result(&skipped.uuid)["status"], "skipped");
    assert_eq!(vendor.of(Route::Write).len(), fine.len());
}
