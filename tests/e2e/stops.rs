//! What stops a whole run, and what it leaves.

use std::fs;
use std::net::TcpListener;

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Ended, FAST, saving_clips};
use crate::org::Org;
use crate::rollout::assert_proper;
use crate::vendor::{Fault, Vendor};

/// Whether what is reported of each org is what the vendor holds: none is called done that isn't, or the reverse.
#[track_caller]
fn assert_agrees(ended: &Ended, vendor: &Vendor, orgs: &[Org]) {
    let results = ended.results();
    assert_eq!(results.len(), orgs.len());
    for (row, org) in results.iter().zip(orgs) {
        assert_eq!(row["org_uuid"], org.uuid);
        let is_wanted = vendor.settings(&org.uuid)["saveClips"] == "true";
        match row["status"].as_str() {
            "applied" => assert!(is_wanted, "{row:?}"),
            "not_attempted" | "failed" | "rejected" => assert!(!is_wanted, "{row:?}"),
            other => assert_eq!(other, "unknown"),
        }
    }
}

#[test]
fn a_key_refused_in_mid_run_stops_it_and_fails_no_org() {
    for (status, body) in
        [(401, r#"{"authenticationFailed":true}"#), (403, r#"{"status":403,"msg":"Invalid api key"}"#)]
    {
        let (desk, vendor, orgs) = saving_clips(Server::Merge, 12);
        let no = Fault::status(status, &[], body);
        // The canary gets through; from then on nothing does.
        for org in &orgs[1..] {
            vendor.on(no.clone().on(Route::Write).of(&org.uuid));
            vendor.on(no.clone().on(Route::Read).from(2).of(&org.uuid));
        }
        vendor.on(no.on(Route::Clients).from(2));
        let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(77);
        let statuses = ended.statuses();
        assert_eq!(statuses[0], "applied");
        assert!(statuses[1..].iter().all(|status| status == "not_attempted"), "{statuses:?}");
        assert!(ended.err.contains("resume") || ended.out.contains("resume"), "{}{}", ended.out, ended.err);
        assert!(ended.out.contains("retry.toml"), "{}", ended.out);
        assert_eq!(ended.rows("retry.csv").len(), orgs.len() - 1);
        assert_agrees(&ended, &vendor, &orgs);
    }
}

#[test]
fn a_key_that_the_list_refuses_is_no_key() {
    for status in [401, 403] {
        let (desk, vendor, _) = saving_clips(Server::Merge, 3);
        vendor.on(Fault::status(status, &[], r#"{"msg":"Invalid api key"}"#).on(Route::Clients));
        for command in ["apply orgs.csv --yes", "plan orgs.csv", "orgs", "check orgs.csv --online"] {
            desk.run(&vendor, &format!("{command} {}", FAST.replace("--no-progress", ""))).expect(77);
        }
        assert_eq!(vendor.of(Route::Write).len(), 0);
    }
}

#[test]
fn a_redirect_is_never_followed_and_the_key_stays_here() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Vendor::start(Server::Merge, []);
        let location = format!("{}/api/partner/getClientsV2", elsewhere.url());
        let away = Fault::status(status, &[("Location", &location)], "");

        // Before any write.
        let (desk, vendor, orgs) = saving_clips(Server::Merge, 4);
        vendor.on(away.clone().on(Route::Clients));
        desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(69);
        vendor.behave();
        vendor.on(away.clone().on(Route::Read));
        desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(69);
        assert_eq!(vendor.of(Route::Write).len(), 0);

        // In answer to a write, which may have been applied where it was sent: in doubt, and the run drains.
        vendor.behave();
        vendor.on(away.applied().on(Route::Write).of(&orgs[1].uuid));
        let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} --concurrency 1 {FAST}"));
        let statuses = ended.statuses();
        assert_eq!(statuses[..2], ["applied", "applied"], "{status}");
        assert!(statuses[2..].iter().all(|status| status == "not_attempted"), "{statuses:?}");
        assert_eq!(ended.code, 5);
        assert_agrees(&ended, &vendor, &orgs);
        assert_eq!(elsewhere.seen().len(), 0, "the key went elsewhere");
    }
}

#[test]
fn a_closed_port_is_reported_before_anything_is_sent() {
    let (desk, ..) = saving_clips(Server::Merge, 2);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let connection = format!("--endpoint http://{free} --token-file key {FAST} --attempts 2");
    for command in ["apply orgs.csv --yes", "plan orgs.csv"] {
        let ended = desk.run_bare(&format!("{command} {connection}")).expect(69);
        assert!(!ended.err.is_empty());
        assert_eq!((ended.run, ended.plan), (None, None), "nothing half done is left");
    }
}

#[test]
fn a_client_list_of_unknown_shape_is_an_error_not_no_orgs() {
    for body in [
        "{}",
        r#"{"partnerClients":[{"name":"Org","orgUuid":"AAAAAAAAAAAAAAAAAAAAAA"}]}"#,
        r#"{"clients":{}}"#,
        r#"{"clients":[{"orgUuid":"AAAAAAAAAAAAAAAAAAAAAA"}]}"#,
        r#"{"clients":[7]}"#,
        "[]",
        "null",
        "",
        "<html>",
        r#"{"clients":null,"error":true,"errorMsg":"try later"}"#,
    ] {
        let (desk, vendor, _) = saving_clips(Server::Merge, 2);
        vendor.on(Fault::ok(body).on(Route::Clients));
        let line = format!("{FAST} --attempts 2");
        let ended = desk.run(&vendor, &format!("apply orgs.csv --yes {line}"));
        assert_eq!(ended.code, 69, "{body}: {}", ended.err);
        assert!(ended.err.contains("client"), "{body}: {}", ended.err);
        assert_eq!(vendor.of(Route::Write).len(), 0);
        let listed = desk.run(&vendor, "orgs --attempts 2");
        assert_eq!((listed.code, listed.out.as_str()), (69, ""), "{body}");
    }
}

#[test]
fn a_500_for_every_org_stops_at_the_canary() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 30);
    vendor.on(Fault::status(500, &[], "").on(Route::Write));
    let ended = desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(4);
    let written: std::collections::BTreeSet<_> =
        vendor.of(Route::Write).iter().map(|seen| seen.org().unwrap().to_owned()).collect();
    assert_eq!(written.into_iter().collect::<Vec<_>>(), [orgs[0].uuid.clone()]);
    assert_eq!(ended.statuses()[0], "failed");
    assert_agrees(&ended, &vendor, &orgs);
    assert_proper(&vendor.seen());
}

