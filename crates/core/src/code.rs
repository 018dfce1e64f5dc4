//! The codes of everything that can be wrong, each with a page in `docs/errors/`.
//!
//! A code without a page doesn't build. `E-` stops something, `W-` only warns. The families: `FILE` a file as a
//! whole, `COL` a column, `ROW` a row, `CELL` a cell, `SIDE` a side table, `ROLL` the rollout file, `LIVE` what
//! the API says of a manifest, `ORG` the
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
    FileEmpty = "E-FILE-001", "the file is empty";
    FileNoRows = "E-FILE-002", "there is a header and no row";
    FileEncoding = "E-FILE-003", "bytes that are no text";
    FileControl = "E-FILE-004", "a NUL or another control character";
    FileLoneCr = "E-FILE-005", "a lone carriage return";
    FileChanged = "E-FILE-006", "a file changed while it was used";
    FileKind = "E-FILE-007", "the file is no CSV that orgwave reads";
    FileUtf16 = "W-FILE-002", "the file is UTF-16";
    ColUnknown = "E-COL-001", "no such column";
    ColCase = "E-COL-002", "a column in the wrong case";
    ColDuplicate = "E-COL-003", "a column stands twice";
    ColMissing = "E-COL-004", "a column is missing";
    ColUnsettable = "E-COL-005", "a column that nobody may set";
    ColSecretExpect = "E-COL-006", "a guard on a secret";
    ColName = "E-COL-007", "no name for a column";
    ColNothing = "W-COL-001", "nothing is set";
    RowRagged = "E-ROW-001", "a row has more or fewer cells than the header";
    RowUnclosed = "E-ROW-002", "a quote is never closed";
    RowDuplicate = "E-ROW-003", "an org has two rows";
    RowTextAfterQuote = "E-ROW-004", "text after a closing quote";
    RowLineBreak = "E-ROW-005", "a line break inside a cell";
    RowTooLong = "E-ROW-006", "a cell or a row is too long";
    RowClash = "E-ROW-007", "cells of a row exclude each other";
    CellId = "E-CELL-001", "no RUUID";
    CellKey = "E-CELL-002", "no key";
    CellBool = "E-CELL-003", "neither true nor false";
    CellNumber = "E-CELL-004", "no whole number";
    CellEnum = "E-CELL-005", "not one of the words that may stand here";
    CellToken = "E-CELL-006", "a token that is unknown or may not stand here";
    CellSpreadsheet = "E-CELL-007", "a spreadsheet broke this cell";
    CellSecret = "E-CELL-008", "a secret's column holds something else than a secret's name";
    CellList = "E-CELL-009", "an empty element in a list";
    CellSkip = "E-CELL-010", "a skip without a reason";
    CellMap = "E-CELL-011", "a value where only a token may stand";
    CellMissing = "E-CELL-012", "a cell that must be filled is blank";
    CellCanonical = "W-CELL-001", "an RUUID that isn't written as the vendor writes it";
    CellMarks = "W-CELL-002", "a text holds marks that nobody sees";
    SideOrg = "E-SIDE-001", "a side table names an org that the manifest doesn't";
    SideTwice = "E-SIDE-002", "an entry has two lines";
    SideClash = "E-SIDE-003", "an entry stands in the manifest and in a side table";
    SideIdle = "W-SIDE-001", "a line that changes nothing";
    RollSyntax = "E-ROLL-001", "the rollout file is no TOML";
    RollUnknown = "E-ROLL-002", "no such key in a rollout file";
    RollValue = "E-ROLL-003", "a key of a rollout file holds something else";
    RollScalar = "E-ROLL-004", "a default that is no single value";
    RollOrgs = "E-ROLL-005", "the rollout file names no manifest";
    RollOutside = "E-ROLL-006", "a file lies outside the rollout's folder";
    LiveOrg = "E-LIVE-001", "the org isn't in the partner's client list";
    LiveCamera = "E-LIVE-002", "the org has no such camera";
    LiveLocation = "E-LIVE-003", "the org has no such location";
    LiveUnknown = "E-LIVE-004", "the org could not be asked";
    LiveAddition = "W-LIVE-001", "an entry that would be added is not live";
    LiveRemoval = "W-LIVE-002", "an entry to be removed is not live";
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
    OrgNoAccess = "E-ORG-011", "the client doesn't let the partner in";
    OrgDeactivated = "E-ORG-012", "the org is deactivated";
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
    OrgGone = "E-ORG-GONE", "the org is gone since it was written";
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
