//! The place of one value in the settings, written as a manifest's column names it:
//! `saveClips`, `doorInfoMap`, `doorInfoMap.<key>`, `doorInfoMap.<key>.remoteUnlock`.
//!
//! Keys are opaque: whatever stands between the dots. In a key a literal dot is written `\.` and a literal
//! backslash `\\`. A path knows its field in the catalog, so its type and class need no second look-up.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use memchr::memchr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Class, FIELDS, Field, Kind, Member, Risk};
use crate::names::distance;

/// Where a value stands. Ordered by the text of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// A field of the settings, whole.
    Field(&'static Field),
    /// An entry of a map, whole.
    Entry(&'static Field, Box<str>),
    /// A field of a map's entry.
    Member(&'static Field, Box<str>, &'static Member),
}

/// Why a text names no place in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePathError {
    /// The first part is no field.
    #[error("{name:?} is no setting")]
    UnknownField {
        /// The part as written.
        name: String,
        /// The nearest name there is, if one is near.
        did_you_mean: Option<&'static str>,
    },
    /// The last part is no field of the map's entries.
    #[error("{name:?} is no field of an entry of {map}")]
    UnknownMember {
        /// The map.
        map: &'static str,
        /// The part as written.
        name: String,
        /// The nearest name there is, if one is near.
        did_you_mean: Option<&'static str>,
    },
    /// Something stands behind a field that has nothing inside.
    #[error("{0} is no map: nothing can stand behind it")]
    NotAMap(&'static str),
    /// More parts than field, key and member.
    #[error("more than three parts: a literal dot in a key is written `\\.`")]
    TooDeep,
    /// A part is empty.
    #[error("an empty part between dots")]
    EmptyPart,
    /// A backslash that escapes nothing.
    #[error("a backslash stands only before a dot or a backslash")]
    Escape,
}

impl ParsePathError {
    /// The nearest name there is, for "did you mean".
    pub const fn did_you_mean(&self) -> Option<&'static str> {
        match self {
            Self::UnknownField { did_you_mean, .. } | Self::UnknownMember { did_you_mean, .. } => {
                *did_you_mean
            }
            Self::NotAMap(_) | Self::TooDeep | Self::EmptyPart | Self::Escape => None,
        }
    }
}

impl Path {
    /// The field at the top level that this path is, or is inside of.
    pub const fn field(&self) -> &'static Field {
        match self {
            Self::Field(field) | Self::Entry(field, _) | Self::Member(field, _, _) => field,
        }
    }

    /// The map's key, for paths inside a map.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Field(_) => None,
            Self::Entry(_, key) | Self::Member(_, key, _) => Some(key),
        }
    }

    /// The type of the value here; an entry's is [`Kind::Opaque`], since it is only ever taken out whole.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Field(field) => field.kind,
            Self::Entry(..) => Kind::Opaque,
            Self::Member(_, _, member) => member.kind,
        }
    }

    /// The class of the value here.
    pub const fn class(&self) -> Class {
        self.field().class
    }

    /// The values that make somebody less safe here.
    pub const fn risk(&self) -> Option<&'static Risk> {
        match self {
            Self::Field(field) => field.risk.as_ref(),
            Self::Entry(..) => None,
            Self::Member(_, _, member) => member.risk.as_ref(),
        }
    }

    fn triple(&self) -> (&'static str, &str, &'static str) {
        match self {
            Self::Field(field) => (field.name, "", ""),
            Self::Entry(field, key) => (field.name, key, ""),
            Self::Member(field, key, member) => (field.name, key, member.name),
        }
    }

    /// The keys on the way to the value, from the top.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        (0..).map_while(|depth| self.part(depth))
    }

    /// The key at this depth, counted from 0; `None` where the path has ended.
    pub(crate) fn part(&self, depth: usize) -> Option<&str> {
        match (depth, self) {
            (0, path) => Some(path.field().name),
            (1, Self::Entry(_, key) | Self::Member(_, key, _)) => Some(key),
            (2, Self::Member(_, _, member)) => Some(member.name),
            _ => None,
        }
    }

    /// The text of its first parts.
    pub(crate) fn above(&self, depth: usize) -> String {
        let mut text = String::new();
        for part in self.parts().take(depth) {
            if !text.is_empty() {
                text.push('.');
            }
            push_escaped(part, &mut text);
        }
        text
    }
}

/// The nearest of some names, near enough that a person may have meant it.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
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

