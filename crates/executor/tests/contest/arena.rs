//! A vendor with a limit, orgs to call, and a finder that decides when: all in virtual time, one event after another.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::time::Duration;

/// As many calls at once as our engine is given here.
pub(crate) const CONCURRENCY: usize = 128;
/// Orgs that are read in turns.
pub(crate) const ORGS: u32 = 400;

/// Decides when calls are sent, by what was answered before.
pub(crate) trait RateFinder {
    /// Takes the turn for one call.
    ///
    /// # Errors
    /// Not yet: when to ask again. It is asked again after each answer, too.
    fn take_turn(&mut self, now: Duration, in_flight: usize) -> Result<(), Duration>;

    /// A call to this org, sent at `sent`, was answered: by a 429 with its Retry-After, or by anything else.
    fn answered(&mut self, now: Duration, org: u32, sent: Duration, throttled: Option<Duration>);
}

/// What a 429 says of when to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    /// In this many whole seconds as it takes to have a token.
    WhenReady,
    OneSecond,
    /// Nothing: the org backs off, by a second at most, then two, then four.
    Absent,
}

/// What the vendor does.
#[derive(Debug, Clone)]
pub(crate) struct Vendor {
    /// The partner's limit in calls a second, from when on.
    pub(crate) limits: Vec<(Duration, f64)>,
    /// This many seconds of the limit are in a full bucket, and it is full at first.
    pub(crate) bucket: f64,
    pub(crate) retry_after: RetryAfter,
    /// Seconds from the send to the answer, from when on; half of it is the way there.
    pub(crate) latencies: Vec<(Duration, Range<f64>)>,
    /// As many calls are in flight at most.
    pub(crate) concurrency: usize,
    /// Orgs that are read in turns.
    pub(crate) orgs: u32,
    /// Each org's own limit.
    pub(crate) own_limit: Option<f64>,
    /// Orgs that answer nothing but 429, with this Retry-After.
    pub(crate) troubled: Vec<(u32, Duration)>,
    /// Orgs that take so long to answer.
    pub(crate) slow: Vec<(u32, Duration)>,
}

impl Vendor {
    pub(crate) fn of(rate: f64) -> Self {
        let limits = vec![(Duration::ZERO, rate)];
        Self {
            limits,
            bucket: 10.0,
            retry_after: RetryAfter::WhenReady,
            latencies: vec![(Duration::ZERO, 0.03..0.07)],
            concurrency: CONCURRENCY,
            orgs: ORGS,
            own_limit: None,
            troubled: Vec::new(),
            slow: Vec::new(),
        }
    }

    pub(crate) fn then(mut self, at: Duration, rate: f64) -> Self {
        self.limits.push((at, rate));
        self
    }

    fn takes(&self, now: Duration, rng: &mut fastrand::Rng) -> f64 {
        let (_, latency) =
            self.latencies.iter().rfind(|(from, _)| *from <= now).expect("the first is from the start");
        latency.start + (latency.end - latency.start) * rng.f64()
    }

    /// What it grants from one moment to another, without what is in the bucket.
    pub(crate) fn grants(&self, from: Duration, to: Duration) -> f64 {
        let ends = self.limits.iter().skip(1).map(|(at, _)| *at).chain([Duration::MAX]);
        let span = |(at, end): (Duration, Duration)| to.min(end).saturating_sub(from.max(at)).as_secs_f64();
        self.limits.iter().zip(ends).map(|((at, rate), end)| rate * span((*at, end))).sum()
    }
}

struct Bucket {
    rate: f64,
    seconds: f64,
    tokens: f64,
    at: Duration,
}

impl Bucket {
    fn full(rate: f64, seconds: f64) -> Self {
        Self { rate, seconds, tokens: seconds * rate, at: Duration::ZERO }
    }

    fn flow(&mut self, now: Duration) {
        let came = self.rate * now.saturating_sub(self.at).as_secs_f64();
        self.tokens = (self.tokens + came).min(self.seconds * self.rate);
        self.at = now;
    }

    fn change(&mut self, at: Duration, rate: f64) {
        self.flow(at);
        self.rate = rate;
        self.flow(at);
    }

    /// Takes a token, or says in how many whole seconds there is one.
    fn take(&mut self, now: Duration) -> Option<Duration> {
        self.flow(now);
        if self.tokens < 1.0 {
            return Some(Duration::from_secs_f64(((1.0 - self.tokens) / self.rate).ceil().max(1.0)));
        }
        self.tokens -= 1.0;
        None
    }
}

/// A call as the vendor saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) org: u32,
    pub(crate) is_refused: bool,
}

/// What a match came to.
pub(crate) struct Match {
    pub(crate) seen: Vec<Seen>,
}

