//! Where each org is in a plan: the small fixed record that a run keeps of every org.

use super::{PlanLine, Verdict};
use crate::status::Status;

/// One org: where its line is, and what the scheduler must know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry {
    /// The line's first byte in the file.
    pub offset: u64,
    /// The line's length in bytes, its line break included.
    pub length: u32,
    /// The org's wave; 0 for orgs that aren't to be written.
    pub wave: u32,
    /// What planning found.
    pub verdict: Verdict,
    /// The steps that are to be taken.
    pub updates: Places,
    /// The worst of what planning found of the other steps, if there are any.
    pub rest: Option<Status>,
}

impl IndexEntry {
    /// Of a line that has no place yet. Its wave is that of the line, if it has one.
    pub fn of(line: &PlanLine) -> Self {
        Self {
            offset: 0,
            length: 0,
            wave: line.wave.unwrap_or(0),
            verdict: line.verdict,
            updates: line.updates(),
            rest: line.rest(),
        }
    }
}

/// A set of operations of a plan, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Places(u64);

impl Places {
    /// The first operation where the verdict is to write it, as of a plan of a single one.
    pub const fn first(verdict: Verdict) -> Self {
        Self(matches!(verdict, Verdict::Update) as u64)
    }

    /// Whether the operation at this place is one of them.
    pub const fn has(self, place: u8) -> bool {
        self.0 >> place & 1 == 1
    }

    /// Adds one.
    pub const fn insert(&mut self, place: u8) {
        self.0 |= 1 << place;
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Them, in order.
    pub fn iter(self) -> impl Iterator<Item = u8> + Clone {
        (0..64).filter(move |place| self.has(*place))
    }
}

impl FromIterator<u8> for Places {
    fn from_iter<I: IntoIterator<Item = u8>>(places: I) -> Self {
        Self(places.into_iter().fold(0, |places, place| places | 1 << place))
    }
}
