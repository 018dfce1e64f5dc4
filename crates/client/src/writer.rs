//! The client that can write: made on purpose, never out of a reader.

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use orgwave_core::reply::{Ack, Reply};

use crate::reader::Reader;
use crate::request::{OrgRequest, Request};
use crate::setup::{Setup, SetupError};
use crate::transport::Transport;

/// Writes to the vendor, and reads over the same connections.
#[derive(Debug, Clone)]
pub struct Writer {
    transport: Transport,
    reader: Reader,
}

impl Writer {
    /// Makes one; nothing is sent yet.
    ///
    /// # Errors
    /// The HTTP stack can't be set up.
    pub fn new(setup: &Setup) -> Result<Self, SetupError> {
        let transport = Transport::new(setup)?;
        Ok(Self { reader: Reader::on(transport.clone()), transport })
    }

    /// The reading half.
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Sends an update of an operation to the org, once. The body is the whole JSON of the request.
    ///
    /// Dropping the future after its first poll leaves the org in doubt.
    pub async fn update(&self, operation: &Operation, org: &Ruuid, body: Bytes) -> Reply<Ack> {
        self.transport.send(Request::Org(OrgRequest::Update(operation), org), operation, body).await
    }
}
