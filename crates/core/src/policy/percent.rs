//! A share of a whole, in hundredths of a percent.

use std::fmt;
use std::str::FromStr;

/// From 0 to 100 percent, with up to two decimals: `5%`, `12.5%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u32);

/// A text that is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a percentage is a number from 0 to 100 with at most two decimals and `%`, like `5%`")]
pub struct ParsePercentError;

impl Percent {
    /// All of it.
    pub const WHOLE: Self = Self(10_000);

    /// A whole number of percent, 100 at most.
    pub const fn of(percent: u32) -> Self {
        assert!(percent <= 100, "a share is at most the whole");
        Self(percent * 100)
    }

    /// This share of this many, rounded up.
    pub const fn of_rounded_up(self, total: u64) -> u64 {
        (total * self.0 as u64).div_ceil(10_000)
    }

    /// Whether it is nothing at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether a number that is drawn evenly from all is in this share of them.
    pub const fn takes(self, drawn: u64) -> bool {
        drawn % 10_000 < self.0 as u64
    }

    /// Whether `part` of `total` is more than this share.
    pub const fn is_exceeded_by(self, part: u64, total: u64) -> bool {
        part * 10_000 > total * self.0 as u64
    }
}

impl FromStr for Percent {
    type Err = ParsePercentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').ok_or(ParsePercentError)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > 3 || decimals.len() > 2 {
            return Err(ParsePercentError);
        }
        let hundredths: u32 = format!("{decimals:0<2}").parse().map_err(|_| ParsePercentError)?;
        let value = whole.parse::<u32>().map_err(|_| ParsePercentError)? * 100 + hundredths;
        if value > Self::WHOLE.0 { Err(ParsePercentError) } else { Ok(Self(value)) }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match (hundredths, hundredths % 10) {
            (0, _) => write!(f, "{whole}%"),
            (_, 0) => write!(f, "{whole}.{}%", hundredths / 10),
            _ => write!(f, "{whole}.{hundredths:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_parsed_or_refused() {
        for text in ["0%", "5%", "12.5%", "0.01%", "99.99%", "100%"] {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), text);
        }
        for text in ["", "%", "5", "101%", "-1%", "1.234%", "100.01%", "1e2%", " 5%", ".5%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn shares_round_up() {
        assert_eq!(Percent::of(5).of_rounded_up(300), 15);
        assert_eq!(Percent::of(5).of_rounded_up(1), 1);
        assert_eq!(Percent::of(0).of_rounded_up(9), 0);
        assert!(Percent::of(10).is_exceeded_by(3, 20));
        assert!(!Percent::of(10).is_exceeded_by(2, 20));
    }
}
