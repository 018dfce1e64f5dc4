//! What an org starts with of any operation but the default one: every described field, by its type, and some unknown ones.
//!
//! Each value depends on the seed, the org and its place, and on nothing else: a field that is described tomorrow changes none
//! of the others.

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Body, Class, Field, Fields, Kind, Operation, Thing};
use serde_json::{Map, Value, json};

use super::estate::Estate;
use crate::dice::Dice;
use crate::members::Members;

/// Whose settings are made.
pub(super) struct Maker<'a> {
    pub(super) seed: u64,
    pub(super) org: Ruuid,
    /// The org's name.
    pub(super) name: &'a str,
    pub(super) estate: &'a Estate,
}

impl Maker<'_> {
    /// Adds the settings of an operation to what is in its place already.
    pub(super) fn fill(&self, members: &mut Members, operation: &Operation) {
        for field in operation.fields.iter() {
            if members.get(&field.name).is_none() {
                let mut dice = self.dice(operation, &field.name);
                let value = match &operation.discriminator {
                    Some(discriminator) if *discriminator.member == *field.name => {
                        discriminator.is.as_ref().into()
                    }
                    _ if operation.owner.inside() == Some(&*field.name) => json!(self.org),
                    _ => self.value(operation, field, &mut dice),
                };
                members.set(&field.name, &value);
            }
        }
        let mut dice = self.dice(operation, "");
        for (name, value) in [
            ("unlistedPolicy", json!({"limits": [1, 2.5, null], "mode": "strict", "note": null})),
            ("recordEpoch", json!(9_007_199_254_740_993 + dice.below(1_000))),
            ("retiredFeature", Value::Null),
        ] {
            if members.get(name).is_none() {
                members.set(name, &value);
            }
        }
    }

    fn dice(&self, operation: &Operation, field: &str) -> Dice {
        let place = [self.org.as_bytes(), operation.read.path.as_bytes(), operation.at.as_bytes()];
        Dice::new(self.seed, &[b"starting", place[0], place[1], place[2], field.as_bytes()])
    }

    fn value(&self, operation: &Operation, field: &Field, dice: &mut Dice) -> Value {
        match &field.kind {
            Kind::Bool => flag(field, dice).into(),
            Kind::Int32 => (1 + dice.below(90)).into(),
            Kind::Int64 if field.class == Class::Audit => {
                (1_700_000_000_000 + dice.below(1_000_000_000)).into()
            }
            // Beyond what a float holds.
            Kind::Int64 => (9_007_199_254_740_993 + dice.below(1_000)).into(),
            // What a float holds exactly, and its shortest text too.
            #[expect(clippy::cast_precision_loss, reason = "below 64")]
            Kind::Number => (dice.below(64) as f64 / 64.0).into(),
            Kind::Text if field.is_secret() => {
                format!("{}-{}-{}", operation.name, name(field), dice.ruuid()).into()
            }
            Kind::Text if field.class == Class::Keep && &*field.name == "name" => self.name.into(),
            Kind::Text => format!("{} {}", name(field), 1 + dice.below(1_000)).into(),
            Kind::Enum(words) => dice.pick(words).as_ref().into(),
            Kind::Ruuid(Some(Thing::Camera)) => json!(dice.pick(&self.estate.cameras).uuid),
            Kind::Ruuid(Some(Thing::Location)) => json!(dice.pick(&self.estate.locations).uuid),
            Kind::Ruuid(None) => json!(dice.ruuid()),
            Kind::HierarchyKey => json!(dice.pick(&self.estate.locations).uuid),
            Kind::AddressRange => format!("10.{}.{}.0/24", dice.below(256), dice.below(256)).into(),
            // What went wrong: nothing yet.
            Kind::List { .. } if field.class == Class::ServerState => json!([]),
            Kind::List { of, .. } => (0..=dice.below(3)).map(|_| self.value(operation, of, dice)).collect(),
            Kind::Map(entry) => {
                let key = |place, dice: &mut Dice| match place {
                    _ if field.has_secret_keys => format!("{}-key-{}", operation.name, dice.ruuid()),
                    0 => "north.1".to_owned(),
                    _ => format!("entry-{}", 1_000 + place),
                };
                let entries =
                    (0..=dice.below(3)).map(|place| (key(place, dice), self.value(operation, entry, dice)));
                Value::Object(entries.collect())
            }
            Kind::Object(members) => self.object(operation, field, members, dice),
            Kind::Opaque => json!({ "1700000000000-000000": {
                "enabledTimestampMs": 1_700_000_000_000_u64,
                "integrationAuditEvent": "UPDATE",
                "serial": u64::MAX - dice.below(1_000),
                "user": null,
            }}),
        }
    }

    fn object(&self, operation: &Operation, field: &Field, members: &Fields, dice: &mut Dice) -> Value {
        let mut object: Map<String, Value> = members
            .iter()
            .map(|member| (member.name.to_string(), self.value(operation, member, dice)))
            .collect();
        // A projected body doesn't send it back, and the server can't match up what is in a list.
        if operation.body == Body::Whole || !field.place().contains('*') {
            let unlisted = json!({"serial": u64::MAX - dice.below(1_000), "pairedWith": null});
            object.insert("unlisted".to_owned(), unlisted);
        }
        object.into()
    }
}

/// What a field is called; what is in a list or under a key, what the list or the map is called.
fn name(field: &Field) -> &str {
    field.place().rsplit('.').find(|name| *name != "*").unwrap_or_default()
}

/// A flag; nothing that is guarded is on already.
fn flag(field: &Field, dice: &mut Dice) -> bool {
    let is_guarded =
        |flag: bool| field.risks.iter().any(|risk| risk.guard.is_some() && risk.covers(None, &flag.into()));
    match field.class {
        Class::ServerState => true,
        Class::Omit => false,
        _ if is_guarded(true) != is_guarded(false) => is_guarded(false),
        _ => dice.chance(0.5),
    }
}
