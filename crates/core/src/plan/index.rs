//! Where each org is in a plan: the small fixed record that a run keeps of every org.

use super::Verdict;

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
}
