//! What every page has around its own parts: the policy, the style, the script, the list's data.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::rows::Listed;
use crate::terminal::{count, orgs};

const STYLE: &str = include_str!("../../templates/style.css");
const SCRIPT: &str = include_str!("../../templates/page.js");

/// The fields of `frame.html`.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) policy: String,
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
    /// The head of the column that says what is or was done to an org.
    pub(crate) word: &'static str,
    pub(crate) column: &'static str,
    pub(crate) last_column: &'static str,
    /// The table beside the page that holds every org, in as many files as it has.
    pub(crate) tables: Vec<String>,
    pub(crate) kept: String,
    pub(crate) left_out: u64,
    pub(crate) left_out_words: String,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) data: String,
}

/// A number that is large.
pub(crate) struct Figure {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) small: String,
}

/// A picture, for a wide and for a narrow screen, and what it shows in words.
pub(crate) struct Chart {
    pub(crate) words: String,
    pub(crate) wide: String,
    pub(crate) narrow: String,
}

impl Frame {
    pub(crate) fn new(
        title: String,
        tables: Vec<String>,
        listed: Listed,
        facts: Vec<(&'static str, String)>,
    ) -> Self {
        Self {
            title,
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
            word: "Verdict",
            column: "changes",
            last_column: "",
            tables,
            kept: count(listed.kept),
            left_out: listed.left_out,
            left_out_words: orgs(listed.left_out),
            facts,
            data: listed.data,
        }
    }
}

fn policy() -> String {
    let digest = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_can_stand_in_their_elements() {
        // The digests are of the text between the tags: nothing in it may end the element or be rewritten.
        for text in [STYLE, SCRIPT] {
            let lower = text.to_lowercase();
            assert!(!lower.contains("</s") && !lower.contains("<!--"));
            assert!(!text.contains('\r') && !text.contains('\0'));
        }
    }

    #[test]
    fn style_and_script_make_no_request() {
        for word in ["://", "url(", "@import", "fetch", "XMLHttp", "innerHTML", "eval(", "insertAdjacent"] {
            assert!(!STYLE.contains(word) && !SCRIPT.contains(word), "{word}");
        }
    }
}
