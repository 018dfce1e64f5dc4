//! A plan's line as its JSON says it: paths and origins are texts, which mean something with an operation in hand only.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Value;

use super::{PlanLine, PlannedField, RawTyped, UnknownKey, Verdict};
use crate::desired::{DesiredValue, Expect, Origin};
use crate::ids::Ruuid;
use crate::operation::{Operation, Path};
use crate::outcome::{OrgError, StoredValue};
use crate::secret::{Fingerprint, SecretName};
use crate::status::Action;

/// A text of the line, copied only if it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A [`PlanLine`] as stored: without what the rest says.
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
    #[serde(default = "Action::nothing")]
    action: Action,
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
    typed: RawTyped,
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

impl StoredLine<'_> {
    /// What the line means.
    ///
    /// # Errors
    /// A text in it means nothing to the operation.
    pub(super) fn resolve(self, operation: &Operation) -> Result<PlanLine, serde_json::Error> {
        let path = |text: &Text<'_>| operation.path(&text.0).map_err(serde_json::Error::custom);
        let keys = |stored: Vec<StoredKey<'_>>| {
            stored.into_iter().map(|key| key.resolve(path)).collect::<Result<Vec<_>, _>>()
        };
        let expect = |StoredExpect { path: text, value }| Ok(Expect { path: path(&text)?, value });
        Ok(PlanLine {
            wave: self.wave,
            line: self.line,
            org: self.org,
            name: self.name,
            skip: self.skip,
            note: self.note,
            carried: self.carried,
            verdict: self.verdict,
            action: self.action,
            org_error: self.org_error,
            unproven: self.unproven,
            expects: self.expects.into_iter().map(expect).collect::<Result<_, serde_json::Error>>()?,
            secrets: self.secrets,
            fields: self
                .fields
                .into_iter()
                .map(|field| field.resolve(operation))
                .collect::<Result<_, _>>()?,
            additions: keys(self.additions)?,
            idle_removals: keys(self.idle_removals)?,
            typed: self.typed,
        })
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
    fn resolve(
        self,
        path: impl Fn(&Text<'_>) -> Result<Path, serde_json::Error>,
    ) -> Result<UnknownKey, serde_json::Error> {
        Ok(UnknownKey { entry: path(&self.entry)?, near: self.near, respelled: self.respelled })
    }
}
