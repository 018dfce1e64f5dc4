//! Durations as people write them: `500ms`, `3s`, `2m`; and a latency, which is one or a range: `20ms..80ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no duration: expected a whole number and `ms`, `s` or `m`")]
pub struct ParseDurationError {
    text: String,
}

/// Reads `500ms`, `3s`, `2m`.
pub(crate) fn parse(text: &str) -> Result<Duration, ParseDurationError> {
    let wrong = || ParseDurationError { text: text.to_owned() };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    match &text[digits..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// How long every call takes before it is answered: from, to (inclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Latency {
    from: Duration,
    to: Duration,
}

impl Latency {
    /// Always the same.
    pub const fn fixed(duration: Duration) -> Self {
        Self { from: duration, to: duration }
    }

    /// The latency of one request; the same for the same seed and request.
    pub(crate) fn of(self, seed: u64, request: u64) -> Duration {
        if self.from == self.to {
            return self.from;
        }
        let span = u64::try_from(self.to.saturating_sub(self.from).as_micros()).unwrap_or(u64::MAX - 1);
        let mut dice = Dice::new(seed, &[b"latency", &request.to_le_bytes()]);
        self.from + Duration::from_micros(dice.below(span + 1))
    }
}

impl FromStr for Latency {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (parse(from)?, parse(to)?),
            None => (parse(text)?, parse(text)?),
        };
        if from > to {
            return Err(ParseDurationError { text: text.to_owned() });
        }
        Ok(Self { from, to })
    }
}

impl TryFrom<String> for Latency {
    type Error = ParseDurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> Self {
        latency.to_string()
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(f, "{}ms", self.from.as_millis())
        } else {
            write!(f, "{}ms..{}ms", self.from.as_millis(), self.to.as_millis())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        for wrong in
            ["", "3", "ms", "-1s", "1.5s", "3 s", "99999999999999999999s", "18446744073709551615m", "3é"]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_range_stays_within_its_bounds() {
        let latency: Latency = "20ms..80ms".parse().unwrap();
        let drawn: Vec<Duration> = (0..200).map(|request| latency.of(1, request)).collect();
        assert!(drawn.iter().all(|d| (20..=80).contains(&d.as_millis())));
        assert!(drawn.iter().any(|d| *d != drawn[0]));
        assert_eq!(latency.to_string(), "20ms..80ms");
        assert!("80ms..20ms".parse::<Latency>().is_err());
    }
}
