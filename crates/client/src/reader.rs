//! The client that can only read: what every command but `apply` and `resume` holds.

use std::sync::Arc;

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use orgwave_core::reply::{ClientList, Live, Reply};

use crate::bodies::{ApiToken, Camera, Location};
use crate::request::{OrgRequest, PartnerRequest, Request};
use crate::setup::{Setup, SetupError};
use crate::transport::Transport;

/// Reads from the vendor, and has no method that writes. Clones share their connections.
///
/// A method sends one request and returns its meaning; it never fails otherwise, and never sends again.
/// Dropping a call's future gives it up: whether it was received isn't known then.
///
/// ```
/// # use {orgwave_client::Reader, orgwave_core::ids::Ruuid, orgwave_core::operation::Operation};
/// # async fn read(reader: Reader, operation: &Operation, org: Ruuid) {
/// reader.settings(operation, &org).await;
/// # }
/// ```
///
/// What only a [`Writer`](crate::Writer) can do doesn't compile:
///
/// ```compile_fail
/// # use {orgwave_client::Reader, orgwave_core::ids::Ruuid, orgwave_core::operation::Operation};
/// # async fn read(reader: Reader, operation: &Operation, org: Ruuid) {
/// reader.update(operation, &org, bytes::Bytes::new()).await;
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Reader {
    transport: Transport,
}

impl Reader {
    /// Makes one; nothing is sent yet.
    ///
    /// # Errors
    /// The HTTP stack can't be set up.
    pub fn new(setup: &Setup) -> Result<Self, SetupError> {
        Transport::new(setup).map(Self::on)
    }

    pub(crate) const fn on(transport: Transport) -> Self {
        Self { transport }
    }

    /// All of the partner's client orgs, in the vendor's order.
    pub async fn clients(&self) -> Reply<ClientList> {
        self.transport.send(Request::Partner(PartnerRequest::Clients), &(), NOTHING).await
    }

    /// The partner's API tokens, for what they say of the rate.
    pub async fn api_tokens(&self) -> Reply<Vec<ApiToken>> {
        self.transport.send(Request::Partner(PartnerRequest::ApiTokens), &(), NOTHING).await
    }

    /// The org's settings of an operation, exactly as they are. That they are this org's is for the caller to check.
    pub async fn settings(&self, operation: &Operation, org: &Ruuid) -> Reply<Live> {
        self.transport.send(Request::Org(OrgRequest::Settings(operation), org), operation, NOTHING).await
    }

    /// The same of several operations whose settings one reply holds: those that have one read path. One `Live` of each, in
    /// their order.
    ///
    /// # Panics
    /// If there are none, or they have another read path.
    pub async fn shared(&self, operations: &[Arc<Operation>], org: &Ruuid) -> Reply<Vec<Live>> {
        let first = operations.first().expect("a read is of an operation");
        let is_one = operations.iter().all(|operation| operation.read.path == first.read.path);
        assert!(is_one, "one read of one path");
        self.transport.send(Request::Org(OrgRequest::Settings(first), org), operations, NOTHING).await
    }

    /// The org's locations and the locations within them.
    pub async fn locations(&self, org: &Ruuid) -> Reply<Vec<Location>> {
        let body = Bytes::from_static(br#"{"subLocationsIncluded":true}"#);
        self.transport.send(Request::Org(OrgRequest::Locations, org), &(), body).await
    }

    /// The org's cameras, retired ones included.
    pub async fn cameras(&self, org: &Ruuid) -> Reply<Vec<Camera>> {
        let body = Bytes::from_static(br#"{"includeMummified":true}"#);
        self.transport.send(Request::Org(OrgRequest::Cameras, org), &(), body).await
    }
}

/// What is sent when there is nothing to say.
const NOTHING: Bytes = Bytes::from_static(b"{}");
