//! What does the API say of the orgs of a rollout, and do the cameras and locations exist that the rollout brings to them?
//!
//! Orgs are judged by a plan. Its lines say what is new to an org, and only that is asked about.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::future::Future;
use std::sync::Arc;

use orgwave_core::code::Code;
use orgwave_core::desired::DesiredValue;
use orgwave_core::ids::{HierarchyKey, Ruuid};
use orgwave_core::manifest::Problem;
use orgwave_core::operation::{Kind, Path as SettingPath, Thing};
use orgwave_core::org::Unread;
use orgwave_core::outcome::{OrgError, StoredValue};
use orgwave_core::plan::{PlanLine, PlannedStep, Verdict};
use orgwave_core::reply::Reply;
use orgwave_executor::ports::{Clock, ReadApi};
use orgwave_executor::survey::read_each;
use serde_json::Value;

use crate::error::Error;
use crate::plan::PlanFile;
use crate::reads::Reads;

/// What is wrong with a row, as far as its plan line says: what keeps the plan from judging it or from writing its org, and
/// the keys that it names and that aren't live.
pub fn problems<'a>(line: &'a PlanLine, file: &'a Arc<str>) -> impl Iterator<Item = Problem> + 'a {
    blocked(line, file).into_iter().chain(unknown_keys(line, file))
}

/// What a row names and its org doesn't have.
#[derive(Debug)]
pub struct Absent {
    /// The org's name or id.
    pub name: String,
    /// A problem for each.
    pub problems: Vec<Problem>,
}

/// What keeps a plan from judging a row, or from writing its org.
fn blocked(line: &PlanLine, file: &Arc<str>) -> Vec<Problem> {
    let own = line.org_error.as_ref().map(|org_error| (line.verdict, org_error));
    let of_step = |step: &'_ PlannedStep| Some((step.verdict, step.org_error.clone()?));
    let of_steps =
        line.steps.iter().filter_map(of_step).filter(|(_, org_error)| org_error.code != Code::OrgStep);
    let own = own.map(|(verdict, org_error)| (verdict, org_error.clone()));
    own.into_iter()
        .chain(of_steps)
        .map(|(verdict, org_error)| stopped(line, verdict, org_error, file))
        .collect()
}

fn stopped(line: &PlanLine, verdict: Verdict, org_error: OrgError, file: &Arc<str>) -> Problem {
    let (code, expected) = match (verdict, org_error.code) {
        (Verdict::Blocked, Code::OrgUnlisted) => (Code::LiveOrg, "an org of the partner's client list"),
        (Verdict::Blocked, code) => (code, "an org that a plan doesn't block"),
        _ => (Code::LiveUnknown, "the org's settings"),
    };
    let problem = Problem::new(code, file, expected, org_error.message);
    problem.at(line.line).of(Some(line.org.as_str()))
}

/// The keys that a row names and that aren't live in its org.
fn unknown_keys(line: &PlanLine, file: &Arc<str>) -> impl Iterator<Item = Problem> {
    let problem = |code, expected: &'static str, found: String| {
        Problem::new(code, file, expected, found).at(line.line).of(Some(line.org.as_str()))
    };
    let additions = line.steps.iter().flat_map(|step| &step.additions).map(move |key| {
        problem(Code::LiveAddition, "a live entry; this one would be added", key.to_string())
    });
    let removals = line.steps.iter().flat_map(|step| &step.idle_removals).map(move |key| {
        problem(Code::LiveRemoval, "a live entry; there is nothing to remove", key.to_string())
    });
    additions.chain(removals)
}

/// A call about one org, and the ids that its reply should hold.
struct LookUp {
    line: u64,
    org: Ruuid,
    name: String,
    what: What,
    ids: BTreeSet<String>,
}

/// What an org is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Its cameras in service.
    Cameras,
    /// Its locations.
    Locations,
}

