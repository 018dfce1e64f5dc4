//! What the loop keeps of an org that is under way.

use std::time::Duration;

use orgwave_core::event::Call;
use tokio::task::AbortHandle;

use crate::gate::throttle::Tally;
use crate::limits::LONGEST_WAIT;

/// 429s in a row, not put down to the partner's bucket, after which an org is parked.
pub(super) const MOST_THROTTLES: u32 = 10;
/// 429s in a row from which on it matters whether others get through.
const MANY: u32 = 3;

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
    streak: Option<Streak>,
}

/// 429s in a row.
#[derive(Debug)]
struct Streak {
    /// Of this kind of call. Only the same kind counts: a read that goes through between two writes that don't
    /// is no progress.
    call: Call,
    began: Duration,
    /// All of them.
    length: u32,
    /// Those that are not put down to the partner's bucket.
    own: u32,
    /// Most calls of the others got through meanwhile. That stays true when there are no others any more.
    is_alone: bool,
    /// What all calls had come to at the latest of them.
    tally: Tally,
}

impl Active {
    pub(super) const fn new(not_before: Duration) -> Self {
        Self { stage: Stage::Idle, not_before, is_last_read: false, streak: None }
    }

    /// Counts a 429 of this kind of call, and returns how many came in a row.
    pub(super) fn count_throttle(&mut self, call: Call, now: Duration) -> u32 {
        let streak = self.streak.take().filter(|streak| streak.call == call);
        let mut streak = streak.unwrap_or(Streak {
            call,
            began: now,
            length: 0,
            own: 0,
            is_alone: false,
            tally: Tally::default(),
        });
        streak.length += 1;
        streak.own += 1;
        let length = streak.length;
        self.streak = Some(streak);
        length
    }

    /// Whether the latest 429 is the org's own, whoever else was throttled: it is one of many in a row, while most
    /// calls of the others got through.
    pub(super) fn is_throttled_alone(&mut self, tally: Tally) -> bool {
        let Some(streak) = &mut self.streak else { return false };
        let since = tally.since(streak.tally);
        streak.tally = tally;
        streak.is_alone |= streak.length >= MANY && since.is_mostly_accepted();
        streak.is_alone
    }

    /// Whether the org is throttled so often, or for so long, that it is given up for this run.
    pub(super) fn is_hopeless(&self, now: Duration) -> bool {
        self.streak
            .as_ref()
            .is_some_and(|streak| streak.own >= MOST_THROTTLES || now >= streak.began + LONGEST_WAIT)
    }

    /// A call of this kind got another answer than 429.
    pub(super) fn forget_throttles(&mut self, call: Call) {
        self.streak = self.streak.take().filter(|streak| streak.call != call);
    }

    /// The latest 429s were the partner's bucket: not this org's to answer for.
    pub(super) const fn excuse_throttles(&mut self) {
        if let Some(streak) = &mut self.streak {
            streak.own = 0;
        }
    }
}
