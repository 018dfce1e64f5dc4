//! `orgwave verify ROLLOUT` and `orgwave verify RUN`: what is live, held against what was wanted. Sends no
//! write: its session has no way to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use orgwave_core::change::changes;
use orgwave_core::compare::{drift, whose};
use orgwave_core::outcome::{Complaint, Image};
use orgwave_core::plan::{PlanLine, PlannedField, RawTyped, Verdict};
use orgwave_core::run::Exit;
use orgwave_core::settings::Path as SettingPath;
use orgwave_core::status::Status;
use orgwave_executor::survey::survey;
use orgwave_journal::FILE_NAME;
use orgwave_reporter::terminal::{clean, orgs};
use serde::Serialize;
use serde_json::json;

use super::execution::say;
use super::listeners::Listeners;
use crate::args::{self, GuardArgs, SelectArgs, VerifyArgs, WriteArgs};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::console;
use crate::failure::Failure;
use crate::plans::{each_line, header_of, make, settings, stopped};
use crate::rollout::{self, Telling};
use crate::runs::{PLAN_FILE, find, new_name, prove};

/// Orgs that are listed one by one.
const SHOWN: u64 = 50;

/// Verifies a rollout or a run.
pub async fn run(args: VerifyArgs) -> Result<Exit, Failure> {
    let findings = match run_folder(&args) {
        Some(folder) => of_run(&args, &folder).await?,
        None => of_rollout(&args).await?,
    };
    Ok(findings.tell(&args))
}

/// A run is a folder with a journal, or the id of one.
fn run_folder(args: &VerifyArgs) -> Option<PathBuf> {
    let by_id = args.output.reports.join(&args.target);
    [args.target.clone(), by_id].into_iter().find(|path| path.join(FILE_NAME).exists())
}

async fn of_rollout(args: &VerifyArgs) -> Result<Findings, Failure> {
    let telling = if args.output.json { Telling::Json } else { Telling::People };
    let mut rollout = rollout::open(&args.target, &args.input, telling)?;
    let limits = args::pace(&args.pace, &rollout.limits)?;
    let mut policy = args::plan_policy(&WriteArgs::default(), &GuardArgs::default(), &rollout.limits)?;
    if !policy.write.reads() {
        // To verify is to read, however the rollout is written.
        policy.write = orgwave_core::policy::WriteMode::Patch;
    }
    let identity = Identity::of_rollout(&args.key, None, rollout.region.as_deref())?;
    let needed = &rollout.manifest.header().secrets;
    let mut session = Session::open(identity, &args.key, limits, needed, None, None)?;
    // A plan that nobody keeps.
    let folder = tempfile::tempdir().map_err(|error| Failure::cannot_write(&std::env::temp_dir(), error))?;
    let path = folder.path().join(PLAN_FILE);
    let mut listeners = Listeners::new(&args.output, None)?;
    let id = new_name(clock::now());
    let made =
        make(&mut rollout, &policy, &SelectArgs::default(), &mut session, &path, id, &mut listeners.sink())
            .await;
    listeners.finish()?;
    made?;
    let mut findings = Findings::default();
    each_line(&path, |line| {
        let drifted = |field: &&PlannedField| field.differs() && field.before != Image::Hidden;
        let drifts = line.fields.iter().filter(drifted);
        let drifts = drifts.map(|field| Drift::of(field, &field.before)).collect();
        match line.verdict.status() {
            Some(Status::Skipped) => {}
            Some(status @ (Status::Blocked | Status::Rejected | Status::Failed | Status::NotAttempted)) => {
                // A guard that only keeps from writing is no reason not to judge.
                let complaint = line.complaint.clone();
                findings.unjudged(&line, status, complaint);
            }
            _ => findings.judged(&line, drifts),
        }
    })?;
    Ok(findings)
}

async fn of_run(args: &VerifyArgs, folder: &Path) -> Result<Findings, Failure> {
    let run = find(folder, &args.output.reports)?;
    run.not_of_sandbox("verified")?;
    let identity = Identity::of(&args.key, None)?;
    if run.header.endpoint != identity.endpoint() || run.header.key_fingerprint != identity.key_fingerprint()
    {
        return Err(Failure::new(
            Exit::PlanRefused,
            format!(
                "the run is at {} with its own key, and this is another key or endpoint",
                run.header.endpoint
            ),
        )
        .hint("verify the rollout instead"));
    }
    let plan = run.path.join(PLAN_FILE);
    let limits = args::pace(&args.pace, &crate::plans::limits_of(&header_of(&plan)?))?;
    let mut session = Session::open(identity, &args.key, limits, &BTreeMap::new(), None, None)?;
    let seal = session.seal(&run.header.plan_id);
    prove(&run.path, &run.header, &seal)?;
    let mut lines = Vec::new();
    each_line(&plan, |line| {
        if matches!(line.verdict, Verdict::Update | Verdict::Unchanged) {
            // What was typed isn't needed, and a run may have many rows.
            lines.push((line.org, PlanLine { typed: RawTyped::default(), ..line }));
        }
    })?;
    let api = session.reader()?;
    let mut listeners = Listeners::new(&args.output, None)?;
    let mut findings = Findings::default();
    let stop = survey(
        lines.into_iter(),
        &api,
        &mut session.gate,
        &mut session.control,
        &mut listeners.sink(),
        |line, finding, _| {
            let drifted = settings(finding).and_then(|object| {
                whose(&line.org, &object)
                    .and_then(|_| {
                        drift(&line.fields, &object, &seal).map_err(|shape| Complaint {
                            code: orgwave_core::code::Code::OrgShape,
                            message: shape.to_string(),
                            http_status: None,
                        })
                    })
                    .map_err(|complaint| (Verdict::Blocked, complaint))
            });
            match drifted {
                Ok(seen) => {
                    let drifts = changes(&line.fields, &seen).flatten();
                    findings.judged(line, drifts.map(|drift| Drift::of(drift.field, drift.before)).collect());
                }
                Err((verdict, complaint)) => {
                    let status = verdict.status().unwrap_or(Status::Failed);
                    findings.unjudged(line, status, Some(complaint));
                }
            }
        },
    )
    .await;
    listeners.finish()?;
    stop.map_or(Ok(findings), |reason| Err(stopped(&reason)))
}

