//! Which orgs get a file of their own in a run's folder.

use std::fmt;
use std::str::FromStr;

use orgwave_core::run::RunHeader;

/// Whether each org gets a file of its own: `--org-files`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrgFiles {
    /// Up to 1,000 orgs.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

impl OrgFiles {
    const AUTO_UP_TO: u32 = 1_000;

    pub(crate) const fn of_run(self, run: &RunHeader) -> ClientFiles {
        match self {
            // Night after night, the records of a thousand clients that didn't change would be what fills the disk.
            Self::Auto if run.orgs <= Self::AUTO_UP_TO && run.unattended => ClientFiles::Changed,
            Self::Auto if run.orgs <= Self::AUTO_UP_TO => ClientFiles::All,
            Self::Always => ClientFiles::All,
            Self::Auto | Self::Never => ClientFiles::None,
        }
    }
}

/// Which orgs have a file of their own in a run's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFiles {
    /// None.
    None,
    /// Those of which something was written that may be live.
    Changed,
    /// All of them.
    All,
}

impl FromStr for OrgFiles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("{text:?} is not auto, always or never")),
        }
    }
}

impl fmt::Display for OrgFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}
