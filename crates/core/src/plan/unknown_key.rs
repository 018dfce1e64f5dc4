//! A key of a map that a plan names and that isn't live.

use std::fmt;

use crate::legible::is_hidden;
use crate::operation::Path;

/// A key that the manifest names and that isn't among the live entries of its map, with the live keys that may be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownKey {
    /// The entry.
    pub entry: Path,
    /// Live keys of the same map, nearest first; not all of them.
    pub near: Vec<String>,
    /// Whether a live key is the same under another spelling: other zeros, case, spaces, dashes or composition, or what
    /// a spreadsheet makes of it.
    pub respelled: bool,
}

/// For people: `doorInfoMap "123", live is "0123"`.
impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.entry.key().unwrap_or_default();
        let other: String = self.near.concat();
        write!(f, "{} {}", self.entry.map_name(), Apart { text: key, other: &other, all: self.respelled })?;
        if !self.near.is_empty() {
            f.write_str(if self.respelled { ", live is " } else { ", nearest live: " })?;
        }
        for (place, near) in self.near.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { ", " })?;
            write!(f, "{}", Apart { text: near, other: key, all: self.respelled })?;
        }
        Ok(())
    }
}

/// A text in quotes in which everything is spelled out by its number that isn't ASCII and that the other text doesn't have,
/// where both may print alike.
struct Apart<'a> {
    text: &'a str,
    other: &'a str,
    all: bool,
}

impl fmt::Display for Apart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.text.chars() {
            if is_hidden(c) || self.all && !c.is_ascii() && !self.other.contains(c) {
                write!(f, "<U+{:04X}>", u32::from(c))?;
            } else {
                write!(f, "{c}")?;
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, near: &[&str], respelled: bool) -> String {
        let near = near.iter().map(|near| (*near).to_owned()).collect();
        UnknownKey { entry: crate::operation::Operation::default_one().path(path).unwrap(), near, respelled }
            .to_string()
    }

    #[test]
    fn keys_that_print_alike_are_distinguished() {
        for (path, near, shown) in [
            ("doorInfoMap.123", "0123", r#"doorInfoMap "123", live is "0123""#),
            ("doorInfoMap.Caf\u{e9}", "Cafe\u{301}", r#"doorInfoMap "Caf<U+00E9>", live is "Cafe<U+0301>""#),
            ("doorInfoMap.A\u{2013}1", "A-1", r#"doorInfoMap "A<U+2013>1", live is "A-1""#),
            (
                "doorInfoMap.\u{fc}\u{a0}1",
                "\u{fc} 1",
                "doorInfoMap \"\u{fc}<U+00A0>1\", live is \"\u{fc} 1\"",
            ),
        ] {
            assert_eq!(said(path, &[near], true), shown);
        }
        assert_eq!(
            said("doorInfoMap.Süd", &["Nord", "Ost"], false),
            r#"doorInfoMap "Süd", nearest live: "Nord", "Ost""#
        );
        assert_eq!(said("doorInfoMap.Süd", &[], false), r#"doorInfoMap "Süd""#);
    }
}
