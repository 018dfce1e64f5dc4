//! Values at dotted places of a document: `org.dataRetentionSettings`. The empty place is the document itself.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::members::{Members, raw};

/// The value at a place, as it is written there.
pub(crate) fn get<'a>(document: &'a [u8], place: &str) -> Option<&'a RawValue> {
    let mut value: &RawValue = serde_json::from_slice(document).ok()?;
    for name in names(place) {
        let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
        value = members.remove(name)?;
    }
    Some(value)
}

/// The document with another value at a place, or with none. What is no object on the way becomes one.
pub(crate) fn put(document: &[u8], place: &str, value: Option<&RawValue>) -> Bytes {
    let Some(value) = inside(document, &mut names(place), value) else { return Bytes::from_static(b"{}") };
    Bytes::from(String::from(Box::<str>::from(value)))
}

fn inside<'a>(
    json: &[u8],
    names: &mut impl Iterator<Item = &'a str>,
    value: Option<&RawValue>,
) -> Option<Box<RawValue>> {
    let Some(name) = names.next() else { return value.map(ToOwned::to_owned) };
    let mut members = Members::parse(json).unwrap_or_default();
    let old = members.0.remove(name).unwrap_or_default();
    if let Some(new) = inside(old.get().as_bytes(), names, value) {
        members.0.insert(name.to_owned(), new);
    }
    Some(raw(&members))
}

fn names(place: &str) -> impl Iterator<Item = &str> {
    place.split('.').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &[u8] = br#"{"org":{"days":{"faces":30},"n":1.0},"z":1}"#;

    fn text(value: Option<&RawValue>) -> Option<&str> {
        value.map(RawValue::get)
    }

    #[test]
    fn a_place_is_found_as_it_is_written() {
        assert_eq!(text(get(DOCUMENT, "org.days")), Some(r#"{"faces":30}"#));
        assert_eq!(text(get(DOCUMENT, "")), std::str::from_utf8(DOCUMENT).ok());
        assert_eq!(text(get(DOCUMENT, "org.n.x")), None);
        assert_eq!(text(get(DOCUMENT, "orgs")), None);
    }

    #[test]
    fn a_place_is_put_and_taken_and_all_else_stays() {
        let null = RawValue::from_string("null".to_owned()).unwrap();
        assert_eq!(put(DOCUMENT, "org.days", Some(&null)), r#"{"org":{"days":null,"n":1.0},"z":1}"#);
        assert_eq!(put(DOCUMENT, "org.days", None), r#"{"org":{"n":1.0},"z":1}"#);
        assert_eq!(
            put(DOCUMENT, "z.new.x", Some(&null)),
            r#"{"org":{"days":{"faces":30},"n":1.0},"z":{"new":{"x":null}}}"#
        );
        assert_eq!(put(DOCUMENT, "", Some(&null)), "null");
        assert_eq!(put(DOCUMENT, "", None), "{}");
    }
}
