//! The place of one value in the settings, written as a manifest's column names it:
//! `saveClips`, `doorInfoMap`, `doorInfoMap.<key>`, `doorInfoMap.<key>.remoteUnlock`, to any depth.
//!
//! Keys are opaque: whatever is between the dots. In a key a literal dot is written `\.` and a literal
//! backslash `\\`. A path is made with an operation in hand ([`Operation::path`]) and knows its field, so its type and
//! class need no second look-up. On the wire it is its text.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use memchr::memchr;
use serde::{Serialize, Serializer};

use super::field::Step;
use super::{Class, Field, Kind, Operation};
use crate::names::distance;

/// Where a value is. Ordered by the text of its parts.
#[derive(Debug, Clone)]
pub struct Path {
    field: Arc<Field>,
    /// The keys of the maps on the way, from the top. Shared, since many have the same.
    keys: Arc<[Box<str>]>,
}

/// Why a text names no place in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePathError {
    /// The first part is no field.
    #[error("unknown setting {name:?}")]
    UnknownField {
        /// The part as written.
        name: String,
        /// The nearest name there is, if one is near.
        did_you_mean: Option<String>,
    },
    /// A part is no field of an object, such as a map's entries.
    #[error("unknown field {name:?} of an entry of {map}")]
    UnknownMember {
        /// The map, or the object.
        map: String,
        /// The part as written.
        name: String,
        /// The nearest name there is, if one is near.
        did_you_mean: Option<String>,
    },
    /// Something is behind a field at the top that has nothing inside.
    #[error("{0} is not a map: no part can follow it")]
    NotAMap(String),
    /// Something is behind a field further down that has nothing inside.
    #[error("more than {} parts: a literal dot in a key is written `\\.`", in_words(*.0))]
    TooDeep(usize),
    /// A part is empty.
    #[error("an empty part between dots")]
    EmptyPart,
    /// A backslash that escapes nothing.
    #[error("a backslash is only allowed before a dot or a backslash")]
    Escape,
}

fn in_words(number: usize) -> Cow<'static, str> {
    const WORDS: [&str; 7] = ["no", "one", "two", "three", "four", "five", "six"];
    WORDS.get(number).map_or_else(|| number.to_string().into(), |word| (*word).into())
}

impl ParsePathError {
    /// The nearest name there is, for "did you mean".
    pub fn did_you_mean(&self) -> Option<&str> {
        match self {
            Self::UnknownField { did_you_mean, .. } | Self::UnknownMember { did_you_mean, .. } => {
                did_you_mean.as_deref()
            }
            Self::NotAMap(_) | Self::TooDeep(_) | Self::EmptyPart | Self::Escape => None,
        }
    }
}

impl Operation {
    /// The place that a text names.
    ///
    /// # Errors
    /// It names none.
    pub fn path(&self, text: &str) -> Result<Path, ParsePathError> {
        // Hardly any path has an escape, and plans have millions of paths.
        if memchr(b'\\', text.as_bytes()).is_some() {
            let parts = split_escaped(text)?;
            return self.path_of(parts.iter().map(String::as_str));
        }
        self.path_of(text.split('.'))
    }

    /// The place that these parts lead to.
    ///
    /// # Errors
    /// They lead to none.
    pub(crate) fn path_of<'a>(
        &self,
        parts: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Path, ParsePathError> {
        if parts.clone().any(str::is_empty) {
            return Err(ParsePathError::EmptyPart);
        }
        let near = |name: &str, fields: &super::Fields| nearest(name, fields.names()).map(str::to_owned);
        let mut parts = parts;
        let name = parts.next().unwrap_or_default();
        let mut field = self.fields.get(name).ok_or_else(|| ParsePathError::UnknownField {
            name: name.to_owned(),
            did_you_mean: near(name, &self.fields),
        })?;
        let mut named = field;
        let mut keys: Vec<Box<str>> = Vec::new();
        for (depth, part) in (1..).zip(parts) {
            field = match &field.kind {
                Kind::Map(entry) => {
                    keys.reserve_exact(1);
                    keys.push(part.into());
                    entry
                }
                Kind::Object(members) => members.get(part).ok_or_else(|| ParsePathError::UnknownMember {
                    map: named.name.to_string(),
                    name: part.to_owned(),
                    did_you_mean: near(part, members),
                })?,
                _ if depth == 1 => return Err(ParsePathError::NotAMap(field.name.to_string())),
                _ => return Err(ParsePathError::TooDeep(depth)),
            };
            if !field.is_entry() {
                named = field;
            }
        }
        Ok(Path { field: field.clone(), keys: shared(keys) })
    }

    /// The place of the first parts of a path.
    pub(crate) fn above(&self, path: &Path, depth: usize) -> Option<Path> {
        let parts = (0..depth).map_while(|depth| path.part(depth));
        self.path_of(parts).ok()
    }
}

