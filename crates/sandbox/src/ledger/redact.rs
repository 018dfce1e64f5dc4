//! Settings without their secrets: each is replaced by a fingerprint, which says whether two are the same.

use std::fmt::Write as _;

use orgwave_core::operation::Operation;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::members::{Members, raw};

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
    for field in operation.fields.secrets() {
        if members.is_null_or_absent(&field.name) {
            continue;
        }
        let text = members.get(&field.name).map(RawValue::get).unwrap_or_default();
        let secret = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
        members.set(&field.name, &secret_fingerprint(&secret));
    }
    Some(raw(&members))
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
}