impl Match {
    /// Calls let through and calls refused, of orgs without a problem of their own, from one moment to another.
    pub(crate) fn calls(&self, vendor: &Vendor, from: Duration, to: Duration) -> (f64, f64) {
        let is_troubled = |org| vendor.troubled.iter().any(|(other, _)| *other == org);
        let first = self.seen.partition_point(|seen| seen.at < from);
        let (mut passed, mut refused) = (0.0, 0.0);
        for seen in self.seen[first..].iter().take_while(|seen| seen.at < to) {
            if seen.is_refused && !is_troubled(seen.org) {
                refused += 1.0;
            } else if !seen.is_refused {
                passed += 1.0;
            }
        }
        (passed, refused)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Arrives { org: u32, sent: Duration },
    Answered { org: u32, sent: Duration, throttled: Option<Duration> },
    MayAgain { org: u32 },
    AskAgain,
}

/// This many 429s in a row, and an org is called no more.
const MOST_THROTTLES: u32 = 10;

/// Reads the orgs again and again, for so long. An org that was refused waits for its Retry-After, with any finder.
pub(crate) fn play(vendor: &Vendor, finder: &mut dyn RateFinder, length: Duration, seed: u64) -> Match {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut bucket = Bucket::full(vendor.limits[0].1, vendor.bucket);
    let mut own: Vec<Bucket> = match vendor.own_limit {
        Some(rate) => (0..vendor.orgs).map(|_| Bucket::full(rate, vendor.bucket)).collect(),
        None => Vec::new(),
    };
    let mut streaks = vec![0; vendor.orgs as usize];
    let mut changes = vendor.limits[1..].iter().peekable();
    let mut events: BinaryHeap<Reverse<(Duration, u64, What)>> = BinaryHeap::new();
    let mut ready: VecDeque<u32> = (0..vendor.orgs).collect();
    let (mut ledger, mut in_flight, mut number, mut asks_at) = (Vec::new(), 0, 0, Duration::MAX);
    let mut now = Duration::ZERO;
    loop {
        while in_flight < vendor.concurrency && !ready.is_empty() {
            match finder.take_turn(now, in_flight) {
                Ok(()) => {
                    let org = ready.pop_front().expect("not empty");
                    in_flight += 1;
                    number += 1;
                    let way = Duration::from_secs_f64(0.5 * vendor.takes(now, &mut rng));
                    events.push(Reverse((now + way, number, What::Arrives { org, sent: now })));
                }
                Err(at) => {
                    if at < asks_at || asks_at <= now {
                        asks_at = at.max(now + Duration::from_micros(1));
                        number += 1;
                        events.push(Reverse((asks_at, number, What::AskAgain)));
                    }
                    break;
                }
            }
        }
        let Some(Reverse((at, _, what))) = events.pop() else { return Match { seen: ledger } };
        if at >= length {
            return Match { seen: ledger };
        }
        now = at;
        match what {
            What::Arrives { org, sent } => {
                while let Some((at, rate)) = changes.next_if(|(at, _)| *at <= now) {
                    bucket.change(*at, *rate);
                }
                let troubled = vendor.troubled.iter().find(|(other, _)| *other == org);
                let throttled = if let Some((_, wait)) = troubled {
                    Some(*wait)
                } else {
                    let own = own.get_mut(org as usize).and_then(|bucket| bucket.take(now));
                    own.or_else(|| bucket.take(now)).map(|ready| match vendor.retry_after {
                        RetryAfter::WhenReady => ready,
                        RetryAfter::OneSecond => Duration::from_secs(1),
                        RetryAfter::Absent => backoff(streaks[org as usize], &mut rng),
                    })
                };
                ledger.push(Seen { at: now, org, is_refused: throttled.is_some() });
                let slow = vendor.slow.iter().find(|(other, _)| *other == org).map(|(_, slow)| *slow);
                let back =
                    Duration::from_secs_f64(0.5 * vendor.takes(now, &mut rng)) + slow.unwrap_or_default();
                number += 1;
                events.push(Reverse((now + back, number, What::Answered { org, sent, throttled })));
            }
            What::Answered { org, sent, throttled } => {
                in_flight -= 1;
                finder.answered(now, org, sent, throttled);
                let streak = &mut streaks[org as usize];
                *streak = if throttled.is_some() { *streak + 1 } else { 0 };
                match throttled {
                    Some(wait) if *streak < MOST_THROTTLES => {
                        number += 1;
                        events.push(Reverse((now + wait, number, What::MayAgain { org })));
                    }
                    Some(_) => {}
                    None => ready.push_back(org),
                }
            }
            What::MayAgain { org } => ready.push_front(org),
            What::AskAgain => {}
        }
    }
}

fn backoff(failures: u32, rng: &mut fastrand::Rng) -> Duration {
    Duration::from_secs(1 << failures.min(6)).min(Duration::from_secs(60)).mul_f64(rng.f64())
}
