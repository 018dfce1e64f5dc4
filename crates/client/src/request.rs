//! Every request that orgwave makes, each with the scope that it cannot be made without.
//!
//! The vendor takes a client-level call without `x-auth-org` for one to the partner's own org. So the two kinds
//! are two types, and a [`Request`] of the second kind holds the org. Every request is a POST.

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The most bytes that a list may have, decompressed.
const LIST_CAP: usize = 256 * MIB;

/// A request, and whom it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request<'a> {
    /// On the partner itself: no `x-auth-org`.
    Partner(PartnerRequest),
    /// On one client org: `x-auth-org` is its id, as typed.
    Org(OrgRequest<'a>, &'a Ruuid),
}

/// Requests on the partner itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PartnerRequest {
    Clients,
    ApiTokens,
}

/// Requests on one client org.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OrgRequest<'a> {
    Update(&'a Operation),
    Settings(&'a Operation),
    Locations,
    Cameras,
}

impl<'a> Request<'a> {
    /// Below the endpoint, without a leading `/`.
    pub(crate) fn path(self) -> &'a str {
        match self {
            Self::Partner(PartnerRequest::Clients) => "api/partner/getClientsV2",
            Self::Partner(PartnerRequest::ApiTokens) => "api/partner/getApiTokens",
            Self::Org(OrgRequest::Update(operation), _) => operation.write.path.trim_start_matches('/'),
            Self::Org(OrgRequest::Settings(operation), _) => operation.read.path.trim_start_matches('/'),
            Self::Org(OrgRequest::Locations, _) => "api/location/getLocations",
            Self::Org(OrgRequest::Cameras, _) => "api/camera/getMinimalCameraStateList",
        }
    }

    /// The request's name on the wire.
    pub(crate) fn name(self) -> &'a str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// The org that it is scoped to.
    pub(crate) const fn org(&self) -> Option<&'a Ruuid> {
        match self {
            Self::Partner(_) => None,
            Self::Org(_, org) => Some(org),
        }
    }

    /// Whether making it twice may change something twice.
    pub(crate) const fn is_write(&self) -> bool {
        matches!(self, Self::Org(OrgRequest::Update(_), _))
    }

    /// The most bytes that a reply may have, decompressed.
    pub(crate) const fn cap(self) -> usize {
        match self {
            Self::Org(OrgRequest::Update(operation), _) => operation.write.cap,
            Self::Org(OrgRequest::Settings(operation), _) => operation.read.cap,
            Self::Partner(_) | Self::Org(OrgRequest::Locations | OrgRequest::Cameras, _) => LIST_CAP,
        }
    }
}

/// The most bytes that are read of a reply with an error status: it is only looked through for a message.
pub(crate) const ERROR_BODY_CAP: usize = 64 * KIB;
