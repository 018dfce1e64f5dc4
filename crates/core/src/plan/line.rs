//! A line of a plan: one org, and what is to be done to it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Places, RawTyped, UnknownKey};
use crate::code::Code;
use crate::desired::{DesiredValue, Expect, Origin};
use crate::ids::{Ruuid, StepId};
use crate::operation::{Field, Kind, Operation, Path, Risk};
use crate::outcome::{OrgError, OrgOutcome, StoredValue};
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

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self.status() {
            Some(status) => status.as_str(),
            None => "update",
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
    /// What was there. [`StoredValue::Absent`] also where nothing was read (`--no-read`).
    pub before: StoredValue,
    /// What is wanted.
    pub after: DesiredValue,
    /// The fingerprint of the wanted value, where that is a secret.
    pub fingerprint: Option<Fingerprint>,
    /// Where the desired value was written.
    pub from: Origin,
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
    /// The first of [`Self::risks`].
    pub fn risk(&self) -> Option<&Arc<Risk>> {
        self.risks().next()
    }

    /// What the change does that makes an org less safe, or removes something.
    pub fn risks(&self) -> impl Iterator<Item = &Arc<Risk>> {
        let field = self.path.field();
        // An entry that comes back whole has the risks of its members.
        let members = field.members().filter(|_| field.is_entry());
        let mut found = Vec::new();
        if (field.members().is_none() && field.risks.is_empty()) || !self.differs() {
            return found.into_iter();
        }
        match (&self.after, members) {
            (DesiredValue::Set(Value::Object(entry)), Some(members)) => {
                for (member, value) in
                    members.iter().filter_map(|member| Some((member, entry.get(&*member.name)?)))
                {
                    found.extend(member.risks.iter().filter(|risk| risk.covers(None, value)));
                }
            }
            (DesiredValue::Set(after), _) => {
                let before = match &self.before {
                    StoredValue::Json(before) => Some(before),
                    _ => None,
                };
                found.extend(field.risks.iter().filter(|risk| risk.covers(before, after)));
                // What is cleared as a whole takes the values of its members with it.
                if after.is_null() || after.as_object().is_some_and(Map::is_empty) {
                    cleared(field, before, &mut found);
                }
            }
            (DesiredValue::Secret(_), _) => {
                let some = Value::from("a secret");
                found.extend(field.risks.iter().filter(|risk| risk.covers(None, &some)));
            }
            (DesiredValue::Remove, _) => {}
        }
        found.into_iter()
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
                (Kind::Map(_) | Kind::Object(_) | Kind::Opaque, StoredValue::Json(before), DesiredValue::Set(Value::Object(after)))
                if after.is_empty() && holds(before))
        };
        self.differs() && (self.after == DesiredValue::Remove || empties())
    }
}

/// One org in a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanLine {
    /// The number of its wave; only orgs to be written have one. Stored is what the manifest pins only: the others are
    /// [dealt](super::Dealer) by the footer.
    pub wave: Option<u32>,
    /// The physical line of its row in the manifest; the header's is 1.
    pub line: u64,
    /// The org.
    pub org: Ruuid,
    /// Its name: as typed, else the live one where it is known.
    pub name: Option<String>,
    /// Why it is omitted.
    pub skip: Option<String>,
    /// The row's note.
    pub note: Option<String>,
    /// The row's `_*` cells, in the header's order.
    pub carried: Vec<String>,
    /// What planning found: of the row itself, or of its steps together.
    pub verdict: Verdict,
    /// What is wrong with the row itself: then it has no steps.
    pub org_error: Option<OrgError>,
    /// What must be live before the first write, of operations that the row has no step of.
    pub preconditions: Vec<Precondition>,
    /// What is to be done, in the order of the plan's operations.
    pub steps: Vec<PlannedStep>,
    /// The row as typed.
    pub typed: RawTyped,
}

/// The risks of the members of an object that goes.
fn cleared<'a>(field: &'a Field, before: Option<&Value>, found: &mut Vec<&'a Arc<Risk>>) {
    let Kind::Object(members) = &field.kind else { return };
    for member in members.iter() {
        let before = before.and_then(|before| before.get(&*member.name));
        if before.is_some_and(|before| !before.is_null()) {
            found.extend(member.risks.iter().filter(|risk| risk.covers(before, &Value::Null)));
            cleared(member, before, found);
        }
    }
}

/// The one of these that speaks for an org.
pub(super) fn worst(statuses: impl Iterator<Item = Status>) -> Option<Status> {
    statuses.max_by_key(|status| status.severity())
}

/// One step of an org: what is to be done to its settings of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStep {
    /// Of what.
    pub operation: Arc<Operation>,
    /// The operation's place among those of the plan.
    pub place: u8,
    /// What planning found.
    pub verdict: Verdict,
    /// Why, where something is wrong.
    pub org_error: Option<OrgError>,
    /// The read didn't say whose settings these are.
    pub unproven: bool,
    /// What must be live before the write.
    pub expects: Vec<Expect>,
    /// The names of the secrets that the write needs.
    pub secrets: Vec<SecretName>,
    /// Every managed path.
    pub fields: Vec<PlannedField>,
    /// Entries that the write adds to maps that have others.
    pub additions: Vec<UnknownKey>,
    /// Entries to be removed that aren't there.
    pub idle_removals: Vec<UnknownKey>,
    /// The places of fields that the write can't send, since the read doesn't show them.
    pub unreadable: Vec<Box<str>>,
}

