//! The runs below a reports folder, and the one that a user means.

use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::run::{Exit, RunHeader};
use orgwave_core::secret::Fingerprint;
use orgwave_journal::{FILE_NAME, Stored};
use orgwave_reporter::RunDigest;

use super::source::{PLAN_FILE, RunFiles};
use crate::args::path_again;
use crate::failure::Failure;
use crate::planning::header_of;

/// Folders below the reports folder that hold no runs.
const NO_RUNS: [&str; 2] = ["plans", "example"];
/// What a run's folder has when its files were written. The last of them is written last.
const FILES: [&str; 5] = ["results.csv", "changes.csv", "retry.csv", "retry.toml", "summary.json"];
/// The file that is removed while a run is resumed, so that what is there is known to be old.
const MARK: &str = "summary.json";

/// A run's folder.
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// What its plan is of.
    pub catalog: Catalog,
    /// Where.
    pub path: PathBuf,
    /// What the run is.
    pub header: RunHeader,
}

impl RunFolder {
    /// The run in this folder.
    ///
    /// # Errors
    /// 66: there is none. 65: its journal can't be used.
    pub fn open(catalog: &Catalog, path: &Path) -> Result<Self, Failure> {
        let journal = path.join(FILE_NAME);
        if !journal.exists() {
            return Err(Failure::new(Exit::NoInput, format!("no run in {}", path.shown())));
        }
        let stored = Stored::open_read_only(&journal).map_err(|error| super::bad_journal(path, error))?;
        Ok(Self { catalog: catalog.clone(), path: path.to_owned(), header: stored.header().clone() })
    }

    /// Whether the run's server may still be there. `done` is what the user wants to do with the run.
    ///
    /// # Errors
    /// 64: it was the sandbox of that process.
    pub fn not_of_sandbox(&self, done: &str) -> Result<(), Failure> {
        if self.header.endpoint != "sandbox" {
            return Ok(());
        }
        let what = format!("a sandbox run can't be {done}: its server has ended");
        let hint = if self.has_files() && !self.has_rows_left() {
            "no org of it is left to apply; `orgwave sandbox` starts a server that outlives a run".to_owned()
        } else {
            self.retry(" --sandbox")
        };
        Err(Failure::usage(what).hint(hint))
    }

    /// The way on where a run can't be resumed. One that was killed has no files, or old ones; making them anew
    /// needs no key.
    pub fn retry(&self, again: &str) -> String {
        if let Some(run) =
            header_of(&self.catalog, &self.path.join(PLAN_FILE)).ok().and_then(|plan| plan.undoes)
        {
            return format!("orgwave undo {}{again}", path_again(&self.path.with_file_name(run)));
        }
        let mode = self.header.mode_again();
        let apply = format!("orgwave apply {}{mode}{again}", path_again(&self.path.join("retry.toml")));
        if self.has_files() {
            return apply;
        }
        format!("orgwave report {} && {apply}", path_again(&self.path))
    }

    /// What the run came to.
    ///
    /// # Errors
    /// 65.
    pub fn digest(&self) -> Result<RunDigest, Failure> {
        Ok(RunDigest::of(&RunFiles::open(&self.catalog, &self.path)?)?)
    }

    /// Whether its files have their names.
    pub fn has_files(&self) -> bool {
        FILES.iter().all(|name| self.path.join(name).exists())
    }

    /// Whether its `retry.csv` has more than a header.
    fn has_rows_left(&self) -> bool {
        std::fs::read_to_string(self.path.join("retry.csv")).is_ok_and(|text| text.lines().nth(1).is_some())
    }

    /// Removes the mark that its files are there: they are about to become old.
    ///
    /// # Errors
    /// 74.
    pub fn unmark(&self) -> Result<(), Failure> {
        let mark = self.path.join(MARK);
        match std::fs::remove_file(&mark) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::cannot_write(&mark, error))
            }
            _ => Ok(()),
        }
    }
}

/// All runs below a reports folder, the newest first. A folder whose journal can't be read is reported, and left
/// out.
pub fn runs_in(
    catalog: &Catalog,
    reports: &Path,
    mut unreadable: impl FnMut(&Path, Failure),
) -> Vec<RunFolder> {
    let entries = std::fs::read_dir(reports).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| !NO_RUNS.iter().any(|name| entry.file_name() == *name))
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .filter(|path| path.join(FILE_NAME).exists())
        .collect();
    paths.sort();
    let mut runs = Vec::new();
    for path in paths.into_iter().rev() {
        match RunFolder::open(catalog, &path) {
            Ok(run) => runs.push(run),
            Err(failure) => unreadable(&path, failure),
        }
    }
    // Names have whole seconds; the journal knows better.
    runs.sort_by_key(|run| std::cmp::Reverse(run.header.started));
    runs
}

