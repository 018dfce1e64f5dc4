//! What names suggest. A reviewer decides.

use super::shape::Shape;

/// Words that make a text a secret.
const SECRETS: [&str; 6] = ["token", "secret", "key", "password", "url", "code"];

/// Whether a name is that of a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|word| name.contains(word))
}

/// Whether a member of a call's body says how the call went: some requests have it too.
pub(super) fn is_status(name: &str) -> bool {
    ["error", "errorMsg", "authError", "warningMsg"].contains(&name)
}

/// The class of a field that isn't a setting; `is_top`: beside those that say whose settings these are.
pub(super) fn class(name: &str, shape: &Shape, is_top: bool) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end));
    let is_flag = *shape == Shape::Word("bool");
    let is_text = matches!(shape.innermost(), Shape::Word("text" | "ruuid"));
    if is_top && ["orgUuid", "userUuid", "partnerOrgUuid"].contains(&name) {
        return Some("identity");
    }
    if is_top && name == "integration" && matches!(shape, Shape::Enum(_) | Shape::Word("text")) {
        return Some("discriminator");
    }
    if is_flag && ["deleted", "mummified"].contains(&name) {
        return Some("omit");
    }
    if lower.contains("audit")
        || lower.starts_with("enablinguser")
        || ends(&["timestampms", "createdby", "updatedby"])
    {
        return Some("audit");
    }
    if is_flag && ends(&["valid", "validated", "installed"])
        || lower.starts_with("misconfigured")
        || name == "webhookId"
    {
        return Some("server");
    }
    let is_number = matches!(shape.innermost(), Shape::Word("int32" | "int64" | "number"));
    match is_secret(name) {
        true if is_text || matches!(shape, Shape::Opaque(_)) => Some("secret"),
        // Only a text can be a secret.
        true if is_number => Some("keep"),
        _ => None,
    }
}

/// The words of a call's or a field's name in small letters, without its verb, its version, and what says nothing.
pub(super) fn words(name: &str) -> Vec<String> {
    const NOTHING: [&str; 14] = [
        "get",
        "find",
        "update",
        "selective",
        "integration",
        "integrations",
        "setting",
        "settings",
        "config",
        "configuration",
        "for",
        "org",
        "by",
        "of",
    ];
    let mut words: Vec<String> = Vec::new();
    let chars: Vec<char> = name.chars().collect();
    for (place, c) in chars.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(place + 1);
        // `updateSCIMSettings` is update, scim, settings.
        let begins = !c.is_alphanumeric()
            || c.is_uppercase()
                && (before.is_some_and(|before| !before.is_uppercase())
                    || after.is_some_and(|after| after.is_lowercase()));
        if begins || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && c.is_alphanumeric()
        {
            word.extend(c.to_lowercase());
        }
    }
    let is_version = |word: &str| {
        word.strip_prefix('v')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    words.retain(|word| !word.is_empty() && !is_version(word) && !NOTHING.contains(&word.as_str()));
    words
}

/// How alike two names are, from 0 to 1.
pub(super) fn likeness(left: &[String], right: &[String]) -> f64 {
    if left.is_empty() || right.is_empty() {
        return 0.0;
    }
    if left.concat() == right.concat() {
        return 1.0;
    }
    let common = left.iter().filter(|word| right.contains(word)).count();
    let all = left.len() + right.len() - common;
    ratio(common, all)
}

/// A share of small numbers.
#[expect(clippy::cast_precision_loss, reason = "they are counts of members")]
pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
