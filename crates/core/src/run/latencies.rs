//! How long calls took, in little room: a histogram whose places grow with what they hold, so that what is read off it
//! is right to 3 %, whether it is a millisecond or a minute.
//!
//! Times are counted in units of 1/1024 ms. The first 32 places are a unit wide; behind them each power of two is cut
//! into 32 places. A power of two of milliseconds is therefore the end of a place. Only places that hold something are
//! kept: a run has some dozens of them, and never more than 896.
//!
//! What is absent: the times themselves. A percentile is reported as the end of its place, so never too short.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Places that a power of two is cut into.
const CUTS: u16 = 32;
/// Units in a millisecond.
const UNITS: u64 = 1024;
/// The last place: longer times, beyond 70 minutes, are put there too.
const LAST: u16 = 28 * CUTS - 1;

/// How long calls took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(u16, u64)>", into = "Vec<(u16, u64)>")]
pub struct Latencies {
    /// Places that hold something, in order, with how many calls each holds.
    places: Vec<(u16, u64)>,
}

impl Latencies {
    /// Of no call.
    pub const fn new() -> Self {
        Self { places: Vec::new() }
    }

    /// Takes a call in.
    pub fn add(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.put(place(micros.saturating_mul(128) / 125), 1);
    }

    /// Takes in what another one holds.
    pub fn add_all(&mut self, other: &Self) {
        for (place, calls) in &other.places {
            self.put(*place, *calls);
        }
    }

    fn put(&mut self, place: u16, calls: u64) {
        let place = place.min(LAST);
        match self.places.binary_search_by_key(&place, |(place, _)| *place) {
            Ok(at) => self.places[at].1 += calls,
            Err(at) => self.places.insert(at, (place, calls)),
        }
    }

    /// Whether it holds no call.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The time in ms within which at least this share of the calls ended; `None` without calls.
    pub fn within(&self, percent: u64) -> Option<f64> {
        let total: u64 = self.places.iter().map(|(_, calls)| calls).sum();
        let wanted = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let (place, _) = self.places.iter().find(|(_, calls)| {
            seen += calls;
            seen >= wanted
        })?;
        #[expect(clippy::cast_precision_loss, reason = "the end of the last place has 33 bits")]
        Some(end(*place) as f64 / UNITS as f64)
    }

    /// How many calls took less than 2^i ms and no less than the one before, from i = 0; the last of the `N` counts
    /// the rest.
    pub fn by_powers<const N: usize>(&self) -> [u64; N] {
        let mut powers = [0; N];
        for (place, calls) in &self.places {
            let power = end(*place).div_ceil(UNITS).next_power_of_two().trailing_zeros() as usize;
            powers[power.min(N - 1)] += calls;
        }
        powers
    }
}

impl From<Vec<(u16, u64)>> for Latencies {
    fn from(places: Vec<(u16, u64)>) -> Self {
        let mut latencies = Self::new();
        for (place, calls) in places {
            latencies.put(place, calls);
        }
        latencies
    }
}

impl From<Latencies> for Vec<(u16, u64)> {
    fn from(latencies: Latencies) -> Self {
        latencies.places
    }
}

/// The place of a time in units; beyond the last, where it is too long.
fn place(units: u64) -> u16 {
    let cuts = u64::from(CUTS);
    // How many powers of two beyond the first 32 units.
    let power = (units / cuts).checked_ilog2().unwrap_or(0);
    let within = units >> power;
    u16::try_from(u64::from(power) * cuts + within).unwrap_or(LAST)
}

/// The end of a place, in units: what is in it is shorter.
const fn end(place: u16) -> u64 {
    let power = (place / CUTS).saturating_sub(1);
    let within = place - power * CUTS;
    (within as u64 + 1) << power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(micros: &[u64]) -> Latencies {
        let mut latencies = Latencies::new();
        for micros in micros {
            latencies.add(Duration::from_micros(*micros));
        }
        latencies
    }

    #[test]
    fn places_follow_each_other_without_gap_or_overlap() {
        let mut from = 0;
        for at in 0..=LAST {
            assert!(end(at) > from, "{at}");
            assert_eq!((place(from), place(end(at) - 1)), (at, at), "from {from} units");
            from = end(at);
        }
        assert_eq!(of(&[u64::MAX]).places, [(LAST, 1)]);
    }

    #[test]
    fn powers_of_two_of_milliseconds_are_ends_of_places() {
        let powers: [u64; 4] = of(&[0, 900, 1_001, 1_999, 2_001, 3_990, 4_001, 90_000]).by_powers();
        assert_eq!(powers, [2, 2, 2, 2]);
    }

    #[test]
    fn without_calls_nothing_is_said() {
        assert_eq!(Latencies::new().within(50), None);
        assert!(Latencies::new().is_empty());
    }

    #[test]
    fn what_is_read_back_is_the_same_and_strange_places_do_no_harm() {
        let latencies = of(&[5, 70_000, 70_000, 9_000_000]);
        let json = serde_json::to_string(&latencies).unwrap();
        assert_eq!(serde_json::from_str::<Latencies>(&json).unwrap(), latencies);
        let strange: Latencies = serde_json::from_str("[[65535,1],[3,2],[3,1]]").unwrap();
        assert_eq!(strange.places, [(3, 3), (LAST, 1)]);
        assert!(strange.within(100).is_some());
    }

    proptest! {
        /// Held against the sorted times themselves.
        #[test]
        fn percentiles_are_right_to_three_percent_and_never_too_short(
            mut micros in prop::collection::vec(prop_oneof![0..2_000_u64, 0..3_600_000_000_u64], 1..200),
            percent in 1..=100_u64,
        ) {
            let (first, rest) = micros.split_at(micros.len() / 2);
            let mut latencies = of(first);
            latencies.add_all(&of(rest));
            micros.sort_unstable();
            let place = (micros.len() as u64 * percent).div_ceil(100).max(1) - 1;
            let exact = Duration::from_micros(micros[usize::try_from(place).unwrap()]).as_secs_f64() * 1_000.0;
            let reported = latencies.within(percent).unwrap();
            prop_assert!(reported >= exact && reported <= exact * 1.032 + 0.002, "{reported} for {exact}");
        }
    }
}
