//! Takes secrets out of texts that come from elsewhere: a vendor may quote in a message what it was sent.

use std::borrow::Cow;
use std::fmt;

use crate::secret::SecretText;

const MASK: &str = "***";

/// Knows secrets, and masks them wherever they stand.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first, so that a secret within another leaves nothing of the longer one.
    secrets: Vec<SecretText>,
}

impl Redactor {
    /// One that masks these, as they are and as JSON writes them. Empty ones are left out.
    pub fn new(secrets: impl IntoIterator<Item = SecretText>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.expose().is_empty()).collect();
        let escaped: Vec<_> = secrets.iter().filter_map(escaped).collect();
        secrets.extend(escaped);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self { secrets }
    }

    /// The text with every secret masked.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.secrets.iter().fold(Cow::Borrowed(text), |text, secret| {
            if text.contains(secret.expose()) { text.replace(secret.expose(), MASK).into() } else { text }
        })
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

/// How a secret stands in a text that quotes JSON, if that is another way.
fn escaped(secret: &SecretText) -> Option<SecretText> {
    let quoted = SecretText::new(serde_json::to_string(secret.expose()).ok()?);
    let inner = quoted.expose().get(1..quoted.expose().len().checked_sub(1)?)?;
    (inner != secret.expose()).then(|| SecretText::new(inner.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(secrets.iter().map(|secret| SecretText::new((*secret).to_owned())))
    }

    #[test]
    fn every_secret_is_masked_wherever_it_stands() {
        let redactor = redactor(&["tok", "token-1", ""]);
        assert_eq!(redactor.mask("key token-1 and token-1"), "key *** and ***");
        assert_eq!(redactor.mask("a tok"), "a ***");
        assert_eq!(redactor.mask("nothing"), "nothing");
    }

    #[test]
    fn a_secret_is_masked_as_json_writes_it() {
        let redactor = redactor(&[r#"a"b\c"#]);
        assert_eq!(redactor.mask(r#"bad: {"apiToken":"a\"b\\c"}, a"b\c"#), r#"bad: {"apiToken":"***"}, ***"#);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", redactor(&["hunter2"])), "Redactor(1 secrets)");
    }
}
