//! What makes an org less safe is first on every page, with the orgs' names and the values.

use std::path::Path;

use orgwave_sandbox::Server;

use crate::desk::{Desk, Ended, FAST};
use crate::org::Org;
use crate::vendor::Vendor;

#[test]
fn security_relevant_values_are_marked_first() {
    for (column, live, risky, safe, effect) in [
        ("enabled", "true", "false", "true", "the integration is turned off"),
        ("alertUnauthorizedFaces", "true", "false", "true", "alerts on unauthorized faces are turned off"),
        ("createAccessAnomalyAlerts", "true", "<null>", "true", "alerts on access anomalies are turned off"),
        ("badgeFaceVerificationMode", "\"AUTO\"", "OFF", "SUPERVISED", "faces are no longer compared"),
        ("badgeAuthDisablesAlarmMonitoring", "false", "true", "false", "badges disarm the alarm monitoring"),
        (r"doorInfoMap.d\.1.remoteUnlock", "", "true", "false", "doors can be unlocked remotely"),
    ] {
        let desk = Desk::new();
        let orgs: Vec<Org> = (0..12)
            .map(|n| match live {
                "" => Org::new(n),
                live => Org::new(n).with(column, live),
            })
            .collect();
        let vendor = Vendor::start(Server::Merge, orgs.clone());
        for (value, is_risky) in [(risky, true), (safe, false)] {
            desk.manifest(
                &format!("org_name,{column},indexFaces"),
                orgs.iter().map(|org| (org, format!("{},{value},true", org.name))),
            );
            let plan = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
            let beside = |kind: &str| {
                std::fs::read_to_string(Path::new(&plan.plan_file()).with_extension(kind)).unwrap()
            };
            for (page, text) in
                [("terminal", plan.out.clone()), ("md", beside("md")), ("html", beside("html"))]
            {
                let Some(place) = text.find(effect) else {
                    assert!(!is_risky, "{column} {page}: {text}");
                    continue;
                };
                assert!(is_risky, "{column} {page}: {text}");
                assert!(place < text.find("indexFaces").unwrap(), "{column} {page}: {text}");
                assert!(
                    text.find("Org 0").unwrap() < text.find("indexFaces").unwrap(),
                    "{column} {page}: {text}"
                );
            }
            assert_eq!(beside("csv").contains(effect), is_risky, "{column}");
        }
    }
}

#[test]
fn values_are_shown_or_counted() {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..12).map(Org::new).collect();
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    desk.manifest(r"doorInfoMap.d\.1.doorName", orgs.iter().map(|org| (org, "Lobby".to_owned())));
    let plan = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
    assert!(plan.out.contains("doorInfoMap.*.doorName 12 different values -> Lobby"), "{}", plan.out);
}

/// A plan's pages: the terminal, `plan.md` and `plan.html`.
fn pages(plan: &Ended) -> [String; 3] {
    let beside =
        |kind: &str| std::fs::read_to_string(Path::new(&plan.plan_file()).with_extension(kind)).unwrap();
    [plan.out.clone(), beside("md"), beside("html")]
}

#[test]
fn whatever_trips_a_guard_is_named_with_its_org_on_every_page() {
    let door = || Org::new(1).with("doorInfoMap", r#"{"front":{"remoteUnlock":true}}"#);
    let mut unproven = Org::new(1);
    unproven.settings.remove("orgUuid");
    for (kind, org, column, cell) in [
        ("clears", Org::new(1).with("saveClips", "true"), "saveClips", "<null>"),
        ("removals", door(), "doorInfoMap.front", "<remove>"),
        ("removals", door(), "doorInfoMap", "<empty>"),
        ("additions", door(), "doorInfoMap.back.doorName", "Back"),
        ("disarms", Org::new(1), "badgeAuthDisablesAlarmMonitoring", "TRUE"),
        ("unproven", unproven.with("saveClips", "false"), "saveClips", "TRUE"),
    ] {
        let desk = Desk::new();
        let vendor = Vendor::start(Server::Replace, [org.clone()]);
        desk.manifest(column, [(&org, cell.to_owned())]);
        let plan = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
        for page in pages(&plan) {
            let guard = &page[page.find("Guard").unwrap()..];
            assert!(guard.contains(&format!("--ack {kind}-")), "{kind}: {page}");
            assert!(guard.contains("line 2, "), "{kind}: {page}");
        }
    }
}

#[test]
fn advance_allowances_are_first_on_every_page_of_plan_and_run() {
    let allow = "allow = [\"removals\", \"clears\"]\nignore = [\"lastModifiedMillis\", \"x_*y*_\"]";
    for (limits, flags, said) in [
        (
            allow,
            "",
            &["Allowed without a code", "removals, clears", "Ignored", "lastModifiedMillis, x_*y*_"][..],
        ),
        ("ignore = [\"lastModifiedMillis\"]", "", &["Ignored", "lastModifiedMillis"]),
        (
            "",
            "--allow additions",
            &["Allowed without a code", "never a key that is another spelling", "additions"],
        ),
    ] {
        let desk = Desk::new();
        let org = Org::new(1).with("enabled", "true");
        let vendor = Vendor::start(Server::Replace, [org.clone()]);
        desk.manifest("enabled", [(&org, "FALSE".to_owned())]);
        desk.write("r.toml", format!("[rollout]\norgs = \"orgs.csv\"\n[limits]\n{limits}\n"));
        let plan = desk.run(&vendor, &format!("plan r.toml {flags} {FAST}")).expect(0);
        let ended = desk.run(&vendor, &format!("apply r.toml --yes {flags} {FAST}")).expect(0);
        let of_run = ["report.md", "report.html"]
            .map(|name| std::fs::read_to_string(ended.file(name)).unwrap().replace("<br>", " "));
        let first = ["Risk", "applied", "Orgs to write", "Waves"];
        for page in pages(&plan).into_iter().chain([ended.out.clone()]).chain(of_run) {
            let body = &page[page.find("<h1>").unwrap_or(0)..];
            let head = first.iter().filter_map(|word| body.find(word)).min().unwrap();
            for said in said {
                assert!(body[..head].contains(said), "{limits} {flags} {said}: {body}");
            }
        }
    }
}
