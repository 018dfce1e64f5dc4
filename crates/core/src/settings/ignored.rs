//! A place that `[limits] ignore` names: what changes there by itself is no harm that a write did.

use std::fmt;
use std::str::FromStr;

use super::path::split_escaped;
use super::{Class, Field};

/// The place of a field that no description knows, or of server state. `*` stands for any key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    text: String,
    parts: Vec<String>,
}

/// Why a place can't be ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIgnoredError {
    /// A part is empty, or a backslash escapes nothing.
    #[error("{0:?}, which is no path")]
    Path(String),
    /// It is described, so a change of it is never the server's own.
    #[error("{0}, a described field that is not server state")]
    Described(String),
}

impl Ignored {
    /// Whether this place, or one around it, is named.
    pub fn covers(&self, place: &[&str]) -> bool {
        place.len() >= self.parts.len()
            && self
                .parts
                .iter()
                .zip(place)
                .enumerate()
                .all(|(depth, (named, part))| named == part || depth == 1 && named == "*")
    }
}

impl FromStr for Ignored {
    type Err = ParseIgnoredError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseIgnoredError::Path(text.to_owned());
        let parts = split_escaped(text).map_err(|_| bad())?;
        if parts.iter().any(|part| part.trim().is_empty()) {
            return Err(bad());
        }
        let is_described = match Field::named(&parts[0]) {
            None => false,
            Some(field) if field.class == Class::ServerState => false,
            Some(field) => match (field.map(), parts.get(2)) {
                (Some(map), Some(member)) => map.member(member).is_some(),
                _ => true,
            },
        };
        if is_described {
            return Err(ParseIgnoredError::Described(text.to_owned()));
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undescribed_places_and_server_state_can_be_ignored() {
        for text in [
            "lastModifiedMillis",
            "new.deep.field",
            "doorsValidated",
            "tokenValid",
            "doorInfoMap.1234.revision",
            "doorInfoMap.*.revision",
        ] {
            assert_eq!(text.parse::<Ignored>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_described_cannot() {
        for text in [
            "saveClips",
            "doorInfoMap",
            "doorInfoMap.1234",
            "doorInfoMap.*.remoteUnlock",
            "apiToken",
            "orgUuid",
            "integrationAuditMap",
        ] {
            assert!(matches!(text.parse::<Ignored>(), Err(ParseIgnoredError::Described(_))), "{text}");
        }
        for text in ["", "a..b", " ", "a\\b"] {
            assert!(matches!(text.parse::<Ignored>(), Err(ParseIgnoredError::Path(_))), "{text}");
        }
    }

    #[test]
    fn a_place_covers_what_is_inside_it() {
        let ignored: Ignored = "doorInfoMap.*.revision".parse().unwrap();
        assert!(ignored.covers(&["doorInfoMap", "a", "revision"]));
        assert!(ignored.covers(&["doorInfoMap", "b", "revision", "deep"]));
        assert!(!ignored.covers(&["doorInfoMap", "a"]) && !ignored.covers(&["doorInfoMap", "a", "x"]));
        assert!(!"*".parse::<Ignored>().unwrap().covers(&["saveClips"]), "a name, at the top");
    }
}
