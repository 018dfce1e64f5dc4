//! Cells that are kept as they are: `org_name`, `note`, `skip`, and the columns that begin with `_`.
//!
//! Reports put one `'` before a text that a spreadsheet would take for a formula, so that one is taken off again
//! when a report's columns come back as a manifest's.

use super::cell::{Refusal, trim};
use crate::code::Code;

/// The text without the guard against formulas, if it has one: one `'` where `^''*[=+\-@\t\r]` matches.
pub(crate) fn unguard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => text,
    }
}

/// A text, or nothing where it is blank.
pub(crate) fn read_text(text: &str) -> Option<String> {
    (!trim(text).is_empty()).then(|| unguard(text).to_owned())
}

/// Why an org is left out. A word that only says yes or no is refused: it may mean either.
///
/// # Errors
/// When it gives no reason.
pub(crate) fn read_skip(text: &str) -> Result<Option<String>, Refusal> {
    const ANSWERS: [&str; 6] = ["true", "false", "yes", "no", "0", "1"];
    if ANSWERS.contains(&trim(text).to_ascii_lowercase().as_str()) {
        return Err(Refusal::new(Code::CellSkip, "a reason for leaving the org out, or nothing"));
    }
    Ok(read_text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_guard_is_taken_off() {
        for (typed, meant) in [
            ("'=1", "=1"),
            ("''=1", "'=1"),
            ("'-x", "-x"),
            ("'@a", "@a"),
            ("'\tb", "\tb"),
            ("'\r\nb", "\r\nb"),
            ("'s Hertogenbosch", "'s Hertogenbosch"),
            ("'", "'"),
            ("''", "''"),
            ("=1", "=1"),
            ("", ""),
        ] {
            assert_eq!(unguard(typed), meant, "{typed:?}");
        }
    }

    #[test]
    fn a_skip_is_a_reason() {
        for answer in ["true", "FALSE", "Yes", "no", "0", " 1 "] {
            assert!(read_skip(answer).is_err(), "{answer}");
        }
        assert_eq!(read_skip("closed in May"), Ok(Some("closed in May".into())));
        assert_eq!(read_skip(" \u{a0}"), Ok(None));
    }
}
