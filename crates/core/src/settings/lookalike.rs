//! Which live keys of a map a key that isn't live may be a misspelling of.
//!
//! Spreadsheets drop leading zeros, `+` and the zeros of `1.10`, round to 15 digits, write large numbers with an exponent
//! or without one, separate thousands and turn `1-2` into a date; word processors turn hyphens into dashes and spaces into
//! no-break spaces; systems differ in case and in how they compose `é`; letters of two alphabets print the same. A live key that such a change explains is *the same under another spelling*; any other near key is only
//! named.

use hashbrown::HashMap;
use unicode_normalization::UnicodeNormalization as _;

use crate::alike::twin;
use crate::legible::is_hidden;

/// Near keys that are named.
const NAMED: usize = 3;

/// Comparisons of two keys, letter by letter, that one map may cost. Beyond them only other spellings are found.
const COMPARISONS: usize = 20_000;

/// Digits that a spreadsheet keeps of a number.
const KEPT_DIGITS: usize = 15;

/// The live keys of a map, ready to be searched.
pub(crate) struct Lookalikes<'a> {
    live: Vec<&'a str>,
    by_fold: HashMap<String, Vec<&'a str>>,
    by_number: HashMap<u128, Vec<&'a str>>,
    comparisons: usize,
}

/// The live keys that a key may be meant for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Near {
    /// Nearest first.
    pub(crate) keys: Vec<String>,
    /// Whether the first is the same key under another spelling.
    pub(crate) respelled: bool,
}

impl<'a> Lookalikes<'a> {
    pub(crate) fn of(live: impl Iterator<Item = &'a str>) -> Self {
        let live: Vec<&str> = live.collect();
        let mut by_fold: HashMap<String, Vec<&str>> = HashMap::new();
        let mut by_number: HashMap<u128, Vec<&str>> = HashMap::new();
        for key in &live {
            by_fold.entry(fold(key)).or_default().push(key);
            if let Some(number) = number(key) {
                by_number.entry(number).or_default().push(key);
            }
        }
        Self { live, by_fold, by_number, comparisons: COMPARISONS }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The live keys nearest to a key that isn't live.
    pub(crate) fn near(&mut self, key: &str) -> Near {
        let folded = fold(key);
        let mut same: Vec<&str> = match self.by_fold.get(&folded) {
            Some(same) if !folded.is_empty() => same.clone(),
            _ => match number(key).and_then(|number| self.by_number.get(&number)) {
                Some(same) => same.clone(),
                None => self.changed_by_a_spreadsheet(key),
            },
        };
        same.truncate(NAMED);
        if !same.is_empty() {
            return Near { keys: same.into_iter().map(str::to_owned).collect(), respelled: true };
        }
        if self.comparisons < self.live.len() {
            return Near { keys: Vec::new(), respelled: false };
        }
        self.comparisons -= self.live.len();
        let distance = |live: &&str| strsim::damerau_levenshtein(&folded, &fold(live));
        let mut nearest: Vec<(usize, &str)> = self.live.iter().map(|live| (distance(live), *live)).collect();
        nearest.sort_unstable();
        let keys = nearest.into_iter().take(NAMED).map(|(_, live)| live.to_owned()).collect();
        Near { keys, respelled: false }
    }

    /// The live keys that a spreadsheet may have rounded, or taken for a date, to make this key.
    fn changed_by_a_spreadsheet(&self, key: &str) -> Vec<&'a str> {
        let (rounded, dated) = (Rounded::of(key), Dated::of(key));
        let explains = |live: &&&str| {
            rounded.as_ref().is_some_and(|rounded| rounded.may_be(live))
                || dated.as_ref().is_some_and(|dated| dated.may_be(live))
        };
        self.live.iter().filter(explains).copied().collect()
    }
}

