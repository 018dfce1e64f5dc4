//! The tree of a schema, as far as descriptions can say it. What they can't is opaque, with the reason.

use std::collections::BTreeMap;

use serde_json::Value;

use super::spec::{Schema, Spec};

/// How deep a tree goes. What lies deeper is kept as read.
const DEEPEST: usize = 8;
/// How many members a tree has in all: references may double it at each level.
const MOST: usize = 5_000;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// The word of a type.
    Word(&'static str),
    /// One of these texts.
    Enum(Vec<String>),
    /// A list, and whether the order and repetitions mean nothing.
    List(Box<Self>, bool),
    Map(Box<Self>),
    Object(Members),
    /// Why it can't be said.
    Opaque(&'static str),
}

pub(super) type Members = BTreeMap<String, Member>;

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) shape: Shape,
    /// What the spec says of it.
    pub(super) about: Option<String>,
}

/// Makes trees of a spec's schemas.
pub(super) struct Shaper<'s> {
    spec: &'s Spec,
    left: usize,
}

impl<'s> Shaper<'s> {
    pub(super) const fn new(spec: &'s Spec) -> Self {
        Self { spec, left: MOST }
    }

    /// The tree of an object's members.
    pub(super) fn members(&mut self, schema: Schema<'s>) -> Members {
        self.inside(schema, &mut vec![schema.value])
    }

    /// `open` are the objects that it is inside of.
    fn inside(&mut self, schema: Schema<'s>, open: &mut Vec<&'s Value>) -> Members {
        let mut members = Members::new();
        for (name, value) in self.spec.members(schema) {
            let about = value.get("description").or_else(|| self.spec.follow(value).value.get("description"));
            let about = about.and_then(Value::as_str).map(ToOwned::to_owned);
            let shape = if self.left == 0 {
                Shape::Opaque("cut: the schema is too large")
            } else {
                self.left -= 1;
                self.shape(value, open)
            };
            members.insert(name.to_owned(), Member { shape, about });
        }
        members
    }

    fn shape(&mut self, value: &'s Value, open: &mut Vec<&'s Value>) -> Shape {
        let schema = self.spec.follow(value);
        let value = schema.value;
        if open.iter().any(|other| std::ptr::eq(*other, value)) {
            return Shape::Opaque("cut: it is inside itself");
        }
        if open.len() >= DEEPEST {
            return Shape::Opaque("cut: too deep");
        }
        if value.get("$ref").is_some() {
            return Shape::Opaque("its reference leads to no schema of the file");
        }
        open.push(value);
        let shape = self.of(schema, open);
        open.pop();
        shape
    }

    fn of(&mut self, schema: Schema<'s>, open: &mut Vec<&'s Value>) -> Shape {
        let value = schema.value;
        if let Some(words) = value.get("enum").and_then(Value::as_array) {
            let texts: Vec<String> =
                words.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect();
            let others = words.iter().filter(|word| !word.is_string() && !word.is_null()).count();
            if others == 0 && !texts.is_empty() {
                return Shape::Enum(texts);
            }
        }
        let format = value.get("format").and_then(Value::as_str).unwrap_or_default();
        match type_of(value) {
            Some("boolean") => Shape::Word("bool"),
            Some("integer") if format == "int32" => Shape::Word("int32"),
            Some("integer") => Shape::Word("int64"),
            Some("number") => Shape::Word("number"),
            Some("string") if format.eq_ignore_ascii_case("ruuid") => Shape::Word("ruuid"),
            Some("string") if format.eq_ignore_ascii_case("SubLocationsHierarchyKey") => {
                Shape::Word("hierarchy_key")
            }
            Some("string") => Shape::Word("text"),
            Some("array") => match value.get("items") {
                Some(of) => {
                    let as_set = value.get("uniqueItems").is_some_and(|unique| unique == true);
                    Shape::List(Box::new(self.shape(of, open)), as_set)
                }
                None => Shape::Opaque("a list of anything"),
            },
            Some("object") | None => self.object(schema, open),
            Some(_) => Shape::Opaque("a type that no description has"),
        }
    }

    fn object(&mut self, schema: Schema<'s>, open: &mut Vec<&'s Value>) -> Shape {
        let members = self.inside(schema, open);
        if !members.is_empty() {
            return Shape::Object(members);
        }
        if ["oneOf", "anyOf"].iter().any(|key| schema.value.get(key).is_some()) {
            return Shape::Opaque("one of several types");
        }
        match schema.value.get("additionalProperties") {
            Some(of @ Value::Object(what)) if !what.is_empty() => Shape::Map(Box::new(self.shape(of, open))),
            _ => Shape::Opaque("anything"),
        }
    }
}

/// The type of a schema; of several, the one beside null.
fn type_of(value: &Value) -> Option<&str> {
    match value.get("type")? {
        Value::String(word) => Some(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        _ => None,
    }
}

impl Shape {
    /// The type in one word, as descriptions write it: of values, lists and maps of values.
    pub(super) fn word(&self) -> Option<String> {
        match self {
            Self::Word(word) => Some((*word).to_owned()),
            Self::Enum(_) => Some("enum".to_owned()),
            Self::List(of, _) => Some(format!("list of {}", of.word()?)),
            Self::Map(of) => Some(format!("map of {}", of.word()?)),
            Self::Object(_) | Self::Opaque(_) => None,
        }
    }

    /// Whether it is a list, or has one inside of maps, whose order means nothing.
    pub(super) fn is_set(&self) -> bool {
        match self {
            Self::List(_, as_set) => *as_set,
            Self::Map(of) => of.is_set(),
            _ => false,
        }
    }

    /// The value inside of lists and maps, or the value itself.
    pub(super) fn innermost(&self) -> &Self {
        match self {
            Self::List(of, _) | Self::Map(of) => of.innermost(),
            other => other,
        }
    }
}
