//! Who is next: calls that wait for a slot, and orgs that wait for a time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use orgwave_core::event::Call;

/// Calls that wait for a slot: first in, first out, in the order of their urgency.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: [VecDeque<(u32, Call)>; 3],
}

const fn lane(call: Call) -> usize {
    match call {
        // What may have been applied is settled first, then what was begun is written.
        Call::ReadBack | Call::List => 0,
        Call::Write => 1,
        Call::Read => 2,
    }
}

impl Queue {
    pub(super) fn push(&mut self, index: u32, call: Call) {
        self.lanes[lane(call)].push_back((index, call));
    }

    pub(super) fn pop(&mut self) -> Option<(u32, Call)> {
        self.lanes.iter_mut().find_map(VecDeque::pop_front)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    pub(super) fn clear(&mut self) {
        self.lanes.iter_mut().for_each(VecDeque::clear);
    }
}

/// Orgs that wait for a reading of the clock.
#[derive(Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(Duration, u32)>>);

impl Timers {
    pub(super) fn set(&mut self, index: u32, at: Duration) {
        self.0.push(Reverse((at, index)));
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// The next org whose time has come.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<u32> {
        (self.next()? <= now).then(|| self.0.pop())?.map(|Reverse((_, index))| index)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_backs_come_before_writes_before_reads() {
        let mut queue = Queue::default();
        for (index, call) in [(1, Call::Read), (2, Call::Write), (3, Call::ReadBack), (4, Call::Write)] {
            queue.push(index, call);
        }
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop().map(|(index, _)| index)).collect();
        assert_eq!(order, [3, 2, 4, 1]);
    }

    #[test]
    fn timers_fire_in_their_order_and_not_early() {
        let mut timers = Timers::default();
        timers.set(1, Duration::from_secs(2));
        timers.set(2, Duration::from_secs(1));
        assert_eq!(timers.pop_due(Duration::from_millis(999)), None);
        assert_eq!(timers.pop_due(Duration::from_secs(3)), Some(2));
        assert_eq!(timers.pop_due(Duration::from_secs(3)), Some(1));
        assert_eq!(timers.pop_due(Duration::from_secs(3)), None);
    }
}
