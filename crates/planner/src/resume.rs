//! What a journal means for the process that resumes its run.

use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::plan::{IndexEntry, Verdict};
use orgwave_executor::rollout::History;

/// A history in the making: of a run whose plan has its orgs at these places.
#[derive(Debug)]
pub struct Resume<'a> {
    index: &'a [IndexEntry],
    history: History,
}

impl<'a> Resume<'a> {
    /// Nothing is known yet.
    pub fn of(index: &'a [IndexEntry]) -> Self {
        Self { index, history: History { resumed: true, ..History::default() } }
    }

    /// Takes an entry of the journal. They come in the order in which they were recorded, and before the orgs: which of
    /// these count depends on the wave.
    pub fn entry(&mut self, entry: &Entry) {
        match *entry {
            Entry::Pause { index, pause } => self.history.take_pause(index, pause),
            Entry::Wave { wave, .. } => self.history.wave = Some(wave),
            _ => {}
        }
    }

    /// Takes how far the run has come with an org.
    pub fn org(&mut self, org: OrgProgress) {
        let had_intent = org.started_at.is_some();
        self.history.wrote |= had_intent;
        let place = self.index.get(org.index as usize);
        let Some(entry) = place.filter(|entry| entry.verdict == Verdict::Update) else { return };
        let status = org.state.status().or(org.outcome.as_ref().map(|outcome| outcome.status));
        match (status.filter(|status| status.is_settled()), &org.outcome) {
            (Some(_), Some(outcome)) => self.history.take_settled(outcome, org.state, *entry),
            // A process that died owes it its outcome.
            (Some(status), None) => drop(self.history.settled.insert(org.index, status)),
            (None, _) if had_intent => drop(self.history.open.insert(org.index, org)),
            (None, _) => {}
        }
    }

    /// What earlier processes left.
    pub fn history(self) -> History {
        self.history
    }
}
