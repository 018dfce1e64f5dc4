//! The codes of everything that can be wrong, each with a page in `docs/errors/`.
//!
//! A code without a page doesn't build. `E-` stops something, `W-` only warns. The families: `FILE` a file as a
//! whole, `COL` a column, `ROW` a row, `CELL` a cell, `SIDE` a side table, `ROLL` the rollout file, `ORG` the
//! outcome of an org, `GUARD` a guard on a plan.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! codes {
    ($($variant:ident = $code:literal, $title:literal;)*) => {
        /// What can be wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant's title stands beside it in the table, its page in docs/errors/")]
        pub enum Code { $($variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as people write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Its page: what it means, how it comes about, what to do. Markdown.
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../../docs/errors/", $code, ".md")),)*
                }
            }
        }
    };
}

codes! {
    OrgName = "E-ORG-001", "the live name isn't the one in the manifest";
    OrgUnlisted = "E-ORG-002", "the org isn't in the partner's client list";
    OrgExpect = "E-ORG-003", "an expected value isn't live";
    OrgMaskedSecret = "E-ORG-004", "a secret came back masked";
    OrgNotConnected = "E-ORG-005", "the org has not connected the integration";
    OrgOther = "E-ORG-006", "the settings of another org came back";
    OrgIntegration = "E-ORG-007", "the settings of another integration came back";
    OrgUnproven = "E-ORG-008", "the settings don't say whose they are";
    OrgShape = "E-ORG-009", "a managed field has a shape that nobody knows";
    OrgConflict = "E-ORG-010", "someone else changed a managed field";
    OrgRefused = "E-ORG-020", "the vendor refused the request";
    OrgError = "E-ORG-021", "the vendor answered with an error";
    OrgAuthError = "E-ORG-022", "the integration must be connected anew";
    OrgForbidden = "E-ORG-023", "the key may not touch this org";
    OrgReadsSpent = "E-ORG-030", "the settings could not be read";
    OrgSendsSpent = "E-ORG-031", "every attempt failed, and nothing was applied";
    OrgPanic = "E-ORG-032", "a fault of orgwave itself";
    OrgDivergedAck = "E-ORG-040", "accepted, but something else is live";
    OrgDivergedDoubt = "E-ORG-041", "half applied, or edited meanwhile";
    OrgDisturbed = "E-ORG-042", "the canary's write changed what nobody manages";
    OrgUnknownReads = "E-ORG-050", "nobody could find out whether it was applied";
    OrgUnknownParked = "E-ORG-051", "in doubt, and the vendor asks to wait too long";
    OrgUnknownStopped = "E-ORG-052", "in doubt when the run stopped";
    OrgUnknownHidden = "E-ORG-053", "in doubt, and only hidden secrets changed";
    OrgStopped = "E-ORG-060", "the run stopped before this org's turn";
    OrgParked = "E-ORG-061", "the vendor asks to wait too long";
}

/// A text that is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no code of orgwave")]
pub struct ParseCodeError(String);

impl FromStr for Code {
    type Err = ParseCodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.trim().to_uppercase();
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == wanted)
            .ok_or_else(|| ParseCodeError(text.to_owned()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse::<Code>().unwrap(), *code);
        }
    }

    #[test]
    fn every_page_begins_with_its_code_and_says_what_to_do() {
        for code in Code::ALL {
            let page = code.page();
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
            assert!(page.contains("## What to do"), "{code}");
        }
    }
}
