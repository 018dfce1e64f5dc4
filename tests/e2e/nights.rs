//! Night after night: what is left behind, what is removed again, and what monitoring sees.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use orgwave_sandbox::{Route, Server};

use crate::debian::program;
use crate::desk::{FAST, saving_clips};
use crate::vendor::Fault;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn only_changed_clients_have_a_file_in_an_unattended_run() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 6);
    let night = format!("apply orgs.csv --unattended --max-changed 100% {FAST}");
    let all = desk.run(&vendor, &night).expect(0);
    assert_eq!(names(&all.file("orgs")).len(), 6);

    vendor.edit(&orgs[2].uuid, "saveClips", "false");
    let some = desk.run(&vendor, &night).expect(0);
    assert_eq!(names(&some.file("orgs")).len(), 1);
    let result = some.result(&orgs[2].uuid);
    assert_eq!(result["status"], "applied");
    // Made again, they are the same ones: the run knows that it was unattended.
    let run = some.run.as_ref().unwrap().display().to_string();
    desk.run_bare(&format!("report {run}")).expect(0);
    assert_eq!(names(&some.file("orgs")).len(), 1);
    desk.run_bare(&format!("report {run} --org-files always")).expect(0);
    assert_eq!(names(&some.file("orgs")).len(), 6);
    desk.run_bare(&format!("report {run}")).expect(0);
    assert_eq!(names(&some.file("orgs")).len(), 1);

    let none = desk.run(&vendor, &night).expect(0);
    assert!(!none.file("orgs").exists());
    let watched = desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0);
    assert_eq!(names(&watched.file("orgs")).len(), 6);
}

#[test]
fn a_refused_night_leaves_nothing() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 3);
    let night = format!("apply orgs.csv --unattended --max-changed 100% {FAST}");
    desk.write_private("other", "another-key");
    desk.write("bad.csv", "org_uuid,nonsense\n");
    vendor.on(Fault::status(401, &[], "{}").on(Route::Clients));
    desk.run(&vendor, &night).expect(77);
    vendor.behave();
    for (line, code) in [
        (format!("{night} --endpoint http://127.0.0.1:1 --token-file key"), 69),
        (format!("{night} --endpoint {} --token-file nothing", vendor.url()), 78),
        (format!("{night} --endpoint {} --token-file key --metrics-file no/m.prom", vendor.url()), 78),
        (format!("apply bad.csv --unattended --endpoint {} --token-file key", vendor.url()), 65),
        (format!("apply gone.csv --unattended --endpoint {} --token-file key", vendor.url()), 66),
        (format!("apply orgs.csv {FAST} --endpoint {} --token-file key", vendor.url()), 64),
    ] {
        desk.run_bare(&line).expect(code);
        assert!(!desk.path("reports").exists(), "{line}: {:?}", names(&desk.path("reports")));
    }
    // A guard keeps its plan, which is what it asks to look at.
    let guarded =
        desk.run(&vendor, &format!("apply orgs.csv --unattended --max-changed 1% {FAST}")).expect(13);
    assert!(guarded.file("plan.jsonl").exists() && !guarded.file("run.db").exists());
    assert_eq!(vendor.of(Route::Write).len(), 0);
}

