//! A journal that can be slow, fail, and die: what it acknowledged survives, and of the rest some beginning.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use orgwave_core::change::Before;
use orgwave_core::ids::StepId;
use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::org::{Input, OrgState};
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::plan::IndexEntry;
use orgwave_core::reply::Ack;
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::ports::Journal;
use orgwave_executor::rollout::History;
use tokio::sync::Notify;

use crate::world::World;

/// What was handed over this long ago is on the disk, whether or not it is waited for.
const LINGER: Duration = Duration::from_millis(100);

/// What the journal does to a process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Habits {
    /// How long until an entry is acknowledged.
    pub(crate) delay: Duration,
    /// The durable entry, counted from 0, at which writing fails, and fails from then on.
    pub(crate) fails_at: Option<u32>,
    /// The durable entry that makes the process die; whether it is acknowledged before that.
    pub(crate) dies_at: Option<(u32, bool)>,
}

#[derive(Default)]
struct Disk {
    /// Entries, each, once durable, with since when.
    entries: Vec<(Entry, Option<Duration>)>,
    /// When each was said.
    said: Vec<Duration>,
    /// Only this process's writes count.
    process: u32,
    durable: u32,
    failed: bool,
}

/// What is on the disk, over all processes.
#[derive(Clone)]
pub(crate) struct Store {
    disk: Arc<Mutex<Disk>>,
    clock: tokio::time::Instant,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { disk: Arc::default(), clock: tokio::time::Instant::now() }
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("nothing panics while it holds the disk")
    }

    /// Opens the journal for a process. What the one before left without an acknowledgement is there up to a
    /// random point.
    pub(crate) fn open(
        &self,
        process: u32,
        world: &World,
        habits: Habits,
        rng: &mut fastrand::Rng,
    ) -> ProcessJournal {
        let now = self.clock.elapsed();
        let mut disk = self.lock();
        let durable = disk.entries.iter().rposition(|(_, durable)| durable.is_some()).map_or(0, |at| at + 1);
        let lingered = disk.said.partition_point(|said| *said + LINGER <= now);
        let durable = if disk.failed { durable } else { durable.max(lingered) };
        let keep = rng.usize(durable..=disk.entries.len());
        disk.entries.truncate(keep);
        disk.said.truncate(keep);
        for (_, durable) in &mut disk.entries {
            durable.get_or_insert(now);
        }
        (disk.process, disk.durable, disk.failed) = (process, 0, false);
        let (world, said) = (world.clone(), Mutex::default());
        let death = Arc::new(Notify::new());
        ProcessJournal { store: self.clone(), world, process, habits, said, death }
    }

    /// The process ended well: everything is synced.
    pub(crate) fn close(&self) {
        let now = self.clock.elapsed();
        let mut disk = self.lock();
        if !disk.failed {
            for (_, durable) in &mut disk.entries {
                durable.get_or_insert(now);
            }
        }
    }

    /// Whether the disk failed the last process.
    pub(crate) fn has_failed(&self) -> bool {
        self.lock().failed
    }

    /// What is there, and since when it is safe.
    pub(crate) fn entries(&self) -> Vec<(Entry, Option<Duration>)> {
        self.lock().entries.clone()
    }

    /// What a later process reads of it.
    pub(crate) fn history(&self, index: &[IndexEntry]) -> History {
        let resumed = self.lock().entries.iter().any(|(entry, _)| matches!(entry, Entry::Began { .. }));
        let mut history = History { resumed, ..History::default() };
        for (entry, _) in &self.lock().entries {
            match entry {
                Entry::Pause { index, pause } => history.take_pause(*index, *pause),
                Entry::Wave { wave, .. } => history.wave = Some(*wave),
                _ => {}
            }
        }
        for (id, org) in self.recorded() {
            history.wrote |= org.before.is_some();
            match org.outcome {
                Some(outcome) if outcome.status.is_settled() => {
                    history.take_settled(&outcome, org.state, index[id.org as usize]);
                }
                outcome if org.before.is_some() => {
                    let OnDisk { state, before, started_at, mut ack, .. } = org;
                    let said = outcome.as_ref().map(|outcome| outcome.ack.clone());
                    let ack = said.or_else(|| ack.pop()).unwrap_or_default();
                    let progress = OrgProgress { id, state, outcome, before, started_at, ack };
                    history.open.insert(id, progress);
                }
                _ => {}
            }
        }
        history
    }

    /// Where each step is. Replayed through core's machine alone; what doesn't fit is a defect of its writer.
    pub(crate) fn recorded(&self) -> HashMap<StepId, OnDisk> {
        let mut steps: HashMap<StepId, Replayed> = HashMap::new();
        let mut began = 0;
        for (entry, _) in &self.lock().entries {
            match entry {
                Entry::Began { .. } => began += 1,
                Entry::Intent { index, place, started_at, before } => {
                    let org =
                        steps.entry(StepId { org: *index, place: *place }).or_insert_with(Replayed::new);
                    org.catch_up(began);
                    org.tell(Input::Differs);
                    org.tell(Input::Intent);
                    org.recorded.before = Some(before.clone());
                    org.recorded.started_at.get_or_insert(*started_at);
                }
                Entry::Step { index, place, inputs, ack } => {
                    let org =
                        steps.entry(StepId { org: *index, place: *place }).or_insert_with(Replayed::new);
                    org.catch_up(began);
                    for input in inputs {
                        org.tell(*input);
                    }
                    assert_eq!(org.recorded.state.status(), None, "{inputs:?}: the outcome was to say so");
                    org.recorded.ack.extend(ack.clone());
                }
                Entry::Outcome { inputs, outcome } => {
                    let org = steps.entry(outcome.id()).or_insert_with(Replayed::new);
                    org.catch_up(began);
                    for input in inputs {
                        org.tell(*input);
                    }
                    if org.recorded.before.is_some() {
                        assert_eq!(org.recorded.state.status(), Some(outcome.status), "{outcome:?}");
                    }
                    let is_same = |before: &OrgOutcome| {
                        before.status == outcome.status && before.verified != outcome.verified
                    };
                    let before = org.recorded.outcome.as_ref();
                    assert!(!org.is_settled() || before.is_some_and(is_same), "settled twice: {outcome:?}");
                    org.recorded.outcome = Some(outcome.clone());
                }
                Entry::Pause { .. } | Entry::Wave { .. } | Entry::Sample(_) | Entry::Finished(_) => {}
            }
        }
        steps.into_iter().map(|(id, step)| (id, step.recorded)).collect()
    }
}

