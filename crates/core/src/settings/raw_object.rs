//! A JSON object exactly as it was read: its members in their order, their values as the bytes that came.
//!
//! The vendor adds fields without notice and documents no merge. What nobody manages must go back as it
//! came, to the last digit, so it is never parsed: only carried. A key that stands twice keeps its last
//! value, as JSON parsers do.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Up to so many members a new one's name is looked for among all.
const FEW: usize = 64;

/// An object whose values are raw JSON. Its `Debug` shows names only: among the values are secrets.
#[derive(Clone, Default)]
pub struct RawObject {
    members: Vec<(String, Box<RawValue>)>,
}

impl RawObject {
    /// Reads an object from JSON.
    ///
    /// # Errors
    /// The text is no JSON object.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The raw JSON of a member; `None` where it is absent.
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    /// Puts a value in its place: where the key stands already, else at the end.
    pub fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.members.iter_mut().find(|(name, _)| name == key) {
            Some((_, slot)) => *slot = value,
            None => self.members.push((key.to_owned(), value)),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) {
        self.members.retain(|(name, _)| name != key);
    }

    /// The members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.members.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// This object as one raw value.
    pub fn to_raw(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("texts and raw JSON always serialize")
    }
}

impl fmt::Debug for RawObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.iter().map(|(name, _)| name)).finish()
    }
}

impl Serialize for RawObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RawObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawObject, A::Error> {
                let mut members: Vec<(String, Box<RawValue>)> = Vec::new();
                // Settings have two dozen members: looking through them is cheaper than a map with keys of its own.
                let mut places = hashbrown::HashMap::<String, usize>::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.len() == FEW {
                        places.extend(members.iter().map(|(name, _)| name.clone()).zip(0..));
                    }
                    let place = if members.len() < FEW {
                        members.iter().position(|(known, _)| *known == name)
                    } else {
                        places.get(&name).copied()
                    };
                    match place {
                        Some(place) => members[place].1 = value,
                        None => {
                            if members.len() >= FEW {
                                places.insert(name.clone(), members.len());
                            }
                            members.push((name, value));
                        }
                    }
                }
                Ok(RawObject { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_keeps_its_bytes_and_its_place() {
        let text = r#"{"b":1.0,"a":123456789012345678901234567890,"c":{"z":[ 1 ,2]},"d":"\u00e9"}"#;
        let mut object = RawObject::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
        object.set("a", RawValue::from_string("true".into()).unwrap());
        assert_eq!(
            serde_json::to_string(&object).unwrap(),
            r#"{"b":1.0,"a":true,"c":{"z":[ 1 ,2]},"d":"\u00e9"}"#
        );
    }

    #[test]
    fn a_key_that_stands_twice_keeps_the_last_value() {
        let object = RawObject::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn deep_values_are_carried_without_recursion() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(RawObject::parse(&deep).unwrap().len(), 1);
    }
}
