//! A run on disk: what was intended, what came of it, and what was there before.
//!
//! The API that a run writes to has no idempotency keys. So a write may be sent only after the journal has its
//! intent for good: a resume after a crash must know which orgs may have been written. That is the one
//! promise of this crate: **an acknowledged entry is on the disk, with everything that was said before it.** All
//! else is speed.
//!
//! # When what is synced
//!
//! 1. [`SqliteJournal::create`] makes `run.db.new`, mode 0600, in one SQLite transaction: marks, tables, header. It
//!    is put into WAL mode, synced, and closed: one plain file, nothing beside it.
//! 2. The caller makes the plan's copy in the folder durable.
//! 3. [`Draft::publish`] renames it to `run.db` and syncs the folder. *The name comes last* because it is what a
//!    later process looks for: a folder with a `run.db` has a whole header and a whole plan, whenever it was that
//!    the machine stopped; a folder without one was never a run, and nothing was sent for it. The file
//!    was switched to WAL before, so a process that dies here leaves nothing to be rolled back under that name.
//! 4. While the run continues, one thread owns the file. It gathers what is queued into one transaction, commits it
//!    (with `synchronous=FULL` a commit returns once the log is synced), and only then calls the acknowledgements of
//!    that group. Outcomes and samples ride along; alone, they are committed some milliseconds later. The order in
//!    the file is the order of the calls, so what a crash leaves is always a beginning of what was said.
//! 5. After a process's first commit, now and then, and at its end, the log is folded into the file: synced log, then
//!    synced file. Neither order nor content changes by it. The log is taken away only once the file says that the
//!    process has ended: so a file that says that one has begun, with no log beside it, is known to lack something.
//!
//! # Why an error is never tried again
//!
//! When a sync fails, the kernel may drop the pages that it couldn't write and call them clean: the next sync
//! succeeds, and the data is gone. So after the first failed append, commit or sync no later success proves
//! anything. The thread stops writing, leaves the file as it is (not even the closing checkpoint is made), and
//! gives every waiting and every later acknowledgement the same [`WriteError`]. The run stops; what was acknowledged
//! before was synced before, and stays.
//!
//! A journal whose file was moved or removed while the run continues counts as failed, too: each commit looks whether
//! the name still leads to it before it is acknowledged, for what has no name is gone with the process.
//!
//! # Resuming a run
//!
//! [`SqliteJournal::open`] first: it takes the lock that keeps every other process out. Then [`Stored`], to read
//! where each org is; an org in `Intent` may have been written. Then record `Began`, tell each unsettled org
//! `Resumed`, and continue. Entries keep their order over any number of processes.
//!
//! # What is found when reading
//!
//! Each entry carries a digest chained over all before it: one that was altered, moved or taken out is found, not
//! believed. Entries are replayed through core's state machine ([`Stored::records`]), and an illegal transition is
//! damage too. Before SQLite reads the log, each of its frames is verified: a bad one with commits behind it is no
//! torn write. What can't be found is a lost end: a log cut short by someone is a shorter journal, just as after a
//! crash.
//!
//! # What is absent, and why
//!
//! - No secret: the entries' types hold none, only fingerprints.
//! - No async runtime: acknowledgements are callbacks, so the simulation can use this crate as well as tokio can.
//! - No repair: a damaged journal is refused. Applying the rollout again reads every org, and finds what is done.
//! - No compaction and no index: a run's log is read from end to end, a few times in its life.
//! - No network file systems: SQLite's WAL needs memory shared between a machine's processes.

mod beside;
mod chain;
mod error;
#[cfg(feature = "faults")]
pub mod faults;
mod lock;
mod replay;
mod schema;
mod sqlite;
mod store;
mod stored;
mod wal;
mod writer;

pub use error::{JournalError, WriteError};
pub use lock::RunLock;
pub use replay::{OrgRecord, Records, replay};
pub use sqlite::{Draft, FILE_NAME, SqliteJournal};
pub use stored::Stored;
pub use writer::Done;
