//! The partner's key: checked once, shown never.

use std::fmt;

use orgwave_core::secret::{Fingerprint, SecretText, key_fingerprint};
use reqwest::header::HeaderValue;

/// The scheme that goes with a partner's key without a client certificate.
pub const AUTH_SCHEME: &str = "partner-api-token";

/// The scheme that goes with a partner's key and a client certificate.
pub(crate) const AUTH_SCHEME_WITH_CERTIFICATE: &str = "partner-api";

/// No key of the vendor is near this long; a file that is no key often is.
const MAX_LEN: usize = 4096;

/// A key that can be sent. It has no `Display`, no `Serialize`, and its `Debug` is masked.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(SecretText);

/// Why a text is no key. None of these quotes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// Nothing is there.
    #[error("the key is empty")]
    Empty,
    /// A character that no key has: often a second line, or a text copied with more than the key.
    #[error("character {0} of the key is a space, a control character or not ASCII")]
    Character(usize),
    /// More than any key.
    #[error("the key is longer than {MAX_LEN} characters")]
    Length,
}

impl ApiKey {
    /// Takes a key as a file or a variable holds it; line breaks at the end are dropped.
    ///
    /// # Errors
    /// The text is empty, too long, or has characters that no key has.
    pub fn new(text: &SecretText) -> Result<Self, ApiKeyError> {
        let key = text.expose().trim_end_matches(['\r', '\n']);
        if key.is_empty() {
            return Err(ApiKeyError::Empty);
        }
        if key.len() > MAX_LEN {
            return Err(ApiKeyError::Length);
        }
        if let Some(index) = key.chars().position(|c| !c.is_ascii_graphic()) {
            return Err(ApiKeyError::Character(index + 1));
        }
        Ok(Self(SecretText::new(key.to_owned())))
    }

    /// The key as a secret: to derive seals from, and to mask it where it appears.
    pub fn secret(&self) -> &SecretText {
        &self.0
    }

    /// Tells this key from others, and reveals nothing of it.
    pub fn fingerprint(&self) -> Fingerprint {
        key_fingerprint(&self.0)
    }

    /// The header's value, marked so that no log of the HTTP stack prints it.
    pub(crate) fn to_header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(self.0.expose()).expect("graphic ASCII is a header value");
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<ApiKey, ApiKeyError> {
        ApiKey::new(&SecretText::new(text.to_owned()))
    }

    #[test]
    fn line_breaks_at_the_end_are_dropped() {
        for text in ["abc-123", "abc-123\n", "abc-123\r\n", "abc-123\n\n"] {
            assert_eq!(key(text).unwrap().secret().expose(), "abc-123");
        }
    }

    #[test]
    fn texts_that_are_no_api_key_are_refused() {
        assert_eq!(key(""), Err(ApiKeyError::Empty));
        assert_eq!(key("\n"), Err(ApiKeyError::Empty));
        assert_eq!(key(" abc"), Err(ApiKeyError::Character(1)));
        assert_eq!(key("abc "), Err(ApiKeyError::Character(4)));
        assert_eq!(key("ab\nc"), Err(ApiKeyError::Character(3)));
        assert_eq!(key("ab\0"), Err(ApiKeyError::Character(3)));
        assert_eq!(key("äb"), Err(ApiKeyError::Character(1)));
        assert_eq!(key("\u{feff}abc"), Err(ApiKeyError::Character(1)));
        assert_eq!(key(&"a".repeat(5000)), Err(ApiKeyError::Length));
    }

    #[test]
    fn debug_shows_nothing() {
        let key = key("hunter2").unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(***)");
        assert!(!format!("{:?}", key.to_header()).contains("hunter2"));
        assert!(key.to_header().is_sensitive());
    }
}
