//! Secrets that aren't known yet, by how they look: a vendor may quote a live token before the first read has shown it,
//! or where nothing is read at all.
//!
//! Three things are taken for one: the value of a member whose name says so, what follows `Bearer` or `Basic`, and a
//! long word that looks drawn by lot. Ids of the vendor's form stay, or no message could say what it is about. This
//! guesses, so it may mask a harmless word; and a short secret in the middle of a sentence, or one that has the form of
//! an id, it can't find. What a read has shown is masked with certainty, elsewhere.

use std::borrow::Cow;

use orgwave_core::ids::Ruuid;

const MASK: &str = "***";

/// What the name of a secret holds, in lower case.
const NAMES: [&str; 8] =
    ["token", "secret", "password", "passwd", "apikey", "api_key", "authorization", "credential"];
/// The first word of what an authorization is.
const SCHEMES: [&str; 3] = ["bearer", "basic", "token"];
/// A word from here on may be one.
const LONG: usize = 20;

/// The text without what looks like a secret.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    let mut spans = named(text);
    spans.extend(words(text).filter(|span| is_drawn(&text[span.0..span.1])));
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_unstable();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for (from, to) in spans {
        if from >= at {
            masked.push_str(&text[at..from]);
            masked.push_str(MASK);
        }
        at = at.max(to);
    }
    masked.push_str(&text[at..]);
    Cow::Owned(masked)
}

/// Where in a text: from, to.
type Span = (usize, usize);

/// The values of members with such names, and what follows a scheme.
fn named(text: &str) -> Vec<Span> {
    let lower = text.to_ascii_lowercase();
    let mut spans = Vec::new();
    for name in NAMES {
        for (at, _) in lower.match_indices(name) {
            let rest = at + name.len();
            let end = rest + text[rest..].find(|c: char| !is_name(c)).unwrap_or(text.len() - rest);
            spans.extend(value_after(text, end));
        }
    }
    for scheme in &SCHEMES[..2] {
        for (at, _) in lower.match_indices(scheme) {
            let is_word = !lower[..at].ends_with(is_name);
            let after = &text[at + scheme.len()..];
            let gap = after.len() - after.trim_start().len();
            if is_word && gap > 0 {
                spans.extend(bare(text, at + scheme.len() + gap));
            }
        }
    }
    spans
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// The value of the member whose name ends here, if it has one: `name: value`, `"name":"value"`, `name 'value'`.
fn value_after(text: &str, name_end: usize) -> Option<Span> {
    let rest = text[name_end..].trim_start_matches(['"', '\'', '\\']);
    let spaced = rest.trim_start();
    let value = spaced.trim_start_matches([':', '=', '>']).trim_start();
    let at = text.len() - value.len();
    let quote = value.trim_start_matches('\\').chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote) => {
            let first = at + value.find(quote)? + 1;
            let inner = &text[first..];
            let escapes = value.len() - value.trim_start_matches('\\').len();
            // Where it isn't closed, all that follows is cut.
            let len = closing(inner, quote, escapes).unwrap_or(inner.len());
            (len > 0).then_some((first, first + len))
        }
        None if value.len() < spaced.len() => bare(text, at),
        None => None,
    }
}

/// Where a quoted value ends: before the next quote that has as many backslashes as the first had. More of them are the
/// value's own.
fn closing(inner: &str, quote: char, escapes: usize) -> Option<usize> {
    inner.match_indices(quote).find_map(|(at, _)| {
        let before = &inner[..at];
        let own = before.len() - before.trim_end_matches('\\').len();
        (own == escapes).then_some(at - own)
    })
}

/// A value without quotes, with the scheme before it; prose after a colon is none.
fn bare(text: &str, at: usize) -> Option<Span> {
    let word = |at: usize| {
        let rest = &text[at..];
        rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '}' | ')' | ']' | '"' | '\''))
            .unwrap_or(rest.len())
    };
    let mut end = at + word(at);
    if SCHEMES.contains(&text[at..end].to_ascii_lowercase().as_str()) {
        let rest = &text[end..];
        let next = end + rest.len() - rest.trim_start().len();
        end = next + word(next);
    }
    let value = &text[at..end];
    let looks_so = value.contains(|c: char| c.is_ascii_digit()) || value.len() >= 16;
    (looks_so && value.len() > 3).then_some((at, end))
}

