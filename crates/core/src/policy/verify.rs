//! Whether what was written is read back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Percent;
use crate::ids::Ruuid;

/// Which accepted writes are read back. The canary's always are; a write in doubt is read whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyPolicy {
    /// Every one.
    All,
    /// Every one, and again at the end of its wave, when another writer may have replaced it.
    Settled,
    /// Those of about this share of the orgs. Which ones, the plan's id and the org's decide: every process of a run
    /// chooses the same, and another plan others.
    Sample(Percent),
    /// None beyond the canary's.
    None,
}

impl VerifyPolicy {
    /// Whether every accepted write is read back.
    pub const fn reads_all(self) -> bool {
        matches!(self, Self::All | Self::Settled)
    }

    /// Whether the accepted writes of an org are read back, in a run of this plan.
    pub fn reads(self, plan_id: &str, org: &Ruuid) -> bool {
        match self {
            Self::All | Self::Settled => true,
            Self::Sample(share) => share.takes(place_of(plan_id, org)),
            Self::None => false,
        }
    }
}

/// A number that is an org's own in a plan, spread evenly: FNV-1a, and the last step of SplitMix64, since FNV alone tells
/// ids that differ in their last bytes apart badly.
fn place_of(plan_id: &str, org: &Ruuid) -> u64 {
    let bytes = plan_id.bytes().chain(*org.as_bytes());
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, mix);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

impl FromStr for VerifyPolicy {
    type Err = String;

    /// A sample of nothing is `none`, and one of all is `all`: a computed share needs no special case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "settled" => Ok(Self::Settled),
            "none" => Ok(Self::None),
            _ => match text.strip_prefix("sample=") {
                Some(share) => match share.parse::<Percent>() {
                    Ok(share) if share.is_zero() => Ok(Self::None),
                    Ok(Percent::WHOLE) => Ok(Self::All),
                    Ok(share) => Ok(Self::Sample(share)),
                    Err(error) => Err(format!("not a valid sample {share:?}: {error}")),
                },
                None => Err(format!(
                    "not a valid verify policy {text:?}: expected all, settled, sample=N% or none"
                )),
            },
        }
    }
}

impl fmt::Display for VerifyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Settled => f.write_str("settled"),
            Self::Sample(share) => write!(f, "sample={share}"),
            Self::None => f.write_str("none"),
        }
    }
}

impl Serialize for VerifyPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifyPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> VerifyPolicy {
        text.parse().expect("a policy")
    }

    fn org(number: u32) -> Ruuid {
        let mut bytes = [7; 16];
        bytes[12..].copy_from_slice(&number.to_be_bytes());
        Ruuid::from_bytes(bytes)
    }

    #[test]
    fn policies_are_read_and_shown_as_they_are_typed() {
        for text in ["all", "settled", "none", "sample=5%", "sample=0.01%", "sample=99.99%"] {
            assert_eq!(sample(text).to_string(), text);
            let json = serde_json::to_string(&sample(text)).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<VerifyPolicy>(&json).unwrap(), sample(text));
        }
        assert_eq!((sample("sample=0%"), sample("sample=100%")), (VerifyPolicy::None, VerifyPolicy::All));
    }

    #[test]
    fn samples_that_are_no_share_are_refused_with_what_is_expected() {
        for text in
            ["sample", "sample=", "sample=5", "sample=101%", "sample=-1%", "sample=5 %", "Sample=5%", "some"]
        {
            let error = text.parse::<VerifyPolicy>().unwrap_err();
            assert!(error.contains('%'), "{text}: {error}");
        }
    }

    #[test]
    fn a_sample_takes_its_share_of_orgs_and_always_the_same_ones() {
        for (text, least, most) in
            [("sample=1%", 60, 140), ("sample=20%", 1_880, 2_120), ("sample=99%", 9_860, 9_940)]
        {
            let chosen = |plan: &str| -> Vec<u32> {
                (0..10_000).filter(|number| sample(text).reads(plan, &org(*number))).collect()
            };
            let first = chosen("20261128T101500Z-4f2a");
            assert!((least..=most).contains(&first.len()), "{text}: {}", first.len());
            assert_eq!(first, chosen("20261128T101500Z-4f2a"));
            assert_ne!(first, chosen("20261128T101500Z-4f2b"), "another plan has another sample");
        }
    }

    #[test]
    fn a_larger_sample_of_the_same_plan_holds_the_smaller_one() {
        let is_in = |text: &str, number| sample(text).reads("plan", &org(number));
        assert!((0..2_000).all(|number| !is_in("sample=5%", number) || is_in("sample=30%", number)));
    }
}
