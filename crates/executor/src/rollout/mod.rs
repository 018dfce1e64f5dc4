//! Writes the orgs of a plan, wave by wave.
//!
//! # How an org goes
//!
//! 1. It is read again, unless the plan's own read of it is still fresh: still as planned? ([`judge`](orgwave_core::compare::judge))
//! 2. **The intent becomes durable, with the before-image.** Nothing is sent before.
//! 3. The write is sent, once.
//! 4. The reply proves it applied, refused, or not applied - or proves nothing: then the org is in doubt.
//! 5. What was accepted or is in doubt is read back. Doubt is settled only by what is live: as desired, or,
//!    twice and a quiet period apart, as before. Only the latter lets the write be sent again.
//!
//! That is the [`Driver`](orgwave_core::org::Driver)'s business, in core. Here is what all of them share:
//!
//! * `waves`: which org may begin, and when too many have failed.
//! * `held`: what the plan has read of orgs, if this process made it.
//! * `canary`: whether the writes of an operation were proven.
//! * `work`: which driver a step begins with, and what its outcome means for its org, the wave and the run.
//!
//! An org has a step for each operation of the plan that is to be written to it, taken one after the other.

mod canary;
mod held;
mod waves;
mod work;

use std::collections::HashMap;

use orgwave_core::code::Code;
use orgwave_core::event::{EventKind, EventSink};
use orgwave_core::ids::StepId;
use orgwave_core::operation::{Ignored, Operations};
use orgwave_core::org::{Applied, OrgState, Rules};
use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::plan::{IndexEntry, Places, Verdict};
use orgwave_core::policy::Pause;
use orgwave_core::policy::{FailureBudget, VerifyPolicy, WriteMode};
use orgwave_core::reply::Throttle;
use orgwave_core::run::{Finish, StopReason};
use orgwave_core::secret::{SealKey, Secrets};
use orgwave_core::status::{Counts, Status};
use tokio::sync::mpsc;

use crate::gate::Gate;
use crate::ports::{Clock, Journal, PlanSource, WriteApi};
use crate::pump::{Context, Control, Ending, pump};

pub use held::HeldReads;

/// What a plan and its run lay down about the writing.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What is written, in the order of an org's steps.
    pub operations: Operations,
    /// Whether the other steps of an org are taken where one did not end well. Where it isn't known whether a write was
    /// applied, it may still be in progress, and no other is sent.
    pub keep_going: bool,
    /// The run.
    pub run_id: String,
    /// Its plan.
    pub plan_id: String,
    /// How orgs are written.
    pub write: WriteMode,
    /// Which accepted writes are read back.
    pub verify: VerifyPolicy,
    /// Whether the first org of each operation is written alone until it is written well: a canary, which is always read
    /// back, and compared for unintended changes.
    pub has_canary: bool,
    /// When too many failures stop the run.
    pub max_failures: FailureBudget,
    /// What may change with the canary's write, by the places of the operations.
    pub ignored: Vec<Vec<Ignored>>,
    /// The plan has expired: in-doubt writes are resolved, and nothing is sent.
    pub settle_only: bool,
}

/// What earlier processes of the run left; nothing, for a run that begins.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Whether there was an earlier process.
    pub resumed: bool,
    /// Whether a write was sent by then.
    pub wrote: bool,
    /// The steps that have their word for ever.
    pub settled: HashMap<StepId, Status>,
    /// The operations of which one proves what a write does, so no canary is needed.
    pub proven: Places,
    /// One of them was found to be written by another writer.
    pub another_writes: bool,
    /// The others that had an intent.
    pub open: HashMap<StepId, OrgProgress>,
    /// The wave that began last.
    pub wave: Option<u32>,
    /// The settled steps of that wave, and of later ones, that were applied.
    pub applied: Vec<Applied>,
    /// What the vendor asked for, last of each org: not to be called.
    pub pauses: HashMap<u32, Pause>,
    /// The same of all calls.
    pub pause: Option<Pause>,
}

impl History {
    /// Takes a step that has its word for ever, and what was said of it last. `entry` is its place in the plan.
    pub fn take_settled(&mut self, outcome: &OrgOutcome, state: OrgState, entry: IndexEntry) {
        let code = outcome.org_error.as_ref().map(|org_error| org_error.code);
        match outcome.status {
            Status::Applied | Status::AppliedWithWarnings => {
                if !state.is_unwatched() {
                    self.proven.insert(outcome.place);
                }
                if self.wave.is_none_or(|wave| wave <= entry.wave) {
                    self.applied.push(Applied::new(outcome, state));
                }
            }
            // That it changed more than was meant has stopped the run, and resuming it accepted that.
            Status::Diverged if code == Some(Code::OrgDisturbed) => self.proven.insert(outcome.place),
            Status::Diverged => {
                self.another_writes |= matches!(code, Some(Code::OrgDivergedAck | Code::OrgDivergedDoubt));
            }
            _ => {}
        }
        self.settled.insert(outcome.id(), outcome.status);
    }

    /// How many orgs of the plan that are to be written have nothing left to be done.
    fn done(&self, index: &[IndexEntry], keep_going: bool) -> u64 {
        let is_done = |(org, entry): &(u32, &IndexEntry)| {
            entry.verdict == Verdict::Update && self.is_over(*org, entry.updates, keep_going)
        };
        (0u32..).zip(index).filter(is_done).count() as u64
    }

    /// See [`is_over`].
    fn is_over(&self, org: u32, steps: Places, keep_going: bool) -> bool {
        let steps = steps.iter().map(|place| StepId { org, place });
        is_over(&steps, keep_going, |id| self.settled.get(&id).copied(), |id| self.is_in_doubt(id))
    }

