//! A plan's line as its JSON says it: paths and origins are texts, which mean something with an operation in hand only.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Value;

use super::{PlanLine, PlannedField, PlannedStep, Precondition, RawTyped, UnknownKey, Verdict};
use crate::desired::{DesiredValue, Expect, Origin};
use crate::ids::Ruuid;
use crate::operation::{Operation, Operations};
use crate::outcome::{OrgError, StoredValue};
use crate::secret::{Fingerprint, SecretName};
use crate::status::Action;

/// A text of the line, copied only if it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A [`PlanLine`] as stored: without what the rest says. Until format 2 a line had one step, and its members were the line's own.
#[derive(Deserialize)]
pub(super) struct StoredLine<'a> {
    wave: Option<u32>,
    line: u64,
    org: Ruuid,
    name: Option<String>,
    skip: Option<String>,
    note: Option<String>,
    #[serde(default)]
    carried: Vec<String>,
    verdict: Verdict,
    #[serde(rename = "complaint")]
    org_error: Option<OrgError>,
    #[serde(default, borrow)]
    preconditions: Vec<StoredPrecondition<'a>>,
    #[serde(default, borrow)]
    steps: Vec<StoredStep<'a>>,
    #[serde(default)]
    unproven: bool,
    #[serde(default, borrow)]
    expects: Vec<StoredExpect<'a>>,
    #[serde(default)]
    secrets: Vec<SecretName>,
    #[serde(default, borrow)]
    fields: Vec<StoredField<'a>>,
    #[serde(default, borrow)]
    additions: Vec<StoredKey<'a>>,
    #[serde(default, borrow)]
    idle_removals: Vec<StoredKey<'a>>,
    typed: RawTyped,
}

#[derive(Deserialize)]
struct StoredStep<'a> {
    #[serde(borrow)]
    operation: Text<'a>,
    #[serde(default = "Action::nothing")]
    action: Action,
    /// Where a step is stopped.
    verdict: Option<Verdict>,
    #[serde(rename = "complaint")]
    org_error: Option<OrgError>,
    #[serde(default)]
    unproven: bool,
    #[serde(default, borrow)]
    expects: Vec<StoredExpect<'a>>,
    #[serde(default)]
    secrets: Vec<SecretName>,
    #[serde(default, borrow)]
    fields: Vec<StoredField<'a>>,
    #[serde(default, borrow)]
    additions: Vec<StoredKey<'a>>,
    #[serde(default, borrow)]
    idle_removals: Vec<StoredKey<'a>>,
    #[serde(default)]
    unreadable: Vec<Box<str>>,
}

#[derive(Deserialize)]
struct StoredPrecondition<'a> {
    #[serde(borrow)]
    operation: Text<'a>,
    #[serde(borrow)]
    expects: Vec<StoredExpect<'a>>,
}

#[derive(Deserialize)]
struct StoredField<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    before: Option<StoredValue>,
    after: DesiredValue,
    fingerprint: Option<Fingerprint>,
    #[serde(borrow)]
    from: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct StoredExpect<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    value: Value,
}

#[derive(Deserialize)]
struct StoredKey<'a> {
    #[serde(borrow)]
    entry: Text<'a>,
    #[serde(default)]
    near: Vec<String>,
    #[serde(default)]
    respelled: bool,
}

