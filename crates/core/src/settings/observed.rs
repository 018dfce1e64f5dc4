//! What is to be seen at a path of an org's settings as read.

use std::borrow::Cow;

use serde_json::Value;

use super::members::decoded;
use super::node::{Node, Object};
use super::secrets::veiled;
use super::{RawObject, StoredValue, same};
use crate::operation::{Class, Kind, Path};
use crate::secret::{SealKey, SecretText, is_masked};

/// What is at one path.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Nothing: the field, its entry or its map isn't there, or the entry is null.
    Absent,
    /// A value; null is one.
    Json(Value),
    /// A secret, readable.
    Secret(SecretText),
    /// What isn't shown: a secret that is masked, null or absent, or a field that reads leave out.
    Hidden,
}

/// Something at or above a managed path has an unknown shape, so nothing can be said of the path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} is {found}, not {expected}")]
pub struct ShapeError {
    /// The field, or the field and the entry's key.
    pub place: String,
    /// What it should be.
    pub expected: &'static str,
    /// What it is.
    pub found: &'static str,
}

impl Observed {
    /// This sight as it may be written down: a secret becomes its fingerprint.
    pub fn stored(&self, path: &Path, seal: &SealKey) -> StoredValue {
        match self {
            Self::Absent => StoredValue::Absent,
            Self::Json(value) => StoredValue::Json(veiled(path.field(), value, Some(seal)).into_owned()),
            Self::Secret(secret) => {
                StoredValue::Secret(seal.fingerprint(path.field().place(), secret.expose()))
            }
            Self::Hidden => StoredValue::Hidden,
        }
    }

    /// Whether this is what the image shows.
    pub fn is(&self, stored: &StoredValue, path: &Path, seal: &SealKey) -> bool {
        fn value_of(stored: &StoredValue) -> Option<&Value> {
            match stored {
                StoredValue::Json(value) => Some(value),
                _ => None,
            }
        }
        match (self, stored) {
            (Self::Absent, StoredValue::Absent | StoredValue::Json(_)) => {
                same(path.kind(), None, value_of(stored))
            }
            (Self::Json(value), StoredValue::Absent | StoredValue::Json(_)) => {
                same(path.kind(), Some(&*veiled(path.field(), value, Some(seal))), value_of(stored))
            }
            (Self::Secret(_), StoredValue::Secret(_)) => self.stored(path, seal) == *stored,
            (Self::Hidden, StoredValue::Hidden) => true,
            _ => false,
        }
    }
}

/// An org's settings as read, ready to be looked into: an object in them is taken apart once, when first asked for. No
/// `Debug`: among the values are secrets.
pub struct Settings<'a>(Object<'a>);

impl<'a> Settings<'a> {
    /// Looks into these settings.
    pub fn new(object: &'a RawObject) -> Self {
        Self(object.object())
    }

    /// What is at a path.
    ///
    /// # Errors
    /// Something above it is neither an object nor null, or a secret is not a text.
    pub fn at(&self, path: &Path) -> Result<Observed, ShapeError> {
        let depth = path.depth() - 1;
        let is_shown = path.field().is_shown;
        let Some(object) = self.object_at(path, depth)? else {
            return Ok(if is_shown { Observed::Absent } else { Observed::Hidden });
        };
        let node = path.part(depth).and_then(|part| object.get(part));
        if !is_shown && node.is_none_or(Node::is_null) {
            return Ok(Observed::Hidden);
        }
        if path.class() == Class::Secret { secret(path, node) } else { Ok(plain(path, node)) }
    }

    /// The keys of the entries beside an entry, itself included, that are there, and not null.
    ///
    /// # Errors
    /// The map is not an object.
    pub fn keys_beside(&self, entry: &Path) -> Result<Vec<Cow<'_, str>>, ShapeError> {
        let map = self.object_at(entry, entry.depth() - 1)?;
        let entries = map.into_iter().flat_map(Object::iter).filter(|(_, entry)| !entry.is_null());
        Ok(entries.filter_map(|(key, _)| decoded(key)).collect())
    }

    /// The object that the first parts of a path lead to; `None` where there is none.
    fn object_at(&self, path: &Path, depth: usize) -> Result<Option<&Object<'a>>, ShapeError> {
        let mut object = &self.0;
        for (above, part) in (1..).zip(path.parts().take(depth)) {
            let Some(node) = object.get(part).filter(|node| !node.is_null()) else { return Ok(None) };
            object = node.object().ok_or_else(|| no_object(path, above, node))?;
        }
        Ok(Some(object))
    }
}

/// Something above a path, this many parts deep, is not an object: nothing can be said of what it would hold.
pub(crate) fn no_object(path: &Path, depth: usize, node: &Node<'_>) -> ShapeError {
    ShapeError { place: path.text_above(depth), expected: "an object", found: node.shape() }
}

