//! What a client is made of.

use std::time::Duration;

use orgwave_core::secret::SecretText;
use orgwave_core::timestamp::Timestamp;

use crate::api_key::{AUTH_SCHEME, AUTH_SCHEME_WITH_CERTIFICATE, ApiKey};
use crate::certificates::{Authorities, ClientCertificate};
use crate::endpoint::Endpoint;
use crate::proxy::Proxy;
use orgwave_core::redactor::Redactor;

/// What a [`Reader`](crate::Reader) or a [`Writer`](crate::Writer) is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where requests go.
    pub endpoint: Endpoint,
    /// The partner's key.
    pub key: ApiKey,
    /// The proxy that connections are tunnelled through; never to this machine.
    pub proxy: Option<Proxy>,
    /// Authorities that are trusted beside the system's.
    pub authorities: Authorities,
    /// A certificate of our own, for endpoints that ask for one.
    pub client_certificate: Option<ClientCertificate>,
    /// Other secrets of the run, masked in the vendor's messages as the key is.
    pub secrets: Vec<SecretText>,
    /// The most time that a call may take, from its start to the last byte of its reply.
    pub timeout: Duration,
    /// Calls that are in flight at once: this many connections are kept open.
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
    /// The certificate of our own can't be used: it isn't that of its key, say.
    #[error("the client certificate and its key can't be used together")]
    ClientCertificate(#[source] rustls::Error),
    /// The HTTP stack refused.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

impl Setup {
    /// The setup for this key at this endpoint, with 30 s a call and 16 calls at once.
    pub fn new(endpoint: Endpoint, key: ApiKey, now: fn() -> Timestamp) -> Self {
        Self {
            endpoint,
            key,
            proxy: None,
            authorities: Authorities::default(),
            client_certificate: None,
            secrets: Vec::new(),
            timeout: Duration::from_secs(30),
            concurrency: 16,
            now,
        }
    }

    /// The time to make a connection, TLS included. It ends before the whole call's: only a connection that
    /// is known to have failed proves that nothing was sent.
    pub(crate) fn connect_timeout(&self) -> Duration {
        (self.timeout / 4 * 3).min(Duration::from_secs(10))
    }

    /// What the vendor calls this way of authenticating.
    pub(crate) const fn scheme(&self) -> &'static str {
        if self.client_certificate.is_some() { AUTH_SCHEME_WITH_CERTIFICATE } else { AUTH_SCHEME }
    }

    pub(crate) fn redactor(&self) -> Redactor {
        let password = self.proxy.as_ref().and_then(Proxy::password);
        Redactor::new(self.secrets.iter().chain([self.key.secret()]).cloned().chain(password))
    }
}
