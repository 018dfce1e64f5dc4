//! Vendors that take long to answer: latencies of 0.2 to 5 seconds, which vary by up to a half, and change.
//!
//! What is tuned for them was tuned at 0.3, 1 and 3 seconds, 5, 8, 20 and 60 calls a second and buckets of 1, 3, 10 and 20
//! seconds. The latencies, buckets, seeds and all limits but the lowest here are others.

use std::sync::LazyLock;
use std::time::Duration;

use crate::arena::{RetryAfter, Vendor};
use crate::contenders::Contender;
use crate::score::{Followed, Score, followed, in_words, shares};

/// Seconds from the send to the answer.
pub(crate) const LATENCIES: [f64; 4] = [0.2, 0.5, 2.0, 5.0];
/// Limits, in calls a second.
const RATES: [f64; 6] = [5.0, 6.0, 10.0, 25.0, 40.0, 100.0];
/// Latencies that become others, and the limits meanwhile.
pub(crate) const MOVES: [(f64, f64); 4] = [(0.2, 2.0), (2.0, 0.2), (0.5, 5.0), (5.0, 0.5)];
const MOVED_RATES: [f64; 2] = [6.0, 25.0];
/// Limits that are halved and doubled.
const CHANGED_RATES: [f64; 3] = [10.0, 25.0, 40.0];
/// Buckets, in seconds of the limit.
const BUCKETS: [f64; 3] = [2.0, 5.0, 15.0];

const FIRST_SEED: u64 = 611_953_000;
const DRAWS: u64 = 6;
const LENGTH: Duration = Duration::from_secs(300);
/// When a limit changes at the earliest, within how much time, and for how long it is watched afterwards.
const CHANGE: f64 = 200.0;
const CHANGE_WITHIN: f64 = 60.0;
const AFTERWARDS: Duration = Duration::from_secs(180);

/// Twice the calls that are in flight at the limit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a thousand")]
pub(crate) fn enough(rate: f64, latency: f64) -> usize {
    ((2.0 * rate * latency).ceil() as usize).max(16)
}

/// A vendor with this limit and latency, and all else as drawn.
pub(crate) fn drawn(rate: f64, latency: f64, rng: &mut fastrand::Rng) -> Vendor {
    let mut vendor = Vendor::of(rate);
    vendor.bucket = BUCKETS[rng.usize(..3)];
    vendor.retry_after = [RetryAfter::WhenReady, RetryAfter::OneSecond, RetryAfter::Absent][rng.usize(..3)];
    vendor.latencies = vec![(Duration::ZERO, around(latency, rng))];
    with(vendor, enough(rate, latency))
}

/// With so many calls at once, and orgs enough for them.
pub(crate) fn with(mut vendor: Vendor, concurrency: usize) -> Vendor {
    vendor.concurrency = concurrency;
    vendor.orgs = vendor.orgs.max(u32::try_from(2 * concurrency).expect("thousands"));
    vendor
}

fn around(latency: f64, rng: &mut fastrand::Rng) -> std::ops::Range<f64> {
    let jitter = 0.5 * rng.f64();
    (1.0 - jitter) * latency..(1.0 + jitter) * latency
}

/// Each limit at each latency.
pub(crate) static STEADY: LazyLock<Vec<(f64, [Score; 4])>> = LazyLock::new(|| {
    RATES.map(|rate| (rate, LATENCIES.map(|latency| steady(|rng| drawn(rate, latency, rng))))).to_vec()
});
/// How a change was followed, and the share of calls that were refused in the three minutes after it.
type Change = (Followed, f64);

/// Each limit changed by each factor at each latency.
pub(crate) static CHANGED: LazyLock<Vec<(f64, f64, [Change; 4])>> = LazyLock::new(|| {
    let factors = CHANGED_RATES.into_iter().flat_map(|rate| [(rate, 0.5), (rate, 2.0)]);
    factors
        .map(|(rate, factor)| (rate, factor, LATENCIES.map(|latency| changed(rate, factor, latency))))
        .collect()
});

/// Each limit while the latency changes.
pub(crate) static MOVED: LazyLock<Vec<(f64, [Score; 4])>> =
    LazyLock::new(|| MOVED_RATES.map(|rate| (rate, MOVES.map(|(from, to)| moved(rate, from, to)))).to_vec());

/// Five minutes under a limit that stays as it is: the worst of several draws.
pub(crate) fn steady(drawn: impl Fn(&mut fastrand::Rng) -> Vendor) -> Score {
    Score::worst((FIRST_SEED..FIRST_SEED + DRAWS).map(|seed| {
        let vendor = drawn(&mut fastrand::Rng::with_seed(seed));
        let played = Contender::Ours.plays(&vendor, LENGTH, seed);
        shares(&vendor, &played, Duration::ZERO, LENGTH)
    }))
}

/// A latency that becomes another after a hundred seconds.
fn moved(rate: f64, from: f64, to: f64) -> Score {
    steady(|rng| {
        let mut vendor = drawn(rate, from, rng);
        vendor.latencies.push((Duration::from_secs(100), around(to, rng)));
        with(vendor, enough(rate, from.max(to)))
    })
}

fn changed(rate: f64, factor: f64, latency: f64) -> Change {
    let played = (FIRST_SEED..FIRST_SEED + DRAWS).map(|seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let change = Duration::from_secs_f64(CHANGE + CHANGE_WITHIN * rng.f64());
        let vendor = drawn(rate, latency, &mut rng).then(change, factor * rate);
        let vendor = with(vendor, enough(rate * factor.max(1.0), latency));
        let end = change + AFTERWARDS;
        let played = Contender::Ours.plays(&vendor, end, seed);
        (followed(&vendor, &played, change, end), shares(&vendor, &played, change, end).1)
    });
    let (times, refused): (Vec<_>, Vec<_>) = played.unzip();
    (Followed::of(times.into_iter()), refused.into_iter().fold(0.0, f64::max))
}

/// The tables of the guide, in Markdown.
pub(crate) fn tables() -> String {
    let columns = LATENCIES.map(|latency| format!("{latency} s")).join(" | ");
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let row = |rate: f64, scores: [Score; 4]| {
        let cells = scores.map(|score| format!("{}, {}", percent(score.reached), percent(score.refused)));
        format!("| {rate}/s | {} |\n", cells.join(" | "))
    };
    let mut tables = format!("| limit | {columns} |\n|---|---|---|---|---|\n");
    tables.extend(STEADY.iter().map(|(rate, scores)| row(*rate, *scores)));
    let moves = MOVES.map(|(from, to)| format!("{from} s, then {to} s")).join(" | ");
    tables += &format!("\n| limit | {moves} |\n|---|---|---|---|---|\n");
    tables.extend(MOVED.iter().map(|(rate, scores)| row(*rate, *scores)));
    tables += &format!("\n| change | {columns} |\n|---|---|---|---|---|\n");
    for (rate, factor, cells) in CHANGED.iter() {
        let cells = cells.map(|(followed, refused)| format!("{}; {}", in_words(followed), percent(refused)));
        tables += &format!("| {rate}/s times {factor} | {} |\n", cells.join(" | "));
    }
    tables
}
