//! The shape of a description's TOML, before anything is checked but names of keys and types of values.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::{Spanned, Value};

use crate::operation::{Absent, Body, Class, Thing};

/// A file that describes an operation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDescription {
    pub(super) format: Spanned<i64>,
    pub(super) name: Spanned<String>,
    pub(super) title: String,
    pub(super) about: String,
    #[serde(default)]
    pub(super) include: Vec<Spanned<String>>,
    pub(super) read: RawRead,
    pub(super) write: RawWrite,
    pub(super) owner: Spanned<WordOr<RawOwner>>,
    pub(super) kind: Option<Spanned<RawDiscriminator>>,
    pub(super) absent: Absent,
    #[serde(default)]
    pub(super) confesses: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) watch: Vec<Spanned<String>>,
    pub(super) reversible: Option<Spanned<bool>>,
    pub(super) irreversible: Option<Spanned<String>>,
    pub(super) one_place: Option<Spanned<RawOnePlace>>,
    pub(super) examples: Option<Spanned<RawExamples>>,
    pub(super) fields: RawFields,
    #[serde(default)]
    pub(super) maps: BTreeMap<String, Spanned<RawFields>>,
    #[serde(default)]
    pub(super) objects: BTreeMap<String, Spanned<RawFields>>,
}

/// A file of fields that several operations have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShared {
    #[serde(default)]
    pub(super) fields: RawFields,
    #[serde(default)]
    pub(super) maps: BTreeMap<String, Spanned<RawFields>>,
    #[serde(default)]
    pub(super) objects: BTreeMap<String, Spanned<RawFields>>,
}

/// Fields by wire name.
pub(super) type RawFields = BTreeMap<String, Spanned<RawField>>;

/// A field: the name of its type, or a table.
pub(super) type RawField = WordOr<RawFieldTable>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRead {
    pub(super) path: Spanned<String>,
    pub(super) at: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWrite {
    pub(super) path: Spanned<String>,
    pub(super) wrap: Option<Spanned<String>>,
    pub(super) body: Body,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOwner {
    pub(super) at: Option<String>,
    pub(super) beside: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDiscriminator {
    pub(super) at: String,
    pub(super) is: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOnePlace {
    pub(super) map: String,
    pub(super) name: String,
    pub(super) place: String,
    pub(super) words: String,
    pub(super) advice: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExamples {
    pub(super) field: Option<String>,
    pub(super) entry: Option<String>,
    pub(super) member: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFieldTable {
    /// Exactly one of these four.
    #[serde(rename = "type")]
    pub(super) of_type: Option<String>,
    pub(super) map: Option<String>,
    pub(super) object: Option<String>,
    pub(super) list: Option<String>,

    pub(super) values: Option<Vec<String>>,
    #[serde(rename = "as")]
    pub(super) listed: Option<Listed>,
    pub(super) ids: Option<Thing>,
    pub(super) keys: Option<Keys>,
    pub(super) class: Option<Class>,
    pub(super) words: Option<String>,
    pub(super) example: Option<String>,
    pub(super) readback: Option<bool>,
    pub(super) irreversible: Option<String>,
    pub(super) table: Option<String>,
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) risk: OneOrMore<RawRisk>,
    #[serde(default)]
    pub(super) guard: OneOrMore<RawGuard>,
}

/// How a list compares.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Listed {
    Set,
    Order,
}

/// What the keys of a map are, if not plain.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Keys {
    Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRisk {
    pub(super) when: Spanned<Value>,
    pub(super) words: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGuard {
    pub(super) when: Spanned<Value>,
    pub(super) code: Spanned<String>,
    pub(super) words: String,
    /// What the guard of a plan says, where that isn't `words`.
    pub(super) asks: Option<String>,
}

/// A word, or a table.
pub(super) enum WordOr<T> {
    Word(String),
    Table(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WordOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = WordOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a table")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<WordOr<T>, E> {
                Ok(WordOr::Word(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WordOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(WordOr::Table)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// One, or a list of them.
pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Some<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Some<T> {
            type Value = OneOrMore<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table or a list of tables")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMore<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMore(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrMore<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMore)
            }
        }
        deserializer.deserialize_any(Some(PhantomData))
    }
}
