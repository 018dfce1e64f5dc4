//! Secrets, looked for in every file and stream: as they are, as JSON would write them, in base64 at every offset.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::process::Ran;
use crate::stage::{KEY, LIVE_REFRESH, LIVE_TOKEN, SENT_TOKEN};

/// Fails if a secret of the stages is in a file below a folder, but for the key's own.
pub fn assert_none(folder: &Path) {
    search(folder, &forms());
}

/// Fails if a secret was printed.
pub fn assert_none_said(ran: &Ran) {
    for form in forms() {
        for stream in [&ran.stdout, &ran.stderr] {
            assert!(!contains(stream.as_bytes(), &form), "a secret was printed: {ran:?}");
        }
    }
}

fn search(folder: &Path, forms: &[Vec<u8>]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, forms);
        } else if !path.file_name().unwrap().to_string_lossy().starts_with("key") {
            let bytes = fs::read(&path).unwrap();
            for form in forms {
                assert!(!contains(&bytes, form), "a secret is in {}", path.display());
            }
        }
    }
}

fn contains(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

fn forms() -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for secret in [KEY, SENT_TOKEN, LIVE_TOKEN, LIVE_REFRESH] {
        forms.push(secret.as_bytes().to_vec());
        let json = serde_json::to_string(secret).unwrap();
        forms.push(json.trim_matches('"').as_bytes().to_vec());
        forms
            .push(secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat().into_bytes());
        for offset in 0..3 {
            let shifted = [&[0; 3][..offset], secret.as_bytes()].concat();
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                // The first and the last digits depend on what is around.
                let digits = engine.encode(&shifted).into_bytes();
                let first = if offset == 0 { 0 } else { offset + 1 };
                forms.push(digits[first..digits.len() - 2].to_vec());
            }
        }
    }
    forms
}

#[test]
fn a_secret_is_found_in_every_form() {
    let forms = forms();
    let text = |text: &str| forms.iter().any(|form| contains(text.as_bytes(), form));
    assert!(text(&format!("x{KEY}y")));
    assert!(text(&serde_json::to_string(&[SENT_TOKEN]).unwrap()));
    for before in ["", "a", "ab", "abc"] {
        assert!(text(&STANDARD_NO_PAD.encode(format!("{before}{LIVE_TOKEN}, and on"))), "{before:?}");
    }
    assert!(!text("partner-key-of-another-partner"));
}
