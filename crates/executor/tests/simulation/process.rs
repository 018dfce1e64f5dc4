//! One process of a run: from its start to its end, or to its death.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use orgwave_core::event::{Event, EventKind};
use orgwave_core::ids::StepId;
use orgwave_core::operation::Operation;
use orgwave_core::org::HeldRead;
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::plan::{Places, Verdict};
use orgwave_core::policy::FailureBudget;
use orgwave_core::reply::Live;
use orgwave_core::run::StopReason;
use orgwave_core::secret::Secrets;
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::gate::Gate;
use orgwave_executor::ports::{Clock, TokioClock};
use orgwave_executor::pump::Control;
use orgwave_executor::rollout::{Ended, HeldReads, Job, Ports, roll_out};
use orgwave_executor::survey::{Finding, survey};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::stage::{Jumps, Stage, org_id};
use crate::store::{Habits, Store};
use crate::world::World;

/// No operation of what is simulated here takes longer.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// The clock of a process on a machine that may be suspended.
#[derive(Clone)]
struct SimulatedClock {
    timers: TokioClock,
    at: Timestamp,
    world: World,
    slept_before: Duration,
}

impl SimulatedClock {
    fn starting_at(at: Timestamp, world: &World) -> Self {
        let timers = TokioClock::starting_at(at);
        Self { timers, at, world: world.clone(), slept_before: world.slept() }
    }
}

impl Clock for SimulatedClock {
    fn elapsed(&self) -> Duration {
        self.timers.elapsed()
    }

    fn wall_elapsed(&self) -> Duration {
        (self.elapsed() + self.world.slept()).saturating_sub(self.slept_before)
    }

    fn now(&self) -> Timestamp {
        self.at.plus(self.wall_elapsed())
    }
}

/// What befalls a process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ordeal {
    Nothing,
    Drain(Duration),
    Abort(Duration),
    DrainAndAbort(Duration, Duration),
    MaxDuration(Duration),
    Dies(Duration),
    DiesAtIntent(u32, bool),
    JournalFails(u32),
}

/// What a process showed.
pub(crate) struct Report {
    pub(crate) number: u32,
    /// `None`: it died.
    pub(crate) ended: Option<Ended>,
    pub(crate) events: Vec<(Duration, EventKind)>,
    pub(crate) began_at: Duration,
    pub(crate) ended_at: Duration,
    /// How long of it the machine was suspended.
    pub(crate) slept: Duration,
    pub(crate) budget: FailureBudget,
    /// Steps that were settled when it began.
    pub(crate) settled: HashMap<StepId, Status>,
    /// Steps of which it was not known whether a write had been applied.
    pub(crate) open: HashSet<StepId>,
    /// What became of those that were not settled, and when.
    pub(crate) outcomes: Vec<(Duration, OrgOutcome)>,
    /// The operations of which a write was proven when it began, or changed something beside, which the user had to
    /// resume.
    pub(crate) proven: Places,
}

impl Report {
    /// Whether every org came to this.
    pub(crate) fn count(&self, status: Status) -> u64 {
        self.ended.as_ref().expect("it ended").counts.of(status)
    }

    pub(crate) fn stop(&self) -> Option<&StopReason> {
        self.ended.as_ref().expect("it ended").finish.stop.as_ref()
    }

    pub(crate) fn status(&self, org: u32) -> Option<Status> {
        self.events.iter().find_map(|(_, event)| match event {
            EventKind::OrgFinished { index, status, .. } if *index == org => Some(*status),
            _ => None,
        })
    }
}

/// What a process takes for the time when it begins. Where clocks jump, every other process's is an hour off.
pub(crate) fn time_of_day(now: Duration, jumps: Jumps, number: u32) -> Timestamp {
    const HOUR: Duration = Duration::from_secs(3600);
    let midnight = Timestamp::from_millis(1_700_000_000_000);
    let hours = match (jumps, number % 2) {
        (Jumps::Forward, 1) => 2,
        (Jumps::Back, 1) => 0,
        _ => 1,
    };
    midnight.plus(now + hours * HOUR)
}

