//! Command lines, keys, secrets and inputs that are wrong before anything is sent.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use orgwave_sandbox::{Route, Server};

use crate::desk::{Desk, Ended, FAST, of_one};
use crate::org::Org;
use crate::vendor::{KEY, Vendor};

/// A desk with a good manifest, and a vendor that must not be called.
fn ready() -> (Desk, Vendor) {
    of_one(Server::Merge, &Org::new(5), "saveClips,wave,apiToken", "true,1,")
}

#[test]
fn command_lines_that_cannot_be_meant_end_with_64() {
    let (desk, vendor) = ready();
    for line in [
        "",
        "aply orgs.csv",
        "apply",
        "apply orgs.csv --yse",
        "apply orgs.csv --rate fast --yes",
        "apply orgs.csv --rate 0/s --yes",
        "apply orgs.csv --org-rate auto --yes",
        "apply orgs.csv --timeout 0s --yes",
        "apply orgs.csv --timeout 30 --yes",
        "apply orgs.csv --concurrency 0 --yes",
        "apply orgs.csv --waves 1,2 --yes --waves x",
        "apply orgs.csv --write both --yes",
        "apply orgs.csv --max-failures 101% --yes",
        "apply orgs.csv --no-read --write merge --yes",
        "apply orgs.csv --no-read --verify all --yes",
        "plan orgs.csv --ack",
        "check",
    ] {
        let ended = desk.run(&vendor, line);
        assert_eq!(ended.code, 64, "{line}: {}", ended.err);
        assert!(!ended.err.is_empty() && ended.out.is_empty(), "{line}");
        assert_eq!(ended.run, None, "{line}");
    }
    // The manifest has waves of its own.
    desk.run(&vendor, &format!("apply orgs.csv --waves 1,rest --yes {FAST}")).expect(64).says("wave");
    for line in [
        "apply orgs.csv --sandbox --yes --endpoint http://127.0.0.1:1",
        "apply orgs.csv --sandbox --yes --region us",
        "apply orgs.csv --sandbox --yes --token-file key",
        "apply orgs.csv --region us --endpoint http://127.0.0.1:1 --yes",
        "sandbox --sandbox",
        "explain E-ROW-003 --sandbox",
    ] {
        assert_eq!(desk.run_bare(line).code, 64, "{line}");
    }
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn flags_of_a_rollout_do_not_go_with_a_plan() {
    let (desk, vendor) = ready();
    let plan = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0).plan_file();
    for flags in [
        "--waves rest",
        "--write patch",
        "--no-read",
        "--verify none",
        "--max-failures 5",
        "--expires 1h",
        "--only x",
        "--skip x",
        "--dry-run",
    ] {
        let ended = desk.run(&vendor, &format!("apply {plan} {flags} --yes {FAST}")).expect(64);
        let flag = flags.split(' ').next().unwrap();
        assert!(ended.err.contains(flag), "{flags}: {}", ended.err);
    }
    assert_eq!(vendor.of(Route::Write).len(), 0);
    desk.run(&vendor, &format!("apply {plan} --yes {FAST}")).expect(0);
}

#[test]
fn approval_needs_a_terminal_or_a_flag() {
    let (desk, vendor) = ready();
    let plan = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0).plan_file();
    for target in ["orgs.csv", &plan] {
        // A session of its own has no terminal, wherever these tests run.
        let mut command = Command::new("setsid");
        desk.settle(&mut command);
        let line = format!("apply {target} {FAST} --endpoint {} --token-file key", vendor.url());
        command.arg("--wait").arg(env!("CARGO_BIN_EXE_orgwave")).args(line.split_whitespace());
        desk.spawn(command).wait().expect(64).says("--yes");
    }
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn help_and_version_are_no_errors() {
    let desk = Desk::new();
    for line in ["--help", "help", "help apply", "apply --help", "-h"] {
        let ended = desk.run_bare(line).expect(0);
        assert!(ended.out.contains("orgwave") && ended.err.is_empty(), "{line}");
    }
    assert!(desk.run_bare("--version").expect(0).out.starts_with("orgwave "));
    assert!(desk.run_bare("explain e-row-003").expect(0).out.contains("E-ROW-003"));
}

