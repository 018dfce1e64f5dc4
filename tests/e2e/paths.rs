//! Paths that are no plain files, lead elsewhere, are too long, or aren't there; and flags from the environment.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::process::Command;

use orgwave_sandbox::Server;

use crate::desk::{Desk, of_one};
use crate::org::Org;
use crate::vendor::{KEY, Vendor};

fn ready() -> (Desk, Vendor) {
    of_one(Server::Merge, &Org::new(0), "saveClips", "true")
}

#[test]
fn devices_and_links_of_outputs_stay_what_they_are() {
    let (desk, vendor) = ready();
    // A device of our own: the machine's must not be what a failure of this test replaces.
    let made = Command::new("mknod").arg(desk.path("null")).args(["c", "1", "3"]).status().unwrap();
    let null = if made.success() { "null" } else { "/dev/null" };
    let made = Command::new("mkfifo").arg(desk.path("fifo")).status().unwrap();
    assert!(made.success());
    fs::create_dir(desk.path("there")).unwrap();
    symlink("there/m.prom", desk.path("m.prom")).unwrap();
    symlink("there/p.jsonl", desk.path("p.jsonl")).unwrap();
    let apply = |file: &str| desk.run(&vendor, &format!("apply orgs.csv --yes --metrics-file {file}"));
    apply(null).expect(0);
    assert!(fs::metadata(desk.path(null)).unwrap().file_type().is_char_device());
    for _ in 0..2 {
        apply("m.prom").expect(0);
        assert!(fs::symlink_metadata(desk.path("m.prom")).unwrap().is_symlink());
        assert!(fs::read_to_string(desk.path("there/m.prom")).unwrap().contains("orgwave_run_exit_code"));
    }
    for refused in ["fifo", "there", "/dev"] {
        apply(refused).expect(78);
    }
    assert!(fs::metadata(desk.path("fifo")).unwrap().file_type().is_fifo());
    for refused in [null, "fifo"] {
        desk.run(&vendor, &format!("plan orgs.csv -o {refused}")).expect(78);
    }
    desk.run(&vendor, "plan orgs.csv -o p.jsonl").expect(0);
    assert!(fs::symlink_metadata(desk.path("p.jsonl")).unwrap().is_symlink());
    assert!(desk.path("there/p.jsonl").is_file() && desk.path("there/p.md").is_file());
}

#[test]
fn stdout_target_is_never_replaced_and_tables_to_it_are_refused() {
    let (desk, vendor) = ready();
    let into_a_file = |line: &str| {
        let out = desk.path("out.txt");
        let mut command = desk.command();
        command.args(format!("{line} --endpoint {} --token-file key", vendor.url()).split_whitespace());
        let status = command.stdout(fs::File::create(&out).unwrap()).status().unwrap();
        (status.code(), fs::read_to_string(out).unwrap())
    };
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        for line in ["verify orgs.csv -o", "apply orgs.csv --yes --metrics-file"] {
            assert_eq!(into_a_file(&format!("{line} {name}")), (Some(78), String::new()), "{line} {name}");
        }
        assert_eq!(into_a_file(&format!("plan orgs.csv -o {name}")), (Some(78), String::new()), "{name}");
    }
    assert!(Command::new("mkfifo").arg(desk.path("fifo")).status().unwrap().success());
    for refused in ["fifo", "/dev/null", "/dev/full", "."] {
        desk.run(&vendor, &format!("verify orgs.csv -o {refused}")).expect(78);
    }
    desk.run(&vendor, "verify orgs.csv -o gone/x.csv").expect(74);
    assert_eq!(vendor.seen().len(), 0);
    for (refused, code) in [("fifo", 78), ("/dev/null", 78), ("key", 74)] {
        desk.run(&vendor, &format!("apply orgs.csv --yes --reports {refused}"))
            .expect(code)
            .says("not a folder");
        desk.run(&vendor, &format!("plan orgs.csv --reports {refused}")).expect(code);
    }
}

