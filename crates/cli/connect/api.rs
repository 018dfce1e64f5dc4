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
pub struct ReadPort {
    operation: Arc<Operation>,
    reader: Reader,
}

/// Reads and writes.
#[derive(Debug, Clone)]
pub struct WritePort {
    operation: Arc<Operation>,
    writer: Writer,
}

impl ReadPort {
    pub(super) fn new(operation: &Arc<Operation>, reader: Reader) -> Self {
        Self { operation: operation.clone(), reader }
    }

    /// The client itself, for calls that no fan-out makes.
    pub fn client(&self) -> &Reader {
        &self.reader
    }
}

impl WritePort {
    pub(super) fn new(operation: &Arc<Operation>, writer: Writer) -> Self {
        Self { operation: operation.clone(), writer }
    }
}

impl ReadApi for ReadPort {
    async fn clients(&self) -> Reply<ClientList> {
        self.reader.clients().await
    }

    async fn settings(&self, org: Ruuid) -> Reply<Live> {
        self.reader.settings(&self.operation, &org).await
    }
}

impl ReadApi for WritePort {
    async fn clients(&self) -> Reply<ClientList> {
        self.writer.reader().clients().await
    }

    async fn settings(&self, org: Ruuid) -> Reply<Live> {
        self.writer.reader().settings(&self.operation, &org).await
    }
}

impl WriteApi for WritePort {
    async fn update(&self, org: Ruuid, body: Bytes) -> Reply<Ack> {
        hold::at(Step::BeforeSend);
        let reply = self.writer.update(&self.operation, &org, body).await;
        hold::at(Step::AfterReply);
        reply
    }
}
