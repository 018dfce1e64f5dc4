//! What a killed process left: files that were written and never got their names.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use super::SPLIT;
use super::changes::Changes;
use super::junit::Junit;
use super::orgs;
use super::results::{Results, Steps};
use super::retry::{self, Retry};
use super::summary::Summary;
use crate::error::ReportError;
use crate::part_name::is_part;
use crate::report::{ReportHtml, ReportMd};

/// Removes the temporaries of a run's files from its folder. The caller holds the run's lock: no other
/// process is writing them.
///
/// # Errors
/// One can't be removed.
pub fn sweep(folder: &Path) -> Result<(), ReportError> {
    for folder in [folder, &folder.join(orgs::FOLDER)] {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(ReportError::write(folder))?,
        };
        for entry in entries {
            let entry = entry.map_err(ReportError::write(folder))?;
            if is_ours(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                fs::remove_file(entry.path()).map_err(ReportError::write(&entry.path()))?;
            }
        }
    }
    Ok(())
}

/// `.results.csv.a1B2c3.tmp`: a name of ours, a few characters of chance.
fn is_ours(name: &OsStr) -> bool {
    let parts = || {
        let name = name.to_str()?.strip_prefix('.')?.strip_suffix(".tmp")?;
        name.rsplit_once('.')
    };
    parts().is_some_and(|(name, chance)| {
        let is_hex = |stem: &str| stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_side = retry::is_side_name(name);
        let is_part = || SPLIT.iter().any(|table| is_part(name, table));
        let is_name =
            NAMES.contains(&name) || is_side || is_part() || name.strip_suffix(".csv").is_some_and(is_hex);
        is_name && chance.len() == 6 && chance.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// What this crate puts into a run's folder, beside side tables and what is in `orgs/`.
const NAMES: [&str; 9] = [
    Results::NAME,
    Steps::NAME,
    Changes::NAME,
    Retry::NAME,
    Retry::ROLLOUT,
    ReportHtml::NAME,
    ReportMd::NAME,
    Junit::NAME,
    Summary::NAME,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_temporaries_go() {
        let folder = tempfile::tempdir().unwrap();
        let orgs = folder.path().join(orgs::FOLDER);
        fs::create_dir(&orgs).unwrap();
        let hex = "0123456789abcdef0123456789abcdef";
        let ours = [
            ".results.csv.a1B2c3.tmp",
            ".steps.csv.a1B2c3.tmp",
            ".changes-2.csv.a1B2c3.tmp",
            ".retry-doors.csv.000000.tmp",
            ".summary.json.zzzzzz.tmp",
        ];
        let others = [
            "results.csv",
            ".notes.csv.a1B2c3.tmp",
            ".notes-2.csv.a1B2c3.tmp",
            ".results.csv.a1.tmp",
            "results.csv.a1B2c3.tmp",
            ".results.csv.a1B2c3.tmp.bak",
            ".run.db.a1B2c3.tmp",
        ];
        for name in ours.iter().chain(&others) {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        fs::write(orgs.join(format!(".{hex}.csv.a1B2c3.tmp")), "x").unwrap();
        fs::write(orgs.join(format!("{hex}.csv")), "x").unwrap();
        sweep(folder.path()).unwrap();
        assert!(ours.iter().all(|name| !folder.path().join(name).exists()));
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
        let left: Vec<_> = fs::read_dir(&orgs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [OsStr::new(&format!("{hex}.csv"))]);
    }

    #[test]
    fn what_whole_files_leave_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = crate::whole::WholeFile::begin(folder.path(), Results::NAME).unwrap();
        // As a kill leaves it: not removed.
        std::mem::forget(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        sweep(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
