//! What characters a piece of text may stand for: itself, and what it is an escape of in JSON, in URLs and
//! forms, and in HTML. One level deep: what an escape spells is not read again.

/// The longest entity there is a name for, or a number of that length, without `&` and `;`.
const MAX_ENTITY: usize = 12;

/// The characters that the start of a text may stand for, each with the bytes that it takes up.
pub(super) fn readings(text: &str) -> impl Iterator<Item = (char, usize)> {
    let itself = text.chars().next().map(|c| (c, c.len_utf8()));
    let escape = match itself {
        Some(('\\', _)) => backslashed(text),
        Some(('%', _)) => percent_encoded(text),
        Some(('&', _)) => entity(text),
        Some(('+', _)) => Some((' ', 1)),
        _ => None,
    };
    itself.into_iter().chain(escape)
}

/// `\n`, `\/`, `\u00f6`, `\ud83d\ude00`.
fn backslashed(text: &str) -> Option<(char, usize)> {
    let c = match *text.as_bytes().get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return utf16(text),
        punctuation if punctuation.is_ascii_punctuation() => punctuation.into(),
        _ => return None,
    };
    Some((c, 2))
}

fn utf16(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::try_from(number(digits, 16)?).ok()
    };
    let first = unit(0)?;
    let units = [first, unit(6).unwrap_or_default()];
    let c = char::decode_utf16(units).next()?.ok()?;
    Some((c, 6 * c.len_utf16()))
}

/// `%2B`, `%C3%B6`: the bytes of one character in UTF-8.
fn percent_encoded(text: &str) -> Option<(char, usize)> {
    let byte = |nth: usize| {
        let digits = text.get(3 * nth..)?.strip_prefix('%')?.get(..2)?;
        u8::try_from(number(digits, 16)?).ok()
    };
    let mut bytes = [0; 4];
    (0..bytes.len()).find_map(|nth| {
        bytes[nth] = byte(nth)?;
        let c = std::str::from_utf8(&bytes[..=nth]).ok()?.chars().next()?;
        Some((c, 3 * (nth + 1)))
    })
}

/// `&#61;`, `&#x3D;`, `&quot;`.
fn entity(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('&')?;
    let length = rest.bytes().take(MAX_ENTITY + 1).position(|byte| byte == b';')?;
    let name = &rest[..length];
    let c = match name.strip_prefix('#') {
        Some(digits) => char::from_u32(match digits.strip_prefix(['x', 'X']) {
            Some(digits) => number(digits, 16)?,
            None => number(digits, 10)?,
        })?,
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, length + 2))
}

/// Digits and nothing else: `from_str_radix` would take a sign.
fn number(digits: &str, radix: u32) -> Option<u32> {
    let is_whole = digits.chars().all(|c| c.is_digit(radix));
    is_whole.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

/// The names that HTML has for ASCII characters.
#[rustfmt::skip]
const ENTITIES: [(&str, char); 37] = [
    ("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("Tab", '\t'), ("NewLine", '\n'),
    ("excl", '!'), ("num", '#'), ("dollar", '$'), ("percnt", '%'), ("lpar", '('), ("rpar", ')'), ("ast", '*'),
    ("plus", '+'), ("comma", ','), ("period", '.'), ("sol", '/'), ("colon", ':'), ("semi", ';'),
    ("equals", '='), ("quest", '?'), ("commat", '@'), ("lsqb", '['), ("lbrack", '['), ("bsol", '\\'),
    ("rsqb", ']'), ("rbrack", ']'), ("Hat", '^'), ("lowbar", '_'), ("grave", '`'), ("lcub", '{'),
    ("lbrace", '{'), ("verbar", '|'), ("vert", '|'), ("rcub", '}'), ("rbrace", '}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_escape_is_read() {
        for (text, c) in [
            (r"\/", '/'),
            (r#"\""#, '"'),
            (r"\n", '\n'),
            (r"\u00f6", 'ö'),
            (r"\u00F6", 'ö'),
            (r"\ud83d\ude00", '😀'),
            ("%2b", '+'),
            ("%C3%b6", 'ö'),
            ("%F0%9F%98%80", '😀'),
            ("&#61;", '='),
            ("&#x2F;", '/'),
            ("&#X2f;", '/'),
            ("&quot;", '"'),
            ("&NewLine;", '\n'),
            ("+", ' '),
        ] {
            let itself = text.chars().next().unwrap();
            let read: Vec<_> = readings(&format!("{text}rest")).collect();
            assert_eq!(read, [(itself, itself.len_utf8()), (c, text.len())], "{text}");
        }
    }

    #[test]
    fn what_is_no_escape_is_itself_alone() {
        for text in [
            "ä",
            r"\",
            r"\x",
            r"\u00f",
            r"\u+0f6",
            r"\ud83d",
            "%",
            "%4",
            "%+4",
            "%C3",
            "%C3%",
            "%ö",
            "&;",
            "&#;",
            "&#x110000;",
            "&#-1;",
            "&nope;",
            "&amp",
            r"\u00ö",
        ] {
            let itself = text.chars().next().unwrap();
            assert_eq!(readings(text).collect::<Vec<_>>(), [(itself, itself.len_utf8())], "{text}");
        }
        assert_eq!(readings("").next(), None);
    }
}
