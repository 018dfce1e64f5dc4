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
    !begins_with_a_plain_word(text) && is_reformatted_by_all_words(text)
}

fn is_reformatted_by_all_words(text: &str) -> bool {
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

/// Whether it begins with a word that is neither a month nor a truth value: then it is a text, whatever follows. Most are.
fn begins_with_a_plain_word(text: &str) -> bool {
    let Some(start) = text.as_bytes().first_chunk::<3>().filter(|start| start.is_ascii()) else {
        return false;
    };
    let start = start.map(|byte| byte.to_ascii_lowercase());
    if !start.iter().all(u8::is_ascii_lowercase) {
        // A word of one or two letters.
        return start[0].is_ascii_lowercase();
    }
    !is_start_of_month(start) && start != *b"tru" && start != *b"fal"
}

/// Whether a month begins with these letters.
fn is_start_of_month(start: [u8; 3]) -> bool {
    let is_it = |month: &&str| month.len() == 3 && month.as_bytes().first_chunk() == Some(&start);
    MONTHS.iter().chain(&LATE_MONTHS).any(is_it)
}

/// As a spreadsheet would write it itself: it comes back as it is.
fn is_whole_number(text: &str) -> bool {
    text.len() <= DIGITS
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}

fn is_month(word: &str) -> bool {
    if let Some(start) = word.as_bytes().first_chunk::<3>().filter(|start| start.is_ascii()) {
        return is_start_of_month(start.map(|byte| byte.to_ascii_lowercase()));
    }
    let start: String = word.chars().take(3).flat_map(char::to_lowercase).collect();
    MONTHS.iter().chain(&LATE_MONTHS).any(|month| *month == start)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_words_at_the_beginning_make_a_text(text in "[JANjanTRUtruFALSfalsMäaûoprmx0-9 /.]{0,8}") {
            if begins_with_a_plain_word(&text) {
                let texts = [text.clone(), format!("{text} 5"), format!("{text}5")];
                prop_assert!(!texts.iter().any(|text| is_reformatted_by_all_words(text.trim())), "{text:?}");
            }
        }

        #[test]
        fn months_are_found_whatever_their_case(month in 0usize..36, rest in "[a-z]{0,4}", upper in any::<bool>()) {
            let month = MONTHS.iter().chain(&LATE_MONTHS).nth(month).unwrap();
            let word = format!("{month}{rest}");
            let word = if upper { word.to_uppercase() } else { word };
            prop_assert!(is_month(&word));
        }
    }

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
