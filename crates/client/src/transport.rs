//! One request, one reply: the only place that speaks HTTP.
//!
//! What it holds to, and how:
//!
//! 1. *Sent once.* reqwest's retries are off. Below it, hyper-util takes a request back from a pooled connection that
//!    turns out closed and gives it to a fresh one, but only a request that the connection's task never took
//!    from its queue: of such a one no byte was written. Once taken, a failure is final.
//!    A read whose connection closed before any byte of a reply is [`Cause::Dropped`], so that its caller makes it
//!    again; the next call for the same org goes over a new connection, and so does every write from then on: this
//!    server drops the ones that are kept.
//!    HTTP/1.1 only, so that a broken connection puts one org in doubt, not all that shared it.
//! 2. *Sent to the endpoint only.* No redirect is followed, `localhost` is not looked up, and of proxies only the one
//!    that the setup names is used, as a tunnel, so that it sees no request.
//! 3. *Nothing sent* is claimed only if no connection was made: refused, no such host, TLS, connect timeout.
//! 4. *Bounded.* One total time from start to last byte, so a drip can't stretch it; a cap on decompressed bytes.
//! 5. *Trust.* The system's certificates, by the platform's verifier: partners sit behind gateways with authorities
//!    of their own, and an authority that the system drops is dropped here. ring is the crypto, given explicitly,
//!    so no process-wide default is needed.

use std::collections::HashSet;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::reply::{Cause, Reply, Unclear};
use orgwave_core::timestamp::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, redirect, retry};
use rustls::client::danger::ServerCertVerifier;

use crate::classify::{body_decides, classify};
use crate::endpoint::Endpoint;
use crate::head::Head;
use crate::message::Words;
use crate::reply_body::ReplyBody;
use crate::request::{ERROR_BODY_CAP, Request};
use crate::setup::{Setup, SetupError};
use orgwave_core::redactor::Redactor;

const X_AUTH_SCHEME: HeaderName = HeaderName::from_static("x-auth-scheme");
const X_AUTH_APIKEY: HeaderName = HeaderName::from_static("x-auth-apikey");
const X_AUTH_ORG: HeaderName = HeaderName::from_static("x-auth-org");

/// Connections that were unused for this long are closed from this side. Servers wait longer before they do
/// it from theirs (60 s and more is usual), so a request seldom meets a connection that is being closed.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// Sends calls. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    /// The same, each call over a new connection.
    fresh: reqwest::Client,
    drops: Mutex<Drops>,
    endpoint: Endpoint,
    timeout: Duration,
    redactor: Redactor,
    now: fn() -> Timestamp,
}

