//! How long a server asks to wait: pure, bounded, and never surprised by what a header may hold.

use std::time::{Duration, UNIX_EPOCH};

use orgwave_core::timestamp::Timestamp;

/// What is less counts as this.
const LEAST: Duration = Duration::from_secs(1);

/// What is more counts as absent: no limiter means it, and a clock or a unit that is wrong gives such values.
const MOST: Duration = Duration::from_secs(24 * 60 * 60);

/// Whole numbers in this range are seconds since the Unix epoch: as a wait they would be over 30 years.
const EPOCH: std::ops::RangeInclusive<u64> = 1_000_000_000..=100_000_000_000;

/// Header values longer than this are no numbers and no dates.
const MAX_LEN: usize = 256;

/// The wait that these `Retry-After` values ask for: the largest, if several do. Seconds, with a fraction too, seconds
/// since the epoch, HTTP-dates and RFC 3339 count; everything else is as if it weren't there. `now` is the time by the
/// server's clock, from which its dates are reckoned.
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
}

/// A proxy may have joined several values with commas, and a date has a comma of its own.
fn largest(value: &str, now: &impl Fn() -> Timestamp) -> Option<Duration> {
    let parts: Vec<&str> = value.split(',').collect();
    let single = parts.iter().filter_map(|part| {
        let part = part.trim();
        seconds(part, now).or_else(|| moment(part).map(|moment| moment.since(now())))
    });
    let dates = parts.windows(2).filter_map(|pair| {
        moment(&format!("{},{}", pair[0].trim(), pair[1])).map(|moment| moment.since(now()))
    });
    single.chain(dates).filter(|wait| *wait <= MOST).max().map(|wait| wait.max(LEAST))
}

/// A number of seconds, a fraction rounded up.
fn seconds(text: &str, now: &impl Fn() -> Timestamp) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    if !text.contains('.') && EPOCH.contains(&whole) {
        let millis = i64::try_from(whole).ok()? * 1000;
        return Some(Timestamp::from_millis(millis).since(now()));
    }
    let more = u64::from(fraction.bytes().any(|byte| byte != b'0'));
    Some(Duration::from_secs(whole.saturating_add(more)))
}

/// An HTTP-date or a time in RFC 3339.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let Ok(date) = httpdate::parse_http_date(text) else { return text.parse().ok() };
    let millis = date.duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(Timestamp::from_millis(i64::try_from(millis).ok()?))
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
    fn retry_after_may_be_whole_seconds() {
        assert_eq!(wait(&["3"]), Some(3_000));
        assert_eq!(wait(&[" 3 "]), Some(3_000));
        assert_eq!(wait(&["007"]), Some(7_000));
    }

    #[test]
    fn fractions_are_rounded_up() {
        for (value, millis) in
            [("299.997", 300_000), ("1.5", 2_000), ("2.000", 2_000), ("0.2", 1_000), ("0.0", 1_000)]
        {
            assert_eq!(wait(&[value]), Some(millis), "{value}");
        }
    }

    #[test]
    fn seconds_since_the_epoch_are_a_moment() {
        // A quarter of a minute, and half a second, ahead.
        assert_eq!(wait(&["784111792"]), None, "before 2001 it is a wait, and too long a one");
        let now = Timestamp::from_millis(1_795_505_432_500);
        let wait = |value: &str| retry_after([value.as_bytes()], || now).map(|wait| wait.as_millis());
        assert_eq!(wait("1795505447"), Some(14_500));
        assert_eq!(wait("1795505400"), Some(1_000), "past");
        assert_eq!(wait("1795595447"), None, "more than a day ahead");
        assert_eq!(wait("1795505447.5"), None, "not a whole number");
        assert_eq!(wait("1795505447000"), None, "milliseconds are not among the forms");
    }

    #[test]
    fn retry_after_may_be_a_time_in_rfc_3339() {
        assert_eq!(wait(&["1994-11-06T08:49:40Z"]), Some(3_500));
        assert_eq!(wait(&["1994-11-06T08:49:40.250Z"]), Some(3_750));
        assert_eq!(wait(&["1994-11-06T09:49:40+01:00"]), Some(3_500));
        assert_eq!(wait(&["1994-11-06T08:49:00Z"]), Some(1_000), "past");
        assert_eq!(wait(&["1994-11-06"]), None);
        assert_eq!(wait(&["1994-11-06T08:49:40"]), None, "of which zone?");
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
            "1.5.0",
            ".5",
            "5.",
            "-0.5",
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
    fn the_largest_of_several_retry_afters_counts() {
        assert_eq!(wait(&["3", "5"]), Some(5_000));
        assert_eq!(wait(&["5", "3", "abc"]), Some(5_000));
        assert_eq!(wait(&["3, 5"]), Some(5_000));
        assert_eq!(wait(&["1, Sun, 06 Nov 1994 08:49:40 GMT, 2"]), Some(3_500));
    }

    #[test]
    fn over_a_day_counts_as_absent() {
        assert_eq!(wait(&["86400"]), Some(86_400_000));
        for value in ["86401", "86400.1", "18446744073709551615", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(wait(&[value]), None, "{value}");
            assert_eq!(wait(&[value, "7"]), Some(7_000), "{value}");
            assert_eq!(wait(&[&format!("{value}, 7")]), Some(7_000), "{value}");
        }
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
