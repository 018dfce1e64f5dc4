//! The routes of the vendor that the sandbox serves: their paths, and the words faults name them by.

use serde::Serialize;

/// An operation of the vendor, by its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// `getEnvoyIntegration`.
    Read,
    /// `updateEnvoyIntegrationV2`.
    Write,
    /// `getClientsV2`.
    Clients,
    /// `getLocations`.
    Locations,
    /// `getMinimalCameraStateList`.
    Cameras,
    /// `getEnvoyLocations`.
    EnvoyLocations,
    /// `getApiTokens`.
    Tokens,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Write,
        Self::Clients,
        Self::Locations,
        Self::Cameras,
        Self::EnvoyLocations,
        Self::Tokens,
    ];

    /// Where it is served.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Read => "/api/integrations/serviceManagement/getEnvoyIntegration",
            Self::Write => "/api/integrations/serviceManagement/updateEnvoyIntegrationV2",
            Self::Clients => "/api/partner/getClientsV2",
            Self::Locations => "/api/location/getLocations",
            Self::Cameras => "/api/camera/getMinimalCameraStateList",
            Self::EnvoyLocations => "/api/report/getEnvoyLocations",
            Self::Tokens => "/api/partner/getApiTokens",
        }
    }

    /// The word for it in faults and in the ledger.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Clients => "clients",
            Self::Locations => "locations",
            Self::Cameras => "cameras",
            Self::EnvoyLocations => "envoy-locations",
            Self::Tokens => "tokens",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.word() == word)
    }
}
