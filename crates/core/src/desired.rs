//! What one org is wanted to be: a desired value for each managed path, and guards that must hold before it is granted.
//!
//! Produced by the manifest, consumed by the diff. It knows where each desired value came from, for the reviewer, and
//! nothing of what is live.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::operation::{Operation, Path, TableName};
use crate::secret::{SecretName, SecretNames, SecretText, Secrets};

/// What is wanted at a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredValue {
    /// This value; null clears.
    Set(Value),
    /// The entry is gone. Only for the path of a map's entry.
    Remove,
    /// The value of a secret, or of several in a list, resolved when it is sent.
    Secret(SecretNames),
}

impl DesiredValue {
    /// The names of the secrets that it needs.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        match self {
            Self::Secret(names) => Some(names),
            Self::Set(_) | Self::Remove => None,
        }
        .into_iter()
        .flat_map(SecretNames::all)
    }

    /// The secret that it is at a path; `None` where it is none, or a name has no value.
    pub fn secret(&self, path: &Path, secrets: &Secrets) -> Option<SecretText> {
        match self {
            Self::Secret(names) => names.value(secrets, path.kind().is_set()),
            Self::Set(_) | Self::Remove => None,
        }
    }

    /// Whether it clears: a null.
    pub fn is_clear(&self) -> bool {
        matches!(self, Self::Set(Value::Null))
    }
}

/// Where a desired value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `[settings]` of the rollout file.
    Default,
    /// The org's row.
    Row,
    /// A line of a side table.
    Side(TableName, u64),
    /// `[group.*]` of the rollout file, by the group's name.
    Group(Arc<str>),
    /// A plan that restores what a run changed.
    Undo,
}

impl Origin {
    /// As plans and tables name it: one is beside each of millions of values.
    pub fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Default => Cow::Borrowed("default"),
            Self::Row => Cow::Borrowed("row"),
            Self::Side(table, line) => Cow::Owned([table, ":", &line.to_string()].concat()),
            Self::Group(name) => Cow::Owned([GROUP, name].concat()),
            Self::Undo => Cow::Borrowed("undo"),
        }
    }
}

/// Before the name of a group. A side table may be called so too, and is looked for first.
const GROUP: &str = "group:";

impl Operation {
    /// The origin that a plan names so.
    pub(crate) fn origin(&self, text: &str) -> Option<Origin> {
        match text {
            "default" => Some(Origin::Default),
            "row" => Some(Origin::Row),
            "undo" => Some(Origin::Undo),
            _ => {
                let side = || {
                    let (name, line) = text.split_once(':')?;
                    Some(Origin::Side(self.table(name)?.name.clone(), line.parse().ok()?))
                };
                side().or_else(|| Some(Origin::Group(text.strip_prefix(GROUP)?.into())))
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

/// One desired value.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed {
    /// Where in the settings.
    pub path: Path,
    /// What is wanted there.
    pub desired: DesiredValue,
    /// Where that was written.
    pub origin: Origin,
}

/// A guard: what must be live at a path before anything is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// Where in the settings.
    pub path: Path,
    /// What must be there; null is null or absent.
    pub value: Value,
}

/// What one org is wanted to be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Desired {
    /// The desired values, sorted by path, no path twice, no entry both removed and set.
    pub managed: Vec<Managed>,
    /// The guards, sorted by path.
    pub expects: Vec<Expect>,
}

/// What one org is wanted to be by one operation of the rollout: a step.
///
/// One without desired values writes nothing. With expects, it is what guards the row's other steps with this
/// operation's settings: an org's expects of all steps must hold before the first of them writes.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredStep {
    /// The operation's place among those of the rollout.
    pub operation: u8,
    /// What is wanted.
    pub desired: Desired,
}
