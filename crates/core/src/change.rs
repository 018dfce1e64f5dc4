//! What a run changes in an org: which of the plan's fields, and what was there right before the write.
//!
//! A journal keeps what the plan doesn't say: where a read before a write shows what the plan saw, that is all there is to
//! record. What was written, and why, is in the plan, which lies beside it and is bound to it. The two are joined here.

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

/// The before-image of a write: what was there, right before it, at each field that it changes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// What the plan saw, at each field that differed then.
    #[default]
    AsPlanned,
    /// Nothing was read; every field is written.
    Unread,
    /// These values, at these fields, in the plan's order.
    Seen(Vec<Seen>),
}

impl Before {
    /// The same, as short as it can be said beside the plan's fields.
    #[must_use]
    pub fn beside(self, fields: &[PlannedField]) -> Self {
        match self {
            Self::Seen(seen) if is_as_planned(&seen, fields) => Self::AsPlanned,
            other => other,
        }
    }

    /// Whether it is all that the plan says already: not stored.
    pub(crate) const fn is_as_planned(&self) -> bool {
        matches!(self, Self::AsPlanned)
    }

    /// Whether each field that it names is one of these: only a journal of another plan names others.
    pub fn fits(&self, fields: &[PlannedField]) -> bool {
        match self {
            Self::AsPlanned | Self::Unread => true,
            Self::Seen(seen) => seen.iter().all(|seen| (seen.field as usize) < fields.len()),
        }
    }

    /// The fields in their order, each with what was there, if the write changes it.
    pub fn at<'a>(
        &'a self,
        fields: &'a [PlannedField],
    ) -> impl Iterator<Item = (&'a PlannedField, Option<&'a StoredValue>)> + Clone {
        let mut seen = match self {
            Self::Seen(seen) => seen.iter(),
            Self::AsPlanned | Self::Unread => [].iter(),
        }
        .peekable();
        (0..).zip(fields).map(move |(place, field)| {
            let before = match self {
                Self::AsPlanned => Some(&field.before).filter(|_| field.differs()),
                Self::Unread => Some(&field.before),
                Self::Seen(_) => seen.next_if(|seen| seen.field == place).map(|seen| &seen.stored),
            };
            (field, before)
        })
    }
}

fn is_as_planned(seen: &[Seen], fields: &[PlannedField]) -> bool {
    let mut differing = (0..).zip(fields).filter(|(_, field)| field.differs());
    let are_same = |seen: &Seen| {
        differing.next().is_some_and(|(place, field)| (place, &field.before) == (seen.field, &seen.stored))
    };
    seen.iter().all(are_same) && differing.next().is_none()
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

/// What a write changed: what was there before it, joined with the fields of its step.
pub fn changes<'a>(step: &'a PlannedStep, before: &'a Before) -> impl Iterator<Item = Change<'a>> + Clone {
    before
        .at(&step.fields)
        .filter_map(|(field, before)| Some(Change { operation: &step.operation, field, before: before? }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::desired::{DesiredValue, Origin};

    fn field(path: &str, before: StoredValue, after: Value) -> PlannedField {
        PlannedField {
            path: Operation::default_one().path(path).unwrap(),
            before,
            after: DesiredValue::Set(after),
            fingerprint: None,
            from: Origin::Row,
        }
    }

    fn fields() -> Vec<PlannedField> {
        let was = |value: bool| StoredValue::Json(value.into());
        vec![
            field("enabled", was(false), json!(true)),
            field("saveClips", was(true), json!(true)),
            field("indexFaces", StoredValue::Absent, json!(true)),
        ]
    }

    fn seen(values: &[(u32, StoredValue)]) -> Before {
        Before::Seen(
            values.iter().map(|(field, stored)| Seen { field: *field, stored: stored.clone() }).collect(),
        )
    }

    #[test]
    fn what_the_plan_saw_is_left_to_the_plan_and_found_there() {
        let fields = fields();
        let all = seen(&[(0, StoredValue::Json(false.into())), (2, StoredValue::Absent)]);
        assert_eq!(all.clone().beside(&fields), Before::AsPlanned);
        assert!(all.at(&fields).eq(Before::AsPlanned.at(&fields)));
        for other in [
            seen(&[(0, StoredValue::Json(false.into()))]),
            seen(&[(0, StoredValue::Json(Value::Null)), (2, StoredValue::Absent)]),
            seen(&[(0, StoredValue::Json(false.into())), (1, StoredValue::Absent), (2, StoredValue::Absent)]),
            Before::Unread,
        ] {
            assert_eq!(other.clone().beside(&fields), other);
        }
    }

    #[test]
    fn each_field_is_joined_with_what_was_there() {
        let fields = fields();
        let joined = |before: &Before| -> Vec<Option<StoredValue>> {
            before.at(&fields).map(|(_, before)| before.cloned()).collect()
        };
        let (off, null) = (Some(StoredValue::Json(false.into())), Some(StoredValue::Json(Value::Null)));
        assert_eq!(joined(&Before::AsPlanned), [off.clone(), None, Some(StoredValue::Absent)]);
        assert_eq!(
            joined(&Before::Unread),
            [off, Some(StoredValue::Json(true.into())), Some(StoredValue::Absent)]
        );
        let one = seen(&[(1, StoredValue::Json(Value::Null))]);
        assert_eq!(joined(&one), [None, null, None]);
        assert!(one.fits(&fields) && !one.fits(&fields[..1]));
    }
}
