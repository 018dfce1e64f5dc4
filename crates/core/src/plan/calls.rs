//! The calls that carrying out a plan takes, if every org answers at once, nothing is tried twice, and no other writer is
//! at work.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{PlanLine, Verdict};
use crate::operation::Operations;
use crate::policy::{VerifyPolicy, Waves, WriteMode};

/// Calls of orgs, by what they are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Reads before a write.
    pub reads: u64,
    /// Those of them that are not made where the process that made the plan carries it out while what it has read is fresh.
    pub reads_saved_if_fresh: u64,
    /// Writes.
    pub writes: u64,
    /// Reads after a write.
    pub read_backs: u64,
}

impl Calls {
    /// All that a plan takes which is applied later.
    pub const fn total(self) -> u64 {
        self.reads + self.writes + self.read_backs
    }

    /// Those of a process that has made the plan a moment ago.
    #[must_use]
    pub const fn at_once(self) -> Self {
        Self { reads: self.reads - self.reads_saved_if_fresh, reads_saved_if_fresh: 0, ..self }
    }
}

/// When an org is written: its wave, and its place in the plan.
type Turn = (u32, u32);

/// Counts the calls of a plan, line by line.
#[derive(Debug)]
pub struct CallCount {
    write: WriteMode,
    verify: VerifyPolicy,
    plan_id: String,
    calls: Calls,
    lines: u32,
    /// The first org that has a step of each operation, by its place; and whether its write is read back in any case.
    canaries: BTreeMap<u8, (Turn, bool)>,
    /// The first wave and the last.
    waves: Option<(u32, u32)>,
}

impl CallCount {
    /// Of a plan with this id that is carried out so.
    pub fn new(plan_id: &str, write: WriteMode, verify: VerifyPolicy) -> Self {
        let (calls, canaries) = (Calls::default(), BTreeMap::new());
        Self { write, verify, plan_id: plan_id.to_owned(), calls, lines: 0, canaries, waves: None }
    }

    /// Takes the plan's next line.
    pub fn line(&mut self, line: &PlanLine) {
        let index = self.lines;
        self.lines += 1;
        self.line_at(index, line);
    }

    /// Takes the line at this place of the plan. Its wave may be the manifest's own: lines without one come last.
    pub fn line_at(&mut self, index: u32, line: &PlanLine) {
        if line.verdict != Verdict::Update {
            return;
        }
        let wave = line.wave.unwrap_or(u32::MAX);
        let (first, last) = self.waves.unwrap_or((wave, wave));
        self.waves = Some((first.min(wave), last.max(wave)));
        let is_read_back = self.write.reads() && self.verify.reads(&self.plan_id, &line.org);
        let updates = || line.steps.iter().filter(|step| step.verdict == Verdict::Update);
        for step in updates() {
            self.calls.writes += 1;
            let canary = self.canaries.entry(step.place).or_insert(((wave, index), is_read_back));
            if (wave, index) < canary.0 {
                *canary = ((wave, index), is_read_back);
            }
        }
        if !self.write.reads() {
            return;
        }
        // What the row expects of its other operations is read before the first write.
        let first = updates().next().map(|step| step.place);
        let of_steps = line.steps.iter().filter(|step| !step.expects.is_empty()).map(|step| step.place);
        let expected = line.preconditions.iter().map(|precondition| precondition.place).chain(of_steps);
        let others = expected.filter(|place| Some(*place) != first).count() as u64;
        let steps = updates().count() as u64;
        self.calls.reads += others + steps;
        self.calls.reads_saved_if_fresh += others + 1;
        self.calls.read_backs += match (is_read_back, self.verify) {
            (true, VerifyPolicy::Settled) => 2 * steps,
            (true, _) => steps,
            (false, _) => 0,
        };
    }

    /// The calls. `has_canary`: whether the waves begin with one.
    pub fn calls(&self, has_canary: bool) -> Calls {
        let are_several = self.waves.is_some_and(|(first, last)| first != last);
        let extra = self.canaries.values().filter(|(_, is_read_back)| !is_read_back).count() as u64;
        let extra = if self.write.reads() && (has_canary || are_several) { extra } else { 0 };
        Calls { read_backs: self.calls.read_backs + extra, ..self.calls }
    }
}

/// Whether a rollout begins with a canary, however many waves its rows name: what was never tested shows on one org what it
/// does, and so does the first wave, unless it is all there is.
pub fn has_canary(operations: &Operations, waves: Option<&Waves>) -> bool {
    operations.iter().any(|(_, operation)| operation.is_derived()) || waves.is_none_or(Waves::has_canary)
}
