//! The final words on an org: its status, what was done, and how sure that is.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every one of them, in the order in which people want to read them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in files and on screen.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }
    };
}

words! {
    /// The final status of an org in a run: one word in `results.csv`.
    Status {
        /// Written, and (by the verify policy) seen to be live.
        Applied = "applied",
        /// Written, and the vendor warned of something.
        AppliedWithWarnings = "applied_with_warnings",
        /// Nothing to do.
        Unchanged = "unchanged",
        /// Omitted by the manifest, `--only` or `--skip`.
        Skipped = "skipped",
        /// A managed field is neither as the plan saw it nor as desired: someone else edits.
        Conflict = "conflict",
        /// A guard stopped it; nothing was written.
        Blocked = "blocked",
        /// The vendor refused it for good.
        Rejected = "rejected",
        /// Attempts spent; nothing was applied.
        Failed = "failed",
        /// What is live is neither as before nor as desired.
        Diverged = "diverged",
        /// The read-back failed, so whether it was applied is unknown.
        Unknown = "unknown",
        /// Not started, or not applied and not tried again, because the run stopped.
        NotAttempted = "not_attempted",
    }
}

words! {
    /// What a run does to an org.
    Action {
        /// A write.
        Update = "update",
        /// Nothing.
        None = "none",
    }
}

words! {
    /// Whether what is live was read and found as desired.
    Verified {
        /// Every managed field.
        True = "true",
        /// Not read, or not as desired.
        False = "false",
        /// Every managed field but the secrets that the vendor doesn't show.
        Partly = "partly",
    }
}

impl Action {
    /// What is done where nothing else is said.
    pub const fn nothing() -> Self {
        Self::None
    }

    /// Whether nothing is done.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl Status {
    /// Whether it stays for ever. The two others are final for one process only: a resume resumes them.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Unknown | Self::NotAttempted)
    }

    /// Whether the org is, or will be seen to be, as desired.
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Applied | Self::AppliedWithWarnings | Self::Unchanged)
    }

    /// Whether something that the run sent is live, or may be.
    pub const fn may_be_written(self) -> bool {
        matches!(self, Self::Applied | Self::AppliedWithWarnings | Self::Diverged | Self::Unknown)
    }

    /// How much a person has to look at it: of an org's steps, the one with the highest speaks for the org.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Skipped => 0,
            Self::Unchanged => 1,
            Self::Applied => 2,
            Self::AppliedWithWarnings => 3,
            Self::NotAttempted => 4,
            Self::Failed => 5,
            Self::Blocked => 6,
            Self::Rejected => 7,
            Self::Conflict => 8,
            Self::Diverged => 9,
            Self::Unknown => 10,
        }
    }

    /// Whether it counts against the failure budget.
    pub const fn spends_budget(self) -> bool {
        matches!(self, Self::Rejected | Self::Failed | Self::Diverged | Self::Unknown)
    }

    /// Whether a retry may help: its row belongs in `retry.csv`.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown | Self::NotAttempted | Self::Conflict)
    }
}

/// How many orgs have each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u64; Status::ALL.len()]);

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, status: Status) {
        self.0[status as usize] += 1;
    }

    /// One that had a status has another.
    pub fn replace(&mut self, from: Status, to: Status) {
        self.0[from as usize] -= 1;
        self.add(to);
    }

    /// How many have this status.
    pub const fn of(&self, status: Status) -> u64 {
        self.0[status as usize]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every status with its count, zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (Status, u64)> {
        Status::ALL.iter().map(|status| (*status, self.of(*status)))
    }
}

impl FromIterator<Status> for Counts {
    fn from_iter<I: IntoIterator<Item = Status>>(statuses: I) -> Self {
        let mut counts = Self::default();
        for status in statuses {
            counts.add(status);
        }
        counts
    }
}

impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<Status, u64>::deserialize(deserializer)?;
        let mut counts = Self::default();
        for (status, count) in map {
            counts.0[status as usize] = count;
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_round_trip() {
        let counts: Counts = [Status::Applied, Status::Applied, Status::Unknown].into_iter().collect();
        assert_eq!(counts.total(), 3);
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(serde_json::from_str::<Counts>(&json).unwrap(), counts);
    }

    #[test]
    fn the_word_is_the_same_in_json() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_string(status).unwrap(), format!("{:?}", status.as_str()));
        }
    }
}
