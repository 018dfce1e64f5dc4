//! Inputs that are something else: a key, secrets, a device, a FIFO, a file outside of the rollout's folder. Nothing of
//! them is printed, and none of them is waited for. And what the memory of the process holds stays in it.

use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use orgwave_sandbox::{Route, Server};

use crate::desk::{Desk, Ended};
use crate::org::Org;
use crate::vendor::{Fault, Vendor};

/// Part of a secret that another file may hold: enough to be found anywhere.
const HIDDEN: &str = "rk-7fQ2hidden9Zx";

/// Files that are no rollouts, as they lie beside some.
fn files_of_secrets() -> Vec<(&'static str, String)> {
    vec![
        ("a key", HIDDEN.to_owned()),
        ("a key and a line break", format!("{HIDDEN}\n")),
        ("two lines", format!("key\n{HIDDEN}\n")),
        ("columns", format!("name,{HIDDEN}\n{HIDDEN},x\n")),
        ("tabs", format!("name\t{HIDDEN}\n{HIDDEN}\tx\n")),
        ("quotes", format!("\"{HIDDEN}\n{HIDDEN}\"\n")),
        ("an open quote", format!("\"{HIDDEN}\n{HIDDEN}")),
        ("marks", format!("\u{202e}{HIDDEN}\u{200b},\u{feff}\n")),
        ("a control character", format!("{HIDDEN}\u{1}\n")),
        ("a NUL", format!("{HIDDEN}\0{HIDDEN}\n")),
        ("no text", format!("{HIDDEN}\u{7f}\n")),
        ("an INI file", format!("[default]\napi_key = {HIDDEN}\n{HIDDEN}\n")),
        ("secrets in TOML", format!("ENVOY_TOKEN = \"{HIDDEN}\"\n{HIDDEN} = 1\n[\"{HIDDEN}\"]\n")),
        ("damaged TOML", format!("{HIDDEN} = \"{HIDDEN}\n\"{HIDDEN}\" = \\u{HIDDEN}\n")),
        ("JSON", format!("{{\"format\":\"{HIDDEN}\"}}\n")),
        (
            "JSON with a number",
            format!("{{\"format\":1,\"{HIDDEN}\":\"{HIDDEN}\",\"plan_id\":\"{HIDDEN}\"}}\n"),
        ),
        ("JSON cut off", format!("{{\"{HIDDEN}\":")),
        ("a key in PEM", format!("-----BEGIN PRIVATE KEY-----\n{HIDDEN}\n-----END PRIVATE KEY-----\n")),
        ("a password list", format!("name,note,enabled\nx,{HIDDEN},{HIDDEN}\n")),
    ]
}

#[track_caller]
fn assert_hidden(what: &str, ended: &Ended) {
    for text in [&ended.out, &ended.err] {
        assert!(!text.contains(&HIDDEN[3..11]), "{what}: {text}");
    }
    assert!([65, 66, 12].contains(&ended.code), "{what}: {} {}", ended.code, ended.err);
}

#[test]
fn nothing_is_quoted_of_a_file_that_is_no_manifest() {
    let desk = Desk::new();
    desk.manifest("saveClips", [(&Org::new(0), "true".to_owned())]);
    desk.write("doors.toml", "[rollout]\norgs = \"orgs.csv\"\ndoors = \"token\"\n");
    desk.write("orgs.toml", "[rollout]\norgs = \"token\"\n");
    for (what, text) in files_of_secrets() {
        desk.write("token", &text);
        desk.write("token.toml", &text);
        for line in ["check token", "check token.toml --json", "check orgs.toml --json", "check doors.toml"] {
            assert_hidden(&format!("{what}: {line}"), &desk.run_bare(line));
        }
    }
    // The commands that open a rollout do it in one place; a few of each kind are enough.
    for line in [
        "plan orgs.toml",
        "apply token --yes",
        "apply orgs.toml --yes",
        "apply token.toml --yes",
        "verify doors.toml",
    ] {
        let flags = "--endpoint http://127.0.0.1:1 --token-file key";
        for (what, text) in files_of_secrets() {
            desk.write("token", &text);
            desk.write("token.toml", &text);
            assert_hidden(&format!("{what}: {line}"), &desk.run_bare(&format!("{line} {flags}")));
        }
    }
}

#[test]
fn a_header_with_a_typing_error_is_still_a_header() {
    let desk = Desk::new();
    for header in ["Org_UUID,saveClips", "org uuid,saveClips", "orgUuid,saveClips"] {
        desk.write("orgs.csv", format!("{header}\nAAAAAAAAAAAAAAAAAAAAAA,true\n"));
        desk.run_bare("check orgs.csv").expect(65).says("E-COL-004").says("saveClips");
    }
    desk.write("orgs.csv", "name,saveClips\nAAAAAAAAAAAAAAAAAAAAAA,true\n");
    desk.run_bare("check orgs.csv").expect(65).says("E-COL-004: expected a header with the column org_uuid");
    desk.write("r.toml", "[rolout]\norgs = \"orgs.csv\"\n");
    desk.run_bare("check r.toml").expect(65).says("did you mean rollout?");
}

