//! Guards on a whole plan: what must be acknowledged before anything is sent.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{PlanLine, PlannedField, Verdict};
use crate::operation::{Acknowledgement, Catalog};
use crate::secret::SealKey;

/// What a guard guards against. In files it is its name; what a user's own description asks for has its words beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardKind {
    /// Values become null.
    Clears,
    /// Entries of maps are taken out.
    Removals,
    /// Entries are added that aren't live, to maps that have others.
    Additions,
    /// What the description of a field asks for.
    Field(Arc<Acknowledgement>),
    /// Orgs whose read didn't say whose settings these are.
    Unproven,
    /// An update can't send the field of this place, since the read doesn't show it.
    Unreadable(Box<str>),
    /// The operation of this name is described by a user.
    Derived(Box<str>),
}

/// A guard that a plan trips.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// What it guards against.
    pub kind: GuardKind,
    /// How many orgs.
    pub orgs: u64,
    /// What `--ack` must say: bound to the plan, so that it acknowledges no other plan.
    pub ack: String,
    /// In how many of them an addition's key is a live one under another spelling: no kind is allowed for these in advance.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub respelled: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A word that names no kind of guard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a kind of guard; one of clears, removals, additions, disarms, unproven, or another that `orgwave operations` shows"
)]
pub struct UnknownGuard;

/// Before the place of a field, in the name of the guard for what a read doesn't show.
const UNREADABLE: &str = "unreadable-";
/// Before the name of an operation, in the name of the guard for what a user described.
const DERIVED: &str = "derived-";

impl GuardKind {
    /// As it is named in a code, in `--allow` and in `[limits]`.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Clears => "clears".into(),
            Self::Removals => "removals".into(),
            Self::Additions => "additions".into(),
            Self::Field(guard) => (&*guard.code).into(),
            Self::Unproven => "unproven".into(),
            Self::Unreadable(place) => [UNREADABLE, place].concat().into(),
            Self::Derived(operation) => [DERIVED, operation].concat().into(),
        }
    }

    /// The kind of this name, unless it is one that a description names.
    fn common(name: &str) -> Option<Self> {
        Some(match name {
            "clears" => Self::Clears,
            "removals" => Self::Removals,
            "additions" => Self::Additions,
            "unproven" => Self::Unproven,
            _ => match (name.strip_prefix(UNREADABLE), name.strip_prefix(DERIVED)) {
                (Some(place), _) if !place.is_empty() => Self::Unreadable(place.into()),
                (_, Some(operation)) if !operation.is_empty() => Self::Derived(operation.into()),
                _ => return None,
            },
        })
    }

    /// Whether this change is what it guards against. What isn't about a single change is the step's own.
    pub fn covers(&self, field: &PlannedField) -> bool {
        match self {
            Self::Clears => field.differs() && field.after.is_clear(),
            Self::Removals => field.removes(),
            Self::Field(guard) => field.risks().any(|risk| risk.guard.as_ref() == Some(guard)),
            Self::Additions | Self::Unproven | Self::Unreadable(_) | Self::Derived(_) => false,
        }
    }

    /// The kinds that an org that is to be written trips.
    pub fn tripped_by(line: &PlanLine) -> BTreeSet<Self> {
        let mut tripped = BTreeSet::new();
        for step in line.steps.iter().filter(|step| step.verdict == Verdict::Update) {
            for field in &step.fields {
                tripped.extend([Self::Clears, Self::Removals].into_iter().filter(|kind| kind.covers(field)));
                tripped.extend(field.risks().filter_map(|risk| risk.guard.clone()).map(Self::Field));
            }
            tripped.extend((!step.additions.is_empty()).then_some(Self::Additions));
            tripped.extend(step.unproven.then_some(Self::Unproven));
            tripped.extend(step.unreadable.iter().cloned().map(Self::Unreadable));
            tripped.extend(step.operation.is_derived().then(|| Self::Derived(step.operation.name.clone())));
        }
        tripped
    }
}

impl Guard {
    /// The guard of this plan, with the code that acknowledges it. The count is part of the code: a plan with
    /// one more removal needs another yes.
    pub fn new(kind: GuardKind, orgs: u64, seal: &SealKey) -> Self {
        let digest = seal.fingerprint("guard", &format!("{}:{orgs}", kind.name()));
        let ack = format!("{}-{}", kind.name(), &digest.as_str()[..8]);
        Self { kind, orgs, ack, respelled: 0 }
    }

    /// Whether a kind that is allowed in advance covers it.
    pub fn is_allowed(&self, allowed: &[GuardKind]) -> bool {
        allowed.contains(&self.kind) && self.respelled == 0
    }
}

/// A kind that is known without a user's descriptions: what they ask for can't be allowed in advance.
impl FromStr for GuardKind {
    type Err = UnknownGuard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let described = || Catalog::built_in().guard(text).cloned().map(Self::Field);
        Self::common(text).or_else(described).ok_or(UnknownGuard)
    }
}

impl fmt::Display for GuardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clears => f.write_str("values become null"),
            Self::Removals => f.write_str("entries are removed"),
            Self::Additions => f.write_str("entries are added that are not live"),
            Self::Field(guard) => f.write_str(&guard.words),
            Self::Unproven => f.write_str("the settings that were read don't name their org"),
            Self::Unreadable(place) => {
                write!(f, "{place} is not shown and so not sent, which may clear it")
            }
            Self::Derived(operation) => {
                write!(f, "{operation} is described by a file of yours, which is untested")
            }
        }
    }
}

/// As a file has it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredKind<'a> {
    Name(Cow<'a, str>),
    Described { code: Cow<'a, str>, words: Cow<'a, str> },
}

impl Serialize for GuardKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Field(guard) if Catalog::built_in().guard(&guard.code).is_none() => {
                let (code, words) = (Cow::from(&*guard.code), Cow::from(&*guard.words));
                StoredKind::Described { code, words }.serialize(serializer)
            }
            kind => StoredKind::Name(kind.name()).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for GuardKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match StoredKind::deserialize(deserializer)? {
            StoredKind::Name(name) => name.parse().map_err(serde::de::Error::custom),
            StoredKind::Described { code, words } => Ok(Self::Field(Arc::new(Acknowledgement {
                code: code.as_ref().into(),
                words: words.as_ref().into(),
            }))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_by_name_and_a_users_own_with_its_words() {
        let own = Acknowledgement { code: "my-own".into(), words: "it does what you said".into() };
        let kinds = ["clears", "removals", "additions", "disarms", "unproven", "unreadable-a.b", "derived-x"];
        let kinds: Vec<GuardKind> = kinds
            .map(|name| name.parse().unwrap())
            .into_iter()
            .chain([GuardKind::Field(own.into())])
            .collect();
        let stored = serde_json::to_string(&kinds).unwrap();
        assert_eq!(
            stored,
            r#"["clears","removals","additions","disarms","unproven","unreadable-a.b","derived-x",{"code":"my-own","words":"it does what you said"}]"#
        );
        let read: Vec<GuardKind> = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, kinds);
        assert_eq!(read[3].to_string(), "badges would disarm the alarm monitoring");
        for text in ["", "all", "my-own", "unreadable-", "derived-", "Disarms"] {
            assert_eq!(text.parse::<GuardKind>(), Err(UnknownGuard), "{text}");
        }
    }
}
