//! How long a server asks to wait: pure, capped, and never surprised by what a header may hold.

use std::time::{Duration, UNIX_EPOCH};

use orgwave_core::timestamp::Timestamp;

/// What is less counts as this.
const LEAST: Duration = Duration::from_secs(1);

/// What is more counts as this. Whoever asks for it is not waited for anyway, and sums of it stay sums.
const MOST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Header values longer than this are no numbers and no dates.
const MAX_LEN: usize = 256;

/// The wait that these `Retry-After` values ask for: the largest, if several do. Whole seconds and HTTP-dates
/// count; everything else is as if it weren't there.
pub(crate) fn retry_after<'a>(
    values: impl IntoIterator<Item = &'a [u8]>,
    now: impl Fn() -> Timestamp,
) -> Option<Duration> {
    values
        .into_iter()
        .filter(|value| value.len() <= MAX_LEN)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .filter_map(|value| largest(value, &now))
        .max()
        .map(|wait| wait.clamp(LEAST, MOST))
}

/// A proxy may have joined several values with commas, and a date has a comma of its own.
fn largest(value: &str, now: &impl Fn() -> Timestamp) -> Option<Duration> {
    let parts: Vec<&str> = value.split(',').collect();
    let numbers = parts.iter().filter_map(|part| seconds(part.trim()));
    let short_dates = parts.iter().filter_map(|part| date(part.trim(), now));
    let dates = parts.windows(2).filter_map(|pair| date(&format!("{},{}", pair[0].trim(), pair[1]), now));
    numbers.chain(short_dates).chain(dates).max()
}

fn seconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok().map(Duration::from_secs) } else { None }
}

fn date(text: &str, now: &impl Fn() -> Timestamp) -> Option<Duration> {
    let date = httpdate::parse_http_date(text.trim_end()).ok()?;
    let millis = date.duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(Timestamp::from_millis(i64::try_from(millis).ok()?).since(now()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, less half a second.
    const NOW: Timestamp = Timestamp::from_millis(784_111_776_500);

    fn wait(values: &[&str]) -> Option<u64> {
        let wait = retry_after(values.iter().map(|value| value.as_bytes()), || NOW)?;
        Some(u64::try_from(wait.as_millis()).unwrap())
    }

    #[test]
    fn whole_seconds() {
        assert_eq!(wait(&["3"]), Some(3_000));
        assert_eq!(wait(&[" 3 "]), Some(3_000));
        assert_eq!(wait(&["007"]), Some(7_000));
    }

    #[test]
    fn under_a_second_is_a_second() {
        assert_eq!(wait(&["0"]), Some(1_000));
        assert_eq!(wait(&["Sun, 06 Nov 1994 08:49:37 GMT"]), Some(1_000), "half a second ahead");
        assert_eq!(wait(&["Sat, 05 Nov 1994 08:49:37 GMT"]), Some(1_000), "a day ago");
    }

    #[test]
    fn dates_in_all_three_forms_of_http() {
        assert_eq!(wait(&["Sun, 06 Nov 1994 08:49:40 GMT"]), Some(3_500));
        assert_eq!(wait(&["Sunday, 06-Nov-94 08:49:40 GMT"]), Some(3_500));
        assert_eq!(wait(&["Sun Nov  6 08:49:40 1994"]), Some(3_500));
    }

    #[test]
    fn what_is_neither_counts_as_absent() {
        for value in [
            "",
            " ",
            "abc",
            "-1",
            "+1",
            "1e20",
            "1.5",
            "0x10",
            "3s",
            "99999999999999999999",
            "١",
            "\u{3000}3x",
            "Sun, 06 Nov 1994",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "tomorrow",
            "3;4",
        ] {
            assert_eq!(wait(&[value]), None, "{value:?}");
        }
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[&"1".repeat(1_000_000)]), None);
        assert_eq!(retry_after([b"\xff3".as_slice()], || NOW), None);
    }

    #[test]
    fn of_several_the_largest() {
        assert_eq!(wait(&["3", "5"]), Some(5_000));
        assert_eq!(wait(&["5", "3", "abc"]), Some(5_000));
        assert_eq!(wait(&["3, 5"]), Some(5_000));
        assert_eq!(wait(&["1, Sun, 06 Nov 1994 08:49:40 GMT, 2"]), Some(3_500));
    }

    #[test]
    fn the_longest_wait_is_capped() {
        assert_eq!(wait(&["18446744073709551615"]), Some(2_592_000_000));
        assert_eq!(wait(&["Fri, 31 Dec 9999 23:59:59 GMT"]), Some(2_592_000_000));
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_in_bounds(values: Vec<Vec<u8>>, now: i64) {
            let wait = retry_after(values.iter().map(Vec::as_slice), || Timestamp::from_millis(now));
            prop_assert!(wait.is_none_or(|wait| (LEAST..=MOST).contains(&wait)));
        }

        #[test]
        fn texts_near_the_truth_neither(text in "[ ,0-9SunMoGT:.+e-]{0,40}", now: i64) {
            let wait = retry_after([text.as_bytes()], || Timestamp::from_millis(now));
            prop_assert!(wait.is_none_or(|wait| (LEAST..=MOST).contains(&wait)));
        }
    }
}