#[test]
fn a_plan_or_its_mark_that_is_a_fifo_or_a_device_ends_at_once() {
    let (desk, vendor) = ready();
    let plan = desk.run(&vendor, "plan orgs.csv").expect(0).plan_file();
    let mark = format!("{plan}.used");
    let fifo = |path: &str| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    fifo(&mark);
    desk.run(&vendor, &format!("apply {plan} --yes")).expect(12);
    fs::remove_file(&mark).unwrap();
    symlink("/dev/zero", &mark).unwrap();
    desk.run(&vendor, &format!("apply {plan} --yes")).expect(12);
    fs::remove_file(&mark).unwrap();
    let run = desk.run(&vendor, &format!("apply {plan} --yes")).expect(0).run.unwrap();
    let of_run = run.join("plan.jsonl").display().to_string();
    for device in [false, true] {
        fs::remove_file(&of_run).unwrap();
        if device {
            symlink("/dev/zero", &of_run).unwrap();
        } else {
            fifo(&of_run);
        }
        let run = run.display();
        desk.run_bare("runs").expect(0);
        desk.run_bare(&format!("report {run}")).expect(65);
        for command in ["resume", "verify", "undo"] {
            let code = desk.run(&vendor, &format!("{command} {run}")).code;
            assert!(matches!(code, 65 | 66), "{command}: {code}");
        }
    }
}

#[test]
fn every_path_to_a_plan_leads_to_one_mark_of_its_use() {
    let (desk, vendor) = ready();
    fs::create_dir(desk.path("links")).unwrap();
    let apply = |plan: &str, memory: &str| {
        desk.run(&vendor, &format!("apply {plan} --yes --state-dir {memory} --reports {memory}"))
    };
    for (first, second) in
        [("links/latest.jsonl", "p.jsonl"), ("p.jsonl", "links/latest.jsonl"), ("links/latest.jsonl", "more")]
    {
        for name in ["p.jsonl", "p.html", "p.md", "p.csv", "p.jsonl.used", "links/latest.jsonl", "more"] {
            let _ = fs::remove_file(desk.path(name));
        }
        let _ = fs::remove_dir_all(desk.path("a"));
        desk.run(&vendor, "plan orgs.csv -o p.jsonl").expect(0);
        symlink("../p.jsonl", desk.path("links/latest.jsonl")).unwrap();
        symlink("links/latest.jsonl", desk.path("more")).unwrap();
        apply(first, "a").expect(0);
        assert!(desk.path("p.jsonl.used").is_file());
        // Another machine, which has the plan's folder only.
        apply(second, "b").expect(12);
    }
}

#[test]
fn what_is_compared_needs_no_folder_for_temporary_files() {
    let (desk, vendor) = ready();
    let run = |line: &str, variables: &[(&str, &str)]| {
        let mut command = desk.command();
        command.args(format!("{line} --endpoint {} --token-file key", vendor.url()).split_whitespace());
        command.env_remove("XDG_STATE_HOME").env_remove("HOME").env("TMPDIR", "/nowhere");
        command.envs(variables.iter().copied());
        desk.spawn(command).wait()
    };
    for line in ["check orgs.csv --online", "verify orgs.csv"] {
        let code = run(&format!("{line} --state-dir memory"), &[]).code;
        assert!(matches!(code, 0 | 2), "{line}: {code}");
        assert_eq!(fs::read_dir(desk.path("memory")).unwrap().count(), 0, "nothing is left");
        let code = run(line, &[("TMPDIR", ".")]).code;
        assert!(matches!(code, 0 | 2), "{line}: {code}");
        run(line, &[]).expect(74).says("--state-dir");
    }
}

#[test]
fn a_path_that_is_too_long_says_so() {
    let (desk, vendor) = ready();
    let name = "n".repeat(300);
    desk.run(&vendor, &format!("apply orgs.csv --yes --reports {name}")).expect(74).says("too long");
    desk.run_bare(&format!("check {name}.csv")).expect(66).says("too long");
    // Longer than what SQLite takes, and not than what the system does.
    let deep = vec!["d".repeat(100); 6].join("/");
    desk.run(&vendor, &format!("apply orgs.csv --yes --reports {deep}")).expect(74).says("too long");
}

#[test]
fn without_a_home_one_message_names_the_state_dir() {
    let (desk, vendor) = ready();
    for home in [None, Some(""), Some("/"), Some("relative")] {
        let start = |more: &str| {
            let mut command = desk.command();
            let line = format!("apply orgs.csv --yes --endpoint {} --token-file key {more}", vendor.url());
            command.args(line.split_whitespace()).env_remove("XDG_STATE_HOME").env_remove("HOME");
            command.envs(home.map(|home| ("HOME", home)));
            desk.spawn(command).wait()
        };
        start("").expect(78).says("--state-dir");
        start("--state-dir memory").expect(0);
        assert!(desk.path("memory/applied").is_dir());
        fs::remove_dir_all(desk.path("memory")).unwrap();
    }
}

