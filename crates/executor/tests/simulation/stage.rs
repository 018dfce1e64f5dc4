//! What a simulated run is made of: orgs, what is wanted of them, and the plan that core's diff makes of both.

use std::time::Duration;

use orgwave_core::compare::{Context, diff};
use orgwave_core::desired::{Desired, DesiredValue, Managed, Origin};
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::org::SharedRead;
use orgwave_core::plan::{IndexEntry, Places, PlanLine, PlannedStep, Verdict};
use orgwave_core::policy::{FailureBudget, RetryPolicy, VerifyPolicy, WriteMode};
use orgwave_core::secret::{SealKey, SecretText};
use orgwave_core::settings::RawObject;
use orgwave_executor::limits::Limits;
use orgwave_executor::ports::PlanSource;
use orgwave_executor::rollout::Policy;
use serde_json::{Map, Value, json};

use crate::world::World;

/// The plan's lines, in memory.
pub(crate) struct Lines {
    lines: Vec<PlanLine>,
    /// The disk fails at this one.
    pub(crate) unreadable: Option<u32>,
}

impl PlanSource for Lines {
    fn load(&self, index: u32) -> std::io::Result<PlanLine> {
        if self.unreadable == Some(index) {
            return Err(std::io::Error::other("input/output error"));
        }
        Ok(self.lines[index as usize].clone())
    }
}

/// What the machine's clock does between one process of a run and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jumps {
    Never,
    /// An hour ahead, and with the next process back to what it should be.
    Forward,
    /// An hour behind, and with the next process forward to what it should be.
    Back,
}

/// One run's unchanging part.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) index: Vec<IndexEntry>,
    pub(crate) lines: Lines,
    /// What is wanted of each org, as JSON pointers: the judge's own words for it.
    pub(crate) wanted: Vec<Vec<(&'static str, Value)>>,
    /// What was there at first.
    pub(crate) initial: Vec<Map<String, Value>>,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) seal: SealKey,
    pub(crate) clock_jumps: Jumps,
}

/// Limits that no test of something else runs into.
pub(crate) fn limits() -> Limits {
    Limits {
        rate: "200/s".parse().expect("a rate"),
        org_rate: "5/s".parse().expect("a rate"),
        concurrency: 16,
        timeout: Duration::from_secs(10),
        retry: RetryPolicy { quiet_period: Duration::from_secs(20), ..RetryPolicy::default() },
        max_duration: None,
    }
}

pub(crate) fn policy() -> Policy {
    Policy {
        operations: Operations::one(Operation::default_one()),
        keep_going: false,
        run_id: "run".into(),
        plan_id: "plan".into(),
        write: WriteMode::Merge,
        verify: VerifyPolicy::All,
        has_canary: true,
        max_failures: FailureBudget::default(),
        ignored: Vec::new(),
        settle_only: false,
    }
}

/// The org with this number.
pub(crate) fn org_id(number: usize) -> Ruuid {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&u64::try_from(number).expect("a few orgs").to_be_bytes());
    Ruuid::from_bytes(bytes)
}

fn settings(number: usize) -> Map<String, Value> {
    let Value::Object(settings) = json!({
        "orgUuid": org_id(number).to_string(),
        "integration": "ENVOY",
        "tokenValid": true,
        "apiToken": null,
        "enabled": number.is_multiple_of(3),
        "saveClips": false,
        "indexFaces": true,
        "badgeFaceVerificationMode": "OFF",
        "doorInfoMap": {
            "front": {"doorName": "Front", "remoteUnlock": false, "clipDuration": 10},
            "back": {"doorName": "Back", "remoteUnlock": false, "leadingSeconds": 3, "newMember": [1.50]},
        },
        "newSetting": {"deep": [1, {"er": null}]},
    }) else {
        unreachable!("an object")
    };
    settings
}

