//! What a reply of the vendor *means*, whatever it looked like on the wire.
//!
//! The client decides the meaning, the executor acts on it, and both use these words. A meaning says what is
//! proven about the request: done, refused, not applied, or not known.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::ack::{Ack, Said};
use crate::legible::quoted;
use crate::settings::RawObject;
use crate::timestamp::Timestamp;

/// The meaning of one reply, or of its absence. `T` is what a good reply brings.
#[derive(Debug, Clone)]
pub enum Reply<T> {
    /// Status 200 with a body of the known shape.
    Good(T),
    /// Refused for good, and not applied: sending the same again gives the same.
    Refused(Refusal),
    /// 401 or the vendor's own 403, and not applied: this org or the key, one call to the client list tells.
    Unauthorized(Refusal),
    /// 429, or a 403 that isn't the vendor's own, and not applied.
    Throttled(Throttle),
    /// The connection was never made: nothing was sent. The text says why.
    NotSent(String),
    /// Whether the request was applied is unknown. A read may simply be tried again.
    Unclear(Unclear),
}

/// A request that was turned away for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// 429, or 403 of an intermediary.
    pub http_status: u16,
    /// How long to wait; `None`: the reply didn't say, or not in a way that counts.
    pub retry_after: Option<Duration>,
}

impl Throttle {
    /// Why an org is given up for this run: in words. `longest_wait` is the longest Retry-After that a run waits for.
    pub fn parked(self, longest_wait: Duration) -> String {
        match self {
            Self { retry_after: Some(wait), .. } if wait > longest_wait => {
                format!("the vendor asks to wait another {} min for this org", wait.as_secs().div_ceil(60))
            }
            Self { http_status: 403, .. } => {
                "answered 403 ten times in a row, not in the vendor's format: probably a firewall or a rate limiter"
                    .to_owned()
            }
            Self { http_status, .. } => format!("answered {http_status} ten times in a row"),
        }
    }
}

impl<T> Reply<T> {
    /// The same meaning, with something else made of a good reply.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Reply<U> {
        match self {
            Self::Good(answer) => Reply::Good(make(answer)),
            Self::Refused(refusal) => Reply::Refused(refusal),
            Self::Unauthorized(refusal) => Reply::Unauthorized(refusal),
            Self::Throttled(wait) => Reply::Throttled(wait),
            Self::NotSent(why) => Reply::NotSent(why),
            Self::Unclear(unclear) => Reply::Unclear(unclear),
        }
    }
}

/// Why and how the vendor refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status; 200 where the body said error.
    pub http_status: u16,
    /// What kind of refusal.
    pub kind: RefusalKind,
    /// The vendor's message, cleaned of control characters and cut to a readable length; may be empty.
    pub message: String,
}

/// What the vendor said, or at least its status.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RefusalKind::Status => write!(f, "HTTP {}", self.http_status)?,
            RefusalKind::Error => f.write_str("error")?,
            RefusalKind::AuthError => f.write_str("authError")?,
        }
        match self.message.as_str() {
            "" => f.write_str(", without a message"),
            said => write!(f, ": {said}"),
        }
    }
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// An HTTP status that refuses.
    Status,
    /// 200 with `error: true`.
    Error,
    /// 200 with `authError: true`: the integration must be reconnected.
    AuthError,
}

/// A request whose effect isn't known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    /// What happened.
    pub cause: Cause,
    /// The HTTP status, if one came.
    pub http_status: Option<u16>,
    /// How long the server asks to wait (a 503 may say so).
    pub retry_after: Option<Duration>,
    /// In words, cleaned; may quote the vendor.
    pub message: String,
}

/// What made a request's effect unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No whole reply within the time.
    Timeout,
    /// The connection broke after it was made, in the middle of a reply too.
    Broken,
    /// The same for a read, before any byte of a reply: made again at once, it goes over a new connection.
    Dropped,
    /// 3xx: never followed.
    Redirect,
    /// 408, 499 or 5xx.
    ServerError,
    /// A reply that can't be read: another status, not the known shape, damaged.
    Unreadable,
    /// A body beyond the cap of the operation.
    TooLarge,
}

/// What a good reply to a read of an org's settings brings. Its `Debug` shows no values: some are secrets.
#[derive(Clone)]
pub enum Live {
    /// The settings, exactly as read, and when they were sent by the vendor's clock, if the reply says.
    Connected(RawObject, Option<Timestamp>),
    /// The org never connected the integration: null, absent, or an error, whose message this is.
    NotConnected(Option<String>),
}

/// A client org as the partner's list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The org.
    pub org: crate::ids::Ruuid,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Whether the client lets the partner in, where the list says so.
    pub access_allowed: Option<bool>,
    /// Whether the org is deactivated, where the list says so.
    pub deactivated: Option<bool>,
}

/// The partner's client list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientList {
    /// The records that could be read, in the vendor's order.
    pub clients: Vec<Listed>,
    /// Those that could not: of an org that isn't among the others, the list doesn't say whether it exists.
    pub unreadable: Vec<UnreadableClient>,
}

/// A record of the client list that can't be read, and what of it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableClient {
    /// Its place in the list, from 1.
    pub place: usize,
    /// The org.
    pub org: Option<crate::ids::Ruuid>,
    /// The name.
    pub name: Option<String>,
    /// Why, without quoting a value.
    pub why: String,
}

impl fmt::Display for UnreadableClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, org, name, why } = self;
        write!(f, "record {place}")?;
        if let Some(org) = org {
            write!(f, ", org {org}")?;
        }
        if let Some(name) = name {
            write!(f, ", {}", quoted(name))?;
        }
        write!(f, ": {why}")
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(settings, _) => write!(f, "Connected({} members)", settings.len()),
            Self::NotConnected(message) => f.debug_tuple("NotConnected").field(message).finish(),
        }
    }
}
