//! `summary.json`: the run in numbers, for scripts.
//!
//! ```text
//! format        1
//! run_id, plan_id, endpoint, key_fingerprint, tool, write, verify, max_failures, strict
//! plan_created, started_at                 RFC 3339
//! finished_at                              of the newest process; null if it died, or is under way
//! processes                                how many began or went on with the run
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

use orgwave_core::code::Code;
use orgwave_core::ids::Ruuid;
use orgwave_core::legible;
use orgwave_core::status::Counts;
use orgwave_core::timestamp::Timestamp;
use serde::Serialize;

use crate::digest::{Cause, Example, RunDigest};
use crate::record::Record;
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

    fn org(&mut self, _: &Record) -> io::Result<()> {
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

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    run_id: &'a str,
    plan_id: &'a str,
    endpoint: &'a str,
    key_fingerprint: &'a str,
    tool: &'a str,
    write: String,
    verify: orgwave_core::policy::VerifyPolicy,
    max_failures: String,
    strict: bool,
    plan_created: Timestamp,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    processes: usize,
    duration_ms: u64,
    exit_code: Option<u8>,
    stop_reason: Option<String>,
    orgs: u64,
    counts: Counts,
    waves: Vec<Wave>,
    errors: Vec<ErrorGroup<'a>>,
    warnings: WarningCounts,
    changed_orgs: u64,
    attempts: u64,
    calls: u64,
    throttled: u64,
    latency_ms: Latency,
    files: Vec<String>,
}

#[derive(Serialize)]
struct Wave {
    #[serde(rename = "wave")]
    number: u32,
    orgs: u64,
    started_at: Option<Timestamp>,
    counts: Counts,
}

#[derive(Serialize)]
struct ErrorGroup<'a> {
    code: Code,
    title: &'static str,
    orgs: u64,
    next_step: &'static str,
    example: OrgExample<'a>,
}

#[derive(Serialize)]
struct OrgExample<'a> {
    line: u64,
    org_uuid: Option<Ruuid>,
    org_name: &'a str,
    message: &'a str,
}

impl<'a> ErrorGroup<'a> {
    fn of(Cause { code, todo, finding }: Cause<'a>) -> Self {
        let (title, example) = (code.title(), OrgExample::of(&finding.examples[0]));
        Self { code, title, orgs: finding.orgs, next_step: todo, example }
    }
}

impl<'a> OrgExample<'a> {
    fn of(Example { line, org, name, detail }: &'a Example) -> Self {
        Self { line: *line, org_uuid: *org, org_name: name, message: detail }
    }
}

#[derive(Serialize)]
struct WarningCounts {
    #[serde(rename = "orgs_with_misconfigured_doors")]
    doors: u64,
    #[serde(rename = "orgs_with_failed_guids")]
    guids: u64,
    #[serde(rename = "orgs_with_text")]
    texts: u64,
}

#[derive(Serialize)]
struct Latency {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

fn document(digest: &RunDigest, files: Vec<String>) -> Document<'_> {
    let RunDigest { run, course, warnings, .. } = digest;
    let finish = course.finish.as_ref();
    let started = |wave: u32| course.waves.iter().find(|start| start.wave == wave).map(|start| start.at);
    let errors = digest.causes().into_iter().map(ErrorGroup::of).collect();
    Document {
        format: FORMAT,
        run_id: &run.run_id,
        plan_id: &run.plan_id,
        endpoint: &run.endpoint,
        key_fingerprint: run.key_fingerprint.as_str(),
        tool: &run.tool,
        write: run.write.to_string(),
        verify: run.verify,
        max_failures: run.max_failures.to_string(),
        strict: run.strict,
        plan_created: digest.plan_created,
        started_at: run.started,
        finished_at: finish.map(|finish| finish.at),
        processes: course.began.len(),
        duration_ms: u64::try_from(course.worked.as_millis()).unwrap_or(u64::MAX),
        exit_code: digest.exit().map(orgwave_core::run::Exit::code),
        stop_reason: finish.and_then(|finish| finish.stop.as_ref()).map(ToString::to_string),
        orgs: digest.counts.total(),
        counts: digest.counts,
        waves: digest
            .waves
            .iter()
            .map(|(wave, counts)| Wave {
                number: *wave,
                orgs: counts.total(),
                started_at: started(*wave),
                counts: *counts,
            })
            .collect(),
        errors,
        warnings: WarningCounts {
            doors: warnings.doors.orgs,
            guids: warnings.guids.orgs,
            texts: warnings.with_text,
        },
        changed_orgs: digest.changed,
        attempts: digest.attempts,
        calls: course.calls,
        throttled: course.throttled,
        latency_ms: Latency {
            p50: course.took.within(50).map(three_digits),
            p95: course.took.within(95).map(three_digits),
            p99: course.took.within(99).map(three_digits),
        },
        files,
    }
}

/// As much of a number as is known of it; more digits would be noise.
fn three_digits(millis: f64) -> f64 {
    let digits = if millis < 10.0 { 2 } else { usize::from(millis < 100.0) };
    format!("{millis:.digits$}").parse().unwrap_or(millis)
}