/// What is on the disk about a step of an org.
pub(crate) struct OnDisk {
    pub(crate) state: OrgState,
    pub(crate) before: Option<Before>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) outcome: Option<OrgOutcome>,
    /// What the vendor said when it accepted with a warning.
    pub(crate) ack: Vec<Ack>,
}

struct Replayed {
    recorded: OnDisk,
    began: u32,
}

impl Replayed {
    fn new() -> Self {
        let recorded =
            OnDisk { state: OrgState::new(), before: None, started_at: None, outcome: None, ack: Vec::new() };
        Self { recorded, began: 0 }
    }

    fn is_settled(&self) -> bool {
        self.recorded.outcome.as_ref().is_some_and(|outcome| outcome.status.is_settled())
    }

    fn catch_up(&mut self, began: u32) {
        if self.began != 0 && self.began != began && !self.is_settled() {
            self.tell(Input::Resumed);
        }
        self.began = began;
    }

    fn tell(&mut self, input: Input) {
        let is_overwritten = input == Input::Overwritten;
        assert!(is_overwritten || !self.is_settled(), "{input:?} after {:?}", self.recorded.outcome);
        self.recorded.outcome = None;
        self.recorded.state = self.recorded.state.next(input).expect("the journal tells a legal story");
    }
}

/// The journal as one process has it open.
pub(crate) struct ProcessJournal {
    store: Store,
    world: World,
    process: u32,
    habits: Habits,
    /// The outcomes that it was given, whether or not they come to the disk.
    said: Mutex<Vec<(Duration, OrgOutcome)>>,
    /// Notified when the process is to die.
    pub(crate) death: Arc<Notify>,
}

impl ProcessJournal {
    /// The first outcome of each of these steps' others, and when: what comes later is of a second look.
    pub(crate) fn outcomes(&self, settled: &HashMap<StepId, Status>) -> Vec<(Duration, OrgOutcome)> {
        let mut known: HashSet<StepId> = settled.keys().copied().collect();
        let said = self.said.lock().expect("nothing panics while it holds it");
        said.iter().filter(|(_, outcome)| known.insert(outcome.id())).cloned().collect()
    }

    fn push(&self, entry: Entry) -> usize {
        let now = self.store.clock.elapsed();
        if let Entry::Outcome { outcome, .. } = &entry {
            let mut said = self.said.lock().expect("nothing panics while it holds it");
            said.push((self.world.now(), outcome.clone()));
        }
        let mut disk = self.store.lock();
        if disk.process == self.process && !disk.failed {
            disk.said.push(now);
            disk.entries.push((entry, None));
        }
        disk.entries.len()
    }
}

fn make_durable(store: &Store, process: u32, length: usize) -> bool {
    let now = store.clock.elapsed();
    let mut disk = store.lock();
    if disk.process != process || disk.failed {
        return false;
    }
    for (_, durable) in &mut disk.entries[..length] {
        durable.get_or_insert(now);
    }
    true
}

impl Journal for ProcessJournal {
    fn record(&self, entry: Entry) {
        self.push(entry);
    }

    fn record_durably(&self, entry: Entry, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        let number = {
            let mut disk = self.store.lock();
            disk.durable += 1;
            disk.durable - 1
        };
        if self.habits.fails_at.is_some_and(|fails_at| number >= fails_at) {
            self.store.lock().failed = true;
            return done(Err("no space left".into()));
        }
        let length = self.push(entry);
        let (store, process, death) = (self.store.clone(), self.process, self.death.clone());
        let dies = self.habits.dies_at.filter(|(dies_at, _)| *dies_at == number).map(|(_, acks)| acks);
        let delay = self.habits.delay;
        let finish = move || {
            let is_durable = make_durable(&store, process, length);
            if dies.is_some() {
                death.notify_one();
            }
            if dies == Some(false) {
                // A process that dies drops nothing.
                return std::mem::forget(done);
            }
            done(if is_durable { Ok(()) } else { Err("the journal is broken".into()) });
        };
        if delay.is_zero() {
            return finish();
        }
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            finish();
        });
    }
}
