//! The place of a door in an org's tree of locations: RUUID-shaped parts joined by dots.
//!
//! The seed's pattern is `^([A-Za-z0-9\-_]{22})([.][A-Za-z0-9\-_]{22})*$`. Whether the parts exist, or hang
//! below each other, is not known here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ParseRuuidError, Ruuid};

/// A SubLocationsHierarchyKey: one or more RUUIDs, outermost first, kept as typed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HierarchyKey {
    text: Box<str>,
}

/// Why a text is no hierarchy key: which part, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("part {part} of the key is not an RUUID")]
pub struct ParseHierarchyKeyError {
    /// Counted from 1; the parts stand between dots.
    pub part: usize,
    /// What is wrong with that part.
    pub source: ParseRuuidError,
}

impl HierarchyKey {
    /// The text as typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parts, outermost location first; there is always at least one.
    pub fn parts(&self) -> impl Iterator<Item = Ruuid> + '_ {
        self.text.split('.').map(|part| part.parse().expect("every part was parsed when the key was made"))
    }
}

impl FromStr for HierarchyKey {
    type Err = ParseHierarchyKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        for (index, part) in text.split('.').enumerate() {
            part.parse::<Ruuid>().map_err(|source| ParseHierarchyKeyError { part: index + 1, source })?;
        }
        Ok(Self { text: text.into() })
    }
}

impl fmt::Display for HierarchyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for HierarchyKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for HierarchyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The seed's pattern, walked character by character instead of split.
    fn oracle(text: &str) -> bool {
        let mut run = 0;
        for c in text.chars() {
            match c {
                '.' if run == 22 => run = 0,
                c if run < 22 && (c.is_ascii_alphanumeric() || c == '-' || c == '_') => run += 1,
                _ => return false,
            }
        }
        run == 22
    }

    #[test]
    fn the_seed_example_has_three_parts() {
        let key: HierarchyKey =
            "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        assert_eq!(key.parts().count(), 3);
    }

    #[test]
    fn the_error_names_the_part() {
        let error = "AAAAAAAAAAAAAAAAAAAAAA.".parse::<HierarchyKey>().unwrap_err();
        assert_eq!(error, ParseHierarchyKeyError { part: 2, source: ParseRuuidError::Length(0) });
    }

    proptest! {
        #[test]
        fn accepts_exactly_the_seeds_pattern(text in prop_oneof![
            "[A-Za-z0-9_-]{22}([.][A-Za-z0-9_-]{22}){0,4}",
            "[A-Za-z0-9_-]{21,23}([.][A-Za-z0-9_-]{21,23}){0,2}[.]{0,1}",
            "[A-Za-z0-9_.-]{20,70}",
            ".{0,50}",
        ]) {
            let parsed = text.parse::<HierarchyKey>();
            prop_assert_eq!(parsed.is_ok(), oracle(&text));
            if let Ok(key) = parsed {
                prop_assert_eq!(key.to_string(), text.clone());
                let parts: Vec<String> = key.parts().map(|part| part.to_string()).collect();
                prop_assert_eq!(parts.join("."), text);
                let json = serde_json::to_string(&key).unwrap();
                prop_assert_eq!(serde_json::from_str::<HierarchyKey>(&json).unwrap(), key);
            }
        }

        #[test]
        fn any_text_parses_as_a_key_without_a_panic(bytes: Vec<u8>) {
            let _ = String::from_utf8_lossy(&bytes).parse::<HierarchyKey>();
        }
    }
}
