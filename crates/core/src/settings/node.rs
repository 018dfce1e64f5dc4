//! A value in the text of an org's settings, taken apart on demand, to any depth.
//!
//! Nothing is copied: a node is a piece of the text that was read, and an object is taken apart once, when it is first
//! looked into. What lies beside the looked-up paths is never parsed.

use std::cell::OnceCell;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::members::Members;

/// A value in its text. No `Debug`: it may be a secret.
pub(crate) struct Node<'a> {
    raw: &'a RawValue,
    /// `None` inside: it is not an object.
    object: OnceCell<Option<Box<Object<'a>>>>,
}

/// An object in its text.
pub(crate) type Object<'a> = Members<&'a RawValue, Node<'a>>;

impl<'a> Node<'a> {
    pub(crate) fn of(raw: &'a RawValue) -> Self {
        Self { raw, object: OnceCell::new() }
    }

    /// Its piece of the text.
    pub(crate) fn raw(&self) -> &'a RawValue {
        self.raw
    }

    /// Its JSON, as read.
    pub(crate) fn text(&self) -> &'a str {
        self.raw.get()
    }

    pub(crate) fn is_null(&self) -> bool {
        self.text() == "null"
    }

    /// Its members; `None` if it is not an object.
    pub(crate) fn object(&self) -> Option<&Object<'a>> {
        let parse = || serde_json::from_str(self.raw.get()).ok().map(Box::new);
        self.object.get_or_init(|| if self.text().starts_with('{') { parse() } else { None }).as_deref()
    }

    /// What is in it; `None` if it is not a list.
    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        if self.text().starts_with('[') { serde_json::from_str(self.raw.get()).ok() } else { None }
    }

    /// What it is, in words.
    pub(crate) fn shape(&self) -> &'static str {
        match self.text().as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a text",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::of)
    }
}
