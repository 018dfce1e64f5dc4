//! Cells that are kept as they are: `org_name`, `note`, `skip`, and the columns that begin with `_`.
//!
//! Reports put one `'` before a text that a spreadsheet would take for a formula, so that one is taken off again
//! when a report's columns come back as a manifest's.

use super::cell::{Refusal, trim};
use super::reason::is_reason;
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

/// Why an org is left out.
///
/// # Errors
/// When it gives no reason.
pub(crate) fn read_skip(text: &str) -> Result<Option<String>, Refusal> {
    match read_text(text) {
        Some(text) if !is_reason(&text) => Err(Refusal::new(
            Code::CellSkip,
            "a reason for skipping the org, or nothing; add a word, such as \"closed until May\"",
        )),
        text => Ok(text),
    }
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
        for answer in ["true", " 1 ", "FALSCH", "#N/A", "=IF(A1,B1)", "'=IF(A1,B1)", "<null>", "-", "否"] {
            assert!(read_skip(answer).is_err(), "{answer}");
        }
        assert_eq!(read_skip("closed in May"), Ok(Some("closed in May".into())));
        assert_eq!(read_skip(" \u{a0}"), Ok(None));
    }
}
