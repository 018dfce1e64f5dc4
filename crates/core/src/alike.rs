//! Names that look alike and aren't the same: where the difference can't be seen, the characters' numbers show it.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization as _;

use crate::legible::is_hidden;
use crate::names::comparable;

/// This many differences are listed.
const LISTED: usize = 3;

/// The characters in which two names differ that look alike; none where a reader sees the difference.
pub fn differing(manifest: &str, live: &str) -> Option<String> {
    let (manifest, live) = (comparable(manifest), comparable(live));
    if manifest == live || look(&manifest) != look(&live) {
        return None;
    }
    let (mut left, mut right) = (manifest.chars().peekable(), live.chars().peekable());
    let mut listed: Vec<String> = Vec::new();
    let mut place = 0;
    while left.peek().is_some() || right.peek().is_some() {
        place += 1;
        let pair = (left.peek().copied(), right.peek().copied());
        match pair {
            (Some(a), Some(b)) if a == b => {}
            // What takes no place of its own is compared with nothing.
            (Some(a), other) if is_unseen(a, other) => {
                listed.push(describe(place, Some(a), None));
                left.next();
                continue;
            }
            (other, Some(b)) if is_unseen(b, other) => {
                listed.push(describe(place, None, Some(b)));
                right.next();
                continue;
            }
            (a, b) => listed.push(describe(place, a, b)),
        }
        left.next();
        right.next();
    }
    let more = listed.len().saturating_sub(LISTED);
    listed.truncate(LISTED);
    let mut text = listed.join(", ");
    if more > 0 {
        let _ = write!(text, ", and {more} more");
    }
    Some(text)
}

fn is_unseen(c: char, other: Option<char>) -> bool {
    is_hidden(c)
        || c == '\u{200c}'
        || c == '\u{200d}'
        || (c.is_whitespace() && !other.is_some_and(char::is_whitespace))
}

fn describe(place: usize, manifest: Option<char>, live: Option<char>) -> String {
    let number =
        |c: Option<char>| c.map_or_else(|| "nothing".to_owned(), |c| format!("U+{:04X}", u32::from(c)));
    format!("character {place} is {} in the manifest and {} live", number(manifest), number(live))
}

/// How a name looks: without invisible characters, and with one letter for all that look like it.
fn look(name: &str) -> String {
    let seen = |c: &char| !is_hidden(*c) && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let spaced = name.nfkc().filter(seen).map(twin).collect::<String>();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The Latin letter, digit or mark that a character is easily taken for.
pub(crate) fn twin(c: char) -> char {
    match c {
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'С' | 'Ϲ' => 'C',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'Ј' => 'J',
        'К' | 'Κ' | 'K' => 'K',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' | '0' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'Х' | 'Χ' => 'X',
        'У' | 'Υ' | 'Ү' => 'Y',
        'Ζ' => 'Z',
        'а' | 'α' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' => 'e',
        'һ' => 'h',
        'ѕ' => 's',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ν' => 'v',
        'к' | 'κ' => 'k',
        'І' | 'Ι' | 'Ӏ' | 'l' | '1' | '|' => 'I',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '﹘' => '-',
        '‘' | '’' | 'ʼ' | '`' | '´' | '′' | '‛' => '\'',
        '“' | '”' | '„' | '″' => '"',
        '․' => '.',
        '⁄' | '∕' => '/',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_two_look_alike_the_characters_are_numbered() {
        for (manifest, live, found) in [
            ("Acme", "\u{410}cme", "character 1 is U+0041 in the manifest and U+0410 live"),
            ("a–b", "a-b", "character 2 is U+2013 in the manifest and U+002D live"),
            ("A\u{200b}B", "AB", "character 2 is U+200B in the manifest and nothing live"),
            ("A B", "A  B", "character 3 is nothing in the manifest and U+0020 live"),
            ("Building l", "Building 1", "character 10 is U+006C in the manifest and U+0031 live"),
            ("Ａ", "A", "character 1 is U+FF21 in the manifest and U+0041 live"),
        ] {
            assert_eq!(differing(manifest, live).as_deref(), Some(found), "{manifest} {live}");
        }
        for (manifest, live) in [("Zürich", "Bern"), ("Zürich", "Zurich"), ("A", "AB"), ("", "A")] {
            assert_eq!(differing(manifest, live), None, "{manifest} {live}");
        }
    }
}