/// A managed path that is not as wanted.
#[derive(Serialize)]
struct Drift {
    path: SettingPath,
    /// What is live.
    before: Image,
    /// What is wanted.
    after: Image,
}

impl Drift {
    fn of(field: &PlannedField, live: &Image) -> Self {
        Self { path: field.path.clone(), before: live.clone(), after: field.after_image() }
    }
}

/// What was found, org by org; told in the manifest's order.
#[derive(Default)]
struct Findings {
    as_wanted: u64,
    drifted: BTreeMap<u64, (PlanLine, Vec<Drift>)>,
    unjudged: BTreeMap<u64, (PlanLine, Status, Option<Complaint>)>,
}

impl Findings {
    fn judged(&mut self, line: &PlanLine, drifts: Vec<Drift>) {
        if drifts.is_empty() {
            self.as_wanted += 1;
        } else {
            self.drifted.insert(line.line, (line.clone(), drifts));
        }
    }

    fn unjudged(&mut self, line: &PlanLine, status: Status, complaint: Option<Complaint>) {
        self.unjudged.insert(line.line, (line.clone(), status, complaint));
    }

    fn exit(&self) -> Exit {
        let refused = |status: &Status| matches!(status, Status::Blocked | Status::Rejected);
        if self.unjudged.values().any(|(_, status, _)| refused(status)) {
            Exit::SomeRefused
        } else if !self.unjudged.is_empty() {
            Exit::TryAgain
        } else if !self.drifted.is_empty() {
            Exit::Changes
        } else {
            Exit::Done
        }
    }

    fn tell(&self, args: &VerifyArgs) -> Exit {
        let exit = self.exit();
        if args.output.json {
            self.as_json();
        } else if !(args.output.quiet && exit == Exit::Done) {
            self.in_words(args);
        }
        exit
    }

    fn as_json(&self) {
        for (line, drifts) in self.drifted.values() {
            let text =
                json!({"line": line.line, "org_uuid": line.org, "org_name": line.name, "drift": drifts});
            console::out(&format!("{text}\n"));
        }
        for (line, status, complaint) in self.unjudged.values() {
            let text = json!({"line": line.line, "org_uuid": line.org, "org_name": line.name, "status": status, "error": complaint});
            console::out(&format!("{text}\n"));
        }
    }

    fn in_words(&self, args: &VerifyArgs) {
        let mut shown = 0;
        for (line, drifts) in self.drifted.values() {
            let name = clean(line.name.as_deref().unwrap_or(line.org.as_str()));
            for drift in drifts {
                shown += 1;
                if shown <= SHOWN {
                    say(
                        &format!(
                            "line {}, {name}: {} is {}, wanted {}\n",
                            line.line,
                            clean(&drift.path.to_string()),
                            shown_as(&drift.before),
                            shown_as(&drift.after),
                        ),
                        &args.output,
                    );
                }
            }
        }
        if shown > SHOWN {
            say(&format!("... and {} more; --json tells all\n", shown - SHOWN), &args.output);
        }
        for (line, status, complaint) in self.unjudged.values().take(20) {
            let name = clean(line.name.as_deref().unwrap_or(line.org.as_str()));
            let why = complaint.as_ref().map_or_else(String::new, |complaint| {
                format!(": {} {}", complaint.code, clean(&complaint.message))
            });
            say(&format!("line {}, {name}: could not be judged, {status}{why}\n", line.line), &args.output);
        }
        say(
            &format!(
                "{} as wanted, {} drifted, {} could not be judged\n",
                orgs(self.as_wanted),
                self.drifted.len(),
                self.unjudged.len(),
            ),
            &args.output,
        );
    }
}

fn shown_as(image: &Image) -> String {
    match image {
        Image::Absent => "absent".to_owned(),
        Image::Json(value) => {
            let text = value.to_string();
            let text = clean(&text);
            if text.chars().count() > 80 {
                format!("{}…", text.chars().take(80).collect::<String>())
            } else {
                text.into_owned()
            }
        }
        Image::Secret(_) | Image::Hidden => "a secret".to_owned(),
    }
}
