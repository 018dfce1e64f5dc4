//! `docs/events.schema.json` describes every line that `--json` prints: real events of real runs, and one of each kind.

use std::collections::BTreeSet;
use std::path::Path;

use orgwave_core::code::Code;
use orgwave_core::event::{Answer, Call, Event, EventKind, EventSink as _, WaitReason};
use orgwave_core::plan::{Calls, Verdict};
use orgwave_core::status::{Action, Counts, Status, Verified};
use orgwave_core::timestamp::Timestamp;
use orgwave_reporter::EventLines;
use serde_json::Value;

use crate::shell::Shell;

/// The schema, and the checks of JSON Schema that it uses. An unknown keyword is a panic, not a pass.
struct Schema(Value);

impl Schema {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.schema.json");
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// The kinds of events that it describes.
    fn kinds(&self) -> BTreeSet<&str> {
        let kinds = self.0["oneOf"].as_array().unwrap().iter();
        kinds.map(|kind| kind["$ref"].as_str().unwrap().strip_prefix("#/$defs/").unwrap()).collect()
    }

    /// The kind of a line, which must fit the description of that kind.
    fn judge(&self, line: &str) -> String {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let kind = value["event"].as_str().unwrap_or_else(|| panic!("no event: {line}")).to_owned();
        assert!(self.kinds().contains(kind.as_str()), "{kind} is not described: {line}");
        if let Err(wrong) = self.fits(&self.0["$defs"][&kind], &value) {
            panic!("{wrong}: {line}");
        }
        kind
    }

    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().unwrap() {
            let good = match keyword.as_str() {
                "description" | "format" => true,
                "$ref" => {
                    let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    self.fits(&self.0["$defs"][name], value)?;
                    true
                }
                "oneOf" => {
                    rule.as_array().unwrap().iter().filter(|rule| self.fits(rule, value).is_ok()).count() == 1
                }
                "const" => rule == value,
                "enum" => rule.as_array().unwrap().contains(value),
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|rule| is_a(rule, value)),
                    one => is_a(one, value),
                },
                "minimum" => value.is_null() || value.as_f64() >= rule.as_f64(),
                "minLength" => value.as_str().unwrap().len() as u64 >= rule.as_u64().unwrap(),
                "maxLength" => value.as_str().unwrap().len() as u64 <= rule.as_u64().unwrap(),
                // The one that there is.
                "pattern" => value.as_str().unwrap().starts_with(['E', 'W', 'G']),
                "required" => {
                    value.is_null()
                        || rule
                            .as_array()
                            .unwrap()
                            .iter()
                            .all(|name| value.get(name.as_str().unwrap()).is_some())
                }
                "properties" => {
                    for (name, value) in value.as_object().into_iter().flatten() {
                        match (rule.get(name), schema.get("additionalProperties")) {
                            (Some(rule), _) | (None, Some(rule)) => self.fits(rule, value)?,
                            // Allowed to a reader of tomorrow; what is there today is described.
                            (None, None) => return Err(format!("{name} is not described")),
                        }
                    }
                    true
                }
                "additionalProperties" => true,
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.fits(rule, item)?;
                    }
                    true
                }
                unknown => panic!("this test does not check {unknown}"),
            };
            if !good {
                return Err(format!("{keyword} {rule} is not kept by {value}"));
            }
        }
        Ok(())
    }
}

fn is_a(rule: &Value, value: &Value) -> bool {
    match rule.as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        unknown => panic!("this test does not check {unknown}"),
    }
}

/// One of each kind that a plan or a run emits. A new kind doesn't compile here until it has one.
fn one_of_each() -> Vec<EventKind> {
    let org = "Hp7YW6y2ztaa4ssOe7u6yw".parse().unwrap();
    let (run_id, plan_id) = ("r".to_owned(), "p".to_owned());
    let all = vec![
        EventKind::PlanStarted { orgs: 1 },
        EventKind::OrgPlanned {
            index: 0,
            org,
            verdict: Verdict::Blocked,
            changes: 0,
            code: Some(Code::OrgName),
        },
        EventKind::PlanFinished {
            plan_id: plan_id.clone(),
            updates: 1,
            calls: Calls { reads: 1, reads_saved_if_fresh: 1, writes: 1, read_backs: 1 },
        },
        EventKind::RunStarted { run_id, plan_id, orgs: 1, updates: 1, done: 0, resumed: false },
        EventKind::WaveStarted { wave: 1, orgs: 1, canary: true },
        EventKind::Called {
            org: Some(org),
            call: Call::ReadBack,
            answer: Answer::NotSent,
            http_status: Some(200),
            millis: 5,
        },
        EventKind::OrgWaits { org, why: WaitReason::QuietPeriod, millis: 5 },
        EventKind::Paced { rate: Some(8.5), throttled: true },
        EventKind::Paused { why: "no connection".to_owned() },
        EventKind::Unpaused,
        EventKind::Draining { why: "interrupted".to_owned() },
        EventKind::OrgFinished {
            index: 0,
            org,
            wave: 1,
            status: Status::AppliedWithWarnings,
            action: Action::Update,
            verified: Verified::Partly,
            attempts: 3,
            code: Some(Code::OrgRefused),
            message: Some("no".to_owned()),
        },
        EventKind::OrgOverwritten { index: 0, org, wave: 1, message: "replaced since: saveClips".to_owned() },
        EventKind::RunFinished { counts: Counts::default(), stop: Some("interrupted".to_owned()) },
    ];
    for kind in &all {
        match kind {
            EventKind::PlanStarted { .. }
            | EventKind::OrgPlanned { .. }
            | EventKind::PlanFinished { .. }
            | EventKind::RunStarted { .. }
            | EventKind::WaveStarted { .. }
            | EventKind::Called { .. }
            | EventKind::OrgWaits { .. }
            | EventKind::Paced { .. }
            | EventKind::Paused { .. }
            | EventKind::Unpaused
            | EventKind::Draining { .. }
            | EventKind::OrgFinished { .. }
            | EventKind::OrgOverwritten { .. }
            | EventKind::RunFinished { .. } => {}
        }
    }
    all
}

