//! `--online`: what does the API say of the orgs of a rollout, and do the cameras and locations exist that the rollout
//! brings to them? For `check` what is wrong is an error; beside a plan, which blocks orgs itself, it is a warning.
//!
//! Orgs are judged by a plan, which nobody keeps for `check`. Its lines say what is new to an org, and only that is
//! asked about.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use orgwave_core::code::Code;
use orgwave_core::desired::Wish;
use orgwave_core::ids::{HierarchyKey, Ruuid};
use orgwave_core::manifest::{Problem, Severity};
use orgwave_core::org::Unread;
use orgwave_core::outcome::Image;
use orgwave_core::plan::{PlanLine, Verdict};
use orgwave_core::policy::WriteMode;
use orgwave_core::reply::Reply;
use orgwave_core::run::Exit;
use orgwave_core::settings::{Kind, Path as SettingPath};
use orgwave_executor::survey::read_each;
use orgwave_reporter::terminal::{orgs, several};
use serde_json::Value;

use super::listeners::Listeners;
use super::sandboxed;
use crate::args::{self, CheckArgs, GuardArgs, OutputArgs, SelectArgs, WriteArgs};
use crate::clock;
use crate::connect::{Identity, ReadPort, Session};
use crate::console;
use crate::failure::Failure;
use crate::plans::{Absent, Lines, NewPlan, each_line, make, scratch, stopped};
use crate::rollout::Rollout;
use crate::runs::{PLAN_FILE, new_name};

/// Problems that are shown before they are only counted.
const SHOWN: u64 = 1_000;

/// Judges every row as a plan does, and asks about what it names; reports what is wrong, in the order of the lines.
pub async fn run(args: CheckArgs, rollout: &mut Rollout) -> Result<Exit, Failure> {
    let limits = args::pace(&args.pace, &rollout.limits)?;
    let mut policy = args::plan_policy(&WriteArgs::default(), &GuardArgs::default(), &rollout.limits)?;
    if !policy.write.reads() {
        // To judge an org is to read it, however the rollout is written.
        policy.write = WriteMode::Patch;
    }
    let sandbox = sandboxed::of_rollout(&args.connect, rollout, None).await?;
    // No secret is sent, so none is needed.
    let identity = Identity::of_rollout(&args.connect.key, sandbox.as_ref(), rollout.region.as_deref())?;
    let mut session = Session::open(identity, &args.connect.key, limits, &BTreeMap::new(), sandbox, None)?;
    let folder = scratch(args.connect.key.state_dir.as_deref())?;
    let path = folder.path().join(PLAN_FILE);
    let new = NewPlan { path: &path, id: new_name(clock::now()), is_reviewed: false };
    // With --json, stdout has the problems alone.
    let mut listeners = Listeners::new(&OutputArgs { json: false, ..args.output.clone() }, None);
    let select = SelectArgs::default();
    let made = make(rollout, &policy, &select, &mut session, new, &mut listeners.sink()).await;
    listeners.finish()?;
    made?;

    let file: Arc<str> = rollout.manifest.header().digests[0].0.clone();
    let mut missing = absences(&path, &file, &mut session).await?;
    let (mut rows, mut shown, mut warnings): (u64, u64, u64) = (0, 0, 0);
    // Printed as they are found: every row may have several.
    each_line(&path, |line| {
        rows += 1;
        let (_, missing) = missing.remove(&line.line).unwrap_or_default();
        for problem in missing.into_iter().chain(blocked(&line, &file)).chain(unknown_keys(&line, &file)) {
            if args.output.json {
                console::event("problem", &problem);
            } else if shown < SHOWN {
                console::note(&format!("{problem}\n"));
            }
            shown += 1;
            warnings += u64::from(problem.severity == Severity::Warning);
        }
    })?;
    let problems = shown - warnings;
    if problems > 0 {
        let most = several(SHOWN, "is", "are");
        let cut = if shown > SHOWN && !args.output.json {
            format!("; the first {most} shown")
        } else {
            String::new()
        };
        console::note(&format!(
            "{}{cut}; `orgwave explain CODE` says more\n",
            several(problems, "problem", "problems")
        ));
        return Ok(Exit::BadInput);
    }
    if !args.output.json && !args.output.quiet {
        let what = match warnings {
            0 => "what they name exists".to_owned(),
            warnings => format!(
                "orgs, cameras and locations exist; {} of entries that are not live",
                several(warnings, "warning", "warnings")
            ),
        };
        console::out(&format!("{file}: {}; {what}\n", orgs(rows)));
    }
    Ok(Exit::Done)
}