#[test]
fn a_budget_that_is_spent_leaves_the_later_waves_alone() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 30);
    for org in orgs.iter().skip(1).step_by(2) {
        vendor.on(Fault::status(400, &[], r#"{"msg":"no"}"#).on(Route::Write).of(&org.uuid));
    }
    let line = format!("apply orgs.csv --yes --waves 1,30%,rest {FAST}");
    let ended = desk.run(&vendor, &line).expect(4);
    let mut written: Vec<String> =
        vendor.of(Route::Write).iter().map(|seen| seen.org().unwrap().to_owned()).collect();
    written.sort();
    let mut wanted: Vec<String> = orgs[..10].iter().map(|org| org.uuid.clone()).collect();
    wanted.sort();
    assert_eq!(written, wanted);
    let statuses = ended.statuses();
    let alternate = ["applied", "rejected"].into_iter().cycle();
    assert!(statuses[..10].iter().eq(alternate.take(10)), "{statuses:?}");
    assert!(statuses[10..].iter().all(|status| status == "not_attempted"));
    let waves: Vec<String> = ended.results().iter().map(|row| row["wave"].clone()).collect();
    assert_eq!([&waves[0], &waves[1], &waves[9], &waves[10]], ["1", "2", "2", "3"]);
    assert_agrees(&ended, &vendor, &orgs);
}

#[test]
fn canary_write_that_changes_unmanaged_fields_stops_the_run() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 5);
    let touched = orgs[0].clone().with("saveClips", "true").with("futureNumber", "1");
    let body = format!(r#"{{"orgIntegrationV2":{}}}"#, touched.object());
    vendor.on(Fault::ok(&body).on(Route::Read).of(&orgs[0].uuid).from(2));
    let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(4);
    let row = ended.result(&orgs[0].uuid);
    assert_eq!((row["status"].as_str(), row["error_code"].as_str()), ("diverged", "E-ORG-042"));
    assert!(row["error_message"].contains("futureNumber"), "{row:?}");
    assert_eq!(vendor.of(Route::Write).len(), 1);
    assert!(ended.statuses()[1..].iter().all(|status| status == "not_attempted"));
}

#[test]
fn a_closed_port_in_mid_run_fails_no_org() {
    // Long enough to be distinguished from a run that waits for the vendor's return: the deadline drains it.
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 6);
    vendor.on(Fault::held().on(Route::Write).of(&orgs[1].uuid));
    let run = desk.start(&vendor, &format!("apply orgs.csv {ALL} --concurrency 1 --max-duration 4s {FAST}"));
    vendor.until_seen(2, Route::Write);
    drop(vendor);
    let ended = run.wait();
    let statuses = ended.statuses();
    assert_eq!(statuses[..2], ["applied", "unknown"]);
    assert!(statuses[2..].iter().all(|status| status == "not_attempted"), "{statuses:?}");
    assert_eq!(ended.code, 6, "{}", ended.err);
}

#[test]
fn removed_reports_folder_stops_the_run() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 20);
    vendor.on(Fault::held().on(Route::Write).of(&orgs[1].uuid));
    let run = desk.start(&vendor, &format!("apply orgs.csv {ALL} --concurrency 1 {FAST}"));
    vendor.until_seen(2, Route::Write);
    fs::remove_dir_all(desk.path("reports")).unwrap();
    vendor.behave();
    let ended = run.wait().expect(74).says("can't find the journal where it was");
    for said in ["was moved or removed", "reports/", "apply the rollout again"] {
        assert!(ended.err.contains(said), "{}", ended.err);
    }
    // Those few whose intents were on the disk before may be sent still.
    assert!(vendor.of(Route::Write).len() < orgs.len() / 2, "{} writes", vendor.of(Route::Write).len());
    desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(0);
}