/// Runs of what tokens are written in.
fn words(text: &str) -> impl Iterator<Item = Span> + '_ {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | '=' | '~');
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = at + text[at..].find(is_of_token)?;
        let to = from + text[from..].find(|c| !is_of_token(c)).unwrap_or(text.len() - from);
        at = to;
        Some((from, to))
    })
}

/// Whether a word looks drawn by lot: long, of letters and digits that change all the time. A camel's humps, a path and
/// a door's number change far less often.
fn is_drawn(word: &str) -> bool {
    if word.len() < LONG || word.parse::<Ruuid>().is_ok_and(|id| id.is_canonical()) {
        return false;
    }
    let kind = |c: u8| match c {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        _ => 2,
    };
    let kinds: Vec<u8> = word.bytes().filter(u8::is_ascii_alphanumeric).map(kind).collect();
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    digits >= 2 && digits < kinds.len() && 10 * changes >= 3 * kinds.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::mask;

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        for (text, masked) in [
            (r#"bad: {"apiToken":"live-1","saveClips":true}"#, r#"bad: {"apiToken":"***","saveClips":true}"#),
            (r#"bad: {\"refreshToken\": \"live-1\"}"#, r#"bad: {\"refreshToken\": \"***\"}"#),
            (r#"{"apiToken":"a\"b","x":1}"#, r#"{"apiToken":"***","x":1}"#),
            (r#"{"apiToken":"a\",b","x":1}"#, r#"{"apiToken":"***","x":1}"#),
            (r#"{\"apiToken\":\"a\\\"b\",\"x\":1}"#, r#"{\"apiToken\":\"***\",\"x\":1}"#),
            (r#"{"apiToken":"never closed"#, r#"{"apiToken":"***"#),
            ("apiToken 'abc' is not ours", "apiToken '***' is not ours"),
            ("client_secret=s3cr3t&grant=x", "client_secret=***&grant=x"),
            ("Authorization: Bearer abc123def", "Authorization: ***"),
            ("sent Bearer eyJhbGci.eyJzdWIi.SflKx and failed", "sent Bearer *** and failed"),
            ("key 9f86d081884c7d659a2feaa0c55ad015 unknown", "key *** unknown"),
            ("0f8fad5b-d9cb-469f-a165-70867728950e", "***"),
            ("xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy?", "***?"),
        ] {
            assert_eq!(mask(text), masked, "{text}");
        }
    }

    #[test]
    fn what_a_message_is_about_stays() {
        for text in [
            "the token: expired, connect again",
            "bad token",
            r#"{"tokenValid":false,"error":"bad token","msg":"x"}"#,
            "org AAAAAAAAAAAAAAAAAAAAAA has no door FgnINO0AJ5d5AdzwYR7YyQ.NvLk9xClrWcXKQs3b5E7Mw",
            "JSON doesn't match expected object structure at /settings/doorInfoMap/Building-12-North-Entrance-3",
            "com.rhombus.api.UpdateIntegrationV2Exception: 1795519268419",
            "Too many api requests. Enhance your calm.",
            "expected an object with `error`, `warningMsg`, `failedGuids`",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_quoted_member_never_shows_its_value(
            before in "[ -~é]{0,40}", value in "[A-Za-z0-9+/=_.-]{6,60}", after in "[ -~]{0,40}",
        ) {
            let text = format!(r#"{before} {{"apiToken":"{value}"}} {after}"#);
            let masked = mask(&text);
            let elsewhere = before.contains(&value) || after.contains(&value);
            prop_assert!(elsewhere || !masked.contains(&format!("\"{value}\"")), "{masked}");
        }

        #[test]
        fn any_text_has_an_end(text in ".{0,300}") {
            let _ = mask(&text);
        }
    }
}
