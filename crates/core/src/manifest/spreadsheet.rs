//! What a spreadsheet puts in place of what was typed: error values, rounded numbers, decimals.
//!
//! Error values are recognized by their shape, because every language has its own words for them: `#NV`, `#¡VALOR!`,
//! `#Н/Д`, `Fehler:502`. A text that has this shape and is meant needs a backslash, so the shape is as narrow as the
//! known errors allow: `#1 Front door`, `#3`, `#Lobby` and `Room 502` aren't of it.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::cell::is_space;
use crate::legible::is_hidden;

/// The numbers of LibreOffice's errors, with some to spare.
const ERROR_NUMBERS: std::ops::RangeInclusive<u16> = 501..=540;

/// `1.23E+11`, also with a decimal comma.
pub(crate) fn is_exponent(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    digits(whole) && digits(fraction) && exponent.strip_prefix(['+', '-']).is_some_and(digits)
}

/// The digits of a whole number that was written as a decimal: `10.0`, `10,00`. With three zeros it may as well be
/// ten thousand, so that is left as it is.
pub(crate) fn whole_number(text: &str) -> &str {
    match text.split_once(['.', ',']) {
        Some((whole, zeros))
            if whole.ends_with(|c: char| c.is_ascii_digit())
                && !zeros.is_empty()
                && zeros.len() != 3
                && zeros.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

/// What Google Sheets shows, and exports, in cells that it has not computed yet.
const LOADING: [&str; 8] = [
    "loading...",
    "wird geladen...",
    "chargement...",
    "cargando...",
    "carregando...",
    "caricamento in corso...",
    "laden...",
    "загрузка...",
];

/// The text without what comes before it unseen: spaces, and marks without width.
pub(crate) fn visible_start(text: &str) -> &str {
    text.trim_start_matches(|c| is_space(c) || is_hidden(c))
}

/// Whether a spreadsheet would compute this cell, or did before the sign was hidden.
pub(crate) fn is_formula(text: &str) -> bool {
    visible_start(text).starts_with(['=', '＝'])
}

/// Whether this trimmed text is what a spreadsheet shows where a value should be.
pub(crate) fn is_error_value(text: &str) -> bool {
    if !text.contains(['#', ':', '＃', '：']) {
        return is_loading(text);
    }
    let text = visible_start(text);
    // Half-width and composed, whatever the input method made of it, without invisible characters.
    let text: Cow<'_, str> =
        if text.is_ascii() { text.into() } else { text.nfkc().filter(|c| !is_hidden(*c)).collect() };
    match text.strip_prefix('#') {
        Some(name) => is_error_name(name),
        None => is_error_number(&text),
    }
}

fn is_loading(text: &str) -> bool {
    if !text.ends_with(['.', '…']) {
        return false;
    }
    let text = text.nfkc().flat_map(char::to_lowercase).collect::<String>();
    LOADING.contains(&visible_start(&text))
}

/// What follows the `#`: a word with `!` or `?` behind it (`REF!`, `¿NOMBRE?`, `DIV/0!`, `VALEUR !`), a word in
/// capitals (`NV`, `YOK`, `GETTING_DATA`), two letters around a slash (`N/A`, `Н/Д`), or the `###` of a narrow column.
fn is_error_name(name: &str) -> bool {
    if name.len() > 1 && name.bytes().all(|byte| byte == b'#') {
        return true;
    }
    let name = name.trim_start_matches(['¡', '¿']);
    let (word, is_marked) = match name.strip_suffix(['!', '?']) {
        Some(word) => (word.trim_end_matches(is_space), true),
        None => (name, false),
    };
    let mut before = '/';
    let is_word = word.chars().enumerate().all(|(index, c)| {
        let fits =
            c.is_alphabetic() || (index > 0 && (matches!(c, '/' | '_') || before == '/' && c.is_numeric()));
        before = c;
        fits
    });
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    let is_capitals =
        || letters().count() > 1 && letters().any(char::is_uppercase) && !letters().any(char::is_lowercase);
    let is_two_letters =
        || word.chars().count() == 3 && word.chars().nth(1) == Some('/') && letters().count() == 2;
    !word.is_empty() && is_word && (is_marked || is_capitals() || is_two_letters())
}

/// `Err:502`, `Fehler:502`, `Ошибка:504`, `Err :511`.
fn is_error_number(text: &str) -> bool {
    let Some((word, number)) = text.split_once(':') else { return false };
    let word = word.trim_end_matches(is_space);
    word.chars().count() > 1
        && word.chars().all(char::is_alphabetic)
        && number.len() == 3
        && number.parse().is_ok_and(|number| ERROR_NUMBERS.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_spreadsheet_shortened() {
        for text in ["1.23E+11", "1,23E+11", "-1E+05", "1e-7", "12E+3"] {
            assert!(is_exponent(text), "{text}");
        }
        for text in ["1E5", "E+1", "1.E+", "1.2.3E+4", "a1E+2", "1E+2x", ""] {
            assert!(!is_exponent(text), "{text}");
        }
    }

    #[test]
    fn whole_numbers_written_as_decimals() {
        for (text, whole) in [
            ("10.0", "10"),
            ("10,0", "10"),
            ("-5.00", "-5"),
            ("0.0", "0"),
            ("7.0000", "7"),
            ("10", "10"),
            // These may be thousands.
            ("1.000", "1.000"),
            ("1,000", "1,000"),
            ("10.5", "10.5"),
            ("10.", "10."),
            (".0", ".0"),
            ("1.0.0", "1.0.0"),
        ] {
            assert_eq!(whole_number(text), whole, "{text}");
        }
    }

    #[test]
    fn error_values_of_spreadsheets_in_any_language() {
        for text in [
            "#N/A",
            "#n/a",
            "#REF!",
            "#ref!",
            "#NAME?",
            "#DIV/0!",
            "#NULL!",
            "#SPILL!",
            "#GETTING_DATA",
            "#ERROR!",
            "####",
            "#NV",
            "#WERT!",
            "#BEZUG!",
            "#ÜBERLAUF!",
            "#ZAHL!",
            "#¡VALOR!",
            "#¡DIV/0!",
            "#¿NOMBRE?",
            "#N/D",
            "#VALEUR !",
            "#NOM\u{a0}?",
            "#PROPAGATION!",
            "#Н/Д",
            "#ЗНАЧ!",
            "#ССЫЛКА!",
            "#ИМЯ?",
            "#ДЕЛ/0!",
            "#ADR!",
            "#NAZWA?",
            "#DZIEL/0!",
            "#HIÁNYZIK",
            "#ÉRTÉK!",
            "#YOK",
            "#DEĞER!",
            "#I/T",
            "#N/B",
            "#Δ/Υ",
            "#ΤΙΜΗ!",
            "#NENÍ_K_DISPOZICI",
            "#PUUTTUU",
            "#値!",
            "#U\u{308}BERLAUF!",
            "＃Ｎ／Ａ",
            "＃ＶＡＬＵＥ！",
            "#ＲＥＦ！",
            "Err:502",
            "Err:522",
            "Fehler:502",
            "Error:502",
            "Erreur:509",
            "Err\u{a0}:511",
            "Ошибка:504",
            "Fout:532",
            "エラー:502",
            "错误：502",
            // Among invisible characters.
            "\u{200b}#NV",
            "#NV\u{feff}",
            "#N\u{2060}/A",
            "\u{202e}#VALOR!",
            // Not yet computed.
            "Loading...",
            "Loading…",
            "Wird geladen...",
            "Загрузка…",
        ] {
            assert!(is_error_value(text), "{text}");
        }
    }

    #[test]
    fn formulas_however_they_begin() {
        for text in ["=A1", "＝A1", "\u{200b}=A1", "\u{202e}＝A1", "\u{feff} ='A'!A1"] {
            assert!(is_formula(text), "{text}");
        }
        for text in ["", "'", "'=a", "a=b", "'s Gravenhage", "+1", "-1", "@home", "A=1"] {
            assert!(!is_formula(text), "{text}");
        }
    }

    #[test]
    fn names_that_look_a_little_like_one() {
        for text in [
            "#",
            "#1",
            "#3",
            "#12",
            "#1 Front door",
            "#3A",
            "#A",
            "#B2",
            "#1!",
            "#!",
            "# 4!",
            "#a b?",
            "#Lobby",
            "#Front door",
            "#North/South",
            "#2/3",
            "#入口",
            "##",
            "Err:5",
            "Err:5020",
            "Err:404",
            "N/A",
            "Room 502",
            "Room: 502",
            "B:502",
            "2:502",
            "10:30",
            "Door: north",
            "Loading dock...",
            "Loading dock",
            "'s Gravenhage #1",
            "",
        ] {
            assert!(!is_error_value(text), "{text}");
        }
    }
}
