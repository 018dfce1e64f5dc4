//! `orgwave runs prune`: removes the folders of old runs. What isn't surely a finished run stays.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_core::timestamp::Timestamp;
use orgwave_journal::{JournalError, RunLock};
use serde_json::json;

use crate::args::{PruneArgs, RunsArgs};
use crate::clock;
use crate::console;
use crate::failure::Failure;
use crate::runs::{RunFolder, bad_journal, is_finished, is_name, runs_in};

/// What a folder is called while it is removed: no command takes it for a run any more.
const REMOVED: &str = ".pruned-";

/// A run that is old enough.
struct Old {
    run: RunFolder,
    ended: Timestamp,
    bytes: u64,
}

/// Removes old runs, the oldest last.
pub fn run(catalog: &Catalog, runs: &RunsArgs, args: &PruneArgs) -> Result<Exit, Failure> {
    if !args.dry_run {
        sweep(&runs.reports)?;
    }
    let (now, keep) = (clock::now(), args.keep.get());
    let (mut removed, mut freed) = (0_u64, 0);
    let all = runs_in(catalog, &runs.reports, |_, failure| console::error(&failure));
    for run in all.into_iter().skip(args.keep_last) {
        let Some(old) = judge(run, now, keep) else { continue };
        if !args.dry_run && !remove(&old.run.path)? {
            continue;
        }
        removed += 1;
        freed += old.bytes;
        report(&old, runs.json, args.dry_run);
    }
    if !runs.json {
        let done = if args.dry_run { "would be removed" } else { "removed" };
        let runs = if removed == 1 { "run" } else { "runs" };
        console::out(&format!("{removed} {runs} {done}, {} kB\n", freed.div_ceil(1_000)));
    }
    Ok(Exit::Done)
}

/// The run, if it is finished, lies where it was made, and ended that long ago.
fn judge(run: RunFolder, now: Timestamp, keep: Duration) -> Option<Old> {
    let is_in_place = run.path.file_name().is_some_and(|name| *name == *run.header.run_id)
        && fs::symlink_metadata(&run.path).is_ok_and(|metadata| metadata.is_dir());
    // The start is known without reading the run.
    if !is_in_place || now.since(run.header.started) < keep {
        return None;
    }
    let digest = match run.digest() {
        Ok(digest) => digest,
        Err(failure) => {
            console::error(&failure);
            return None;
        }
    };
    let ended = digest.course.finish.as_ref()?.at;
    if !is_finished(&run, &digest) || now.since(ended) < keep {
        return None;
    }
    let bytes = size(&run.path);
    Some(Old { run, ended, bytes })
}

/// Removes a run, unless another process is at work in it.
fn remove(folder: &Path) -> Result<bool, Failure> {
    let _lock = match RunLock::take(folder) {
        Ok(lock) => lock,
        Err(JournalError::InUse) => return Ok(false),
        Err(error) => return Err(bad_journal(folder, error)),
    };
    let cannot = |error| {
        Failure::new(Exit::CannotWrite, format!("{} can't be removed", folder.shown()))
            .because(anyhow::Error::from(error))
    };
    // Renamed first: what is left of a folder when the machine stops here is no run.
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let removed = folder.with_file_name(format!("{REMOVED}{name}"));
    fs::rename(folder, &removed).map_err(cannot)?;
    fs::remove_dir_all(&removed).map_err(cannot)?;
    Ok(true)
}

/// Removes what an earlier process that was stopped did not.
fn sweep(reports: &Path) -> Result<(), Failure> {
    let entries = fs::read_dir(reports).into_iter().flatten().flatten();
    // A name that only begins like ours is left alone.
    let left = entries
        .filter(|entry| entry.file_name().to_string_lossy().strip_prefix(REMOVED).is_some_and(is_name));
    for entry in left.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        fs::remove_dir_all(entry.path()).map_err(|error| Failure::cannot_write(&entry.path(), error))?;
    }
    Ok(())
}

fn report(old: &Old, as_json: bool, dry_run: bool) {
    let id = &old.run.header.run_id;
    if as_json {
        console::event(
            "pruned",
            &json!({
                "run_id": id,
                "ended": old.ended,
                "bytes": old.bytes,
                "removed": !dry_run,
                "folder": old.run.path.to_string_lossy(),
            }),
        );
    } else {
        let done = if dry_run { "would remove" } else { "removed" };
        console::out(&format!("{done} {id}, ended {}, {} kB\n", old.ended, old.bytes.div_ceil(1_000)));
    }
}

/// What the files in a folder hold.
fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        for (entry, metadata) in
            entries.filter_map(|entry| io::Result::ok(entry.metadata()).map(|m| (entry, m)))
        {
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.len();
            }
        }
    }
    bytes
}
