//! A plan on disk: proved, and indexed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::plan::{Footer, Header, IndexEntry, PlanError, PlanLine, PlanReader, Verdict};
use orgwave_core::run::Exit;
use orgwave_core::secret::SealKey;

use crate::failure::Failure;
use crate::input::Input;
use crate::locks::OrgId;

/// A plan whose seal fits: proved, or just made by this process.
#[derive(Debug)]
pub struct OpenPlan {
    /// Its first line.
    pub header: Header,
    /// Its last line.
    pub footer: Footer,
    /// Its seal.
    pub seal: String,
    /// Where its orgs are.
    pub index: Vec<IndexEntry>,
    /// Those that are to be written.
    pub orgs: Vec<OrgId>,
}

/// Which lines of a plan are read whole while it is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Those that name secrets.
    WithSecrets,
    /// Every one.
    All,
}

impl OpenPlan {
    /// Proves the plan in a file and indexes it. `each` sees the lines that it wants: those that name secrets, or
    /// all.
    ///
    /// # Errors
    /// 12: the seal doesn't fit, or it is newer. 65: no plan.
    pub fn read(
        path: &Path,
        key_of: impl FnOnce(&str) -> SealKey,
        wanted: Wanted,
        mut each: impl FnMut(&PlanLine) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let file = Input::open(path).map_err(|error| Failure::no_input(path, error))?.into_file();
        let bad = |error| bad_plan(path, error);
        let mut reader =
            PlanReader::open_sealed(BufReader::with_capacity(1 << 16, file), key_of).map_err(bad)?;
        let (mut index, mut orgs) = (Vec::new(), Vec::new());
        while let Some((entry, org, has_secrets)) = reader.next_entry().map_err(bad)? {
            if has_secrets || wanted == Wanted::All {
                each(&reader.line().map_err(bad)?)?;
            }
            if entry.verdict == Verdict::Update {
                orgs.push(*org.as_bytes());
            }
            index.push(entry);
        }
        let (header, footer, seal) = reader.into_parts().expect("the last org was read");
        Ok(Self { header, footer, seal, index, orgs })
    }
}

/// What to say of a plan that can't be used.
pub(super) fn bad_plan(path: &Path, error: PlanError) -> Failure {
    let exit = match &error {
        PlanError::Seal | PlanError::Newer { .. } | PlanError::NoFooter => Exit::PlanRefused,
        PlanError::Line { .. } => Exit::BadInput,
        PlanError::Io(_) => Exit::NoInput,
    };
    Failure::new(exit, format!("{} is no plan to be trusted", path.shown()))
        .because(error)
        .hint("plan again, review it, and apply that")
}

/// Creates a file that only its owner can read.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
