//! Numbers, times and statuses in words.

use std::time::Duration;

use orgwave_core::plan::Verdict;
use orgwave_core::status::Status;

use super::style::Tone;

/// `1,234`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 org`, `1,234 orgs`.
pub fn orgs(number: u64) -> String {
    several(number, "org", "orgs")
}

/// A number and its noun: `1 entry`, `0 entries`, `1,234 entries`.
pub fn several(number: u64, one: &str, more: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { more })
}

/// `850 ms`, `4.2 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn duration(duration: Duration) -> String {
    let (millis, seconds) = (duration.as_millis(), duration.as_secs());
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `8.0/s`, `1,250/s`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a pace is positive and small")]
pub(crate) fn pace(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.1}/s") } else { format!("{}/s", count(per_second as u64)) }
}

/// The word for a verdict in files and on screen: that of the status it leads to, or `update`.
pub(crate) fn verdict_word(verdict: Verdict) -> &'static str {
    verdict.status().map_or("update", Status::as_str)
}

/// What a status means, for a reader who doesn't know the word.
pub(crate) const fn status_words(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Applied => ("written as planned", Tone::Good),
        Status::AppliedWithWarnings => ("written, with a warning of the vendor", Tone::Warn),
        Status::Unchanged => ("already in sync", Tone::Plain),
        Status::Skipped => ("skipped on request", Tone::Plain),
        Status::Conflict => ("changed by someone else, not written", Tone::Warn),
        Status::Blocked => ("a precondition failed, not written", Tone::Warn),
        Status::Rejected => ("refused by the vendor", Tone::Bad),
        Status::Failed => ("gave up after all attempts, not applied", Tone::Bad),
        Status::Diverged => ("another value is live", Tone::Bad),
        Status::Unknown => ("outcome unknown: the read-back failed", Tone::Bad),
        Status::NotAttempted => ("not started", Tone::Warn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 2000].map(orgs), ["0 orgs", "1 org", "2,000 orgs"]);
        assert_eq!([0.25, 8.0, 1250.0].map(pace), ["0.2/s", "8.0/s", "1,250/s"]);
        let durations = [850, 4_250, 185_000, 7_620_000].map(Duration::from_millis).map(duration);
        assert_eq!(durations, ["850 ms", "4.2 s", "3 min 05 s", "2 h 07 min"]);
    }
}
