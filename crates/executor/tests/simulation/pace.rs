//! What `--rate auto` makes of an unknown limit: how much of it is reached, and at the price of how many
//! refused calls.

use std::time::Duration;

use orgwave_core::event::EventKind;
use orgwave_core::operation::Operation;
use orgwave_core::policy::Rate;
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::gate::Gate;
use orgwave_executor::ports::TokioClock;
use orgwave_executor::survey::survey;
use serde_json::Map;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::in_virtual_time;
use crate::objects::Object;
use crate::process::{Ordeal, Report, process};
use crate::stage::{Stage, envoy, limits, org_id};
use crate::store::Store;
use crate::world::{Answer, Call, Fault, Kind, Record, TokenBucket, World};

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

fn full(rate: f64) -> TokenBucket {
    TokenBucket::new(rate, 10.0 * rate)
}

/// Reads orgs for this many seconds, against this bucket, whose rate changes at the given times.
async fn run(
    bucket: TokenBucket,
    seconds: u64,
    change: Option<(u64, f64)>,
    learned: Option<f64>,
    trouble: impl FnMut(&Call) -> Option<Fault> + Send + 'static,
) -> Run {
    let mut limits = limits();
    limits.rate = Rate::Auto;
    limits.concurrency = 128;
    limits.max_duration = Some(Duration::from_secs(seconds));
    let orgs = (0..400).map(|number| (org_id(number), vec![Map::new()])).collect();
    let world = World::new(vec![Object::of(&Operation::default_one())], orgs, limits.timeout, 1);
    world.lock().partner = Some(bucket);
    world.trouble(trouble);
    if let Some((at, rate)) = change {
        let world = world.clone();
        tokio::spawn(async move {
            sleep(Duration::from_secs(at)).await;
            let now = world.now();
            world.lock().partner.as_mut().expect("set above").set_rate(rate, now);
        });
    }
    let mut gate = Gate::new(TokioClock::starting_at(Timestamp::from_millis(0)), limits, learned);
    let (_orders, mut control) = mpsc::channel(1);
    let items = (0..).zip((0..400).cycle()).map(|(place, number)| (place, org_id(number), envoy(), ()));
    // Nothing is left once it stops, except that a cycle has no end.
    let items = items.take(200_000);
    survey(items, &world.transport(0), &mut gate, &mut control, &mut |_: &_| {}, |(), _, _| {}).await;
    let ledger = world.lock().ledger.clone();
    Run { ledger, learned: gate.learned_rate() }
}

#[test]
fn a_limit_is_nearly_reached_with_hardly_a_refused_call() {
    for rate in [2.0, 5.0, 8.0, 20.0, 50.0, 100.0, 200.0, 500.0] {
        in_virtual_time(async {
            let run = run(full(rate), 180, None, None, |_| None).await;
            let (passed, _) = run.calls(0, 180);
            let (share, price) = (passed / (rate * (10.0 + 180.0)), run.refused_share(0, 180));
            assert!(share >= 0.95, "{rate}/s: {share:.3} of what was granted");
            assert!(price <= 0.02, "{rate}/s: {price:.4} refused");
            let learned = run.learned.expect("three minutes are enough to measure it");
            assert!((0.95..1.05).contains(&(learned / rate)), "{learned} learned of {rate}/s");
        });
    }
}

#[test]
fn a_limit_that_changes_is_followed_within_ten_seconds() {
    for rate in [8.0, 20.0, 50.0, 100.0, 400.0] {
        for changed in [0.5 * rate, 2.0 * rate] {
            in_virtual_time(async {
                let run = run(full(rate), 120, Some((60, changed)), None, |_| None).await;
                let (passed, _) = run.calls(70, 100);
                let (share, price) = (passed / (changed * 30.0), run.refused_share(60, 120));
                assert!(share >= 0.9, "{rate}/s to {changed}/s: {share:.3} of the new limit");
                assert!(price <= 0.03, "{rate}/s to {changed}/s: {price:.4} refused");
            });
        }
    }
}

