//! The members of a JSON object, borrowed from its text: for looking into an object that lives on.
//!
//! Where [`RawObject`](super::RawObject) owns what was read, this allocates nothing but the list of places, so that taking
//! apart a map of hundreds of doors costs one walk over its text. A key that stands twice keeps its last value, in the
//! place of the first, as in a [`RawObject`](super::RawObject).

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Up to here, looking through all keys is cheaper than any order of them.
const FEW: usize = 16;

/// An object's members in their order. No `Debug`: among the values are secrets.
#[derive(Default)]
pub(crate) struct RawMembers<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// The places of the members by their keys, if there are more than a few.
    by_key: Vec<u32>,
}

impl<'a> RawMembers<'a> {
    /// Looks through an object.
    pub(crate) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The raw JSON of a member; `None` where it is absent.
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.place(key).map(|place| self.members[place].1)
    }

    /// The members in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.members.iter().map(|(key, value)| (key.as_ref(), *value))
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.by_key.is_empty() {
            return self.members.iter().position(|(name, _)| name == key);
        }
        let found = self.by_key.binary_search_by(|place| self.members[*place as usize].0.as_ref().cmp(key));
        found.ok().map(|at| self.by_key[at] as usize)
    }

    /// Of members of one key the first stays, with the value of the last.
    fn of(mut members: Vec<(Cow<'a, str>, &'a RawValue)>) -> Self {
        let has_repeat = |members: &[(Cow<'_, str>, _)]| {
            (1..members.len()).any(|place| members[..place].iter().any(|(key, _)| *key == members[place].0))
        };
        if members.len() <= FEW && !has_repeat(&members) {
            return Self { members, by_key: Vec::new() };
        }
        let count = u32::try_from(members.len()).expect("a text of more members than that has gigabytes");
        let mut by_key: Vec<u32> = (0..count).collect();
        // Stable: of one key, the first stands first.
        by_key.sort_by(|left, right| members[*left as usize].0.cmp(&members[*right as usize].0));
        // Each repeat hands its value to the first of its key, in the order of the text: the last one's stays.
        let mut repeats = Vec::new();
        let mut first = 0;
        for at in 1..by_key.len() {
            let (kept, place) = (by_key[first] as usize, by_key[at] as usize);
            if members[kept].0 == members[place].0 {
                members[kept].1 = members[place].1;
                repeats.push(by_key[at]);
            } else {
                first = at;
            }
        }
        if repeats.is_empty() {
            return Self { members, by_key };
        }
        repeats.sort_unstable();
        let mut place = 0;
        members.retain(|_| {
            place += 1;
            repeats.binary_search(&(place - 1)).is_err()
        });
        Self::of(members)
    }
}

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RawMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawMembers<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(RawMembers::of(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A key, borrowed unless it holds an escape.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::RawObject;
    use super::*;

    #[test]
    fn keys_with_escapes_and_keys_that_stand_twice() {
        let members = RawMembers::parse(r#"{"a\u0062":1,"c":2,"ab":3,"ab":[ 4 ]}"#).unwrap();
        let seen: Vec<(&str, &str)> = members.iter().map(|(key, value)| (key, value.get())).collect();
        assert_eq!(seen, [("ab", "[ 4 ]"), ("c", "2")]);
        assert_eq!(members.get("ab").map(RawValue::get), Some("[ 4 ]"));
        assert!(members.get("a").is_none());
    }

    proptest! {
        /// The owned form is the oracle, for few members and for many, with keys that repeat.
        #[test]
        fn as_the_owned_form(keys in prop::collection::vec("[a-f]{1,2}", 0..60)) {
            let members: Vec<String> =
                keys.iter().enumerate().map(|(value, key)| format!("\"{key}\":{value}")).collect();
            let text = format!("{{{}}}", members.join(","));
            let (borrowed, owned) = (RawMembers::parse(&text).unwrap(), RawObject::parse(&text).unwrap());
            let left: Vec<(&str, &str)> = borrowed.iter().map(|(key, value)| (key, value.get())).collect();
            let right: Vec<(&str, &str)> = owned.iter().map(|(key, value)| (key, value.get())).collect();
            prop_assert_eq!(left, right);
            for key in &keys {
                prop_assert_eq!(borrowed.get(key).map(RawValue::get), owned.get(key).map(RawValue::get));
            }
            prop_assert!(borrowed.get("zz").is_none());
        }
    }
}
