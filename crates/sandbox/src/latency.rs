//! A latency, which is a duration or a range of them: `50ms`, `20ms..80ms`.

use std::str::FromStr;
use std::time::Duration;

use orgwave_core::policy::Span;
use serde::Deserialize;

use crate::dice::Dice;

/// How long every call takes before it is answered: from, to (inclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Latency {
    from: Duration,
    to: Duration,
}

impl Latency {
    /// The latency of one request; the same for the same seed and request.
    pub(crate) fn of(self, seed: u64, request: u64) -> Duration {
        let span = u64::try_from(self.to.saturating_sub(self.from).as_micros()).unwrap_or(u64::MAX - 1);
        let mut dice = Dice::new(seed, &[b"latency", &request.to_le_bytes()]);
        self.from + Duration::from_micros(dice.below(span + 1))
    }
}

impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (from, to) = (from.parse::<Span>()?.get(), to.parse::<Span>()?.get());
        if from > to {
            return Err(format!("{text:?} ends before it begins"));
        }
        Ok(Self { from, to })
    }
}

impl TryFrom<String> for Latency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stays_within_its_bounds() {
        let latency: Latency = "20ms..80ms".parse().unwrap();
        let drawn: Vec<Duration> = (0..200).map(|request| latency.of(1, request)).collect();
        assert!(drawn.iter().all(|d| (20..=80).contains(&d.as_millis())));
        assert!(drawn.iter().any(|d| *d != drawn[0]));
        assert_eq!("3s".parse::<Latency>().unwrap().of(1, 1), Duration::from_secs(3));
        for wrong in ["80ms..20ms", "", "3", "1ms..", "ms"] {
            assert!(wrong.parse::<Latency>().is_err(), "{wrong:?}");
        }
    }
}
