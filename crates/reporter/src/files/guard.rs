//! The formula guard: a spreadsheet takes a cell that begins like a formula for one, whoever wrote it.
//!
//! One `'` goes before every text that a reader would otherwise take for guarded or for a formula, so taking
//! one off gives back exactly what was meant. Which cells are guarded is the tables' business.

/// Whether a text matches `^'*[=+\-@\t\r]`: it is to be guarded.
pub(crate) fn needs_guard(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The text that a guarded cell means: one `'` less where `^''*[=+\-@\t\r]` matches.
pub(crate) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if needs_guard(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn guarded(text: &str) -> String {
        if needs_guard(text) { format!("'{text}") } else { text.to_owned() }
    }

    /// The pattern, walked character by character: an oracle that shares nothing with the code above.
    fn matches_pattern(text: &str) -> bool {
        for c in text.chars() {
            match c {
                '\'' => {}
                '=' | '+' | '-' | '@' | '\t' | '\r' => return true,
                _ => return false,
            }
        }
        false
    }

    #[test]
    fn table() {
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
        ] {
            assert_eq!(guarded(text), cell);
            assert_eq!(unguarded(cell), text);
        }
    }

    proptest! {
        #[test]
        fn guarding_is_undone_by_unguarding(text in "['=+@\\-\t\ra ]{0,6}") {
            prop_assert_eq!(needs_guard(&text), matches_pattern(&text));
            let cell = guarded(&text);
            prop_assert_eq!(unguarded(&cell), &text);
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
        }

        /// What `retry.csv` does with a literal cell as typed: it reads as the typed one does, and is safe.
        #[test]
        fn guarding_anew_keeps_what_a_cell_means(typed in "['=+@\\-\t\ra ]{0,6}") {
            let again = guarded(unguarded(&typed));
            prop_assert_eq!(unguarded(&again), unguarded(&typed));
            prop_assert_eq!(&guarded(unguarded(&again)), &again);
            prop_assert!(!again.starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