/// A key without what changes while files pass from hand to hand: case, composition, spaces, the sort of dashes and
/// quotes, the alphabet of letters that print the same, leading zeros, a leading `+`, zeros at the end of a decimal.
fn fold(key: &str) -> String {
    let chars: Vec<char> = key
        .nfkc()
        .map(|c| if c.is_ascii() { c } else { twin(c) })
        // `ß` is `SS` in capitals, and the dot of `İ` is left beside the small letter.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .filter(|c| !c.is_whitespace() && !is_hidden(*c) && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{307}'))
        .map(|c| match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
            '\u{2018}' | '\u{2019}' | '\u{2b9}' | '\u{2bc}' | '`' | '\u{b4}' => '\'',
            other => other,
        })
        .collect();
    let mut chars = &chars[..];
    // The mark by which a spreadsheet knows a text, as often as it was put there.
    while let ['\'', rest @ ..] = chars {
        chars = rest;
    }
    if let ['+', rest @ ..] = chars
        && rest.first().is_some_and(char::is_ascii_digit)
    {
        chars = rest;
    }
    let mut folded = String::with_capacity(chars.len());
    let mut place = 0;
    while let Some(&c) = chars.get(place) {
        if c.is_ascii_digit() {
            let run = chars[place..].iter().take_while(|c| c.is_ascii_digit()).count();
            let digits: String = chars[place..place + run].iter().collect();
            let is_fraction = folded.ends_with(['.', ',']);
            let bare = digits.trim_start_matches('0');
            folded.push_str(match bare {
                _ if is_fraction => &digits,
                "" => "0",
                bare => bare,
            });
            place += run;
            continue;
        }
        // `1-11` and `11-1` are two doors; `A-1` and `A1` are one, spelled twice.
        let is_between_digits = folded.ends_with(|c: char| c.is_ascii_digit())
            && chars[place..].iter().find(|c| **c != '-').is_some_and(char::is_ascii_digit);
        if c != '-' || is_between_digits && !folded.ends_with('-') {
            folded.push(c);
        }
        place += 1;
    }
    let is_decimal = folded
        .split_once(['.', ','])
        .is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction));
    if is_decimal {
        let length = folded.trim_end_matches('0').trim_end_matches(['.', ',']).len();
        folded.truncate(length);
    }
    folded
}

/// The whole number that a key is, however it is written: `0123`, `1,000`, `12E5`.
fn number(key: &str) -> Option<u128> {
    let key = key.trim();
    if is_digits(key) {
        return key.parse().ok();
    }
    match scientific(key) {
        Some((number, _)) => Some(number),
        None => grouped(key),
    }
}

/// A number with an exponent, and the unit of its last digit.
fn scientific(key: &str) -> Option<(u128, u128)> {
    let (mantissa, exponent) = key.split_once(['E', 'e'])?;
    let exponent: u32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    if !is_digits(whole) || !fraction.is_empty() && !is_digits(fraction) {
        return None;
    }
    let zeros = exponent.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let unit = 10u128.checked_pow(zeros)?;
    Some((format!("{whole}{fraction}").parse::<u128>().ok()?.checked_mul(unit)?, unit))
}

