//! The executor against a vendor, a journal and a clock that exist in memory only.
//!
//! * [`seeds`]: runs through random faults, drains, deaths and resumes, each drawn from a seed, with the
//!   [`invariants`] checked after every process. More of them: `ORGWAVE_SEEDS=5000`; one again:
//!   `ORGWAVE_SEED=17`.
//! * [`faults`]: one named fault each.
//! * [`steps`]: orgs with several steps, and what one of them means for the others.
//! * [`held`]: writes that are built on what the plan has read.
//! * [`pauses`]: a Retry-After that outlives the process which received it.
//! * [`shared`]: what one call means for all others.
//! * [`pace`]: what `--rate auto` makes of an unknown limit.
//!
//! The [`world`] plays the vendor, of the settings in [`objects`]; the [`store`] is what is on the disk, [`stage`] and
//! [`process`] set up and run.
//! What the client makes of bytes on the wire, and what SQLite does on a failing disk, is tested elsewhere.

mod chaos;
mod faults;
mod held;
mod invariants;
mod objects;
mod pace;
mod pauses;
mod process;
mod seeds;
mod shared;
mod stage;
mod steps;
mod store;
mod world;

/// Runs this in virtual time: whenever everything waits, the clock jumps.
fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime").block_on(future)
}
