//! A line of a plan: one org, and what is to be done to it.

use std::sync::Arc;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::UnknownKey;
use super::stored::StoredLine;
use crate::desired::{DesiredValue, Expect, Origin};
use crate::ids::Ruuid;
use crate::operation::{Kind, Operation, Path, Risk, TableName};
use crate::outcome::{OrgError, OrgOutcome, StoredValue};
use crate::reply::Ack;
use crate::secret::{Fingerprint, SecretName};
use crate::settings::same;
use crate::status::{Action, Status, Verified};

/// What planning found for an org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is to be written.
    Update,
    /// It is as desired.
    Unchanged,
    /// Omitted by the manifest or by a flag.
    Skipped,
    /// A guard stops it.
    Blocked,
    /// The vendor refused the read for good.
    Rejected,
    /// It could not be read.
    Failed,
    /// Planning stopped before its turn.
    NotAttempted,
}

impl Verdict {
    /// The final status of an org that isn't to be written.
    pub const fn status(self) -> Option<Status> {
        match self {
            Self::Update => None,
            Self::Unchanged => Some(Status::Unchanged),
            Self::Skipped => Some(Status::Skipped),
            Self::Blocked => Some(Status::Blocked),
            Self::Rejected => Some(Status::Rejected),
            Self::Failed => Some(Status::Failed),
            Self::NotAttempted => Some(Status::NotAttempted),
        }
    }

    /// What a run does to it.
    pub const fn action(self) -> Action {
        match self {
            Self::Update => Action::Update,
            _ => Action::None,
        }
    }
}

/// A managed path: what was there when the plan was made, and what is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedField {
    /// Where.
    pub path: Path,
    /// What was there. [`StoredValue::Absent`] also where nothing was read (`--no-read`). Not stored where it is the very
    /// value that is wanted.
    pub before: StoredValue,
    /// What is wanted.
    pub after: DesiredValue,
    /// The fingerprint of the wanted value, where that is a secret.
    pub fingerprint: Option<Fingerprint>,
    /// Where the desired value was written. Not stored where that is the row.
    pub from: Origin,
}

impl Serialize for PlannedField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { path, before, after, fingerprint, from } = self;
        let is_as_wanted = matches!((before, after), (StoredValue::Json(before), DesiredValue::Set(after)) if before == after);
        let mut stored = serializer.serialize_map(None)?;
        stored.serialize_entry("path", path)?;
        if !is_as_wanted {
            stored.serialize_entry("before", before)?;
        }
        stored.serialize_entry("after", after)?;
        if let Some(fingerprint) = fingerprint {
            stored.serialize_entry("fingerprint", fingerprint)?;
        }
        if *from != Origin::Row {
            stored.serialize_entry("from", from)?;
        }
        stored.end()
    }
}

impl PlannedField {
    /// What is wanted, as it may be written down: a secret is its fingerprint.
    pub fn after_stored(&self) -> StoredValue {
        match &self.after {
            DesiredValue::Set(value) => StoredValue::Json(value.clone()),
            DesiredValue::Remove => StoredValue::Absent,
            DesiredValue::Secret(_) => {
                self.fingerprint.clone().map_or(StoredValue::Hidden, StoredValue::Secret)
            }
        }
    }

    /// Whether what was there isn't what is wanted.
    pub fn differs(&self) -> bool {
        match (&self.before, &self.after) {
            (StoredValue::Absent, DesiredValue::Set(after)) => !same(self.path.kind(), None, Some(after)),
            (StoredValue::Json(before), DesiredValue::Set(after)) => {
                !same(self.path.kind(), Some(before), Some(after))
            }
            (StoredValue::Secret(before), DesiredValue::Secret(_)) => {
                Some(before) != self.fingerprint.as_ref()
            }
            (StoredValue::Absent, DesiredValue::Remove) => false,
            (StoredValue::Json(before), DesiredValue::Remove) => !before.is_null(),
            (StoredValue::Secret(_) | StoredValue::Hidden, _)
            | (StoredValue::Absent | StoredValue::Json(_), DesiredValue::Secret(_)) => true,
        }
    }
}

/// What a reviewer must see of a change before anything else.
impl PlannedField {
    /// What makes somebody less safe here, if the change does.
    pub fn risk(&self) -> Option<&Arc<Risk>> {
        let DesiredValue::Set(after) = &self.after else { return None };
        if !self.differs() {
            return None;
        }
        let field = self.path.field();
        if let (true, Some(members), Value::Object(entry)) = (field.is_entry(), field.members(), after) {
            // An entry that comes back whole.
            return members
                .iter()
                .filter_map(|member| Some((member, entry.get(&*member.name)?)))
                .flat_map(|(member, value)| member.risks.iter().map(move |risk| (risk, value)))
                .find_map(|(risk, value)| risk.covers(None, value).then_some(risk));
        }
        let before = match &self.before {
            StoredValue::Json(before) => Some(before),
            _ => None,
        };
        let risk = field.risks.iter().find(|risk| risk.covers(before, after))?;
        let was_so = match &self.before {
            // What was off and loses its value stays off.
            StoredValue::Json(before) if after.is_null() => risk.covers(None, before),
            StoredValue::Absent => after.is_null(),
            _ => false,
        };
        (!was_so).then_some(risk)
    }

