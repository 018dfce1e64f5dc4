//! What a description means, without its words: plans and runs are bound to it by a digest.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Absent, Body, Class, Field, Fields, Kind, Operation, Owner, Risk, Risky, Thing};
use crate::secret::hex;

/// The digest of what an operation means, in hex. Titles, words, advice and examples are no part of it.
pub(super) fn digest(operation: &Operation) -> Box<str> {
    // Objects of serde_json are sorted, so one meaning has one text.
    hex(&Sha256::digest(meaning(operation).to_string())).into()
}

fn meaning(operation: &Operation) -> Value {
    json!({
        "name": operation.name,
        "read": operation.read.path,
        "write": operation.write.path,
        "at": operation.at,
        "wrap": operation.wrap,
        "body": match operation.body {
            Body::Whole => "whole",
            Body::Projected => "projected",
        },
        "owner": match &operation.owner {
            Owner::Inside(at) => json!({ "at": at }),
            Owner::Beside(at) => json!({ "beside": at }),
            Owner::Unproven => Value::Null,
        },
        "kind": operation.discriminator.as_ref().map(|kind| [&kind.member, &kind.is]),
        "absent": match operation.absent {
            Absent::NotConnected => "not connected",
            Absent::Empty => "empty",
        },
        "watch": operation.watch,
        "confesses": operation.confesses.iter().map(|confession| &*confession.member).collect::<Vec<_>>(),
        "reversible": operation.irreversible.is_none(),
        "one_place": operation.one_place.as_ref().map(|rule| [&rule.map, &rule.name, &rule.place]),
        "tables": operation.tables.iter().map(|table| json!([*table.name, table.key_column, *table.map.name])).collect::<Vec<_>>(),
        "fields": fields(&operation.fields),
    })
}

fn fields(fields: &Fields) -> Value {
    fields.iter().map(|field| (field.name.to_string(), field_meaning(field))).collect()
}

fn field_meaning(field: &Field) -> Value {
    json!({
        "class": match field.class {
            Class::Setting => "setting",
            Class::Secret => "secret",
            Class::ServerState => "server",
            Class::Audit => "audit",
            Class::Identity => "identity",
            Class::Discriminator => "discriminator",
            Class::Keep => "keep",
            Class::Omit => "omit",
        },
        "kind": kind(&field.kind),
        "readback": field.is_shown,
        "secret_keys": field.has_secret_keys,
        "reversible": field.irreversible.is_none(),
        "risks": field.risks.iter().map(AsRef::as_ref).map(risk_meaning).collect::<Vec<_>>(),
    })
}

fn kind(of: &Kind) -> Value {
    match of {
        Kind::Bool => "bool".into(),
        Kind::Int32 => "int32".into(),
        Kind::Int64 => "int64".into(),
        Kind::Number => "number".into(),
        Kind::Text => "text".into(),
        Kind::Enum(values) => json!({ "enum": values }),
        Kind::Ruuid(None) => "ruuid".into(),
        Kind::Ruuid(Some(Thing::Camera)) => "ruuid of a camera".into(),
        Kind::Ruuid(Some(Thing::Location)) => "ruuid of a location".into(),
        Kind::HierarchyKey => "hierarchy_key".into(),
        Kind::AddressRange => "address_range".into(),
        Kind::List { of, as_set: true } => json!({ "set": field_meaning(of) }),
        Kind::List { of, as_set: false } => json!({ "list": field_meaning(of) }),
        Kind::Map(entry) => json!({ "map": field_meaning(entry) }),
        Kind::Object(members) => json!({ "object": fields(members) }),
        Kind::Opaque => "opaque".into(),
    }
}

fn risk_meaning(risk: &Risk) -> Value {
    let values = risk.values.iter().map(|risky| match risky {
        Risky::Is(flag) => Value::from(*flag),
        Risky::Number(number) => Value::from(number.clone()),
        Risky::Word(word) => json!({ "word": word }),
        Risky::Null => "<null>".into(),
        Risky::Empty => "<empty>".into(),
        Risky::Filled => "filled".into(),
        Risky::Lowered => "lowered".into(),
        Risky::Raised => "raised".into(),
        Risky::Any => "any".into(),
    });
    json!({
        "when": values.collect::<Vec<_>>(),
        "guard": risk.guard.as_ref().map(|guard| &guard.code),
    })
}
