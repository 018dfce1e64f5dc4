//! The formula guard: a spreadsheet takes any cell that begins like a formula for one, and it splits a
//! cell at any character that it was set to split at.
//!
//! One `'` goes before every place that looks like a formula, or like a guarded one; taking one off at the same places
//! gives back exactly what was meant. A place is the beginning of the text and whatever follows a `;`, a tab, a `|` or a
//! line break. Which cells are guarded is the tables' business.

use std::borrow::Cow;

use crate::legible::is_hidden;

/// What a spreadsheet may split a cell at.
const SEPARATORS: [char; 5] = [';', '\t', '|', '\n', '\r'];

/// What begins a formula: `=+-@`, their full-width forms, which a Japanese Excel takes for the same, a tab and a return.
const BEGINNINGS: [char; 10] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r'];

/// The text with its guards.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if is_innocent(text) {
        return Cow::Borrowed(text);
    }
    edited(text, begins_formula, |part, out| out.extend(["'", part]))
}

/// The text that a guarded one means. What was never guarded is given back as it is.
pub fn unguarded(text: &str) -> Cow<'_, str> {
    let is_guarded = |part: &str| part.strip_prefix('\'').is_some_and(begins_formula);
    edited(text, is_guarded, |part, out| out.push_str(&part[1..]))
}

/// Whether a text begins like a formula or like a guarded one: `^'*[=+\-@\t\r]`, with invisible marks before it, and
/// full-width forms.
pub fn begins_formula(text: &str) -> bool {
    text.trim_start_matches(|c| c == '\'' || is_invisible(c)).starts_with(BEGINNINGS)
}

/// Whether one look at each byte shows that nothing has to be guarded, as of nearly every cell of a table.
fn is_innocent(text: &str) -> bool {
    let mut at_a_place = true;
    for byte in text.bytes() {
        let kind = KINDS[usize::from(byte)];
        if at_a_place && kind & SUSPICIOUS != 0 {
            return false;
        }
        at_a_place = kind & SEPARATES != 0;
    }
    true
}

const SEPARATES: u8 = 1;
/// What a formula begins with, a guard, or what may be invisible or full-width.
const SUSPICIOUS: u8 = 2;

const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte < 0x20 || byte > 0x7e {
            kinds[byte] = SUSPICIOUS;
        }
        byte += 1;
    }
    let (suspicious, separators) = (b"=+-@'", b";\t|\n\r");
    let mut at = 0;
    while at < suspicious.len() {
        kinds[suspicious[at] as usize] |= SUSPICIOUS;
        kinds[separators[at] as usize] |= SEPARATES;
        at += 1;
    }
    kinds
};

/// A mark that spreadsheets pass over or strip when they look for a formula. Tabs and line breaks separate.
fn is_invisible(c: char) -> bool {
    match c {
        '\t' | '\r' | '\n' => false,
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => true,
        c => is_hidden(c),
    }
}

/// The text, with those of its parts edited that are to be. A part ends with its separator.
fn edited(text: &str, is_to_be: impl Fn(&str) -> bool, edit: impl Fn(&str, &mut String)) -> Cow<'_, str> {
    if !text.split_inclusive(SEPARATORS).any(&is_to_be) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for part in text.split_inclusive(SEPARATORS) {
        if is_to_be(part) {
            edit(part, &mut out);
        } else {
            out.push_str(part);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_begin_like_formulas_are_guarded() {
        for (text, cell) in [
            ("", ""),
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("-5", "'-5"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
            ("'quoted'", "'quoted'"),
            ("'", "'"),
            (" =1", " =1"),
            ("a - b = c", "a - b = c"),
            // Behind whatever a spreadsheet was set to split at.
            ("x;=cmd|' /C calc'!A0", "x;'=cmd|' /C calc'!A0"),
            ("a|=1|'=2", "a|'=1|''=2"),
            ("a\t=1", "a\t'=1"),
            ("two\n=1\r\n+2\r@3", "two\n'=1\r\n'+2\r'@3"),
            ("a;\tb", "a;'\tb"),
            ("\t=1", "'\t'=1"),
            // Full-width, and behind invisible marks.
            ("＝1", "'＝1"),
            ("a;＠x", "a;'＠x"),
            ("\u{202e}=1", "'\u{202e}=1"),
            ("\u{200b}\u{feff}+1", "'\u{200b}\u{feff}+1"),
            ("'\u{200b}'=1", "''\u{200b}'=1"),
            ("\u{200b}a=1", "\u{200b}a=1"),
        ] {
            assert_eq!(guarded(text), cell, "{text:?}");
            assert_eq!(unguarded(cell), text, "{cell:?}");
        }
    }

    #[test]
    fn ids_and_their_lists_are_cleared_by_one_look() {
        for text in ["Hp7YW6y2ztaa4ssOe7u6yw", "Hp7Y-6y2;07sl-zhE", "doorInfoMap.front.doorName", "<absent>"]
        {
            assert!(is_innocent(text), "{text}");
        }
    }

    #[test]
    fn a_typed_apostrophe_that_guards_nothing_stays() {
        for text in ["'s Hertogenbosch", "'", "''", "a;'b", "=1", "a;=1"] {
            assert_eq!(unguarded(text), text);
        }
    }

    /// The rule, walked character by character: an oracle that shares nothing with the code above.
    fn acts(text: &str) -> bool {
        let mut at_a_place = true;
        let mut acts = false;
        for c in text.chars() {
            acts |= at_a_place && "=+-@＝＋－＠\t\r".contains(c);
            at_a_place = match c {
                ';' | '\t' | '|' | '\n' | '\r' => true,
                '\u{200b}' | '\u{202e}' | '\u{feff}' => at_a_place,
                _ => false,
            };
        }
        acts
    }

    const HOSTILE: &str = "['=+@＝\\-\t\r\n;| a\u{200b}\u{202e}]{0,8}";

    proptest! {
        #[test]
        fn nothing_guarded_acts_and_guarding_is_undone_by_unguarding(text in HOSTILE) {
            let cell = guarded(&text).into_owned();
            prop_assert!(!acts(&cell), "{cell:?}");
            prop_assert_eq!(unguarded(&cell), &*text);
        }

        #[test]
        fn texts_that_one_look_clears_need_no_guard(text in HOSTILE) {
            if is_innocent(&text) {
                let guarded = edited(&text, begins_formula, |part, out| out.extend(["'", part]));
                prop_assert_eq!(guarded, &*text);
            }
        }

        /// What `retry.csv` does with a literal cell as typed: it reads as the typed one does, and is safe.
        #[test]
        fn guarding_anew_keeps_what_a_cell_means(typed in HOSTILE) {
            let again = guarded(&unguarded(&typed)).into_owned();
            prop_assert_eq!(unguarded(&again), unguarded(&typed));
            let meant = unguarded(&again).into_owned();
            prop_assert_eq!(guarded(&meant), &*again);
            prop_assert!(!acts(&again));
        }
    }
}
