//! Every field of the Envoy settings that is known: its wire name, its type, and who may set it.
//!
//! Source: the seed page's `IEnvoyType` and the schemas below it, plus `badgeFaceVerificationMode`, which is
//! newer than the seed. A field that the vendor adds tomorrow is not here, can't be named in a manifest, and
//! passes through a merge write as it was read.

use std::sync::LazyLock;

use hashbrown::HashMap;
use serde_json::Value;

/// Who a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A partner sets it.
    Setting,
    /// A partner sets it, by the name of a secret only.
    Secret,
    /// The vendor's server derives it.
    ServerState,
    /// The vendor's server records it.
    Audit,
    /// It says whose settings these are.
    Identity,
    /// It says what kind of settings these are.
    Discriminator,
}

impl Class {
    /// Whether a manifest may set fields of this class.
    pub const fn is_settable(self) -> bool {
        matches!(self, Self::Setting | Self::Secret)
    }
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number of 32 bits, signed.
    Int32,
    /// Any text.
    Text,
    /// One of these texts in a manifest; any text in a reply, since the vendor's enums grow.
    Enum(&'static [&'static str]),
    /// An RUUID.
    Ruuid,
    /// A SubLocationsHierarchyKey.
    HierarchyKey,
    /// A list of camera RUUIDs, compared as a set.
    Cameras,
    /// A list of texts.
    Texts,
    /// A map from opaque keys to entries.
    Map(&'static MapSpec),
    /// Whatever the server keeps there; never set, never compared.
    Opaque,
}

/// A field at the top level of the settings.
#[derive(Debug)]
pub struct Field {
    /// The wire name.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Who may set it.
    pub class: Class,
    /// The values that make somebody less safe.
    pub risk: Option<Risk>,
}

/// Values that make somebody less safe. A reviewer sees them before anything else.
#[derive(Debug, PartialEq, Eq)]
pub struct Risk {
    /// The values.
    pub values: &'static [Risky],
    /// What they do: `face alerts are turned off`.
    pub effect: &'static str,
    /// Whether a plan with such a value needs an acknowledgement.
    pub guarded: bool,
}

/// One such value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risky {
    /// `true` or `false`.
    Is(bool),
    /// A word of an enum.
    Word(&'static str),
    /// Null: without a value the protection is off.
    Null,
}

impl Risk {
    /// Whether this is such a value.
    pub fn covers(&self, value: &Value) -> bool {
        self.values.iter().any(|risky| match risky {
            Risky::Is(flag) => *value == Value::Bool(*flag),
            Risky::Word(word) => value.as_str() == Some(word),
            Risky::Null => value.is_null(),
        })
    }
}

/// A map among the settings: what its entries hold.
#[derive(Debug, PartialEq, Eq)]
pub struct MapSpec {
    /// The fields of an entry.
    pub members: &'static [Member],
}

/// A field of a map's entry.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// The wire name.
    pub name: &'static str,
    /// The type of its value; never a map.
    pub kind: Kind,
    /// The values that make somebody less safe.
    pub risk: Option<Risk>,
}

impl Field {
    /// The field of this wire name, exactly spelled.
    pub fn named(name: &str) -> Option<&'static Self> {
        static BY_NAME: LazyLock<HashMap<&str, &Field>> =
            LazyLock::new(|| FIELDS.iter().map(|field| (field.name, field)).collect());
        BY_NAME.get(name).copied()
    }

    /// What the entries hold, for a map.
    pub const fn map(&self) -> Option<&'static MapSpec> {
        match self.kind {
            Kind::Map(spec) => Some(spec),
            _ => None,
        }
    }

    /// Whether its value must never be written anywhere.
    pub const fn is_secret(&self) -> bool {
        matches!(self.class, Class::Secret)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        // Mostly they are the very same entry of the catalog.
        std::ptr::eq(self, other) || self.name == other.name
    }
}

