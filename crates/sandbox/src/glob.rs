//! A pattern over org names and ids: `*` is any run of characters, `?` is any one, everything else is itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A pattern. Every text is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Glob(String);

impl Glob {
    /// Whether the whole text fits the pattern; case counts, as it does in ids.
    pub fn matches(&self, text: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let text: Vec<char> = text.chars().collect();
        // The last `*` seen, and where in the text it has been tried up to: the only place to return to.
        let (mut at, mut place, mut star) = (0, 0, None);
        while place < text.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, place));
                    at += 1;
                }
                Some(c) if *c == '?' || *c == text[place] => {
                    at += 1;
                    place += 1;
                }
                _ => match star {
                    Some((star_at, tried)) => {
                        star = Some((star_at, tried + 1));
                        at = star_at + 1;
                        place = tried + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|c| *c == '*')
    }
}

impl From<&str> for Glob {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for Glob {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("Acme *", "Acme North", true),
            ("Acme *", "Acme", false),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbxc", false),
            ("?x", "ax", true),
            ("?x", "x", false),
            ("a**", "a", true),
            ("A", "a", false),
        ] {
            assert_eq!(Glob::from(pattern).matches(text), fits, "{pattern:?} on {text:?}");
        }
    }
}
