//! The codes of everything that can be wrong, each with a page in `docs/errors/`.
//!
//! A code without a page doesn't build. `E-` stops something, `W-` only warns. The families: `FILE` a file as a
//! whole, `COL` a column, `ROW` a row, `CELL` a cell, `SIDE` a side table, `ROLL` the rollout file,
//! `OP` the description of an operation, `LIVE` what
//! the API says of a manifest, `ORG` the
//! outcome of an org, `GUARD` a guard on a plan.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! codes {
    ($($variant:ident = $code:literal, $title:literal;)*) => {
        /// What can be wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant's title is beside it in the table, its page in docs/errors/")]
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

            /// Its page: what it means, how it happens, what to do. Markdown.
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
    FileNoRows = "E-FILE-002", "a header without rows";
    FileEncoding = "E-FILE-003", "not valid text";
    FileControl = "E-FILE-004", "a NUL or another control character";
    FileLoneCr = "E-FILE-005", "a lone carriage return";
    FileChanged = "E-FILE-006", "a file changed while it was used";
    FileKind = "E-FILE-007", "not a CSV file that orgwave can read";
    FileUtf16 = "W-FILE-002", "the file is UTF-16";
    ColUnknown = "E-COL-001", "unknown column";
    ColCase = "E-COL-002", "a column in the wrong case";
    ColDuplicate = "E-COL-003", "a duplicate column";
    ColMissing = "E-COL-004", "a column is missing";
    ColUnsettable = "E-COL-005", "a read-only column";
    ColSecretExpect = "E-COL-006", "a precondition on a secret";
    ColName = "E-COL-007", "an invalid column name";
    ColOperation = "E-COL-008", "an unknown operation in a column's name";
    ColGroup = "E-COL-009", "a group column without groups";
    ColExpectChanged = "E-COL-010", "a precondition on what an earlier step changes";
    ColNothing = "W-COL-001", "nothing is set";
    RowRagged = "E-ROW-001", "a row has more or fewer cells than the header";
    RowUnclosed = "E-ROW-002", "an unclosed quote";
    RowDuplicate = "E-ROW-003", "an org has two rows";
    RowTextAfterQuote = "E-ROW-004", "text after a closing quote";
    RowLineBreak = "E-ROW-005", "a line break inside a cell";
    RowTooLong = "E-ROW-006", "a cell or a row is too long";
    RowClash = "E-ROW-007", "conflicting cells in a row";
    CellId = "E-CELL-001", "not an RUUID";
    CellKey = "E-CELL-002", "not a valid key";
    CellBool = "E-CELL-003", "neither true nor false";
    CellNumber = "E-CELL-004", "not a whole number";
    CellEnum = "E-CELL-005", "not one of the allowed words";
    CellToken = "E-CELL-006", "an unknown or misplaced token";
    CellSpreadsheet = "E-CELL-007", "a spreadsheet broke this cell";
    CellSecret = "E-CELL-008", "not the name of a secret";
    CellList = "E-CELL-009", "an empty element in a list";
    CellSkip = "E-CELL-010", "a skip without a reason";
    CellMap = "E-CELL-011", "a value where only a token is allowed";
    CellMissing = "E-CELL-012", "a required cell is blank";
    CellGroup = "E-CELL-013", "an unknown group";
    CellAddress = "E-CELL-014", "not an IP address or a range of them";
    CellJson = "E-CELL-015", "not the list in JSON that is described";
    CellCanonical = "W-CELL-001", "an RUUID that isn't written as the vendor writes it";
    CellMarks = "W-CELL-002", "a text with invisible characters";
    SideOrg = "E-SIDE-001", "a side table names an org that the manifest doesn't";
    SideTwice = "E-SIDE-002", "an entry has two rows";
    SideClash = "E-SIDE-003", "an entry is both in the manifest and in a side table";
    SideIdle = "W-SIDE-001", "a row that changes nothing";
    RollSyntax = "E-ROLL-001", "the rollout file is not valid TOML";
    RollUnknown = "E-ROLL-002", "an unknown key in the rollout file";
    RollValue = "E-ROLL-003", "a value of the wrong type in the rollout file";
    RollScalar = "E-ROLL-004", "a default that is not a single value";
    RollOrgs = "E-ROLL-005", "the rollout file names no manifest";
    RollOutside = "E-ROLL-006", "a file lies outside the rollout's folder";
    RollOperation = "E-ROLL-007", "an unknown operation in the rollout file";
    OpSyntax = "E-OP-001", "a description of an operation can't be read";
    OpName = "E-OP-002", "a name in a description is unknown or used twice";
    OpField = "E-OP-003", "a field's description doesn't hold together";
    OpCall = "E-OP-004", "a description's call is not a read or not an update";
    LiveOrg = "E-LIVE-001", "the org isn't in the partner's client list";
    LiveCamera = "E-LIVE-002", "the org has no such camera";
    LiveLocation = "E-LIVE-003", "the org has no such location";
    LiveUnknown = "E-LIVE-004", "the org could not be checked";
    LiveAddition = "W-LIVE-001", "an entry that would be added is not live";
    LiveRemoval = "W-LIVE-002", "an entry to be removed is not live";
    OrgName = "E-ORG-001", "the live name differs from the manifest";
    OrgUnlisted = "E-ORG-002", "the org isn't in the partner's client list";
    OrgExpect = "E-ORG-003", "an expected value isn't live";
    OrgMaskedSecret = "E-ORG-004", "a secret came back masked";
    OrgNotConnected = "E-ORG-005", "the org has not connected the integration";
    OrgOther = "E-ORG-006", "the settings of another org came back";
    OrgIntegration = "E-ORG-007", "the settings of another integration came back";
    OrgUnproven = "E-ORG-008", "the settings don't name their org";
    OrgShape = "E-ORG-009", "a managed field has an unexpected type";
    OrgConflict = "E-ORG-010", "someone else changed a managed field";
    OrgNoAccess = "E-ORG-011", "the client doesn't allow partner access";
    OrgDeactivated = "E-ORG-012", "the org is deactivated";
    OrgRefused = "E-ORG-020", "the vendor refused the request";
    OrgError = "E-ORG-021", "the vendor answered with an error";
    OrgAuthError = "E-ORG-022", "the integration must be reconnected";
    OrgForbidden = "E-ORG-023", "the key has no access to this org";
    OrgReadsSpent = "E-ORG-030", "the settings could not be read";
    OrgSendsSpent = "E-ORG-031", "gave up after all attempts, not applied";
    OrgPanic = "E-ORG-032", "an internal error of orgwave";
    OrgDivergedAck = "E-ORG-040", "accepted, but another value is live";
    OrgDivergedDoubt = "E-ORG-041", "partly applied, or edited by someone else";
    OrgDisturbed = "E-ORG-042", "the canary's write changed unmanaged fields";
    OrgGone = "E-ORG-GONE", "the org was deleted after its write";
    OrgUnknownReads = "E-ORG-050", "outcome unknown: the read-back failed";
    OrgUnknownParked = "E-ORG-051", "in doubt, and rate-limited for too long";
    OrgUnknownStopped = "E-ORG-052", "in doubt when the run stopped";
    OrgUnknownHidden = "E-ORG-053", "in doubt, and only hidden secrets changed";
    OrgStopped = "E-ORG-060", "the run stopped before this org";
    OrgParked = "E-ORG-061", "rate-limited for too long";
    OrgStep = "E-ORG-062", "another step of this org did not end well";
}

/// A text that is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown code {0:?}")]
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
