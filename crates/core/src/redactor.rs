//! Takes secrets out of texts that come from elsewhere: a vendor may quote in a message what it was sent, as it
//! is, escaped for JSON, a URL or HTML, or in base64. Does not see through two layers of escapes.

mod spelling;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine as _,
};

use crate::secret::SecretText;
use spelling::readings;

const MASK: &str = "***";

/// Bytes that a secret has at least to be looked for in base64, too: less would be in many a word by chance.
const MIN_IN_BASE64: usize = 4;

/// Knows secrets, and masks them wherever they stand.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Sorted, so that those that begin alike are neighbours.
    secrets: Vec<SecretText>,
}

impl Redactor {
    /// One that masks these, however they are escaped, and in base64. Empty ones are omitted.
    pub fn new(secrets: impl IntoIterator<Item = SecretText>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.expose().is_empty()).collect();
        let encoded: Vec<_> = secrets.iter().flat_map(in_base64).collect();
        secrets.extend(encoded);
        secrets.sort_by(|left, right| left.expose().cmp(right.expose()));
        secrets.dedup();
        Self { secrets }
    }

    /// The text with every secret masked. Secrets that overlap go as one.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = String::new();
        // Where the last secret ends: up to there, `masked` holds what is to be said.
        let mut secret_end = 0;
        for (start, _) in text.char_indices() {
            let Some(length) = self.longest_at(&text[start..]) else { continue };
            if start >= secret_end {
                masked.push_str(&text[secret_end..start]);
                masked.push_str(MASK);
            }
            secret_end = secret_end.max(start + length);
        }
        if secret_end == 0 {
            return Cow::Borrowed(text);
        }
        masked.push_str(&text[secret_end..]);
        Cow::Owned(masked)
    }

    /// How much of the text's start spells a secret: the most, if there are several.
    fn longest_at(&self, text: &str) -> Option<usize> {
        let mut longest = None;
        let mut walks = vec![Walk { candidates: 0..self.secrets.len(), depth: 0, end: 0 }];
        // All walks are equally many characters deep. Each place is held once, whatever ways lead to it: a secret
        // of many backslashes has many.
        while !walks.is_empty() {
            let mut further = Vec::new();
            for walk in &walks {
                for (c, length) in readings(&text[walk.end..]) {
                    let walk = self.step(walk, c, length);
                    let Some(shortest) = self.secrets[walk.candidates.clone()].first() else { continue };
                    if shortest.expose().len() == walk.depth {
                        longest = longest.max(Some(walk.end));
                    }
                    if !further.contains(&walk) {
                        further.push(walk);
                    }
                }
            }
            walks = further;
        }
        longest
    }

    fn step(&self, walk: &Walk, c: char, length: usize) -> Walk {
        let candidates = &self.secrets[walk.candidates.clone()];
        let next = |secret: &SecretText| secret.expose()[walk.depth..].chars().next();
        let from = candidates.partition_point(|secret| next(secret) < Some(c));
        let to = candidates.partition_point(|secret| next(secret) <= Some(c));
        let start = walk.candidates.start;
        Walk {
            candidates: start + from..start + to,
            depth: walk.depth + c.len_utf8(),
            end: walk.end + length,
        }
    }
}

/// How far a text was read as the beginning of secrets.
#[derive(PartialEq)]
struct Walk {
    /// The secrets that begin like this.
    candidates: Range<usize>,
    /// Bytes of the secrets that were read.
    depth: usize,
    /// Bytes of the text that spell them.
    end: usize,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} spellings)", self.secrets.len())
    }
}