fn plain(path: &Path, node: Option<&Node<'_>>) -> Observed {
    match node {
        // An entry that is null counts as none.
        Some(node) if !(node.is_null() && path.is_entry()) => json(node.text()),
        _ => Observed::Absent,
    }
}

fn secret(path: &Path, node: Option<&Node<'_>>) -> Result<Observed, ShapeError> {
    let Some(node) = node else { return Ok(Observed::Hidden) };
    let wrong = |expected| ShapeError { place: path.to_string(), expected, found: node.shape() };
    if matches!(path.kind(), Kind::List { .. }) {
        let texts = serde_json::from_str::<Option<Vec<Option<String>>>>(node.text())
            .map_err(|_| wrong("a list of texts"))?;
        // One that isn't shown hides what the whole list is.
        let texts = texts.and_then(|texts| texts.into_iter().collect::<Option<Vec<_>>>());
        let texts = texts.filter(|texts| !texts.iter().any(|text| is_masked(text)));
        let list = |texts| Observed::Secret(SecretText::list(texts, path.kind().is_set()));
        return Ok(texts.map_or(Observed::Hidden, list));
    }
    match serde_json::from_str::<Option<String>>(node.text()) {
        Ok(None) => Ok(Observed::Hidden),
        Ok(Some(text)) if is_masked(&text) => Ok(Observed::Hidden),
        Ok(Some(text)) => Ok(Observed::Secret(SecretText::new(text))),
        Err(_) => Err(wrong("a text")),
    }
}

/// A value that is nested deeper than the parser goes is kept as text, and so equals nothing that is wanted.
fn json(raw: &str) -> Observed {
    Observed::Json(serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operation::Operation;

    fn see(settings: &str, path: &str) -> Result<Observed, ShapeError> {
        let object = RawObject::parse(settings).unwrap();
        Settings::new(&object).at(&Operation::default_one().path(path).unwrap())
    }

    #[test]
    fn fields_are_observed_as_present_null_or_absent() {
        assert_eq!(see("{}", "saveClips"), Ok(Observed::Absent));
        assert_eq!(see(r#"{"saveClips":null}"#, "saveClips"), Ok(Observed::Json(json!(null))));
        assert_eq!(see(r#"{"saveClips":true}"#, "saveClips"), Ok(Observed::Json(json!(true))));
    }

    #[test]
    fn masked_null_and_absent_secrets_are_hidden() {
        assert_eq!(see(r#"{"apiToken":"t"}"#, "apiToken"), Ok(Observed::Secret(SecretText::new("t".into()))));
        for hidden in ["{}", r#"{"apiToken":null}"#, r#"{"apiToken":"ab***"}"#, r#"{"apiToken":"•••"}"#]
        {
            assert_eq!(see(hidden, "apiToken"), Ok(Observed::Hidden), "{hidden}");
        }
        assert_eq!(
            see(r#"{"apiToken":5}"#, "apiToken").unwrap_err().to_string(),
            "apiToken is a number, not a text"
        );
    }

    #[test]
    fn entries_of_maps_are_observed_by_key() {
        let settings = r#"{"doorInfoMap":{"a.b":{"doorName":"x"},"n":null,"bad":[]}}"#;
        assert_eq!(see(settings, r"doorInfoMap.a\.b.doorName"), Ok(Observed::Json(json!("x"))));
        assert_eq!(see(settings, r"doorInfoMap.a\.b"), Ok(Observed::Json(json!({"doorName": "x"}))));
        assert_eq!(see(settings, "doorInfoMap.n"), Ok(Observed::Absent));
        assert_eq!(see(settings, "doorInfoMap.n.doorName"), Ok(Observed::Absent));
        assert_eq!(see(settings, "doorInfoMap.other.doorName"), Ok(Observed::Absent));
        assert_eq!(
            see(settings, "doorInfoMap.bad.doorName").unwrap_err().to_string(),
            "doorInfoMap.bad is a list, not an object"
        );
        assert_eq!(see(r#"{"doorInfoMap":null}"#, "doorInfoMap.a.doorName"), Ok(Observed::Absent));
        assert_eq!(
            see(r#"{"doorInfoMap":"x"}"#, "doorInfoMap.a.doorName").unwrap_err().to_string(),
            "doorInfoMap is a text, not an object"
        );
    }

    #[test]
    fn secrets_are_written_down_as_fingerprints_only() {
        let seal = SealKey::derive(&SecretText::new("k".into()), "p");
        let path = Operation::default_one().path("apiToken").unwrap();
        let observed = see(r#"{"apiToken":"hunter2"}"#, "apiToken").unwrap();
        let stored = observed.stored(&path, &seal);
        assert!(!format!("{observed:?}{stored:?}").contains("hunter2"));
        assert!(observed.is(&stored, &path, &seal));
    }
}
