//! Output that can't be written: reported, and never taken for done.

use std::fs;
use std::process::Stdio;

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Desk, FAST, saving_clips};

/// What a command comes to, printing to a disk that is full; and what it says of it.
fn on_a_full_disk(desk: &Desk, line: &str) -> (i32, String) {
    let mut command = desk.command();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.args(line.split_whitespace()).stdout(full).stderr(Stdio::piped()).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

/// The same, printing to a closed pipe.
fn into_a_closed_pipe(desk: &Desk, line: &str) -> (i32, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = desk.command();
    let output =
        command.args(line.split_whitespace()).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn unwritable_output_is_reported_and_ends_with_74() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 3);
    let run = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(0).run.unwrap();
    let run = run.display();
    let api = format!("--endpoint {} --token-file key", vendor.url());
    vendor.edit(&orgs[0].uuid, "saveClips", "false");
    for (line, code) in [
        (format!("orgs {api}"), 0),
        (format!("orgs --format csv {api}"), 0),
        (format!("export -o live {api} --rate unlimited --org-rate unlimited"), 0),
        ("check orgs.csv".to_owned(), 0),
        (format!("check orgs.csv --online {api} {FAST}"), 0),
        (format!("plan orgs.csv {api} {FAST}"), 0),
        (format!("plan orgs.csv --json {api} {FAST}"), 0),
        (format!("verify orgs.csv {api} {FAST}"), 2),
        (format!("verify orgs.csv --json {api} {FAST}"), 2),
        (format!("undo {run} {api} {FAST}"), 0),
        (format!("report {run}"), 0),
        ("runs".to_owned(), 0),
        ("runs --json".to_owned(), 0),
        ("runs prune --keep 90d --dry-run".to_owned(), 0),
        (format!("doctor {api}"), 0),
        ("init begun".to_owned(), 0),
        ("explain E-ROW-003".to_owned(), 0),
        ("completions bash".to_owned(), 0),
        ("man".to_owned(), 0),
        ("--help".to_owned(), 0),
        ("apply --help".to_owned(), 0),
        ("--version".to_owned(), 0),
    ] {
        let (ended, said) = on_a_full_disk(&desk, &line);
        assert_eq!(ended, 74, "{line}: {said}");
        let reports = said.matches("orgwave: stdout can't be written: No space left on device").count();
        assert_eq!(reports, 1, "{line}: {said}");
        // A reader who has seen enough changes nothing.
        for made in ["live", "begun"] {
            let _ = fs::remove_dir_all(desk.path(made));
        }
        let (ended, said) = into_a_closed_pipe(&desk, &line);
        assert_eq!(ended, code, "{line}: {said}");
        assert!(!said.contains("stdout"), "{line}: {said}");
    }
}

#[test]
fn problems_of_inputs_come_before_unwritable_output() {
    let desk = Desk::new();
    desk.write("orgs.csv", "org_uuid,nonsense\nAAAAAAAAAAAAAAAAAAAAAA,1\n");
    let (ended, said) = on_a_full_disk(&desk, "check orgs.csv --json");
    assert_eq!(ended, 65, "{said}");
    assert!(said.contains("stdout can't be written"), "{said}");
}

#[test]
fn run_with_unwritable_output_completes_and_exits_with_74() {
    for flag in ["", "--json"] {
        let (desk, vendor, orgs) = saving_clips(Server::Merge, 4);
        let api = format!("--endpoint {} --token-file key", vendor.url());
        let line = format!("apply orgs.csv --metrics-file m.prom {flag} {ALL} {FAST} {api}");
        // With --json the summary is on stderr, and stdout fails with the first event.
        let (ended, said) = on_a_full_disk(&desk, &line);
        assert_eq!(ended, 74, "{flag}: {said}");
        assert!(said.contains("stdout can't be written"), "{flag}: {said}");
        assert_eq!(vendor.of(Route::Write).len(), orgs.len());
        let runs = desk.run_bare("runs --json").expect(0).out;
        let run: serde_json::Value = serde_json::from_str(&runs).unwrap();
        assert_eq!((&run["finished"], &run["counts"]["applied"]), (&true.into(), &4.into()), "{runs}");
        assert!(fs::read_to_string(desk.path("m.prom")).unwrap().contains("exit_code{"));
        let metrics = fs::read_to_string(desk.path("m.prom")).unwrap();
        let exit = metrics.lines().find(|line| line.starts_with("orgwave_run_exit_code{")).unwrap();
        assert!(exit.ends_with(" 74"), "{exit}");
    }
}

#[test]
fn a_file_that_may_not_grow_ends_with_74_like_a_full_disk() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 200);
    for line in ["plan orgs.csv", "apply orgs.csv --yes"] {
        let line = format!("{line} {FAST} --endpoint {} --token-file key", vendor.url());
        let mut command = std::process::Command::new("sh");
        let program = env!("CARGO_BIN_EXE_orgwave");
        command.arg("-c").arg(format!("ulimit -f 20; exec '{program}' {line}"));
        desk.settle(&mut command);
        desk.spawn(command).wait().expect(74).says("can't be written");
    }
    assert_eq!(vendor.of(Route::Write).len(), 0);
    desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0);
}
