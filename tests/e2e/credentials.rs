//! Keys as people and platforms hand them over: commands, service managers, access control lists, groups.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use orgwave_sandbox::Server;

use crate::desk::Desk;
use crate::org::Org;
use crate::vendor::{KEY, Vendor};

fn ready() -> (Desk, Vendor) {
    (Desk::new(), Vendor::start(Server::Merge, [Org::new(0)]))
}

fn set_mode(desk: &Desk, name: &str, mode: u32) {
    fs::set_permissions(desk.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs `orgs` with these further words.
fn orgs(desk: &Desk, vendor: &Vendor, words: &[&str]) -> crate::desk::Ended {
    let mut command = desk.command();
    command.args(["orgs", "--endpoint", &vendor.url()]).args(words);
    desk.spawn(command).wait()
}

#[test]
fn a_token_command_is_split_and_its_first_line_is_the_key() {
    let (desk, vendor) = ready();
    desk.write_private("my key", KEY);
    desk.write_private("more", &format!("{KEY}\r\nuser: me\nurl: x\n"));
    for command in
        ["cat key", "cat 'my key'", "cat \"my key\"", r"cat my\ key", "cat more", "sh -c 'cat key; echo'"]
    {
        orgs(&desk, &vendor, &["--token-command", command]).expect(0);
    }
    // It is no shell's line.
    orgs(&desk, &vendor, &["--token-command", "cat key | cat"]).expect(78);
    for command in
        ["", "'", "false", "cat gone", "no-such-program key", "true", "sh -c 'cat key; exit 3'", "echo"]
    {
        let ended = orgs(&desk, &vendor, &["--token-command", command]).expect(78);
        assert!(!ended.err.contains(KEY), "{}", ended.err);
    }
    orgs(&desk, &vendor, &["--token-command", "cat key", "--token-file", "key"]).expect(64);
}

#[test]
fn credentials_of_the_service_manager_may_have_any_mode() {
    let vendor = Vendor::start(Server::Merge, [Org::new(0)]);
    for mode in [0o400, 0o440, 0o444, 0o644] {
        let desk = Desk::new();
        fs::create_dir(desk.path("credentials")).unwrap();
        desk.write_private("credentials/orgwave-token", KEY);
        desk.write_private("credentials/ENVOY_TOKEN", "of-envoy");
        set_mode(&desk, "credentials/orgwave-token", mode);
        set_mode(&desk, "credentials/ENVOY_TOKEN", mode);
        desk.manifest("apiToken", [(&Org::new(0), "<secret:ENVOY_TOKEN>".to_owned())]);
        let folder = desk.path("credentials").display().to_string();
        let desk = desk.with_variable("CREDENTIALS_DIRECTORY", &folder);
        desk.run_bare(&format!("plan orgs.csv --endpoint {}", vendor.url())).expect(0);
    }
}

#[test]
fn what_is_handed_over_and_cannot_be_read_is_not_passed_over() {
    let vendor = Vendor::start(Server::Merge, [Org::new(0)]);
    let desk = Desk::new();
    let folder = desk.path("credentials");
    let token = folder.join("orgwave-token");
    fs::create_dir(&folder).unwrap();
    let orgs = |folder: &str| {
        let mut command = desk.command();
        command.args(["orgs", "--endpoint", &vendor.url()]).env("CREDENTIALS_DIRECTORY", folder);
        command.env("RHOMBUS_API_KEY", KEY);
        desk.spawn(command).wait()
    };
    let folder = folder.display().to_string();
    orgs(&folder).expect(0);
    symlink("gone", &token).unwrap();
    orgs(&folder).expect(78).says("orgwave-token");
    fs::remove_file(&token).unwrap();
    fs::create_dir(&token).unwrap();
    orgs(&folder).expect(78).says("orgwave-token");
    // Without a whole path nothing is handed over: what lies in the working directory may be another user's.
    desk.write("orgwave-token", "another-key-of-another-user");
    for folder in ["", ".", "gone", "/gone", "/dev/null"] {
        orgs(folder).expect(0);
    }
}

#[test]
fn a_long_access_control_list_is_read_to_its_end() {
    let (desk, vendor) = ready();
    let setfacl = crate::debian::program(&["setfacl"], "acl");
    // A file system whose lists may be longer than a page; where there is none, there is nothing to be refused.
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return };
    let key = folder.path().join("key");
    fs::copy(desk.path("key"), &key).unwrap();
    let entries: Vec<String> = (20_000..20_700).map(|user| format!("u:{user}:r")).collect();
    if Command::new(setfacl).arg("-m").arg(entries.join(",")).arg(&key).status().unwrap().success() {
        orgs(&desk, &vendor, &["--token-file", &key.display().to_string()])
            .expect(78)
            .says("access control list");
    }
}

#[test]
fn an_access_control_list_that_lets_others_read_is_refused() {
    let (desk, vendor) = ready();
    let setfacl = crate::debian::program(&["setfacl"], "acl");
    let list = |entry: &str| {
        let done = Command::new(&setfacl).arg("-m").arg(entry).arg(desk.path("key")).status().unwrap();
        assert!(done.success(), "{entry}");
    };
    list("u:12345:r");
    let ended = orgs(&desk, &vendor, &["--token-file", "key"]).expect(78);
    assert!(ended.err.contains("access control list") && ended.err.contains("setfacl"), "{}", ended.err);
    list("u:12345:-");
    orgs(&desk, &vendor, &["--token-file", "key"]).expect(0);
    list("g:12345:r");
    orgs(&desk, &vendor, &["--token-file", "key"]).expect(78);
}

#[test]
fn a_rollout_asserts_its_region_and_never_chooses_it() {
    let (desk, vendor) = ready();
    desk.manifest("saveClips", [(&Org::new(0), "true".to_owned())]);
    desk.write("r.toml", "[rollout]\norgs = \"orgs.csv\"\n[connection]\nregion = \"eu\"\n");
    for line in ["plan r.toml", "apply r.toml --yes", "verify r.toml", "check r.toml --online"] {
        for region in ["", " --region us"] {
            let ended = desk.run_bare(&format!("{line} --token-file key{region}"));
            ended.expect(78).says("--region eu");
        }
    }
    desk.run_bare("check r.toml").expect(0);
    desk.run(&vendor, "plan r.toml").expect(0);
    desk.run_bare("plan r.toml --sandbox").expect(0);
    for bad in ["region = \"de\"", "region = 1", "endpoint = \"https://x\"", "token_file = \"x\""] {
        desk.write("r.toml", format!("[rollout]\norgs = \"orgs.csv\"\n[connection]\n{bad}\n"));
        desk.run_bare("check r.toml").expect(65);
    }
}
