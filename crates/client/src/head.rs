//! What the head of a reply says, as far as it matters beside its body.

use std::time::Duration;

use orgwave_core::timestamp::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use crate::retry_after::{moment, retry_after};

const RATELIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The head of a reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// How long the server asks to wait, in a form that counts.
    pub(crate) retry_after: Option<Duration>,
    /// It has a `Retry-After`, in whichever form.
    pub(crate) asks_to_wait: bool,
    /// When the server sent it, by the server's clock.
    pub(crate) date: Option<Timestamp>,
}

impl Head {
    /// `now` is this machine's clock: for a server that doesn't say what time it has.
    pub(crate) fn of(status: u16, headers: &HeaderMap, now: fn() -> Timestamp) -> Self {
        let date = headers.get(DATE).and_then(|date| moment(date.to_str().ok()?));
        let wait = |name| {
            let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
            retry_after(values, || date.unwrap_or_else(now))
        };
        let mut retry_after = wait(RETRY_AFTER);
        // Some send it with every reply, so elsewhere it asks for nothing.
        if retry_after.is_none() && matches!(status, 403 | 429) {
            retry_after = wait(RATELIMIT_RESET);
        }
        Self { status, retry_after, asks_to_wait: headers.contains_key(RETRY_AFTER), date }
    }

    #[cfg(test)]
    pub(crate) const fn of_status(status: u16) -> Self {
        Self { status, retry_after: None, asks_to_wait: false, date: None }
    }
}
