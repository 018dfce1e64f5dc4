//! Drives the reads of one org that nothing is written after: one after the other, each with tries of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Drive, Event, Reader, Step, Unread};
use crate::ids::Ruuid;
use crate::operation::Operation;
use crate::policy::RetryPolicy;
use crate::reply::Live;
use crate::timestamp::Timestamp;

/// Operations that one read shows.
pub type SharedRead = Vec<Arc<Operation>>;

/// What came of the reads of an org, in their order. Of a good one: what it shows of each operation, and when it was
/// requested.
pub type OrgReads = Vec<(SharedRead, Result<(Vec<Live>, Timestamp), Unread>)>;

/// The reads of one org in progress.
#[derive(Debug)]
pub struct OrgReader<T> {
    /// What they are for.
    pub item: T,
    org: Ruuid,
    index: u32,
    retry: RetryPolicy,
    left: VecDeque<SharedRead>,
    current: Reader<SharedRead, Vec<Live>>,
    ended: OrgReads,
}

impl<T> OrgReader<T> {
    /// The reads of the `index`th of all orgs that are read.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(item: T, org: Ruuid, index: u32, reads: Vec<SharedRead>, retry: RetryPolicy) -> Self {
        let mut left = VecDeque::from(reads);
        let first = left.pop_front().expect("an org is read for something");
        let current = Reader::settings(first, org, index, retry);
        Self { item, org, index, retry, left, current, ended: Vec::new() }
    }

    /// What the read that it asks for is of.
    pub const fn to_read(&self) -> &SharedRead {
        &self.current.item
    }
}

impl<T> Drive for OrgReader<T> {
    type Read = Vec<Live>;
    type Outcome = OrgReads;

    fn handle(&mut self, event: Event<Vec<Live>>, now: Timestamp) -> Step<OrgReads> {
        let requested = if let Event::ReadReply { requested, .. } = event { requested } else { now };
        let end = match self.current.handle(event, now) {
            Step::Done(end) => end.map(|lives| (lives, requested)),
            Step::Read => return Step::Read,
            Step::Wait { until, why } => return Step::Wait { until, why },
            Step::ReadBack | Step::List | Step::Record { .. } | Step::Send { .. } => {
                unreachable!("a read needs nothing else")
            }
        };
        if matches!(&end, Err(Unread::Failed(unclear)) if unclear.retry_after.is_none()) {
            // What is odd about one of several need not keep the others from being read.
            let several = std::mem::take(&mut self.current.item);
            if several.len() > 1 {
                several.into_iter().rev().for_each(|operation| self.left.push_front(vec![operation]));
                let first = self.left.pop_front().expect("there are several");
                self.current = Reader::settings(first, self.org, self.index, self.retry);
                return self.handle(Event::Woken, now);
            }
            self.current.item = several;
        }
        if let Some(asks) = asks_to_wait(&end) {
            // The org is not to be called: what is left of it isn't, either.
            let item = std::mem::take(&mut self.current.item);
            let left = std::mem::take(&mut self.left).into_iter().map(|read| (read, Err(asks.clone())));
            return Step::Done(self.ended.drain(..).chain([(item, end)]).chain(left).collect());
        }
        let is_reached = !matches!(end, Err(Unread::NotReached));
        let next = self.left.pop_front();
        let next = next.map(|next| Reader::settings(next, self.org, self.index, self.retry));
        let Some(next) = next else {
            self.ended.push((std::mem::take(&mut self.current.item), end));
            return Step::Done(std::mem::take(&mut self.ended));
        };
        let read = std::mem::replace(&mut self.current, next);
        self.ended.push((read.item, end));
        if is_reached { self.handle(Event::Woken, now) } else { self.handle(stopped(), now) }
    }

    fn org(&self) -> Option<Ruuid> {
        Some(self.org)
    }
}