#[test]
fn a_learned_rate_is_a_better_start_and_a_wrong_one_no_trap() {
    let share_of = |learned: Option<f64>, seconds: u64| {
        in_virtual_time(async {
            let run = run(full(100.0), seconds, None, learned, |_| None).await;
            let length = Duration::from_secs(10 + seconds).as_secs_f64();
            (run.calls(0, seconds).0 / (100.0 * length), run.refused_share(0, seconds))
        })
    };
    for learned in [100.0, 20.0, 1000.0] {
        let (share, price) = share_of(Some(learned), 120);
        assert!(share >= 0.95, "learned {learned}: {share:.3}");
        assert!(price <= 0.02, "learned {learned}: {price:.3} refused");
    }
    // What one process has learned is a start for the next.
    let learned = in_virtual_time(async { run(full(100.0), 60, None, None, |_| None).await.learned });
    assert!(share_of(learned, 120).0 >= 0.95, "{learned:?}");
    // The first seconds are what it is for.
    let (with, without) = (share_of(Some(100.0), 5).0, share_of(None, 5).0);
    assert!(with >= 1.3 * without, "{with:.3} with it, {without:.3} without");
}

#[test]
fn a_learned_rate_holds_with_a_bucket_emptied_before() {
    in_virtual_time(async {
        let run = run(full(100.0).empty(), 30, None, Some(100.0), |_| None).await;
        let (passed, _) = run.calls(0, 30);
        assert!(passed >= 0.9 * 100.0 * 30.0, "{passed} calls");
        assert!(run.refused_share(0, 30) <= 0.05, "{:.3} refused", run.refused_share(0, 30));
    });
}

#[test]
fn one_rate_limited_org_in_200_hardly_slows_the_others() {
    for rate in [8.0, 20.0, 100.0] {
        in_virtual_time(async {
            // Each is asked until it is parked; a survey takes an org that comes again for another one.
            let run = run(full(rate), 180, None, None, |call| {
                matches!(call.org, Some(7 | 9)).then_some(Fault::Throttle(Some(SECOND)))
            })
            .await;
            let (passed, _) = run.calls(0, 180);
            let share = passed / (rate * 190.0);
            assert!(share >= 0.97, "{rate}/s: {share:.3} of what was granted");
        });
    }
}

async fn alone(stage: &Stage) -> Report {
    process(stage, &Store::new(), 0, Ordeal::Nothing, Duration::ZERO, &mut fastrand::Rng::with_seed(1)).await
}

/// How long a rollout took: until all orgs but one had their last word.
async fn others_took(rate: &str, odd: u32, fault: Option<Fault>) -> Duration {
    let mut stage = Stage::with_waves(&[1, 300]);
    stage.limits.rate = rate.parse().expect("a rate");
    stage.world.lock().partner = Some(full(50.0));
    stage.world.trouble(move |call| (call.org == Some(odd)).then(|| fault.clone())?);
    let report = alone(&stage).await;
    let finished = report.events.iter().filter_map(|(at, event)| match event {
        EventKind::OrgFinished { index, .. } if *index != odd => Some(*at),
        _ => None,
    });
    assert_eq!(finished.clone().count(), 300);
    finished.max().expect("300 orgs")
}

#[test]
fn one_slow_org_and_one_that_must_wait_cost_the_others_nothing() {
    for rate in ["auto", "40/s"] {
        // Early, while nothing is known of the limit, and later.
        for odd in [2, 20, 60, 200] {
            let took = |fault| in_virtual_time(others_took(rate, odd, fault));
            let without = took(None);
            for fault in
                [Fault::Slow(Duration::from_secs(9)), Fault::Throttle(Some(Duration::from_secs(15 * 60)))]
            {
                let with = took(Some(fault.clone()));
                let most = without.mul_f64(1.02);
                assert!(with <= most, "{rate}, org {odd}, {fault:?}: {with:?}, and {without:?} without");
            }
        }
    }
}

#[test]
fn a_429_on_every_org_that_no_bucket_explains_is_got_over() {
    in_virtual_time(async {
        let mut stage = Stage::with_waves(&[1, 19]);
        stage.limits.rate = Rate::Auto;
        stage.world.trouble(|call| {
            (call.kind == Kind::Write && call.nth == 0).then_some(Fault::Throttle(Some(SECOND)))
        });
        let report = alone(&stage).await;
        assert_eq!(report.count(Status::Applied), 20);
        // Every fourth call is refused, as a small bucket would: but no smaller than what came through between them.
        assert!(report.ended_at <= Duration::from_secs(28), "{:?}", report.ended_at);
    });
}

#[test]
fn a_second_in_which_everything_is_refused_is_soon_forgotten() {
    in_virtual_time(async {
        let run = run(full(100_000.0), 60, None, None, |call| {
            (10 * SECOND..11 * SECOND).contains(&call.at).then_some(Fault::Throttle(Some(SECOND)))
        })
        .await;
        let ((before, _), (after, _)) = (run.calls(8, 10), run.calls(30, 32));
        assert!(after >= 0.8 * before, "{after} calls after it, {before} before");
    });
}
