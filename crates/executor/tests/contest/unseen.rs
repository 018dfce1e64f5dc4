//! Vendors that the gate wasn't designed for: odd limits, small and large buckets, other distances, 429s without a word of when to
//! come again, changes by any factor at any moment.
//!
//! The numbers of the gate were chosen by the matches of [`score`](crate::score). Here the same gate is held to vendors
//! that are drawn from other seeds, and no number of it may be chosen by them: where one fails, the cause is looked for.

use std::sync::LazyLock;
use std::time::Duration;

use crate::arena::{RetryAfter, Vendor};
use crate::contenders::Contender;
use crate::score::{Followed, Score, followed, in_words, shares};

/// Limits, in calls a second.
const RATES: [f64; 11] = [2.0, 3.0, 5.0, 7.0, 13.0, 37.0, 50.0, 90.0, 170.0, 333.0, 500.0];
/// Buckets, in seconds of the limit.
pub(crate) const BUCKETS: [f64; 4] = [1.0, 3.0, 10.0, 20.0];
/// What a limit changes by.
pub(crate) const FACTORS: [f64; 4] = [0.3, 0.5, 1.5, 2.0];

pub(crate) const FIRST_SEED: u64 = 104_729_000;
const STEADY_DRAWS: u64 = 6;
const CHANGE_DRAWS: u64 = 12;
/// A change is watched for so long.
const AFTERWARDS: Duration = Duration::from_secs(70);

/// A vendor with this limit and bucket, and all else as drawn.
pub(crate) fn drawn(rate: f64, bucket: f64, rng: &mut fastrand::Rng) -> Vendor {
    let mut vendor = Vendor::of(rate);
    vendor.bucket = bucket;
    vendor.retry_after = [RetryAfter::WhenReady, RetryAfter::OneSecond, RetryAfter::Absent][rng.usize(..3)];
    let near = 0.005 + 0.035 * rng.f64();
    vendor.latencies = vec![(Duration::ZERO, near..near + 0.04)];
    vendor
}

/// Each limit with each bucket.
pub(crate) static STEADY: LazyLock<Vec<(f64, [Score; 4])>> =
    LazyLock::new(|| RATES.map(|rate| (rate, BUCKETS.map(|bucket| steady(rate, bucket)))).to_vec());
/// Each limit changed by each factor.
pub(crate) static CHANGED: LazyLock<Vec<(f64, [Followed; 4])>> =
    LazyLock::new(|| RATES.map(|rate| (rate, FACTORS.map(|factor| changed(rate, factor)))).to_vec());

/// Three to five minutes under a limit that stays as it is: the worst of several draws.
fn steady(rate: f64, bucket: f64) -> Score {
    let scores = (FIRST_SEED..FIRST_SEED + STEADY_DRAWS).map(|seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let vendor = drawn(rate, bucket, &mut rng);
        let length = Duration::from_secs_f64(180.0 + 120.0 * rng.f64());
        let played = Contender::Ours.plays(&vendor, length, seed);
        shares(&vendor, &played, Duration::ZERO, length)
    });
    Score::worst(scores)
}

/// How a change by this factor is followed, at some moment between one minute and three.
fn changed(rate: f64, factor: f64) -> Followed {
    let times = (FIRST_SEED..FIRST_SEED + CHANGE_DRAWS).map(|seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let bucket = BUCKETS[1 + rng.usize(..3)];
        let change = Duration::from_secs_f64(60.0 + 120.0 * rng.f64());
        let vendor = drawn(rate, bucket, &mut rng).then(change, factor * rate);
        let end = change + AFTERWARDS;
        let played = Contender::Ours.plays(&vendor, end, seed);
        followed(&vendor, &played, change, end)
    });
    Followed::of(times)
}

/// The tables of the guide, in Markdown.
pub(crate) fn tables() -> String {
    let mut tables = header(&BUCKETS.map(|bucket| format!("bucket of {bucket} s")));
    for (rate, scores) in STEADY.iter() {
        let cells = scores
            .map(|Score { reached, refused }| format!("{:.1} %, {:.1} %", 100.0 * reached, 100.0 * refused));
        tables += &format!("| {rate}/s | {} |\n", cells.join(" | "));
    }
    tables += "\n";
    tables += &header(&FACTORS.map(|factor| format!("times {factor}")));
    for (rate, followed) in CHANGED.iter() {
        tables += &format!("| {rate}/s | {} |\n", followed.map(in_words).join(" | "));
    }
    tables
}

fn header(columns: &[String; 4]) -> String {
    format!("| limit | {} |\n|---|---|---|---|---|\n", columns.join(" | "))
}
