//! Whose 403 it is. The vendor's own is about the key or the org; one of a firewall, a proxy or a limiter in between is
//! about neither, and passes.

use crate::body_members::BodyMembers;
use crate::head::Head;

/// Whether a 403 has the form of the vendor's own: an object with `msg`, or with `error` and a `status` of 403, that
/// neither asks to wait nor names a rate.
pub(super) fn is_vendors_own(head: Head, body: &[u8]) -> bool {
    let Ok(members) = BodyMembers::parse(body) else { return false };
    let says = |name| members.get(name).is_some_and(|raw| raw.get() != "null");
    let has_form =
        says("msg") || says("error") && members.get("status").is_some_and(|raw| raw.get() == "403");
    has_form && !head.asks_to_wait && !names_a_rate(&String::from_utf8_lossy(body))
}

/// Whether a text refers to a rate: `rateLimitExceeded`, `Too many requests`, `THROTTLED`.
fn names_a_rate(text: &str) -> bool {
    let words = words(text);
    let is_of_rate = |word: &String| {
        matches!(word.as_str(), "rate" | "rates" | "quota" | "quotas" | "slowdown")
            || word.starts_with("throttl")
            || word.starts_with("ratelimit")
    };
    let are_of_rate = |pair: &[String]| {
        matches!(
            (pair[0].as_str(), pair[1].as_str()),
            ("too", "many") | ("slow", "down") | ("limit" | "limits", "exceeded")
        )
    };
    words.iter().any(is_of_rate) || words.windows(2).any(are_of_rate)
}

/// Its words in lower case; a camel's humps are words of their own.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in text.chars() {
        let ends = !c.is_alphanumeric() || c.is_uppercase() && was_lower;
        if ends && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own(body: &str) -> bool {
        is_vendors_own(Head::of_status(403), body.as_bytes())
    }

    #[test]
    fn the_vendors_own_403_has_its_form() {
        for body in [
            r#"{"status":403,"error":"Forbidden","timestamp":1795505432050,"msg":"Access Denied"}"#,
            r#"{"msg":"Invalid api key"}"#,
            r#"{"status":403,"error":"Forbidden"}"#,
            r#"{"msg":"the integration cannot operate at this location, separate or generated"}"#,
        ] {
            assert!(is_own(body), "{body}");
        }
    }

    #[test]
    fn another_403_is_a_block() {
        for body in [
            "",
            "<html><body>Request blocked</body></html>",
            "Forbidden",
            "{}",
            "[]",
            r#"{"msg":null}"#,
            r#"{"message":"Forbidden"}"#,
            r#"{"error":"Forbidden"}"#,
            r#"{"status":403}"#,
            r#"{"status":"blocked","error":"Forbidden"}"#,
            r#"{"msg":"Access De"#,
        ] {
            assert!(!is_own(body), "{body}");
        }
    }

    #[test]
    fn a_403_that_names_a_rate_is_a_block() {
        for says in [
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "RATE_LIMIT_EXCEEDED",
            "Rate exceeded",
            "Too many api requests. Enhance your calm.",
            "Request was throttled",
            "ThrottlingException",
            "quotaExceeded",
            "daily limit exceeded",
            "Please slow down",
        ] {
            let body = format!(r#"{{"status":403,"error":"Forbidden","msg":"{says}"}}"#);
            assert!(!is_own(&body), "{body}");
        }
    }

    #[test]
    fn a_403_with_a_retry_after_is_a_block() {
        let head = Head { asks_to_wait: true, ..Head::of_status(403) };
        assert!(!is_vendors_own(head, br#"{"msg":"Access Denied"}"#));
    }
}
