//! An org's settings exactly as they were read, owned: members in their order, values as the bytes that came.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::members::{Members, decoded};
use super::node::{Node, Object};

/// An object whose values are raw JSON. Its `Debug` shows names only: among the values are secrets.
#[derive(Clone, Default)]
pub struct RawObject {
    members: Members<Box<RawValue>, Box<RawValue>>,
    /// What the reply says beside the object of whose it is.
    owner: Option<Box<RawValue>>,
}

impl RawObject {
    /// Reads an object from JSON.
    ///
    /// # Errors
    /// The text is not a JSON object.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The same, with what the reply says beside it of whose it is.
    #[must_use]
    pub fn owned_by(self, owner: Option<Box<RawValue>>) -> Self {
        Self { owner, ..self }
    }

    /// What the reply says beside it of whose it is.
    pub fn owner(&self) -> Option<&RawValue> {
        self.owner.as_deref()
    }

    /// The raw JSON of what names lead to, through objects; a dot between them.
    pub fn inside(&self, names: &str) -> Option<&RawValue> {
        let mut names = names.split('.');
        let mut value = self.get(names.next()?)?;
        for name in names {
            value = Node::of(value).object()?.get(name)?.raw();
        }
        Some(value)
    }

    /// The raw JSON of a member; `None` where it is absent.
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.members.get(key).map(|value| &**value)
    }

    /// The members in their order, but for those whose key is not Unicode: they are only carried.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, &RawValue)> {
        self.members.iter().filter_map(|(key, value)| Some((decoded(key)?, &**value)))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes of memory it takes: its text, and of each member two pointers with their lengths, and what the
    /// allocator adds.
    pub fn footprint(&self) -> usize {
        const OF_MEMBER: usize = 2 * (size_of::<Box<RawValue>>() + 16);
        let members = self.members.iter().map(|(key, value)| key.get().len() + value.get().len() + OF_MEMBER);
        size_of::<Self>() + members.sum::<usize>()
    }

    /// To be looked into.
    pub(crate) fn object(&self) -> Object<'_> {
        self.members.map(|value| Node::of(value))
    }

    /// The object as JSON text: what was read, without the space around members.
    pub fn text(&self) -> String {
        let mut text = String::from("{");
        for (key, value) in self.members.iter() {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(key.get());
            text.push(':');
            text.push_str(value.get());
        }
        text.push('}');
        text
    }
}

impl fmt::Debug for RawObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.iter().map(|(key, _)| key.get())).finish()
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer).map(|members| Self { members, owner: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_keeps_its_bytes_and_its_place() {
        let text = r#"{"b":1.0,"a":123456789012345678901234567890,"c":{"z":[ 1 ,2]},"d":"\u00e9"}"#;
        assert_eq!(RawObject::parse(text).unwrap().text(), text);
    }

    #[test]
    fn duplicate_key_keeps_the_last_value() {
        let object = RawObject::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(object.text(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn deep_values_are_carried_without_recursion() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(RawObject::parse(&deep).unwrap().len(), 1);
    }
}
