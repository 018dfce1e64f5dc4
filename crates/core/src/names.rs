//! Names of orgs as they are compared: what looks the same is the same.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Spaces at which no line breaks.
const UNBREAKABLE: [char; 3] = ['\u{a0}', '\u{2007}', '\u{202f}'];

/// The name in NFC, without surrounding spaces, a no-break space taken for a space.
pub fn comparable(name: &str) -> Cow<'_, str> {
    let name = name.trim();
    if !name.contains(UNBREAKABLE) && is_nfc_quick(name.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.nfc().map(|c| if UNBREAKABLE.contains(&c) { ' ' } else { c }).collect())
}

/// How many letters apart two names are, whatever their case; `None` where that is too far for "did you mean".
pub fn distance(typed: &str, candidate: &str) -> Option<usize> {
    let most = 2.max(candidate.len() / 4);
    if typed.chars().count().abs_diff(candidate.chars().count()) > most {
        return None;
    }
    let distance = strsim::damerau_levenshtein(&typed.to_lowercase(), &candidate.to_lowercase());
    (distance <= most).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (typed, live) in [
            ("Zoe\u{308}", "Zo\u{eb}"),
            (" Acme\u{a0}Ltd ", "Acme Ltd"),
            ("Acme\u{a0}", "Acme"),
            ("Acme\u{202f}Ltd", "Acme Ltd"),
            ("\u{212b}", "\u{c5}"),
        ] {
            assert_eq!(comparable(typed), comparable(live), "{typed}");
        }
        for (typed, live) in [("acme", "Acme"), ("Zoe", "Zo\u{eb}"), ("\u{ff21}", "A")] {
            assert_ne!(comparable(typed), comparable(live), "{typed}");
        }
    }
}
