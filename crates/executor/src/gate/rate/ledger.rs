//! The latest calls by number: when each was sent, and what is known of it by now.
//!
//! A reply comes a round trip after its call was sent, and replies overtake each other. So what is counted between two
//! calls is counted by their numbers, and changes while replies come in; and how old the newest knowledge is, its *lag*,
//! is what bounds a step that can't be taken back.

use std::collections::VecDeque;
use std::time::Duration;

use super::level::{Mark, Stretch};

/// Calls that are kept at most. A forgotten one counts as let through.
const MOST_CALLS: usize = 1 << 16;
/// The share of a new round trip in the mean, and in the mean deviation from it.
const GAIN: f64 = 0.125;
/// A round trip counts as at most this many times the mean: one slow org says nothing of the others.
const MOST_OVER_MEAN: f64 = 2.0;

/// By so many seconds round trips deviate from their mean anywhere.
const USUAL_JITTER: f64 = 0.02;
/// A difference of so many seconds is none.
const NOT_LATE: f64 = 0.05;

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// No reply yet.
    Open,
    Passed,
    Refused,
    /// Refused, but maybe by the org's own bucket. Until that is known it counts as let through.
    Unsettled,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Duration,
    fate: Fate,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    /// Calls sent so far: the number of the latest.
    sent: u64,
    /// Calls let through so far.
    passed: u64,
    /// The latest call that was answered.
    answered: Mark,
    /// The mean of the round trips and their mean deviation from it, in seconds.
    round_trip: Option<(f64, f64)>,
}