/// What must be live of an operation before an org is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Precondition {
    /// Of what.
    pub operation: Arc<Operation>,
    /// The operation's place among those of the plan.
    pub place: u8,
    /// What must be live.
    pub expects: Vec<Expect>,
}

impl PlannedStep {
    /// A step of which nothing is known yet.
    pub fn new(operation: &Arc<Operation>, place: u8, verdict: Verdict) -> Self {
        Self {
            operation: Arc::clone(operation),
            place,
            verdict,
            org_error: None,
            unproven: false,
            expects: Vec::new(),
            secrets: Vec::new(),
            fields: Vec::new(),
            additions: Vec::new(),
            idle_removals: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// The paths that differ from what is wanted.
    pub fn changes(&self) -> impl Iterator<Item = &PlannedField> {
        self.fields.iter().filter(|field| field.differs())
    }

    /// Makes this a step that something stops.
    pub fn stop(&mut self, verdict: Verdict, org_error: OrgError) {
        self.verdict = verdict;
        self.org_error = Some(org_error);
    }

    /// The outcome of a step that isn't to be taken: what planning found. `fresh` says that the plan was
    /// made by this very run, so that unchanged settings were seen as desired by it.
    pub fn settled_outcome(&self, id: StepId, fresh: bool) -> Option<OrgOutcome> {
        let hidden = self.fields.iter().any(|field| field.before == StoredValue::Hidden);
        let verified = match (self.verdict, fresh) {
            (Verdict::Unchanged, true) if hidden => Verified::Partly,
            (Verdict::Unchanged, true) => Verified::True,
            _ => Verified::False,
        };
        Some(OrgOutcome::without_run(id, self.verdict.status()?, self.org_error.as_ref(), verified))
    }
}

impl PlanLine {
    /// The line of a row, with nothing to be done yet.
    pub fn new(line: u64, org: Ruuid, verdict: Verdict) -> Self {
        Self {
            wave: None,
            line,
            org,
            name: None,
            skip: None,
            note: None,
            carried: Vec::new(),
            verdict,
            org_error: None,
            preconditions: Vec::new(),
            steps: Vec::new(),
            typed: RawTyped::default(),
        }
    }

    /// The step at the place of an operation, if the org has one.
    pub fn step(&self, place: u8) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.place == place)
    }

    /// Every managed path, of all steps.
    pub fn fields(&self) -> impl Iterator<Item = &PlannedField> {
        self.steps.iter().flat_map(|step| &step.fields)
    }

    /// The paths that differ from what is wanted, of all steps.
    pub fn changes(&self) -> impl Iterator<Item = &PlannedField> {
        self.fields().filter(|field| field.differs())
    }

    /// What is wrong with the row, or with the first step of which something is.
    pub fn error(&self) -> Option<&OrgError> {
        self.org_error.as_ref().or_else(|| self.steps.iter().find_map(|step| step.org_error.as_ref()))
    }

    /// The steps that are to be taken.
    pub fn updates(&self) -> Places {
        let updates = self.steps.iter().filter(|step| step.verdict == Verdict::Update);
        updates.map(|step| step.place).collect()
    }

    /// The worst of what planning found of the steps that are not to be taken.
    pub fn rest(&self) -> Option<Status> {
        worst(self.steps.iter().filter_map(|step| step.verdict.status()))
    }

    /// What a run does to the org.
    pub const fn action(&self) -> Action {
        self.verdict.action()
    }

    /// The outcome of a row without steps.
    pub fn settled_outcome(&self, index: u32) -> Option<OrgOutcome> {
        let status = self.verdict.status()?;
        let id = StepId { org: index, place: 0 };
        Some(OrgOutcome::without_run(id, status, self.org_error.as_ref(), Verified::False))
    }

    /// Makes this the line of an org that something stops whatever its steps are.
    pub fn stop(&mut self, verdict: Verdict, org_error: OrgError) {
        self.steps.clear();
        self.verdict = verdict;
        self.org_error = Some(org_error);
    }

    /// Judges the row by its steps. Where one can't be taken the others aren't either, unless they are to keep going.
    pub fn judge(&mut self, keep_going: bool) {
        let ends_badly = |step: &PlannedStep| step.verdict.status().is_some_and(|status| !status.is_well());
        if let Some(bad) = self.steps.iter().find(|step| ends_badly(step)).filter(|_| !keep_going) {
            let message = format!("not taken, since {} is {}", bad.operation.name, bad.verdict.name());
            let updates = |step: &&mut PlannedStep| step.verdict == Verdict::Update;
            for step in self.steps.iter_mut().filter(updates) {
                let (code, message) = (Code::OrgStep, message.clone());
                step.stop(Verdict::NotAttempted, OrgError { code, message, http_status: None });
            }
        }
        if self.steps.iter().any(|step| step.verdict == Verdict::Update) {
            self.verdict = Verdict::Update;
        } else if let Some(worst) =
            self.steps.iter().max_by_key(|step| step.verdict.status().map(Status::severity))
        {
            self.verdict = worst.verdict;
        }
    }
}
