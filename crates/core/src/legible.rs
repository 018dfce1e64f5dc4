//! Foreign text made legible: what can't be seen, and moves, hides or joins what can, is spelled out by its number.
//!
//! There is one notation for it wherever people read, `<U+202E>`: exact, the same in a terminal and on a page, and to be
//! searched for. Files that are read back keep such characters as they are, or escape them as their format does.
//!
//! The same notation takes the effect from what CI systems read as a command in a job's log: `##vso[`, `##teamcity[` and
//! `##[` anywhere in a line, `::` at a line's beginning. It is done for every user of the command: a log is often printed again
//! elsewhere, and no list of CI systems is complete.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::path::Path;

/// Controls, separators of lines, and the marks that turn, hide, join or tag text.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A character as it may be shown: itself, or its number.
#[derive(Debug, Clone, Copy)]
pub struct Legible(pub char);

impl fmt::Display for Legible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_hidden(self.0) { write!(f, "<U+{:04X}>", u32::from(self.0)) } else { f.write_char(self.0) }
    }
}

/// A foreign text on one line, with nothing hidden in it.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let _ = write!(line, "{}", Legible(c));
    }
    Cow::Owned(line)
}

/// The one way to show a path. `Path::display`, which shows a line break in a name as one, is disallowed by `clippy.toml`.
pub trait ShowPath {
    /// The path on one line, with nothing hidden in it: folders and files may have any names.
    fn shown(&self) -> String;
}

impl<P: AsRef<Path> + ?Sized> ShowPath for P {
    fn shown(&self) -> String {
        one_line(&self.as_ref().to_string_lossy()).into_owned()
    }
}

/// Lines of text in which no CI system finds a command.
pub fn without_commands(text: &str) -> Cow<'_, str> {
    if !text.contains("##") && !text.contains("::") {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive('\n') {
        let indented = line.trim_start();
        let (start, mut rest) = match indented.strip_prefix("::") {
            Some(rest) => (&line[..line.len() - indented.len()], rest),
            None => ("", line),
        };
        if rest.len() < line.len() {
            safe.extend([start, ":<U+003A>"]);
        }
        while let Some(place) = rest.find("##") {
            safe.push_str(&rest[..=place]);
            rest = &rest[place + 1..];
            if opens_command(rest) {
                safe.push_str("<U+0023>");
                rest = &rest[1..];
            }
        }
        safe.push_str(rest);
    }
    Cow::Owned(safe)
}

/// Whether this is the second half of `##word[`.
fn opens_command(text: &str) -> bool {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.strip_prefix('#').is_some_and(|word| word.trim_start_matches(is_of_word).starts_with('['))
}

/// JSON in which nothing acts where it is printed: characters that hide or move text, and the hashes of commands, are
/// escaped, so it says exactly what it said. They can only be in JSON's texts.
pub fn json(json: &str) -> Cow<'_, str> {
    let acts = |c: char| is_hidden(c) && !matches!(c, '\n' | '\r' | '\t');
    if !json.contains("##") && !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    let mut last = ' ';
    for c in json.chars() {
        if acts(c) || (c == '#' && last == '#') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
        last = c;
    }
    Cow::Owned(safe)
}

/// A text in quotes, on one line, with nothing hidden in it.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_has_its_number_and_what_people_write_stays() {
        for (text, shown) in [
            ("Zoë GmbH \u{1f600} 日本", "\"Zoë GmbH \u{1f600} 日本\""),
            ("a\u{202e}b\u{feff}", "\"a<U+202E>b<U+FEFF>\""),
            ("two\nlines\u{2028}\u{9b}2J", "\"two<U+000A>lines<U+2028><U+009B>2J\""),
            ("tag\u{e0041}", "\"tag<U+E0041>\""),
            // Joiners are part of scripts and of emoji.
            ("\u{200c}\u{200d}", "\"\u{200c}\u{200d}\""),
        ] {
            assert_eq!(quoted(text), shown);
        }
    }

    #[test]
    fn no_ci_system_finds_a_command() {
        for (text, safe) in [
            ("##vso[task.complete]", "#<U+0023>vso[task.complete]"),
            ("so: ##[error]x ##teamcity[y]", "so: #<U+0023>[error]x #<U+0023>teamcity[y]"),
            ("###[x]", "##<U+0023>[x]"),
            ("::error::x", ":<U+003A>error::x"),
            ("a\n \u{a0}::set-output\nb", "a\n \u{a0}:<U+003A>set-output\nb"),
            (":::x", ":<U+003A>:x"),
            ("::##[x", ":<U+003A>#<U+0023>[x"),
            // What people write stays.
            ("https://[::1]:80 a::b", "https://[::1]:80 a::b"),
            ("## Orgs that need attention [3]", "## Orgs that need attention [3]"),
            ("Door ##3", "Door ##3"),
        ] {
            assert_eq!(without_commands(text), safe, "{text:?}");
            assert_eq!(without_commands(safe), safe);
        }
    }

    #[test]
    fn json_keeps_its_meaning_when_made_legible() {
        let text = "##vso[x]###[y] \u{1b}]0;t\u{7} \u{9b}2J \u{202e}\u{e0041} Zoë \u{1f600} \\ \" \n";
        let plain = serde_json::to_string(text).unwrap();
        let safe = json(&plain);
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        assert!(!safe.contains("##") && !safe.contains(is_hidden), "{safe}");
        assert!(safe.contains("Zoë \u{1f600}"), "{safe}");
    }

    #[test]
    fn a_path_is_one_line() {
        assert_eq!(Path::new("a\n::error::b\u{202e}").shown(), "a<U+000A>::error::b<U+202E>");
    }
}
