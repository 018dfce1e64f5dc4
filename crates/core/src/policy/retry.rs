//! How patient a run is: every delay, every limit of tries and the age of a read, as one value.
//!
//! | what came of a call | then |
//! |---|---|
//! | a good reply, or a refusal | no further try |
//! | 429, or a 403 of an intermediary | again after its Retry-After, else after a [`backoff`](RetryPolicy::backoff); given up after [`throttles`](RetryPolicy::throttles) in a row, or where it takes longer than [`longest_wait`](RetryPolicy::longest_wait) |
//! | timeout, reset, 5xx, 408, 499, an unreadable reply, a redirect | a read: again after a backoff (or a longer Retry-After), [`attempts`](RetryPolicy::attempts) times in all; a write: never, until two reads [`quiet_period`](RetryPolicy::quiet_period) apart prove that it was not applied |
//! | no connection | again when the connection is back; costs no attempt |
//!
//! Delays are lengths of time, and what they are added to is a [`Timestamp`]: a moment that another machine, or the
//! same one after a suspend, understands as it is.

use std::time::Duration;

use crate::policy::Pause;
use crate::timestamp::Timestamp;

/// The patience of a run. Independent of the plan, so that a resume may choose anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Sends of one org, and tries of each read.
    pub attempts: u32,
    /// Between two reads that must agree before a write is sent again.
    pub quiet_period: Duration,
    /// 429s in a row, without those of the partner's bucket, after which an org is parked.
    pub throttles: u32,
    /// The longest Retry-After that is waited for, and the longest time that an org may answer nothing but 429.
    pub longest_wait: Duration,
    /// The longest backoff.
    pub longest_backoff: Duration,
    /// How long after its request a read may be the one that a write is built on.
    pub freshness: Duration,
    /// The run's seed of the jitter.
    pub seed: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            quiet_period: Duration::from_secs(30),
            throttles: 10,
            longest_wait: Duration::from_secs(15 * 60),
            longest_backoff: Duration::from_secs(60),
            freshness: Duration::from_secs(60),
            seed: 0,
        }
    }
}

/// Whose delay it is: the jitter of each is its own, so that orgs that failed together don't come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The org at this place in the plan, or in what is read.
    Org(u32),
    /// A call that is no org's: the client list, the connection.
    Run,
}

impl RetryPolicy {
    /// The same with jitter of this run's own, which another process of the run shares.
    #[must_use]
    pub fn of_run(self, run_id: &str) -> Self {
        // FNV-1a.
        let mix = |seed: u64, byte: u8| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self { seed: run_id.bytes().fold(self.seed ^ 0xcbf2_9ce4_8422_2325, mix), ..self }
    }

    /// The delay after the failure with this number, from 0: uniform between nothing and the smaller of 2^n s and
    /// the longest backoff ("full jitter"). The same org of the same run always waits the same.
    pub fn backoff(&self, whose: Whose, failure: u32) -> Duration {
        let most = Duration::from_secs(1 << failure.min(6)).min(self.longest_backoff);
        let whose = match whose {
            Whose::Org(index) => u64::from(index),
            Whose::Run => u64::MAX,
        };
        // Spread over the seed's bits by two odd constants, so that neighbours have unlike streams.
        let seed = self.seed
            ^ whose.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ u64::from(failure).wrapping_mul(0xd1b5_4a32_d192_ed03);
        most.mul_f64(fastrand::Rng::with_seed(seed).f64())
    }

    /// When a read is tried again after it failed for the `failures`th time, if it is: not before the Retry-After
    /// that a failure may have, too.
    pub fn after_failure(
        &self,
        whose: Whose,
        failures: u32,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        let is_spent = failures >= self.attempts || retry_after.is_some_and(|wait| self.is_too_long(wait));
        (!is_spent)
            .then(|| self.backoff(whose, failures.saturating_sub(1)).max(retry_after.unwrap_or_default()))
    }

    /// How long a call waits after the `in_a_row`th 429.
    pub fn after_throttle(&self, whose: Whose, in_a_row: u32, retry_after: Option<Duration>) -> Duration {
        retry_after.unwrap_or_else(|| self.backoff(whose, in_a_row.saturating_sub(1)))
    }

