//! One line of the ledger.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::redact::{hex, redacted};
use crate::route::Route;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerEvent {
    /// A request.
    Request,
    /// A write that a fault held back was applied now.
    LateApply,
    /// Somebody else changed an org's settings.
    Edit,
}

/// What the server made of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCheck {
    /// The expected one.
    Ok,
    /// Another one.
    Bad,
    /// There was none.
    Missing,
}

/// What happened, once.
#[derive(Debug, Clone)]
pub struct LedgerEntry {
    /// The place in the ledger, from 1.
    pub seq: u64,
    /// What it is about.
    pub event: LedgerEvent,
    /// The place among all requests as they came in, from 1; 0 for what is no request.
    pub request: u64,
    /// When it came in, in milliseconds since the epoch.
    pub at_ms: u64,
    /// When it came in, in microseconds since the server's start, by a clock that never jumps.
    pub at_us: u64,
    /// When it was decided, by the same clock; never after the reply.
    pub done_us: u64,
    /// The path as asked for.
    pub path: Cow<'static, str>,
    /// The operation, where the path is one's.
    pub operation: Option<Route>,
    /// The `x-auth-org` header as sent; `None` where there was none, and the partner's own org is meant.
    pub org: Option<Box<str>>,
    /// The `x-auth-scheme` header: its value where it is one of the vendor's, else `other`.
    pub scheme: Option<&'static str>,
    /// What the server made of the key.
    pub key: KeyCheck,
    /// The status answered; `None` where the connection ended without.
    pub status: Option<u16>,
    /// What was said in `Retry-After`; several joined by `, `.
    pub retry_after: Option<Box<str>>,
    /// The fault that struck, as its line says.
    pub fault: Option<Arc<str>>,
    /// Of writes, whether it was applied.
    pub applied: Option<bool>,
    pub(crate) state: Option<Bytes>,
    pub(crate) seen: Option<Bytes>,
    pub(crate) sent: Option<Bytes>,
}

impl LedgerEntry {
    /// The org's settings on the server after a write, or when it was read; secrets as fingerprints.
    pub fn state(&self) -> Option<Value> {
        value(self.state.as_ref())
    }

    /// The settings as a reply showed them, where it showed others than the server's state.
    pub fn seen(&self) -> Option<Value> {
        value(self.seen.as_ref())
    }

    /// The `envoySettings` that a write sent.
    pub fn sent(&self) -> Option<Value> {
        value(self.sent.as_ref())
    }

    /// Whether two entries saw the same state, secrets and audit included.
    pub fn digest(&self) -> Option<String> {
        self.state.as_ref().map(|state| hex(state, 8))
    }

    /// The entry as one line of JSON, without its end.
    pub fn to_json(&self) -> String {
        self.line(true).to_json()
    }

    /// The same without the settings.
    pub(crate) fn to_short_json(&self) -> String {
        self.line(false).to_json()
    }

    fn line(&self, states: bool) -> Line<'_> {
        let settings = |bytes: &Option<Bytes>| bytes.as_ref().filter(|_| states).and_then(|b| redacted(b));
        Line {
            seq: self.seq,
            event: self.event,
            request: self.request,
            at_ms: self.at_ms,
            at_us: self.at_us,
            done_us: self.done_us,
            path: &self.path,
            operation: self.operation.map(Route::word),
            org: self.org.as_deref(),
            scheme: self.scheme,
            key: self.key,
            status: self.status,
            retry_after: self.retry_after.as_deref(),
            fault: self.fault.as_deref(),
            applied: self.applied,
            digest: self.digest(),
            state: settings(&self.state),
            seen: settings(&self.seen),
            sent: settings(&self.sent),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    event: LedgerEvent,
    request: u64,
    at_ms: u64,
    at_us: u64,
    done_us: u64,
    path: &'a str,
    operation: Option<&'static str>,
    org: Option<&'a str>,
    scheme: Option<&'static str>,
    key: KeyCheck,
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<Box<RawValue>>,
}

impl Line<'_> {
    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and raw JSON always serialize")
    }
}

fn value(settings: Option<&Bytes>) -> Option<Value> {
    serde_json::from_str(redacted(settings?)?.get()).ok()
}
