//! What one org is wanted to be: a wish for each managed path, and guards that must hold before it is granted.
//!
//! Produced by the manifest, consumed by the diff. It knows where each wish came from, for the reviewer, and
//! nothing of what is live.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::secret::SecretName;
use crate::settings::Path;

/// What is wanted at a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// This value; null clears.
    Set(Value),
    /// The entry is gone. Only for the path of a map's entry.
    Remove,
    /// The value of a secret, resolved when it is sent.
    Secret(SecretName),
}

impl Wish {
    /// Whether it clears: a null.
    pub fn is_clear(&self) -> bool {
        matches!(self, Self::Set(Value::Null))
    }
}

/// Where a wish was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `[settings]` of the rollout file.
    Default,
    /// The org's row.
    Row,
    /// A line of a side table.
    Side(SideTable, u64),
    /// A plan that restores what a run changed.
    Undo,
}

/// The side tables that a rollout may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SideTable {
    /// `doorInfoMap`, one entry a line.
    Doors,
    /// `locationInfoMap`, one entry a line.
    Locations,
    /// `envoyUserSettingsMap`, one entry a line.
    Users,
}

impl SideTable {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Doors, Self::Locations, Self::Users];

    /// Its name in a rollout file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Doors => "doors",
            Self::Locations => "locations",
            Self::Users => "users",
        }
    }

    /// The map that its lines are entries of.
    pub const fn map(self) -> &'static str {
        match self {
            Self::Doors => "doorInfoMap",
            Self::Locations => "locationInfoMap",
            Self::Users => "envoyUserSettingsMap",
        }
    }

    /// The column that holds the entry's key.
    pub const fn key_column(self) -> &'static str {
        match self {
            Self::Doors => "door_key",
            Self::Locations => "location_key",
            Self::Users => "user_key",
        }
    }
}

impl Origin {
    /// As plans and tables name it: one stands beside each of millions of values.
    pub fn text(self) -> Cow<'static, str> {
        match self {
            Self::Default => Cow::Borrowed("default"),
            Self::Row => Cow::Borrowed("row"),
            Self::Side(table, line) => Cow::Owned([table.name(), ":", &line.to_string()].concat()),
            Self::Undo => Cow::Borrowed("undo"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = || {
            let (name, line) = text.split_once(':')?;
            let table = SideTable::ALL.into_iter().find(|table| table.name() == name)?;
            Some(Self::Side(table, line.parse().ok()?))
        };
        match text {
            "default" => Ok(Self::Default),
            "row" => Ok(Self::Row),
            "undo" => Ok(Self::Undo),
            _ => side().ok_or_else(|| format!("{text:?} is no origin of a value")),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Origin;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("where a wish was written")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Origin, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// One wish.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed {
    /// Where in the settings.
    pub path: Path,
    /// What is wanted there.
    pub wish: Wish,
    /// Where that was written.
    pub origin: Origin,
}

/// A guard: what must be live at a path before anything is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// Where in the settings.
    pub path: Path,
    /// What must be there; null is null or absent.
    pub value: Value,
}

/// What one org is wanted to be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Desired {
    /// The wishes, sorted by path, no path twice, no entry both removed and set.
    pub managed: Vec<Managed>,
    /// The guards, sorted by path.
    pub expects: Vec<Expect>,
}