/// Reads what is to be written, as a plan does.
async fn plan(stage: &Stage, gate: &mut Gate<SimulatedClock>) -> HeldReads {
    let (held, retry) = (RefCell::new(HeldReads::default()), stage.limits.retry);
    let orgs = (0u32..).zip(&stage.index).filter(|(_, entry)| entry.verdict == Verdict::Update);
    let orgs = orgs.map(|(org, _)| {
        let needed = stage.needed(org);
        let reads = needed.iter().map(|(_, operation)| vec![Arc::clone(operation)]).collect();
        (org, org_id(org as usize), reads, (org, needed))
    });
    let (_orders, mut control) = mpsc::channel(1);
    // What stops it keeps the others from being held; the run finds out for itself.
    let _ = survey(
        orgs,
        &stage.world.planning(0),
        gate,
        &mut control,
        &mut |_: &_| {},
        |(org, needed): &(u32, Vec<(u8, Arc<Operation>)>), mut findings, cx| {
            let read = |(place, operation): &(u8, Arc<Operation>)| match findings.take(operation) {
                Finding::Live(Live::Connected(settings, _), requested) => {
                    Some(HeldRead { place: *place, settings, requested })
                }
                _ => None,
            };
            held.borrow_mut().hold(*org, None, needed.iter().filter_map(read).collect(), retry, cx.now);
        },
    )
    .await;
    held.into_inner()
}

/// Runs the next process of a run.
pub(crate) async fn process(
    stage: &Stage,
    store: &Store,
    number: u32,
    ordeal: Ordeal,
    journal_delay: Duration,
    rng: &mut fastrand::Rng,
) -> Report {
    let habits = Habits {
        delay: journal_delay,
        fails_at: if let Ordeal::JournalFails(at) = ordeal { Some(at) } else { None },
        dies_at: if let Ordeal::DiesAtIntent(at, acks) = ordeal { Some((at, acks)) } else { None },
    };
    let journal = store.open(number, &stage.world, habits, rng);
    let mut limits = stage.limits;
    if let Ordeal::MaxDuration(most) = ordeal {
        limits.max_duration = Some(most);
    }
    let at = time_of_day(stage.world.now(), stage.clock_jumps, number);
    let clock = SimulatedClock::starting_at(at, &stage.world);
    limits.retry.seed = rng.u64(..);
    let mut gate = Gate::new(clock, limits, None);
    let held = match stage.plans {
        Some(pause) if number == 0 && stage.policy.write.reads() => {
            let held = plan(stage, &mut gate).await;
            sleep(pause).await;
            held
        }
        _ => HeldReads::default(),
    };
    let (orders, mut control) = mpsc::channel(4);
    tokio::spawn(async move {
        let drain = Control::Drain(StopReason::Interrupted);
        match ordeal {
            Ordeal::Drain(at) => {
                sleep(at).await;
                let _ = orders.send(drain).await;
            }
            Ordeal::Abort(at) => {
                sleep(at).await;
                let _ = orders.send(Control::Abort).await;
            }
            Ordeal::DrainAndAbort(at, more) => {
                sleep(at).await;
                let _ = orders.send(drain).await;
                sleep(more).await;
                let _ = orders.send(Control::Abort).await;
            }
            _ => {}
        }
    });
    let (began_at, slept_before) = (stage.world.now(), stage.world.slept());
    let world = stage.world.clone();
    let mut events = Vec::new();
    let mut sink = |event: &Event| events.push((world.now(), event.kind.clone()));
    let death = journal.death.clone();
    let api = stage.world.transport(number);
    let ports = Ports { api: &api, journal: &journal, plan: &stage.lines };
    let secrets = Secrets::new();
    let history = store.history(&stage.index);
    let (settled, proven) = (history.settled.clone(), history.proven);
    let open = history.open.values().filter(|step| step.is_in_doubt()).map(|step| step.id).collect();
    let run = roll_out(
        Job {
            index: &stage.index,
            policy: stage.policy.clone(),
            secrets: &secrets,
            seal: &stage.seal,
            history,
            held,
        },
        ports,
        &mut gate,
        &mut control,
        &mut sink,
    );
    let longest = LONGEST * u32::from(stage.policy.operations.count());
    let ended = tokio::select! {
        biased;
        () = death.notified() => None,
        () = sleep(if let Ordeal::Dies(at) = ordeal { at } else { 2 * longest }) => None,
        ended = timeout(longest, run) => Some(ended.expect("a process ends in bounded time")),
    };
    if ended.is_some() {
        store.close();
    }
    let (ended_at, budget) = (stage.world.now(), stage.policy.max_failures);
    let slept = stage.world.slept().saturating_sub(slept_before);
    let outcomes = journal.outcomes(&settled);
    Report { number, ended, events, began_at, ended_at, slept, budget, settled, open, outcomes, proven }
}
