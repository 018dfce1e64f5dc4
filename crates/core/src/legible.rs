//! Foreign text made legible: what can't be seen, and moves, hides or joins what can, is spelled out by its number.
//!
//! There is one notation for it wherever people read, `<U+202E>`: exact, the same in a terminal and on a page, and to be
//! searched for. Files that are read back keep such characters as they are, or escape them as their format does.

use std::fmt::{self, Write as _};

/// Controls, separators of lines, and the marks that turn, hide, join or tag text.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A character as it may be shown: itself, or its number.
#[derive(Debug, Clone, Copy)]
pub struct Legible(pub char);

impl fmt::Display for Legible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_hidden(self.0) { write!(f, "<U+{:04X}>", u32::from(self.0)) } else { f.write_char(self.0) }
    }
}

/// A text in quotes, on one line, with nothing hidden in it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        let _ = write!(quoted, "{}", Legible(c));
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_has_its_number_and_what_people_write_stays() {
        for (text, shown) in [
            ("Zoë GmbH \u{1f600} 日本", "\"Zoë GmbH \u{1f600} 日本\""),
            ("a\u{202e}b\u{feff}", "\"a<U+202E>b<U+FEFF>\""),
            ("two\nlines\u{2028}\u{9b}2J", "\"two<U+000A>lines<U+2028><U+009B>2J\""),
            ("tag\u{e0041}", "\"tag<U+E0041>\""),
            // Joiners are part of scripts and of emoji.
            ("\u{200c}\u{200d}", "\"\u{200c}\u{200d}\""),
        ] {
            assert_eq!(quoted(text), shown);
        }
    }
}
