//! A run in numbers for Prometheus' textfile collector: `--metrics-file`.
//!
//! ```text
//! orgwave_run_info{run_id,plan_id,tool}            1
//! orgwave_run_orgs{status}                         orgs of the plan by status, zeros too
//! orgwave_run_calls, orgwave_run_throttled_calls   calls that ended; of these, answered 429
//! orgwave_run_duration_seconds                     how long the run's processes worked, together
//! orgwave_run_exit_code                            what the newest process ended with
//! orgwave_run_finished_timestamp_seconds           when it ended
//! orgwave_run_last_success_timestamp_seconds       when one last ended with 0; carried over from file to file
//! ```
//!
//! Every series is labelled with the rollout and the endpoint, and with what `--metrics-label` adds: the files of several
//! rollouts on one host are collected together, and a series that two of them have fails the whole collection.
//!
//! A process that was refused, or never reached the API, has no run: the last three appear alone then, so that the
//! file of an earlier night doesn't continue saying that all is well.
//!
//! All are gauges: a run is over when they are written, and the next one replaces them. No org is named, so the
//! file may be readable for all users, as it must be for the collector, another user.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::str::FromStr;

use orgwave_core::legible::is_hidden;
use orgwave_core::run::Exit;
use orgwave_core::timestamp::Timestamp;

use crate::digest::RunDigest;
use crate::error::ReportError;
use crate::whole::{WholeFile, sync_folder};

const LAST_SUCCESS: &str = "last_success_timestamp_seconds";

/// Of a file that is there, no more than this is read: ours are a tenth of it.
const MOST: u64 = 1 << 16;

/// Whose numbers they are.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The rollout. `None` where it isn't known: then it is the one of the file that is there.
    pub rollout: Option<String>,
    /// The endpoint.
    pub endpoint: String,
    /// What the user adds.
    pub more: Vec<Label>,
}

/// A label of the user's own: `site=berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    name: String,
    value: String,
}

/// The labels that are ours.
const OURS: [&str; 6] = ["rollout", "endpoint", "run_id", "plan_id", "tool", "status"];

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("{text:?} has no `=`: expected NAME=VALUE"))?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_word) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "{name:?} is not a valid label name: letters, digits and _, not starting with a digit"
            ));
        }
        if name.starts_with("__") {
            return Err(format!("{name:?} is reserved by Prometheus: names that begin with __ are"));
        }
        if OURS.contains(&name) {
            return Err(format!("{name:?} is set by orgwave"));
        }
        if value.is_empty() || value.contains(is_hidden) {
            return Err(format!(
                "the value of {name:?} is empty, or has control characters or invisible ones"
            ));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

impl Label {
    /// The first name that occurs twice.
    pub fn repeated(labels: &[Self]) -> Option<&str> {
        let mut seen = labels.iter().enumerate();
        let twice = seen.find(|(place, label)| labels[..*place].iter().any(|other| other.name == label.name));
        twice.map(|(_, label)| label.name.as_str())
    }
}

/// Writes what a process ended with and when, and its run's numbers if it had a run: whole, in place of what was
/// there, from which only the last successes are carried over, another rollout's too. A run knows its rollout and endpoint
/// better than `labels` do.
///
/// # Errors
/// The file can't be written; what was there stays.
pub fn write_metrics(
    path: &Path,
    labels: &Labels,
    exit: Exit,
    at: Timestamp,
    run: Option<&RunDigest>,
) -> Result<(), ReportError> {
    let mut successes = Success::all(path);
    let of_run = run.map(|digest| &digest.run);
    let rollout = match of_run.map(|run| run.rollout.as_str()).or(labels.rollout.as_deref()) {
        Some(name) => label("rollout", name),
        None => successes.first().map_or_else(|| label("rollout", ""), Success::rollout),
    };
    let endpoint = of_run.map_or(labels.endpoint.as_str(), |run| run.endpoint.as_str());
    let series = format!("{rollout},{}", label("endpoint", endpoint));
    let own = successes
        .iter()
        .position(|success| success.is_of(&series))
        .map(|place| successes.remove(place).value);
    let own = if exit == Exit::Done { Some(seconds(at)) } else { own };
    let series =
        labels.more.iter().fold(series, |series, Label { name, value }| series + "," + &label(name, value));
    successes.extend(own.map(|value| Success { labels: series.clone(), value }));
    // A terminal, say, or /dev/null: written to as it is.
    if path.metadata().is_ok_and(|there| there.file_type().is_char_device()) {
        let text = metrics(&series, exit, at, &successes, run);
        let file = OpenOptions::new().write(true).open(path);
        return file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(ReportError::write(path));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = path.file_name().ok_or_else(|| io::Error::other("no name of a file"));
    let file = named.and_then(|name| {
        let mut file = WholeFile::begin(folder, &name.to_string_lossy())?;
        file.write_all(metrics(&series, exit, at, &successes, run).as_bytes())?;
        file.permit(Permissions::from_mode(0o644))?;
        file.end()
    });
    file.map_err(ReportError::write(path))?.name()?;
    sync_folder(folder)
}

/// When a process last ended with 0, and of which rollout.
struct Success {
    labels: String,
    value: String,
}

impl Success {
    /// Those of the file that is there; what isn't ours says nothing.
    fn all(path: &Path) -> Vec<Self> {
        // Opening a pipe would wait for its writer.
        if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Vec::new();
        }
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text));
        let lines = read.map(|_| text.lines()).into_iter().flatten();
        lines.filter_map(Self::read).collect()
    }

    fn read(line: &str) -> Option<Self> {
        let (labels, value) =
            line.strip_prefix("orgwave_run_")?.strip_prefix(LAST_SUCCESS)?.rsplit_once(' ')?;
        let labels = labels.trim_start_matches('{').trim_end_matches('}').to_owned();
        value.parse::<f64>().is_ok_and(f64::is_finite).then(|| Self { labels, value: value.to_owned() })
    }

    /// The label of its rollout, as it is written.
    fn rollout(&self) -> String {
        let rollout = self.labels.split_once("\",endpoint=").map(|(rollout, _)| format!("{rollout}\""));
        rollout.unwrap_or_else(|| label("rollout", ""))
    }

    /// Whether it is of this rollout at this endpoint. One without labels is of an older version.
    fn is_of(&self, series: &str) -> bool {
        self.labels.is_empty() || self.labels.starts_with(series)
    }
}

