//! Replies in the vendor's shapes.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;

/// A well-formed reply.
#[derive(Debug, Clone)]
pub(crate) struct HttpReply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

pub(crate) const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

impl HttpReply {
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: JSON, headers: Vec::new(), body: body.into() }
    }

    /// What the vendor answers with this status, when it has nothing particular to say.
    pub(crate) fn of_status(status: u16, now_ms: u64) -> Self {
        match status {
            400 => Self::bad_request("Bad request"),
            401 => Self::json(401, json!({"authenticationFailed": true}).to_string()),
            403 => Self::refused(403, "Access Denied", now_ms),
            429 => Self {
                status,
                content_type: TEXT,
                headers: Vec::new(),
                body: Bytes::from_static(b"Too many api requests. Enhance your calm."),
            },
            _ => Self::refused(status, "The request could not be processed", now_ms),
        }
    }

    pub(crate) fn bad_request(message: &str) -> Self {
        Self::json(400, json!({"error": "Bad Request", "msg": message}).to_string())
    }

    pub(crate) fn refused(status: u16, message: &str, now_ms: u64) -> Self {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let body = json!({"status": status, "error": reason, "timestamp": now_ms, "msg": message});
        Self::json(status, body.to_string())
    }

    /// An empty bucket: whole seconds, at least one.
    pub(crate) fn too_many(wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::of_status(429, 0).with(hyper::header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What was said in `Retry-After`, for the ledger.
    pub(crate) fn retry_after(&self) -> Option<Box<str>> {
        let said: Vec<&str> = self
            .headers
            .iter()
            .filter(|(name, _)| name == hyper::header::RETRY_AFTER)
            .filter_map(|(_, value)| value.to_str().ok())
            .collect();
        (!said.is_empty()).then(|| said.join(", ").into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn retry_after_is_in_whole_seconds_and_never_too_early() {
        for (wait, said) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (60_000, "60")] {
            let reply = HttpReply::too_many(Duration::from_millis(wait));
            assert_eq!(reply.retry_after().as_deref(), Some(said), "{wait} ms");
            assert_eq!(reply.content_type, TEXT);
        }
    }
}
