//! Runs that are killed, stopped or starved, and resumed until they are done.
//!
//! The real binary works against the sandbox of the vendor's API, which lives in this process. What was sent is
//! judged by the sandbox's ledger, what was promised by the journal on the disk, and nothing that the binary says of
//! itself is believed. Each chance comes from a seed, which a failing test prints.
//!
//! `ORGWAVE_CRASH_KILLS=5000` kills more often; `ORGWAVE_CRASH_SEED=7` begins with another seed.

#![expect(clippy::unwrap_used, reason = "in a test, what isn't there is a failure")]
#![expect(clippy::disallowed_methods, reason = "a test knows the names of its own paths")]
#![expect(unreachable_pub, reason = "a test has no outside: `pub` here says what a module offers the others")]

/// A rollout of a few orgs in a new folder, and the vendor that it is for.
mod stage;

/// A process of the binary: started, watched, killed, waited for.
mod process;

/// What must always hold, judged by the ledger and the journal.
mod witness;

/// Secrets, looked for in every file and stream.
mod leaks;

/// SIGKILL at seeded random times, again and again, with faults mixed in.
mod chains;

/// What the vendor does wrong: each fault by its name.
mod faults;

/// SIGKILL at every named step.
mod steps;

/// Resuming a run: who may, with what, and what is left unchanged.
mod resume;

/// Each plan once, and one run at a time.
mod once;

/// Runs that are terminated, or whose output is closed, and that are resumed.
mod stops;

/// Holding what is live against what was wanted, and taking it back.
mod afterwards;

/// A disk that is full, and a journal whose n-th commit fails.
mod disk;
