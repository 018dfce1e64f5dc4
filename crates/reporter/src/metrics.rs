//! A run in numbers for Prometheus' textfile collector: `--metrics-file`.
//!
//! ```text
//! orgwave_run_info{run_id,plan_id,endpoint,tool}   1
//! orgwave_run_orgs{status}                         orgs of the plan by status, zeros too
//! orgwave_run_calls, orgwave_run_throttled_calls   calls that ended; of these, answered 429
//! orgwave_run_duration_seconds                     how long the run's processes worked, together
//! orgwave_run_exit_code                            what the newest process ended with
//! orgwave_run_finished_timestamp_seconds           when it ended
//! orgwave_run_last_success_timestamp_seconds       when one last ended with 0; carried over from file to file
//! ```
//!
//! A process that was refused, or never reached the API, has no run: the last three stand alone then, so that the
//! file of an earlier night doesn't go on saying that all is well.
//!
//! All are gauges: a run is over when they are written, and the next one replaces them. No org is named, so the
//! file may be read by everybody, as the collector, another user, must.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use orgwave_core::run::Exit;
use orgwave_core::timestamp::Timestamp;

use crate::error::ReportError;
use crate::files::whole::{WholeFile, sync_folder};
use crate::tally::Tally;

const LAST_SUCCESS: &str = "last_success_timestamp_seconds";

/// Of a file that is there, no more than this is read: ours are a tenth of it.
const MOST: u64 = 1 << 16;

/// Writes what a process ended with and when, and its run's numbers if it had a run: whole, in place of what was
/// there, from which only the last success is carried over.
///
/// # Errors
/// The file can't be written; what was there stays.
pub fn write_metrics(path: &Path, exit: Exit, at: Timestamp, run: Option<&Tally>) -> Result<(), ReportError> {
    let last_success = if exit == Exit::Done { Some(seconds(at)) } else { last_success(path) };
    // A terminal, say, or /dev/null: written to as it is.
    if path.metadata().is_ok_and(|there| there.file_type().is_char_device()) {
        let text = metrics(exit, at, last_success.as_deref(), run);
        let file = OpenOptions::new().write(true).open(path);
        return file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(ReportError::write(path));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = path.file_name().ok_or_else(|| io::Error::other("no name of a file"));
    let file = named.and_then(|name| {
        let mut file = WholeFile::begin(folder, &name.to_string_lossy())?;
        file.write_all(metrics(exit, at, last_success.as_deref(), run).as_bytes())?;
        file.permit(Permissions::from_mode(0o644))?;
        file.end()
    });
    file.map_err(ReportError::write(path))?.name()?;
    sync_folder(folder)
}

/// When a process last ended with 0, as the file says that is there; what isn't ours says nothing.
fn last_success(path: &Path) -> Option<String> {
    // Opening a pipe would wait for whoever writes into it.
    path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut text = String::new();
    File::open(path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("orgwave_run_")?.strip_prefix(LAST_SUCCESS)?.strip_prefix(' '))?;
    value.parse::<f64>().is_ok_and(f64::is_finite).then(|| value.to_owned())
}

/// The text of the file.
fn metrics(exit: Exit, at: Timestamp, last_success: Option<&str>, run: Option<&Tally>) -> String {
    let mut text = String::new();
    if let Some(tally) = run {
        of_run(&mut text, tally);
    }
    plain(&mut text, "exit_code", "What the newest process ended with; 0 if all is well.", exit.code());
    plain(&mut text, "finished_timestamp_seconds", "When it ended.", seconds(at));
    if let Some(last_success) = last_success {
        plain(&mut text, LAST_SUCCESS, "When one last ended with 0.", last_success);
    }
    text
}

fn of_run(text: &mut String, tally: &Tally) {
    let run = &tally.run;
    let info = [
        ("run_id", &run.run_id),
        ("plan_id", &run.plan_id),
        ("endpoint", &run.endpoint),
        ("tool", &run.tool),
    ];
    let labels: Vec<String> = info.iter().map(|(name, value)| label(name, value)).collect();
    family(text, "info", "The newest run.", &[(format!("{{{}}}", labels.join(",")), 1)]);
    let orgs: Vec<_> = tally
        .counts
        .iter()
        .map(|(status, orgs)| (format!("{{{}}}", label("status", status.as_str())), orgs))
        .collect();
    family(text, "orgs", "Orgs by final status.", &orgs);
    let course = &tally.course;
    plain(text, "calls", "Calls to the API that ended.", course.calls);
    plain(text, "throttled_calls", "Calls answered 429.", course.throttled);
    let worked = format!("{:.3}", course.worked.as_secs_f64());
    plain(text, "duration_seconds", "How long the run worked.", worked);
}

fn family(text: &mut String, name: &str, help: &str, samples: &[(String, impl fmt::Display)]) {
    let _ = writeln!(text, "# HELP orgwave_run_{name} {help}\n# TYPE orgwave_run_{name} gauge");
    for (labels, value) in samples {
        let _ = writeln!(text, "orgwave_run_{name}{labels} {value}");
    }
}

fn plain(text: &mut String, name: &str, help: &str, value: impl fmt::Display) {
    family(text, name, help, &[(String::new(), value)]);
}

fn seconds(at: Timestamp) -> String {
    let millis = at.as_millis();
    format!("{}.{:03}", millis.div_euclid(1_000), millis.rem_euclid(1_000))
}

fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        assert_eq!(label("tool", "a\\b\"c\nd"), r#"tool="a\\b\"c\nd""#);
    }

    #[test]
    fn a_failure_without_a_run_carries_the_last_success_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.prom");
        let write = |exit, millis| {
            write_metrics(&path, exit, Timestamp::from_millis(millis), None).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let samples = text.lines().filter_map(|line| line.strip_prefix("orgwave_run_"));
            samples.map(str::to_owned).collect::<Vec<_>>()
        };
        std::fs::write(&path, "orgwave_run_last_success_timestamp_seconds soon\n").unwrap();
        let never = ["exit_code 13", "finished_timestamp_seconds 1.500"];
        assert_eq!(write(Exit::Guarded, 1_500), never);
        let once =
            ["exit_code 0", "finished_timestamp_seconds 2.000", "last_success_timestamp_seconds 2.000"];
        assert_eq!(write(Exit::Done, 2_000), once);
        for (exit, millis) in [(Exit::Unreachable, 3_000), (Exit::Locked, 4_000)] {
            assert_eq!(write(exit, millis)[2], once[2]);
        }
    }
}