/// A number whose thousands are separated.
fn grouped(key: &str) -> Option<u128> {
    let separator =
        key.chars().find(|c| matches!(c, ',' | '.' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}'))?;
    let mut groups = key.split(separator);
    let is_first = |group: &str| is_digits(group) && group.len() <= 3;
    if !groups.next().is_some_and(is_first) || !groups.all(|group| is_digits(group) && group.len() == 3) {
        return None;
    }
    key.replace(separator, "").parse().ok()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A whole number of which only the leading digits are known.
struct Rounded {
    value: u128,
    /// How far the number may be off.
    unit: u128,
}

impl Rounded {
    fn of(key: &str) -> Option<Self> {
        let key = key.trim();
        if is_digits(key) {
            let lost = key.trim_start_matches('0').len().checked_sub(KEPT_DIGITS).filter(|lost| *lost > 0)?;
            let unit = 10u128.checked_pow(u32::try_from(lost).ok()?)?;
            let value: u128 = key.parse().ok()?;
            return value.is_multiple_of(unit).then_some(Self { value, unit });
        }
        let (value, unit) = scientific(key)?;
        Some(Self { value, unit })
    }

    fn may_be(&self, live: &str) -> bool {
        is_digits(live) && live.parse::<u128>().is_ok_and(|live| live.abs_diff(self.value) < self.unit)
    }
}

/// What a date may have been before a spreadsheet took it for one.
struct Dated {
    numbers: Vec<u32>,
    /// What is between them.
    signs: String,
    is_date: bool,
}

impl Dated {
    /// Two or three numbers, of which one may be a month's name.
    fn of(key: &str) -> Option<Self> {
        let mut numbers = Vec::with_capacity(3);
        let (mut signs, mut is_date) = (String::new(), false);
        let mut padded = 0;
        let folded: String = key.nfkc().flat_map(char::to_lowercase).collect();
        let mut rest = &folded[..];
        while let Some(first) = rest.chars().next() {
            let alike = |c: char| {
                c.is_ascii_digit() && first.is_ascii_digit() || c.is_alphabetic() && first.is_alphabetic()
            };
            let end = rest.find(|c| !alike(c)).unwrap_or(rest.len());
            let (part, behind) = rest.split_at(end);
            if first.is_ascii_digit() {
                let number: u32 = part.parse().ok().filter(|number| *number < 10_000)?;
                is_date |= part.len() == 4 && (1900..2100).contains(&number);
                padded += usize::from(part.len() == 2);
                numbers.push(number % if number >= 1900 { 100 } else { 10_000 });
            } else if matches!(first, '年' | '月' | '日' | '년' | '월' | '일') {
                is_date = true;
                signs.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            } else if first.is_alphabetic() {
                numbers.push(month(part)?);
                is_date = true;
            } else if matches!(first, '.' | '-' | '/' | ' ' | ',' | '\u{a0}' | '\u{2010}'..='\u{2015}') {
                signs.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            } else {
                return None;
            }
            rest = behind;
        }
        is_date |= numbers.len() == 3 && padded == 3;
        matches!(numbers.len(), 2 | 3).then_some(Self { numbers, signs, is_date })
    }

    fn may_be(&self, live: &str) -> bool {
        let Some(live) = Self::of(live) else { return false };
        let mut left = self.numbers.clone();
        let is_part = live.numbers.iter().all(|number| {
            let place = left.iter().position(|other| other == number);
            place.map(|place| left.swap_remove(place)).is_some()
        });
        // `01.02.` for `1-2`: the same numbers between other signs.
        (live.numbers == self.numbers && live.signs != self.signs)
            || (self.is_date || live.is_date && left.is_empty()) && is_part
    }
}

/// The number of a month, by the first letters of its name in the languages whose spreadsheets write it so: English,
/// German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Polish, Czech, Hungarian, Turkish, Russian.
fn month(name: &str) -> Option<u32> {
    const NAMES: [&[&str]; 12] = [
        &["jan", "ene", "gen", "jän", "sty", "led", "oca", "янв"],
        &["feb", "fév", "fev", "lut", "úno", "şub", "фев"],
        &["mar", "mär", "mrz", "maa", "mrt", "bře", "már", "мар"],
        &["apr", "avr", "abr", "kwi", "dub", "ápr", "nis", "апр"],
        &["may", "mai", "mag", "mei", "maj", "kvě", "máj", "май", "мая"],
        &["jun", "juin", "giu", "cze", "čvn", "červn", "jún", "haz", "июн"],
        &["jul", "juil", "lug", "lip", "čvc", "červenc", "júl", "tem", "июл"],
        &["aug", "aoû", "aou", "ago", "sie", "srp", "ağu", "авг"],
        &["sep", "set", "wrz", "zář", "szep", "eyl", "сен"],
        &["oct", "okt", "ott", "out", "paź", "paz", "říj", "eki", "окт"],
        &["nov", "lis", "kas", "ноя"],
        &["dec", "dez", "déc", "dic", "gru", "pro", "ara", "дек"],
    ];
    if name.chars().count() > 10 {
        return None;
    }
    let is = |names: &&[&str]| names.iter().any(|start| name.starts_with(start));
    NAMES.iter().position(is).and_then(|place| u32::try_from(place + 1).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(key: &str, live: &[&str]) -> Near {
        Lookalikes::of(live.iter().copied()).near(key)
    }

    #[test]
    fn a_key_changed_by_a_spreadsheet_is_the_live_one_respelled() {
        for (key, live) in [
            ("123", "0123"),
            ("0123", "123"),
            ("A-7", "A-007"),
            ("123.0", "0123"),
            ("0", "000"),
            ("lobby", "LOBBY"),
            ("Main entrance", "Main Entrance"),
            ("Main\u{a0}entrance", "Main entrance"),
            ("Main  entrance", "Main entrance"),
            ("Mainentrance", "Main entrance"),
            ("A–1", "A-1"),
            ("A—1", "A--1"),
            ("12–34", "12-34"),
            ("A1", "A-1"),
            ("Cafe\u{301}", "Café"),
            ("Café", "Cafe\u{301}"),
            ("１２３", "123"),
            ("'0123", "0123"),
            ("Anna’s", "Anna's"),
            ("1234567890123450", "1234567890123456"),
            ("1234567890123460", "1234567890123456"),
            ("12345678901234500000", "12345678901234567890"),
            ("1.23E+11", "123456789012"),
            ("1,23E+11", "123456789012"),
            ("1.23457E+11", "123456789012"),
            ("1E5", "100000"),
            ("1.2E11", "0120000000123"),
            ("02-Jan", "1-2"),
            ("1-Mrz", "MAR1"),
            ("01.02.", "1-2"),
            ("2026-01-02", "1-2"),
            ("02.01.2026", "1-2"),
            ("01.02.26", "1-2"),
            ("Dez 21", "12-2021"),
            ("3/1/2026", "2026-03-01"),
            ("Sep 02", "SEPT2"),
            // Zeros behind a decimal point, separators of thousands, signs, exponents written out.
            ("1.1", "1.10"),
            ("1,5", "1,50"),
            ("1,000", "1000"),
            ("1.000.000", "1000000"),
            ("1'234", "01234"),
            ("1\u{a0}000", "1000"),
            ("4930123456", "+4930123456"),
            ("100000", "1E5"),
            ("1200000", "12E5"),
            ("1500000", "1.5e+06"),
            // Case folding, and letters of another script that print the same.
            ("STRASSE 1", "Straße 1"),
            ("istanbul", "İstanbul"),
            ("KAPI", "kapı"),
            ("\u{410}-1", "A-1"),
            ("Т\u{435}rm 1", "Term 1"),
            // Months of other languages.
            ("02.sty", "1-2"),
            ("02.янв", "1-2"),
            ("2/out", "10-2"),
            ("1 maj", "1-5"),
            ("02.Şub", "2-2"),
            ("1月2日", "1-2"),
            ("2026年1月2日", "1-2"),
            ("1월 2일", "1-2"),
        ] {
            let near = near(key, &["zzz", live, "another"]);
            assert!(near.respelled, "{key} {live}");
            assert_eq!(near.keys, [live], "{key}");
        }
    }

    #[test]
    fn a_different_key_is_near_but_not_the_same() {
        for (key, live) in [
            ("124", "0123"),
            ("1-11", "11-1"),
            ("1-2", "2-1"),
            ("1-2-3", "1-2"),
            ("door-2", "door-1"),
            ("1.5", "1.05"),
            ("1.1", "1.11"),
            ("1.2.1", "1.2.10"),
            ("1,000", "10000"),
            ("1,00,000", "10000"),
            ("100001", "1E5"),
            ("l0bby", "lobby"),
            ("1234567890123450", "1234567890123556"),
            ("1234567890123456", "1234567890123450"),
            ("1.23E+11", "124456789012"),
            ("door-2001", "door-1001"),
            ("10", "1"),
            ("mars 1", "venus 1"),
            ("-", "_"),
        ] {
            let near = near(key, &["something else", live]);
            assert!(!near.respelled, "{key} {live}");
            assert_eq!(near.keys[0], live, "{key}");
        }
    }

    proptest! {
        #[test]
        fn any_key_is_respelled_by_itself_and_none_panics(key in ".{1,20}", other in ".{0,20}") {
            let found = near(&key, &[&key]);
            prop_assert!(found.respelled || fold(&key).is_empty());
            near(&key, &[&other]);
            prop_assert_eq!(fold(&fold(&key)).is_empty(), fold(&key).is_empty());
        }
    }
}
