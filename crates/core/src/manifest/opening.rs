//! The first lines of a file: what it is, what separates its cells, where its header is.

use std::io::{self, Read};

use memchr::memmem;

use super::cell::is_space;
use super::delimiter::Delimiter;
use super::tokenizer::Tokenizer;

/// How far a header below a title is looked for.
const AHEAD: usize = 64 * 1024;
/// What tells that a file is of another kind; its name is further on.
const MAGIC: usize = 16;

/// What a file begins with.
pub(crate) enum Opening {
    /// A header is next, its cells separated so.
    Header(Delimiter),
    /// No line that isn't blank.
    Nothing,
    /// Something that isn't a header, though there is one further down.
    Title { line: u64, header: u64 },
    /// A line `sep=` with a separator that isn't read.
    Separator { line: u64 },
    /// A file of another kind.
    Other(&'static str),
}

/// Takes what is above the header: blank lines, and the line `sep=;`, which gives spreadsheets the separator.
pub(crate) fn opening<R: Read>(tokens: &mut Tokenizer<R>) -> io::Result<Opening> {
    if kind(tokens.peek(MAGIC)?).is_some()
        && let Some(kind) = kind(tokens.peek(AHEAD)?)
    {
        return Ok(Opening::Other(kind));
    }
    let mut separator = None;
    loop {
        let at = tokens.line();
        let Some(line) = tokens.peek_line()? else { return Ok(Opening::Nothing) };
        let text = std::str::from_utf8(line).unwrap_or("\u{fffd}");
        if text.chars().all(|c| is_space(c) || matches!(c, ',' | ';' | '"')) {
            tokens.next()?;
        } else if let Some(said) = said_separator(text).filter(|_| separator.is_none()) {
            let Some(delimiter) = Delimiter::of(said) else { return Ok(Opening::Separator { line: at }) };
            separator = Some(delimiter);
            tokens.next()?;
        } else {
            let delimiter = separator.unwrap_or_else(|| Delimiter::sniff(line));
            if Delimiter::is_header(line) {
                return Ok(Opening::Header(delimiter));
            }
            let ahead = tokens.peek(AHEAD)?.split(|byte| *byte == b'\n');
            let below = (at..).zip(ahead).find(|(_, line)| Delimiter::is_header(line));
            return Ok(
                below.map_or(Opening::Header(delimiter), |(header, _)| Opening::Title { line: at, header })
            );
        }
    }
}

/// The separator that a line `sep=;` names; a spreadsheet may have put quotes around it, and separators behind it.
fn said_separator(line: &str) -> Option<char> {
    let line = line.trim_matches(['"', '\r', ' ']);
    let (word, said) = line.split_at_checked("sep=".len())?;
    let mut said = said.chars();
    let separator = said.next()?;
    let is_rest = |c: char| c == separator || matches!(c, ',' | ';' | '\t' | '"');
    (word.eq_ignore_ascii_case("sep=") && said.all(is_rest)).then_some(separator)
}

/// What a file is that is no CSV, by its first bytes.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    let has = |part: &str| memmem::find(bytes, part.as_bytes()).is_some();
    if bytes.starts_with(b"PK\x03\x04") {
        return Some(match () {
            () if has("opendocument.spreadsheet") => "an OpenDocument spreadsheet (.ods)",
            () if has("Index/") && has(".iwa") => "a Numbers document (.numbers)",
            () if has("word/") => "a Word document (.docx)",
            () if has("xl/") || has("[Content_Types].xml") => "an Excel workbook (.xlsx)",
            () => "a ZIP archive",
        });
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Some("an Excel 97-2003 workbook (.xls)");
    }
    if bytes.starts_with(b"%PDF-") {
        return Some("a PDF");
    }
    let text = bytes.trim_ascii_start();
    let is_markup = text.first() == Some(&b'<') && text.get(1).is_some_and(|byte| b"!?".contains(byte));
    let is_table = ["<html", "<table", "<head", "<body", "<meta"]
        .iter()
        .any(|tag| text.get(..tag.len()).is_some_and(|text| text.eq_ignore_ascii_case(tag.as_bytes())));
    (is_markup || is_table).then_some("HTML or XML, which some programs save under the name .xls")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_names_the_separator() {
        for (line, separator) in [
            ("sep=;", Some(';')),
            ("SEP=,\r", Some(',')),
            ("sep=\t", Some('\t')),
            ("\"sep=;\"", Some(';')),
            ("sep=;;;;", Some(';')),
            ("sep=|", Some('|')),
            ("sep=", None),
            ("sep=;org_uuid", None),
            ("separator;org_uuid", None),
            ("é", None),
        ] {
            assert_eq!(said_separator(line), separator, "{line}");
        }
    }

    #[test]
    fn files_of_other_kinds_are_named() {
        for (bytes, named) in [
            (&b"PK\x03\x04..[Content_Types].xml..xl/workbook.xml"[..], ".xlsx"),
            (b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK", ".ods"),
            (b"PK\x03\x04..Index/Document.iwa", ".numbers"),
            (b"PK\x03\x04..[Content_Types].xml..word/document.xml", ".docx"),
            (b"PK\x03\x04..readme.txt", "ZIP"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0", ".xls"),
            (b"%PDF-1.7", "PDF"),
            (b"\r\n<HTML><table>", "HTML"),
            (b"<?xml version=\"1.0\"?>", "XML"),
        ] {
            assert!(kind(bytes).is_some_and(|kind| kind.contains(named)), "{named}");
        }
        for bytes in [&b"org_uuid,enabled"[..], b"PK,org_uuid", b"<null>,org_uuid", b""] {
            assert_eq!(kind(bytes), None);
        }
    }
}