/// Connections that the server closed under a call.
#[derive(Default)]
struct Drops {
    /// There was one.
    any: bool,
    /// Whose read met one (`None`: the partner's), and wasn't made again yet.
    reads: HashSet<Option<Ruuid>>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("timeout", &self.0.timeout).finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(setup: &Setup) -> Result<Self, SetupError> {
        let plain = setup.endpoint.is_plain();
        // Neither the variables of the environment nor the system's settings are looked at again.
        let proxy = setup.proxy.as_ref().filter(|_| !setup.endpoint.is_here());
        let proxy = proxy.map(|proxy| proxy.to_reqwest().map_err(SetupError::Http)).transpose()?;
        let tls = tls(setup)?;
        let client = |kept: usize| {
            let builder = reqwest::Client::builder().no_proxy();
            let builder = match proxy.clone() {
                Some(proxy) => builder.proxy(proxy),
                None => builder,
            };
            builder
                .tls_backend_preconfigured(tls.clone())
                .https_only(!plain)
                .http1_only()
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .resolve_to_addrs(
                    "localhost",
                    &[(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()],
                )
                .connect_timeout(setup.connect_timeout())
                .pool_max_idle_per_host(kept)
                .pool_idle_timeout(MAX_IDLE)
                .tcp_nodelay(true)
                .user_agent(concat!("orgwave/", env!("CARGO_PKG_VERSION")))
                .default_headers(headers(setup))
                .build()
                .map_err(SetupError::Http)
        };
        Ok(Self(Arc::new(Inner {
            http: client(setup.concurrency)?,
            fresh: client(0)?,
            drops: Mutex::default(),
            endpoint: setup.endpoint.clone(),
            timeout: setup.timeout,
            redactor: setup.redactor(),
            now: setup.now,
        })))
    }

    /// Sends a request, once, and says what its reply means.
    pub(crate) async fn send<A: ReplyBody>(&self, request: Request<'_>, of: &A::Of, body: Bytes) -> Reply<A> {
        let Inner { timeout, redactor, now, .. } = &*self.0;
        let words = Words(redactor);
        let org = request.org().map(Ruuid::as_str);
        tracing::debug!(operation = request.name(), org, bytes = body.len(), "sending");

        let (http, is_kept) = self.client_for(request);
        let mut head: Option<Head> = None;
        let mut collected = Body::default();
        let exchange = async {
            let mut response =
                http.execute(self.to_http(request, body)).await.map_err(ExchangeError::of_send)?;
            let status = response.status().as_u16();
            let head = *head.insert(Head::of(status, response.headers(), *now));
            let cap = match body_decides(status) {
                true if announced(&response) > request.cap() => return Err(ExchangeError::TooLarge),
                true => request.cap(),
                false => ERROR_BODY_CAP,
            };
            collected.fill(&mut response, cap).await.map(|()| head)
        };
        let mut ended = tokio::time::timeout(*timeout, exchange).await.unwrap_or(Err(ExchangeError::Late));
        if let Err(ExchangeError::Closed(why)) = ended {
            ended = Err(self.dropped(request, is_kept, why));
        }
        tracing::debug!(
            operation = request.name(),
            org,
            status = head.map(|head| head.status),
            whole = ended.is_ok(),
            "ended"
        );

        match (ended, head) {
            // Where the status decides, the rest of its message is not worth a doubt.
            (Ok(head), _) => classify(head, &collected.into_bytes(), words, of),
            (Err(_), Some(head)) if !body_decides(head.status) => {
                classify(head, whole_words(&collected.into_bytes()), words, of)
            }
            (Err(ExchangeError::NoConnection(why)), _) => Reply::NotSent(words.clean(&why)),
            (Err(failure), _) => Reply::Unclear(Unclear {
                cause: failure.cause(),
                http_status: head.map(|head| head.status),
                retry_after: head.and_then(|head| head.retry_after),
                message: words.clean(&failure.in_words(*timeout, request.cap())),
            }),
        }
    }

    /// The client that a call goes through, and whether its connection may be one that was kept.
    fn client_for(&self, request: Request<'_>) -> (&reqwest::Client, bool) {
        let mut drops = self.0.drops.lock().unwrap_or_else(PoisonError::into_inner);
        let is_again = drops.reads.remove(&request.org().copied());
        if is_again || drops.any && request.is_write() {
            (&self.0.fresh, false)
        } else {
            (&self.0.http, true)
        }
    }

    /// A call's connection closed before any byte of a reply. Whether a write was received isn't known then; a read
    /// can be made again, but over a new connection, since others that were kept may be closed as well.
    fn dropped(&self, request: Request<'_>, is_kept: bool, why: String) -> ExchangeError {
        if !is_kept {
            return ExchangeError::Broken(why);
        }
        let mut drops = self.0.drops.lock().unwrap_or_else(PoisonError::into_inner);
        drops.any = true;
        if request.is_write() {
            return ExchangeError::Broken(why);
        }
        drops.reads.insert(request.org().copied());
        ExchangeError::Closed(why)
    }

    /// The one place that builds requests, and so the one that scopes them.
    fn to_http(&self, request: Request<'_>, body: Bytes) -> reqwest::Request {
        let url = self.0.endpoint.join(request.path());
        let mut http = reqwest::Request::new(Method::POST, url);
        if let Some(org) = request.org() {
            let value = HeaderValue::from_str(org.as_str()).expect("base64url is a header value");
            http.headers_mut().insert(X_AUTH_ORG, value);
        }
        *http.body_mut() = Some(body.into());
        http
    }
}

/// What every call says.
fn headers(setup: &Setup) -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([
        (X_AUTH_SCHEME, HeaderValue::from_static(setup.scheme())),
        (X_AUTH_APIKEY, setup.key.to_header()),
        (CONTENT_TYPE, json.clone()),
        (ACCEPT, json),
    ])
}

