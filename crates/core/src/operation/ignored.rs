//! A place that `[limits] ignore` names: what changes there by itself is no harm that a write did.

use std::fmt;

use super::path::split_escaped;
use super::{Class, Kind, Operation};

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
    #[error("{0:?}, not a valid path")]
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
                .all(|(depth, (named, part))| named == part || depth > 0 && named == "*")
    }
}

impl Operation {
    /// The place that `[limits] ignore` names so.
    ///
    /// # Errors
    /// It is no path, or is described as anything but server state.
    pub fn ignored(&self, text: &str) -> Result<Ignored, ParseIgnoredError> {
        let bad = || ParseIgnoredError::Path(text.to_owned());
        let parts = split_escaped(text).map_err(|_| bad())?;
        if parts.iter().any(|part| part.trim().is_empty()) {
            return Err(bad());
        }
        if self.is_described(&parts) {
            return Err(ParseIgnoredError::Described(text.to_owned()));
        }
        Ok(Ignored { text: text.to_owned(), parts })
    }

    /// Whether a place, or what it is inside of, is described and not server state.
    fn is_described(&self, parts: &[String]) -> bool {
        let Some(mut field) = self.fields.get(&parts[0]) else { return false };
        for part in &parts[1..] {
            let inside = match &field.kind {
                Kind::Map(entry) => Some(entry),
                Kind::Object(members) => match members.get(part) {
                    Some(member) => Some(member),
                    None => return false,
                },
                _ => None,
            };
            match inside.filter(|_| field.class != Class::ServerState) {
                Some(inside) => field = inside,
                None => break,
            }
        }
        field.class != Class::ServerState
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

    fn parse(text: &str) -> Result<Ignored, ParseIgnoredError> {
        Operation::default_one().ignored(text)
    }

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
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn described_fields_cannot_be_ignored() {
        for text in [
            "saveClips",
            "doorInfoMap",
            "doorInfoMap.1234",
            "doorInfoMap.*.remoteUnlock",
            "apiToken",
            "orgUuid",
            "integrationAuditMap",
        ] {
            assert!(matches!(parse(text), Err(ParseIgnoredError::Described(_))), "{text}");
        }
        for text in ["", "a..b", " ", "a\\b"] {
            assert!(matches!(parse(text), Err(ParseIgnoredError::Path(_))), "{text}");
        }
    }

    #[test]
    fn a_place_covers_what_is_inside_it() {
        let ignored = parse("doorInfoMap.*.revision").unwrap();
        assert!(ignored.covers(&["doorInfoMap", "a", "revision"]));
        assert!(ignored.covers(&["doorInfoMap", "b", "revision", "deep"]));
        assert!(!ignored.covers(&["doorInfoMap", "a"]) && !ignored.covers(&["doorInfoMap", "a", "x"]));
        assert!(!parse("*").unwrap().covers(&["saveClips"]), "a name, at the top");
    }
}