    /// Whether entries of a map are taken out.
    pub fn removes(&self) -> bool {
        let empties = || {
            // A map that no parser takes is kept as text, and has something in it.
            let holds = |value: &Value| match value {
                Value::Object(entries) => !entries.is_empty(),
                other => !other.is_null(),
            };
            matches!((self.path.kind(), &self.before, &self.after),
                (Kind::Map(_) | Kind::Opaque, StoredValue::Json(before), DesiredValue::Set(Value::Object(after)))
                if after.is_empty() && holds(before))
        };
        self.differs() && (self.after == DesiredValue::Remove || empties())
    }
}

/// A row and its side rows as typed, to give them back in `retry.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Typed {
    /// The cells of the manifest's row.
    pub row: Vec<String>,
    /// The cells of its side rows, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sides: Vec<(TableName, Vec<String>)>,
}

/// [`Typed`] as JSON: most who read a plan don't need it, and it is as long as the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawTyped(Box<RawValue>);

impl RawTyped {
    /// What was typed.
    ///
    /// # Errors
    /// It has another shape: the plan's line is none.
    pub fn read(&self) -> Result<Typed, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl From<&Typed> for RawTyped {
    fn from(typed: &Typed) -> Self {
        Self(serde_json::value::to_raw_value(typed).expect("texts in lists are JSON"))
    }
}

impl Default for RawTyped {
    fn default() -> Self {
        Self::from(&Typed::default())
    }
}

impl PartialEq for RawTyped {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// One org in a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanLine {
    /// The number of its wave; only orgs to be written have one. It is first, where
    /// [`PlanWriter::placed`](super::PlanWriter::placed) can put it once all waves are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
    /// The physical line of its row in the manifest; the header's is 1.
    pub line: u64,
    /// The org.
    pub org: Ruuid,
    /// Its name: as typed, else the live one where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it is omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip: Option<String>,
    /// The row's note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The row's `_*` cells, in the header's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<String>,
    /// What planning found.
    pub verdict: Verdict,
    /// What is to be done. Not stored where that is nothing.
    #[serde(skip_serializing_if = "Action::is_none")]
    pub action: Action,
    /// Why, where something is wrong.
    #[serde(rename = "complaint", skip_serializing_if = "Option::is_none")]
    pub org_error: Option<OrgError>,
    /// The read didn't say whose settings these are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
    /// What must be live before the write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<Expect>,
    /// The names of the secrets that the write needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretName>,
    /// Every managed path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<PlannedField>,
    /// Entries that the write adds to maps that have others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additions: Vec<UnknownKey>,
    /// Entries to be removed that aren't there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub idle_removals: Vec<UnknownKey>,
    /// The row as typed.
    pub typed: RawTyped,
}

impl PlanLine {
    /// Reads a line of a plan of an operation.
    ///
    /// # Errors
    /// It is none.
    pub fn read(json: &str, operation: &Operation) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<StoredLine<'_>>(json)?.resolve(operation)
    }

    /// Makes this the line of an org that something stops.
    pub fn stop(&mut self, verdict: Verdict, org_error: OrgError) {
        self.verdict = verdict;
        self.action = verdict.action();
        self.org_error = Some(org_error);
    }

    /// The outcome of an org that isn't to be written: what planning found. `fresh` says that the plan was
    /// made by this very run, so that an unchanged org was seen as desired by it.
    pub fn settled_outcome(&self, index: u32, fresh: bool) -> Option<OrgOutcome> {
        let status = self.verdict.status()?;
        let hidden = self.fields.iter().any(|field| field.before == StoredValue::Hidden);
        let verified = match (status, fresh) {
            (Status::Unchanged, true) if hidden => Verified::Partly,
            (Status::Unchanged, true) => Verified::True,
            _ => Verified::False,
        };
        Some(OrgOutcome {
            index,
            status,
            action: Action::None,
            attempts: 0,
            http_status: self.org_error.as_ref().and_then(|org_error| org_error.http_status),
            org_error: self.org_error.clone(),
            ack: Ack::default(),
            verified,
            started_at: None,
            finished_at: None,
            may_be_live: false,
            is_unsettled_again: false,
        })
    }
}