#[test]
fn every_flag_has_a_variable_but_those_that_give_a_yes() {
    let (desk, vendor) = ready();
    let url = vendor.url();
    let run = |line: &str, variables: &[(&str, &str)]| {
        let mut command = desk.command();
        command.args(line.split_whitespace()).envs(variables.iter().copied());
        desk.spawn(command).wait()
    };
    let here = [("ORGWAVE_ENDPOINT", url.as_str()), ("ORGWAVE_TOKEN_FILE", "key")];
    run("orgs", &here).expect(0);
    run("orgs", &[("ORGWAVE_ENDPOINT", &url), ("ORGWAVE_TOKEN_COMMAND", "cat key")]).expect(0);
    run("plan orgs.csv", &[here[0], here[1], ("ORGWAVE_REPORTS", "elsewhere")]).expect(0);
    assert!(desk.path("elsewhere/plans").is_dir());
    let json = run("plan orgs.csv", &[here[0], here[1], ("ORGWAVE_JSON", "1")]).expect(0);
    assert!(json.out.starts_with('{'), "{}", json.out);
    let people = run("plan orgs.csv", &[here[0], here[1], ("ORGWAVE_JSON", "0")]).expect(0);
    assert!(!people.out.starts_with('{'), "{}", people.out);
    // What is typed comes first, also before a variable of what it excludes; an empty one says nothing.
    run("orgs --token-file key", &[here[0], ("ORGWAVE_TOKEN_FILE", "gone")]).expect(0);
    run("orgs --token-file key", &[here[0], ("ORGWAVE_TOKEN_COMMAND", "false")]).expect(0);
    run(&format!("orgs --endpoint={url}"), &[("ORGWAVE_REGION", "eu"), here[1]]).expect(0);
    run("plan orgs.csv --sandbox", &[("ORGWAVE_ENDPOINT", "https://x.invalid"), here[1]]).expect(0);
    run("orgs", &[here[0], here[1], ("ORGWAVE_RATE", ""), ("ORGWAVE_REGION", "")]).expect(0);
    run("orgs", &[here[0], here[1], ("ORGWAVE_RATE", "fast")]).expect(64).says("ORGWAVE_RATE");
    run("orgs", &[here[0], here[1], ("ORGWAVE_REGION", "eu")]).expect(64).says("ORGWAVE_REGION");
    run("runs prune", &[("ORGWAVE_KEEP", "90d"), ("ORGWAVE_KEEP_LAST", "3")]).expect(0);
    run("runs prune", &[("ORGWAVE_KEEP", "long")]).expect(64);
    // A variable says no yes, and chooses no other command.
    for variable in ["ORGWAVE_YES", "ORGWAVE_UNATTENDED", "ORGWAVE_DRY_RUN", "ORGWAVE_SANDBOX"] {
        run("apply orgs.csv", &[here[0], here[1], (variable, "true")]).expect(64);
    }
    run("apply orgs.csv --yes", &[here[0], here[1], ("ORGWAVE_DETAILED_EXITCODE", "1")]).expect(0);
    let outside = desk.path("orgs.csv").display().to_string();
    fs::create_dir(desk.path("sub")).unwrap();
    desk.write("sub/r.toml", format!("[rollout]\norgs = \"{outside}\"\n"));
    run("check sub/r.toml", &[("ORGWAVE_ALLOW_OUTSIDE", "true")]).expect(65);
    let help = run("apply --help", &[("ORGWAVE_PROXY", "http://me:hunter2@proxy")]).expect(0).out;
    for variable in ["ORGWAVE_ENDPOINT", "ORGWAVE_REPORTS", "ORGWAVE_MAX_FAILURES", "ORGWAVE_NO_PROGRESS"] {
        assert!(help.contains(variable), "{variable}");
    }
    assert!(!help.contains("ORGWAVE_YES") && !help.contains("ORGWAVE_ACK") && !help.contains("hunter2"));
    assert!(!help.contains(KEY));
}
