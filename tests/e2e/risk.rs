//! What makes somebody less safe stands first on every page, with the orgs' names and the values.

use std::path::Path;

use crate::desk::{Desk, FAST};
use crate::vendor::{Org, Server, Vendor};

#[test]
fn each_value_that_makes_somebody_less_safe_is_marked_first_and_its_opposite_is_not() {
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
        let vendor = Vendor::start(Server::Merges, orgs.clone());
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
    let vendor = Vendor::start(Server::Merges, orgs.clone());
    desk.manifest(r"doorInfoMap.d\.1.doorName", orgs.iter().map(|org| (org, "Lobby".to_owned())));
    let plan = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
    assert!(plan.out.contains("doorInfoMap.*.doorName 12 different values -> Lobby"), "{}", plan.out);
}
