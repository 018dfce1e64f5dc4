//! How the contenders did: reached, refused, followed.

use std::time::Duration;

use crate::arena::{Match, Vendor};
use crate::contenders::Contender;

/// The limits that are played at, in calls a second.
pub(crate) const RATES: [f64; 8] = [2.0, 5.0, 8.0, 20.0, 50.0, 100.0, 200.0, 500.0];

/// A run of some minutes.
const LENGTH: Duration = Duration::from_secs(180);
/// When the limit changes, at the earliest, and how long it is watched after that.
const CHANGE: Duration = Duration::from_secs(120);
const AFTERWARDS: Duration = Duration::from_secs(70);
/// A change may come just before a probe or just after it: so it comes at this many moments, so far apart.
const PHASES: u32 = 8;
const PHASE: Duration = Duration::from_millis(4_700);
const SEEDS: u64 = 3;

/// The worst of several matches, each by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Score {
    /// The share of what was granted that came through.
    pub(crate) reached: f64,
    /// The share of calls that were refused.
    pub(crate) refused: f64,
}

/// How long it took to follow a change: half of the times, and at the worst; `None`: not within a minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Followed {
    pub(crate) usually: Option<Duration>,
    pub(crate) at_worst: Option<Duration>,
}

impl Score {
    pub(crate) fn worst(shares: impl Iterator<Item = (f64, f64)>) -> Self {
        shares.fold(Self { reached: f64::MAX, refused: 0.0 }, |worst, (reached, refused)| Self {
            reached: worst.reached.min(reached),
            refused: worst.refused.max(refused),
        })
    }
}

impl Followed {
    pub(crate) fn of(times: impl Iterator<Item = Option<Duration>>) -> Self {
        let mut times: Vec<Duration> = times.map(|time| time.unwrap_or(Duration::MAX)).collect();
        times.sort();
        let finite = |time: Duration| (time < Duration::MAX).then_some(time);
        Self { usually: finite(times[times.len() / 2]), at_worst: finite(times[times.len() - 1]) }
    }
}

/// What a contender makes of a vendor in three minutes.
pub(crate) fn score(contender: Contender, vendor: &Vendor) -> Score {
    let matches = (0..SEEDS).map(|seed| {
        let played = contender.plays(vendor, LENGTH, seed);
        shares(vendor, &played, Duration::ZERO, LENGTH)
    });
    Score::worst(matches)
}

/// How a contender follows a limit that changes by this factor.
pub(crate) fn follow(contender: Contender, rate: f64, factor: f64) -> Followed {
    let phases = (0..PHASES).map(|phase| {
        let change = CHANGE + phase * PHASE;
        let vendor = Vendor::of(rate).then(change, factor * rate);
        let end = change + AFTERWARDS;
        let played = contender.plays(&vendor, end, u64::from(phase));
        followed(&vendor, &played, change, end)
    });
    Followed::of(phases)
}

/// The share of what was granted that came through, and the share of calls that were refused. What is in the bucket
/// at first was granted, too.
pub(crate) fn shares(vendor: &Vendor, played: &Match, from: Duration, to: Duration) -> (f64, f64) {
    let (passed, refused) = played.calls(vendor, from, to);
    let full = if from.is_zero() { vendor.bucket * vendor.limits[0].1 } else { 0.0 };
    (passed / (vendor.grants(from, to) + full), refused / (passed + refused).max(1.0))
}

/// How long after a change it was followed: the next ten seconds bring at least nine tenths of what the new limit
/// grants in them, the whole rest nineteen in twenty, and of the rest no more than a tenth is refused.
pub(crate) fn followed(vendor: &Vendor, played: &Match, change: Duration, end: Duration) -> Option<Duration> {
    let window = Duration::from_secs(10);
    let half = Duration::from_millis(500);
    let mut delays = (0..).map(|step| step * half).take_while(|delay| change + *delay + window <= end);
    delays.find(|delay| {
        let at = change + *delay;
        let (soon, _) = shares(vendor, played, at, at + window);
        let (later, refused) = shares(vendor, played, at, end);
        soon >= 0.9 && later >= 0.95 && refused <= 0.1
    })
}

/// The table of the guide, in Markdown.
pub(crate) fn table() -> String {
    let mut table =
        "| limit | who decides | reached | refused | halved: followed after | doubled: followed after |\n"
            .to_owned();
    table += "|---|---|---|---|---|---|\n";
    for rate in RATES {
        for contender in Contender::ALL {
            let Score { reached, refused } = score(contender, &Vendor::of(rate));
            let [halved, doubled] = [0.5, 2.0].map(|factor| in_words(follow(contender, rate, factor)));
            let (reached, refused) = (100.0 * reached, 100.0 * refused);
            let name = contender.name();
            table +=
                &format!("| {rate}/s | {name} | {reached:.1} % | {refused:.1} % | {halved} | {doubled} |\n");
        }
    }
    table
}

pub(crate) fn in_words(followed: Followed) -> String {
    let seconds = |time: Option<Duration>| match time {
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
        None => "never".to_owned(),
    };
    let (usually, at_worst) = (seconds(followed.usually), seconds(followed.at_worst));
    if usually == at_worst { usually } else { format!("{usually}, at worst {at_worst}") }
}
