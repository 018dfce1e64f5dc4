//! How to find an unknown limit: our gate against what else is in use, under the same token buckets, in
//! virtual time.
//!
//! * [`arena`]: the vendor, the orgs, the order of events.
//! * [`ours`]: the executor's own gate. [`rivals`]: the others. [`contenders`]: all of them by name.
//! * [`score`]: what is measured, and the table of the guide.
//! * [`unseen`]: vendors that no number of ours was chosen by. [`distant`]: such that take long to answer.
//!
//! `cargo run -p orgwave-executor --example limits` prints the table and draws the picture of docs/guide/limits.md.
//! What the whole engine makes of a limit is in the simulation, not here.

mod arena;
mod contenders;
mod distant;
mod ours;
mod rivals;
mod score;
mod unseen;

use std::time::Duration;

use arena::{ORGS, Vendor};
use contenders::Contender;
use score::{RATES, follow, score, table};

#[test]
fn ours_reaches_nearly_all_of_any_limit_hardly_refused() {
    for rate in RATES {
        let score = score(Contender::Ours, &Vendor::of(rate));
        assert!(score.reached >= 0.95, "{rate}/s: {score:?}");
        assert!(score.refused <= 0.02, "{rate}/s: {score:?}");
    }
}

#[test]
fn ours_follows_a_change_within_ten_seconds_except_low_rises() {
    for rate in RATES {
        // Of a probe, one call is refused: with 1.3 of a hundred, there is one in 77 calls.
        let probe = Duration::from_secs_f64(77.0 / rate);
        for factor in [0.5, 2.0] {
            let is_far = factor > 1.0 && rate < 8.0;
            let most = if is_far { probe + Duration::from_secs(10) } else { Duration::from_secs(10) };
            let followed = follow(Contender::Ours, rate, factor);
            let is_soon = followed.at_worst.is_some_and(|time| time <= most);
            assert!(is_soon, "{rate}/s times {factor}: {followed:?}, not {most:?}");
        }
    }
}

#[test]
fn rate_limited_orgs_cost_the_others_nothing() {
    for rate in RATES {
        let mut vendor = Vendor::of(rate);
        vendor.troubled = vec![(7, Duration::from_secs(1)), (250, Duration::from_secs(15 * 60))];
        vendor.slow = vec![(11, Duration::from_secs(9))];
        let score = score(Contender::Ours, &vendor);
        assert!(score.reached >= 0.95, "{rate}/s: {score:?}");
        // At few calls a second, it takes some more to tell whose bucket is empty.
        let most = if rate < 5.0 { 0.04 } else { 0.025 };
        assert!(score.refused <= most, "{rate}/s: {score:?}");
    }
}

#[test]
fn limits_per_org_are_reached_by_all_of_them_together() {
    let mut vendor = Vendor::of(800.0);
    vendor.own_limit = Some(2.0);
    let score = score(Contender::Ours, &vendor);
    assert!(score.reached >= 0.9, "{score:?}");
    assert!(score.refused <= 0.02, "{score:?}");
}

#[test]
fn no_other_is_as_good_at_every_limit() {
    for rival in Contender::ALL.into_iter().filter(|contender| *contender != Contender::Ours) {
        let falls_short = |rate: f64| {
            let score = score(rival, &Vendor::of(rate));
            let is_late = |factor: f64| {
                follow(rival, rate, factor).at_worst.is_none_or(|time| time > Duration::from_secs(10))
            };
            score.reached < 0.95 || score.refused > 0.02 || is_late(2.0) || is_late(0.5)
        };
        // Where calls are many, one that is refused is a small share, and the others do nearly as well.
        assert!(RATES.into_iter().filter(|rate| *rate <= 50.0).all(falls_short), "{rival:?}");
    }
}

#[test]
fn ours_does_as_well_with_vendors_not_designed_for() {
    for (rate, scores) in unseen::STEADY.iter() {
        for (bucket, score) in unseen::BUCKETS.into_iter().zip(scores) {
            // Where the whole bucket is three calls, a rough measure can't tell whether it ran over.
            let least = if rate * bucket < 4.0 { 0.8 } else { 0.95 };
            // In 400 calls, eight are 2 %, and the start alone may take all of them.
            let most = if *rate < 5.0 { 0.03 } else { 0.02 };
            assert!(score.reached >= least, "{rate}/s, bucket of {bucket} s: {score:?}");
            assert!(score.refused <= most, "{rate}/s, bucket of {bucket} s: {score:?}");
        }
    }
}

