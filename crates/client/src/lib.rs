//! The vendor API over HTTP: credentials, headers, operations, and what a reply means.
//!
//! ```text
//! Reader, Writer  ->  Request (operation and scope)  ->  Transport (one send, capped body)  ->  classify  ->  Reply
//! ```
//!
//! A bulk writer must not make certain mistakes, so here they cannot be written down:
//!
//! * [`Reader`] has no method that writes; a [`Writer`] is made on purpose and holds a reader.
//! * A call to one org takes the org, and the header that scopes it is set in the same place as the path.
//! * An [`Endpoint`] is https, or plain http to loopback; no redirect is followed, nothing sent twice.
//! * An [`ApiKey`] has no `Display` and a masked `Debug`; the vendor's messages pass a `Redactor`.
//! * A reply is read up to a cap, after decompression, within one total time.
//!
//! This crate doesn't retry, pace, wait, journal or look at a clock: it sends once and says what is proven by
//! the answer, in the words of [`orgwave_core::reply`].

mod api_key;
mod bodies;
mod body_members;
mod certificates;
mod classify;
mod endpoint;
mod head;
mod message;
mod proxy;
mod reader;
mod reply_body;
mod request;
mod retry_after;
mod setup;
mod suspect;
mod transport;
mod writer;

pub use api_key::{AUTH_SCHEME, ApiKey, ApiKeyError};
pub use bodies::{ApiToken, Camera, Location};
pub use certificates::{Authorities, ClientCertificate, PemError};
pub use endpoint::{Endpoint, EndpointError, ParseRegionError, Region};
pub use proxy::{Proxy, ProxyError};
pub use reader::Reader;
pub use setup::{Setup, SetupError};
pub use writer::Writer;
