//! The sizes of waves: `1,5%,25%,rest`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Percent;

/// How many orgs a wave takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveSize {
    /// This many.
    Orgs(u64),
    /// This share of all orgs to be written, rounded up.
    Share(Percent),
    /// All that are left.
    Rest,
}

/// The sizes of all waves, in their order; the last takes all that are left, said or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waves(Vec<WaveSize>);

/// A text that gives no sizes of waves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseWavesError {
    /// A part is no size.
    #[error(
        "not a valid wave size {0:?}: expected a number of orgs from 1, a percentage like `5%`, or `rest`"
    )]
    Size(String),
    /// `rest` is before another size.
    #[error("`rest` takes all remaining orgs, so it must be last")]
    RestNotLast,
}

impl Waves {
    /// Splits this many orgs into waves: the number of orgs of each, none of them zero.
    pub fn split(&self, total: u64) -> Vec<u64> {
        let mut left = total;
        let mut waves = Vec::with_capacity(self.0.len() + 1);
        for size in self.0.iter().chain([&WaveSize::Rest]) {
            let orgs = match size {
                WaveSize::Orgs(orgs) => *orgs,
                WaveSize::Share(share) => share.of_rounded_up(total),
                WaveSize::Rest => left,
            }
            .min(left);
            if orgs > 0 {
                waves.push(orgs);
                left -= orgs;
            }
        }
        waves
    }

    /// Whether there is a wave before the last, to learn from: `rest` alone has no canary.
    pub fn has_canary(&self) -> bool {
        !matches!(self.0.as_slice(), [] | [WaveSize::Rest])
    }
}

impl Default for Waves {
    /// `1,5%,25%,rest`.
    fn default() -> Self {
        Self(vec![
            WaveSize::Orgs(1),
            WaveSize::Share(Percent::of(5)),
            WaveSize::Share(Percent::of(25)),
            WaveSize::Rest,
        ])
    }
}

impl FromStr for WaveSize {
    type Err = ParseWavesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let size = match text {
            "rest" => Some(Self::Rest),
            _ if text.ends_with('%') => {
                text.parse().ok().filter(|share| *share > Percent::of(0)).map(Self::Share)
            }
            _ => text.parse().ok().filter(|orgs| *orgs > 0).map(Self::Orgs),
        };
        size.ok_or_else(|| ParseWavesError::Size(text.to_owned()))
    }
}

impl FromStr for Waves {
    type Err = ParseWavesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sizes = text.split(',').map(|part| part.trim().parse()).collect::<Result<Vec<_>, _>>()?;
        match sizes.iter().position(|size| *size == WaveSize::Rest) {
            Some(place) if place + 1 < sizes.len() => Err(ParseWavesError::RestNotLast),
            _ => Ok(Self(sizes)),
        }
    }
}

impl fmt::Display for WaveSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orgs(orgs) => write!(f, "{orgs}"),
            Self::Share(share) => write!(f, "{share}"),
            Self::Rest => f.write_str("rest"),
        }
    }
}

impl fmt::Display for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, size) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{size}")?;
        }
        Ok(())
    }
}

impl Serialize for Waves {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Waves {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waves_split_orgs_by_counts_and_shares() {
        let split = |text: &str, total| text.parse::<Waves>().unwrap().split(total);
        assert_eq!(split("1,5%,25%,rest", 300), [1, 15, 75, 209]);
        assert_eq!(split("1,5%,25%,rest", 2), [1, 1]);
        assert_eq!(split("1,5%,25%,rest", 0), [0; 0]);
        assert_eq!(split("1,10%,rest", 20), [1, 2, 17]);
        assert_eq!(split("5", 7), [5, 2]);
        assert_eq!(split("rest", 7), [7]);
    }

    #[test]
    fn rest_alone_has_no_canary() {
        assert!(!"rest".parse::<Waves>().unwrap().has_canary());
        assert!("1".parse::<Waves>().unwrap().has_canary());
    }

    #[test]
    fn waves_that_cannot_be_are_refused() {
        for text in ["", "0", "0%", "rest,1", "1,,2", "x", "101%", "-1"] {
            assert!(text.parse::<Waves>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_org_is_in_one_wave(sizes in "([1-9][0-9]{0,2}|[1-9][0-9]?%)(,([1-9][0-9]{0,2}|[1-9][0-9]?%)){0,4}(,rest)?", total in 0u64..5000) {
            let waves: Waves = sizes.parse().unwrap();
            prop_assert_eq!(waves.to_string(), sizes);
            let split = waves.split(total);
            prop_assert_eq!(split.iter().sum::<u64>(), total);
            prop_assert!(split.iter().all(|orgs| *orgs > 0));
        }
    }
}
