//! What is to be seen at a path of an org's settings as read.

use std::cell::OnceCell;
use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Field, Path, RawMap, RawMember, RawObject, same};
use crate::outcome::Image;
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
            Self::Secret(secret) => Image::Secret(seal.fingerprint(path.field().name, secret.expose())),
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

/// The secrets that settings show.
pub fn secrets_in(object: &RawObject) -> impl Iterator<Item = SecretText> {
    let secrets = super::FIELDS.iter().filter(|field| field.is_secret());
    secrets.filter_map(|field| {
        let text: Option<String> = serde_json::from_str(object.get(field.name)?.get()).ok()?;
        text.filter(|text| !is_masked(text)).map(SecretText::new)
    })
}

/// An org's settings as read, ready to be looked into: maps are taken apart once, when first asked for.
pub struct Settings<'a> {
    object: &'a RawObject,
    maps: OnceCell<Vec<(&'static str, RawMap<'a>)>>,
}

impl<'a> Settings<'a> {
    /// Looks into these settings.
    pub fn new(object: &'a RawObject) -> Self {
        Self { object, maps: OnceCell::new() }
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// A map that is no object, an entry that is neither object nor null, a secret that is no text.
    pub fn at(&self, path: &Path) -> Result<Sight, ShapeError> {
        let field = path.field();
        match path {
            Path::Field(_) if field.is_secret() => self.secret(field.name),
            Path::Field(_) => Ok(self.object.get(field.name).map_or(Sight::Absent, |raw| json(raw.get()))),
            Path::Entry(_, key) => Ok(match self.entry(field.name, key)? {
                Some((map, entry)) if map.value(entry) != "null" => json(map.value(entry)),
                _ => Sight::Absent,
            }),
            Path::Member(_, key, member) => {
                let Some((map, entry)) = self.entry(field.name, key)? else { return Ok(Sight::Absent) };
                match (map.members(entry), map.value(entry)) {
                    (Some(members), _) => {
                        let found = members.iter().find(|found| found.key() == Some(member.name));
                        Ok(found.map_or(Sight::Absent, |found| json(map.value(found))))
                    }
                    (None, "null") => Ok(Sight::Absent),
                    (None, other) => Err(ShapeError {
                        place: Path::Entry(field, key.clone()).to_string(),
                        expected: "an object",
                        found: shape(other),
                    }),
                }
            }
        }
    }

    fn secret(&self, name: &str) -> Result<Sight, ShapeError> {
        let raw = self.object.get(name).map_or("null", |raw| raw.get());
        match serde_json::from_str::<Option<String>>(raw) {
            Ok(None) => Ok(Sight::Hidden),
            Ok(Some(text)) if is_masked(&text) => Ok(Sight::Hidden),
            Ok(Some(text)) => Ok(Sight::Secret(SecretText::new(text))),
            Err(_) => Err(ShapeError { place: name.to_owned(), expected: "a text", found: shape(raw) }),
        }
    }

    /// Whether an entry is there, and not null.
    ///
    /// # Errors
    /// The map is no object.
    pub fn has_entry(&self, map: &'static Field, key: &str) -> Result<bool, ShapeError> {
        Ok(self.entry(map.name, key)?.is_some_and(|(map, entry)| map.value(entry) != "null"))
    }

    /// The keys of a map's entries that are there, and not null.
    pub fn keys(&self, map: &'static Field) -> impl Iterator<Item = &str> {
        let map = self.maps().iter().find(|(name, _)| *name == map.name);
        map.into_iter().flat_map(|(_, map)| {
            map.entries().iter().filter(|entry| map.value(entry) != "null").filter_map(RawMember::key)
        })
    }

    fn maps(&self) -> &[(&'static str, RawMap<'a>)] {
        self.maps.get_or_init(|| {
            let maps = self.object.iter().filter_map(|(name, raw)| {
                let field = Field::named(name).filter(|field| field.map().is_some())?;
                Some((field.name, RawMap::of(raw)?))
            });
            maps.collect()
        })
    }

    fn entry(
        &self,
        map: &'static str,
        key: &str,
    ) -> Result<Option<(&RawMap<'a>, &RawMember<'a>)>, ShapeError> {
        match self.maps().iter().find(|(name, _)| *name == map) {
            Some((_, map)) => Ok(map.entry(key).map(|entry| (map, entry))),
            None => match self.object.get(map).map_or("null", RawValue::get) {
                "null" => Ok(None),
                raw => Err(ShapeError { place: map.to_owned(), expected: "an object", found: shape(raw) }),
            },
        }
    }
}

impl fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settings").field(self.object).finish()
    }
}

/// A value that is nested deeper than the parser goes is kept as text, and so equals nothing that is wanted.
fn json(raw: &str) -> Sight {
    Sight::Json(serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned())))
}

fn shape(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn see(settings: &str, path: &str) -> Result<Sight, ShapeError> {
        let object = RawObject::parse(settings).unwrap();
        Settings::new(&object).at(&path.parse().unwrap())
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
        let path: Path = "apiToken".parse().unwrap();
        let sight = see(r#"{"apiToken":"hunter2"}"#, "apiToken").unwrap();
        let image = sight.image(&path, &seal);
        assert!(!format!("{sight:?}{image:?}").contains("hunter2"));
        assert!(sight.is(&image, &path, &seal));
    }
}