fn in_base64(secret: &SecretText) -> Vec<SecretText> {
    let secret = secret.expose();
    if secret.len() < MIN_IN_BASE64 {
        return Vec::new();
    }
    [BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD]
        .map(|alphabet| SecretText::new(alphabet.encode(secret)))
        .into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(secrets.iter().map(|secret| SecretText::new((*secret).to_owned())))
    }

    #[test]
    fn every_secret_is_masked_wherever_it_occurs() {
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
        assert!(!format!("{:?}", redactor(&["hunter2"])).contains("hunter2"));
    }

    #[test]
    fn a_secret_is_masked_however_it_is_escaped() {
        for quoted in [
            r"tok+en\/9qZ==",
            "tok%2Ben%2F9qZ%3D%3D",
            "tok%2ben%2f9qZ==",
            r"tok+en/9qZ\u003d\u003D",
            "tok&#43;en&#x2F;9qZ&#61;&equals;",
            r"tok%2Ben\/9qZ&#61;\u003d",
            "dG9rK2VuLzlxWj09",
        ] {
            assert_eq!(redactor(&["tok+en/9qZ=="]).mask(&format!("bad: {quoted}.")), "bad: ***.", "{quoted}");
        }
        let redactor = redactor(&["böse &\">?", "a b"]);
        for quoted in [r#"b\u00f6se &\">?"#, "b%C3%B6se+%26%22%3e%3F", "b&#246;se &amp;&quot;&gt;?"] {
            assert_eq!(redactor.mask(quoted), "***", "{quoted}");
        }
        for quoted in ["YsO2c2UgJiI+Pw==", "YsO2c2UgJiI-Pw", r"YsO2c2UgJiI\u002bPw%3D%3d"] {
            assert_eq!(redactor.mask(quoted), "***", "{quoted}");
        }
        assert_eq!(redactor.mask("a+b a%20b"), "*** ***");
    }

    #[test]
    fn secrets_that_overlap_leave_nothing() {
        assert_eq!(redactor(&["abc", "cde", "bcdef"]).mask("-abcdefg"), "-***g");
        assert_eq!(redactor(&["aa"]).mask("aaa aaaa"), "*** ***");
        assert_eq!(redactor(&["ab"]).mask("abab"), "******");
    }

    #[test]
    fn a_secret_of_many_backslashes_takes_no_long_time() {
        let secret = "\\".repeat(200);
        assert_eq!(redactor(&[&secret]).mask(&"\\".repeat(399)), MASK);
    }

    /// A character in one of its spellings.
    fn spelled(c: char, how: u8) -> String {
        let bytes = |digits: fn(u8) -> String| c.to_string().bytes().map(digits).collect();
        let units =
            |digits: fn(u16) -> String| c.encode_utf16(&mut [0; 2]).iter().copied().map(digits).collect();
        match how {
            0 => bytes(|byte| format!("%{byte:02X}")),
            1 => bytes(|byte| format!("%{byte:02x}")),
            2 => units(|unit| format!("\\u{unit:04X}")),
            3 => units(|unit| format!("\\u{unit:04x}")),
            4 => format!("&#{};", u32::from(c)),
            5 => format!("&#x{:X};", u32::from(c)),
            6 => {
                let quoted = serde_json::to_string(&c).unwrap();
                quoted[1..quoted.len() - 1].to_owned()
            }
            7 if c.is_ascii_punctuation() => format!("\\{c}"),
            8 if c == ' ' => "+".to_owned(),
            _ => c.to_string(),
        }
    }

    proptest! {
        #[test]
        fn any_mixture_of_escapes_is_masked(
            characters in proptest::collection::vec((prop_oneof![any::<char>(), proptest::char::range(' ', '~')], 0..12u8), 1..40),
        ) {
            let secret: String = characters.iter().map(|(c, _)| c).collect();
            prop_assume!(!secret.contains(['»', '«', '*']));
            let text: String = characters.iter().map(|(c, how)| spelled(*c, *how)).collect();
            let text = format!("«{text}»");
            prop_assert_eq!(redactor(&[&secret]).mask(&text), "«***»");
        }

        #[test]
        fn nothing_is_left_between_other_words(
            secret in "[ -)+-~]{1,6}", before in "[ -~]{0,20}", after in "[ -~]{0,20}",
        ) {
            let redactor = redactor(&[&secret]);
            let masked = redactor.mask(&format!("{before}{secret}{after}")).into_owned();
            prop_assert!(!masked.contains(&secret));
            prop_assert_eq!(redactor.mask(&masked), masked.as_str());
        }

        #[test]
        fn a_text_without_the_secret_stays_as_it_is(secret in "[α-ω]{6,20}", text in "[ -~]{0,200}") {
            prop_assert!(matches!(redactor(&[&secret]).mask(&text), Cow::Borrowed(same) if same == text));
        }
    }
}
