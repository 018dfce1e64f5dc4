//! A run in numbers for Prometheus' textfile collector: `--metrics-file`.
//!
//! ```text
//! orgwave_run_info{run_id,plan_id,endpoint,tool}   1
//! orgwave_run_orgs{status}                         orgs of the plan by status, zeros too
//! orgwave_run_calls, orgwave_run_throttled_calls   calls that ended; of these, answered 429
//! orgwave_run_duration_seconds                     how long the run's processes worked, together
//! orgwave_run_exit_code                            as the newest process earned; absent if it died
//! orgwave_run_finished_timestamp_seconds           when it ended; absent if it died
//! ```
//!
//! All are gauges: a run is over when they are written, and the next one replaces them. No org is named, so the
//! file may be read by everybody, as the collector, another user, must.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::error::ReportError;
use crate::files::whole::{WholeFile, sync_folder};
use crate::tally::Tally;

/// Writes a run's metrics, whole, in place of what was there.
///
/// # Errors
/// The file can't be written; what was there stays.
pub fn write_metrics(tally: &Tally, path: &Path) -> Result<(), ReportError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = path.file_name().ok_or_else(|| io::Error::other("no name of a file"));
    let file = named.and_then(|name| {
        let mut file = WholeFile::begin(folder, &name.to_string_lossy())?;
        file.write_all(metrics(tally).as_bytes())?;
        file.permit(Permissions::from_mode(0o644))?;
        file.end()
    });
    file.map_err(ReportError::write(path))?.name()?;
    sync_folder(folder)
}

/// The text of the file.
fn metrics(tally: &Tally) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, samples: &[(String, String)]| {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP orgwave_run_{name} {help}\n# TYPE orgwave_run_{name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(text, "orgwave_run_{name}{labels} {value}");
        }
    };
    let plain = |value: String| (String::new(), value);
    let run = &tally.run;
    let info = [
        ("run_id", &run.run_id),
        ("plan_id", &run.plan_id),
        ("endpoint", &run.endpoint),
        ("tool", &run.tool),
    ];
    let labels: Vec<String> = info.iter().map(|(name, value)| label(name, value)).collect();
    family("info", "The newest run.", &[(format!("{{{}}}", labels.join(",")), "1".to_owned())]);
    let orgs: Vec<_> = tally
        .counts
        .iter()
        .map(|(status, orgs)| (format!("{{{}}}", label("status", status.as_str())), orgs.to_string()))
        .collect();
    family("orgs", "Orgs by final status.", &orgs);
    let course = &tally.course;
    family("calls", "Calls to the API that ended.", &[plain(course.calls.to_string())]);
    family("throttled_calls", "Calls answered 429.", &[plain(course.throttled.to_string())]);
    let worked = format!("{:.3}", course.worked.as_secs_f64());
    family("duration_seconds", "How long the run worked.", &[plain(worked)]);
    let exit: Vec<_> = tally.exit().iter().map(|exit| plain(exit.code().to_string())).collect();
    family("exit_code", "What the run ended with; 0 if all is well.", &exit);
    let finished: Vec<_> = course
        .finish
        .iter()
        .map(|finish| {
            let millis = finish.at.as_millis();
            plain(format!("{}.{:03}", millis.div_euclid(1_000), millis.rem_euclid(1_000)))
        })
        .collect();
    family("finished_timestamp_seconds", "When the run ended.", &finished);
    text
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
}
