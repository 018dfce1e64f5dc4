//! The vendor's id of anything: 16 bytes as 22 characters of base64url without padding.
//!
//! 22 characters carry 132 bits, so the last one has four bits that mean nothing. The vendor writes them
//! as zeros; a text that sets them still names the same 16 bytes, and the vendor's own pattern accepts it.
//! Therefore identity is the bytes, and the text is kept exactly as typed for sending and reporting.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const CHARS: usize = 22;
const BYTES: usize = 16;

const CODEC: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// An RUUID: equal, ordered and hashed by its 16 bytes, shown as the 22 characters it was typed as.
#[derive(Clone, Copy)]
pub struct Ruuid {
    bytes: [u8; BYTES],
    text: [u8; CHARS],
}

/// Why a text is no RUUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseRuuidError {
    /// The text has another length than 22; the number is what it has, in characters.
    #[error("an RUUID has 22 characters, this has {0}")]
    Length(usize),
    /// A character is outside `[A-Za-z0-9_-]`; the position counts characters from 1.
    #[error("character {position} is {found:?}, an RUUID has only letters, digits, `-` and `_`")]
    Character {
        /// Counted in characters, from 1.
        position: usize,
        /// The character that doesn't belong.
        found: char,
    },
}

impl Ruuid {
    /// The id of these 16 bytes, in its canonical text.
    pub fn from_bytes(bytes: [u8; BYTES]) -> Self {
        let mut text = [0; CHARS];
        let written = CODEC.encode_slice(bytes, &mut text);
        debug_assert_eq!(written, Ok(CHARS));
        Self { bytes, text }
    }

    /// The 16 bytes that are the identity.
    pub fn as_bytes(&self) -> &[u8; BYTES] {
        &self.bytes
    }

    /// The text as typed: what is sent to the vendor and written to reports.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("the alphabet is ASCII")
    }

    /// Whether the unused bits of the last character are zero, as the vendor writes them.
    pub fn is_canonical(&self) -> bool {
        Self::from_bytes(self.bytes).text == self.text
    }

    /// The 32 lower-case hex digits of the bytes: a file name that is safe on file systems that fold case.
    pub fn to_hex(&self) -> String {
        use fmt::Write as _;
        self.bytes.iter().fold(String::with_capacity(2 * BYTES), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    pub(crate) const fn is_alphabet(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
    }

    /// Whether a text is an RUUID, for lists of which only the text is kept.
    ///
    /// # Errors
    /// As parsing it.
    pub fn check(text: &str) -> Result<(), ParseRuuidError> {
        // Whatever 22 characters of the alphabet are, they are 16 bytes and four spare bits.
        if text.len() == CHARS && text.bytes().all(Self::is_alphabet) {
            Ok(())
        } else {
            Err(Self::refuse(text))
        }
    }

    /// Why a text that is no RUUID is none.
    fn refuse(text: &str) -> ParseRuuidError {
        let stray = text.chars().enumerate().find(|(_, c)| !u8::try_from(*c).is_ok_and(Self::is_alphabet));
        match stray {
            Some((index, found)) => ParseRuuidError::Character { position: index + 1, found },
            None => ParseRuuidError::Length(text.len()),
        }
    }
}

impl FromStr for Ruuid {
    type Err = ParseRuuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; BYTES];
        match <[u8; CHARS]>::try_from(text.as_bytes()) {
            Ok(chars) if CODEC.decode_slice_unchecked(chars, &mut bytes).is_ok() => {
                Ok(Self { bytes, text: chars })
            }
            _ => Err(Self::refuse(text)),
        }
    }
}

impl PartialEq for Ruuid {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Ruuid {}

impl Hash for Ruuid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl PartialOrd for Ruuid {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ruuid {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl fmt::Display for Ruuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Ruuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ruuid({self})")
    }
}

impl Serialize for Ruuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Ruuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Ruuid;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RUUID: 22 characters of base64url")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ruuid, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// An oracle that shares nothing with the codec: the bits, one by one.
    fn bits_of(text: &str) -> Option<Vec<bool>> {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let places: HashMap<char, usize> = ALPHABET.chars().enumerate().map(|(i, c)| (c, i)).collect();
        let mut bits = Vec::new();
        for c in text.chars() {
            let place = *places.get(&c)?;
            bits.extend((0..6).rev().map(|shift| place >> shift & 1 == 1));
        }
        (bits.len() == 132).then_some(bits)
    }

    #[test]
    fn the_seed_example_is_sixteen_zero_bytes() {
        let id: Ruuid = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        assert_eq!(id.as_bytes(), &[0; 16]);
        assert!(id.is_canonical());
    }

    #[test]
    fn spare_bits_keep_the_identity_and_the_text() {
        let typed: Ruuid = "AAAAAAAAAAAAAAAAAAAAAB".parse().unwrap();
        let canonical: Ruuid = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        assert_eq!(typed, canonical);
        assert_eq!(typed.to_string(), "AAAAAAAAAAAAAAAAAAAAAB");
        assert!(!typed.is_canonical());
    }

    #[test]
    fn ids_that_differ_by_case_have_different_file_names() {
        let upper: Ruuid = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let lower: Ruuid = "aAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        assert_ne!(upper, lower);
        assert_ne!(upper.to_hex(), lower.to_hex());
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = |text: &str| text.parse::<Ruuid>().unwrap_err().to_string();
        assert_eq!(error(""), "an RUUID has 22 characters, this has 0");
        assert_eq!(error("AAAAAAAAAAAAAAAAAAAAA"), "an RUUID has 22 characters, this has 21");
        assert_eq!(
            error("AAAAAAAAAAAAAAAAAAAA=="),
            "character 21 is '=', an RUUID has only letters, digits, `-` and `_`"
        );
    }

    proptest! {
        #[test]
        fn accepts_exactly_what_the_oracle_accepts(text in prop_oneof![
            "[A-Za-z0-9_-]{22}", "[A-Za-z0-9_-]{0,30}", "[A-Za-z0-9_+/=. -]{22}", ".{0,25}",
        ]) {
            let parsed = text.parse::<Ruuid>();
            match bits_of(&text) {
                None => prop_assert!(parsed.is_err()),
                Some(bits) => {
                    let id = parsed.unwrap();
                    let bytes: Vec<u8> = bits[..128]
                        .chunks(8)
                        .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit)))
                        .collect();
                    prop_assert_eq!(id.as_bytes().as_slice(), bytes.as_slice());
                    prop_assert_eq!(id.is_canonical(), bits[128..].iter().all(|bit| !bit));
                    prop_assert_eq!(id.as_str(), text);
                }
            }
        }

        #[test]
        fn bytes_round_trip(bytes: [u8; 16]) {
            let id = Ruuid::from_bytes(bytes);
            let again: Ruuid = id.to_string().parse().unwrap();
            prop_assert_eq!(again.as_bytes(), &bytes);
            prop_assert!(again.is_canonical());
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<Ruuid>(&json).unwrap(), id);
        }

        #[test]
        fn any_text_parses_as_an_id_without_a_panic(bytes: Vec<u8>) {
            let _ = String::from_utf8_lossy(&bytes).parse::<Ruuid>();
        }
    }
}
