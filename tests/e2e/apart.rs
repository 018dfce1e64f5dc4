//! Runs that must not overlap: however one server is written, and whatever key of the partner they use.

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Desk, Ended, FAST, Running, saving_clips};
use crate::org::Org;
use crate::vendor::{Fault, OTHER_KEY, Vendor};

/// A run in which the second org's write is in progress, and answered once the vendor behaves.
fn under_way(desk: &Desk) -> (Vendor, Running) {
    let orgs: Vec<Org> = (0..6).map(Org::new).collect();
    desk.manifest("saveClips", orgs.iter().map(|org| (org, "true".to_owned())));
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    vendor.on(Fault::held().on(Route::Write).of(&orgs[1].uuid));
    let line = format!("apply orgs.csv {ALL} --concurrency 1 {}", FAST.replace("2s", "20s"));
    let run = desk.start(&vendor, &line);
    vendor.until_seen(2, Route::Write);
    (vendor, run)
}

fn is_refused(ended: Ended, vendor: &Vendor) {
    ended.expect(11).says("run 20").says("process ");
    assert_eq!(vendor.of(Route::Write).len(), 2, "the refused run sends nothing");
}

#[test]
fn one_server_by_another_name_is_one_lock() {
    let desk = Desk::new();
    let (vendor, run) = under_way(&desk);
    let port = vendor.url().rsplit(':').next().unwrap().to_owned();
    for host in ["localhost", "127.0.0.2", "[::1]", "LOCALHOST"] {
        let line = format!("apply orgs.csv {ALL} {FAST} --endpoint http://{host}:{port} --token-file key");
        is_refused(desk.run_bare(&line).says("another run with this key"), &vendor);
    }
    vendor.behave();
    run.wait().expect(0);
}

#[test]
fn two_keys_of_one_partner_never_write_one_org_at_the_same_time() {
    let desk = Desk::new();
    desk.write_private("other", OTHER_KEY);
    let (vendor, run) = under_way(&desk);
    let line = format!("apply orgs.csv {ALL} {FAST} --endpoint {} --token-file other", vendor.url());
    is_refused(desk.run_bare(&line).says("orgs of this run are being written by"), &vendor);
    // Of a plan that was made before, too.
    let plan = format!("plan orgs.csv {FAST} --endpoint {} --token-file other", vendor.url());
    let plan = desk.run_bare(&plan).expect(0).plan_file();
    let line = format!("apply {plan} --yes {FAST} --endpoint {} --token-file other", vendor.url());
    is_refused(desk.run_bare(&line), &vendor);
    vendor.behave();
    run.wait().expect(0);
    let ended = desk.run_bare(&line).expect(0);
    assert!(ended.statuses().iter().all(|status| status == "unchanged"), "{:?}", ended.statuses());
}

#[test]
fn users_of_one_machine_share_locks_if_it_has_a_folder() {
    for is_shared in [true, false] {
        let machine = tempfile::tempdir().unwrap();
        let folder = if is_shared { machine.path().to_owned() } else { machine.path().join("none") };
        let variable = ("ORGWAVE_TEST_MACHINE_FOLDER", folder.to_str().unwrap());
        let desk = Desk::new().with_variable(variable.0, variable.1);
        let (vendor, run) = under_way(&desk);
        let mut command = desk.command();
        let other_user = desk.path("other-user");
        command.env("XDG_STATE_HOME", &other_user).args(
            format!("apply orgs.csv {ALL} {FAST} --endpoint {} --token-file key", vendor.url())
                .split_whitespace(),
        );
        let doctor = desk.run(&vendor, "doctor");
        assert_eq!(doctor.out.contains(folder.to_str().unwrap()), is_shared, "{}", doctor.out);
        assert!(doctor.out.contains("ok    locks"), "{}", doctor.out);
        let second = desk.spawn(command);
        if !is_shared {
            vendor.behave();
        }
        let ended = second.wait();
        assert_eq!(ended.code == 11, is_shared, "{}", ended.err);
        if is_shared {
            vendor.behave();
            run.wait().expect(0);
            let left: Vec<_> =
                machine.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["registry.lock"], "a run that ends takes its file away");
        }
    }
}

#[test]
fn settled_verify_reports_a_later_overwrite_as_diverged() {
    for (verify, status, code) in [("settled", "diverged", 3), ("all", "applied", 0)] {
        let (desk, vendor, orgs) = saving_clips(Server::Merge, 4);
        vendor.on(Fault::held().on(Route::Write).of(&orgs[3].uuid));
        let fast = FAST.replace("2s", "20s");
        let line = format!("apply orgs.csv {ALL} --verify {verify} --concurrency 1 {fast}");
        let run = desk.start(&vendor, &line);
        vendor.until_seen(4, Route::Write);
        vendor.edit(&orgs[1].uuid, "saveClips", "null");
        vendor.behave();
        let ended = run.wait().expect(code);
        assert_eq!(ended.statuses(), ["applied", status, "applied", "applied"]);
        let row = &ended.results()[1];
        assert_eq!(row["verified"], if status == "applied" { "true" } else { "false" });
        assert_eq!(row["error_message"].contains("saveClips"), status == "diverged", "{row:?}");
        // The journal says the same when it is read again, and nothing of it is sent again.
        let writes = vendor.of(Route::Write).len();
        let again = format!("resume --endpoint {} --token-file key", vendor.url());
        desk.run_bare(&again).expect(code);
        assert_eq!(vendor.of(Route::Write).len(), writes);
    }
}
