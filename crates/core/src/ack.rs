//! What a good reply to an update brings: what the vendor confessed of a write that it accepted.
//!
//! A list of columns, as the operation's description names them, each with a text or a list. On the wire an object:
//! `{"failed_guids":["a"],"warning":"..."}`, which journals hold.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::redactor::Redactor;

/// What was confessed, and with which items. Empty: the write was accepted without a word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ack(Vec<(Box<str>, Said)>);

/// What is under one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// A text.
    Text(String),
    /// A list.
    Items(Vec<String>),
}

impl Said {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Items(items) => items.is_empty(),
        }
    }
}

impl Ack {
    /// Adds what was said under a column, unless that is nothing.
    pub fn push(&mut self, column: &str, said: Said) {
        if !said.is_empty() {
            self.0.push((column.into(), said));
        }
    }

    /// The same, with what another confesses.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (column, said) in other.0 {
            match (self.0.iter_mut().find(|(known, _)| *known == column).map(|(_, known)| known), said) {
                (Some(Said::Items(known)), Said::Items(more)) => known.extend(more),
                (Some(Said::Text(known)), Said::Text(more)) => *known = [known, "; ", &more].concat(),
                (Some(_), _) => {}
                (None, said) => self.0.push((column, said)),
            }
        }
        self
    }

    /// The text of a column; empty where there is none.
    pub fn text(&self, column: &str) -> &str {
        match self.said(column) {
            Some(Said::Text(text)) => text,
            Some(Said::Items(_)) | None => "",
        }
    }

    /// The first text, under whichever column; empty where there is none.
    pub fn message(&self) -> &str {
        let text = |(_, said): &'_ (Box<str>, Said)| matches!(said, Said::Text(_));
        self.0.iter().find(|confessed| text(confessed)).map_or("", |(column, _)| self.text(column))
    }

    /// The items of a column.
    pub fn items(&self, column: &str) -> &[String] {
        match self.said(column) {
            Some(Said::Items(items)) => items,
            Some(Said::Text(_)) | None => &[],
        }
    }

    /// Whether nothing was confessed.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is a partial success only.
    pub const fn is_warned(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether anything was said under a column.
    pub fn has(&self, column: &str) -> bool {
        self.said(column).is_some()
    }

    fn said(&self, column: &str) -> Option<&Said> {
        self.0.iter().find(|(known, _)| **known == *column).map(|(_, said)| said)
    }

    /// The same without the secrets that a vendor may quote.
    #[must_use]
    pub fn masked(mut self, redactor: &Redactor) -> Self {
        let mask = |text: &mut String| *text = redactor.mask(text).into_owned();
        for (_, said) in &mut self.0 {
            match said {
                Said::Text(text) => mask(text),
                Said::Items(items) => items.iter_mut().for_each(mask),
            }
        }
        self
    }
}

impl Serialize for Ack {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(column, said)| (column, said)))
    }
}

impl<'de> Deserialize<'de> for Ack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> Visitor<'de> for Columns {
            type Value = Ack;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("what an accepted write confessed")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ack, A::Error> {
                let mut ack = Ack::default();
                while let Some((column, said)) = map.next_entry::<Box<str>, Option<Said>>()? {
                    if let Some(said) = said {
                        ack.push(&column, said);
                    }
                }
                Ok(ack)
            }
        }
        deserializer.deserialize_map(Columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    #[test]
    fn what_journals_hold_is_read_and_written_the_same() {
        let text = r#"{"warning":"two doors","failed_guids":["a","b"],"misconfigured_doors":["Front"]}"#;
        let ack: Ack = serde_json::from_str(text).unwrap();
        assert_eq!(ack.text("warning"), "two doors");
        assert_eq!(
            (ack.items("failed_guids"), ack.items("misconfigured_doors").len()),
            (&["a".to_owned(), "b".to_owned()][..], 1)
        );
        assert_eq!(serde_json::to_string(&ack).unwrap(), text);
        assert!(!serde_json::from_str::<Ack>(r#"{"warning":null,"failed_guids":[]}"#).unwrap().is_warned());
    }

    #[test]
    fn secrets_are_masked_in_texts_and_lists() {
        let mut ack = Ack::default();
        ack.push("warning", Said::Text("key hunter2".into()));
        ack.push("failed_guids", Said::Items(vec!["hunter2".into()]));
        let redactor = Redactor::new([SecretText::new("hunter2".into())]);
        assert_eq!(
            serde_json::to_string(&ack.masked(&redactor)).unwrap(),
            r#"{"warning":"key ***","failed_guids":["***"]}"#
        );
    }
}