#[test]
fn pruning_takes_old_finished_runs_and_nothing_else() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 3);
    let night = format!("apply orgs.csv --yes --max-failures 100% {FAST}");
    let run = |ended: crate::desk::Ended| ended.run.unwrap();
    let oldest = run(desk.run(&vendor, &night).expect(0));
    // The key is refused in mid-run: there is something to resume.
    vendor.edit(&orgs[1].uuid, "saveClips", "false");
    let plan = desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0).plan_file();
    for op in [Route::Write, Route::Clients] {
        vendor.on(Fault::status(401, &[], "{}").on(op));
    }
    let unfinished = run(desk.run(&vendor, &format!("apply {plan} --yes {FAST}")).expect(77));
    vendor.behave();
    let older = run(desk.run(&vendor, &night).expect(0));
    let newest = run(desk.run(&vendor, &night).expect(0));
    desk.run(&vendor, &format!("plan orgs.csv {FAST}")).expect(0);

    let reports = desk.path("reports");
    for made in ["notes", "example", "20200101T000000Z-0123456789abcdef", ".pruned-by-hand", ".pruned-"] {
        fs::create_dir(reports.join(made)).unwrap();
        fs::write(reports.join(made).join("mine.txt"), "mine").unwrap();
    }
    // A copy is the user's, and so is what a link leads to.
    let copied = Command::new("cp").arg("-r").arg(&oldest).arg(reports.join("copy")).status().unwrap();
    assert!(copied.success());
    let elsewhere = desk.path("elsewhere");
    fs::rename(&older, &elsewhere).unwrap();
    symlink(&elsewhere, &older).unwrap();

    let before = names(&reports);
    desk.run_bare("runs prune").expect(64);
    for line in
        ["runs prune --keep 90d", "runs prune --keep 0s --dry-run", "runs prune --keep 0s --keep-last 9"]
    {
        let ended = desk.run_bare(line).expect(0);
        assert_eq!(names(&reports), before, "{line}: {}", ended.out);
    }
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let dry = desk.run_bare("runs prune --keep 0s --keep-last 1 --dry-run").expect(0).out;
    assert!(dry.contains(&format!("would remove {}", name(&oldest))), "{dry}");
    assert!(dry.contains("1 run would be removed"), "{dry}");

    let done = desk.run_bare("runs prune --keep 0s --keep-last 1 --json").expect(0).out;
    let done: serde_json::Value = serde_json::from_str(&done).unwrap();
    assert_eq!((done["run_id"].as_str(), done["removed"].as_bool()), (Some(&*name(&oldest)), Some(true)));
    let kept: Vec<String> = before.iter().filter(|kept| **kept != name(&oldest)).cloned().collect();
    assert_eq!(names(&reports), kept);
    desk.run_bare("runs prune --keep 0s").expect(0);
    let kept: Vec<String> = kept.iter().filter(|kept| **kept != name(&newest)).cloned().collect();
    assert_eq!(names(&reports), kept, "an unfinished run, and what is no run, stay whatever their age");
    assert!(elsewhere.join("run.db").exists() && unfinished.join("run.db").exists());

    // Once finished, it goes too.
    desk.run(&vendor, &format!("resume {} {FAST}", unfinished.display())).expect(0);
    desk.run_bare("runs prune --keep 0s").expect(0);
    assert!(!unfinished.exists());
}

#[test]
fn a_stopped_pruning_is_finished_by_the_next_and_not_listed() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 2);
    let run = desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0).run.unwrap();
    let left = desk.path("reports").join(format!(".pruned-{}", run.file_name().unwrap().to_str().unwrap()));
    fs::rename(&run, &left).unwrap();
    desk.run_bare("runs").expect(0).says("no runs below");
    desk.run_bare("runs prune --keep 90d --dry-run").expect(0);
    assert!(left.exists());
    desk.run_bare("runs prune --keep 90d").expect(0);
    assert!(!left.exists());
}

/// What a night that changes nothing may leave. `runs prune --keep 90d` keeps ninety of them, whatever the year.
#[test]
fn a_pruned_year_of_nightly_runs_stays_below_53_mb() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 1_000);
    let night = format!("apply orgs.csv --unattended -q --max-changed 100% {FAST}");
    desk.run(&vendor, &night).expect(0);
    let quiet = desk.run(&vendor, &night).expect(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    let folder = quiet.run.as_ref().unwrap();
    let files: Vec<(String, u64)> = names(folder)
        .into_iter()
        .map(|name| (name.clone(), fs::metadata(folder.join(&name)).unwrap().len()))
        .collect();
    assert!(files.len() < 20, "{files:?}");
    let log = fs::read_to_string(folder.join("run.log.jsonl")).unwrap();
    assert!(log.lines().count() < 10, "of an org that is as desired the log has no line: {log}");
    // As a disk has it: whole blocks.
    let kilobytes = || {
        let output = Command::new("du").args(["-k", "-s"]).arg(folder).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    let left = kilobytes();
    assert!(left * 1_024 * 91 < 53_000_000, "{left} kB a night: {files:?}");
    // Reading runs leaves nothing in them.
    for line in ["runs".to_owned(), format!("report {}", folder.display())] {
        desk.run_bare(&line).expect(0);
        assert_eq!(kilobytes(), left, "{line}: {:?}", names(folder));
    }
}

/// A node exporter that collects a folder; it ends when dropped.
struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    fn start(folder: &Path) -> Self {
        let program = program(&["prometheus-node-exporter", "node_exporter"], "prometheus-node-exporter");
        let mut child = Command::new(program)
            .args([
                "--collector.disable-defaults",
                "--collector.textfile",
                "--web.listen-address=127.0.0.1:0",
            ])
            .arg(format!("--collector.textfile.directory={}", folder.display()))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "the exporter ended before it listened");
            if let Some((_, address)) = line.split_once("address=")
                && line.contains("Listening")
            {
                break address.trim().to_owned();
            }
        };
        // It continues to speak, and must not block on it.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, address }
    }

    /// What it serves.
    fn scrape(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.0 200"), "{reply}");
        reply
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a series, of which there is one.
#[track_caller]
fn value(metrics: &str, name: &str, label: &str) -> String {
    let found: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with(&format!("orgwave_run_{name}{{")) && line.contains(label))
        .collect();
    assert_eq!(found.len(), 1, "{name} {label}: {metrics}");
    found[0].rsplit_once(' ').unwrap().1.to_owned()
}

