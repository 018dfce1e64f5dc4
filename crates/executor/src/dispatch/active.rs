//! What the loop keeps of an org that is under way.

use std::time::Duration;

use orgwave_core::event::Call;
use tokio::task::AbortHandle;

/// 429s in a row, not put down to the partner's bucket, after which an org is parked.
const MOST_THROTTLES: u32 = 10;
/// The longest time that an org is waited for.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Where an org stands in the loop.
#[derive(Debug)]
pub(super) enum Stage {
    /// To be asked what it needs.
    Idle,
    /// A call waits for its slot.
    Queued,
    /// A call is under way.
    Calling(Call, AbortHandle),
    /// An entry is being made durable.
    Recording,
    /// A timer will ask it.
    Waiting,
    /// Its 401 or 403 waits for what the client list says.
    Suspect,
}

/// An org that is under way.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) stage: Stage,
    /// No call before this reading of the clock: its Retry-After.
    pub(super) not_before: Duration,
    /// It was granted the one read of a drain.
    pub(super) is_last_read: bool,
    throttled: Option<(Call, u32)>,
}

impl Active {
    pub(super) const fn new() -> Self {
        Self { stage: Stage::Idle, not_before: Duration::ZERO, is_last_read: false, throttled: None }
    }

    /// Counts a 429 of this kind of call, and returns how many came in a row.
    pub(super) fn count_throttle(&mut self, call: Call) -> u32 {
        let count = match self.throttled {
            Some((same, count)) if same == call => count + 1,
            _ => 1,
        };
        self.throttled = Some((call, count));
        count
    }

    /// Whether so many 429s in a row are too many.
    pub(super) const fn is_hopeless(throttles: u32) -> bool {
        throttles >= MOST_THROTTLES
    }

    /// A call of this kind got another answer than 429. Only the same kind counts: a read that goes through
    /// between two writes that don't is no progress.
    pub(super) fn forget_throttles(&mut self, call: Call) {
        if self.throttled.is_some_and(|(same, _)| same == call) {
            self.throttled = None;
        }
    }

    /// The 429s were the partner's bucket: not this org's to answer for.
    pub(super) const fn excuse_throttles(&mut self) {
        self.throttled = None;
    }
}