impl Path {
    /// The place of a field under these keys, as many as there are maps on the way to it.
    pub fn new(field: &Arc<Field>, keys: impl IntoIterator<Item = Box<str>>) -> Self {
        let path = Self { field: field.clone(), keys: shared(keys.into_iter().collect()) };
        debug_assert!(path.parts().count() == path.depth(), "a key for each map");
        path
    }

    /// What is described here.
    pub const fn field(&self) -> &Arc<Field> {
        &self.field
    }

    /// The wire name of the field at the top that this path is, or is inside of.
    pub fn top(&self) -> &str {
        self.part(0).unwrap_or_default()
    }

    /// The keys of the maps on the way, from the top.
    pub fn keys(&self) -> &[Box<str>] {
        &self.keys
    }

    /// The key of the innermost map, for paths inside a map.
    pub fn key(&self) -> Option<&str> {
        self.keys.last().map(|key| &**key)
    }

    /// Whether this is an entry of a map, whole.
    pub fn is_entry(&self) -> bool {
        self.field.is_entry()
    }

    /// The name of the innermost map, for paths inside a map; else of the field itself.
    pub fn map_name(&self) -> &str {
        let depth = self.entry_depth().map_or(self.depth(), |depth| depth - 1);
        self.part(depth - 1).unwrap_or_default()
    }

    /// The type of the value here.
    pub fn kind(&self) -> &Kind {
        &self.field.kind
    }

    /// The class of the value here.
    pub fn class(&self) -> Class {
        self.field.class
    }

    /// How many parts it has.
    pub(crate) fn depth(&self) -> usize {
        self.field.steps().len()
    }

    /// How many parts lead to the innermost entry that this path is or is inside of.
    pub(crate) fn entry_depth(&self) -> Option<usize> {
        let steps = self.field.steps();
        steps.iter().rposition(|step| matches!(step, Step::Key(_))).map(|at| at + 1)
    }

    /// Whether both are, or are inside of, the same entry of a map.
    pub fn shares_entry(&self, other: &Self) -> bool {
        self.shares(other, 0)
    }

    /// Whether both are, or are inside of, entries of the same map.
    pub(crate) fn shares_map(&self, other: &Self) -> bool {
        self.shares(other, 1)
    }

    /// Whether both lie at the same place, so far above their innermost keys.
    fn shares(&self, other: &Self, above: usize) -> bool {
        let depth = self.entry_depth();
        let parts = depth.map_or(0, |depth| depth - above);
        depth.is_some()
            && depth == other.entry_depth()
            && self.parts().take(parts).eq(other.parts().take(parts))
    }

    /// Whether this is, or is inside of, another place.
    pub fn is_within(&self, other: &Self) -> bool {
        let mut parts = self.parts();
        other.parts().all(|part| parts.next() == Some(part))
    }

    /// Whether this is, or is around, the place that these names and keys lead to.
    pub(crate) fn leads_to(&self, place: &[String]) -> bool {
        let mut place = place.iter();
        self.parts().all(|part| place.next().is_some_and(|other| *other == *part))
    }

    /// The keys on the way to the value, from the top.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> + Clone {
        (0..).map_while(|depth| self.part(depth))
    }

    /// The key at this depth, counted from 0; `None` where the path has ended.
    pub(crate) fn part(&self, depth: usize) -> Option<&str> {
        match self.field.steps().get(depth)? {
            Step::Name(name) => Some(name),
            Step::Key(place) => self.keys.get(*place).map(|key| &**key),
        }
    }

    /// The text of its first parts.
    pub(crate) fn text_above(&self, depth: usize) -> String {
        let mut text = String::with_capacity(self.field.place().len() + 24);
        for part in self.parts().take(depth) {
            if !text.is_empty() {
                text.push('.');
            }
            push_escaped(part, &mut text);
        }
        text
    }

    /// As it is written. Plans and tables hold millions of paths, so this takes no detour over a formatter.
    pub fn text(&self) -> Cow<'_, str> {
        if self.keys.is_empty() {
            Cow::Borrowed(self.field.place())
        } else {
            Cow::Owned(self.text_above(usize::MAX))
        }
    }
}

/// Where there is none, none is allocated.
fn shared(keys: Vec<Box<str>>) -> Arc<[Box<str>]> {
    if keys.is_empty() { Arc::default() } else { keys.into() }
}

/// The nearest of some names, near enough that a person may have meant it.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .filter_map(|candidate| Some((distance(name, candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Splits at literal dots and undoes the escapes.
pub(super) fn split_escaped(text: &str) -> Result<Vec<String>, ParsePathError> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '.' => parts.push(String::new()),
            '\\' => match chars.next() {
                Some(escaped @ ('.' | '\\')) => parts.last_mut().expect("starts with one").push(escaped),
                _ => return Err(ParsePathError::Escape),
            },
            other => parts.last_mut().expect("starts with one").push(other),
        }
    }
    Ok(parts)
}