#[test]
fn the_schema_describes_every_kind_of_event() {
    let schema = Schema::read();
    let mut lines = EventLines::new(Vec::new());
    for kind in one_of_each() {
        lines.event(&Event { at: Timestamp::from_millis(0), kind });
    }
    let text = String::from_utf8(lines.finish().unwrap()).unwrap();
    let mut seen: BTreeSet<String> = text.lines().map(|line| schema.judge(line)).collect();
    // What commands print by themselves.
    for name in ["problem", "org_drifted", "org_not_checked", "verify_finished", "run", "pruned"] {
        seen.insert(name.to_owned());
    }
    assert!(seen.iter().map(String::as_str).eq(schema.kinds()), "{seen:?}");
    for wrong in [r#"{"v":2,"event":"unpaused","at":"x"}"#, r#"{"v":1,"at":"x","event":"paused"}"#] {
        assert!(std::panic::catch_unwind(|| Schema::read().judge(wrong)).is_err(), "{wrong}");
    }
}

/// Good runs and failing ones: rate limits, doubt, orgs that are refused, an outage of the API, drift, bad manifests.
#[test]
fn real_events_of_good_and_failing_runs_are_as_the_schema_says() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    let schema = Schema::read();
    shell.write(
        "orgs.csv",
        "org_uuid,org_name,saveClips\nHp7YW6y2ztaa4ssOe7u6yw,Acme,true\np7LwiLtoP9jlVcU4OoXtJA,Bolt,true\n\
         pJneB9mMo-HaPRD4Hjcl5Q,Core,true\n51p-OwjhmZV5mMecuv-QQA,Dock,true\n",
    );
    let rollout = |faults: &str| {
        format!(
            "[rollout]\norgs = \"orgs.csv\"\n[limits]\nmax_failures = \"100%\"\nquiet_period = \"10ms\"\nwaves = [\"rest\"]\n\
             [sandbox]\nfaults = [{faults}]\nsettings = {{ saveClips = false }}\n"
        )
    };
    let faults = [
        "\"429 retry-after=1 on write times 1\"",
        "\"500 on write times 1\"",
        "\"400 on write times 2\"",
        "\"401 on write\"",
    ];
    let mut seen = BTreeSet::new();
    let mut judge = |out: &str| {
        assert!(!out.is_empty());
        seen.extend(out.lines().map(|line| schema.judge(line)));
    };
    for fault in ["", faults[0], faults[1], faults[2], faults[3]] {
        shell.write("r.toml", &rollout(fault));
        let ended = shell.orgwave("apply r.toml --sandbox --yes --json -q");
        judge(&ended.out);
    }
    for run in std::fs::read_dir(shell.path("reports")).unwrap() {
        judge(&std::fs::read_to_string(run.unwrap().path().join("run.log.jsonl")).unwrap());
    }
    judge(&shell.orgwave("runs --json").with_code(0).out);
    judge(&shell.orgwave("runs prune --keep 0s --dry-run --json").with_code(0).out);
    judge(&shell.orgwave("plan r.toml --sandbox --json").with_code(0).out);
    shell.write("served.toml", &rollout(""));
    shell.write(
        "names.csv",
        "org_uuid,org_name,saveClips\nHp7YW6y2ztaa4ssOe7u6yw,Other,true\nPgtcnY8ReB34px84C5ixAQ,,true\n",
    );
    let api = shell.sandbox("served.toml");
    judge(&shell.orgwave(&format!("verify r.toml --json --endpoint {}", api.url)).with_code(2).out);
    judge(&shell.orgwave(&format!("verify names.csv --json --endpoint {}", api.url)).with_code(3).out);
    judge(
        &shell.orgwave(&format!("check names.csv --online --json --endpoint {}", api.url)).with_code(65).out,
    );
    shell.write("bad.csv", "org_uuid,saveclips,note\nx,maybe\n");
    judge(&shell.orgwave("check bad.csv --json").with_code(65).out);
    for kind in
        ["called", "org_waits", "org_finished", "problem", "org_drifted", "org_not_checked", "run", "pruned"]
    {
        assert!(seen.contains(kind), "{kind} is not among {seen:?}");
    }
}