#[test]
fn what_a_rollout_names_lies_below_its_folder() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("here/sub")).unwrap();
    let org = Org::new(0);
    let manifest = format!("org_uuid,saveClips\n{},true\n", org.uuid);
    desk.write("orgs.csv", &manifest);
    desk.write("here/orgs.csv", &manifest);
    desk.write("here/sub/orgs.csv", &manifest);
    symlink(desk.path("orgs.csv"), desk.path("here/out.csv")).unwrap();
    symlink(desk.path("."), desk.path("here/up")).unwrap();
    symlink("sub/orgs.csv", desk.path("here/in.csv")).unwrap();
    let absolute = desk.path("orgs.csv").display().to_string();
    for orgs in ["../orgs.csv", "sub/../../orgs.csv", "out.csv", "up/orgs.csv", &absolute] {
        desk.write("here/r.toml", format!("[rollout]\norgs = \"{orgs}\"\n"));
        desk.run_bare("check here/r.toml").expect(65).says("E-ROLL-006 orgs");
        desk.run_bare("check here/r.toml --allow-outside").expect(0);
        desk.write("here/r.toml", format!("[rollout]\norgs = \"orgs.csv\"\nusers = \"{orgs}\"\n"));
        desk.run_bare("check here/r.toml").expect(65).says("E-ROLL-006 users");
    }
    for orgs in ["orgs.csv", "./sub/orgs.csv", "sub/../orgs.csv", "in.csv"] {
        desk.write("here/r.toml", format!("[rollout]\norgs = \"{orgs}\"\n"));
        desk.run_bare("check here/r.toml").expect(0);
    }
    let mut inside = desk.command();
    inside.current_dir(desk.path("here")).args(["check", "r.toml"]);
    desk.spawn(inside).wait().expect(0);
}

#[test]
fn devices_fifos_and_folders_end_at_once() {
    let desk = Desk::new();
    desk.manifest("saveClips", [(&Org::new(0), "true".to_owned())]);
    let made = Command::new("mkfifo").arg(desk.path("fifo")).status().unwrap();
    assert!(made.success());
    symlink("/dev/zero", desk.path("zero.csv")).unwrap();
    for path in ["/dev/zero", "/dev/null", "/dev/tty", "fifo", "zero.csv", "."] {
        for line in [format!("check {path}"), format!("apply {path} --sandbox --yes"), format!("plan {path}")]
        {
            desk.run_bare(&line).expect(66);
        }
        let key = desk.run_bare(&format!("orgs --endpoint http://127.0.0.1:1 --token-file {path}"));
        assert_eq!(key.code, 78, "{path}: {}", key.err);
        for (name, lines) in [
            ("orgs", format!("orgs = \"{path}\"")),
            ("doors", format!("orgs = \"orgs.csv\"\ndoors = \"{path}\"")),
        ] {
            desk.write("r.toml", format!("[rollout]\n{lines}\n"));
            let ended = desk.run_bare("check r.toml");
            assert!([65, 66].contains(&ended.code), "{name} {path}: {} {}", ended.code, ended.err);
            desk.run_bare("check r.toml --allow-outside").expect(66);
        }
    }
}

#[test]
fn a_pipe_that_the_user_hands_over_is_read() {
    let desk = Desk::new();
    desk.manifest("saveClips", [(&Org::new(0), "true".to_owned())]);
    let mut piped = Command::new("sh");
    desk.settle(&mut piped);
    let line = format!("cat orgs.csv | {} check /dev/stdin", env!("CARGO_BIN_EXE_orgwave"));
    piped.arg("-c").arg(line);
    desk.spawn(piped).wait().expect(0);
}

#[test]
fn a_process_that_is_killed_for_its_core_leaves_none() {
    let desk = Desk::new();
    let vendor = Vendor::start(Server::Replace, vec![Org::new(0)]);
    vendor.on(Fault::act("hang").on(Route::Clients));
    let quit = |line: &str| {
        let mut command = Command::new("sh");
        desk.settle(&mut command);
        command.arg("-c").arg(format!("ulimit -c unlimited; exec {line}"));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let line = format!("{} orgs --endpoint {} --token-file key", env!("CARGO_BIN_EXE_orgwave"), vendor.url());
    let mut child = quit(&line);
    // Once it has called, it holds the key.
    vendor.until_seen(1, Route::Clients);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id()));
    let killed = Command::new("sh").arg("-c").arg(format!("kill -QUIT {}", child.id())).status().unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(3), false));
    if let Ok(limits) = limits {
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    }
    assert!(!desk.files().iter().any(|path| path.file_name().unwrap().to_str().unwrap().starts_with("core")));
}
