//! Types and values in words. Code is in backticks: the words are Markdown.

use orgwave_core::operation::{Field, Kind, Risk, Risky, Thing};

/// What a cell of this field holds.
pub(super) fn of(field: &Field) -> String {
    if field.is_secret() {
        return match &field.kind {
            Kind::List { .. } => "names of secrets, separated by `;`".to_owned(),
            _ => "name of a secret".to_owned(),
        };
    }
    match &field.kind {
        Kind::Bool => "`true` or `false`".to_owned(),
        Kind::Int32 | Kind::Int64 => "whole number".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Enum(words) => alternatives(words),
        Kind::Ruuid(Some(Thing::Camera)) => "id of a camera".to_owned(),
        Kind::Ruuid(Some(Thing::Location)) => "id of a location".to_owned(),
        Kind::Ruuid(None) => "id".to_owned(),
        Kind::HierarchyKey => "ids, joined by dots".to_owned(),
        Kind::AddressRange => "IP address or CIDR range".to_owned(),
        Kind::List { of, .. } => match &of.kind {
            Kind::Object(_) => "list of objects in JSON".to_owned(),
            kind => format!("{}, separated by `;`", several(kind)),
        },
        Kind::Map(entry) => format!("map, one column for each key: {}", of(entry)),
        Kind::Object(_) => "object".to_owned(),
        Kind::Opaque => "whatever the vendor keeps there".to_owned(),
    }
}

/// Several values of a type.
fn several(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "`true` or `false`".to_owned(),
        Kind::Int32 | Kind::Int64 => "whole numbers".to_owned(),
        Kind::Number => "numbers".to_owned(),
        Kind::Enum(words) => format!("any of {}", quoted(words).join(", ")),
        Kind::Ruuid(Some(Thing::Camera)) => "ids of cameras".to_owned(),
        Kind::Ruuid(Some(Thing::Location)) => "ids of locations".to_owned(),
        Kind::Ruuid(None) => "ids".to_owned(),
        Kind::AddressRange => "IP addresses and CIDR ranges".to_owned(),
        _ => "texts".to_owned(),
    }
}

/// What a member of an object in a JSON list holds.
pub(super) fn inside(field: &Field) -> String {
    match &field.kind {
        Kind::List { of, .. } => format!("list: {}", several(&of.kind)),
        _ => of(field),
    }
}

/// The values of a risk, after "when it".
pub(super) fn when(risk: &Risk) -> String {
    let mut words: Vec<String> = risk.values.iter().map(value).collect();
    // One "is" serves all that follow.
    if words.iter().all(|words| words.starts_with("is ")) {
        for words in words.iter_mut().skip(1) {
            words.drain(..3);
        }
    }
    match &words[..] {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn value(risky: &Risky) -> String {
    match risky {
        Risky::Is(flag) => format!("is `{flag}`"),
        Risky::Number(number) => format!("is `{number}`"),
        Risky::Word(word) => format!("is `{word}`"),
        Risky::Null => "is `<null>`".to_owned(),
        Risky::Empty => "is `<empty>`".to_owned(),
        Risky::Lowered => "is lowered".to_owned(),
        Risky::Raised => "is raised".to_owned(),
        Risky::Filled => "has a value".to_owned(),
        Risky::Any => "changes".to_owned(),
    }
}

fn alternatives(words: &[Box<str>]) -> String {
    format!("one of {}", quoted(words).join(", "))
}

fn quoted(words: &[Box<str>]) -> Vec<String> {
    words.iter().map(|word| format!("`{word}`")).collect()
}
