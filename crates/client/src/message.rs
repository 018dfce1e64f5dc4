//! The vendor's words, made fit for a results file and a terminal: no secret, one line, a readable length.

use serde_json::value::RawValue;

use crate::body_members::BodyMembers;
use crate::suspect;
use orgwave_core::legible::is_hidden;
use orgwave_core::redactor::Redactor;

/// Characters that are kept of a message.
const MAX_CHARS: usize = 500;

/// Makes foreign texts fit to be shown and stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a>(pub(crate) &'a Redactor);

impl Words<'_> {
    /// A text as one line without control characters, bidi marks and known secrets, cut where it gets long.
    pub(crate) fn clean(self, text: &str) -> String {
        cut(&self.line(text))
    }

    /// The same of a message in the vendor's own words: what looks like a secret goes, too.
    pub(crate) fn said(self, text: &str) -> String {
        cut(&suspect::mask(&self.line(text)))
    }

    fn line(self, text: &str) -> String {
        // Masked before and after: cleaning could join the halves of a secret, or tear one that has odd characters.
        let text = self.0.mask(text);
        let mut line = String::with_capacity(text.len().min(4 * MAX_CHARS));
        for c in text.chars() {
            if c.is_whitespace() || c.is_control() {
                if !line.is_empty() && !line.ends_with(' ') {
                    line.push(' ');
                }
            } else if !is_invisible(c) {
                line.push(c);
            }
        }
        self.0.mask(line.trim_end()).into_owned()
    }

    /// What the body of a reply with an error status says, as far as it says something readable.
    pub(crate) fn of_error_body(self, body: &[u8]) -> String {
        let Ok(text) = std::str::from_utf8(body) else { return String::new() };
        match text.trim_start().as_bytes().first() {
            None | Some(b'[' | b'"') => String::new(),
            Some(b'{') => {
                BodyMembers::parse(body).map(|members| self.of_members(&members)).unwrap_or_default()
            }
            Some(b'<') => "an HTML page".to_owned(),
            Some(_) => self.said(text),
        }
    }

    fn of_members(self, members: &BodyMembers<'_>) -> String {
        let text = |name| members.get(name).and_then(text_of).filter(|text| !text.trim().is_empty());
        // In an error `error` is the name of the status, and `msg` says more; each may appear alone.
        match (["msg", "errorMsg", "message"].into_iter().find_map(text), text("error")) {
            (Some(message), Some(error)) if message != error => self.said(&format!("{error}: {message}")),
            (Some(text), _) | (None, Some(text)) => self.said(&text),
            (None, None) if members.get("authenticationFailed").is_some_and(|raw| raw.get() == "true") => {
                "authentication failed".to_owned()
            }
            (None, None) => String::new(),
        }
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    }
}

fn text_of(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// Marks that reorder, hide or join text; joiners too, which could part a secret in two.
fn is_invisible(c: char) -> bool {
    is_hidden(c) || matches!(c, '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use orgwave_core::secret::SecretText;
    use proptest::prelude::*;

    use super::*;

    fn with_secret<T>(run: impl Fn(Words<'_>) -> T) -> T {
        run(Words(&Redactor::new([SecretText::new("hunter2".to_owned())])))
    }

    #[test]
    fn messages_are_one_line_without_marks() {
        with_secret(|words| {
            assert_eq!(words.clean("  a\r\n\tb\0c\u{1b}[31m "), "a b c [31m");
            assert_eq!(words.clean("a\u{202e}b\u{200b}c\u{2066}d\u{feff}"), "abcd");
            assert_eq!(words.clean("a\u{2028}b\u{85}c"), "a b c");
        });
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "ä".repeat(10_000);
        let cut = with_secret(|words| words.clean(&long));
        assert_eq!(cut.chars().count(), MAX_CHARS + 1);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn secrets_are_masked_even_where_marks_or_cuts_split_them() {
        with_secret(|words| {
            assert_eq!(words.clean("key hunter2!"), "key ***!");
            assert_eq!(words.clean("key hun\u{200b}ter2!"), "key ***!");
            let at_the_cut = format!("{}hunter2", "x".repeat(MAX_CHARS - 3));
            assert!(!words.clean(&at_the_cut).contains("hun"));
        });
    }

    #[test]
    fn messages_are_found_in_error_bodies() {
        for (body, says) in [
            (
                r#"{"status":403,"error":"Forbidden","timestamp":1,"msg":"Access Denied"}"#,
                "Forbidden: Access Denied",
            ),
            (r#"{"error":"x","msg":null}"#, "x"),
            (r#"{"error":true,"errorMsg":"no"}"#, "no"),
            (r#"{"msg":"same","error":"same"}"#, "same"),
            (r#"{"authenticationFailed": true}"#, "authentication failed"),
            (r#"{"other":1}"#, ""),
            (r#"{"msg":"cut sho"#, ""),
            ("Too many api requests. Enhance your calm.", "Too many api requests. Enhance your calm."),
            ("<!DOCTYPE html><p>502", "an HTML page"),
            ("[1]", ""),
            ("  ", ""),
            ("{\"msg\":\"key hunter2\\nis bad\"}", "key *** is bad"),
            ("{\"msg\":\"key h\\u0075nter2\"}", "key ***"),
        ] {
            assert_eq!(with_secret(|words| words.of_error_body(body.as_bytes())), says, "{body}");
        }
        assert_eq!(with_secret(|words| words.of_error_body(b"\xff\xfe")), "");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_one_line_without_the_secret(before in ".{0,600}", after in ".{0,600}") {
            let line = with_secret(|words| words.clean(&format!("{before}hunter2{after}")));
            prop_assert!(!line.contains("hunter2"));
            prop_assert!(!line.contains(|c: char| c.is_control() || is_invisible(c)));
            prop_assert!(line.chars().count() <= MAX_CHARS + 1);
        }
    }
}
