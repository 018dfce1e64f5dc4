//! A pattern over org names and ids: `*` is any run of characters, `?` is any one, everything else is itself.

use orgwave_core::ids::Ruuid;
use serde::Deserialize;
use wildmatch::WildMatch;

/// A pattern. Every text is one; case counts, as it does in ids.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "String")]
pub struct Pattern(WildMatch);

impl Pattern {
    /// Whether the whole id or the whole name of an org fits.
    pub(crate) fn fits(&self, id: Ruuid, name: &str) -> bool {
        self.0.matches(id.as_str()) || self.0.matches(name)
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self(WildMatch::new(&text))
    }
}
