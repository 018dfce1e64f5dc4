//! The inner parts, measured alone: no disk, no network, no clock, one thread.
//!
//! `cargo bench -p orgwave --bench inner` runs all of them, `... -- payload` those whose name has the word. Each module
//! says what its numbers include. What whole runs cost is measured beside this, in `benches/peers`.

mod compare;
mod estate;
mod ids;
mod manifest;
mod org_state;
mod payload;
mod plan;
#[path = "../rows.rs"]
mod rows;

criterion::criterion_main!(
    payload::group,
    manifest::group,
    plan::group,
    compare::group,
    org_state::group,
    ids::group
);
