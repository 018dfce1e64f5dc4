//! Settings without their secrets: each is replaced by a fingerprint, which says whether two are the same.

use std::fmt::Write as _;

use orgwave_core::operation::Operation;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::members::{Members, raw};
use crate::secrets::{self, Cover};
use crate::served::Document;
use crate::tree;

/// What is in the ledger in a secret's place: `sha256:` and the first 12 hex digits of the hash of its text.
pub fn secret_fingerprint(secret: &str) -> String {
    format!("sha256:{}", hex(secret.as_bytes(), 6))
}

/// The first bytes of the SHA-256 of some bytes, in hex.
pub(super) fn hex(bytes: &[u8], length: usize) -> String {
    Sha256::digest(bytes).iter().take(length).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Settings of an operation, their secrets replaced; what is no object is omitted, since nothing is known about it.
pub(crate) fn redacted(operation: &Operation, settings: &[u8]) -> Option<Box<RawValue>> {
    let mut members = Members::parse(settings).ok()?;
    secrets::cover(&operation.fields, &mut members, &Fingerprints);
    Some(raw(&members))
}

struct Fingerprints;

impl Cover for Fingerprints {
    fn value(&self, secret: Option<&RawValue>) -> Option<Box<RawValue>> {
        let text = secret.map(RawValue::get).filter(|text| *text != "null")?;
        let secret = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
        Some(raw(&secret_fingerprint(&secret)))
    }

    fn key(&self, secret: &str) -> Option<String> {
        Some(secret_fingerprint(secret))
    }
}

/// The same of a document: the secrets of each operation in their place.
pub(crate) fn redacted_document(document: &Document, shown: &[u8]) -> Option<Box<RawValue>> {
    let mut whole = raw(&Members::parse(shown).ok()?);
    for operation in &document.operations {
        // Settings that aren't there have no secrets.
        let settings = tree::get(whole.get().as_bytes(), &operation.at);
        if let Some(settings) = settings.and_then(|settings| redacted(operation, settings.get().as_bytes())) {
            let bytes = tree::put(whole.get().as_bytes(), &operation.at, Some(&settings));
            whole = serde_json::from_slice(&bytes).ok()?;
        }
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_leave_a_fingerprint_and_everything_else_stays() {
        let text = r#"{"apiToken":"s3cret","new":1.0,"refreshToken":null}"#;
        let shown = redacted(&Operation::default_one(), text.as_bytes()).unwrap();
        let print = secret_fingerprint("s3cret");
        assert_eq!(shown.get(), format!(r#"{{"apiToken":"{print}","new":1.0,"refreshToken":null}}"#));
        assert!(redacted(&Operation::default_one(), b"[1]").is_none());
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_no_way_around() {
        let shown = redacted(&Operation::default_one(), br#"{"apiToken":{"x":"s3cret"}}"#).unwrap();
        assert!(!shown.get().contains("s3cret"));
    }

    #[test]
    fn secrets_in_lists_and_as_keys_leave_fingerprints_too() {
        let description = r#"
            format = 1
            name = "keyed"
            title = "Keyed"
            about = "Secrets of every kind."
            read = { path = "/api/x/getKeyed", at = "keyed" }
            write = { path = "/api/x/updateKeyed", wrap = "keyed", body = "whole" }
            owner = "none"
            absent = "empty"
            [fields]
            keys = { type = "list of text", class = "secret", words = "Keys." }
            byToken = { map = "site", keys = "secret", class = "keep" }
            rules = { list = "site", class = "keep" }
            [maps.site]
            password = { type = "text", class = "secret", words = "A password." }
            [objects.site]
            password = { type = "text", class = "secret", words = "A password." }
        "#;
        let catalog = orgwave_core::operation::Catalog::built_in().with(description, "keyed.toml").unwrap();
        let settings = br#"{"byToken":{"t0k3n":{"password":"p1"}},"keys":["k1",null],"rules":[{"n":1.0,"password":"p2"}]}"#;
        let shown = redacted(catalog.get("keyed").unwrap(), settings).unwrap();
        let [token, one, two, key] = ["t0k3n", "p1", "p2", "k1"].map(secret_fingerprint);
        assert_eq!(
            shown.get(),
            format!(
                r#"{{"byToken":{{"{token}":{{"password":"{one}"}}}},"keys":["{key}",null],"rules":[{{"n":1.0,"password":"{two}"}}]}}"#
            )
        );
    }
}