/// The run that is meant by a path, or by an id below the reports folder, or by the beginning of one.
///
/// # Errors
/// As [`place`] and [`RunFolder::open`].
pub fn find(catalog: &Catalog, run: &Path, reports: &Path) -> Result<RunFolder, Failure> {
    RunFolder::open(catalog, place(run, reports)?.as_deref().unwrap_or(run))
}

/// The folder that [`find`] opens, if there is one.
///
/// # Errors
/// 64: several ids begin so.
pub fn place(run: &Path, reports: &Path) -> Result<Option<PathBuf>, Failure> {
    let is_run = |path: &PathBuf| path.join(FILE_NAME).exists();
    if let Some(path) = [run.to_owned(), reports.join(run)].into_iter().find(is_run) {
        return Ok(Some(path));
    }
    let Some(prefix) = run.to_str().filter(|prefix| !prefix.is_empty()) else { return Ok(None) };
    let mut found: Vec<String> = std::fs::read_dir(reports)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix) && !NO_RUNS.contains(&name.as_str()))
        .filter(|name| is_run(&reports.join(name)))
        .collect();
    found.sort();
    match &found[..] {
        [] => Ok(None),
        [one] => Ok(Some(reports.join(one))),
        [first, second, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
            Err(Failure::usage(format!("several runs begin with {prefix:?}: {first}, {second}{more}"))
                .hint("give more of the id; `orgwave runs` lists them"))
        }
    }
}

/// The newest run of this endpoint and key that isn't finished, and what it came to; else the newest run. One that
/// can't be read is reported, and doesn't prevent that another is resumed; one that [is stuck](is_stuck) is named, and passed
/// over.
///
/// # Errors
/// 66: there is no run of this endpoint and key. 65, 12, 74: there is only such as can't be read.
pub fn newest_unfinished(
    catalog: &Catalog,
    reports: &Path,
    endpoint: &str,
    key: &Fingerprint,
) -> Result<(RunFolder, RunDigest), Failure> {
    let mut unreadable: Vec<(PathBuf, Failure)> = Vec::new();
    let runs = runs_in(catalog, reports, |path, failure| unreadable.push((path.to_owned(), failure)));
    let mut found: Option<(RunFolder, RunDigest)> = None;
    for run in runs {
        if run.header.endpoint != endpoint || run.header.key_fingerprint != *key {
            continue;
        }
        match run.digest() {
            Ok(digest) if is_stuck(&run, &digest) => {
                crate::console::note(&format!(
                    "skipped {}: its open orgs ({}) had the same result twice; to read them again: orgwave resume {}\n",
                    run.header.run_id,
                    digest.unsettled,
                    path_again(&run.path)
                ));
                found.get_or_insert((run, digest));
            }
            Ok(digest) if !is_finished(&run, &digest) => {
                found = Some((run, digest));
                break;
            }
            Ok(digest) => drop(found.get_or_insert((run, digest))),
            Err(failure) => unreadable.push((run.path, failure)),
        }
    }
    if let Some(found) = found {
        for (_, failure) in &unreadable {
            crate::console::error(failure);
        }
        return Ok(found);
    }
    // Nothing else can have been meant, and one thing is clearer than several.
    match unreadable.into_iter().max_by(|(one, _), (other, _)| one.cmp(other)) {
        Some((_, mut failure)) => {
            failure.what = format!("the newest run can't be resumed: {}", failure.what);
            Err(failure)
        }
        None => {
            let what = format!("no run of this key at {endpoint} in {}", reports.shown());
            Err(Failure::new(Exit::NoInput, what)
                .hint("`orgwave runs` lists the runs; --reports sets another folder"))
        }
    }
}

/// Whether there is nothing to resume: no org without its word for ever, and every file there.
pub fn is_finished(run: &RunFolder, digest: &RunDigest) -> bool {
    digest.unsettled == 0 && digest.course.finish.is_some() && run.has_files()
}

/// Whether there is nothing to resume but doubt that two processes in a row could not settle.
pub fn is_stuck(run: &RunFolder, digest: &RunDigest) -> bool {
    digest.is_stuck() && digest.course.finish.is_some() && run.has_files()
}
