//! A cell of a CSV as bytes: guarded where the text is foreign, quoted where it has to be.
//!
//! What a cell is decides whether it is guarded, so that none can be forgotten: whatever isn't a constant of ours, an id, a
//! number or a moment is a `Cell::Text`. Cells are appended to the buffer of a file, or of a row that many others begin
//! or end with; rows are not known here.

use std::borrow::Cow;
use std::io::Write as _;

use orgwave_core::autoformat::is_reformatted;
use orgwave_core::formula::guarded;
use orgwave_core::timestamp::Timestamp;

use crate::decimal::Decimal;
use crate::value::Shown;

/// What is in a cell.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A word of ours, or an org's id: its alphabet may begin with `-`, and is never guarded. Nothing in it is quoted.
    Word(&'a str),
    /// A number of ours.
    Number(u64),
    /// A moment.
    Moment(Timestamp),
    /// A foreign text: guarded.
    Text(Cow<'a, str>),
    /// A value of the settings, as a manifest's cell would say it: where a spreadsheet would take a text for a number or a
    /// date, a backslash says that it is none.
    Value(Shown<'a>),
    /// A cell that was made before.
    Made(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// A text that may be missing.
    pub(crate) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, |text| Self::Text(text.into()))
    }

    /// A list whose items are foreign texts.
    pub(crate) fn texts(items: &'a [String]) -> Self {
        match items {
            [] => Self::Empty,
            [one] => Self::Text(one.into()),
            _ => Self::Text(items.join(";").into()),
        }
    }

    /// A number that may be missing.
    pub(crate) fn number(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Empty, |number| Self::Number(number.into()))
    }

    /// A moment that may be missing.
    pub(crate) fn moment(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Empty, Self::Moment)
    }

    /// Appends it.
    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::Empty => {}
            Self::Word(word) => {
                debug_assert!(!word.bytes().any(|byte| QUOTED[usize::from(byte)]), "{word:?}");
                out.extend_from_slice(word.as_bytes());
            }
            Self::Number(number) => out.extend_from_slice(Decimal::of(*number).as_str().as_bytes()),
            Self::Moment(at) => write!(out, "{at}").expect("a buffer takes everything"),
            Self::Text(text) => push_typed(out, &guarded(text)),
            Self::Value(Shown { text, own }) => push_value(out, text, *own),
            Self::Made(cell) => out.extend_from_slice(cell),
        }
    }
}

/// The cells of a row, or of its beginning or end, with commas between them.
pub(crate) fn push_cells<'a>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = Cell<'a>>) {
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        cell.push(out);
    }
}

/// Appends a value of the settings: a word of ours as it is.
pub(crate) fn push_value(out: &mut Vec<u8>, text: &str, own: bool) {
    if own {
        push_typed(out, text);
    } else if is_reformatted(text) {
        push_typed(out, &guarded(&format!("\\{text}")));
    } else {
        push_typed(out, &guarded(text));
    }
}

/// Appends a text to the letter, quoted where it has to be.
pub(crate) fn push_typed(out: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|byte| QUOTED[usize::from(byte)]) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for (place, part) in text.split('"').enumerate() {
        if place > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'"');
}

/// What a cell has to be quoted for.
const QUOTED: [bool; 256] = {
    let mut quoted = [false; 256];
    quoted[b',' as usize] = true;
    quoted[b'"' as usize] = true;
    quoted[b'\r' as usize] = true;
    quoted[b'\n' as usize] = true;
    quoted
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(cell: &Cell<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        cell.push(&mut out);
        out
    }

    #[test]
    fn values_that_a_spreadsheet_would_change_are_marked() {
        let shown = |text, own| made(&Cell::Value(Shown { text: Cow::Borrowed(text), own }));
        for (text, own, cell) in [
            ("-5", true, "-5"),
            ("007", false, "\\007"),
            ("a,b", false, "\"a,b\""),
            ("=x", false, "'=x"),
            ("1/2;\"", false, "\"\\1/2;\"\"\""),
        ] {
            assert_eq!(shown(text, own), cell.as_bytes(), "{text}");
        }
    }

    proptest! {
        /// The csv crate is the oracle: it quotes where it must, and shares nothing with the code above.
        #[test]
        fn cells_are_quoted_as_the_csv_crate_does(texts in prop::collection::vec("[a,;\"'\r\n =ü]{0,6}", 2..5)) {
            let mut ours = Vec::new();
            for (place, text) in texts.iter().enumerate() {
                if place > 0 {
                    ours.push(b',');
                }
                push_typed(&mut ours, text);
            }
            let mut oracle = csv::Writer::from_writer(Vec::new());
            oracle.write_record(&texts).unwrap();
            ours.push(b'\n');
            prop_assert_eq!(ours, oracle.into_inner().unwrap());
        }
    }
}
