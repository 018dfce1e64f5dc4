//! The example that the documentation begins with, and the sandbox's ledger as its witness.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::desk::{Desk, FAST, acks};
use crate::org::Org;

/// Copies an example of `inputs/`; its orgs.
fn copy_example(desk: &Desk, name: &str) -> Vec<String> {
    let folder = desk.path("inputs").join(name);
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs").join(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let orgs = fs::read_to_string(folder.join("orgs.csv")).unwrap();
    orgs.lines().skip(1).map(|line| line[..22].to_owned()).collect()
}

#[test]
fn the_demo_ends_well_and_its_ledger_agrees_with_its_results() {
    let desk = Desk::new();
    let orgs = copy_example(&desk, "demo");
    assert!(orgs.len() >= 50);
    let ended = desk.run_bare("apply inputs/demo/rollout.toml --sandbox --yes").expect(0);
    let results = ended.results();
    assert_eq!(results.iter().map(|row| row["org_uuid"].clone()).collect::<Vec<_>>(), orgs);

    let ledger = fs::read_to_string(ended.file("sandbox-ledger.jsonl")).unwrap();
    let entries: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut writes: BTreeMap<&str, u32> = BTreeMap::new();
    let mut applied: BTreeMap<&str, u32> = BTreeMap::new();
    for entry in
        entries.iter().filter(|entry| entry["path"].as_str().unwrap().ends_with("/updateEnvoyIntegrationV2"))
    {
        let org = entry["org"].as_str().unwrap();
        assert!(orgs.iter().any(|known| known == org), "{org} is not in the manifest");
        *writes.entry(org).or_default() += 1;
        *applied.entry(org).or_default() += u32::from(entry["applied"] == true);
    }
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for row in &results {
        let org = row["org_uuid"].as_str();
        let status = row["status"].as_str();
        *counts.entry(status).or_default() += 1;
        let is_done = matches!(status, "applied" | "applied_with_warnings");
        assert_eq!(applied.get(org).copied().unwrap_or(0), u32::from(is_done), "{org} is {status}");
        if is_done {
            assert_eq!(row["verified"], "true");
        } else {
            assert_eq!(writes.get(org), None, "{org} is {status}");
        }
    }
    assert_eq!(
        counts.keys().copied().collect::<Vec<_>>(),
        ["applied", "applied_with_warnings", "skipped", "unchanged"]
    );
    let throttled = entries.iter().filter(|entry| entry["status"] == 429).count();
    assert!(throttled > 0, "a few 429s are ridden out");
    assert!(writes.values().sum::<u32>() > applied.values().sum::<u32>());
    let waves: std::collections::BTreeSet<&String> =
        results.iter().map(|row| &row["wave"]).filter(|wave| !wave.is_empty()).collect();
    assert!(waves.len() >= 3, "{waves:?}");
}

#[test]
fn the_baseline_needs_an_acknowledgement_and_ends_well() {
    let desk = Desk::new();
    let orgs = copy_example(&desk, "baseline");
    let command = "apply inputs/baseline/rollout.toml --sandbox --yes";
    let refused = desk.run_bare(command).expect(13);
    assert!(refused.err.contains("--ack lowers-retention-"), "{}", refused.err);
    let ended = desk.run_bare(&format!("{command} --allow lowers-retention")).expect(0);
    assert_eq!(ended.results().iter().map(|row| row["org_uuid"].clone()).collect::<Vec<_>>(), orgs);

    let ledger = fs::read_to_string(ended.file("sandbox-ledger.jsonl")).unwrap();
    let mut applied: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut live: BTreeMap<String, Value> = BTreeMap::new();
    let mut throttled = 0;
    for entry in ledger.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let text = |key: &str| entry[key].as_str().map(str::to_owned);
        throttled += u32::from(entry["status"] == 429);
        if let (Some(org), Some(operation), true) =
            (text("org"), text("operation_name"), entry["applied"] == true)
        {
            *applied.entry((org, operation)).or_default() += 1;
        }
        if let (Some(org), true) = (text("org"), entry["state"]["org"].is_object()) {
            live.insert(org, entry["state"]["org"].clone());
        }
    }
    assert!(throttled > 0, "a few 429s are ridden out");
    let steps = ended.rows("steps.csv");
    for step in &steps {
        let is_done = step["status"] == "applied";
        let key = (step["org_uuid"].clone(), step["operation"].clone());
        assert_eq!(applied.remove(&key).unwrap_or(0), u32::from(is_done), "{step:?}");
        assert!(matches!(&*step["status"], "applied" | "unchanged" | "skipped"), "{step:?}");
    }
    assert!(applied.is_empty(), "{applied:?}");
    let has_step = |org: &str, operation: &str| {
        steps.iter().any(|step| step["org_uuid"] == org && step["operation"] == operation)
    };

    // What the contract says, or the row itself.
    for row in crate::desk::plain_rows(&desk.path("inputs/baseline/orgs.csv")) {
        let org = &*row["org_uuid"];
        assert_eq!(has_step(org, "envoy"), !row["saveClips"].is_empty() && row["skip"].is_empty(), "{row:?}");
        if !row["skip"].is_empty() {
            continue;
        }
        let days = match (&*row["data-retention:faceEventRetentionDays"], &*row["group"]) {
            ("", "gold") => 90,
            ("", "silver") => 60,
            ("", _) => 30,
            (own, _) => own.parse().unwrap(),
        };
        assert_eq!(live[org]["dataRetentionSettings"]["faceEventRetentionDays"], days, "{row:?}");
        let keeps_mfa = row["org-mfa:mfaEnabled"] == "<keep>";
        assert_eq!(live[org]["mfaEnabled"], !keeps_mfa, "{row:?}");
        assert_eq!(live[org]["name"], row["org_name"].as_str(), "no update takes what isn't its own");
    }
}

#[test]
fn a_plan_of_the_sandbox_is_applied_by_the_sandbox_alone() {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..5).map(Org::new).collect();
    desk.manifest(
        "saveClips,locationInfoMap.7.locationName",
        orgs.iter().map(|org| (org, "true,HQ".to_owned())),
    );
    let planned = desk.run_bare(&format!("plan orgs.csv --sandbox --detailed-exitcode {FAST}")).expect(2);
    let line = format!("apply {} --yes {} {FAST}", planned.plan_file(), acks(&planned.out));
    desk.run_bare(&format!("{line} --endpoint http://127.0.0.1:9 --token-file key")).expect(12);
    let ended = desk.run_bare(&format!("{line} --sandbox")).expect(0);
    assert_eq!(ended.statuses(), vec!["applied"; 5]);
}
