//! The list of orgs as the page's script reads it: JSON that is small, bounded, and harmless in a `<script>`.
//!
//! ```text
//! {plan, csv, org_files, words: [[word, tone]], strings: [text], lists: [[text, ...]],
//!  rows: [[line, org, name, wave, word, [paths, befores, afters, ...], extra, course]]}  course only where there is one
//! ```
//!
//! Texts that many orgs share are once, in `strings`, and what they make up in each column of an org's changes is once, in
//! `lists`: rows point at these. A page bears a few megabytes:
//! orgs that need a look are kept before the others, and how many were omitted is reported.

use std::fmt::Write as _;

use hashbrown::HashMap;

use crate::decimal::Decimal;
use crate::terminal::{Tone, clean};

/// Bytes of the list: 20,000 orgs that change alike, or 4,000 with 31 values each that no other org has. More would be
/// kept on disk for every run, and waited for in a browser.
const BUDGET: usize = 3_200_000;

/// Changes of one org that are listed; the others are in the CSV.
pub(crate) const CHANGES: usize = 200;

/// Rows of one kind.
#[derive(Debug, Default)]
struct Kept {
    json: String,
    /// Where each row ends.
    ends: Vec<usize>,
}

/// A list being made.
#[derive(Debug)]
pub(crate) struct Rows {
    strings: HashMap<Box<str>, u32>,
    texts: String,
    numbers: HashMap<Box<[u32]>, u32>,
    lists: String,
    to_look_at: Kept,
    others: Kept,
    left_out: u64,
    budget: usize,
}

/// A list that was made.
pub(crate) struct Listed {
    pub(crate) data: String,
    pub(crate) kept: u64,
    pub(crate) left_out: u64,
}

/// What doesn't fit the columns of a row: short names, so that they cost little.
#[derive(Debug, Default)]
pub(crate) struct Extra(String);

impl Rows {
    pub(crate) fn new() -> Self {
        Self {
            strings: HashMap::new(),
            texts: String::new(),
            numbers: HashMap::new(),
            lists: String::new(),
            to_look_at: Kept::default(),
            others: Kept::default(),
            left_out: 0,
            budget: BUDGET,
        }
    }

    /// The number of a text. Only texts that many orgs may share, and those of changes.
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        if let Some(number) = self.strings.get(text) {
            return *number;
        }
        let number = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        if number > 0 {
            self.texts.push(',');
        }
        quote(&mut self.texts, text);
        self.strings.insert(text.into(), number);
        number
    }

    /// The number of a list: one column of an org's changes, by the numbers of its texts.
    pub(crate) fn list(&mut self, numbers: &[u32]) -> u32 {
        if let Some(number) = self.numbers.get(numbers) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        if number > 0 {
            self.lists.push(',');
        }
        push_numbers(&mut self.lists, numbers);
        self.numbers.insert(numbers.into(), number);
        number
    }

    fn used(&self) -> usize {
        self.texts.len() + self.lists.len() + self.to_look_at.json.len()
    }

    /// Whether a row would be omitted: then it need not be made. Counted.
    pub(crate) fn leaves_out(&mut self, to_look_at: bool) -> bool {
        let mut used = self.used();
        if !to_look_at {
            used += self.others.json.len();
        }
        let leaves_out = used >= self.budget;
        self.left_out += u64::from(leaves_out);
        leaves_out
    }

    /// Adds a row: everything between its brackets.
    pub(crate) fn push(&mut self, to_look_at: bool, row: &str) {
        let kept = if to_look_at { &mut self.to_look_at } else { &mut self.others };
        let _ = write!(kept.json, "[{row}],");
        kept.ends.push(kept.json.len());
        while self.used() + self.others.json.len() > self.budget && self.others.ends.pop().is_some() {
            self.others.json.truncate(self.others.ends.last().copied().unwrap_or(0));
            self.left_out += 1;
        }
    }

    /// The whole, with the head that the script wants.
    pub(crate) fn end(
        self,
        plan: bool,
        tables: &[String],
        org_files: bool,
        words: &[(&str, Tone)],
    ) -> Listed {
        let kept = (self.to_look_at.ends.len() + self.others.ends.len()) as u64;
        let mut data = String::with_capacity(self.used() + self.others.json.len() + 1_024);
        drop((self.strings, self.numbers));
        let _ = write!(data, "{{\"plan\":{plan},\"org_files\":{org_files},\"csv\":");
        quote(&mut data, &tables.join(", "));
        data.push_str(",\"words\":[");
        for (number, (word, tone)) in words.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let _ = write!(data, "{comma}[\"{word}\",\"{}\"]", tone_class(*tone));
        }
        let _ = write!(data, "],\"strings\":[{}],\"lists\":[{}],\"rows\":[", self.texts, self.lists);
        data.push_str(&self.to_look_at.json);
        data.push_str(&self.others.json);
        if data.ends_with(',') {
            data.pop();
        }
        data.push_str("]}");
        Listed { data, kept, left_out: self.left_out }
    }
}

