//! One line of the ledger.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use orgwave_core::operation::Operation;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::redact::{hex, redacted, redacted_document};
use crate::route::Route;
use crate::served::Served;

/// What an entry is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerEvent {
    /// A request.
    #[default]
    Request,
    /// A write that a fault held back was applied now.
    LateApply,
    /// Another writer changed an org's settings.
    Edit,
}

/// What the server made of the key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCheck {
    /// The expected one.
    Ok,
    /// Another one.
    Bad,
    /// There was none.
    #[default]
    Missing,
}

/// What happened, once.
#[derive(Debug, Clone, Default, Serialize)]
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
    /// What kind of call it is, where the path is known.
    pub operation: Option<Route>,
    /// The operation whose settings are read or written; `None` where a read shows those of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_name: Option<Box<str>>,
    /// The `x-auth-org` header as sent; `None` where there was none, and the partner's own org is meant.
    pub org: Option<Box<str>>,
    /// The `x-auth-scheme` header: its value where it is one of the vendor's, else `other`.
    pub scheme: Option<&'static str>,
    /// What the server made of the key.
    pub key: KeyCheck,
    /// The status answered; `None` where the connection ended without.
    pub status: Option<u16>,
    /// What was said in `Retry-After`; several joined by `, `.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Box<str>>,
    /// The fault that struck, as its line says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Box<str>>,
    /// Of writes, whether it was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<bool>,
    #[serde(flatten, serialize_with = "with_digest")]
    pub(crate) state: Option<Kept>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "without_secrets")]
    pub(crate) seen: Option<Kept>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "without_secrets")]
    pub(crate) sent: Option<Kept>,
}

/// Settings of an org, which are shown without their secrets.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) of: Whose,
    pub(crate) bytes: Bytes,
}

/// What kept settings are.
#[derive(Clone)]
pub(crate) enum Whose {
    /// Those of an operation.
    Operation(Arc<Operation>),
    /// A document with those of several, by its place.
    Document(Arc<Served>, usize),
}

impl Kept {
    fn redacted(&self) -> Option<Box<RawValue>> {
        match &self.of {
            Whose::Operation(operation) => redacted(operation, &self.bytes),
            Whose::Document(served, place) => redacted_document(served.document(*place), &self.bytes),
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.redacted().as_deref().map_or("no object", RawValue::get))
    }
}

impl LedgerEntry {
    /// The org's settings on the server after a write, or when it was read; secrets as fingerprints. Where one read shows those
    /// of several operations, what it shows, whole.
    pub fn state(&self) -> Option<Value> {
        value(self.state.as_ref())
    }

    /// The settings as a reply showed them, where it showed others than the server's state.
    pub fn seen(&self) -> Option<Value> {
        value(self.seen.as_ref())
    }

    /// The settings that a write sent.
    pub fn sent(&self) -> Option<Value> {
        value(self.sent.as_ref())
    }

    /// Whether two entries saw the same state, secrets and audit included.
    pub fn digest(&self) -> Option<String> {
        self.state.as_ref().map(|state| hex(&state.bytes, 8))
    }

    /// The entry as one line of JSON, without its end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and raw JSON always serialize")
    }

    /// The same without the settings.
    pub(crate) fn to_short_json(&self) -> String {
        let mut entry: Map<String, Value> = serde_json::from_str(&self.to_json()).unwrap_or_default();
        entry.retain(|key, _| !matches!(key.as_str(), "state" | "seen" | "sent"));
        Value::from(entry).to_string()
    }
}

#[expect(clippy::ref_option, reason = "serde hands fields over so")]
fn with_digest<S: Serializer>(state: &Option<Kept>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    if let Some(state) = state {
        map.serialize_entry("digest", &hex(&state.bytes, 8))?;
        // What is no object isn't shown.
        if let Some(state) = state.redacted() {
            map.serialize_entry("state", &state)?;
        }
    }
    map.end()
}

#[expect(clippy::ref_option, reason = "serde hands fields over so")]
fn without_secrets<S: Serializer>(settings: &Option<Kept>, serializer: S) -> Result<S::Ok, S::Error> {
    settings.as_ref().and_then(Kept::redacted).serialize(serializer)
}

fn value(settings: Option<&Kept>) -> Option<Value> {
    serde_json::from_str(settings?.redacted()?.get()).ok()
}