impl Ledger {
    pub(super) fn send(&mut self, now: Duration) -> u64 {
        if self.entries.len() >= MOST_CALLS {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at: now, fate: Fate::Open });
        self.sent += 1;
        self.sent
    }

    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) const fn passed(&self) -> u64 {
        self.passed
    }

    /// The number of the first entry.
    fn first(&self) -> u64 {
        self.sent + 1 - self.entries.len() as u64
    }

    fn place(&self, number: u64) -> Option<usize> {
        let place = usize::try_from(number.checked_sub(self.first())?).ok()?;
        (place < self.entries.len()).then_some(place)
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let place = self.place(number)?;
        self.entries.get_mut(place)
    }

    /// A call was answered, by 429 or by anything else.
    pub(super) fn answer(&mut self, number: u64, now: Duration, is_refused: bool) {
        let Some(entry) = self.entry(number) else { return };
        entry.fate = if is_refused { Fate::Refused } else { Fate::Passed };
        let at = entry.at;
        self.passed += u64::from(!is_refused);
        if self.answered.number < number {
            self.answered = Mark { at, number };
        }
        let took = now.saturating_sub(at).as_secs_f64();
        let (mean, deviation) = self.round_trip.get_or_insert((took, 0.0));
        let off = took.min(MOST_OVER_MEAN * *mean) - *mean;
        *mean += GAIN * off;
        *deviation += GAIN * (off.abs() - *deviation);
    }

    /// A refused call may have been refused by its org's own bucket.
    pub(super) fn unsettle(&mut self, number: u64) {
        if let Some(entry) = self.entry(number) {
            entry.fate = Fate::Unsettled;
        }
    }

    /// It was the partner's bucket.
    pub(super) fn settle(&mut self) {
        for entry in &mut self.entries {
            if entry.fate == Fate::Unsettled {
                entry.fate = Fate::Refused;
            }
        }
    }

    /// What was before this call is of no interest any more.
    pub(super) fn forget_before(&mut self, number: u64) {
        let gone = number.saturating_sub(self.first());
        let gone = usize::try_from(gone).map_or(self.entries.len(), |gone| gone.min(self.entries.len()));
        self.entries.drain(..gone);
    }

    /// How old the newest knowledge is, in seconds: a round trip, or longer if no reply comes.
    pub(super) fn lag(&self, now: Duration) -> f64 {
        let age = now.saturating_sub(self.answered.at).as_secs_f64();
        let Some((mean, _)) = self.round_trip else { return if self.sent == 0 { 0.0 } else { age } };
        let is_waiting = self.entries.back().is_some_and(|entry| entry.at > self.answered.at);
        if is_waiting { mean.max(age) } else { mean }
    }

    /// The mean of the round trips, in seconds.
    pub(super) fn round_trip(&self) -> f64 {
        self.round_trip.map_or(0.0, |(mean, _)| mean)
    }

    /// By how much round trips deviate from their mean, in seconds, beyond what is usual.
    pub(super) fn jitter(&self) -> f64 {
        self.round_trip.map_or(0.0, |(_, deviation)| (deviation - USUAL_JITTER).max(0.0))
    }

    fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &Entry> {
        let skipped = usize::try_from((from + 1).saturating_sub(self.first())).unwrap_or(usize::MAX);
        let length = usize::try_from(to.saturating_sub(from.max(self.first() - 1))).unwrap_or(usize::MAX);
        self.entries.iter().skip(skipped).take(length)
    }

    /// What came through from one moment to another, calls without a reply included.
    #[expect(clippy::cast_precision_loss, reason = "far fewer calls than a float counts exactly")]
    pub(super) fn stretch(&self, from: Mark, to: Mark) -> Stretch {
        let sent = to.number.saturating_sub(from.number);
        let refused =
            self.between(from.number, to.number).filter(|entry| entry.fate == Fate::Refused).count();
        Stretch {
            calls: sent.saturating_sub(refused as u64) as f64,
            secs: to.at.saturating_sub(from.at).as_secs_f64(),
        }
    }

    /// The moment at which a refused call that is answered now reached the vendor, as a moment of sending: of a round trip
    /// that took longer than the mean, half of the difference was on the way there.
    pub(super) fn mark(&self, number: u64, now: Duration) -> Mark {
        let mean = self.round_trip();
        let Some(sent_at) = self.place(number).map(|place| self.entries[place].at) else {
            return Mark { at: now, number };
        };
        let late = 0.5 * (now.saturating_sub(sent_at).as_secs_f64() - mean);
        if late.abs() < NOT_LATE {
            return Mark { at: sent_at, number };
        }
        self.at(Duration::from_secs_f64((sent_at.as_secs_f64() + late).max(0.0)))
    }

    /// What came through in the last round trip that is known of.
    pub(super) fn lately(&self) -> Stretch {
        let length = Duration::from_secs_f64(self.round_trip().max(1.0));
        self.stretch(self.at(self.answered.at.saturating_sub(length)), self.answered)
    }

    /// The latest call that was answered.
    pub(super) const fn known(&self) -> Mark {
        self.answered
    }

    /// A moment, and the latest call that had been sent by then.
    fn at(&self, at: Duration) -> Mark {
        let sent = self.entries.partition_point(|entry| entry.at <= at) as u64;
        Mark { at, number: self.first() - 1 + sent }
    }

    /// Now, as a moment like those at which the bucket was empty.
    pub(super) const fn now(&self, now: Duration) -> Mark {
        Mark { at: now, number: self.sent }
    }

    /// What should be in a bucket that was empty at this moment, at this rate: never less than nothing.
    pub(super) fn level(&self, empty: Mark, rate: f64, now: Duration) -> f64 {
        let (mut level, mut at): (f64, _) = (0.0, empty.at);
        for entry in self.between(empty.number, self.sent) {
            level += rate * entry.at.saturating_sub(at).as_secs_f64();
            at = at.max(entry.at);
            if entry.fate != Fate::Refused {
                level = (level - 1.0).max(0.0);
            }
        }
        level + rate * now.saturating_sub(at).as_secs_f64()
    }

    /// Whether the latest calls up to this one, twice as many as `calls`, were answered, nearly all.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few calls")]
    pub(super) fn is_answered(&self, calls: f64, number: u64) -> bool {
        let count = 2 * calls as u64 + 2;
        let open =
            self.between(number.saturating_sub(count), number).filter(|entry| entry.fate == Fate::Open);
        10 * open.count() as u64 <= count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    /// Ten calls a second for so long, each answered after a second, of which every third is refused.
    fn ledger(calls: u32) -> Ledger {
        let mut ledger = Ledger::default();
        for call in 0..calls {
            let number = ledger.send(secs(f64::from(call) / 10.0));
            ledger.answer(number, secs(1.0 + f64::from(call) / 10.0), call % 3 == 2);
        }
        ledger
    }

    #[test]
    fn refused_calls_took_nothing_out_and_unsettled_ones_did() {
        let mut ledger = ledger(30);
        let (from, to) = (Mark { at: secs(0.5), number: 6 }, Mark { at: secs(2.5), number: 26 });
        let passed = |ledger: &Ledger| (ledger.stretch(from, to).calls, ledger.stretch(from, to).secs);
        assert_eq!(passed(&ledger), (14.0, 2.0));
        ledger.unsettle(9);
        assert_eq!(passed(&ledger), (15.0, 2.0));
        ledger.settle();
        assert_eq!(passed(&ledger), (14.0, 2.0));
    }

    #[test]
    fn what_is_forgotten_changes_nothing_after_it() {
        let (whole, mut rest) = (ledger(30), ledger(30));
        rest.forget_before(7);
        let (from, to) = (Mark { at: secs(0.6), number: 7 }, Mark { at: secs(2.5), number: 26 });
        let passed = |ledger: &Ledger| (ledger.stretch(from, to).calls, ledger.stretch(from, to).secs);
        assert_eq!(passed(&rest), passed(&whole));
        assert_eq!(rest.sent(), 30);
        rest.answer(3, secs(9.0), false);
        assert_eq!(rest.known().number, 30);
    }

    #[test]
    fn lag_is_a_round_trip_and_longer_while_no_reply_comes() {
        let mut ledger = ledger(30);
        assert!((ledger.lag(secs(4.0)) - 1.0).abs() < 0.01, "{}", ledger.lag(secs(4.0)));
        ledger.send(secs(4.0));
        assert!((ledger.lag(secs(9.0)) - 6.1).abs() < 0.01, "{}", ledger.lag(secs(9.0)));
        assert!(Ledger::default().lag(secs(9.0)) < 0.01, "nothing was sent");
    }

    #[test]
    fn level_is_never_less_than_nothing() {
        let mut ledger = Ledger::default();
        (0..20).for_each(|_| _ = ledger.send(secs(1.0)));
        let level = ledger.level(Mark::default(), 10.0, secs(1.5));
        assert!((level - 5.0).abs() < 1e-9, "{level}");
    }

    #[test]
    fn refused_call_that_took_long_reached_the_vendor_late() {
        let mut ledger = ledger(100);
        let number = ledger.send(secs(10.0));
        (1..20).for_each(|call| _ = ledger.send(secs(10.0 + f64::from(call) / 10.0)));
        let mark = ledger.mark(number, secs(12.0));
        assert!((mark.at.as_secs_f64() - 10.5).abs() < 0.01, "{mark:?}");
        assert_eq!(mark.number, number + 5);
        assert_eq!(ledger.mark(number, secs(11.0)).number, number);
    }
}
