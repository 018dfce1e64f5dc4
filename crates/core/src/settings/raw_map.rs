//! A map of the settings taken apart: its entries, and the members of each, as places in its text.
//!
//! Where [`RawObject`](super::RawObject) owns what was read, this owns nothing but places, so that taking apart a map of
//! hundreds of doors costs one walk over its text, for the entries and their members together. Nothing is parsed. A key
//! that stands twice keeps its last value, in the place of the first, as in a [`RawObject`](super::RawObject); a key
//! that is no Unicode (half a surrogate pair) is none that anybody asks for, and so is only carried.

use std::borrow::Cow;
use std::ops::Range;

use hashbrown::HashMap;
use serde_json::value::RawValue;

use super::scan::{Key, Scan};

/// Up to so many members of one object, a key is looked for among all.
const FEW: usize = 16;

/// A map in its text. No `Debug`: among the values are secrets.
pub(crate) struct RawMap<'a> {
    text: &'a str,
    entries: Vec<RawMember<'a>>,
    /// The members of all entries.
    inside: Vec<RawMember<'a>>,
    places: Places<'a>,
}

/// A member of an object, as places in the map's text. Thousands are listed for each write, so they are small.
pub(crate) struct RawMember<'a> {
    key: Option<Cow<'a, str>>,
    start: u32,
    value: u32,
    end: u32,
    /// Of an entry that is an object: its members.
    inside: Option<Range<u32>>,
}

impl<'a> RawMap<'a> {
    /// Takes a map apart; `None` if it is no object.
    pub(crate) fn of(raw: &'a RawValue) -> Option<Self> {
        let (text, mut scan) = (raw.get(), Scan::of(raw));
        if !scan.enter_object() {
            return None;
        }
        // A member of a door has about so many bytes.
        let inside = Vec::with_capacity(text.len() / 40);
        let mut map = Self { text, entries: Vec::new(), inside, places: Places::default() };
        let mut places = Places::default();
        while let Some(key) = scan.next_member() {
            let value = scan.at();
            let inside = scan.enter_object().then(|| {
                let from = map.inside.len();
                places.begin(from);
                while let Some(key) = scan.next_member() {
                    let value = scan.at();
                    scan.skip_value();
                    places.put(&mut map.inside, RawMember::of(key, value, scan.at(), None));
                }
                place(from)..place(map.inside.len())
            });
            if inside.is_none() {
                scan.skip_value();
            }
            map.places.put(&mut map.entries, RawMember::of(key, value, scan.at(), inside));
        }
        Some(map)
    }

    /// The map's text, which all places are in.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The entries in their order.
    pub(crate) fn entries(&self) -> &[RawMember<'a>] {
        &self.entries
    }

    /// The entry of a key; `None` where it is absent.
    pub(crate) fn entry(&self, key: &str) -> Option<&RawMember<'a>> {
        self.places.find(&self.entries, key).map(|place| &self.entries[place])
    }

    /// The members of an entry in their order; `None` if it is no object.
    pub(crate) fn members(&self, entry: &RawMember<'a>) -> Option<&[RawMember<'a>]> {
        let inside = entry.inside.as_ref()?;
        Some(&self.inside[inside.start as usize..inside.end as usize])
    }

    /// The JSON of an entry, or of a member of one.
    pub(crate) fn value(&self, member: &RawMember<'a>) -> &'a str {
        &self.text[member.value()..member.end()]
    }
}

impl<'a> RawMember<'a> {
    fn of(key: Key<'a>, value: usize, end: usize, inside: Option<Range<u32>>) -> Self {
        Self { key: key.text, start: place(key.start), value: place(value), end: place(end), inside }
    }

    /// The key; `None` if it is no Unicode.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Where its key begins.
    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    /// Where its value begins.
    pub(crate) fn value(&self) -> usize {
        self.value as usize
    }

    /// Where its value ends.
    pub(crate) fn end(&self) -> usize {
        self.end as usize
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("a map has no gigabytes: replies are capped long before")
}

/// Where the members of one object stand by their keys, in a list that may begin with those of others.
#[derive(Default)]
struct Places<'a> {
    from: usize,
    /// A bit for each sort of key there is: one of a sort that isn't there needs no search.
    sorts: u64,
    /// All of them, once they are more than a few.
    by_key: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Places<'a> {
    /// Begins with another object.
    fn begin(&mut self, from: usize) {
        self.from = from;
        self.sorts = 0;
        self.by_key.clear();
    }

    /// Adds a member, or puts it in the place of the one with its key.
    #[inline]
    fn put(&mut self, members: &mut Vec<RawMember<'a>>, member: RawMember<'a>) {
        if let Some(key) = member.key() {
            let sort = sort(key);
            if self.sorts & sort != 0
                && let Some(place) = self.find(members, key)
            {
                members[place] = member;
                return;
            }
            self.sorts |= sort;
        }
        members.push(member);
        if members.len() - self.from > FEW {
            self.list(members);
        }
    }

