//! What a journal means for the process that resumes its run.

use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::plan::IndexEntry;
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

    /// Takes an entry of the journal. They come in the order in which they were recorded, and before the steps: which of
    /// these count depends on the wave.
    pub fn entry(&mut self, entry: &Entry) {
        match *entry {
            Entry::Pause { index, pause } => self.history.take_pause(index, pause),
            Entry::Wave { wave, .. } => self.history.wave = Some(wave),
            _ => {}
        }
    }

    /// Takes how far the run has come with a step of an org.
    pub fn step(&mut self, step: OrgProgress) {
        let had_intent = step.started_at.is_some();
        self.history.wrote |= had_intent;
        let entry = self.index.get(step.id.org as usize);
        let Some(entry) = entry.filter(|entry| entry.updates.has(step.id.place)) else { return };
        match &step.outcome {
            Some(outcome) if outcome.status.is_settled() => {
                self.history.take_settled(outcome, step.state, *entry);
            }
            _ if had_intent => drop(self.history.open.insert(step.id, step)),
            _ => {}
        }
    }

    /// What earlier processes left.
    pub fn history(self) -> History {
        self.history
    }
}
