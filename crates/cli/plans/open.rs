//! A plan on disk: proved, and indexed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use orgwave_core::plan::{Footer, Header, IndexEntry, PlanError, PlanLine, PlanReader};
use orgwave_core::run::Exit;
use orgwave_core::secret::SealKey;

use crate::failure::Failure;
use crate::input::Input;

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
        each: impl FnMut(&PlanLine) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let file = Input::open(path).map_err(|error| Failure::no_input(path, error))?.into_file();
        read(path, BufReader::with_capacity(1 << 16, file), io::sink(), key_of, wanted, each)
    }
}

/// Copies a plan into a run's folder while proving it, so that what is executed is what was proved. The copy
/// is durable, not yet its name.
///
/// # Errors
/// As [`OpenPlan::read`]; 74: the copy can't be written.
pub fn copy_verified(
    from: &Path,
    to: &Path,
    key_of: impl FnOnce(&str) -> SealKey,
    wanted: Wanted,
    each: impl FnMut(&PlanLine) -> Result<(), Failure>,
) -> Result<OpenPlan, Failure> {
    let source = Input::open(from).map_err(|error| Failure::no_input(from, error))?.into_file();
    let copy = create_private(to).map_err(|error| Failure::cannot_write(to, error))?;
    let mut out = BufWriter::with_capacity(1 << 16, copy);
    let plan = read(from, BufReader::with_capacity(1 << 16, source), &mut out, key_of, wanted, each)?;
    out.flush().and_then(|()| out.get_ref().sync_all()).map_err(|error| Failure::cannot_write(to, error))?;
    Ok(plan)
}

fn read(
    path: &Path,
    input: impl BufRead,
    mut copy: impl io::Write,
    key_of: impl FnOnce(&str) -> SealKey,
    wanted: Wanted,
    mut each: impl FnMut(&PlanLine) -> Result<(), Failure>,
) -> Result<OpenPlan, Failure> {
    let bad = |error| bad_plan(path, error);
    let cannot_copy = |error| {
        Failure::new(Exit::CannotWrite, "the plan's copy can't be written")
            .because(anyhow::Error::from(error))
    };
    let mut reader = PlanReader::open_sealed(input, key_of).map_err(bad)?;
    copy.write_all(reader.last_line()).map_err(cannot_copy)?;
    let mut index = Vec::new();
    while let Some((entry, has_secrets)) = reader.next_entry().map_err(bad)? {
        copy.write_all(reader.last_line()).map_err(cannot_copy)?;
        if has_secrets || wanted == Wanted::All {
            each(&reader.line().map_err(bad)?)?;
        }
        index.push(entry);
    }
    copy.write_all(reader.last_line()).map_err(cannot_copy)?;
    let (header, footer, seal) = reader.into_parts().expect("the last org was read");
    Ok(OpenPlan { header, footer, seal, index })
}

/// What to say of a plan that can't be used.
pub(super) fn bad_plan(path: &Path, error: PlanError) -> Failure {
    let exit = match &error {
        PlanError::Seal | PlanError::Newer { .. } | PlanError::NoFooter => Exit::PlanRefused,
        PlanError::Line { .. } => Exit::BadInput,
        PlanError::Io(_) => Exit::NoInput,
    };
    Failure::new(exit, format!("{} is no plan to be trusted", path.display()))
        .because(error)
        .hint("plan again, review it, and apply that")
}

/// Creates a file that only its owner can read.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
