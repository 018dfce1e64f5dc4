//! Where each step of each org is: the journal's entries replayed, in order, through core's state machine.
//!
//! Nothing here knows which transition is legal; one that core refuses means that the journal is damaged. It
//! keeps a small fixed record per step: before-images and outcomes stay in the file until they are asked for.
//!
//! How entries become inputs:
//! - An [`Entry::Intent`] is `Differs`, then `Intent`: the read that led to it needs no entry of its own.
//! - An [`Entry::Step`] is its inputs, none of which ends the org. From an org's first intent on, every input is in an entry.
//! - An [`Entry::Began`] is `Resumed`, for every org that isn't settled, when the org is next heard of or the
//!   journal ends. A step that says so too changes nothing: the machine takes it twice as it takes it once.
//! - An [`Entry::Pause`] moves nothing, not even as the first that is heard of an org since a process began.
//! - An [`Entry::Outcome`] is its inputs, and must name the status that the machine has reached by them. Without an intent
//!   it is by itself (planning may have skipped the org, or found it unreachable), and may name no status that takes a
//!   write.

use orgwave_core::ids::StepId;
use orgwave_core::org::Entry;
use orgwave_core::org::{Input, OrgState};
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::JournalError;

/// Where an org is at the end of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgRecord {
    /// Its state, as the last process to begin left it: a resume gives it `Resumed`. An org that never had
    /// an intent is in the first state, whatever its outcome.
    pub state: OrgState,
    /// The status of its last outcome, if nothing happened to it since.
    pub outcome: Option<Status>,
    /// When the run first touched it, if it had an intent.
    pub started_at: Option<Timestamp>,
    /// Where its last intent is.
    pub(crate) intent: Option<i64>,
    /// Where the outcome is.
    pub(crate) outcome_seq: Option<i64>,
    /// Where the vendor's last acceptance is.
    pub(crate) ack_seq: Option<i64>,
    /// How many processes had begun when it was last heard of.
    began: u32,
}

impl OrgRecord {
    const NEW: Self = Self {
        state: OrgState::new(),
        outcome: None,
        started_at: None,
        intent: None,
        outcome_seq: None,
        ack_seq: None,
        began: 0,
    };

    /// Whether an intent to write it was ever recorded.
    pub const fn had_intent(&self) -> bool {
        self.intent.is_some()
    }

    /// Whether the journal has an intent or an outcome of it.
    pub const fn is_known(&self) -> bool {
        self.had_intent() || self.outcome.is_some()
    }

    /// Whether it is final for ever: no process may write to it again.
    pub fn is_settled(&self) -> bool {
        self.state.status().or(self.outcome).is_some_and(Status::is_settled)
    }
}

/// What of an entry moves an org. Reads an entry's JSON and leaves the bulk of it unread.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fact {
    Began(IgnoredAny),
    Intent {
        org: u32,
        #[serde(default)]
        place: u8,
        /// Milliseconds.
        at: i64,
    },
    Step {
        org: u32,
        #[serde(default)]
        place: u8,
        inputs: Vec<Input>,
        #[serde(default)]
        ack: Option<IgnoredAny>,
    },
    Outcome {
        #[serde(default)]
        inputs: Vec<Input>,
        outcome: Came,
    },
    Pause {
        #[serde(default)]
        org: Option<u32>,
    },
    Wave(IgnoredAny),
    Sample(IgnoredAny),
    Finished(IgnoredAny),
}

/// What a step of an org came to.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Came {
    org: u32,
    #[serde(default)]
    place: u8,
    status: Status,
}

impl Fact {
    /// The step that it moves.
    const fn step(&self) -> Option<StepId> {
        match *self {
            Self::Intent { org, place, .. }
            | Self::Step { org, place, .. }
            | Self::Outcome { outcome: Came { org, place, .. }, .. } => Some(StepId { org, place }),
            _ => None,
        }
    }