#[test]
fn ours_follows_any_halving_and_from_5_a_second_any_change() {
    for (rate, all) in unseen::CHANGED.iter() {
        for (factor, followed) in unseen::FACTORS.into_iter().zip(all) {
            let is_within = |time: Option<Duration>| time.is_some_and(|time| time <= Duration::from_secs(10));
            let is_halved = (0.5..1.0).contains(&factor);
            if is_halved || *rate >= 5.0 && rate * factor >= 2.0 {
                assert!(is_within(followed.at_worst), "{rate}/s times {factor}: {followed:?}");
            } else if factor < 1.0 {
                assert!(is_within(followed.usually), "{rate}/s times {factor}: {followed:?}");
            }
        }
    }
}

#[test]
fn ours_is_hardly_refused_by_vendors_that_answer_late_either() {
    for (rate, scores) in distant::STEADY.iter() {
        for (latency, score) in distant::LATENCIES.into_iter().zip(scores) {
            assert!(score.refused <= 0.025, "{rate}/s, {latency} s: {score:?}");
            // What the search may cost bounds how fast it may be: a rate far above the first is found late.
            let least = match rate * latency {
                ..=20.0 => 0.95,
                ..=50.0 => 0.9,
                ..=200.0 => 0.65,
                _ => 0.4,
            };
            assert!(score.reached >= least, "{rate}/s, {latency} s: {score:?}");
        }
    }
}

#[test]
fn change_is_followed_as_soon_as_late_answers_allow() {
    for (rate, factor, all) in distant::CHANGED.iter() {
        for (latency, (followed, refused)) in distant::LATENCIES.into_iter().zip(all) {
            let what = format!("{rate}/s times {factor}, {latency} s: {followed:?}, {refused:.3} refused");
            if *factor < 1.0 {
                // What was sent before the first 429 of them came back can't be taken back.
                assert!(followed.at_worst.is_some_and(|time| time <= Duration::from_secs(10)), "{what}");
                assert!(*refused <= 0.025 + 0.015 * latency, "{what}");
            } else {
                let usual = Duration::from_secs_f64(10.0 + 20.0 * latency);
                assert!(latency > 2.0 || followed.usually.is_some_and(|time| time <= usual), "{what}");
                assert!(*refused <= 0.025, "{what}");
            }
        }
    }
}

#[test]
fn latency_that_changes_during_a_run_costs_no_more_refusals() {
    for (rate, scores) in distant::MOVED.iter() {
        for ((from, to), score) in distant::MOVES.into_iter().zip(scores) {
            assert!(score.refused <= 0.025, "{rate}/s, {from} s to {to} s: {score:?}");
            assert!(score.reached >= 0.75, "{rate}/s, {from} s to {to} s: {score:?}");
        }
    }
}

#[test]
fn default_concurrency_is_a_limit_of_its_own_at_long_latency() {
    for (rate, latency) in [(6.0, 2.0), (6.0, 5.0), (25.0, 2.0)] {
        let score = distant::steady(|rng| distant::with(distant::drawn(rate, latency, rng), 16));
        let most = 16.0 / latency / rate;
        assert!(score.refused <= 0.025, "{rate}/s, {latency} s: {score:?}");
        assert!(score.reached >= 0.9 * most.min(1.0), "{rate}/s, {latency} s: {score:?}");
    }
}

#[test]
fn rate_limited_orgs_are_no_sign_where_answers_come_late() {
    for rate in [10.0, 40.0] {
        let score = distant::steady(|rng| {
            let mut vendor = distant::drawn(rate, 2.0, rng);
            vendor.troubled = vec![(7, Duration::from_secs(1)), (150, Duration::from_secs(15 * 60))];
            vendor
        });
        assert!(score.refused <= 0.025, "{rate}/s: {score:?}");
        assert!(score.reached >= 0.8, "{rate}/s: {score:?}");
    }
}

#[test]
fn where_only_orgs_have_limits_all_of_theirs_is_reached() {
    let length = Duration::from_secs(240);
    for (rate, most) in [(0.5, 0.025), (1.3, 0.02), (2.0, 0.02)] {
        let mut vendor = unseen::drawn(5000.0, 10.0, &mut fastrand::Rng::with_seed(unseen::FIRST_SEED));
        vendor.own_limit = Some(rate);
        let played = Contender::Ours.plays(&vendor, length, unseen::FIRST_SEED);
        let (passed, refused) = played.calls(&vendor, Duration::ZERO, length);
        let reached = passed / (f64::from(ORGS) * rate * (10.0 + length.as_secs_f64()));
        let refused = refused / (passed + refused);
        assert!(reached >= 0.95, "{rate}/s an org: {reached:.3}");
        assert!(refused <= most, "{rate}/s an org: {refused:.3} refused");
    }
}

#[test]
fn the_guide_shows_these_numbers() {
    let guide = include_str!("../../../../docs/guide/limits.md");
    for line in table().lines().chain(unseen::tables().lines()).chain(distant::tables().lines()) {
        assert!(guide.contains(line), "docs/guide/limits.md lacks {line:?}: run the example `limits`");
    }
}
