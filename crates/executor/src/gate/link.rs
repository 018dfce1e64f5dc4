//! Whether the vendor can be reached at all.
//!
//! A connection that was never made proves that nothing was sent, so it spends no org's attempt; but then
//! every other org's next call would fail too. So sending pauses, tries again with backoff, and gives up after two
//! minutes; before the first reply of the process, which is more likely a wrong address than an outage, after
//! a number of tries.

use std::time::Duration;

use orgwave_core::policy::RetryPolicy;
use orgwave_core::policy::retry::Whose;

/// How long an outage may last.
const PATIENCE: Duration = Duration::from_secs(120);

/// What to do after a failure to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Send nothing before this reading of the clock.
    PauseUntil(Duration),
    /// The vendor can't be reached.
    GivenUp,
}

/// The state of the connection.
#[derive(Debug, Default)]
pub struct Link {
    /// A reply came once.
    proven: bool,
    down_since: Option<Duration>,
    failures: u32,
    paused_until: Duration,
}

impl Link {
    /// A reply came, whatever it was.
    pub const fn is_up(&mut self) {
        self.proven = true;
        self.down_since = None;
        self.failures = 0;
    }

    /// Whether sending is paused, and until when.
    pub fn paused_until(&self, now: Duration) -> Option<Duration> {
        (now < self.paused_until).then_some(self.paused_until)
    }

    /// A connection could not be made. Calls that were in progress together count once.
    pub fn is_down(&mut self, now: Duration, retry: &RetryPolicy) -> Outage {
        if now < self.paused_until {
            return Outage::PauseUntil(self.paused_until);
        }
        let since = *self.down_since.get_or_insert(now);
        self.failures += 1;
        let is_over = if self.proven { now >= since + PATIENCE } else { self.failures >= retry.attempts };
        if is_over {
            return Outage::GivenUp;
        }
        // Never zero: a port that refuses at once would be tried in a tight loop.
        let delay = retry.backoff(Whose::Run, self.failures - 1).max(Duration::from_millis(50));
        self.paused_until = if self.proven { (now + delay).min(since + PATIENCE) } else { now + delay };
        Outage::PauseUntil(self.paused_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_call_has_a_few_tries_only() {
        let (mut link, retry) = (Link::default(), RetryPolicy::default());
        let mut now = Duration::ZERO;
        for _ in 0..2 {
            let Outage::PauseUntil(until) = link.is_down(now, &retry) else { panic!("gave up early") };
            now = until;
        }
        assert_eq!(link.is_down(now, &retry), Outage::GivenUp);
    }

    #[test]
    fn a_later_outage_is_waited_out_for_two_minutes() {
        let (mut link, retry) = (Link::default(), RetryPolicy::default());
        link.is_up();
        let mut now = Duration::from_secs(10);
        while let Outage::PauseUntil(until) = link.is_down(now, &retry) {
            assert!(until > now);
            now = until;
        }
        assert_eq!(now, Duration::from_secs(130));
    }

    #[test]
    fn failures_during_a_pause_are_the_same_failure() {
        let (mut link, retry) = (Link::default(), RetryPolicy::default());
        let first = link.is_down(Duration::ZERO, &retry);
        for _ in 0..10 {
            assert_eq!(link.is_down(Duration::ZERO, &retry), first);
        }
    }
}
