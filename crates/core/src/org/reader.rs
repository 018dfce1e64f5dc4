//! Drives a read that nothing is written after: an org's settings for a plan, a list for a check.

use super::patience::Patience;
use super::{Drive, Event, Step};
use crate::event::Call;
use crate::ids::Ruuid;
use crate::policy::RetryPolicy;
use crate::policy::retry::Whose;
use crate::reply::{Cause, Refusal, Reply, Throttle, Unclear};
use crate::timestamp::Timestamp;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The vendor refuses it.
    Refused(Refusal),
    /// The vendor asks to wait too long, or answers nothing but 429.
    Throttled(Throttle),
    /// Every try failed; the last one so.
    Failed(Unclear),
    /// A defect of ours came up.
    Panicked(String),
    /// The run stopped before its turn.
    NotReached,
}

/// One read in progress.
#[derive(Debug)]
pub struct Reader<T, R> {
    /// What is read.
    pub item: T,
    org: Option<Ruuid>,
    call: Call,
    patience: Patience,
    end: Option<Result<R, Unread>>,
    is_asked: bool,
}

impl<T, R> Reader<T, R> {
    /// A read of an org's settings: the `index`th of all that is read.
    pub const fn settings(item: T, org: Ruuid, index: u32, retry: RetryPolicy) -> Self {
        let patience = Patience::new(retry, Whose::Org(index));
        Self { item, org: Some(org), call: Call::Read, patience, end: None, is_asked: false }
    }

    /// A read of a list: of an org, or of the partner. One of an unknown shape is not read again, since it will have
    /// that shape the next time, too.
    pub fn list(item: T, org: Option<Ruuid>, index: u32, retry: RetryPolicy) -> Self {
        let whose = org.map_or(Whose::Run, |_| Whose::Org(index));
        let patience = Patience::new(retry, whose);
        Self { item, org, call: Call::List, patience, end: None, is_asked: false }
    }

    fn take(&mut self, event: Event<R>, now: Timestamp) {
        if matches!(event, Event::ReadReply { .. } | Event::NotSent | Event::Forbidden(_)) {
            self.patience.answered(self.call);
        }
        let unread = match event {
            Event::ReadReply { reply: Reply::Good(read), .. } if self.is_asked => {
                return self.end = Some(Ok(read));
            }
            Event::ReadReply { reply: Reply::Refused(refusal) | Reply::Unauthorized(refusal), .. }
            | Event::Forbidden(refusal) => Unread::Refused(refusal),
            Event::ReadReply { reply: Reply::Unclear(unclear), .. } => {
                if !self.fails(&unclear, now) {
                    return;
                }
                Unread::Failed(unclear)
            }
            Event::Throttled { throttle, shared } => {
                if self.patience.throttled(self.call, throttle, shared, now) {
                    return;
                }
                Unread::Throttled(throttle)
            }
            Event::Stop { .. } => Unread::NotReached,
            Event::Panicked(what) => Unread::Panicked(what),
            _ => return,
        };
        self.end.get_or_insert(Err(unread));
    }

    /// Counts a failed try. Returns whether it was the last.
    fn fails(&mut self, unclear: &Unclear, now: Timestamp) -> bool {
        let is_its_shape = self.call == Call::List
            && unclear.http_status == Some(200)
            && matches!(unclear.cause, Cause::Unreadable | Cause::TooLarge);
        if is_its_shape {
            return true;
        }
        match unclear.retry_after {
            Some(wait) if self.patience.is_too_long(wait) => return true,
            Some(wait) => self.patience.leave_alone(crate::policy::retry::after(now, wait)),
            None => {}
        }
        !self.patience.failed(now)
    }
}

impl<T, R> Drive for Reader<T, R> {
    type Read = R;
    type Outcome = Result<R, Unread>;

    fn handle(&mut self, event: Event<R>, now: Timestamp) -> Step<Self::Outcome> {
        self.take(event, now);
        if let Some(end) = self.end.take() {
            return Step::Done(end);
        }
        if let Some((until, why)) = self.patience.pending(now) {
            return Step::Wait { until, why };
        }
        self.is_asked = true;
        if self.call == Call::List { Step::List } else { Step::Read }
    }

