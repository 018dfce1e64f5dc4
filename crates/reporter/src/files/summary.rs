//! `summary.json`: the run in numbers, for scripts.
//!
//! ```text
//! format        1
//! run_id, plan_id, endpoint, key_fingerprint, tool, write, verify, max_failures, strict
//! plan_created, started_at                 RFC 3339
//! finished_at                              of the newest process; null if it died, or is in progress
//! processes                                how many began or resumed the run
//! duration_ms                              how long they worked, together
//! exit_code                                as the newest process earned; null as finished_at
//! stop_reason                              in words; null if every org had its turn
//! orgs                                     rows of the manifest
//! counts        {status: orgs}             every status, zeros too
//! waves         [{wave, orgs, started_at, counts}]   wave 0: orgs that were not to be written
//! errors        [{code, title, orgs, next_step, example: {line, org_uuid, org_name, message}}]  most first
//! warnings      {orgs_with_misconfigured_doors, orgs_with_failed_guids, orgs_with_text}
//! changed_orgs                             orgs with rows in changes.csv
//! attempts, calls, throttled               sends spent; calls that ended; of these, answered 429
//! latency_ms    {p50, p95, p99}            right to 3 %, never too short; null without calls
//! files         [name]                     beside this one
//! ```
//!
//! The order is fixed, and nothing says when the file was made: made again, it is the same.

use std::io::{self, Write as _};

use orgwave_core::legible;
use orgwave_core::run::Exit;
use orgwave_core::status::Counts;
use orgwave_core::timestamp::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::digest::{Cause, Example, RunDigest};
use crate::record::Record;
use crate::rendered::Rendered;
use crate::run_file::{Place, RunFile};
use crate::whole::WholeFile;

/// The version of the schema above.
pub const FORMAT: u32 = 1;

pub(super) struct Summary {
    file: WholeFile,
    others: Vec<&'static str>,
}

impl Summary {
    pub(super) const NAME: &str = "summary.json";

    /// `others` are names of files that are not made here and still belong to the run.
    pub(super) fn begin(place: &Place<'_>, others: Vec<&'static str>) -> io::Result<Self> {
        Ok(Self { file: place.begin(Self::NAME)?, others })
    }
}

impl RunFile for Summary {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, _: &Record, _: &Rendered) -> io::Result<()> {
        Ok(())
    }

    fn end(mut self: Box<Self>, digest: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        let mut files: Vec<String> = done.iter().map(WholeFile::file_name).collect();
        files.extend(self.others.iter().map(|name| (*name).to_owned()));
        let json = serde_json::to_string_pretty(&document(digest, files))?;
        writeln!(self.file, "{}", legible::json(&json))?;
        done.push(self.file);
        Ok(())
    }
}

/// JSON whose keys are in this order.
#[derive(Serialize)]
#[serde(untagged)]
enum Json {
    Value(Value),
    #[serde(serialize_with = "in_order")]
    Object(Vec<(&'static str, Self)>),
    List(Vec<Self>),
    #[serde(serialize_with = "in_order")]
    Numbers(Vec<(String, u64)>),
}

fn in_order<S: Serializer, K: Serialize, V: Serialize>(entries: &[(K, V)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(entries.iter().map(|(name, value)| (name, value)))
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

fn moment(at: Option<Timestamp>) -> Json {
    at.map(|at| at.to_string()).into()
}

fn by_status(counts: &Counts) -> Json {
    Json::Object(counts.iter().map(|(status, orgs)| (status.as_str(), orgs.into())).collect())
}

fn document(digest: &RunDigest, files: Vec<String>) -> Json {
    let RunDigest { run, course, warnings, .. } = digest;
    let finish = course.finish.as_ref();
    let wave = |(wave, counts): (&u32, &Counts)| {
        let start = course.waves.iter().find(|start| start.wave == *wave);
        Json::Object(vec![
            ("wave", (*wave).into()),
            ("orgs", counts.total().into()),
            ("started_at", moment(start.map(|start| start.at))),
            ("counts", by_status(counts)),
        ])
    };
    let latency = |percent| course.took.within(percent).map(three_digits).into();
    Json::Object(vec![
        ("format", FORMAT.into()),
        ("run_id", run.run_id.as_str().into()),
        ("plan_id", run.plan_id.as_str().into()),
        ("endpoint", run.endpoint.as_str().into()),
        ("key_fingerprint", run.key_fingerprint.as_str().into()),
        ("tool", run.tool.as_str().into()),
        ("write", run.write.to_string().into()),
        ("verify", run.verify.to_string().into()),
        ("max_failures", run.max_failures.to_string().into()),
        ("strict", run.strict.into()),
        ("plan_created", digest.plan_created.to_string().into()),
        ("started_at", run.started.to_string().into()),
        ("finished_at", moment(finish.map(|finish| finish.at))),
        ("processes", course.began.len().into()),
        ("duration_ms", u64::try_from(course.worked.as_millis()).unwrap_or(u64::MAX).into()),
        ("exit_code", digest.exit().map(Exit::code).into()),
        ("stop_reason", digest.stop().map(ToString::to_string).into()),
        ("orgs", digest.counts.total().into()),
        ("counts", by_status(&digest.counts)),
        ("waves", Json::List(digest.waves.iter().map(wave).collect())),
        ("errors", Json::List(digest.causes().iter().map(error).collect())),
        (
            "warnings",
            Json::Numbers(
                warnings
                    .confessed
                    .iter()
                    .map(|confessed| (confessed.confession.count_key(), confessed.finding.orgs))
                    .collect(),
            ),
        ),
        ("changed_orgs", digest.changed.into()),
        ("attempts", digest.attempts.into()),
        ("calls", course.calls.into()),
        ("throttled", course.throttled.into()),
        ("latency_ms", Json::Object(vec![("p50", latency(50)), ("p95", latency(95)), ("p99", latency(99))])),
        ("files", files.into()),
    ])
}

fn error(cause: &Cause<'_>) -> Json {
    let Example { line, org, name, detail } = cause.example();
    let example = vec![
        ("line", (*line).into()),
        ("org_uuid", org.map(|org| org.to_string()).into()),
        ("org_name", name.as_str().into()),
        ("message", detail.as_str().into()),
    ];
    Json::Object(vec![
        ("code", cause.code.as_str().into()),
        ("title", cause.code.title().into()),
        ("orgs", cause.finding.orgs.into()),
        ("next_step", (*cause.todo).into()),
        ("example", Json::Object(example)),
    ])
}

/// As much of a number as is known of it; more digits would be noise.
fn three_digits(millis: f64) -> f64 {
    let digits = if millis < 10.0 { 2 } else { usize::from(millis < 100.0) };
    format!("{millis:.digits$}").parse().unwrap_or(millis)
}
