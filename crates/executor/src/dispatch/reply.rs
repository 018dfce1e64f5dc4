//! A reply to an org's call, whichever call it was, and what it means for everybody.

use orgwave_core::event::{Answer, Call};
use orgwave_core::reply::{Ack, Cause, ClientList, Live, Refusal, Reply, Throttle, Unclear};

/// A reply to an org's call.
#[derive(Debug)]
pub enum OrgReply {
    /// To a read.
    Read(Reply<Live>),
    /// To a write.
    Write(Reply<Ack>),
    /// To the client list, asked for an org's sake.
    List(Reply<ClientList>),
}

/// What a reply means beyond its org.
pub(super) enum Reach {
    /// Nothing.
    Org,
    /// 429, or a 403 that isn't the vendor's own.
    Throttled(Throttle),
    /// 401 or the vendor's own 403.
    Unauthorized(Refusal),
    /// No connection.
    NotSent(String),
    /// The connection of a read was closed before any byte of a reply.
    Dropped,
    /// The vendor, or somebody who poses as the vendor, redirects.
    Redirected(String),
}

impl OrgReply {
    /// The reply to a call of this kind of which nobody knows how it ended.
    pub(super) const fn unclear(call: Call, unclear: Unclear) -> Self {
        match call {
            Call::Write => Self::Write(Reply::Unclear(unclear)),
            Call::List => Self::List(Reply::Unclear(unclear)),
            Call::Read | Call::ReadBack => Self::Read(Reply::Unclear(unclear)),
        }
    }

    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::Read(reply) => reach_of(reply),
            Self::Write(reply) => reach_of(reply),
            Self::List(reply) => reach_of(reply),
        }
    }

    pub(super) fn answer(&self) -> (Answer, Option<u16>) {
        match self {
            Self::Read(reply) => answer_of(reply),
            Self::Write(reply) => answer_of(reply),
            Self::List(reply) => answer_of(reply),
        }
    }

    /// How long the server asks to wait with a reply that is no throttle.
    pub(super) fn throttle(&self) -> Throttle {
        let retry_after = match self {
            Self::Read(Reply::Unclear(unclear))
            | Self::Write(Reply::Unclear(unclear))
            | Self::List(Reply::Unclear(unclear)) => unclear.retry_after,
            Self::Read(_) | Self::Write(_) | Self::List(_) => None,
        };
        Throttle { http_status: self.answer().1.unwrap_or(0), retry_after }
    }
}

pub(super) fn reach_of<T>(reply: &Reply<T>) -> Reach {
    match reply {
        Reply::Throttled(throttle) => Reach::Throttled(*throttle),
        Reply::Unauthorized(refusal) => Reach::Unauthorized(refusal.clone()),
        Reply::NotSent(why) => Reach::NotSent(why.clone()),
        Reply::Unclear(Unclear { cause: Cause::Redirect, message, .. }) => Reach::Redirected(message.clone()),
        Reply::Unclear(Unclear { cause: Cause::Dropped, .. }) => Reach::Dropped,
        Reply::Good(_) | Reply::Refused(_) | Reply::Unclear(_) => Reach::Org,
    }
}

pub(super) const fn answer_of<T>(reply: &Reply<T>) -> (Answer, Option<u16>) {
    match reply {
        Reply::Good(_) => (Answer::Good, Some(200)),
        Reply::Refused(refusal) => (Answer::Refused, Some(refusal.http_status)),
        Reply::Unauthorized(refusal) => (Answer::Unauthorized, Some(refusal.http_status)),
        Reply::Throttled(throttle) => (Answer::Throttled, Some(throttle.http_status)),
        Reply::NotSent(_) => (Answer::NotSent, None),
        Reply::Unclear(unclear) => (Answer::Unclear, unclear.http_status),
    }
}