/// What is wanted of an org: a path as manifests name it, the same as a JSON pointer, and the value.
fn wanted(number: usize) -> Vec<(&'static str, &'static str, Value)> {
    let mut wanted = vec![("enabled", "/enabled", json!(true))];
    if number.is_multiple_of(2) {
        wanted.push(("badgeFaceVerificationMode", "/badgeFaceVerificationMode", json!("AUTO")));
    }
    wanted.push(("saveClips", "/saveClips", json!(true)));
    if !number.is_multiple_of(5) {
        let path = "doorInfoMap.front.remoteUnlock";
        wanted.push((path, "/doorInfoMap/front/remoteUnlock", json!(true)));
    }
    wanted
}

/// The read of every org.
pub(crate) fn envoy() -> Vec<SharedRead> {
    vec![vec![Operation::default_one()]]
}

impl Stage {
    /// A stage with an org for each of `waves`; 0 is one that is as desired already.
    pub(crate) fn new(waves: &[u32], limits: Limits, policy: Policy, seed: u64) -> Self {
        let seal = SealKey::derive(&SecretText::new("key".into()), "plan");
        let secrets = orgwave_core::secret::Secrets::new();
        let (mut initial, mut lines, mut index, mut wants) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, wave) in waves.iter().enumerate() {
            let mut settings = settings(number);
            let wishes = wanted(number);
            if *wave == 0 {
                settings.insert("enabled".into(), json!(true));
                settings.insert("saveClips".into(), json!(true));
                settings.insert("badgeFaceVerificationMode".into(), json!("AUTO"));
                settings["doorInfoMap"]["front"]["remoteUnlock"] = json!(true);
            }
            let managed = |(path, _, value): &(&str, &str, Value)| Managed {
                path: Operation::default_one().path(path).expect("a path"),
                wish: DesiredValue::Set(value.clone()),
                origin: Origin::Row,
            };
            let mut managed: Vec<Managed> = wishes.iter().map(managed).collect();
            managed.sort_by(|left, right| left.path.cmp(&right.path));
            let desired = Desired { managed, expects: Vec::new() };
            let live = RawObject::parse(&Value::Object(settings.clone()).to_string()).expect("an object");
            let live = policy.write.reads().then_some(&live);
            let diff = diff(
                &desired,
                live,
                Context { operation: &Operation::default_one(), secrets: &secrets, seal: &seal },
            )
            .expect("known shapes");
            let verdict = if diff.differs && *wave > 0 { Verdict::Update } else { Verdict::Unchanged };
            let step = PlannedStep {
                fields: diff.fields,
                ..PlannedStep::new(&Operation::default_one(), 0, verdict)
            };
            lines.push(PlanLine {
                wave: (verdict == Verdict::Update).then_some(*wave),
                steps: vec![step],
                ..PlanLine::new(2 + number as u64, org_id(number), verdict)
            });
            index.push(IndexEntry {
                offset: 0,
                length: 0,
                wave: *wave,
                verdict,
                updates: Places::first(verdict),
                rest: None,
            });
            initial.push(settings);
            wants.push(wishes.into_iter().map(|(_, pointer, value)| (pointer, value)).collect());
        }
        let orgs = initial.iter().enumerate().map(|(number, org)| (org_id(number), org.clone())).collect();
        let world = World::new(orgs, limits.timeout, seed);
        let (lines, wanted, clock_jumps) = (Lines { lines, unreadable: None }, wants, Jumps::Never);
        Self { world, index, lines, wanted, initial, policy, limits, seal, clock_jumps }
    }

    /// A stage with waves of these sizes.
    pub(crate) fn with_waves(sizes: &[usize]) -> Self {
        let waves: Vec<u32> =
            (1..).zip(sizes).flat_map(|(wave, size)| std::iter::repeat_n(wave, *size)).collect();
        Self::new(&waves, limits(), policy(), 1)
    }

    /// Whether settings of this org are in sync.
    pub(crate) fn is_as_wanted(&self, org: u32, settings: &Map<String, Value>) -> bool {
        let settings = Value::Object(settings.clone());
        self.wanted[org as usize].iter().all(|(pointer, value)| settings.pointer(pointer) == Some(value))
    }
}
