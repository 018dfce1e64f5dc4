//! Pages to be opened: of the demo, made by the binary, and of plans made up here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orgwave_core::desired::{DesiredValue, Origin};
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::outcome::StoredValue;
use orgwave_core::plan::{
    FORMAT, Footer, Header, PlanLine, PlannedField, PlannedStep, RawTyped, Verdict, WaveCount,
};
use orgwave_core::policy::{FailureBudget, VerifyPolicy, WriteMode};
use orgwave_core::secret::{SecretText, key_fingerprint};
use orgwave_core::timestamp::Timestamp;
use orgwave_reporter::{Expected, PlanPages};
use serde_json::json;

const DEMO: &str = "inputs/demo/rollout.toml";

fn orgwave(args: &[&str]) {
    let status = Command::new(env!("CARGO_BIN_EXE_orgwave"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "orgwave {args:?}: {status}");
}

/// The review of the demo's plan.
pub(crate) fn demo_plan(folder: &Path) -> PathBuf {
    let plan = folder.join("p.jsonl");
    orgwave(&["plan", DEMO, "--sandbox", "--no-progress", "-o", plan.to_str().unwrap()]);
    for name in ["p.html", "p.md", "p.csv"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
    folder.join("p.html")
}

/// The report of the demo's run.
pub(crate) fn demo_report(folder: &Path) -> PathBuf {
    let reports = folder.to_str().unwrap();
    orgwave(&["apply", DEMO, "--sandbox", "--yes", "--no-progress", "--reports", reports]);
    let run = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).next().unwrap();
    run.join("report.html")
}

/// The review of a plan that would change a few settings of every org.
pub(crate) fn plan_of(folder: &Path, names: impl IntoIterator<Item = String>) -> PathBuf {
    let header = header();
    let mut pages = PlanPages::begin(&Operations::one(Operation::default_one()), folder, "plan", &header);
    let mut lines = 0;
    for (name, number) in names.into_iter().zip(0u64..) {
        pages.line(&line(number, name));
        lines += 1;
    }
    let footer = Footer {
        lines,
        updates: lines,
        judged: lines,
        waves: vec![
            WaveCount { wave: 1, orgs: 1, pinned: false },
            WaveCount { wave: 2, orgs: lines.saturating_sub(1), pinned: false },
        ],
        guards: Vec::new(),
        idle_removals: None,
    };
    pages.finish(&footer, Expected::Wanted(8.0)).unwrap();
    folder.join("plan.html")
}

fn line(number: u64, name: String) -> PlanLine {
    let mut id = [7; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let field = |path: &str, before: serde_json::Value, after: serde_json::Value, from| PlannedField {
        path: Operation::default_one().path(path).unwrap(),
        before: StoredValue::Json(before),
        after: DesiredValue::Set(after),
        fingerprint: None,
        from,
    };
    let door = format!("doorInfoMap.door-{number}.doorName");
    PlanLine {
        line: number + 2,
        org: Ruuid::from_bytes(id),
        name: Some(name),
        wave: Some(if number == 0 { 1 } else { 2 }),
        skip: None,
        note: number.is_multiple_of(10).then(|| format!("ticket {number}")),
        carried: Vec::new(),
        verdict: Verdict::Update,
        org_error: None,
        preconditions: Vec::new(),
        steps: vec![PlannedStep {
            fields: vec![
                field(&door, json!(null), json!(format!("Door {number}")), Origin::Row),
                field("saveClips", json!(number % 1_000 == 7), json!(number % 1_000 != 7), Origin::Default),
            ],
            ..PlannedStep::new(&Operation::default_one(), 0, Verdict::Update)
        }],
        typed: RawTyped::default(),
    }
}

fn header() -> Header {
    let created = Timestamp::from_millis(1_795_505_432_050);
    Header {
        format: FORMAT,
        plan_id: "20261124T073032Z-c0de".into(),
        created,
        expires: created,
        tool: "orgwave".into(),
        endpoint: "sandbox".into(),
        key_fingerprint: key_fingerprint(&SecretText::new("key".into())),
        inputs: Vec::new(),
        operations: Operations::one(Operation::default_one()).digests(),
        keep_going: false,
        write: WriteMode::Merge,
        verify: VerifyPolicy::All,
        waves: None,
        max_failures: FailureBudget::default(),
        columns: Vec::new(),
        carried: Vec::new(),
        sides: Vec::new(),
        settings: std::collections::BTreeMap::default(),
        defaults: [].into(),
        operation: None,
        limits: std::collections::BTreeMap::default(),
        allow: Vec::new(),
        undoes: None,
        sandbox: None,
    }
}