/// What the rows of a plan bring to their orgs that these don't have, by line. `there` asks for the ids that an org has.
///
/// # Errors
/// [`Error::Stopped`], [`Error::Plan`].
pub async fn absences<C: Clock, A: ReadApi, F: Future<Output = Reply<HashSet<String>>> + Send + 'static>(
    plan: &PlanFile,
    file: &Arc<str>,
    reads: &mut Reads<'_, C, A>,
    there: impl Fn(Ruuid, What) -> F,
) -> Result<BTreeMap<u64, Absent>, Error> {
    let mut lines = plan.read()?;
    let mut found: BTreeMap<u64, Absent> = BTreeMap::new();
    let stop = read_each(
        lines.by_ref().flat_map(look_ups).map(|look_up| (Some(look_up.org), look_up)),
        reads.gate,
        reads.control,
        |look_up| there(look_up.org, look_up.what),
        |look_up, read| {
            let problem = |code, expected: &'static str, found: String| {
                Problem::new(code, file, expected, found).at(look_up.line).of(Some(look_up.org.as_str()))
            };
            let (code, expected, asked) = match look_up.what {
                What::Cameras => (Code::LiveCamera, "a camera of the org", "the org's cameras"),
                What::Locations => (Code::LiveLocation, "a location of the org", "the org's locations"),
            };
            let problems: Vec<Problem> = match read.map_err(in_words) {
                Ok(there) => {
                    let missing = look_up.ids.iter().filter(|id| !there.contains(*id));
                    missing.map(|id| problem(code, expected, id.clone())).collect()
                }
                Err(why) => vec![problem(Code::LiveUnknown, asked, why)],
            };
            if !problems.is_empty() {
                let absent = || Absent { name: look_up.name.clone(), problems: Vec::new() };
                found.entry(look_up.line).or_insert_with(absent).problems.extend(problems);
            }
        },
    )
    .await;
    if let Some(reason) = stop {
        return Err(Error::Stopped(reason));
    }
    lines.end()?;
    for absent in found.values_mut() {
        absent.problems.sort_by_key(|problem| problem.code);
    }
    Ok(found)
}

/// Why something could not be read.
fn in_words(unread: Unread) -> String {
    match unread {
        Unread::Refused(refusal) => format!("HTTP {} {}", refusal.http_status, refusal.message),
        Unread::Throttled(throttle) => format!("HTTP {}, too often", throttle.http_status),
        Unread::Failed(unclear) => unclear.message,
        Unread::Panicked(what) => what,
        Unread::NotReached => "the check stopped before this org".to_owned(),
    }
}

/// The calls that a line asks for: about what it names and its org didn't name yet.
fn look_ups(line: PlanLine) -> impl Iterator<Item = LookUp> {
    let (mut before, mut after) = (Named::default(), Named::default());
    for field in line.fields() {
        if let DesiredValue::Set(value) = &field.after {
            after.take(&field.path, value);
        }
        if let StoredValue::Json(value) = &field.before {
            before.take(&field.path, value);
        }
    }
    let name = line.name.unwrap_or_else(|| line.org.to_string());
    [(What::Cameras, after.cameras, before.cameras), (What::Locations, after.locations, before.locations)]
        .into_iter()
        .map(|(what, after, before)| (what, after.difference(&before).cloned().collect::<BTreeSet<_>>()))
        .filter(|(_, ids)| !ids.is_empty())
        .map(move |(what, ids)| LookUp { line: line.line, org: line.org, name: name.clone(), what, ids })
}

/// Ids that settings name.
#[derive(Default)]
struct Named {
    cameras: BTreeSet<String>,
    locations: BTreeSet<String>,
}

impl Named {
    fn take(&mut self, path: &SettingPath, value: &Value) {
        self.take_kind(path.kind(), value);
    }

    fn take_kind(&mut self, kind: &Kind, value: &Value) {
        match (kind, value) {
            (Kind::List { of, .. }, Value::Array(items)) => {
                for item in items {
                    self.take_kind(&of.kind, item);
                }
            }
            (Kind::Ruuid(Some(thing)), Value::String(id)) => {
                let ids = match thing {
                    Thing::Camera => &mut self.cameras,
                    Thing::Location => &mut self.locations,
                };
                ids.insert(id.clone());
            }
            (Kind::HierarchyKey, Value::String(key)) => {
                if let Ok(key) = key.parse::<HierarchyKey>() {
                    self.locations.extend(key.parts().map(|part| part.to_string()));
                }
            }
            _ => {}
        }
    }
}