/// A read's end after which the org isn't called again.
fn asks_to_wait<R>(end: &Result<R, Unread>) -> Option<Unread> {
    match end {
        Err(Unread::Throttled(throttle)) => Some(Unread::Throttled(*throttle)),
        Err(Unread::Failed(unclear)) if unclear.retry_after.is_some() => {
            Some(Unread::Failed(unclear.clone()))
        }
        _ => None,
    }
}

fn stopped() -> Event<Vec<Live>> {
    Event::Stop { why: String::new(), may_read: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Catalog;
    use std::time::Duration;

    use crate::reply::{Cause, Refusal, RefusalKind, Reply, Throttle, Unclear};

    fn reader() -> OrgReader<()> {
        let operation = Arc::clone(Catalog::built_in().default_one());
        let reads = vec![vec![Arc::clone(&operation)], vec![operation]];
        OrgReader::new((), Ruuid::from_bytes([1; 16]), 0, reads, RetryPolicy::default())
    }

    fn good() -> Event<Vec<Live>> {
        let reply = Reply::Good(vec![Live::NotConnected(None)]);
        Event::ReadReply { reply, requested: Timestamp::from_millis(0) }
    }

    #[test]
    fn reads_come_one_after_the_other_and_end_together() {
        let (mut reader, now) = (reader(), Timestamp::from_millis(0));
        assert!(matches!(reader.handle(Event::Woken, now), Step::Read));
        let refusal = Refusal { kind: RefusalKind::Status, http_status: 404, message: String::new() };
        let refused = Event::ReadReply { reply: Reply::Refused(refusal), requested: now };
        assert!(
            matches!(reader.handle(refused, now), Step::Read),
            "what one read came to is not the other's affair"
        );
        let Step::Done(reads) = reader.handle(good(), now) else { panic!("both have ended") };
        assert!(matches!(reads[0].1, Err(Unread::Refused(_))) && reads[1].1.is_ok(), "{reads:?}");
    }

    #[test]
    fn an_org_that_asks_to_be_left_alone_is_read_no_further() {
        let (mut reader, now) = (reader(), Timestamp::from_millis(0));
        reader.handle(Event::Woken, now);
        let throttle = Throttle { http_status: 429, retry_after: Some(Duration::from_secs(3_600)) };
        let Step::Done(reads) = reader.handle(Event::Throttled { throttle, shared: false }, now) else {
            panic!("an hour is too long")
        };
        assert!(
            reads.len() == 2
                && reads
                    .iter()
                    .all(|(_, end)| matches!(end, Err(Unread::Throttled(asked)) if *asked == throttle))
        );
    }

    #[test]
    fn operations_that_share_no_reply_are_read_apart() {
        let operation = Arc::clone(Catalog::built_in().default_one());
        let both = vec![vec![Arc::clone(&operation), operation]];
        let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
        let mut reader = OrgReader::new((), Ruuid::from_bytes([1; 16]), 0, both, retry);
        let now = Timestamp::from_millis(0);
        reader.handle(Event::Woken, now);
        let unclear = Unclear {
            cause: Cause::Unreadable,
            http_status: Some(200),
            retry_after: None,
            message: String::new(),
        };
        let odd = || Event::ReadReply { reply: Reply::Unclear(unclear.clone()), requested: now };
        assert!(matches!(reader.handle(odd(), now), Step::Read) && reader.to_read().len() == 1);
        assert!(matches!(reader.handle(odd(), now), Step::Read));
        let Step::Done(reads) = reader.handle(good(), now) else { panic!("both have ended") };
        assert!(reads[0].1.is_err() && reads[1].1.is_ok(), "{reads:?}");
    }

    #[test]
    fn a_stop_ends_the_reads_that_are_left() {
        let (mut reader, now) = (reader(), Timestamp::from_millis(0));
        reader.handle(Event::Woken, now);
        let Step::Done(reads) = reader.handle(stopped(), now) else { panic!("it has stopped") };
        assert!(reads.len() == 2 && reads.iter().all(|(_, end)| matches!(end, Err(Unread::NotReached))));
    }
}
