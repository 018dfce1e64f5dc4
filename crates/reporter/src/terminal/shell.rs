//! Words of a command that is there to be copied.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use orgwave_core::legible::{is_hidden, without_commands};

/// A text as a shell takes it for one word. Where it has something that can't be shown, it is in `$'...'`, byte by byte:
/// copied, it means what was meant, and shown, it does nothing.
pub fn shell(word: &str) -> String {
    bytes(word.as_bytes())
}

/// A path as a shell takes it for one word, and a program for no flag.
pub fn shell_path(path: &Path) -> String {
    let word = path.as_os_str().as_bytes();
    if word.starts_with(b"-") { bytes(&[b"./", word].concat()) } else { bytes(word) }
}

fn bytes(word: &[u8]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%".contains(c);
    match std::str::from_utf8(word) {
        Ok(text) if !text.is_empty() && text.chars().all(is_plain) && !text.starts_with("::") => {
            text.to_owned()
        }
        Ok(text) if !text.contains(is_hidden) && without_commands(text) == text => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let mut quoted = String::from("$'");
            for byte in word {
                match byte {
                    b' ' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'/' | b'.' | b'_' | b'-' => {
                        quoted.push(char::from(*byte));
                    }
                    byte => quoted.push_str(&format!("\\x{byte:02x}")),
                }
            }
            quoted.push('\'');
            quoted
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn paths_are_one_word_to_a_shell() {
        for (path, word) in [
            ("reports/20261124T073032Z-ab", "reports/20261124T073032Z-ab"),
            ("my reports/x", "'my reports/x'"),
            ("it's", r"'it'\''s'"),
            ("-x", "./-x"),
            ("", "''"),
            ("a\n::error::b", r"$'a\x0a\x3a\x3aerror\x3a\x3ab'"),
            ("##vso[x]", r"$'\x23\x23vso\x5bx\x5d'"),
            ("\u{202e}", r"$'\xe2\x80\xae'"),
        ] {
            assert_eq!(shell_path(Path::new(path)), word);
        }
        assert_eq!(shell_path(Path::new(OsStr::from_bytes(b"a\xff"))), r"$'a\xff'");
    }

    /// What a shell makes of it is the path.
    #[test]
    fn a_shell_reads_the_very_path() {
        for path in ["it's \u{1b}]0;t\u{7}\n;\u{202e}", "##[x] $HOME `id` \\", "::a", "'", "\u{9b}2J"] {
            let line = format!("printf %s {}", shell(path));
            let output = std::process::Command::new("bash").args(["-c", &line]).output().unwrap();
            assert_eq!(output.stdout, path.as_bytes(), "{line}");
        }
    }
}