    /// How long an org waits between the read that shows the state before its write and the one that has to agree:
    /// the delay before another attempt is part of it, so that the body is built on a read that is new.
    pub fn before_second_look(&self, whose: Whose, spent: u32) -> Duration {
        self.quiet_period + self.backoff(whose, spent.saturating_sub(1))
    }

    /// Whether a Retry-After is longer than a run waits.
    pub fn is_too_long(&self, wait: Duration) -> bool {
        wait > self.longest_wait
    }

    /// Until when a write may be built on a read that was requested then.
    pub fn fresh_until(&self, requested: Timestamp) -> Timestamp {
        requested.plus(self.freshness)
    }
}

/// The moment that a wait ends, never early: timestamps are cut to milliseconds.
pub fn after(now: Timestamp, wait: Duration) -> Timestamp {
    Pause::new(now, wait).not_before
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_fill_their_range_and_stay_in_it() {
        let policy = RetryPolicy::default();
        for (failure, most) in [(0, 1), (1, 2), (5, 32), (6, 60), (400, 60)] {
            let delays: Vec<Duration> =
                (0..1000).map(|index| policy.backoff(Whose::Org(index), failure)).collect();
            assert!(delays.iter().all(|delay| *delay <= most * SECOND));
            let mean = delays.iter().sum::<Duration>() / 1000;
            let middle = most * SECOND / 2;
            assert!(mean > middle.mul_f64(0.9) && mean < middle.mul_f64(1.1), "{failure}: {mean:?}");
        }
    }

    #[test]
    fn jitter_is_each_orgs_and_each_runs_own_and_repeatable() {
        let policy = RetryPolicy::default();
        let other_run = RetryPolicy { seed: 1, ..policy };
        let delay = policy.backoff(Whose::Org(7), 2);
        assert_eq!(policy.backoff(Whose::Org(7), 2), delay);
        assert_ne!(policy.backoff(Whose::Org(8), 2), delay);
        assert_ne!(policy.backoff(Whose::Run, 2), delay);
        assert_ne!(other_run.backoff(Whose::Org(7), 2), delay);
    }

    #[test]
    fn failures_are_retried_up_to_the_attempts_after_retry_after() {
        let policy = RetryPolicy::default();
        let again = |failures, retry_after| policy.after_failure(Whose::Org(1), failures, retry_after);
        assert!(again(1, None).is_some_and(|wait| wait <= SECOND));
        assert!(again(2, None).is_some_and(|wait| wait <= 2 * SECOND));
        assert_eq!(again(3, None), None);
        assert_eq!(again(1, Some(30 * SECOND)), Some(30 * SECOND));
        assert_eq!(again(1, Some(policy.longest_wait)), Some(policy.longest_wait));
        assert_eq!(again(1, Some(policy.longest_wait + SECOND)), None);
    }

    #[test]
    fn a_throttled_call_waits_as_long_as_it_was_asked_to() {
        let policy = RetryPolicy::default();
        let wait = |in_a_row, retry_after| policy.after_throttle(Whose::Org(1), in_a_row, retry_after);
        assert_eq!(wait(1, Some(SECOND / 10)), SECOND / 10);
        assert_eq!(wait(9, Some(90 * SECOND)), 90 * SECOND);
        assert!(wait(1, None) <= SECOND && wait(10, None) <= 60 * SECOND);
    }

    #[test]
    fn a_second_look_is_a_quiet_period_away_at_least() {
        let policy = RetryPolicy::default();
        for spent in 0..10 {
            let wait = policy.before_second_look(Whose::Org(3), spent);
            assert!(wait >= policy.quiet_period && wait <= policy.quiet_period + policy.longest_backoff);
        }
    }

    #[test]
    fn waits_end_late_rather_than_early() {
        let now = Timestamp::from_millis(1_000);
        assert_eq!(after(now, Duration::from_micros(2_500)), Timestamp::from_millis(1_003));
    }
}
