//! For how long a rate that was measured is worth something to a later process.
//!
//! Kept per key and endpoint, by the binary; this only says whether to believe it.

use std::time::Duration;

use orgwave_core::timestamp::Timestamp;

/// A vendor changes limits without a word: after so long, it is found anew.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// The rate that was measured at that time, if it is still to be believed now. One from the future or out of any
/// range isn't: a clock was set, or a file edited.
pub fn still_good(rate: f64, measured_at: Timestamp, now: Timestamp) -> Option<f64> {
    let is_fresh = measured_at.as_millis() <= now.as_millis() && now.since(measured_at) <= FORGET_AFTER;
    (is_fresh && (0.1..=100_000.0).contains(&rate)).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_odd_and_future_rates_are_forgotten() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let days_ago = |days: i64| Timestamp::from_millis(now.as_millis() - days * 24 * 3_600_000);
        assert_eq!(still_good(20.0, days_ago(29), now), Some(20.0));
        assert_eq!(still_good(20.0, days_ago(31), now), None);
        assert_eq!(still_good(20.0, days_ago(-1), now), None);
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(still_good(odd, days_ago(1), now), None);
        }
    }
}