    /// Whether it is unknown if a write of a step was applied.
    fn is_in_doubt(&self, id: StepId) -> bool {
        self.open.get(&id).is_some_and(OrgProgress::is_in_doubt)
    }

    /// Takes a pause that an earlier process was asked for; of an org, the later one replaces the earlier, since no
    /// call was made in between that could have come too early.
    pub fn take_pause(&mut self, index: Option<u32>, pause: Pause) {
        match index {
            Some(org) => drop(self.pauses.insert(org, pause)),
            None => {
                let latest = self.pause.filter(|known| known.not_before > pause.not_before);
                self.pause = Some(latest.unwrap_or(pause));
            }
        }
    }
}

/// Whether an org with these steps needs nothing more: each of them is settled; or one did not end well, and so none is
/// taken after it, unless a write of another may have been applied.
fn is_over(
    steps: &(impl Iterator<Item = StepId> + Clone),
    keep_going: bool,
    settled: impl Fn(StepId) -> Option<Status>,
    is_in_doubt: impl Fn(StepId) -> bool,
) -> bool {
    let ends_it = |id| settled(id).is_some_and(|status| !keep_going && !status.is_well());
    steps.clone().all(|id| settled(id).is_some())
        || steps.clone().any(ends_it) && !steps.clone().any(is_in_doubt)
}

/// Everything outside that a rollout uses.
pub struct Ports<'a, A, J, P> {
    /// The API.
    pub api: &'a A,
    /// The journal.
    pub journal: &'a J,
    /// The plan's lines.
    pub plan: &'a P,
}

/// What is carried out.
pub struct Job<'a> {
    /// Where the plan's orgs are, and what is to be done to each.
    pub index: &'a [IndexEntry],
    /// How.
    pub policy: Policy,
    /// The secrets that the writes need.
    pub secrets: &'a Secrets,
    /// The plan's key.
    pub seal: &'a SealKey,
    /// What earlier processes left.
    pub history: History,
    /// What this process has read of the orgs when it made the plan.
    pub held: HeldReads,
}

/// How a process's part of a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// When and why.
    pub finish: Finish,
    /// All rows of the plan by status.
    pub counts: Counts,
}

/// Carries a plan out, or resumes it.
///
/// No error comes from here: what goes wrong with an org is its outcome, what goes wrong with the run is the
/// [`StopReason`] of its [`Finish`].
pub async fn roll_out<C: Clock, A: WriteApi, J: Journal, P: PlanSource>(
    job: Job<'_>,
    ports: Ports<'_, A, J, P>,
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
    sink: &mut dyn EventSink,
) -> Ended {
    let Job { index, policy, history, .. } = &job;
    let (resumed, orgs) = (history.resumed, index.len() as u64);
    let done = history.done(index, policy.keep_going);
    let updates = index.iter().filter(|entry| entry.verdict == Verdict::Update).count() as u64;
    let at = gate.clock().now();
    ports.journal.record(Entry::Began { at });
    Context::new(at, sink).emit(EventKind::RunStarted {
        run_id: policy.run_id.clone(),
        plan_id: policy.plan_id.clone(),
        orgs,
        updates,
        done,
        resumed,
    });

    let (api, journal) = (ports.api, ports.journal);
    let wrote_before = history.wrote;
    let pause = history.pause.map(|pause| pause.left(at)).unwrap_or_default();
    let retry = gate.limits().retry.of_run(&job.policy.run_id);
    let policy = job.policy.clone();
    let rules = Rules {
        write: policy.write,
        verify: policy.verify,
        plan_id: &policy.plan_id,
        ignored: &policy.ignored,
        secrets: job.secrets,
        seal: job.seal,
        retry,
        settle_only: policy.settle_only,
    };
    let mut work = work::Rollout::new(job, ports, &rules);
    if retry.is_too_long(pause) {
        let parked = Throttle { http_status: 429, retry_after: Some(pause) };
        work.stop(StopReason::Unusable(format!("the client list: {}", parked.parked(retry.longest_wait))));
    } else {
        gate.close_for(pause);
    }
    let began = gate.clock().elapsed();
    let Ending { stop, is_asked_to_end } = pump(&mut work, Some(api), journal, gate, control, sink).await;
    let is_of_orgs = matches!(
        stop,
        Some(StopReason::BudgetSpent | StopReason::CanaryStopped(_) | StopReason::CanariesRejected)
    );
    work.leave(&mut Context::new(gate.clock().now(), sink));
    if is_of_orgs && !is_asked_to_end && work.recheck_stopped() {
        gate.has_taken(gate.clock().elapsed().saturating_sub(began));
        // What it finds, or what keeps it from it, is no other reason to stop.
        let _ = pump(&mut work, Some(api), journal, gate, control, sink).await;
    }
    let counts = work.counts();

    let at = gate.clock().now();
    // What came when there was nothing left to stop has stopped nothing: a run that is done isn't resumable.
    let is_open = work.is_open() || counts.of(Status::NotAttempted) > 0 || counts.of(Status::Unknown) > 0;
    let stop = stop.filter(|reason| is_open || !reason.only_ends_early());
    let finish = Finish { at, wrote: work.wrote() || wrote_before, stop };
    journal.record(Entry::Finished(finish.clone()));
    Context::new(at, sink)
        .emit(EventKind::RunFinished { counts, stop: finish.stop.as_ref().map(StopReason::to_string) });
    Ended { finish, counts }
}
