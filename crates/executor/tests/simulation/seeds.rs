//! Random runs, each to its end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use orgwave_core::status::Status;

use crate::chaos::Scenario;
use crate::in_virtual_time;
use crate::invariants::{check, check_end};
use crate::process::{Ordeal, process};
use crate::store::Store;

/// How many seeds the plain test command tries.
const SEEDS: u64 = 400;

fn setting(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how much to test is the one thing asked of outside")]
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

#[test]
fn any_run_through_any_faults_keeps_the_invariants() {
    let seeds = match setting("ORGWAVE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("ORGWAVE_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| in_virtual_time(run(seed)))) {
            eprintln!("that was ORGWAVE_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

/// A run from its first process to the last, which finds nothing left to do.
async fn run(seed: u64) {
    let mut scenario = Scenario::new(seed);
    let store = Store::new();
    let mut number = 0;
    for ordeal in scenario.ordeals.clone() {
        let report = step(&mut scenario, &store, &mut number, ordeal).await;
        if scenario.faultless {
            let ended = report.ended.expect("nothing befell it");
            let well = ended.counts.of(Status::Applied) + ended.counts.of(Status::Unchanged);
            assert_eq!(well, scenario.stage.index.len() as u64, "{ended:?}");
        }
    }
    scenario.calm();
    // Until no clock, however far behind, shows a time at which an org is still not to be called.
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    // The canaries of an operation, a disturbance or an org in doubt may each stop one more process; not for ever.
    for _ in 0..10 * scenario.stage.objects.len() {
        let report = step(&mut scenario, &store, &mut number, Ordeal::Nothing).await;
        let ended = report.ended.as_ref().expect("nothing befell it");
        if ended.finish.stop.is_none() {
            check_end(&scenario.stage, &store, &report);
            let calls = scenario.stage.world.lock().ledger.len();
            step(&mut scenario, &store, &mut number, Ordeal::Nothing).await;
            assert_eq!(scenario.stage.world.lock().ledger.len(), calls, "a finished run was resumed");
            return;
        }
    }
    panic!("the run doesn't come to an end, though nothing keeps it from it");
}

async fn step(
    scenario: &mut Scenario,
    store: &Store,
    number: &mut u32,
    ordeal: Ordeal,
) -> crate::process::Report {
    let report =
        process(&scenario.stage, store, *number, ordeal, scenario.journal_delay, &mut scenario.rng).await;
    check(&scenario.stage, store, &report, ordeal);
    *number += 1;
    report
}
