//! What `--rate auto` makes of a limit that nobody tells: how much of it is reached, and at the price of how many
//! refused calls.

use std::time::Duration;

use orgwave_core::policy::Rate;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::gate::Gate;
use orgwave_executor::ports::TokioClock;
use orgwave_executor::survey::survey;
use serde_json::Map;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::in_virtual_time;
use crate::stage::{limits, org_id};
use crate::world::{Answer, Call, Fault, Record, TokenBucket, World};

const SECOND: Duration = Duration::from_secs(1);

/// What a run of reads against a partner's bucket came to.
struct Run {
    ledger: Vec<Record>,
    learned: Option<f64>,
}

impl Run {
    /// Calls let through and calls refused from one moment to another.
    fn calls(&self, from: u64, to: u64) -> (f64, f64) {
        let span = Duration::from_secs(from)..Duration::from_secs(to);
        let (mut passed, mut refused) = (0.0, 0.0);
        for call in self.ledger.iter().filter(|call| span.contains(&call.at)) {
            *if matches!(call.answer, Answer::Throttled(_)) { &mut refused } else { &mut passed } += 1.0;
        }
        (passed, refused)
    }

    fn refused_share(&self, from: u64, to: u64) -> f64 {
        let (passed, refused) = self.calls(from, to);
        refused / (passed + refused)
    }
}

/// Reads orgs for so many seconds, against a bucket of ten seconds of `rate`, which changes as told.
async fn run(
    rate: f64,
    seconds: u64,
    change: Option<(u64, f64)>,
    learned: Option<f64>,
    trouble: impl FnMut(&Call) -> Option<Fault> + Send + 'static,
) -> Run {
    let mut limits = limits();
    limits.rate = Rate::Auto;
    limits.concurrency = 128;
    limits.max_duration = Some(Duration::from_secs(seconds));
    let orgs = (0..400).map(|number| (org_id(number), Map::new())).collect();
    let world = World::new(orgs, limits.timeout, 1);
    world.lock().partner = Some(TokenBucket::new(rate, 10.0 * rate));
    world.trouble(trouble);
    if let Some((at, rate)) = change {
        let world = world.clone();
        tokio::spawn(async move {
            sleep(Duration::from_secs(at)).await;
            let now = world.now();
            world.lock().partner.as_mut().expect("set above").set_rate(rate, now);
        });
    }
    let mut gate = Gate::new(TokioClock::starting_at(Timestamp::from_millis(0)), limits, learned, 1);
    let (_orders, mut control) = mpsc::channel(1);
    let items = (0..400).cycle().map(|number| (org_id(number), ()));
    // Nothing is left once it stops, except that a cycle has no end.
    let items = items.take(if rate > 1000.0 { 1_000_000 } else { 200_000 });
    survey(items, &world.transport(0), &mut gate, &mut control, &mut |_: &_| {}, |(), _, _| {}).await;
    let ledger = world.lock().ledger.clone();
    Run { ledger, learned: gate.learned_rate() }
}

#[test]
fn nearly_all_of_the_limit_is_reached_and_hardly_a_call_is_refused() {
    for rate in [2.0, 5.0, 20.0, 100.0, 500.0] {
        in_virtual_time(async {
            let run = run(rate, 180, None, None, |_| None).await;
            let (passed, refused) = run.calls(0, 180);
            let granted = rate * (10.0 + 180.0);
            let (share, price) = (passed / granted, refused / (passed + refused));
            assert!(share >= 0.95, "{rate}/s: {share:.3} of what was granted");
            // At two a second, a dozen calls a probe are all there are.
            let most = if rate < 5.0 { 0.03 } else { 0.02 };
            assert!(price <= most, "{rate}/s: {price:.4} refused");
            let learned = run.learned.expect("three minutes are enough to measure it");
            assert!((0.9..1.1).contains(&(learned / rate)), "{learned} learned of {rate}/s");
        });
    }
}

#[test]
fn a_limit_that_changes_is_followed_within_ten_seconds() {
    for (rate, changed) in [(50.0, 100.0), (200.0, 100.0), (100.0, 200.0), (400.0, 800.0), (40.0, 20.0)] {
        in_virtual_time(async {
            let run = run(rate, 120, Some((60, changed)), None, |_| None).await;
            let (passed, _) = run.calls(70, 100);
            let (share, price) = (passed / (changed * 30.0), run.refused_share(60, 120));
            assert!(share >= 0.95, "{rate}/s to {changed}/s: {share:.3} of the new limit");
            assert!(price <= 0.03, "{rate}/s to {changed}/s: {price:.4} refused");
        });
    }
}

#[test]
fn a_learned_rate_is_a_better_start_and_a_wrong_one_no_trap() {
    for learned in [100.0, 20.0, 1000.0] {
        in_virtual_time(async {
            let run = run(100.0, 120, None, Some(learned), |_| None).await;
            let (passed, refused) = run.calls(0, 120);
            let share = passed / (100.0 * 130.0);
            assert!(share >= 0.95, "learned {learned}: {share:.3}");
            assert!(refused / (passed + refused) <= 0.02, "learned {learned}: {refused} refused");
        });
    }
}

#[test]
fn orgs_in_trouble_of_their_own_cost_the_others_nothing() {
    in_virtual_time(async {
        // One answers nothing but 429 until it is parked, one is told to wait for a quarter of an hour.
        let run = run(100.0, 120, None, None, |call| match call.org {
            _ if call.at > 12 * SECOND => None,
            Some(7) => Some(Fault::Throttle(Some(SECOND))),
            Some(9) => Some(Fault::Throttle(Some(Duration::from_secs(15 * 60)))),
            _ => None,
        })
        .await;
        let (passed, _) = run.calls(0, 120);
        let share = passed / (100.0 * 130.0);
        assert!(share >= 0.95, "{share:.3} of what was granted");
    });
}
