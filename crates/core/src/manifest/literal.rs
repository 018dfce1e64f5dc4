//! Cells that are kept as they are: `org_name`, `note`, `skip`, and the columns that begin with `_`.
//!
//! Reports [guard](crate::formula) them against spreadsheets that take a text for a formula, so the guards are taken
//! off again when a report's columns come back as a manifest's.

use super::cell::{Refusal, trim};
use super::reason::is_reason;
use crate::code::Code;
use crate::formula::unguarded;

/// A text, or nothing where it is blank.
pub(crate) fn read_text(text: &str) -> Option<String> {
    (!trim(text).is_empty()).then(|| unguarded(text).into_owned())
}

/// Why an org is omitted.
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
    fn a_skip_is_a_reason() {
        for answer in ["true", " 1 ", "FALSCH", "#N/A", "=IF(A1,B1)", "'=IF(A1,B1)", "<null>", "-", "否"] {
            assert!(read_skip(answer).is_err(), "{answer}");
        }
        assert_eq!(read_skip("closed in May"), Ok(Some("closed in May".into())));
        assert_eq!(read_skip(" \u{a0}"), Ok(None));
    }
}
