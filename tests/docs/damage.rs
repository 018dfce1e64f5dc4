//! Things that aren't as they were left: each is said for what it is, with a way on.

use std::path::PathBuf;

use orgwave_core::ids::Ruuid;

use crate::shell::Shell;

/// A run of the sandbox, in a folder that is returned.
fn run(shell: &Shell) -> PathBuf {
    shell.orgwave("init").with_code(0);
    shell.orgwave("apply rollout.toml --sandbox --yes -q").with_code(0);
    let mut runs = std::fs::read_dir(shell.path("reports")).unwrap().map(|entry| entry.unwrap().path());
    runs.next().unwrap()
}

#[test]
fn a_damaged_runs_report_says_what_is_damaged_and_how_to_fix() {
    let shell = Shell::new();
    let run = run(&shell);
    let (journal, plan) = (run.join("run.db"), run.join("plan.jsonl"));
    let (whole_journal, whole_plan) = (std::fs::read(&journal).unwrap(), std::fs::read(&plan).unwrap());
    let half = &whole_journal[..whole_journal.len() / 2];
    let mut overwritten = whole_journal.clone();
    overwritten[4_096..8_192].fill(0);
    let name = run.file_name().unwrap().to_str().unwrap();
    for (damaged, code, said) in [
        (half, 65, "damaged"),
        (&overwritten[..], 65, "damaged"),
        (b"no database", 65, "not a journal of orgwave"),
        (b"", 65, "the journal is empty"),
    ] {
        std::fs::write(&journal, damaged).unwrap();
        let ran = shell.orgwave(&format!("report {name}")).with_code(code);
        assert!(ran.err.contains(said), "{said:?} isn't in {}", ran.err);
        assert!(
            ran.err.contains("apply the rollout again: orgs in sync are not written again"),
            "{}",
            ran.err
        );
        assert!(ran.err.matches("image is malformed").count() <= 1, "{}", ran.err);
        // The others are listed all the same.
        let listed = shell.orgwave("runs").with_code(0);
        assert!(listed.err.contains("can't be used"), "{}", listed.err);
    }
    std::fs::write(&journal, &whole_journal).unwrap();
    std::fs::write(&plan, &whole_plan[..whole_plan.len() / 2]).unwrap();
    let ran = shell.orgwave(&format!("report {name}"));
    assert!([12, 65].contains(&ran.code) && ran.err.contains("plan"), "{ran:?}");
    std::fs::remove_file(&plan).unwrap();
    let ran = shell.orgwave(&format!("report {name}"));
    assert!([65, 66].contains(&ran.code) && ran.err.contains("plan"), "{ran:?}");
    shell.orgwave("report nowhere").with_code(66);
    // Whole again, its files are the same as at first.
    std::fs::write(&plan, &whole_plan).unwrap();
    let results = std::fs::read(run.join("results.csv")).unwrap();
    std::fs::remove_file(run.join("results.csv")).unwrap();
    shell.orgwave(&format!("report {name}")).with_code(0);
    assert_eq!(std::fs::read(run.join("results.csv")).unwrap(), results);
}

#[test]
fn sandbox_run_is_not_resumable_and_needs_no_key() {
    let shell = Shell::new();
    let run = run(&shell);
    for command in ["resume", "undo", "verify"] {
        let ran = shell.orgwave(&format!("{command} {}", run.display())).with_code(64);
        assert!(ran.err.contains("its server has ended"), "{}", ran.err);
        // Every org is done: there are no rows to retry.
        assert!(ran.err.contains("`orgwave sandbox`") && !ran.err.contains("retry.toml"), "{}", ran.err);
    }
    let listed = shell.orgwave("runs").with_code(0).out;
    assert!(listed.contains("  exit 0  sandbox  "), "{listed}");
}

/// What the vendor left open in a sandbox is tried again by its rows, and never by `resume`.
#[test]
fn what_a_run_of_the_sandbox_left_is_tried_again_by_its_rows() {
    let shell = Shell::new();
    shell.write("orgs.csv", "org_uuid,saveClips\nHp7YW6y2ztaa4ssOe7u6yw,true\np7LwiLtoP9jlVcU4OoXtJA,true\n");
    shell.write(
        "rollout.toml",
        "[rollout]\norgs = \"orgs.csv\"\n[sandbox]\nfaults = [\"400 on write\"]\nsettings = { saveClips = false }\n",
    );
    let ran = shell.orgwave("apply rollout.toml --sandbox --yes --max-failures 0").with_code(4);
    assert!(ran.out.contains("retry.toml --sandbox") && !ran.out.contains("resume"), "{}", ran.out);
    let run = std::fs::read_dir(shell.path("reports")).unwrap().next().unwrap().unwrap().path();
    let refused = shell.orgwave(&format!("resume {}", run.display())).with_code(64);
    assert!(refused.err.contains("retry.toml --sandbox"), "{}", refused.err);
    for file in ["summary.json", "results.csv", "report.html", "report.md", "junit.xml"] {
        let text = std::fs::read_to_string(run.join(file)).unwrap();
        assert!(text.contains("apply retry.toml") && !text.contains("resume the run"), "{file}: {text}");
    }
}

/// The hint when the disk was full while the sandbox ran: no resume, and word for word it works.
#[test]
fn a_run_of_the_sandbox_on_a_full_disk_says_what_is_possible() {
    let mut met = 0;
    for blocks in (8..160).step_by(8) {
        let shell = Shell::new();
        // So many that the journal is the largest file while they are written.
        let row = |number: u8| format!("{},true\n", Ruuid::from_bytes([number; 16]));
        shell.write("orgs.csv", &format!("org_uuid,saveClips\n{}", (1..80).map(row).collect::<String>()));
        shell.write(
            "rollout.toml",
            "[rollout]\norgs = \"orgs.csv\"\n[limits]\nrate = \"unlimited\"\n[sandbox]\nlatency = \"5ms\"\nsettings = { saveClips = false }\n",
        );
        let apply = "orgwave apply rollout.toml --sandbox --yes -q";
        // The signal that goes with the limit would end the process; ignored, the write fails as on a full disk.
        let ran = shell.line(&format!("trap '' XFSZ; ulimit -f {blocks}; {apply}"));
        if ran.code == 0 {
            break;
        }
        assert_eq!(ran.code, 74, "{blocks} blocks: {}", ran.err);
        assert!(!ran.err.contains("resume"), "{}", ran.err);
        let Some((_, way)) = ran.err.split_once("free space or repair the disk, then: ") else { continue };
        shell.line(&format!("{} --yes", way.trim_end())).with_code(0);
        met += 1;
    }
    assert!(met > 0, "no limit was met while the journal was written");
}