#[test]
fn an_exporter_collects_metrics_of_two_rollouts_at_once() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 3);
    // Of the same name, each in a new folder.
    for folder in ["one", "two", "collected"] {
        fs::create_dir(desk.path(folder)).unwrap();
    }
    for folder in ["one", "two"] {
        desk.write(&format!("{folder}/orgs.csv"), fs::read(desk.path("orgs.csv")).unwrap());
        desk.write(&format!("{folder}/rollout.toml"), "[rollout]\norgs = \"orgs.csv\"\n");
    }
    let night = |folder: &str, more: &str| {
        let mut command = desk.command();
        let line = format!(
            "apply rollout.toml --unattended --max-changed 100% --metrics-file ../collected/{folder}.prom \
             --metrics-label site=berlin {FAST} {more} --endpoint {} --token-file ../key",
            vendor.url()
        );
        command.current_dir(desk.path(folder)).args(line.split_whitespace());
        desk.spawn(command).wait()
    };
    night("one", "").expect(0);
    night("two", "--metrics-label team=doors").expect(0);
    let exporter = Exporter::start(&desk.path("collected"));
    let metrics = exporter.scrape();
    assert!(metrics.contains("node_textfile_scrape_error 0\n"), "{metrics}");
    for folder in ["one", "two"] {
        let rollout = format!(
            "rollout=\"{}\"",
            desk.path(folder).join("rollout.toml").canonicalize().unwrap().display()
        );
        assert_eq!(value(&metrics, "exit_code", &rollout), "0");
        let series =
            metrics.lines().filter(|line| line.starts_with("orgwave_run_") && line.contains(&rollout));
        for line in series {
            assert!(
                line.contains("site=\"berlin\"") && line.contains(&format!("endpoint=\"{}\"", vendor.url())),
                "{line}"
            );
        }
    }
    assert_eq!(value(&metrics, "exit_code", "team=\"doors\""), "0");

    // A refused night of one says nothing of the other, and when it last went well.
    let since = value(&metrics, "last_success_timestamp_seconds", "/one/");
    vendor.edit(&orgs[0].uuid, "saveClips", "false");
    vendor.on(Fault::status(401, &[], "{}").on(Route::Clients));
    night("one", "").expect(77);
    let metrics = exporter.scrape();
    assert!(metrics.contains("node_textfile_scrape_error 0\n"), "{metrics}");
    assert_eq!(value(&metrics, "exit_code", "/one/"), "77");
    assert_eq!(value(&metrics, "exit_code", "/two/"), "0");
    assert_eq!(value(&metrics, "last_success_timestamp_seconds", "/one/"), since);
}

#[test]
fn labels_of_metrics_that_prometheus_would_refuse_are_64() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 1);
    for labels in [
        "--metrics-label site",
        "--metrics-label 1a=x",
        "--metrics-label rollout=x",
        "--metrics-label __a=x",
        "--metrics-label a=",
        "--metrics-label a=1 --metrics-label a=2",
    ] {
        desk.run(&vendor, &format!("apply orgs.csv --yes --metrics-file m.prom {labels} {FAST}")).expect(64);
    }
    desk.run(&vendor, &format!("apply orgs.csv --yes --metrics-label a=1 {FAST}")).expect(64);
    assert_eq!(vendor.seen().len(), 0);
}