impl<'a> StoredLine<'a> {
    /// What the line means.
    ///
    /// # Errors
    /// A text in it means nothing to the operations.
    pub(super) fn resolve(mut self, operations: &Operations) -> Result<PlanLine, serde_json::Error> {
        let steps = match self.single_step(operations) {
            Some(step) => vec![step],
            None => std::mem::take(&mut self.steps),
        };
        let precondition = |StoredPrecondition { operation: Text(name), expects }: StoredPrecondition<'_>| {
            let (place, operation) = named(operations, &name)?;
            let operation = Arc::clone(operation);
            let expects =
                expects.into_iter().map(|expect| expect.resolve(&operation)).collect::<Result<_, _>>()?;
            Ok::<_, serde_json::Error>(Precondition { operation, place, expects })
        };
        Ok(PlanLine {
            wave: self.wave,
            line: self.line,
            org: self.org,
            name: self.name,
            skip: self.skip,
            note: self.note,
            carried: self.carried,
            verdict: self.verdict,
            org_error: self.org_error,
            preconditions: self.preconditions.into_iter().map(precondition).collect::<Result<_, _>>()?,
            steps: steps.into_iter().map(|step| step.resolve(operations)).collect::<Result<_, _>>()?,
            typed: self.typed,
        })
    }

    /// The one step of a line of an older format; a row that could not have one says why itself.
    fn single_step(&mut self, operations: &Operations) -> Option<StoredStep<'a>> {
        let was_judged =
            matches!(self.verdict, Verdict::Update | Verdict::Unchanged) || !self.fields.is_empty();
        (self.steps.is_empty() && was_judged).then(|| StoredStep {
            operation: Text(Cow::Owned(operations.first().name.to_string())),
            action: Action::None,
            verdict: Some(self.verdict),
            org_error: self.org_error.take(),
            unproven: self.unproven,
            expects: std::mem::take(&mut self.expects),
            secrets: std::mem::take(&mut self.secrets),
            fields: std::mem::take(&mut self.fields),
            additions: std::mem::take(&mut self.additions),
            idle_removals: std::mem::take(&mut self.idle_removals),
            unreadable: Vec::new(),
        })
    }
}

fn named<'o>(operations: &'o Operations, name: &str) -> Result<(u8, &'o Arc<Operation>), serde_json::Error> {
    let found = operations.iter().find(|(_, operation)| *operation.name == *name);
    found.ok_or_else(|| serde_json::Error::custom(format_args!("{name:?} is not an operation of this plan")))
}

impl StoredStep<'_> {
    fn resolve(self, operations: &Operations) -> Result<PlannedStep, serde_json::Error> {
        let (place, operation) = named(operations, &self.operation.0)?;
        let keys = |stored: Vec<StoredKey<'_>>| {
            stored.into_iter().map(|key| key.resolve(operation)).collect::<Result<Vec<_>, _>>()
        };
        Ok(PlannedStep {
            operation: Arc::clone(operation),
            place,
            verdict: self.verdict.unwrap_or(Verdict::of(self.action)),
            org_error: self.org_error,
            unproven: self.unproven,
            expects: self
                .expects
                .into_iter()
                .map(|expect| expect.resolve(operation))
                .collect::<Result<_, _>>()?,
            secrets: self.secrets,
            fields: self
                .fields
                .into_iter()
                .map(|field| field.resolve(operation))
                .collect::<Result<_, _>>()?,
            additions: keys(self.additions)?,
            idle_removals: keys(self.idle_removals)?,
            unreadable: self.unreadable,
        })
    }
}

impl StoredExpect<'_> {
    fn resolve(self, operation: &Operation) -> Result<Expect, serde_json::Error> {
        let path = operation.path(&self.path.0).map_err(serde_json::Error::custom)?;
        Ok(Expect { path, value: self.value })
    }
}

impl StoredField<'_> {
    fn resolve(self, operation: &Operation) -> Result<PlannedField, serde_json::Error> {
        let Self { path, before, after, fingerprint, from } = self;
        let before = before.unwrap_or_else(|| match &after {
            DesiredValue::Set(value) => StoredValue::Json(value.clone()),
            DesiredValue::Remove | DesiredValue::Secret(_) => StoredValue::Absent,
        });
        let from = match from {
            None => Origin::Row,
            Some(Text(text)) => operation
                .origin(&text)
                .ok_or_else(|| serde_json::Error::custom(format_args!("{text:?} is not a valid origin")))?,
        };
        let path = operation.path(&path.0).map_err(serde_json::Error::custom)?;
        Ok(PlannedField { path, before, after, fingerprint, from })
    }
}

impl StoredKey<'_> {
    fn resolve(self, operation: &Operation) -> Result<UnknownKey, serde_json::Error> {
        let entry = operation.path(&self.entry.0).map_err(serde_json::Error::custom)?;
        Ok(UnknownKey { entry, near: self.near, respelled: self.respelled })
    }
}