impl Eq for Field {}

impl MapSpec {
    /// The member of this wire name, exactly spelled.
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

const fn setting(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, class: Class::Setting, risk: None }
}

const fn server(name: &'static str, kind: Kind, class: Class) -> Field {
    Field { name, kind, class, risk: None }
}

const fn secret(name: &'static str) -> Field {
    Field { name, kind: Kind::Text, class: Class::Secret, risk: None }
}

const fn member(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, risk: None }
}

/// A protection that is off with `false` and without a value.
const fn protection(name: &'static str, effect: &'static str) -> Field {
    let risk = Risk { values: &[Risky::Is(false), Risky::Null], effect, guarded: false };
    Field { name, kind: Kind::Bool, class: Class::Setting, risk: Some(risk) }
}

static DOOR: MapSpec = MapSpec {
    members: &[
        member("assignedCameraList", Kind::Cameras),
        member("clipDuration", Kind::Int32),
        member("doorName", Kind::Text),
        member("leadingSeconds", Kind::Int32),
        member("locationUuid", Kind::Ruuid),
        Member {
            name: "remoteUnlock",
            kind: Kind::Bool,
            risk: Some(Risk {
                values: &[Risky::Is(true)],
                effect: "doors can be unlocked remotely",
                guarded: false,
            }),
        },
        member("subLocationsHierarchyKey", Kind::HierarchyKey),
    ],
};

static LOCATION: MapSpec =
    MapSpec { members: &[member("assignedCameraList", Kind::Cameras), member("locationName", Kind::Text)] };

static USER: MapSpec =
    MapSpec { members: &[member("guestsEnabled", Kind::Bool), member("packagesEnabled", Kind::Bool)] };

/// Every known field, by name.
pub static FIELDS: &[Field] = &[
    protection("alertUnauthorizedFaces", "alerts on unauthorized faces are turned off"),
    secret("apiToken"),
    Field {
        name: "badgeAuthDisablesAlarmMonitoring",
        kind: Kind::Bool,
        class: Class::Setting,
        risk: Some(Risk {
            values: &[Risky::Is(true)],
            effect: "badges disarm the alarm monitoring",
            guarded: true,
        }),
    },
    Field {
        name: "badgeFaceVerificationMode",
        kind: Kind::Enum(&["OFF", "SHADOW", "SUPERVISED", "AUTO"]),
        class: Class::Setting,
        risk: Some(Risk {
            values: &[Risky::Word("OFF"), Risky::Null],
            effect: "faces are no longer compared with badges",
            guarded: false,
        }),
    },
    protection("createAccessAnomalyAlerts", "alerts on access anomalies are turned off"),
    setting("createSeekPoints", Kind::Bool),
    setting("doorInfoMap", Kind::Map(&DOOR)),
    server("doorsValidated", Kind::Bool, Class::ServerState),
    protection("enabled", "the integration is turned off"),
    server("envoyIntegrationInstalled", Kind::Bool, Class::ServerState),
    setting("envoyUserSettingsMap", Kind::Map(&USER)),
    setting("identifyFacesFromBadge", Kind::Bool),
    setting("indexFaces", Kind::Bool),
    server("integration", Kind::Text, Class::Discriminator),
    server("integrationAuditMap", Kind::Opaque, Class::Audit),
    setting("locationInfoMap", Kind::Map(&LOCATION)),
    server("misconfiguredDoors", Kind::Texts, Class::ServerState),
    server("orgUuid", Kind::Ruuid, Class::Identity),
    secret("refreshToken"),
    setting("saveClips", Kind::Bool),
    server("tokenValid", Kind::Bool, Class::ServerState),
    server("userUuid", Kind::Ruuid, Class::Identity),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(FIELDS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for spec in FIELDS.iter().filter_map(Field::map) {
            assert!(spec.members.windows(2).all(|pair| pair[0].name < pair[1].name));
        }
    }
}
