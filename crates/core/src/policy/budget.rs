//! How many orgs may fail before a run stops.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Percent;

/// `--max-failures`: a share of the orgs finished in the current wave, or a number over the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureBudget {
    /// More than this many in the run stop it.
    Orgs(u64),
    /// More than this share of the orgs finished in the current wave stops the run: judged at the wave's end
    /// and, from the 20th finished org, within it. Once a canary has proven the rollout, so do only more than
    /// [three](Self::FLOOR) orgs; 0% stops at the first. 100% never stops.
    Share(Percent),
}

impl FailureBudget {
    /// From how many finished orgs a share is judged within a wave: before, one org is too large a share.
    const JUDGED_FROM: u64 = 20;

    /// How many orgs of a wave may fail whatever share they are of it: in a small wave one org is a large share, and
    /// what one org refuses says nothing of the others.
    pub const FLOOR: u64 = 3;

    /// Whether the budget is spent. `wave_over` says that the current wave has ended, `proven` that a canary was
    /// written well.
    pub const fn is_spent(
        self,
        failed_in_run: u64,
        failed_in_wave: u64,
        finished_in_wave: u64,
        wave_over: bool,
        proven: bool,
    ) -> bool {
        match self {
            Self::Orgs(most) => failed_in_run > most,
            Self::Share(share) => {
                (wave_over || finished_in_wave >= Self::JUDGED_FROM)
                    && share.is_exceeded_by(failed_in_wave, finished_in_wave)
                    && (!proven || failed_in_wave > Self::FLOOR || share.is_zero())
            }
        }
    }
}

impl Default for FailureBudget {
    /// `10%`.
    fn default() -> Self {
        Self::Share(Percent::of(10))
    }
}

impl FromStr for FailureBudget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.ends_with('%') {
            return text
                .parse()
                .map(Self::Share)
                .map_err(|error: super::ParsePercentError| error.to_string());
        }
        text.parse()
            .map(Self::Orgs)
            .map_err(|_| format!("{text:?} is neither a number of orgs nor a percentage like `10%`"))
    }
}

impl fmt::Display for FailureBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orgs(most) => write!(f, "{most}"),
            Self::Share(share) => write!(f, "{share}"),
        }
    }
}

impl Serialize for FailureBudget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FailureBudget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_judged_late_within_a_wave_and_always_at_its_end() {
        let tenth: FailureBudget = "10%".parse().unwrap();
        assert!(!tenth.is_spent(5, 5, 19, false, true));
        assert!(tenth.is_spent(5, 5, 20, false, true));
        assert!(!tenth.is_spent(2, 2, 20, false, true));
        assert!(tenth.is_spent(1, 1, 1, true, false));
        assert!(!tenth.is_spent(0, 0, 1, true, false));
    }

    #[test]
    fn a_number_counts_over_the_run_and_zero_stops_at_the_first() {
        let three: FailureBudget = "3".parse().unwrap();
        assert!(!three.is_spent(3, 0, 0, false, true));
        assert!(three.is_spent(4, 0, 0, false, true));
        assert!("0".parse::<FailureBudget>().unwrap().is_spent(1, 1, 1, false, true));
    }

    #[test]
    fn after_a_canary_a_share_is_of_three_orgs_at_least() {
        let tenth: FailureBudget = "10%".parse().unwrap();
        assert!(!tenth.is_spent(3, 3, 5, true, true));
        assert!(tenth.is_spent(4, 4, 5, true, true));
        assert!(tenth.is_spent(1, 1, 5, true, false), "without one it is the share alone");
        assert!("0%".parse::<FailureBudget>().unwrap().is_spent(1, 1, 5, true, true));
    }

    #[test]
    fn a_budget_of_all_orgs_never_stops_a_run() {
        assert!(!"100%".parse::<FailureBudget>().unwrap().is_spent(9, 9, 9, true, false));
    }
}
