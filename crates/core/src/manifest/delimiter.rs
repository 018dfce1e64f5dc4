//! What separates the cells of a file, inferred from its header.

use std::fmt;

/// The separator of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, as spreadsheets write where the comma is in numbers.
    Semicolon,
    /// A tab.
    Tab,
}

impl Delimiter {
    const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    /// The character.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// The one of this character.
    pub(crate) fn of(c: char) -> Option<Self> {
        Self::ALL.into_iter().find(|delimiter| char::from(delimiter.byte()) == c)
    }

    /// The one that makes `org_uuid` a column of this line; else the most frequent; else the comma.
    pub(crate) fn sniff(line: &[u8]) -> Self {
        let line = String::from_utf8_lossy(line);
        let score = |delimiter: &Self| {
            let cells = split(&line, char::from(delimiter.byte()));
            (cells.iter().any(|cell| names_orgs(cell)), cells.len())
        };
        // The last of equals wins, and the comma is to be it.
        Self::ALL.into_iter().rev().max_by_key(score).unwrap_or(Self::Comma)
    }

    /// Whether one of them makes `org_uuid` a column of this line.
    pub(crate) fn is_header(line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        Self::ALL
            .iter()
            .any(|delimiter| split(&line, char::from(delimiter.byte())).iter().any(|cell| names_orgs(cell)))
    }
}

/// `org_uuid`, in any case and with anything between its words: a mistake in its name is reported as one.
fn names_orgs(cell: &str) -> bool {
    let letters = cell.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).eq("orguuid".chars())
}

/// Splits outside of quotes.
fn split(line: &str, delimiter: char) -> Vec<&str> {
    let mut inside = false;
    line.split(|c| {
        inside ^= c == '"';
        c == delimiter && !inside
    })
    .collect()
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => "a comma",
            Self::Semicolon => "a semicolon",
            Self::Tab => "a tab",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_inferred_from_the_header() {
        for (line, expected) in [
            ("org_uuid", Delimiter::Comma),
            ("org_uuid,enabled", Delimiter::Comma),
            ("org_uuid;enabled", Delimiter::Semicolon),
            ("enabled\torg_uuid", Delimiter::Tab),
            ("org_uuid,doorInfoMap.a;b;c;d;e.doorName", Delimiter::Comma),
            ("\"org_uuid\";\"doorInfoMap.a,b,c,d.doorName\"", Delimiter::Semicolon),
            ("orguuid;enabled", Delimiter::Semicolon),
            ("nothing", Delimiter::Comma),
            ("", Delimiter::Comma),
        ] {
            assert_eq!(Delimiter::sniff(line.as_bytes()), expected, "{line}");
        }
    }
}
