//! The words for types.

use std::sync::Arc;

use crate::operation::{Field, Kind, Thing};

/// What a type's words leave open.
#[derive(Default)]
pub(super) struct Details {
    /// The words of an enum.
    pub(super) values: Vec<Box<str>>,
    /// Whether lists compare as sets.
    pub(super) as_set: bool,
    /// What RUUIDs are of.
    pub(super) ids: Option<Thing>,
}

/// The types that are one word.
pub(super) const WORDS: &str = "bool, int32, int64, number, text, enum, ruuid, hierarchy_key, address_range, opaque, `list of` or `map of` one of these";

/// The type that a text names.
pub(super) fn kind(text: &str, details: &Details) -> Option<Kind> {
    if let Some(of) = text.strip_prefix("list of ") {
        return Some(Kind::List { of: element(of, details)?, as_set: details.as_set });
    }
    if let Some(of) = text.strip_prefix("map of ") {
        return Some(Kind::Map(element(of, details)?));
    }
    Some(match text {
        "bool" => Kind::Bool,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "number" => Kind::Number,
        "text" => Kind::Text,
        "enum" => Kind::Enum(details.values.clone()),
        "ruuid" => Kind::Ruuid(details.ids),
        "hierarchy_key" => Kind::HierarchyKey,
        "address_range" => Kind::AddressRange,
        "opaque" => Kind::Opaque,
        _ => return None,
    })
}

fn element(text: &str, details: &Details) -> Option<Arc<Field>> {
    Some(Arc::new(Field::new("", kind(text, details)?)))
}

/// The type of the values in lists and maps of values, or the type itself.
pub(super) fn innermost(kind: &Kind) -> &Kind {
    match kind {
        Kind::List { of, .. } | Kind::Map(of) => innermost(&of.kind),
        other => other,
    }
}
