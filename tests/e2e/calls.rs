//! How many calls each command makes: every line of the table in `docs/guide/limits.md`, run and counted by the vendor. And
//! what a plan says of its apply.

use std::collections::BTreeMap;

use orgwave_core::operation::Catalog;
use orgwave_core::policy::VerifyPolicy;
use orgwave_sandbox::Route;
use serde_json::Value;

use crate::desk::{Desk, Ended, FAST};
use crate::org::uuid;
use crate::vendor::{Fault, Vendor};

const ORGS: usize = 6;
const PAGE: &str = include_str!("../../docs/guide/limits.md");
/// Where every org starts, and nothing but an update changes it.
const START: &str = r#"
seed = 3
server = "merge"
unaudited = true
settings = { saveClips = false }
[operation.toast]
settings = { currentToastRestaurantGuid = "before" }
[operation.org-llm]
settings = { llmUsageEnabled = true }
[operation.org-ai-training]
settings = { shareAiTrainingMediaWithRhombus = true }
"#;
const ONE: &str = "saveClips";
const APART: &str = "saveClips,toast:currentToastRestaurantGuid";
const SHARED: &str = "org-llm:llmUsageEnabled,org-ai-training:shareAiTrainingMediaWithRhombus";
/// For commands that take no other flags of pace.
const READING: &str = "--rate unlimited --org-rate unlimited";

/// A vendor, and a rollout that changes each of its orgs.
struct Scene {
    desk: Desk,
    vendor: Vendor,
    orgs: Vec<String>,
}

impl Scene {
    fn of(columns: &str) -> Self {
        let desk = Desk::new();
        let orgs: Vec<String> = (0..ORGS).map(uuid).collect();
        let value = |column: &str| match column {
            ONE => "true",
            column if column.contains("toast") => "after",
            _ => "false",
        };
        let cells: Vec<&str> = columns.split(',').map(value).collect();
        let rows = orgs.iter().map(|org| format!("{org},{}\n", cells.join(",")));
        desk.write("orgs.csv", format!("org_uuid,{columns}\n{}", rows.collect::<String>()));
        let vendor = Vendor::configured(&Catalog::built_in(), toml::from_str(START).unwrap(), &orgs);
        Self { desk, vendor, orgs }
    }

    #[track_caller]
    fn run(&self, line: &str, code: i32) -> Ended {
        self.desk.run(&self.vendor, line).expect(code)
    }

    #[track_caller]
    fn plan(&self, flags: &str) -> String {
        self.run(&format!("plan orgs.csv {flags} {FAST}"), 0).plan_file()
    }

    fn count(self, from: usize) -> Counted {
        let seen = self.vendor.seen();
        let mut of_orgs: BTreeMap<String, usize> = BTreeMap::new();
        let mut of_none = 0;
        for call in &seen[from..] {
            match call.org() {
                Some(org) => *of_orgs.entry(org.to_owned()).or_default() += 1,
                None => of_none += 1,
            }
        }
        let of_orgs = self.orgs.iter().map(|org| of_orgs.get(org).copied().unwrap_or_default()).collect();
        Counted { of_none, of_orgs, sampled: Vec::new() }
    }

    /// The calls of this line.
    #[track_caller]
    fn calls_of(self, line: &str) -> Counted {
        let from = self.vendor.seen().len();
        self.run(line, 0);
        self.count(from)
    }
}

/// The calls of one command.
struct Counted {
    of_none: usize,
    /// By the orgs in the order of their rows: the first one is the canary.
    of_orgs: Vec<usize>,
    /// Which of the orgs are in its sample, where there is one.
    sampled: Vec<bool>,
}

/// What the page says of a command.
#[derive(Debug)]
struct Line {
    words: String,
    per_org: usize,
    /// Of an org in the sample, where there is one.
    per_sampled: usize,
    per_run: usize,
}

/// The lines of the table.
fn table() -> Vec<Line> {
    let lines = PAGE.lines().skip_while(|line| !line.starts_with("| command |")).skip(2);
    let line = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [words, per_org, per_run] = cells[..] else { panic!("three cells: {line}") };
        let (per_org, per_sampled) = per_org.split_once(", in the sample ").unwrap_or((per_org, per_org));
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        Line {
            words: words.to_owned(),
            per_org: number(per_org),
            per_sampled: number(per_sampled),
            per_run: number(per_run),
        }
    };
    lines.take_while(|line| line.starts_with('|')).map(line).collect()
}

