//! What a client is made of.

use std::time::Duration;

use orgwave_core::secret::SecretText;
use orgwave_core::timestamp::Timestamp;

use crate::api_key::ApiKey;
use crate::endpoint::Endpoint;
use orgwave_core::redactor::Redactor;

/// What a [`Reader`](crate::Reader) or a [`Writer`](crate::Writer) is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where requests go.
    pub endpoint: Endpoint,
    /// The partner's key.
    pub key: ApiKey,
    /// Other secrets of the run, masked in the vendor's messages as the key is.
    pub secrets: Vec<SecretText>,
    /// The most time that a call may take, from its start to the last byte of its reply.
    pub timeout: Duration,
    /// Calls that are in flight at once: so many connections are kept open.
    pub concurrency: usize,
    /// What time it is, asked only when a reply gives a date to wait for.
    pub now: fn() -> Timestamp,
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The system's certificates can't be had.
    #[error("the certificates that this system trusts could not be read")]
    Certificates(#[source] rustls::Error),
    /// The HTTP stack refused.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

impl Setup {
    /// The setup for this key at this endpoint, with 30 s a call and 16 calls at once.
    pub fn new(endpoint: Endpoint, key: ApiKey, now: fn() -> Timestamp) -> Self {
        Self { endpoint, key, secrets: Vec::new(), timeout: Duration::from_secs(30), concurrency: 16, now }
    }

    /// The time to make a connection, TLS included. It ends before the whole call's: only a connection that
    /// is known to have failed proves that nothing was sent.
    pub(crate) fn connect_timeout(&self) -> Duration {
        (self.timeout / 4 * 3).min(Duration::from_secs(10))
    }

    pub(crate) fn redactor(&self) -> Redactor {
        Redactor::new(self.secrets.iter().chain([self.key.secret()]).cloned())
    }
}