/// The text of the file.
fn metrics(
    series: &str,
    exit: Exit,
    at: Timestamp,
    successes: &[Success],
    run: Option<&RunDigest>,
) -> String {
    let mut out = Series { text: String::new(), labels: series };
    if let Some(digest) = run {
        of_run(&mut out, digest);
    }
    out.plain("exit_code", "Exit code of the newest process.", exit.code());
    out.plain("finished_timestamp_seconds", "End of the newest process.", seconds(at));
    if !successes.is_empty() {
        out.head(LAST_SUCCESS, "End of the last process with exit code 0.");
        for Success { labels, value } in successes {
            let _ = writeln!(out.text, "orgwave_run_{LAST_SUCCESS}{{{labels}}} {value}");
        }
    }
    out.text
}

fn of_run(out: &mut Series<'_>, digest: &RunDigest) {
    let run = &digest.run;
    let info = [("run_id", &run.run_id), ("plan_id", &run.plan_id), ("tool", &run.tool)];
    let info: String = info.iter().map(|(name, value)| format!(",{}", label(name, value))).collect();
    out.family("info", "The newest run.", [(info, 1)]);
    let orgs =
        digest.counts.iter().map(|(status, orgs)| (format!(",{}", label("status", status.as_str())), orgs));
    out.family("orgs", "Orgs by final status.", orgs);
    let course = &digest.course;
    out.plain("calls", "Finished API calls.", course.calls);
    out.plain("throttled_calls", "Rate-limited API calls (HTTP 429).", course.throttled);
    let worked = format!("{:.3}", course.worked.as_secs_f64());
    out.plain("duration_seconds", "Duration of the run.", worked);
}

/// The text being made, and the labels that every series in it has.
struct Series<'a> {
    text: String,
    labels: &'a str,
}

impl Series<'_> {
    fn family(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (String, impl fmt::Display)>,
    ) {
        self.head(name, help);
        for (more, value) in samples {
            let _ = writeln!(self.text, "orgwave_run_{name}{{{}{more}}} {value}", self.labels);
        }
    }

    fn head(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP orgwave_run_{name} {help}\n# TYPE orgwave_run_{name} gauge");
    }

    fn plain(&mut self, name: &str, help: &str, value: impl fmt::Display) {
        self.family(name, help, [(String::new(), value)]);
    }
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

    fn labels(rollout: Option<&str>) -> Labels {
        Labels { rollout: rollout.map(str::to_owned), endpoint: "https://x".to_owned(), more: Vec::new() }
    }

    #[test]
    fn a_failure_without_a_run_carries_every_last_success_over() {
        const OF_A: &str = "{rollout=\"/a, \\\"b\",endpoint=\"https://x\"}";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.prom");
        let write = |rollout: Option<&str>, exit, millis| {
            write_metrics(&path, &labels(rollout), exit, Timestamp::from_millis(millis), None).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let samples = text.lines().filter_map(|line| line.strip_prefix("orgwave_run_"));
            samples.map(str::to_owned).collect::<Vec<_>>()
        };
        let a = Some("/a, \"b");
        std::fs::write(&path, "orgwave_run_last_success_timestamp_seconds soon\n").unwrap();
        let never = [format!("exit_code{OF_A} 13"), format!("finished_timestamp_seconds{OF_A} 1.500")];
        assert_eq!(write(a, Exit::Guarded, 1_500), never);
        std::fs::write(&path, "orgwave_run_last_success_timestamp_seconds 1.000\n").unwrap();
        assert_eq!(write(a, Exit::Guarded, 1_500).len(), 3, "of an older version");
        let once = [
            format!("exit_code{OF_A} 0"),
            format!("finished_timestamp_seconds{OF_A} 2.000"),
            format!("last_success_timestamp_seconds{OF_A} 2.000"),
        ];
        assert_eq!(write(a, Exit::Done, 2_000), once);
        // Where the rollout isn't known, it is the file's.
        for (rollout, exit, millis) in [(a, Exit::Unreachable, 3_000), (None, Exit::Locked, 4_000)] {
            assert_eq!(write(rollout, exit, millis)[2], once[2]);
        }
        // Another's success is not its own, and stays what it is.
        assert_eq!(write(Some("/b"), Exit::Locked, 5_000)[2..], once[2..]);
        assert_eq!(write(Some("/b"), Exit::Done, 6_000).len(), 4);
        assert_eq!(write(a, Exit::Locked, 7_000).len(), 4);
    }

    #[test]
    fn labels_of_the_users_own_are_checked() {
        for good in ["site=berlin", "_a1=x=y", "team=Zoë \"7\""] {
            assert!(good.parse::<Label>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "site",
            "=x",
            "1a=x",
            "a-b=x",
            "ä=x",
            "__a=x",
            "a=",
            "a=x\ny",
            "a=\u{202e}",
            "rollout=x",
            "status=x",
        ] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
        }
        let parsed: Vec<Label> = ["a=1", "b=2", "a=3"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(Label::repeated(&parsed), Some("a"));
        assert_eq!(Label::repeated(&parsed[..2]), None);
    }
}