/// What the rows of a plan bring to their orgs that these don't have. Orgs that can't be written are blocked by the plan
/// itself.
///
/// # Errors
/// The API can't be used (69), the key is refused (77), a signal came (129, 130, 143).
pub async fn absent(
    plan: &Path,
    rollout: &Rollout,
    session: &mut Session,
    output: &OutputArgs,
) -> Result<Vec<Absent>, Failure> {
    let file: Arc<str> = rollout.manifest.header().digests[0].0.clone();
    let found = absences(plan, &file, session).await?;
    let mut all: Vec<Absent> = Vec::new();
    for (line, (name, problems)) in found {
        if output.json {
            for problem in &problems {
                console::event("problem", problem);
            }
        }
        let what = problems.iter().map(|problem| match problem.code {
            Code::LiveCamera => format!("camera {}", problem.found),
            Code::LiveLocation => format!("location {}", problem.found),
            _ => format!("{} could not be read: {}", problem.expected, problem.found),
        });
        all.push(Absent { line, name, what: what.collect() });
    }
    Ok(all)
}

/// What keeps a plan from judging a row, or from writing its org.
fn blocked(line: &PlanLine, file: &Arc<str>) -> Option<Problem> {
    let complaint = line.complaint.as_ref()?;
    let (code, expected) = match (line.verdict, complaint.code) {
        (Verdict::Blocked, Code::OrgUnlisted) => (Code::LiveOrg, "an org of the partner's client list"),
        (Verdict::Blocked, code) => (code, "an org that a plan doesn't block"),
        _ => (Code::LiveUnknown, "the org's settings"),
    };
    let problem = Problem::new(code, file, expected, complaint.message.clone());
    Some(problem.at(line.line).of(Some(line.org.as_str())))
}

/// The keys that a row names and that aren't live in its org.
fn unknown_keys(line: &PlanLine, file: &Arc<str>) -> impl Iterator<Item = Problem> {
    let problem = |code, expected: &'static str, found: String| {
        Problem::new(code, file, expected, found).at(line.line).of(Some(line.org.as_str()))
    };
    let additions = line.additions.iter().map(move |key| {
        problem(Code::LiveAddition, "an entry that is live; this one would be added", key.to_string())
    });
    let removals = line.idle_removals.iter().map(move |key| {
        problem(Code::LiveRemoval, "an entry that is live; there is nothing to remove", key.to_string())
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Cameras,
    Locations,
}

/// What is missing, by line: the org's name, and a problem for each.
async fn absences(
    plan: &Path,
    file: &Arc<str>,
    session: &mut Session,
) -> Result<BTreeMap<u64, (String, Vec<Problem>)>, Failure> {
    let api = session.reader()?;
    let mut lines = Lines::of(plan)?;
    let mut found: BTreeMap<u64, (String, Vec<Problem>)> = BTreeMap::new();
    let stop = read_each(
        lines.by_ref().flat_map(look_ups).map(|look_up| (Some(look_up.org), look_up)),
        &mut session.gate,
        &mut session.control,
        |look_up| there(api.clone(), look_up.org, look_up.what),
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
                found
                    .entry(look_up.line)
                    .or_insert_with(|| (look_up.name.clone(), Vec::new()))
                    .1
                    .extend(problems);
            }
        },
    )
    .await;
    if let Some(reason) = stop {
        return Err(stopped(&reason));
    }
    lines.end()?;
    for (_, problems) in found.values_mut() {
        problems.sort_by_key(|problem| problem.code);
    }
    Ok(found)
}

/// The ids that the org has.
async fn there(api: ReadPort, org: Ruuid, what: What) -> Reply<HashSet<String>> {
    match what {
        What::Cameras => api.client().cameras(&org).await.map(|cameras| {
            let in_service = cameras.into_iter().filter(|camera| !camera.is_mummified);
            in_service.map(|camera| camera.id.to_string()).collect()
        }),
        What::Locations => api
            .client()
            .locations(&org)
            .await
            .map(|locations| locations.into_iter().map(|location| location.id.to_string()).collect()),
    }
}

/// Why something could not be read.
fn in_words(unread: Unread) -> String {
    match unread {
        Unread::Refused(refusal) => format!("HTTP {} {}", refusal.http_status, refusal.message),
        Unread::Throttled(throttle) => format!("HTTP {}, too often", throttle.http_status),
        Unread::Failed(unclear) => unclear.message,
        Unread::Panicked(what) => what,
        Unread::NotReached => "the check stopped before its turn".to_owned(),
    }
}

/// The calls that a line asks for: about what it names and its org didn't name yet.
fn look_ups(line: PlanLine) -> impl Iterator<Item = LookUp> {
    let (mut before, mut after) = (Named::default(), Named::default());
    for field in &line.fields {
        if let Wish::Set(value) = &field.after {
            after.take(&field.path, value);
        }
        if let Image::Json(value) = &field.before {
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
        match (path.kind(), value) {
            (Kind::Cameras, Value::Array(ids)) => {
                self.cameras.extend(ids.iter().filter_map(Value::as_str).map(ToOwned::to_owned));
            }
            (Kind::Ruuid, Value::String(id)) => {
                self.locations.insert(id.clone());
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