#[test]
fn inputs_that_are_not_there_end_with_66() {
    let (desk, vendor) = ready();
    desk.write("rollout.toml", "[rollout]\norgs = \"gone.csv\"\n");
    desk.write("sides.toml", "[rollout]\norgs = \"orgs.csv\"\ndoors = \"gone.csv\"\n");
    for target in
        ["gone.csv", "gone.toml", "gone.jsonl", "rollout.toml", "sides.toml", "no/such/folder.csv", "."]
    {
        for command in ["check", "plan", "apply --yes"] {
            let ended = desk.run(&vendor, &format!("{command} {target}"));
            assert_eq!(ended.code, 66, "{command} {target}: {}", ended.err);
        }
    }
    assert_eq!(vendor.seen().len(), 0);
}

#[test]
fn a_key_must_be_there_and_safe() {
    let (desk, vendor) = ready();
    let url = vendor.url();
    desk.run_bare(&format!("plan orgs.csv --endpoint {url}")).expect(78).says("key");
    desk.run_bare(&format!("plan orgs.csv --endpoint {url} --token-file gone")).expect(78);
    desk.write_private("empty", "\n");
    desk.run_bare(&format!("plan orgs.csv --endpoint {url} --token-file empty")).expect(78);
    desk.write_private("two-lines", "one\ntwo\n");
    desk.run_bare(&format!("plan orgs.csv --endpoint {url} --token-file two-lines")).expect(78);
    for mode in [0o604, 0o644, 0o666] {
        fs::set_permissions(desk.path("key"), fs::Permissions::from_mode(mode)).unwrap();
        let ended = desk.run(&vendor, "apply orgs.csv --yes").expect(78).says("chmod 600");
        assert!(!ended.err.contains(KEY));
    }
    assert_eq!(vendor.seen().len(), 0);
    // A group is how containers are let in.
    for mode in [0o440, 0o640, 0o600] {
        fs::set_permissions(desk.path("key"), fs::Permissions::from_mode(mode)).unwrap();
        desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);
    }
    // With its newline, as editors leave it, it is good.
    desk.write_private("newline", &format!("{KEY}\r\n"));
    desk.run_bare(&format!("plan orgs.csv --endpoint {url} --token-file newline {FAST}")).expect(0);
}

#[test]
fn the_key_is_looked_for_in_the_documented_order() {
    let org = Org::new(5);
    let vendor = Vendor::start(Server::Merge, [org]);
    let line = format!("orgs --endpoint {}", vendor.url());
    let profile = |desk: &Desk, is_partner: &str| {
        fs::create_dir(desk.path(".rhombus")).unwrap();
        desk.write_private(
            ".rhombus/credentials",
            &format!("[default]\napi_key = {KEY}\nis_partner = {is_partner}\n[other]\napi_key = wrong-key-of-other\n"),
        );
    };
    let desk = Desk::new().with_variable("RHOMBUS_API_KEY", KEY);
    desk.run_bare(&line).expect(0);

    let desk = Desk::new();
    profile(&desk, "true");
    desk.run_bare(&line).expect(0);
    desk.run_bare(&format!("{line} --profile other")).expect(77);
    desk.run_bare(&format!("{line} --profile unknown")).expect(78);

    let desk = Desk::new();
    profile(&desk, "false");
    desk.run_bare(&line).expect(78).says("is_partner");
    // The variable comes before the profile, the file before both.
    let desk = Desk::new().with_variable("RHOMBUS_API_KEY", "wrong-key-of-variable");
    profile(&desk, "true");
    desk.run_bare(&line).expect(77);
    desk.run_bare(&format!("{line} --token-file key")).expect(0);

    let desk = Desk::new();
    fs::create_dir(desk.path("credentials")).unwrap();
    desk.write_private("credentials/orgwave-token", KEY);
    let folder = desk.path("credentials").display().to_string();
    let desk = desk
        .with_variable("CREDENTIALS_DIRECTORY", &folder)
        .with_variable("RHOMBUS_API_KEY", "wrong-key-of-variable");
    desk.run_bare(&line).expect(0);
}