impl Path {
    fn of<'a>(mut parts: impl Iterator<Item = &'a str>) -> Result<Self, ParsePathError> {
        let name = parts.next().unwrap_or_default();
        let [key, member, deeper] = [parts.next(), parts.next(), parts.next()];
        if name.is_empty() || [key, member, deeper].into_iter().flatten().chain(parts).any(str::is_empty) {
            return Err(ParsePathError::EmptyPart);
        }
        let field = Field::named(name).ok_or_else(|| ParsePathError::UnknownField {
            name: name.to_owned(),
            did_you_mean: nearest(name, FIELDS.iter().map(|field| field.name)),
        })?;
        let Some(key) = key else { return Ok(Self::Field(field)) };
        let spec = field.map().ok_or(ParsePathError::NotAMap(field.name))?;
        let Some(name) = member else { return Ok(Self::Entry(field, key.into())) };
        if deeper.is_some() {
            return Err(ParsePathError::TooDeep);
        }
        let member = spec.member(name).ok_or_else(|| ParsePathError::UnknownMember {
            map: field.name,
            name: name.to_owned(),
            did_you_mean: nearest(name, spec.members.iter().map(|member| member.name)),
        })?;
        Ok(Self::Member(field, key.into(), member))
    }

    /// As it is written. Plans and tables hold millions of paths, so this takes no detour over a formatter.
    pub fn text(&self) -> Cow<'static, str> {
        let (field, key, member) = self.triple();
        if let Self::Field(_) = self {
            return Cow::Borrowed(field);
        }
        let mut text = String::with_capacity(field.len() + key.len() + member.len() + 4);
        text.push_str(field);
        text.push('.');
        if key.contains(['.', '\\']) {
            push_escaped(key, &mut text);
        } else {
            text.push_str(key);
        }
        if !member.is_empty() {
            text.push('.');
            text.push_str(member);
        }
        Cow::Owned(text)
    }
}

fn push_escaped(key: &str, text: &mut String) {
    for c in key.chars() {
        if matches!(c, '.' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
}

impl FromStr for Path {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Hardly any path has an escape, and plans have millions of paths.
        if memchr(b'\\', text.as_bytes()).is_some() {
            let parts = split_escaped(text)?;
            return Self::of(parts.iter().map(String::as_str));
        }
        let mut rest = Some(text);
        Self::of(std::iter::from_fn(|| {
            let part = rest?;
            let (part, behind) = match memchr(b'.', part.as_bytes()) {
                Some(dot) => (&part[..dot], Some(&part[dot + 1..])),
                None => (part, None),
            };
            rest = behind;
            Some(part)
        }))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Path {
    fn cmp(&self, other: &Self) -> Ordering {
        self.triple().cmp(&other.triple())
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Path;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path in the settings")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Path, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Path>().unwrap_err().to_string()
    }

    #[test]
    fn the_four_shapes() {
        for text in ["saveClips", "doorInfoMap", "doorInfoMap.d1", "doorInfoMap.d1.remoteUnlock"] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_key_may_hold_dots_and_backslashes() {
        let path: Path = r"doorInfoMap.a\.b\\c.doorName".parse().unwrap();
        assert_eq!(path.key(), Some(r"a.b\c"));
        assert_eq!(path.to_string(), r"doorInfoMap.a\.b\\c.doorName");
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_was_meant() {
        assert_eq!(error("saveclips"), r#""saveclips" is no setting"#);
        assert_eq!("saveclips".parse::<Path>().unwrap_err().did_you_mean(), Some("saveClips"));
        assert_eq!(
            "doorInfoMap.k.remotUnlock".parse::<Path>().unwrap_err().did_you_mean(),
            Some("remoteUnlock")
        );
        assert_eq!("zebra".parse::<Path>().unwrap_err().did_you_mean(), None);
        assert_eq!(error("enabled.x"), "enabled is no map: nothing can stand behind it");
        assert_eq!(
            error("doorInfoMap.a.doorName.x"),
            "more than three parts: a literal dot in a key is written `\\.`"
        );
        assert_eq!(error("doorInfoMap..doorName"), "an empty part between dots");
        assert_eq!(error(r"doorInfoMap.a\x"), "a backslash stands only before a dot or a backslash");
    }

    proptest! {
        #[test]
        fn any_key_round_trips(key in ".{1,20}") {
            let door = Field::named("doorInfoMap").unwrap();
            let member = door.map().unwrap().member("doorName").unwrap();
            for path in [Path::Entry(door, key.as_str().into()), Path::Member(door, key.as_str().into(), member)] {
                prop_assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
            }
        }

        #[test]
        fn never_panics(text in ".{0,60}") {
            let _ = text.parse::<Path>();
        }
    }
}
