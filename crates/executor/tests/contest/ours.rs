//! Our own gate, as the executor has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use orgwave_core::event::Call;
use orgwave_core::policy::{Rate, RetryPolicy};
use orgwave_core::reply::Throttle;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::coordinator::{Coordinator as _, Permit, Seen, Turn};
use orgwave_executor::gate::Gate;
use orgwave_executor::limits::Limits;
use orgwave_executor::ports::Clock;

use crate::arena::{CONCURRENCY, RateFinder};

/// A clock that shows what it was last set to.
#[derive(Debug, Clone, Default)]
struct HandClock(Arc<AtomicU64>);

impl Clock for HandClock {
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

impl HandClock {
    fn set(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_nanos()).expect("a few minutes"), Ordering::Relaxed);
    }
}

pub(crate) struct Ours {
    clock: HandClock,
    gate: Gate<HandClock>,
    /// Permits used, by when: what the executor hands from the send to the answer.
    sent: std::collections::BTreeMap<Duration, Permit>,
}

impl Ours {
    pub(crate) fn new(learned: Option<f64>) -> Self {
        let clock = HandClock::default();
        let limits = Limits {
            rate: Rate::Auto,
            org_rate: Rate::Unlimited,
            concurrency: CONCURRENCY,
            timeout: Duration::from_secs(30),
            retry: RetryPolicy { seed: 1, ..RetryPolicy::default() },
            max_duration: None,
        };
        let gate = Gate::new(clock.clone(), limits, learned);
        Self { clock, gate, sent: std::collections::BTreeMap::new() }
    }
}

impl RateFinder for Ours {
    fn take_turn(&mut self, now: Duration, _: usize) -> Result<(), Duration> {
        self.clock.set(now);
        match self.gate.turn() {
            Turn::Call(permit) => {
                self.sent.insert(now, permit);
                self.gate.use_for(0)
            }
            Turn::NotBefore(until) => Err(until),
            Turn::List(_) | Turn::Later => unreachable!("no key is refused here"),
        }
    }

    fn answered(&mut self, now: Duration, org: u32, sent: Duration, throttled: Option<Duration>) {
        self.clock.set(now);
        let throttle = |wait| Seen::Throttled(Throttle { http_status: 429, retry_after: Some(wait) });
        let seen = throttled.map_or(Seen::Reply, throttle);
        self.gate.ended(Some(org), Call::Write, self.sent[&sent], &seen);
    }
}
