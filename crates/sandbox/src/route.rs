//! The kinds of calls that the sandbox serves, and the words faults name them by.

use orgwave_core::operation::Operation;
use serde::Serialize;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// The read of an operation.
    Read,
    /// The update of an operation.
    Write,
    /// `getClientsV2`.
    Clients,
    /// `getLocations`.
    Locations,
    /// `getMinimalCameraStateList`.
    Cameras,
    /// `getApiTokens`.
    Tokens,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Write, Self::Clients, Self::Locations, Self::Cameras, Self::Tokens];

    /// Where it is served, for an operation.
    pub fn path(self, operation: &Operation) -> &str {
        match self {
            Self::Read => &operation.read.path,
            Self::Write => &operation.write.path,
            Self::Clients => "/api/partner/getClientsV2",
            Self::Locations => "/api/location/getLocations",
            Self::Cameras => "/api/camera/getMinimalCameraStateList",
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
            Self::Tokens => "tokens",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.word() == word)
    }
}
