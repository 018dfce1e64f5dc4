//! Secrets: their names, which may be anywhere, and their values, which may be nowhere.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The name of a secret, as `<secret:NAME>` gives it: `[A-Z][A-Z0-9_]*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Box<str>);

/// A text that is no name of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a secret's name is capitals, digits and `_`, a capital first")]
pub struct ParseSecretNameError;

impl SecretName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = ParseSecretNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(rest) {
            Ok(Self(text.into()))
        } else {
            Err(ParseSecretNameError)
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SecretName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The names of the secrets that a value is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SecretNames {
    /// The value is the secret.
    One(SecretName),
    /// The value is a list of secrets.
    List(Vec<SecretName>),
}

impl SecretNames {
    /// Each of them.
    pub fn all(&self) -> &[SecretName] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::List(names) => names,
        }
    }

    /// What is compared and fingerprinted for them; `None` if one has no value.
    pub fn value(&self, secrets: &Secrets, as_set: bool) -> Option<SecretText> {
        match self {
            Self::One(name) => secrets.get(name).cloned(),
            Self::List(names) => {
                let texts =
                    names.iter().map(|name| secrets.get(name).map(|secret| secret.expose().to_owned()));
                texts.collect::<Option<Vec<_>>>().map(|texts| SecretText::list(texts, as_set))
            }
        }
    }
}

impl FromStr for SecretNames {
    type Err = ParseSecretNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::One)
    }
}

/// As a cell has them.
impl fmt::Display for SecretNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.all().iter().enumerate() {
            let separator = if place == 0 { "" } else { ";" };
            write!(f, "{separator}<secret:{name}>")?;
        }
        Ok(())
    }
}

/// The value of a secret: no `Display`, no `Serialize`, a masked `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes a value in.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// One text for a list of secrets, equal for equal lists.
    pub(crate) fn list(mut texts: Vec<String>, as_set: bool) -> Self {
        if as_set {
            texts.sort();
            texts.dedup();
        }
        let text = serde_json::to_string(&texts).expect("a list of texts is JSON");
        drop(texts.into_iter().map(Self::new).collect::<Vec<_>>());
        Self::new(text)
    }

    /// Gives the value out. Every caller puts it on the wire or into a [`Fingerprint`], and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(***)")
    }
}

/// The secrets of a run, by name.
pub type Secrets = BTreeMap<SecretName, SecretText>;

/// A keyed digest that stands for something secret in plans and journals: equal for equal values under one
/// key, worthless without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key under which a plan is sealed: derived from the API key and the plan's id, so that only who holds
/// the API key can make, alter or check a plan.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

impl SealKey {
    /// The key for this plan under this API key.
    pub fn derive(api_key: &SecretText, plan_id: &str) -> Self {
        let mut mac = hmac_sha256(api_key.expose().as_bytes());
        mac.update(b"orgwave plan seal v1\0");
        mac.update(plan_id.as_bytes());
        Self(Zeroizing::new(mac.finalize().into_bytes().into()))
    }

    /// A running digest under this key.
    pub fn mac(&self) -> Hmac<Sha256> {
        hmac_sha256(self.0.as_slice())
    }

    /// The fingerprint of a secret value; `purpose` keeps equal values of different fields apart.
    pub fn fingerprint(&self, purpose: &str, value: &str) -> Fingerprint {
        let mut mac = self.mac();
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(value.as_bytes());
        Fingerprint(hex(&mac.finalize().into_bytes()[..16]))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(***)")
    }
}

/// Tells one API key from another in plans, journals and on screen, and reveals nothing of it.
pub fn key_fingerprint(api_key: &SecretText) -> Fingerprint {
    let mut mac = hmac_sha256(api_key.expose().as_bytes());
    mac.update(b"orgwave key fingerprint v1");
    Fingerprint(hex(&mac.finalize().into_bytes()[..8]))
}

fn hmac_sha256(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether a secret that was read back is masked: shown, but not as it is.
pub fn is_masked(value: &str) -> bool {
    ["***", "•••", "REDACTED"].iter().any(|mark| value.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_names_are_parsed_or_refused() {
        for good in ["A", "ENVOY_TOKEN", "T2"] {
            assert!(good.parse::<SecretName>().is_ok(), "{good}");
        }
        for bad in ["", "a", "2A", "_A", "A-B", "A B", "Ä"] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = SecretText::new("hunter2".into());
        assert_eq!(format!("{secret:?}"), "SecretText(***)");
        assert_eq!(format!("{:?}", SealKey::derive(&secret, "p")), "SealKey(***)");
    }

    #[test]
    fn fingerprints_depend_on_key_plan_purpose_and_value() {
        let key = SecretText::new("key".into());
        let print =
            |key: &SecretText, plan, purpose, value| SealKey::derive(key, plan).fingerprint(purpose, value);
        let one = print(&key, "p1", "apiToken", "v");
        assert_eq!(one, print(&key, "p1", "apiToken", "v"));
        assert_ne!(one, print(&key, "p2", "apiToken", "v"));
        assert_ne!(one, print(&key, "p1", "refreshToken", "v"));
        assert_ne!(one, print(&key, "p1", "apiToken", "w"));
        assert_ne!(one, print(&SecretText::new("other".into()), "p1", "apiToken", "v"));
    }
}