    /// Lists the newest member by its key, and all before it when they become many.
    #[cold]
    fn list(&mut self, members: &[RawMember<'a>]) {
        let unlisted = if members.len() == self.from + FEW + 1 { self.from } else { members.len() - 1 };
        let new = (unlisted..).zip(&members[unlisted..]);
        self.by_key.extend(new.filter_map(|(place, member)| Some((member.key.clone()?, place))));
    }

    fn find(&self, members: &[RawMember<'a>], key: &str) -> Option<usize> {
        if members.len() - self.from > FEW {
            return self.by_key.get(key).copied();
        }
        let found = members[self.from..].iter().position(|member| member.key() == Some(key));
        found.map(|place| self.from + place)
    }
}

/// One of 64 bits for a key, the same for the same key: by its length and where names differ most.
fn sort(key: &str) -> u64 {
    let key = key.as_bytes();
    let ends = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
    let mixed = key.len() + 7 * ends(key.first()) + 31 * ends(key.last());
    1 << (mixed % 64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::RawObject;
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    /// What an object of raw members says of the same text, which serde_json took apart.
    fn by_serde(text: &str) -> Vec<(String, String)> {
        let object = RawObject::parse(text).unwrap();
        object.iter().map(|(key, value)| (key.to_owned(), value.get().to_owned())).collect()
    }

    fn pairs(map: &RawMap<'_>, members: &[RawMember<'_>]) -> Vec<(String, String)> {
        let pair = |member| (RawMember::key(member).unwrap().to_owned(), map.value(member).to_owned());
        members.iter().map(pair).collect()
    }

    #[test]
    fn keys_with_escapes_and_keys_that_stand_twice() {
        let text = raw(r#"{"a\u0062":1,"c":{"x":1,"y":2,"\u0078":[ 3 ]},"ab":3,"ab":[ 4 ]}"#);
        let map = RawMap::of(&text).unwrap();
        let seen: Vec<_> =
            map.entries().iter().map(|entry| (entry.key().unwrap(), map.value(entry))).collect();
        assert_eq!(seen, [("ab", "[ 4 ]"), ("c", r#"{"x":1,"y":2,"\u0078":[ 3 ]}"#)]);
        assert!(map.entry("a").is_none());
        let members = map.members(map.entry("c").unwrap()).unwrap();
        assert_eq!(pairs(&map, members), [("x".into(), "[ 3 ]".into()), ("y".into(), "2".into())]);
        assert!(map.members(map.entry("ab").unwrap()).is_none());
    }

    #[test]
    fn what_is_no_object_is_no_map() {
        for text in ["null", "[]", "\"{}\"", "5", "true"] {
            assert!(RawMap::of(&raw(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_that_is_no_unicode_is_carried_and_never_found() {
        let text = raw(r#"{"\ud800":1,"\ud800":2,"a":{"\udfff":{}}}"#);
        let map = RawMap::of(&text).unwrap();
        assert_eq!(map.entries().len(), 3);
        assert!(map.entry(r"\ud800").is_none());
        assert!(map.members(map.entry("a").unwrap()).unwrap()[0].key().is_none());
    }

    #[test]
    fn deep_values_are_skipped_without_recursion() {
        let text = raw(&format!(r#"{{"a":{{"b":{}{},"c":1}}}}"#, "[".repeat(100_000), "]".repeat(100_000)));
        let map = RawMap::of(&text).unwrap();
        let members = map.members(map.entry("a").unwrap()).unwrap();
        assert_eq!(map.value(&members[1]), "1");
    }

    /// A value as a text of JSON, with space wherever JSON allows it and texts full of what ends values elsewhere.
    fn any_json() -> impl Strategy<Value = String> {
        let space = || prop::sample::select(vec!["", "", "", " ", "\n\t"]);
        let text = || {
            let piece = prop::sample::select(vec![
                "a",
                "b",
                "é",
                r#"\""#,
                r"\\",
                r"\u0061",
                r"\ud83d\ude00",
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                " ",
            ]);
            prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
        };
        let leaf = prop_oneof![
            prop::sample::select(vec!["null", "true", "false", "0", "-1.50e+3", "12345678901234567890123"])
                .prop_map(str::to_owned),
            text(),
        ];
        leaf.prop_recursive(4, 60, 30, move |value| {
            let item = (space(), value.clone(), space()).prop_map(|(left, value, right)| format!("{left}{value}{right}"));
            let member = (space(), text(), space(), space(), value, space()).prop_map(
                |(before, key, after, lead, value, end)| format!("{before}{key}{after}:{lead}{value}{end}"),
            );
            prop_oneof![
                1 => prop::collection::vec(item, 1..4).prop_map(|items| format!("[{}]", items.join(","))),
                1 => space().prop_map(|space| format!("[{space}]")),
                5 => prop::collection::vec(member, 1..30).prop_map(|members| format!("{{{}}}", members.join(","))),
                1 => space().prop_map(|space| format!("{{{space}}}")),
            ]
        })
    }

    proptest! {
        /// serde_json is the oracle: few members and many, keys that repeat, space, escapes.
        #[test]
        fn as_serde_json_takes_it_apart(text in any_json()) {
            let raw = raw(&text);
            let Some(map) = RawMap::of(&raw) else {
                prop_assert!(RawObject::parse(&text).is_err());
                return Ok(());
            };
            let entries = by_serde(&text);
            prop_assert_eq!(&pairs(&map, map.entries()), &entries);
            for (key, value) in &entries {
                let entry = map.entry(key).unwrap();
                prop_assert_eq!(map.value(entry), value);
                match map.members(entry) {
                    Some(members) => prop_assert_eq!(pairs(&map, members), by_serde(value)),
                    None => prop_assert!(RawObject::parse(value).is_err()),
                }
            }
            prop_assert!(map.entry("zz").is_none());
        }
    }
}