    /// The org that it is about.
    pub(crate) const fn org(&self) -> Option<u32> {
        match *self {
            Self::Intent { org, .. }
            | Self::Step { org, .. }
            | Self::Outcome { outcome: Came { org, .. }, .. } => Some(org),
            Self::Pause { org } => org,
            Self::Began(_) | Self::Wave(_) | Self::Sample(_) | Self::Finished(_) => None,
        }
    }
}

impl From<&Entry> for Fact {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Began { .. } => Self::Began(IgnoredAny),
            Entry::Wave { .. } => Self::Wave(IgnoredAny),
            Entry::Intent { index, place, started_at, .. } => {
                Self::Intent { org: *index, place: *place, at: started_at.as_millis() }
            }
            Entry::Step { index, place, inputs, ack } => {
                let ack = ack.as_ref().map(|_| IgnoredAny);
                Self::Step { org: *index, place: *place, inputs: inputs.clone(), ack }
            }
            Entry::Outcome { inputs, outcome: OrgOutcome { index, place, status, .. } } => {
                let outcome = Came { org: *index, place: *place, status: *status };
                Self::Outcome { inputs: inputs.clone(), outcome }
            }
            Entry::Pause { index, .. } => Self::Pause { org: *index },
            Entry::Sample(_) => Self::Sample(IgnoredAny),
            Entry::Finished(_) => Self::Finished(IgnoredAny),
        }
    }
}

/// Where the steps of a run are: one record for each operation of each org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    places: u8,
    records: Vec<OrgRecord>,
}

impl Records {
    /// Those of an org, by the places of the operations; none, beyond the run's orgs.
    pub fn of(&self, org: u32) -> &[OrgRecord] {
        let places = usize::from(self.places);
        let first = org as usize * places;
        self.records.get(first..first + places).unwrap_or_default()
    }

    /// That of a step.
    pub fn step(&self, id: StepId) -> Option<&OrgRecord> {
        self.of(id.org).get(usize::from(id.place))
    }

    /// All of them, by their steps.
    pub fn iter(&self) -> impl Iterator<Item = (StepId, &OrgRecord)> {
        let ids = (0u32..).flat_map(|org| (0..self.places).map(move |place| StepId { org, place }));
        ids.zip(&self.records)
    }
}

/// Where each step of this many orgs and operations is after these entries, as they would be in a journal.
///
/// # Errors
/// No run can have recorded them in this order.
pub fn replay<'a>(
    orgs: u32,
    places: u8,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<Records, JournalError> {
    let mut replay = Replay::new(orgs, places);
    for (seq, entry) in (1..).zip(entries) {
        replay.take(seq, &entry.into())?;
    }
    Ok(replay.into_records())
}

/// The replay in progress.
pub(crate) struct Replay {
    places: u8,
    records: Vec<OrgRecord>,
    began: u32,
}

impl Replay {
    pub(crate) fn new(orgs: u32, places: u8) -> Self {
        Self { places, records: vec![OrgRecord::NEW; orgs as usize * usize::from(places)], began: 0 }
    }

    /// Takes the entry at a place of the journal; places only grow.
    pub(crate) fn take(&mut self, seq: i64, fact: &Fact) -> Result<(), JournalError> {
        let Some(index) = fact.org() else {
            if matches!(fact, Fact::Began(_)) {
                self.began += 1;
            }
            return Ok(());
        };
        let places = usize::from(self.places);
        let known = self.records.len() / places;
        if index as usize >= known {
            return Err(JournalError::damaged(format!(
                "entry {seq} is of org {index}, and the run has {known}"
            )));
        }
        let Some(id) = fact.step() else { return Ok(()) };
        if id.place >= self.places {
            let message =
                format!("entry {seq} is of operation {}, and the run has {}", id.place, self.places);
            return Err(JournalError::damaged(message));
        }
        let record = &mut self.records[index as usize * places + usize::from(id.place)];
        record.catch_up(self.began).and_then(|()| record.take(seq, fact)).map_err(|error| match error {
            Misfit::Transition(illegal) => JournalError::damaged_by(
                format!("entry {seq} doesn't fit what org {index} did before"),
                illegal,
            ),
            Misfit::Untold(status) => JournalError::damaged(format!(
                "entry {seq} makes org {index} {status}, and isn't its outcome"
            )),
            Misfit::Settled(status) => {
                JournalError::damaged(format!("entry {seq} continues org {index}, which was {status}"))
            }
            Misfit::Outcome(status) => JournalError::damaged(format!(
                "entry {seq} says that org {index} is {status}, which doesn't follow from its earlier entries"
            )),
        })
    }