#[test]
fn secrets_must_be_there_before_anything_is_sent() {
    let org = Org::new(5);
    let (desk, vendor) = of_one(Server::Merge, &org, "apiToken", "<secret:ENVOY_TOKEN>");
    for command in ["plan orgs.csv", "apply orgs.csv --yes"] {
        desk.run(&vendor, command).expect(78).says("ENVOY_TOKEN");
    }
    // A check only notes it.
    desk.run_bare("check orgs.csv").expect(0).says("ENVOY_TOKEN");
    desk.write("open.toml", "ENVOY_TOKEN = \"s\"\n");
    fs::set_permissions(desk.path("open.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    desk.run(&vendor, "apply orgs.csv --yes --secrets open.toml").expect(78).says("chmod 600");
    desk.write_private("bad.toml", "ENVOY_TOKEN = \"never shown\n");
    let ended = desk.run(&vendor, "apply orgs.csv --yes --secrets bad.toml").expect(78);
    assert!(!ended.err.contains("never shown"), "{}", ended.err);
    assert_eq!(vendor.seen().len(), 0);

    desk.write_private("secrets.toml", "ENVOY_TOKEN = \"the real one\"\n");
    desk.run(&vendor, &format!("apply orgs.csv --yes --secrets secrets.toml {FAST}")).expect(0);
    assert_eq!(vendor.settings(&org.uuid)["apiToken"], "\"the real one\"");
}

#[test]
fn endpoints_are_https_or_loopback() {
    let (desk, _vendor) = ready();
    for url in [
        "http://example.com",
        "http://192.0.2.1:80",
        "ftp://127.0.0.1",
        "http://user:secret@127.0.0.1:1",
        "http://127.0.0.1.example.com",
        "nonsense",
    ] {
        let ended = desk.run_bare(&format!("plan orgs.csv --token-file key --endpoint {url}"));
        assert_eq!(ended.code, 78, "{url}: {}", ended.err);
    }
}

#[test]
fn an_unwritable_folder_is_74_before_anything_is_sent() {
    let (desk, vendor) = ready();
    desk.write("reports-is-a-file", "");
    for command in ["apply orgs.csv --yes", "plan orgs.csv"] {
        desk.run(&vendor, &format!("{command} --reports reports-is-a-file")).expect(74);
    }
    desk.run(&vendor, "plan orgs.csv -o no/such/folder/p.jsonl").expect(74);
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn an_unreadable_newest_run_is_all_that_a_resume_reports() {
    let (desk, vendor) = ready();
    let unreadable = desk.path("reports/29991231T235959Z-0000000000000000");
    fs::create_dir_all(&unreadable).unwrap();
    fs::write(unreadable.join("run.db"), "no database").unwrap();
    let check = |ended: &Ended| {
        let lines: Vec<&str> = ended.err.lines().collect();
        assert_eq!(lines.len(), 2, "{}", ended.err);
        assert!(lines[0].starts_with("orgwave: the newest run can't be resumed: "), "{}", ended.err);
        assert!(
            lines[0].contains("29991231T235959Z") && lines[1].contains("apply the rollout again"),
            "{}",
            ended.err
        );
    };
    check(&desk.run(&vendor, "resume").expect(65));
    let older = desk.path("reports/19991231T235959Z-0000000000000000");
    fs::create_dir_all(&older).unwrap();
    fs::write(older.join("run.db"), "").unwrap();
    check(&desk.run(&vendor, "resume").expect(65));
    // Neither prevents that another run is resumed.
    desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0);
    let ended = desk.run(&vendor, "resume").expect(0).says("29991231T235959Z").says("19991231T235959Z");
    assert!(ended.out.contains("nothing to resume"), "{}", ended.out);
    fs::remove_dir_all(desk.path("reports")).unwrap();
    desk.run(&vendor, "resume").expect(66).says("orgwave runs");
    assert_eq!(vendor.of(Route::Write).len(), 1);
}
