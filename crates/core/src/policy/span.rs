//! A length of time, as people write it: `500ms`, `3s`, `2m`, `1h`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time, up to ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const LONGEST_MILLIS: u64 = 3_650 * 86_400_000;

impl Span {
    /// This length.
    pub const fn new(duration: Duration) -> Self {
        Self(duration)
    }

    /// As the standard library has it.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || {
            format!(
                "not a valid duration {text:?}: expected a whole number and a unit, like `500ms`, `3s`, `2m`, `1h` or `7d`"
            )
        };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        let total =
            number.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis)).ok_or_else(error)?;
        if total > LONGEST_MILLIS { Err(error()) } else { Ok(Self(Duration::from_millis(total))) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let (name, unit) = UNITS
            .iter()
            .find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit))
            .unwrap_or(&("s", 1_000));
        write!(f, "{}{name}", millis / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_parsed_or_refused() {
        for text in ["500ms", "3s", "2m", "1h", "7d", "0s", "1500ms"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["", "3", "s", "-3s", "3 s", "1.5s", "3sec", "99999999999999999999s", "4000d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
