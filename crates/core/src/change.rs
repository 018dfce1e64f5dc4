//! What a run changes in an org: which of the plan's fields, and what was there right before the write.
//!
//! A journal keeps only the place of the field in its plan line and the before-image: what was written, and why,
//! is in the plan, which lies beside it and is bound to it. The two are joined here.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::operation::Operation;
use crate::outcome::StoredValue;
use crate::plan::{PlannedField, PlannedStep};

/// What was seen at a managed path. On the wire a pair: `[3,{"json":true}]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The place of the path among the fields of its plan line, from 0.
    pub field: u32,
    /// What was there.
    pub stored: StoredValue,
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.field, &self.stored).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (field, stored) = Deserialize::deserialize(deserializer)?;
        Ok(Self { field, stored })
    }
}

/// A change, with what the plan says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change<'a> {
    /// Of what.
    pub operation: &'a Arc<Operation>,
    /// Where, and what was wanted.
    pub field: &'a PlannedField,
    /// What was there right before the write.
    pub before: &'a StoredValue,
}

/// Joins what was seen with the fields that it was seen at; `None` for a place that the step doesn't have, which
/// only a journal of another plan names.
pub fn changes<'a>(
    step: &'a PlannedStep,
    before: &'a [Seen],
) -> impl Iterator<Item = Option<Change<'a>>> + Clone {
    before.iter().map(|seen| {
        let field = step.fields.get(seen.field as usize)?;
        Some(Change { operation: &step.operation, field, before: &seen.stored })
    })
}
