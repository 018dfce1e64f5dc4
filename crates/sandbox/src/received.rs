//! A request as it came, for tests that look at what was sent.

use std::time::Instant;

use bytes::Bytes;
use hyper::http::request::Parts;

use crate::route::Route;

/// A request. It holds the key, and secrets: nothing writes it down.
#[derive(Debug, Clone)]
pub struct Received {
    /// When its head was there.
    pub at: Instant,
    /// What it asked for, where that is known.
    pub route: Option<Route>,
    /// Method and path.
    pub line: String,
    /// Names in lower case, values as they are.
    pub headers: Vec<(String, String)>,
    /// The body; empty where the head decided.
    pub body: Bytes,
}

/// Who looks on.
pub(crate) type Watch = Box<dyn Fn(Received) + Send + Sync>;

impl Received {
    pub(crate) fn new(at: Instant, route: Option<Route>, parts: &Parts, body: Bytes) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        let line = format!("{} {}", parts.method, parts.uri.path());
        Self { at, route, line, headers: headers.collect(), body }
    }
}