fn push_escaped(key: &str, text: &mut String) {
    // Asked without a branch a byte: keys are short, and hardly any has one.
    if !key.bytes().fold(false, |any, byte| any | matches!(byte, b'.' | b'\\')) {
        text.push_str(key);
        return;
    }
    for c in key.chars() {
        if matches!(c, '.' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field && self.keys == other.keys
    }
}

impl Eq for Path {}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Path {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.field, &other.field) {
            return self.keys.cmp(&other.keys);
        }
        self.parts().cmp(other.parts())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::operation::fixture;

    fn parse(text: &str) -> Result<Path, ParsePathError> {
        Operation::default_one().path(text)
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    /// An operation with a map in a map, and an object in its entries.
    fn deep() -> Arc<Operation> {
        fixture::operation(
            r#"
            [fields]
            sites = { map = "site" }
            [maps.site]
            floors = { map = "floor" }
            limits = { object = "limits" }
            [maps.floor]
            lit = "bool"
            [objects.limits]
            most = "int32"
            "#,
        )
    }

    #[test]
    fn paths_have_four_shapes() {
        for text in ["saveClips", "doorInfoMap", "doorInfoMap.d1", "doorInfoMap.d1.remoteUnlock"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_path_may_be_of_any_depth() {
        let operation = deep();
        for (text, place, keys) in [
            ("sites.a.floors.1.lit", "sites.*.floors.*.lit", 2),
            (r"sites.a\.b.floors.1", "sites.*.floors.*", 2),
            ("sites.a.limits.most", "sites.*.limits.most", 1),
        ] {
            let path = operation.path(text).unwrap();
            assert_eq!(
                (path.to_string().as_str(), path.field().place(), path.keys().len()),
                (text, place, keys)
            );
        }
        let path = operation.path("sites.a.floors.1.lit").unwrap();
        assert_eq!((path.key(), path.entry_depth()), (Some("1"), Some(4)));
        assert_eq!(operation.above(&path, 2), operation.path("sites.a").ok());
        assert!(path.is_within(&operation.path("sites.a.floors").unwrap()));
        assert!(!path.is_within(&operation.path("sites.b").unwrap()));
        let said = operation.path("sites.a.floors.1.lit.x").unwrap_err().to_string();
        assert!(said.starts_with("more than five parts"), "{said}");
        let near = operation.path("sites.a.limits.mos").unwrap_err();
        assert_eq!(near.did_you_mean(), Some("most"));
    }

    #[test]
    fn a_key_may_hold_dots_and_backslashes() {
        let path = parse(r"doorInfoMap.a\.b\\c.doorName").unwrap();
        assert_eq!(path.key(), Some(r"a.b\c"));
        assert_eq!(path.to_string(), r"doorInfoMap.a\.b\\c.doorName");
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_was_meant() {
        assert_eq!(error("saveclips"), r#"unknown setting "saveclips""#);
        assert_eq!(parse("saveclips").unwrap_err().did_you_mean(), Some("saveClips"));
        assert_eq!(parse("doorInfoMap.k.remotUnlock").unwrap_err().did_you_mean(), Some("remoteUnlock"));
        assert_eq!(parse("zebra").unwrap_err().did_you_mean(), None);
        assert_eq!(error("enabled.x"), "enabled is not a map: no part can follow it");
        assert_eq!(
            error("doorInfoMap.a.doorName.x"),
            "more than three parts: a literal dot in a key is written `\\.`"
        );
        assert_eq!(error("doorInfoMap..doorName"), "an empty part between dots");
        assert_eq!(error(r"doorInfoMap.a\x"), "a backslash is only allowed before a dot or a backslash");
    }

    proptest! {
        #[test]
        fn any_key_round_trips(key in ".{1,20}") {
            let operation = Operation::default_one();
            let entry = operation.fields.get("doorInfoMap").unwrap().entry().unwrap();
            for field in [entry, entry.members().unwrap().get("doorName").unwrap()] {
                let path = Path::new(field, [key.as_str().into()]);
                prop_assert_eq!(parse(&path.to_string()).unwrap(), path);
            }
        }

        #[test]
        fn paths_are_ordered_by_the_text_of_their_parts(
            one in "(doorInfoMap|locationInfoMap)(\\.[a-c]{1,2})?", other in "(doorInfoMap\\.[a-c]{1,2}(\\.doorName|\\.clipDuration)?|enabled|doorInfoMap)",
        ) {
            let parts = |path: &Path| path.parts().map(str::to_owned).collect::<Vec<_>>();
            let (one, other) = (parse(&one).unwrap(), parse(&other).unwrap());
            prop_assert_eq!(one.cmp(&other), parts(&one).cmp(&parts(&other)));
        }

        #[test]
        fn any_text_parses_as_a_path_without_a_panic(text in ".{0,60}") {
            let _ = parse(&text);
        }
    }
}