/// Runs what a line of the table is about.
fn counted(words: &str) -> Counted {
    let (columns, command) = match words {
        _ if words.ends_with("two operations, each with a read of its own") => (APART, words),
        _ if words.ends_with("two operations that one read shows") => (SHARED, words),
        _ => (ONE, words),
    };
    let scene = Scene::of(columns);
    let spans: Vec<&str> = command.split('`').skip(1).step_by(2).collect();
    let flags = spans.get(1).copied().unwrap_or_default().replace("N%", "40%");
    match (spans[0], words) {
        ("orgs", _) => scene.calls_of(&format!("orgs {READING}")),
        ("check ROLLOUT", _) => {
            let from = scene.vendor.seen().len();
            scene.desk.run_bare("check orgs.csv").expect(0);
            scene.count(from)
        }
        ("check ROLLOUT --online", _) => scene.calls_of(&format!("check orgs.csv --online {READING}")),
        ("plan ROLLOUT", _) => scene.calls_of(&format!("plan orgs.csv {flags} {FAST}")),
        ("export -o DIR", _) => scene.calls_of(&format!("export -o live {READING}")),
        ("verify ROLLOUT", _) => {
            let from = scene.vendor.seen().len();
            scene.run(&format!("verify orgs.csv {READING}"), 2);
            scene.count(from)
        }
        ("apply PLAN", words) if words.contains("undo") => {
            let run =
                scene.run(&format!("apply orgs.csv --yes {FAST}"), 0).run.unwrap().display().to_string();
            let undo = scene.run(&format!("undo {run} {READING}"), 0).plan_file();
            scene.calls_of(&format!("apply {undo} --yes {FAST}"))
        }
        ("apply PLAN", _) => {
            let plan = scene.plan(&flags);
            let sampled = in_sample(&scene, &plan_id(&plan), &flags);
            Counted { sampled, ..scene.calls_of(&format!("apply {plan} --yes {FAST}")) }
        }
        ("apply ROLLOUT", words) if words.contains("in sync") => {
            scene.run(&format!("apply orgs.csv --yes {FAST}"), 0);
            scene.calls_of(&format!("apply orgs.csv --yes {FAST}"))
        }
        ("apply ROLLOUT", words) if words.contains("60 s") => {
            // An old read is made again: as another process does, which holds none.
            let plan = scene.plan("");
            scene.run(&format!("apply {plan} --yes {FAST}"), 0);
            scene.count(0)
        }
        ("apply ROLLOUT", _) => {
            let from = scene.vendor.seen().len();
            let run = scene.run(&format!("apply orgs.csv --yes {flags} {FAST}"), 0);
            let sampled = in_sample(&scene, &plan_id(&run.file("plan.jsonl").display().to_string()), &flags);
            Counted { sampled, ..scene.count(from) }
        }
        (command @ ("verify RUN" | "undo RUN"), _) => {
            let run =
                scene.run(&format!("apply orgs.csv --yes {FAST}"), 0).run.unwrap().display().to_string();
            scene.calls_of(&format!("{} {run} {READING}", command.split(' ').next().unwrap()))
        }
        ("resume", words) if words.contains("not started") => {
            // The key is refused from the second wave on.
            let no = Fault::status(401, &[], "{}");
            for org in &scene.orgs[1..] {
                scene.vendor.on(no.clone().on(Route::Write).of(org));
            }
            scene.vendor.on(no.on(Route::Clients).from(2));
            scene.run(&format!("apply orgs.csv --yes --waves 1,rest {FAST}"), 77);
            scene.vendor.behave();
            let from = scene.vendor.seen().len();
            scene.run(&format!("resume {FAST}"), 0);
            let mut counted = scene.count(from);
            // The canary was done.
            assert_eq!(counted.of_orgs.remove(0), 0);
            counted
        }
        ("resume", _) => {
            // Applied, and nobody could find out.
            for org in &scene.orgs {
                let lost = Fault::status(503, &[], "").applied();
                scene.vendor.on(lost.on(Route::Write).of(org));
                scene.vendor.on(Fault::status(403, &[], r#"{"msg":"Access Denied"}"#)
                    .on(Route::Read)
                    .of(org)
                    .from(2));
            }
            scene.run(&format!("apply orgs.csv --yes --waves rest --max-failures 100% {FAST}"), 6);
            scene.vendor.behave();
            let from = scene.vendor.seen().len();
            scene.run(&format!("resume {FAST}"), 0);
            scene.count(from)
        }
        (other, _) => panic!("the page has a line of {other:?} that nobody counts"),
    }
}

fn plan_id(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let header: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let id = header.pointer("/plan_id").or(header.pointer("/header/plan_id")).unwrap();
    id.as_str().unwrap().to_owned()
}

fn in_sample(scene: &Scene, plan_id: &str, flags: &str) -> Vec<bool> {
    let Some(share) = flags.split("--verify ").nth(1).filter(|policy| policy.starts_with("sample")) else {
        return Vec::new();
    };
    let policy: VerifyPolicy = share.split_whitespace().next().unwrap().parse().unwrap();
    scene.orgs.iter().map(|org| policy.reads(plan_id, &org.parse().unwrap())).collect()
}

#[test]
fn every_line_of_the_table_of_calls_is_what_the_vendor_counts() {
    let lines = table();
    assert!(lines.len() >= 25, "{lines:#?}");
    for Line { words, per_org, per_sampled, per_run } in lines {
        let Counted { of_none, of_orgs, sampled } = counted(&words);
        let due = |place: usize| if sampled.get(place) == Some(&true) { per_sampled } else { per_org };
        for (place, calls) in of_orgs.iter().enumerate().skip(1) {
            assert_eq!(*calls, due(place), "{words}: org {place}");
        }
        // A canary is read back in any case.
        let canary = of_orgs[0] - due(0);
        let per_run = if sampled.first() == Some(&true) { per_run - 1 } else { per_run };
        assert_eq!(of_none + canary, per_run, "{words}: calls of the run");
    }
}

#[test]
fn what_a_plan_says_of_its_apply_is_what_the_vendor_counts() {
    let modes = |columns: &str| if columns == ONE { vec!["--no-read"] } else { Vec::new() };
    for columns in [ONE, APART, SHARED] {
        for flags in modes(columns).into_iter().chain([
            "",
            "--write patch",
            "--verify settled",
            "--verify none",
            "--verify sample=40%",
            "--verify sample=0%",
            "--verify sample=100%",
            "--verify none --waves rest",
            "--waves 2,rest",
        ]) {
            let scene = Scene::of(columns);
            let planned = scene.run(&format!("plan orgs.csv -o plan.jsonl --json {flags} {FAST}"), 0);
            let said = said_by(&planned.out);
            let from = scene.vendor.seen().len();
            scene.run(&format!("apply plan.jsonl --yes {FAST}"), 0);
            let seen = &scene.vendor.seen()[from..];
            let writes = seen.iter().filter(|call| call.route == Some(Route::Write)).count() as u64;
            let total = said["reads"] + said["writes"] + said["read_backs"];
            assert_eq!((writes, seen.len() as u64), (said["writes"], total), "{columns} {flags}: {said:?}");

            // The same at once: the plan's own calls come first.
            let of_plan = Scene::of(columns).calls_of(&format!("plan orgs.csv {flags} {FAST}"));
            let of_plan = of_plan.of_none + of_plan.of_orgs.iter().sum::<usize>();
            let scene = Scene::of(columns);
            let said = said_by(&scene.run(&format!("apply orgs.csv --yes --json {flags} {FAST}"), 0).out);
            let total = said["reads"] - said["reads_saved_if_fresh"] + said["writes"] + said["read_backs"];
            assert_eq!((scene.vendor.seen().len() - of_plan) as u64, total, "{columns} {flags}: {said:?}");
        }
    }
}

/// What the event says that ends a plan.
fn said_by(out: &str) -> BTreeMap<String, u64> {
    let events = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ends = events.into_iter().find(|event| event["event"] == "plan_finished").unwrap();
    serde_json::from_value(ends["calls"].clone()).unwrap()
}