    /// The end of the journal.
    pub(crate) fn into_records(mut self) -> Records {
        for record in &mut self.records {
            // Every state that isn't settled takes `Resumed`, so there is nothing to report.
            let _ = record.catch_up(self.began);
        }
        Records { places: self.places, records: self.records }
    }
}

/// Why an entry doesn't fit its org.
enum Misfit {
    Transition(orgwave_core::org::IllegalTransition),
    Untold(Status),
    Settled(Status),
    Outcome(Status),
}

impl OrgRecord {
    fn tell(&mut self, input: Input) -> Result<(), Misfit> {
        self.state = self.state.next(input).map_err(Misfit::Transition)?;
        Ok(())
    }

    fn catch_up(&mut self, began: u32) -> Result<(), Misfit> {
        if self.began != began {
            self.began = began;
            if !self.is_settled() {
                return self.tell(Input::Resumed);
            }
        }
        Ok(())
    }

    fn take(&mut self, seq: i64, fact: &Fact) -> Result<(), Misfit> {
        match *fact {
            Fact::Intent { at, .. } => {
                self.supersede_outcome()?;
                self.tell(Input::Differs)?;
                self.tell(Input::Intent)?;
                self.started_at.get_or_insert(Timestamp::from_millis(at));
                self.intent = Some(seq);
            }
            Fact::Step { ref inputs, ack, .. } => {
                self.ack_seq = ack.map(|_| seq).or(self.ack_seq);
                self.take_inputs(inputs)?;
                if let Some(status) = self.state.status() {
                    return Err(Misfit::Untold(status));
                }
            }
            Fact::Outcome { ref inputs, outcome: Came { status, .. } } => {
                self.take_inputs(inputs)?;
                let fits = match (self.state.status(), self.intent) {
                    (Some(reached), _) => reached == status,
                    (None, None) => {
                        self.outcome.is_none_or(|before| !before.is_settled()) && !takes_a_write(status)
                    }
                    (None, Some(_)) => false,
                };
                if !fits {
                    return Err(Misfit::Outcome(status));
                }
                self.outcome = Some(status);
                self.outcome_seq = Some(seq);
            }
            Fact::Pause { .. } | Fact::Began(_) | Fact::Wave(_) | Fact::Sample(_) | Fact::Finished(_) => {}
        }
        Ok(())
    }

    fn take_inputs(&mut self, inputs: &[Input]) -> Result<(), Misfit> {
        for input in inputs {
            // What was applied may have been replaced by another writer; the state says whether it can have been.
            if *input == Input::Overwritten {
                (self.outcome, self.outcome_seq) = (None, None);
            } else if *input != Input::Resumed {
                self.supersede_outcome()?;
            }
            self.tell(*input)?;
        }
        Ok(())
    }

    /// Something happens to the org: what was last said of it holds no more, unless it was said for ever.
    fn supersede_outcome(&mut self) -> Result<(), Misfit> {
        if let Some(status) = self.outcome.filter(|status| status.is_settled()) {
            return Err(Misfit::Settled(status));
        }
        self.outcome = None;
        self.outcome_seq = None;
        Ok(())
    }
}

/// Statuses that no org has without an intent.
const fn takes_a_write(status: Status) -> bool {
    match status {
        Status::Applied | Status::AppliedWithWarnings | Status::Diverged | Status::Unknown => true,
        Status::Unchanged
        | Status::Skipped
        | Status::Conflict
        | Status::Blocked
        | Status::Rejected
        | Status::Failed
        | Status::NotAttempted => false,
    }
}
