//! `--online`: do the orgs, cameras and locations that the rollout names exist? For `check` what doesn't is an
//! error; beside a plan it is a warning.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use orgwave_core::code::Code;
use orgwave_core::compare::{self, Context};
use orgwave_core::desired::{Managed, Wish};
use orgwave_core::ids::{HierarchyKey, Ruuid};
use orgwave_core::manifest::{Problem, Row, Severity};
use orgwave_core::reply::{Live, Reply};
use orgwave_core::run::Exit;
use orgwave_core::settings::Kind;
use orgwave_executor::survey::{client_list, patiently};
use orgwave_reporter::terminal::{orgs, several};
use serde_json::Value;

use super::sandboxed;
use crate::args::{self, CheckArgs, OutputArgs};
use crate::connect::{Identity, ReadPort, Session};
use crate::console;
use crate::failure::Failure;
use crate::plans::{Absent, stopped};
use crate::rollout::{Rollout, rows_failure};

/// Problems that are shown before they are only counted.
const SHOWN: u64 = 1_000;

/// Asks the API about every row, and tells what isn't there.
pub async fn run(args: CheckArgs, rollout: &mut Rollout) -> Result<Exit, Failure> {
    let limits = args::pace(&args.pace, &rollout.limits)?;
    let sandbox = sandboxed::of_rollout(&args.connect, rollout, None).await?;
    // No secret is sent, so none is needed.
    let identity = Identity::of_rollout(&args.connect.key, sandbox.as_ref(), rollout.region.as_deref())?;
    let no_secrets = std::collections::BTreeMap::new();
    let mut session = Session::open(identity, &args.connect.key, limits, &no_secrets, sandbox, None)?;
    let file: Arc<str> = rollout.manifest.header().digests[0].0.clone();
    let mut problems = 0;
    let mut warnings = 0;
    let rows = each_missing(rollout, &mut session, Asked::KeysToo, |_, problem| {
        if problem.severity == Severity::Warning {
            warnings += 1;
        } else {
            problems += 1;
        }
        if args.output.json {
            console::event("problem", &problem);
        } else if problems + warnings <= SHOWN {
            console::note(&format!("{problem}\n"));
        }
    })
    .await?;
    if problems > 0 {
        console::note(&format!(
            "{}; `orgwave explain CODE` says more\n",
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

/// What the rows of a plan name and their orgs don't have. Orgs that aren't the partner's are blocked by the plan
/// itself.
///
/// # Errors
/// The API can't be used (69), the key is refused (77), a signal came (129, 130, 143).
pub async fn absent(
    rollout: &mut Rollout,
    session: &mut Session,
    output: &OutputArgs,
) -> Result<Vec<Absent>, Failure> {
    let mut all: Vec<Absent> = Vec::new();
    // Which keys aren't live stands in the plan.
    each_missing(rollout, session, Asked::IdsOnly, |row, problem| {
        let what = match problem.code {
            Code::LiveOrg => return,
            Code::LiveCamera => format!("camera {}", problem.found),
            Code::LiveLocation => format!("location {}", problem.found),
            _ => format!("{} could not be read: {}", problem.expected, problem.found),
        };
        if output.json {
            console::event("problem", &problem);
        }
        match all.last_mut().filter(|last| last.line == row.line) {
            Some(last) => last.what.push(what),
            None => {
                let name = row.name.clone().unwrap_or_else(|| row.org.to_string());
                all.push(Absent { line: row.line, name, what: vec![what] });
            }
        }
    })
    .await?;
    Ok(all)
}

/// What each org is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Its cameras and locations.
    IdsOnly,
    /// Also the keys of its maps.
    KeysToo,
}

/// Asks about every row that isn't skipped, one at a time. Returns how many rows there are.
async fn each_missing(
    rollout: &mut Rollout,
    session: &mut Session,
    asked: Asked,
    mut each: impl FnMut(&Row, Problem),
) -> Result<u64, Failure> {
    let api = session.reader()?;
    let clients = client_list(&api, &mut session.gate)
        .await
        .map(|list| list.clients)
        .map_err(|reason| stopped(&reason))?;
    let listed: HashSet<Ruuid> = clients.into_iter().map(|client| client.org).collect();
    let file: Arc<str> = rollout.manifest.header().digests[0].0.clone();
    let mut rows = 0;
    for row in rollout.manifest.rows().map_err(rows_failure)? {
        let row = row.map_err(rows_failure)?;
        rows += 1;
        if row.skip.is_some() {
            continue;
        }
        for problem in problems_of(&row, &file, &listed, &api, session).await? {
            each(&row, problem);
        }
        if asked == Asked::KeysToo && listed.contains(&row.org) {
            for problem in keys_of(&row, &file, &api, session).await? {
                each(&row, problem);
            }
        }
    }
    Ok(rows)
}

async fn problems_of(
    row: &Row,
    file: &Arc<str>,
    listed: &HashSet<Ruuid>,
    api: &ReadPort,
    session: &mut Session,
) -> Result<Vec<Problem>, Failure> {
    let problem = |code, expected: &'static str, found: String| {
        Problem::new(code, file, expected, found).at(row.line).of(Some(row.org.as_str()))
    };
    if !listed.contains(&row.org) {
        return Ok(vec![problem(Code::LiveOrg, "an org of the partner's client list", row.org.to_string())]);
    }
    let named = Named::by(&row.desired.managed);
    let mut problems = Vec::new();
    if !named.cameras.is_empty() {
        let reply = patiently(&mut session.gate, || api.client().cameras(&row.org)).await;
        match of_org(reply)? {
            Ok(cameras) => {
                let there: HashSet<&str> = cameras
                    .iter()
                    .filter(|camera| !camera.is_mummified)
                    .map(|camera| camera.id.as_str())
                    .collect();
                let missing = named.cameras.iter().filter(|id| !there.contains(id.as_str()));
                problems
                    .extend(missing.map(|id| problem(Code::LiveCamera, "a camera of the org", id.clone())));
            }
            Err(why) => problems.push(problem(Code::LiveUnknown, "the org's cameras", why)),
        }
    }
    if !named.locations.is_empty() {
        let reply = patiently(&mut session.gate, || api.client().locations(&row.org)).await;
        match of_org(reply)? {
            Ok(locations) => {
                let there: HashSet<&str> = locations.iter().map(|location| location.id.as_str()).collect();
                let missing = named.locations.iter().filter(|id| !there.contains(id.as_str()));
                problems.extend(
                    missing.map(|id| problem(Code::LiveLocation, "a location of the org", id.clone())),
                );
            }
            Err(why) => problems.push(problem(Code::LiveUnknown, "the org's locations", why)),
        }
    }
    Ok(problems)
}

/// The keys that a row names and that aren't live in its org.
async fn keys_of(
    row: &Row,
    file: &Arc<str>,
    api: &ReadPort,
    session: &mut Session,
) -> Result<Vec<Problem>, Failure> {
    if row.desired.managed.iter().all(|managed| managed.path.key().is_none()) {
        return Ok(Vec::new());
    }
    let problem = |code, expected: &'static str, found: String| {
        Problem::new(code, file, expected, found).at(row.line).of(Some(row.org.as_str()))
    };
    let reply = patiently(&mut session.gate, || api.client().settings(&row.org)).await;
    let live = match of_org(reply)? {
        Ok(Live::Connected(live, _)) => live,
        // A plan blocks it.
        Ok(Live::NotConnected(_)) => return Ok(Vec::new()),
        Err(why) => return Ok(vec![problem(Code::LiveUnknown, "the org's settings", why)]),
    };
    let seal = session.seal("");
    let context = Context { secrets: &session.secrets, seal: &seal };
    let unknown = match compare::diff(&row.desired, Some(&live), context) {
        Ok(diff) => diff.unknown,
        Err(shape) => return Ok(vec![problem(Code::LiveUnknown, "the org's settings", shape.to_string())]),
    };
    let additions = unknown.additions.iter().map(|key| {
        problem(Code::LiveAddition, "an entry that is live; this one would be added", key.to_string())
    });
    let removals = unknown.idle_removals.iter().map(|key| {
        problem(Code::LiveRemoval, "an entry that is live; there is nothing to remove", key.to_string())
    });
    Ok(additions.chain(removals).collect())
}

/// What a call about one org came to: the answer, or why there is none; or the end of the command.
fn of_org<T>(reply: Result<Reply<T>, orgwave_core::run::StopReason>) -> Result<Result<T, String>, Failure> {
    Ok(match reply.map_err(|reason| stopped(&reason))? {
        Reply::Good(answer) => Ok(answer),
        Reply::Refused(refusal) | Reply::Unauthorized(refusal) => {
            Err(format!("HTTP {} {}", refusal.http_status, refusal.message))
        }
        Reply::Throttled(throttle) => Err(format!("HTTP {}, too often", throttle.http_status)),
        Reply::NotSent(why) => Err(why),
        Reply::Unclear(unclear) => Err(unclear.message),
    })
}

/// The ids that a row wants to be there.
#[derive(Default)]
struct Named {
    cameras: BTreeSet<String>,
    locations: BTreeSet<String>,
}

impl Named {
    fn by(managed: &[Managed]) -> Self {
        let mut named = Self::default();
        for managed in managed {
            let Wish::Set(value) = &managed.wish else { continue };
            match (managed.path.kind(), value) {
                (Kind::Cameras, Value::Array(ids)) => {
                    named.cameras.extend(ids.iter().filter_map(Value::as_str).map(ToOwned::to_owned));
                }
                (Kind::Ruuid, Value::String(id)) => {
                    named.locations.insert(id.clone());
                }
                (Kind::HierarchyKey, Value::String(key)) => {
                    if let Ok(key) = key.parse::<HierarchyKey>() {
                        named.locations.extend(key.parts().map(|part| part.to_string()));
                    }
                }
                _ => {}
            }
        }
        named
    }
}
