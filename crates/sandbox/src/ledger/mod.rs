//! The ledger: every request that came whole, in the order in which the server decided on them. The independent
//! witness that a run's claims are judged by.
//!
//! A request is entered when it is decided, which is before any reply is sent: a write that was applied is here
//! even if its reply never arrived. For one org, the order of entries is the order of its states.
//!
//! No key and no secret is here: of the key only whether it was right, of secrets a fingerprint.

mod entry;
mod redact;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde::Serialize;

pub(crate) use entry::{Kept, Whose};
pub use entry::{KeyCheck, LedgerEntry, LedgerEvent};
pub(crate) use redact::redacted;
pub use redact::secret_fingerprint;

use crate::config::Keep;

/// How many requests there were of each kind: operation, then status or `ended` where none was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// All requests.
    pub requests: u64,
    /// Writes that were applied, late ones included.
    pub applied: u64,
    /// Requests by operation (or `other`) and status (or `ended`).
    pub by_operation: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

/// The entries so far.
pub(crate) struct Ledger {
    keep: Keep,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    entries: Vec<LedgerEntry>,
    /// Instead of the entries, where only what was sent is kept: the last of each org and operation.
    sent: BTreeMap<[Option<Box<str>>; 2], LedgerEntry>,
    counts: BTreeMap<(&'static str, Option<u16>), u64>,
    applied: u64,
    next: u64,
    copy: Option<Box<dyn Write + Send>>,
    copy_error: Option<io::Error>,
}

impl Ledger {
    pub(crate) fn new(keep: Keep, copy: Option<Box<dyn Write + Send>>) -> Self {
        Self { keep, pages: Mutex::new(Pages { copy, ..Pages::default() }) }
    }

    /// Enters what was decided, and numbers it.
    pub(crate) fn append(&self, mut entry: LedgerEntry) {
        let mut guard = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = &mut *guard;
        pages.next += 1;
        entry.seq = pages.next;
        if entry.event == LedgerEvent::Request {
            let word = entry.operation.map_or("other", crate::route::Route::word);
            *pages.counts.entry((word, entry.status)).or_default() += 1;
        }
        pages.applied += u64::from(entry.event != LedgerEvent::Edit && entry.applied == Some(true));
        match self.keep {
            Keep::Full => {}
            Keep::Counts => return,
            Keep::Sent => {
                if let (Some(true), Some(sent)) = (entry.applied, &mut entry.sent) {
                    // A slice of what came would hold all that came with it.
                    sent.bytes = Bytes::copy_from_slice(&sent.bytes);
                    (entry.state, entry.seen) = (None, None);
                    pages.sent.insert([entry.org.clone(), entry.operation_name.clone()], entry);
                }
                return;
            }
        }
        if let (Some(copy), None) = (&mut pages.copy, &pages.copy_error) {
            let mut line = entry.to_json();
            line.push('\n');
            pages.copy_error = copy.write_all(line.as_bytes()).err();
        }
        pages.entries.push(entry);
    }

    /// The entries after a number, of those that are kept.
    pub(crate) fn since(&self, seq: u64) -> Vec<LedgerEntry> {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if self.keep == Keep::Sent {
            let mut entries: Vec<LedgerEntry> =
                pages.sent.values().filter(|entry| entry.seq > seq).cloned().collect();
            entries.sort_by_key(|entry| entry.seq);
            return entries;
        }
        let start = pages.entries.partition_point(|entry| entry.seq <= seq);
        pages.entries[start..].to_vec()
    }

    pub(crate) fn totals(&self) -> Totals {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let mut totals = Totals { applied: pages.applied, ..Totals::default() };
        for (&(word, status), count) in &pages.counts {
            let status = status.map_or_else(|| "ended".to_owned(), |status| status.to_string());
            totals.by_operation.entry(word).or_default().insert(status, *count);
            totals.requests += count;
        }
        totals
    }

    /// Flushes the copy; the first error it ever had, if any.
    pub(crate) fn close(&self) -> io::Result<()> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = pages.copy_error.take() {
            return Err(error);
        }
        pages.copy.as_mut().map_or(Ok(()), Write::flush)
    }
}
