//! Who may write, and how much of an org a write holds.

use orgwave_sandbox::{Route, Server};

use crate::desk::{Desk, FAST, saving_clips};
use crate::org::{Org, parse};
use crate::rollout::assert_proper;
use crate::vendor::Vendor;

#[test]
fn check_plan_and_orgs_never_write() {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..5).map(Org::new).collect();
    desk.manifest("org_name,saveClips", orgs.iter().map(|org| (org, format!("{},true", org.name))));
    let vendor = Vendor::start(Server::Merge, orgs.clone());

    desk.run(&vendor, "check orgs.csv").expect(0);
    assert_eq!(vendor.seen().len(), 0, "a check sends nothing unless asked to");
    desk.run(&vendor, &format!("check orgs.csv --online {FAST}")).expect(0);
    desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
    desk.run(&vendor, &format!("plan orgs.csv --detailed-exitcode {FAST}")).expect(2);
    desk.run(&vendor, &format!("apply orgs.csv --dry-run --detailed-exitcode {FAST}")).expect(2);
    let listed = desk.run(&vendor, "orgs").expect(0);
    let starter = desk.run(&vendor, "orgs --format csv").expect(0);
    for org in &orgs {
        assert!(listed.out.contains(&org.uuid) && listed.out.contains(&org.name));
        assert_eq!(vendor.settings(&org.uuid), org.settings);
    }
    assert_eq!(vendor.of(Route::Write).len(), 0);
    assert_proper(&vendor.seen());

    // A starter manifest is a manifest.
    desk.write("starter.csv", &starter.out);
    desk.run_bare("check starter.csv").expect(0);
}

#[test]
fn a_patch_holds_only_what_is_managed() {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..5).map(Org::new).collect();
    desk.manifest(
        "saveClips,locationInfoMap.8.locationName",
        orgs.iter().map(|org| (org, "true,Annex".to_owned())),
    );
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    desk.run(&vendor, &format!("apply orgs.csv --write patch --yes --allow additions {FAST}")).expect(0);
    for write in vendor.of(Route::Write) {
        let sent = parse(&parse(&write.body)["envoySettings"]);
        assert_eq!(sent.keys().collect::<Vec<_>>(), ["locationInfoMap", "saveClips"]);
        // A managed map is sent whole, for a server that replaces values.
        assert_eq!(parse(&sent["locationInfoMap"]).keys().collect::<Vec<_>>(), ["7", "8"]);
    }
    for org in &orgs {
        let mut wanted = org.settings.clone();
        let live = vendor.settings(&org.uuid);
        wanted.insert("saveClips".to_owned(), "true".to_owned());
        wanted.insert("locationInfoMap".to_owned(), live["locationInfoMap"].clone());
        assert_eq!(live, wanted);
    }
}

#[test]
fn without_reading_an_org_costs_one_call() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 5);
    let ended = desk.run(&vendor, &format!("apply orgs.csv --no-read --yes {FAST}")).expect(0);
    assert_eq!(vendor.seen().len(), orgs.len());
    assert_eq!(vendor.of(Route::Write).len(), orgs.len());
    assert!(ended.results().iter().all(|row| row["status"] == "applied" && row["verified"] == "false"));
    assert_proper(&vendor.seen());
}
