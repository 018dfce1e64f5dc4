//! What is to be seen at a path of an org's settings as read.

use std::borrow::Cow;

use serde_json::Value;

use super::members::decoded;
use super::node::{Node, Object};
use super::{Image, RawObject, same};
use crate::operation::{Class, Operation, Path};
use crate::secret::{SealKey, SecretText, is_masked};

/// What stands at one path.
#[derive(Debug, Clone, PartialEq)]
pub enum Sight {
    /// Nothing: the field, its entry or its map isn't there, or the entry is null.
    Absent,
    /// A value; null is one.
    Json(Value),
    /// A secret, readable.
    Secret(SecretText),
    /// A secret that isn't shown: masked, null or absent.
    Hidden,
}

/// Something at or above a managed path has a shape that nobody knows, so nothing can be said of the path.
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

impl Sight {
    /// This sight as it may be written down: a secret becomes its fingerprint.
    pub fn image(&self, path: &Path, seal: &SealKey) -> Image {
        match self {
            Self::Absent => Image::Absent,
            Self::Json(value) => Image::Json(value.clone()),
            Self::Secret(secret) => Image::Secret(seal.fingerprint(path.field().place(), secret.expose())),
            Self::Hidden => Image::Hidden,
        }
    }

    /// Whether this is what the image shows.
    pub fn is(&self, image: &Image, path: &Path, seal: &SealKey) -> bool {
        fn value_of(image: &Image) -> Option<&Value> {
            match image {
                Image::Json(value) => Some(value),
                _ => None,
            }
        }
        match (self, image) {
            (Self::Absent, Image::Absent | Image::Json(_)) => same(path.kind(), None, value_of(image)),
            (Self::Json(value), Image::Absent | Image::Json(_)) => {
                same(path.kind(), Some(value), value_of(image))
            }
            (Self::Secret(_), Image::Secret(_)) => self.image(path, seal) == *image,
            (Self::Hidden, Image::Hidden) => true,
            _ => false,
        }
    }
}

/// The secrets that settings of an operation show.
pub fn secrets_in(operation: &Operation, object: &RawObject) -> impl Iterator<Item = SecretText> {
    operation.fields.secrets().filter_map(|field| {
        let text: Option<String> = serde_json::from_str(object.get(&field.name)?.get()).ok()?;
        text.filter(|text| !is_masked(text)).map(SecretText::new)
    })
}

/// An org's settings as read, ready to be looked into: an object in them is taken apart once, when first asked for. No
/// `Debug`: among the values are secrets.
pub struct Settings<'a>(Object<'a>);

impl<'a> Settings<'a> {
    /// Looks into these settings.
    pub fn new(object: &'a RawObject) -> Self {
        Self(object.object())
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// Something above it is neither an object nor null, or a secret is not a text.
    pub fn at(&self, path: &Path) -> Result<Sight, ShapeError> {
        let depth = path.depth() - 1;
        let Some(object) = self.object_at(path, depth)? else { return Ok(Sight::Absent) };
        let node = path.part(depth).and_then(|part| object.get(part));
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

/// Something above a path, so many parts deep, is not an object: nothing can be said of what it would hold.
pub(crate) fn no_object(path: &Path, depth: usize, node: &Node<'_>) -> ShapeError {
    ShapeError { place: path.text_above(depth), expected: "an object", found: node.shape() }
}

fn plain(path: &Path, node: Option<&Node<'_>>) -> Sight {
    match node {
        // An entry that is null counts as none.
        Some(node) if !(node.is_null() && path.is_entry()) => json(node.text()),
        _ => Sight::Absent,
    }
}

fn secret(path: &Path, node: Option<&Node<'_>>) -> Result<Sight, ShapeError> {
    let Some(node) = node else { return Ok(Sight::Hidden) };
    match serde_json::from_str::<Option<String>>(node.text()) {
        Ok(None) => Ok(Sight::Hidden),
        Ok(Some(text)) if is_masked(&text) => Ok(Sight::Hidden),
        Ok(Some(text)) => Ok(Sight::Secret(SecretText::new(text))),
        Err(_) => Err(ShapeError { place: path.to_string(), expected: "a text", found: node.shape() }),
    }
}

/// A value that is nested deeper than the parser goes is kept as text, and so equals nothing that is wanted.
fn json(raw: &str) -> Sight {
    Sight::Json(serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn see(settings: &str, path: &str) -> Result<Sight, ShapeError> {
        let object = RawObject::parse(settings).unwrap();
        Settings::new(&object).at(&Operation::default_one().path(path).unwrap())
    }

    #[test]
    fn fields() {
        assert_eq!(see("{}", "saveClips"), Ok(Sight::Absent));
        assert_eq!(see(r#"{"saveClips":null}"#, "saveClips"), Ok(Sight::Json(json!(null))));
        assert_eq!(see(r#"{"saveClips":true}"#, "saveClips"), Ok(Sight::Json(json!(true))));
    }

    #[test]
    fn secrets() {
        assert_eq!(see(r#"{"apiToken":"t"}"#, "apiToken"), Ok(Sight::Secret(SecretText::new("t".into()))));
        for hidden in ["{}", r#"{"apiToken":null}"#, r#"{"apiToken":"ab***"}"#, r#"{"apiToken":"•••"}"#]
        {
            assert_eq!(see(hidden, "apiToken"), Ok(Sight::Hidden), "{hidden}");
        }
        assert_eq!(
            see(r#"{"apiToken":5}"#, "apiToken").unwrap_err().to_string(),
            "apiToken is a number, not a text"
        );
    }

    #[test]
    fn maps() {
        let settings = r#"{"doorInfoMap":{"a.b":{"doorName":"x"},"n":null,"bad":[]}}"#;
        assert_eq!(see(settings, r"doorInfoMap.a\.b.doorName"), Ok(Sight::Json(json!("x"))));
        assert_eq!(see(settings, r"doorInfoMap.a\.b"), Ok(Sight::Json(json!({"doorName": "x"}))));
        assert_eq!(see(settings, "doorInfoMap.n"), Ok(Sight::Absent));
        assert_eq!(see(settings, "doorInfoMap.n.doorName"), Ok(Sight::Absent));
        assert_eq!(see(settings, "doorInfoMap.other.doorName"), Ok(Sight::Absent));
        assert_eq!(
            see(settings, "doorInfoMap.bad.doorName").unwrap_err().to_string(),
            "doorInfoMap.bad is a list, not an object"
        );
        assert_eq!(see(r#"{"doorInfoMap":null}"#, "doorInfoMap.a.doorName"), Ok(Sight::Absent));
        assert_eq!(
            see(r#"{"doorInfoMap":"x"}"#, "doorInfoMap.a.doorName").unwrap_err().to_string(),
            "doorInfoMap is a text, not an object"
        );
    }

    #[test]
    fn secrets_are_written_down_as_fingerprints_only() {
        let seal = SealKey::derive(&SecretText::new("k".into()), "p");
        let path = Operation::default_one().path("apiToken").unwrap();
        let sight = see(r#"{"apiToken":"hunter2"}"#, "apiToken").unwrap();
        let image = sight.image(&path, &seal);
        assert!(!format!("{sight:?}{image:?}").contains("hunter2"));
        assert!(sight.is(&image, &path, &seal));
    }
}
