//! Foreign text made harmless for a terminal, and cut to a width.

use std::borrow::Cow;
use std::fmt::Write as _;

use orgwave_core::legible::{Legible, is_hidden};
use unicode_width::UnicodeWidthChar as _;

/// As many marks without width may be on one character: real scripts need no more.
const MARKS: usize = 4;

/// A text without anything that could move the cursor, change colours, or turn the reading direction: line
/// breaks and tabs become spaces, everything else of that kind its [number](Legible). Piles of combining marks are cut.
pub fn clean(text: &str) -> Cow<'_, str> {
    // Most texts are, and lists of ids are long.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut marks = Marks::default();
    if text.chars().all(|c| !is_hidden(c) && marks.bear(c)) {
        return Cow::Borrowed(text);
    }
    let mut marks = Marks::default();
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => clean.push(' '),
            c if is_hidden(c) => drop(write!(clean, "{}", Legible(c))),
            c if marks.bear(c) => clean.push(c),
            _ => {}
        }
    }
    Cow::Owned(clean)
}

/// Marks without width, one after the other.
#[derive(Default)]
struct Marks(usize);

impl Marks {
    /// Whether the text bears this character too.
    fn bear(&mut self, c: char) -> bool {
        self.0 = if c.width() == Some(0) { self.0 + 1 } else { 0 };
        self.0 <= MARKS
    }
}

/// The columns that a clean text takes, as the sum of its characters: never less than what is drawn.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// A text cleaned and cut to this many columns, with `…` where something was cut off.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let text = clean(text);
    if width(&text) <= columns {
        return text.into_owned();
    }
    let mut left = columns.saturating_sub(1);
    let mut cut = String::new();
    for c in text.chars() {
        let columns = c.width().unwrap_or(0);
        if columns > left {
            break;
        }
        left -= columns;
        cut.push(c);
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// A text cut and filled with spaces to exactly this many columns.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let mut text = cut(text, columns);
    let missing = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_cleaned_for_a_terminal() {
        for (dirty, expected) in [
            ("Zoë GmbH", "Zoë GmbH"),
            ("a\nb\tc", "a b c"),
            ("\x1b[31mred", "<U+001B>[31mred"),
            ("\u{202e}evil", "<U+202E>evil"),
            ("x\u{2066}y\u{2069}", "x<U+2066>y<U+2069>"),
            ("\u{9b}2J", "<U+009B>2J"),
            ("e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}!", "e\u{301}\u{301}\u{301}\u{301}!"),
        ] {
            assert_eq!(clean(dirty), expected, "{dirty:?}");
        }
    }

    #[test]
    fn cuts_by_columns_not_by_characters() {
        assert_eq!(cut("日本語テスト", 5), "日本…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("abcd", 0), "");
        assert_eq!(pad("日", 4), "日  ");
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left_and_nothing_is_too_wide(text in any::<String>(), columns in 0usize..40) {
            let shown = cut(&text, columns);
            prop_assert!(width(&shown) <= columns);
            prop_assert!(!shown.contains(is_hidden));
            let (once, again) = (clean(&text).into_owned(), clean(&clean(&text)).into_owned());
            prop_assert_eq!(once, again);
        }
    }
}
