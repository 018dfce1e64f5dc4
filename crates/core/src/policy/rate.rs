//! How many calls a second: `8/s`, `auto`, `unlimited`.

use std::fmt;
use std::str::FromStr;

/// A limit on calls a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Found by trying, from [8 a second](Rate::FIRST).
    Auto,
    /// A ceiling over any second.
    PerSecond(PerSecond),
    /// None; only what the vendor asks for is kept.
    Unlimited,
}

impl Rate {
    /// Where `auto` begins when nothing was learned: calls a second.
    pub const FIRST: f64 = 8.0;
}

/// Calls a second, from one in 1,000 seconds to a million.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct PerSecond(f64);

impl PerSecond {
    /// This many calls a second, brought into the range of what can be paced.
    pub const fn clamped(rate: f64) -> Self {
        Self(rate.clamp(0.001, 1e6))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// How many calls may come at once: 1 + floor(N/50), so that a late timer loses no slot.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to 20,001 by the range"
    )]
    pub fn burst(self) -> u32 {
        1 + (self.0 / 50.0).floor() as u32
    }

    /// How many calls a second the bucket is refilled by, such that burst and refill together stay under the
    /// ceiling over any second. Two in a hundred are held back: requests are counted where they arrive, and a
    /// connection that is set up late brings two of them closer together than they were sent.
    pub fn refill(self) -> f64 {
        (self.0 - f64::from(self.burst()) + 1.0) * 0.98
    }
}

impl FromStr for PerSecond {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix("/s").filter(|number| {
            number.starts_with(|c: char| c.is_ascii_digit())
                && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        });
        match number.and_then(|number| number.parse::<f64>().ok()) {
            Some(rate) if (0.001..=1e6).contains(&rate) => Ok(Self(rate)),
            _ => Err(format!(
                "not a valid rate {text:?}: expected a number from 0.001 to 1000000 and `/s`, like `8/s`"
            )),
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "unlimited" => Ok(Self::Unlimited),
            _ => text
                .parse()
                .map(Self::PerSecond)
                .map_err(|error: String| format!("{error}, or `auto`, or `unlimited`")),
        }
    }
}

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::PerSecond(rate) => write!(f, "{rate}"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_parsed_or_refused() {
        for text in ["auto", "unlimited", "8/s", "0.5/s", "500/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["", "8", "/s", "0/s", "-1/s", "8/m", "1e3/s", "inf/s", "NaN/s", "2000000/s", " 8/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_full_bucket_and_a_second_of_refill_stay_under_the_ceiling() {
        for rate in [0.5, 1.0, 2.0, 8.0, 49.0, 50.0, 51.0, 100.0, 500.0, 12_345.0] {
            let limit = PerSecond::clamped(rate);
            // In a half-open second: the whole bucket at its start, then a call at each whole slot before its end.
            let slots = (limit.refill() - 1e-9).floor().max(0.0);
            assert!(f64::from(limit.burst()) + slots <= rate.max(1.0), "{rate}");
            assert!(limit.refill() >= rate * 0.96 - 0.02, "{rate} is paced too slowly");
        }
    }
}
