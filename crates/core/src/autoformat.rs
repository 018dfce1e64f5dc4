//! What a spreadsheet takes for a number, a date or a truth value as soon as it opens a CSV, and then writes
//! back in its own way: `007` comes back as `7`, `1/2` as `01/02/26`, `1E5` as `100000`.
//!
//! Which texts these are differs from one spreadsheet, language and version to the next, so this errs on the
//! side of more. It says nothing of formulas: those are the guard's business.

/// How months begin, in the languages of western Europe. Numbers beside them make a date.
const MONTHS: [&str; 30] = [
    "jan", "gen", "ene", "feb", "fev", "fév", "mar", "mär", "mrt", "apr", "abr", "avr", "may", "mai", "maj",
    "mag", "mei", "jun", "jui", "giu", "jul", "lug", "aug", "aoû", "ago", "sep", "set", "oct", "okt", "ott",
];
const LATE_MONTHS: [&str; 6] = ["out", "nov", "dec", "déc", "dez", "dic"];

/// Numbers of more digits lose the last ones.
const DIGITS: usize = 15;

/// Whether a text might come back from a spreadsheet as another one.
pub fn is_reformatted(text: &str) -> bool {
    let text = text.trim();
    if is_whole_number(text) {
        return false;
    }
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return true;
    }
    if !text.contains(char::is_numeric) {
        return false;
    }
    let begins_with_a_word = text.starts_with(char::is_alphabetic);
    let mut words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.all(|word| is_month(word) || (!begins_with_a_word && word.chars().count() <= 3))
}

/// As a spreadsheet would write it itself: it comes back as it is.
fn is_whole_number(text: &str) -> bool {
    text.len() <= DIGITS
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}

fn is_month(word: &str) -> bool {
    let start: String = word.chars().take(3).flat_map(char::to_lowercase).collect();
    MONTHS.iter().chain(&LATE_MONTHS).any(|month| *month == start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_dates_times_and_truth_are() {
        for text in [
            "007",
            "00",
            "1E5",
            "1e5",
            "1.20",
            ".5",
            "1,5",
            "50%",
            "$5",
            "5 €",
            "1 000",
            "-5",
            "+5",
            "1-2",
            "1/2",
            "3/4/26",
            "2026-11-24",
            "10:20",
            "12 AM",
            "Jan 5",
            "5. Mai",
            "Mär 2020",
            "Sept 9",
            "true",
            "FALSE",
            " 007 ",
            "12345678901234567890",
            "１２",
            "½",
            "1.1.1.1",
            "(5)",
        ] {
            assert!(is_reformatted(text), "{text:?}");
        }
    }

    #[test]
    fn names_and_ids_are_not_taken_for_autoformatted() {
        for text in [
            "",
            "Main entrance",
            "Door 3",
            "Dock 12b",
            "1st floor",
            "10 Downing Street",
            "482150",
            "0",
            "Hp7YW6y2ztaa4ssOe7u6yw",
            "07sl3zhEGciSN3l0rsDeuQ",
            "door-1001",
            "north.1",
            "January",
            "-",
            "<null>",
            "truth",
            "3e10aaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(!is_reformatted(text), "{text:?}");
        }
    }
}
