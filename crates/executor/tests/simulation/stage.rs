//! What a simulated run is made of: orgs, what is wanted of them, and the plan that core's diff makes of both.

use std::sync::Arc;
use std::time::Duration;

use orgwave_core::compare::{Context, diff};
use orgwave_core::desired::{Desired, DesiredValue, Expect, Managed, Origin};
use orgwave_core::ids::{Ruuid, StepId};
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::org::SharedRead;
use orgwave_core::plan::{IndexEntry, PlanLine, PlannedStep, Precondition, Verdict};
use orgwave_core::policy::{FailureBudget, RetryPolicy, VerifyPolicy, WriteMode};
use orgwave_core::secret::{SealKey, SecretText, Secrets};
use orgwave_core::settings::RawObject;
use orgwave_executor::limits::Limits;
use orgwave_executor::ports::PlanSource;
use orgwave_executor::rollout::Policy;
use serde_json::{Map, Value};

use crate::objects::{Object, Wanted};
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
    /// What the operations are about, in the judge's own words.
    pub(crate) objects: Vec<Object>,
    /// What was there at first, of each org and operation.
    pub(crate) initial: Vec<Vec<Map<String, Value>>>,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) seal: SealKey,
    pub(crate) clock_jumps: Jumps,
    /// The first process makes the plan, too, and begins to write so long after: it has read every org.
    pub(crate) plans: Option<Duration>,
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

/// What a row has for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) step: Part,
    /// The row expects something of its settings.
    pub(crate) expects: bool,
}

/// What is to be done to the settings of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A write.
    Write,
    /// Nothing: they are as desired.
    AsDesired,
    /// The row has no step of it.
    None,
}

/// The read of every org.
pub(crate) fn envoy() -> Vec<SharedRead> {
    vec![vec![Operation::default_one()]]
}

impl Stage {
    /// A stage with an org for each of `waves`; 0 is one that is as desired already. Each has a step of every operation.
    pub(crate) fn new(waves: &[u32], limits: Limits, policy: Policy, seed: u64) -> Self {
        let write = Cells { step: Part::Write, expects: false };
        Self::of(waves, limits, policy, seed, |_, _| write)
    }

    /// The same, with what the row of each org has for each operation.
    pub(crate) fn of(
        waves: &[u32],
        limits: Limits,
        policy: Policy,
        seed: u64,
        mut cells: impl FnMut(usize, u8) -> Cells,
    ) -> Self {
        let seal = SealKey::derive(&SecretText::new("key".into()), "plan");
        let objects: Vec<Object> =
            policy.operations.iter().map(|(_, operation)| Object::of(operation)).collect();
        let (mut initial, mut lines, mut index) = (Vec::new(), Vec::new(), Vec::new());
        for (number, wave) in waves.iter().enumerate() {
            let mut line = PlanLine::new(2 + number as u64, org_id(number), Verdict::Unchanged);
            let mut settings = Vec::new();
            for (place, object) in (0..).zip(&objects) {
                let mut cells = cells(number, place);
                if *wave == 0 && cells.step == Part::Write {
                    cells.step = Part::AsDesired;
                }
                settings.push(add(&mut line, (number, place), object, cells, &seal, policy.write));
            }
            if line.steps.is_empty() {
                let step = if *wave == 0 { Part::AsDesired } else { Part::Write };
                let cells = Cells { step, expects: false };
                settings[0] = add(&mut line, (number, 0), &objects[0], cells, &seal, policy.write);
            }
            line.judge(policy.keep_going);
            line.wave = (line.verdict == Verdict::Update).then_some(*wave);
            index.push(IndexEntry {
                offset: 0,
                length: 0,
                wave: line.wave.unwrap_or(0),
                verdict: line.verdict,
                updates: line.updates(),
                rest: line.rest(),
            });
            lines.push(line);
            initial.push(settings);
        }
        let orgs = initial.iter().enumerate().map(|(number, org)| (org_id(number), org.clone())).collect();
        let world = World::new(objects.clone(), orgs, limits.timeout, seed);
        let (lines, clock_jumps) = (Lines { lines, unreadable: None }, Jumps::Never);
        Self { world, index, lines, objects, initial, policy, limits, seal, clock_jumps, plans: None }
    }