impl Extra {
    /// A text that is this org's own.
    pub(crate) fn text(&mut self, name: char, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.name(name);
            quote(&mut self.0, text);
        }
    }

    pub(crate) fn texts<T: AsRef<str>>(&mut self, name: char, texts: &[T]) {
        if texts.is_empty() {
            return;
        }
        self.name(name);
        self.0.push('[');
        for (place, text) in texts.iter().take(CHANGES).enumerate() {
            if place > 0 {
                self.0.push(',');
            }
            quote(&mut self.0, text.as_ref());
        }
        self.0.push(']');
    }

    /// Lists, each with the number of its label among the page's texts, and whether it holds ids.
    pub(crate) fn lists(&mut self, name: char, lists: &[(u32, bool, &[String])]) {
        if lists.is_empty() {
            return;
        }
        self.name(name);
        self.0.push('[');
        for (place, (label, ids, items)) in lists.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let _ = write!(self.0, "{comma}[{label},{}", u8::from(*ids));
            for item in items.iter().take(CHANGES) {
                self.0.push(',');
                quote(&mut self.0, item);
            }
            self.0.push(']');
        }
        self.0.push(']');
    }

    pub(crate) fn number(&mut self, name: char, number: u64) {
        self.name(name);
        let _ = write!(self.0, "{number}");
    }

    fn name(&mut self, name: char) {
        let comma = if self.0.is_empty() { "" } else { "," };
        let _ = write!(self.0, "{comma}\"{name}\":");
    }

    /// As the row's cell.
    pub(crate) fn end(self) -> String {
        if self.0.is_empty() { "0".to_owned() } else { format!("{{{}}}", self.0) }
    }
}

/// Begins a row: line, org, name, wave, word.
pub(crate) fn begin_row(line: u64, org: &str, name: &str, wave: Option<u32>, word: usize) -> String {
    let mut row = format!("{line},\"{org}\",");
    quote(&mut row, name);
    let _ = write!(row, ",{},{word},", wave.unwrap_or(0));
    row
}

/// Numbers as JSON; `-1` for [none](NONE).
pub(crate) fn push_numbers(out: &mut String, numbers: &[u32]) {
    out.push('[');
    for (place, number) in numbers.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        if *number == NONE {
            out.push_str("-1");
        } else {
            out.push_str(Decimal::of(*number).as_str());
        }
    }
    out.push(']');
}

/// No number.
pub(crate) const NONE: u32 = u32::MAX;

/// A text as JSON that may be in a `<script>`: cleaned of what moves text about, and with no `<` that could
/// end the element.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !is_special(byte);
    if text.bytes().all(is_plain) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let clean = clean(text);
    let mut rest = &*clean;
    while let Some(place) = rest.bytes().position(is_special) {
        out.push_str(&rest[..place]);
        out.push_str(match rest.as_bytes()[place] {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'<' => "\\u003c",
            b'>' => "\\u003e",
            _ => "\\u0026",
        });
        rest = &rest[place + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&')
}

/// The name of a tone in the style.
pub(crate) const fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Plain | Tone::Strong | Tone::Faint => "rest",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_quoted_text_is_json_that_ends_no_element(text in any::<String>()) {
            let mut json = String::new();
            quote(&mut json, &text);
            let harmful = ['<', '>', '&', '\u{2028}', '\u{2029}'];
            prop_assert!(!json.contains(harmful));
            let read: String = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read, clean(&text).into_owned());
        }
    }

    #[test]
    fn orgs_to_look_at_push_others_out_and_these_are_counted() {
        let mut rows = Rows { budget: 60, ..Rows::new() };
        for line in 0..20u64 {
            let to_look_at = line >= 15;
            if !rows.leaves_out(to_look_at) {
                rows.push(to_look_at, &format!("{line:06}"));
            }
        }
        let listed = rows.end(true, &["plan.csv".to_owned()], false, &[]);
        assert_eq!(listed.kept + listed.left_out, 20);
        for line in 15..20 {
            assert!(listed.data.contains(&format!("{line:06}")), "{}", listed.data);
        }
    }
}
