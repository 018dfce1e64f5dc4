//! Takes secrets out of texts that come from elsewhere: a vendor may quote in a message what it was sent.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::secret::SecretText;

const MASK: &str = "***";

/// Knows secrets, and masks them wherever they stand.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The run's, which many redactors share. The longest first, so that a secret within another leaves nothing of
    /// the longer one.
    shared: Arc<[SecretText]>,
    /// Further ones, in the same order.
    own: Vec<SecretText>,
}

impl Redactor {
    /// One that masks these, as they are and as JSON writes them. Empty ones are left out.
    pub fn new(secrets: impl IntoIterator<Item = SecretText>) -> Self {
        Self { shared: in_all_forms(secrets.into_iter().collect()).into(), own: Vec::new() }
    }

    /// One that masks these as well.
    pub(crate) fn knowing(&self, secrets: impl IntoIterator<Item = SecretText>) -> Self {
        let new = secrets.into_iter().filter(|new| !self.all().any(|known| known.expose() == new.expose()));
        let mut own = in_all_forms(new.collect());
        own.extend(self.own.iter().cloned());
        sort(&mut own);
        Self { shared: self.shared.clone(), own }
    }

    /// The text with every secret masked.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.all().fold(Cow::Borrowed(text), |text, secret| {
            if text.contains(secret.expose()) { text.replace(secret.expose(), MASK).into() } else { text }
        })
    }

    /// All secrets, the longest first.
    fn all(&self) -> impl Iterator<Item = &SecretText> {
        let (mut shared, mut own) = (self.shared.iter().peekable(), self.own.iter().peekable());
        std::iter::from_fn(move || match (shared.peek(), own.peek()) {
            (Some(left), Some(right)) if left.expose().len() < right.expose().len() => own.next(),
            (Some(_), _) => shared.next(),
            (None, _) => own.next(),
        })
    }
}

fn in_all_forms(mut secrets: Vec<SecretText>) -> Vec<SecretText> {
    secrets.retain(|secret| !secret.expose().is_empty());
    let escaped: Vec<_> = secrets.iter().filter_map(escaped).collect();
    secrets.extend(escaped);
    sort(&mut secrets);
    secrets
}

fn sort(secrets: &mut [SecretText]) {
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.shared.len() + self.own.len())
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
    fn the_longest_is_masked_first_whoever_knows_it() {
        let more = redactor(&["token-of-all", "b"]).knowing([SecretText::new("token-of".to_owned())]);
        assert_eq!(more.mask("token-of-all, token-of, b"), "***, ***, ***");
        let more = redactor(&["token"]).knowing([SecretText::new("token-of-one".to_owned())]);
        assert_eq!(more.mask("token-of-one, token"), "***, ***");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", redactor(&["hunter2"])), "Redactor(1 secrets)");
    }
}