    fn org(&self) -> Option<Ruuid> {
        self.org
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reader() -> Reader<(), u8> {
        Reader::settings((), Ruuid::from_bytes([1; 16]), 0, RetryPolicy::default())
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn unclear(retry_after: Option<Duration>) -> Event<u8> {
        let unclear = Unclear {
            cause: Cause::ServerError,
            http_status: Some(503),
            retry_after,
            message: String::new(),
        };
        Event::ReadReply { reply: Reply::Unclear(unclear), requested: at(0) }
    }

    #[test]
    fn a_read_ends_with_what_it_brings() {
        let mut reader = reader();
        assert_eq!(reader.handle(Event::Woken, at(0)), Step::Read);
        let reply = Event::ReadReply { reply: Reply::Good(7), requested: at(0) };
        assert_eq!(reader.handle(reply, at(1)), Step::Done(Ok(7)));
    }

    #[test]
    fn a_read_is_tried_as_often_as_the_policy_says() {
        let mut reader = reader();
        let (mut tries, mut now, mut event) = (0, at(0), Event::Woken);
        let end = loop {
            match reader.handle(event, now) {
                Step::Read => {
                    tries += 1;
                    event = unclear(None);
                }
                Step::Wait { until, .. } => {
                    assert!(until > now);
                    (now, event) = (until, Event::Woken);
                }
                Step::Done(end) => break end,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(end, Err(Unread::Failed(_))), "{end:?}");
        assert_eq!(tries, RetryPolicy::default().attempts);
    }

    #[test]
    fn a_list_of_unknown_shape_is_not_reread_but_settings_are() {
        let misshapen = || {
            let (cause, http_status) = (Cause::Unreadable, Some(200));
            let unclear = Unclear { cause, http_status, retry_after: None, message: String::new() };
            Event::ReadReply { reply: Reply::Unclear(unclear), requested: at(0) }
        };
        let mut list: Reader<(), u8> = Reader::list((), None, 0, RetryPolicy::default());
        list.handle(Event::Woken, at(0));
        assert!(matches!(list.handle(misshapen(), at(0)), Step::Done(Err(Unread::Failed(_)))));
        let mut settings = reader();
        settings.handle(Event::Woken, at(0));
        assert!(matches!(settings.handle(misshapen(), at(0)), Step::Wait { .. }));
    }

    #[test]
    fn a_failures_retry_after_is_kept_unless_it_is_too_long() {
        let mut reader = reader();
        reader.handle(Event::Woken, at(0));
        let Step::Wait { until, .. } = reader.handle(unclear(Some(Duration::from_secs(30))), at(0)) else {
            panic!("it has to wait")
        };
        assert!(until >= at(30_000));
        assert_eq!(reader.handle(Event::Woken, until), Step::Read);
        let end = reader.handle(unclear(Some(Duration::from_secs(3600))), until);
        assert!(matches!(end, Step::Done(Err(Unread::Failed(_)))), "{end:?}");
    }

    #[test]
    fn ten_429s_end_a_read_except_those_of_the_partner() {
        for (shared, ends) in [(false, true), (true, false)] {
            let (mut reader, mut now) = (reader(), at(0));
            reader.handle(Event::Woken, now);
            let throttle = Throttle { http_status: 429, retry_after: Some(Duration::from_secs(1)) };
            let mut step = Step::Read;
            for _ in 0..10 {
                step = reader.handle(Event::Throttled { throttle, shared }, now);
                if let Step::Wait { until, .. } = step {
                    now = until;
                    assert_eq!(reader.handle(Event::Woken, now), Step::Read);
                }
            }
            assert_eq!(step == Step::Done(Err(Unread::Throttled(throttle))), ends);
        }
    }

    #[test]
    fn a_stop_ends_a_read_that_has_no_reply() {
        let mut reader = reader();
        reader.handle(Event::Woken, at(0));
        let stop = Event::Stop { why: "interrupted".into(), may_read: true };
        assert_eq!(reader.handle(stop, at(1)), Step::Done(Err(Unread::NotReached)));
    }
}
