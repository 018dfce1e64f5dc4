//! A row as typed, as one text.

use memchr::memchr2;
use serde::{Deserialize, Serialize};

use crate::operation::TableName;

/// A row and its side rows as typed, to give them back in `retry.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typed {
    /// The cells of the manifest's row.
    pub row: Vec<String>,
    /// The cells of its side rows, in their order.
    pub sides: Vec<(TableName, Vec<String>)>,
}

/// [`Typed`] as CSV: most who read a plan don't need it, and it is as long as the rest. The row is the first record; the
/// others have the name of their table in front. A record of nothing has no cells, an empty cell alone is quoted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawTyped(pub(super) Box<str>);

impl RawTyped {
    /// What was typed.
    pub fn read(&self) -> Typed {
        let mut rest = Some(&*self.0);
        let row = record(&mut rest);
        let mut sides = Vec::new();
        while rest.is_some() {
            let mut cells = record(&mut rest);
            if !cells.is_empty() {
                sides.push((TableName::from(&*cells.remove(0)), cells));
            }
        }
        Typed { row, sides }
    }
}

impl From<&Typed> for RawTyped {
    fn from(typed: &Typed) -> Self {
        let mut text = String::new();
        push_record(&mut text, typed.row.iter().map(String::as_str));
        for (table, cells) in &typed.sides {
            text.push('\n');
            push_record(&mut text, std::iter::once(&**table).chain(cells.iter().map(String::as_str)));
        }
        Self(text.into())
    }
}

fn push_record<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            text.push(',');
        }
        if cell.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\n')) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
        if place == 0 && cell.is_empty() {
            text.push_str("\"\"");
        }
    }
}

/// The cells of the first record of a text, which is what is behind it then; `None` once there is no other.
fn record(rest: &mut Option<&str>) -> Vec<String> {
    let mut cells = Vec::new();
    let mut text = rest.take().unwrap_or_default();
    *rest = text.strip_prefix('\n');
    if text.is_empty() || rest.is_some() {
        return cells;
    }
    loop {
        cells.push(cell(&mut text));
        match text.as_bytes().first() {
            Some(b',') => text = &text[1..],
            end => {
                *rest = end.map(|_| &text[1..]);
                return cells;
            }
        }
    }
}

/// The cell that a text begins with, which is what is behind it then.
fn cell(text: &mut &str) -> String {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = memchr2(b',', b'\n', text.as_bytes()).unwrap_or(text.len());
        let (cell, behind) = text.split_at(end);
        *text = behind;
        return cell.to_owned();
    };
    *text = quoted;
    let mut cell = String::new();
    while let Some((part, behind)) = text.split_once('"') {
        cell.push_str(part);
        let Some(more) = behind.strip_prefix('"') else {
            *text = behind;
            break;
        };
        cell.push('"');
        *text = more;
    }
    cell
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(r#"[a,"\n\r ]{0,4}|[^\x00]{0,9}"#, 0..6)
    }

    proptest! {
        #[test]
        fn any_cells_are_given_back_as_they_were_typed(
            row in cells(),
            sides in prop::collection::vec(("[a-z:]{1,6}", cells()), 0..4),
        ) {
            let sides = sides.into_iter().map(|(table, cells)| (TableName::from(&*table), cells)).collect();
            let typed = Typed { row, sides };
            prop_assert_eq!(RawTyped::from(&typed).read(), typed);
        }
    }

    #[test]
    fn what_was_typed_is_a_text_that_people_can_read() {
        let row = ["x", "Zoë, \"the\" one", "", "TRUE"].map(str::to_owned).into();
        let typed = Typed { row, sides: vec![("doors".into(), vec!["d1".into(), String::new()])] };
        assert_eq!(&*RawTyped::from(&typed).0, "x,\"Zoë, \"\"the\"\" one\",,TRUE\ndoors,d1,");
    }
}
