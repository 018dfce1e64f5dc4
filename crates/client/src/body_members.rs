//! The members of a reply's body, borrowed from it, each still raw JSON.
//!
//! A body is looked through once to find its members; only those that an answer knows are parsed. serde's
//! own texts are never passed on: they quote the value that they stumbled over, and that may be a secret.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::marker::PhantomData;

use orgwave_core::settings::RawObject;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

/// The members of an object, in their order. A name that occurs twice keeps its last value.
#[derive(Debug)]
pub(crate) struct BodyMembers<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// What is wrong with a body, in words that quote nothing of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misshapen(pub(crate) String);

impl<'a> BodyMembers<'a> {
    /// Looks through a body.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Misshapen> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Misshapen("nothing".to_owned()));
        }
        serde_json::from_slice(body).map_err(|error| Misshapen(describe(body, &error)))
    }

    /// The raw JSON of a member; `None` where it is absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// A member whose absence and whose null mean the same.
    pub(crate) fn optional<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Misshapen> {
        self.get(name).map_or(Ok(None), |raw| read(name, raw))
    }

    /// What is under the last of some names, with dots between them, that lead through objects; `None` where one of those is
    /// absent or null.
    pub(crate) fn inside<T>(
        &self,
        names: &str,
        look: impl FnOnce(&Self, &str) -> Result<Option<T>, Misshapen>,
    ) -> Result<Option<T>, Misshapen> {
        let Some((first, rest)) = names.split_once('.') else { return look(self, names) };
        let Some(raw) = self.get(first).filter(|raw| raw.get() != "null") else { return Ok(None) };
        let inner: BodyMembers<'a> =
            serde_json::from_str(raw.get()).map_err(|error| misshapen(first, &error))?;
        inner.inside(rest, look)
    }

    /// All but some of them, as an object of its own.
    pub(crate) fn without(&self, names: &[&str]) -> Result<RawObject, Misshapen> {
        let mut text = String::from("{");
        for (name, value) in self.0.iter().filter(|(name, _)| !names.contains(&name.as_ref())) {
            let comma = if text.len() > 1 { "," } else { "" };
            let name = serde_json::Value::from(name.as_ref());
            let _ = write!(text, "{comma}{name}:{}", value.get());
        }
        text.push('}');
        RawObject::parse(&text).map_err(|error| Misshapen(describe(text.as_bytes(), &error)))
    }

    /// A list that has to be there. That it isn't is no empty list: it is a body of an unknown shape.
    pub(crate) fn list<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, Misshapen> {
        let Some(raw) = self.get(name) else { return Err(Misshapen(self.names())) };
        let list: Option<Vec<Object<T>>> = read(name, raw)?;
        let list = list.ok_or_else(|| Misshapen(format!("a `{name}` that is null")))?;
        Ok(list.into_iter().map(|Object(item)| item).collect())
    }

    /// As [`Self::list`], of what may be of any shape.
    pub(crate) fn raw_list(&self, name: &str) -> Result<Vec<&'a RawValue>, Misshapen> {
        let Some(raw) = self.get(name) else { return Err(Misshapen(self.names())) };
        let list: Option<Vec<&RawValue>> =
            serde_json::from_str(raw.get()).map_err(|error| misshapen(name, &error))?;
        list.ok_or_else(|| Misshapen(format!("a `{name}` that is null")))
    }

    /// The names, for a message: these are the vendor's words, not values.
    pub(crate) fn names(&self) -> String {
        match self.0.len() {
            0 => "an empty object".to_owned(),
            count => {
                let mut names: Vec<_> = self.0.iter().take(8).map(|(name, _)| format!("`{name}`")).collect();
                if count > names.len() {
                    names.push(format!("{} more", count - names.len()));
                }
                format!("an object with {}", names.join(", "))
            }
        }
    }

    /// Whether there is something, and none of it under these names.
    pub(crate) fn is_foreign(&self, known: &[&str]) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(name, _)| !known.contains(&name.as_ref()))
    }
}

fn read<T: DeserializeOwned>(name: &str, raw: &RawValue) -> Result<T, Misshapen> {
    serde_json::from_str(raw.get()).map_err(|error| misshapen(name, &error))
}

fn misshapen(name: &str, error: &serde_json::Error) -> Misshapen {
    Misshapen(format!("a `{name}` of another shape (at its character {})", error.column()))
}

fn describe(body: &[u8], error: &serde_json::Error) -> String {
    match (error.classify(), body.trim_ascii_start().first()) {
        (_, Some(b'<')) => "HTML or XML".to_owned(),
        (Category::Eof, _) => "JSON that ends too early".to_owned(),
        (Category::Data, Some(b'[')) => "a list".to_owned(),
        (Category::Data, Some(b'"')) => "a text".to_owned(),
        (Category::Data, Some(b'n')) => "null".to_owned(),
        (Category::Data, _) => "a single value".to_owned(),
        _ => format!("something that is not JSON (line {}, column {})", error.line(), error.column()),
    }
}

impl<'de> Deserialize<'de> for BodyMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = BodyMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BodyMembers<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(BodyMembers(members))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// A name, borrowed unless it holds an escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a struct from a JSON object only: serde's own would take a list for its fields in order.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Map(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        BodyMembers::parse(body.as_bytes()).unwrap_err().0
    }

    #[test]
    fn what_is_no_object_is_named_and_not_quoted() {
        assert_eq!(error(""), "nothing");
        assert_eq!(error(" \n"), "nothing");
        assert_eq!(error("null"), "null");
        assert_eq!(error("[]"), "a list");
        assert_eq!(error("[{}]"), "a list");
        assert_eq!(error(r#""hunter2""#), "a text");
        assert_eq!(error("17"), "a single value");
        assert_eq!(error("<html>"), "HTML or XML");
        assert_eq!(error(r#"{"apiToken":"hunter2""#), "JSON that ends too early");
        assert_eq!(error("{} {}"), "something that is not JSON (line 1, column 4)");
        assert_eq!(error("OK"), "something that is not JSON (line 1, column 1)");
    }

    #[test]
    fn members_are_found_by_name_the_last_one_wins() {
        let members = BodyMembers::parse(br#"{"a":1,"\u0062":[1 ],"a":null}"#).unwrap();
        assert_eq!(members.get("a").unwrap().get(), "null");
        assert_eq!(members.get("b").unwrap().get(), "[1 ]");
        assert!(members.get("c").is_none());
    }

    #[test]
    fn a_member_of_another_type_is_named_and_not_quoted() {
        let members = BodyMembers::parse(br#"{"error":"hunter2"}"#).unwrap();
        let said = members.optional::<bool>("error").unwrap_err().0;
        assert_eq!(said, "a `error` of another shape (at its character 9)");
    }

    #[test]
    fn a_struct_is_not_read_from_a_list() {
        #[derive(Debug, Deserialize)]
        struct One {
            #[serde(default)]
            a: Option<u8>,
        }
        assert!(serde_json::from_str::<Object<One>>("[]").is_err());
        assert_eq!(serde_json::from_str::<Object<One>>(r#"{"a":1}"#).unwrap().0.a, Some(1));
    }
}
