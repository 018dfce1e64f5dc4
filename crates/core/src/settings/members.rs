//! The members of a JSON object as they were read: keys and values are pieces of its text, in their order.
//!
//! The vendor adds fields without notice and documents no merge, so an unmanaged value is never parsed, only carried,
//! to the last digit. A repeated key keeps its last value in the place of the first, as JSON parsers do. A key that is
//! not Unicode (half a surrogate pair, which JSON can spell) is carried too, and never found.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::BuildHasher as _;
use std::marker::PhantomData;
use std::ops::Deref;

use hashbrown::{DefaultHashBuilder, HashTable};
use memchr::memchr;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Up to this many members, a search looks at each; beyond, keys are hashed.
const FEW: usize = 16;

/// The members of an object. `K` is a piece of text, owned (`Box<RawValue>`) or borrowed (`&RawValue`). No `Debug`: among
/// the values are secrets.
#[derive(Clone)]
pub(crate) struct Members<K, V> {
    /// Key (quoted, as read) and value.
    list: Vec<(K, V)>,
    /// Places by hashed key, once there are more than [`FEW`].
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// The text of a quoted key; `None` if it is not Unicode.
pub(crate) fn decoded(key: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = key.get();
    match memchr(b'\\', quoted.as_bytes()) {
        None => quoted.get(1..quoted.len() - 1).map(Cow::Borrowed),
        Some(_) => serde_json::from_str(quoted).ok().map(Cow::Owned),
    }
}

/// Whether a quoted key is this text. Escapes only lengthen a key, so hardly any is looked at twice.
fn is_key(quoted: &RawValue, key: &str) -> bool {
    let bare = &quoted.get().as_bytes()[1..quoted.get().len() - 1];
    match bare.len().cmp(&key.len()) {
        Ordering::Less => false,
        Ordering::Equal => bare == key.as_bytes() && memchr(b'\\', bare).is_none(),
        Ordering::Greater => memchr(b'\\', bare).is_some() && decoded(quoted).is_some_and(|text| text == key),
    }
}

impl<K, V> Default for Members<K, V> {
    fn default() -> Self {
        Self { list: Vec::new(), places: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<K: Deref<Target = RawValue>, V> Members<K, V> {
    /// The members in their order, the key as read (quoted).
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.list.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The value of a key; `None` where it is absent.
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.place(key).map(|place| &self.list[place].1)
    }

    /// The same members, each value seen in another way.
    pub(crate) fn map<'a, W>(&'a self, see: impl Fn(&'a V) -> W) -> Members<&'a RawValue, W> {
        Members {
            list: self.list.iter().map(|(key, value)| (&**key, see(value))).collect(),
            places: self.places.clone(),
            hasher: self.hasher.clone(),
        }
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.list.len() <= FEW {
            return self.list.iter().position(|(known, _)| is_key(known, key));
        }
        let is_it = |place: &u32| is_key(&self.list[*place as usize].0, key);
        self.places.find(self.hasher.hash_one(key), is_it).map(|place| *place as usize)
    }

    fn put(&mut self, key: K, value: V) {
        if let Some(place) = decoded(&key).and_then(|key| self.place(&key)) {
            self.list[place].1 = value;
            return;
        }
        self.list.push((key, value));
        match self.list.len() {
            length if length <= FEW => {}
            length if length == FEW + 1 => (0..length).for_each(|place| self.index(place)),
            length => self.index(length - 1),
        }
    }

    fn index(&mut self, place: usize) {
        let (list, hasher) = (&self.list, &self.hasher);
        let hash = |place: usize| decoded(&list[place].0).map(|key| hasher.hash_one(&*key));
        if let Some(hashed) = hash(place) {
            let place = u32::try_from(place).expect("a reply is capped long before it has that many members");
            self.places.insert_unique(hashed, place, |known| hash(*known as usize).unwrap_or_default());
        }
    }
}

impl<'de, K, V> Deserialize<'de> for Members<K, V>
where
    K: Deserialize<'de> + Deref<Target = RawValue>,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<K, V>(PhantomData<(K, V)>);
        impl<'de, K, V> Visitor<'de> for Object<K, V>
        where
            K: Deserialize<'de> + Deref<Target = RawValue>,
            V: Deserialize<'de>,
        {
            type Value = Members<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<K, V>, A::Error> {
                let mut members = Members::default();
                while let Some((key, value)) = map.next_entry()? {
                    members.put(key, value);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object(PhantomData))
    }
}