    /// A stage with waves of these sizes.
    pub(crate) fn with_waves(sizes: &[usize]) -> Self {
        let waves: Vec<u32> =
            (1..).zip(sizes).flat_map(|(wave, size)| std::iter::repeat_n(wave, *size)).collect();
        Self::new(&waves, limits(), policy(), 1)
    }

    /// Whether settings are as desired by a step.
    pub(crate) fn is_as_wanted(&self, StepId { org, place }: StepId, settings: &Map<String, Value>) -> bool {
        let settings = Value::Object(settings.clone());
        let wanted = self.objects[usize::from(place)].wanted(org as usize);
        wanted.iter().all(|(_, pointer, value)| settings.pointer(pointer) == Some(value))
    }

    /// The steps that are to be taken of an org.
    pub(crate) fn steps(&self, org: u32) -> impl Iterator<Item = StepId> + use<> {
        self.index[org as usize].updates.iter().map(move |place| StepId { org, place })
    }

    /// The operations of an org that a plan has to read before a write of it.
    pub(crate) fn needed(&self, org: u32) -> Vec<(u8, Arc<Operation>)> {
        let line = &self.lines.lines[org as usize];
        let of_steps = line.steps.iter().map(|step| (step.place, Arc::clone(&step.operation)));
        let preconditions = line.preconditions.iter();
        preconditions.map(|other| (other.place, Arc::clone(&other.operation))).chain(of_steps).collect()
    }

    /// The operations of which an org's row expects something.
    pub(crate) fn expects(&self, org: u32) -> Vec<u8> {
        let line = &self.lines.lines[org as usize];
        let of_steps = line.steps.iter().filter(|step| !step.expects.is_empty()).map(|step| step.place);
        line.preconditions.iter().map(|precondition| precondition.place).chain(of_steps).collect()
    }
}

/// Adds what a row has for an operation to its line; returns the settings that the org has at first.
fn add(
    line: &mut PlanLine,
    (number, place): (usize, u8),
    object: &Object,
    cells: Cells,
    seal: &SealKey,
    write: WriteMode,
) -> Map<String, Value> {
    let Object { operation, expected, .. } = object;
    let secrets = Secrets::new();
    let (mut settings, wanted) = (object.settings(number), object.wanted(number));
    if cells.step == Part::AsDesired {
        let mut whole = Value::Object(settings);
        for (_, pointer, value) in &wanted {
            *whole.pointer_mut(pointer).expect("what is wanted is there") = value.clone();
        }
        let Value::Object(desired) = whole else { unreachable!("an object") };
        settings = desired;
    }
    let path = |text: &str| operation.path(text).expect("a path");
    let guard = Expect { path: path(expected.0), value: expected.1.clone() };
    let expects: Vec<Expect> = (cells.expects && write.reads()).then_some(guard).into_iter().collect();
    if cells.step == Part::None {
        if !expects.is_empty() {
            line.preconditions.push(Precondition { operation: Arc::clone(operation), place, expects });
        }
        return settings;
    }
    let managed = |(text, _, value): &Wanted| Managed {
        path: path(text),
        desired: DesiredValue::Set(value.clone()),
        origin: Origin::Row,
    };
    let mut managed: Vec<Managed> = wanted.iter().map(managed).collect();
    managed.sort_by(|left, right| left.path.cmp(&right.path));
    let desired = Desired { managed, expects: expects.clone() };
    let read = RawObject::parse(&Value::Object(settings.clone()).to_string()).expect("an object");
    let context = Context { operation, secrets: &secrets, seal };
    let diff = diff(&desired, write.reads().then_some(&read), context).expect("known shapes");
    let is_written = diff.differs && cells.step == Part::Write;
    let verdict = if is_written { Verdict::Update } else { Verdict::Unchanged };
    line.steps.push(PlannedStep {
        fields: diff.fields,
        expects,
        unproven: !settings.contains_key("orgUuid"),
        ..PlannedStep::new(operation, place, verdict)
    });
    settings
}
