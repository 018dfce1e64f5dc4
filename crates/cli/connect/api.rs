//! The client behind the executor's traits.

use std::sync::Arc;

use bytes::Bytes;
use orgwave_client::{Reader, Writer};
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use orgwave_core::reply::{Ack, ClientList, Live, Reply};
use orgwave_executor::ports::{ReadApi, WriteApi};

use crate::hold::{self, Step};

/// Reads only.
#[derive(Debug, Clone)]
pub struct ReadPort(Reader);

/// Reads and writes.
#[derive(Debug, Clone)]
pub struct WritePort(Writer);

impl ReadPort {
    pub(super) const fn new(reader: Reader) -> Self {
        Self(reader)
    }

    /// The client itself, for calls that no fan-out makes.
    pub const fn client(&self) -> &Reader {
        &self.0
    }
}

impl WritePort {
    pub(super) const fn new(writer: Writer) -> Self {
        Self(writer)
    }
}

impl ReadApi for ReadPort {
    async fn clients(&self) -> Reply<ClientList> {
        self.0.clients().await
    }

    async fn settings(&self, operation: &Arc<Operation>, org: Ruuid) -> Reply<Live> {
        self.0.settings(operation, &org).await
    }

    async fn shared(&self, operations: &[Arc<Operation>], org: Ruuid) -> Reply<Vec<Live>> {
        self.0.shared(operations, &org).await
    }
}

impl ReadApi for WritePort {
    async fn clients(&self) -> Reply<ClientList> {
        self.0.reader().clients().await
    }

    async fn settings(&self, operation: &Arc<Operation>, org: Ruuid) -> Reply<Live> {
        self.0.reader().settings(operation, &org).await
    }

    async fn shared(&self, operations: &[Arc<Operation>], org: Ruuid) -> Reply<Vec<Live>> {
        self.0.reader().shared(operations, &org).await
    }
}

impl WriteApi for WritePort {
    async fn update(&self, operation: &Arc<Operation>, org: Ruuid, body: Bytes) -> Reply<Ack> {
        hold::at(Step::BeforeSend);
        let reply = self.0.update(operation, &org, body).await;
        hold::at(Step::AfterReply);
        reply
    }
}