fn tls(setup: &Setup) -> Result<rustls::ClientConfig, SetupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // Plain http to this machine needs no certificates, and must work where the system has none.
    let verifier: Option<Arc<dyn ServerCertVerifier>> = if setup.endpoint.is_plain() {
        None
    } else {
        let more = setup.authorities.0.iter().cloned();
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(more, provider.clone());
        Some(Arc::new(verifier.map_err(SetupError::Certificates)?))
    };
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Certificates)?;
    let builder = match verifier {
        None => builder.with_root_certificates(rustls::RootCertStore::empty()),
        Some(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier),
    };
    match &setup.client_certificate {
        None => Ok(builder.with_no_client_auth()),
        Some(ours) => {
            builder.with_client_auth_cert(ours.chain(), ours.key()).map_err(SetupError::ClientCertificate)
        }
    }
}

/// A body as it comes in.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    /// Reads to the end, or to the cap. What came before a failure stays.
    async fn fill(&mut self, response: &mut Response, cap: usize) -> Result<(), ExchangeError> {
        while let Some(chunk) = response.chunk().await.map_err(ExchangeError::of_body)? {
            if self.0.len() + chunk.len() > cap {
                return Err(ExchangeError::TooLarge);
            }
            self.0.extend_from_slice(&chunk);
        }
        Ok(())
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A message that broke off, less its last word: half a secret would not be known for one.
fn whole_words(body: &[u8]) -> &[u8] {
    &body[..body.iter().rposition(u8::is_ascii_whitespace).unwrap_or(0)]
}

/// The length that a reply says it has; 0 where it says nothing, as it does of a compressed one.
fn announced(response: &Response) -> usize {
    response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX))
}

/// Why an exchange had no end.
#[derive(Debug)]
enum ExchangeError {
    NoConnection(String),
    Late,
    Broken(String),
    /// Broken, and before any byte of a reply.
    Closed(String),
    /// The body broke off with its connection, or its compressed form is damaged.
    CutShort {
        why: String,
        is_closed: bool,
    },
    TooLarge,
}

impl ExchangeError {
    fn of_send(error: reqwest::Error) -> Self {
        if error.is_connect() {
            Self::NoConnection(causes(error))
        } else if error.is_timeout() {
            Self::Late
        } else if is_closed(&error) {
            Self::Closed(causes(error))
        } else {
            Self::Broken(causes(error))
        }
    }

    fn of_body(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Late;
        }
        // A decompressor says of damaged bytes that they end too early, too.
        let is_closed = is_of_hyper(&error) && is_closed(&error);
        Self::CutShort { why: causes(error), is_closed }
    }

    const fn cause(&self) -> Cause {
        match self {
            Self::Late => Cause::Timeout,
            Self::NoConnection(_) | Self::Broken(_) | Self::CutShort { is_closed: true, .. } => Cause::Broken,
            Self::Closed(_) => Cause::Dropped,
            Self::CutShort { .. } => Cause::Unreadable,
            Self::TooLarge => Cause::TooLarge,
        }
    }

    fn in_words(&self, timeout: Duration, cap: usize) -> String {
        match self {
            Self::NoConnection(why) => why.clone(),
            Self::Late => format!("no whole reply within {timeout:?}"),
            Self::Broken(why) | Self::Closed(why) => format!("the connection broke: {why}"),
            Self::CutShort { why, .. } => format!("the reply broke off: {why}"),
            Self::TooLarge => format!("the reply is larger than {cap} bytes"),
        }
    }
}

/// Whether the other side closed the connection, rather than saying something that is no reply.
fn is_closed(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let is_cut = cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message);
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        if is_cut
            || matches!(
                kind,
                Some(
                    io::ErrorKind::ConnectionReset
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::UnexpectedEof
                )
            )
        {
            return true;
        }
        source = cause.source();
    }
    false
}

fn is_of_hyper(error: &reqwest::Error) -> bool {
    std::iter::successors(error.source(), |&cause| cause.source())
        .any(<dyn std::error::Error>::is::<hyper::Error>)
}

/// The causes below reqwest's own text, which says no more than that sending failed.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut texts: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}
