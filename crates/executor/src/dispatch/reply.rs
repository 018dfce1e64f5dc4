//! A reply to an org's call, whichever call it was, and what it means for everybody.

use std::time::Duration;

use orgwave_core::event::Answer;
use orgwave_core::reply::{Ack, Cause, Live, Refusal, Reply, Unclear};

/// A reply to an org's call.
#[derive(Debug)]
pub enum OrgReply {
    /// To a read.
    Read(Reply<Live>),
    /// To a write.
    Write(Reply<Ack>),
}

/// What a reply means beyond its org.
pub(super) enum Reach {
    /// Nothing.
    Org,
    /// 429.
    Throttled(Option<Duration>),
    /// 401 or 403.
    Unauthorized(Refusal),
    /// No connection.
    NotSent(String),
    /// The vendor, or somebody who poses as the vendor, redirects.
    Redirected(String),
}

impl OrgReply {
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::Read(reply) => reach_of(reply),
            Self::Write(reply) => reach_of(reply),
        }
    }

    pub(super) fn answer(&self) -> (Answer, Option<u16>) {
        match self {
            Self::Read(reply) => answer_of(reply),
            Self::Write(reply) => answer_of(reply),
        }
    }

    /// How long the server asks to wait, beside a 429.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Read(Reply::Unclear(unclear)) | Self::Write(Reply::Unclear(unclear)) => unclear.retry_after,
            Self::Read(_) | Self::Write(_) => None,
        }
    }
}

pub(super) fn reach_of<T>(reply: &Reply<T>) -> Reach {
    match reply {
        Reply::Throttled(retry_after) => Reach::Throttled(*retry_after),
        Reply::Unauthorized(refusal) => Reach::Unauthorized(refusal.clone()),
        Reply::NotSent(why) => Reach::NotSent(why.clone()),
        Reply::Unclear(Unclear { cause: Cause::Redirect, message, .. }) => Reach::Redirected(message.clone()),
        Reply::Good(_) | Reply::Refused(_) | Reply::Unclear(_) => Reach::Org,
    }
}

pub(super) const fn answer_of<T>(reply: &Reply<T>) -> (Answer, Option<u16>) {
    match reply {
        Reply::Good(_) => (Answer::Good, Some(200)),
        Reply::Refused(refusal) => (Answer::Refused, Some(refusal.http_status)),
        Reply::Unauthorized(refusal) => (Answer::Unauthorized, Some(refusal.http_status)),
        Reply::Throttled(_) => (Answer::Throttled, Some(429)),
        Reply::NotSent(_) => (Answer::NotSent, None),
        Reply::Unclear(unclear) => (Answer::Unclear, unclear.http_status),
    }
}
