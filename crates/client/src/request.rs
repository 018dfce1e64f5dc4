//! Every operation that orgwave calls, each with the scope that it cannot be called without.
//!
//! The vendor takes a client-level call without `x-auth-org` for one to the partner's own org. So the two kinds
//! are two types, and a [`Request`] of the second kind holds the org.

use orgwave_core::ids::Ruuid;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// An operation on the partner, and whom it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request<'a> {
    /// On the partner itself: no `x-auth-org`.
    Partner(PartnerOperation),
    /// On one client org: `x-auth-org` is its id, as typed.
    Org(OrgOperation, &'a Ruuid),
}

/// Operations on the partner itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum PartnerOperation {
    Clients,
    ApiTokens,
}

/// Operations on one client org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum OrgOperation {
    Update,
    Settings,
    Locations,
    Cameras,
    EnvoyLocations,
}

impl PartnerOperation {
    pub(crate) const ALL: [Self; 2] = [Self::Clients, Self::ApiTokens];

    /// Below the endpoint, without a leading `/`.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Clients => "api/partner/getClientsV2",
            Self::ApiTokens => "api/partner/getApiTokens",
        }
    }
}

impl OrgOperation {
    pub(crate) const ALL: [Self; 5] =
        [Self::Update, Self::Settings, Self::Locations, Self::Cameras, Self::EnvoyLocations];

    /// Below the endpoint, without a leading `/`.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Update => "api/integrations/serviceManagement/updateEnvoyIntegrationV2",
            Self::Settings => "api/integrations/serviceManagement/getEnvoyIntegration",
            Self::Locations => "api/location/getLocations",
            Self::Cameras => "api/camera/getMinimalCameraStateList",
            Self::EnvoyLocations => "api/report/getEnvoyLocations",
        }
    }
}

impl Request<'_> {
    /// The operation's name on the wire.
    pub(crate) fn name(self) -> &'static str {
        let path = match self {
            Self::Partner(operation) => operation.path(),
            Self::Org(operation, _) => operation.path(),
        };
        path.rsplit('/').next().unwrap_or(path)
    }

    /// The org that it is scoped to.
    pub(crate) const fn org(&self) -> Option<&Ruuid> {
        match self {
            Self::Partner(_) => None,
            Self::Org(_, org) => Some(org),
        }
    }

    /// Whether making it twice may change something twice.
    pub(crate) const fn is_write(&self) -> bool {
        matches!(self, Self::Org(OrgOperation::Update, _))
    }

    /// The most bytes that a reply may have, decompressed.
    pub(crate) const fn cap(self) -> usize {
        match self {
            Self::Org(OrgOperation::Update, _) => MIB,
            Self::Org(OrgOperation::Settings, _) => 8 * MIB,
            Self::Partner(_)
            | Self::Org(OrgOperation::Locations | OrgOperation::Cameras | OrgOperation::EnvoyLocations, _) => {
                256 * MIB
            }
        }
    }
}

/// The most bytes that are read of a reply with an error status: it is only looked through for a message.
pub(crate) const ERROR_BODY_CAP: usize = 64 * KIB;
