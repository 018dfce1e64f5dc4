//! Makes a plan: reads every org of a rollout, compares, and writes down what is to be done.

use std::cell::RefCell;
use std::path::Path;

use orgwave_core::code::Code;
use orgwave_core::compare::{self, Context as Comparing, Ownership};
use orgwave_core::event::{EventKind, EventSink};
use orgwave_core::manifest::{LimitValue, Row};
use orgwave_core::outcome::Complaint;
use orgwave_core::plan::{FORMAT, Header, PlanLine, RawTyped, SideColumns, Verdict};
use orgwave_core::policy::{Waves, WriteMode};
use orgwave_core::run::{Exit, StopReason};
use orgwave_core::secret::SealKey;
use orgwave_core::settings::RawObject;
use orgwave_executor::ports::Clock as _;
use orgwave_executor::pump::Context;
use orgwave_executor::survey::{Finding, survey};
use serde_json::Value;

use super::draft::{Draft, Made};
use super::idle::warn_if_idle;
use super::unjudged::settings;
use crate::args::{PlanPolicy, SelectArgs};
use crate::clients::{self, Clients};
use crate::connect::Session;
use crate::failure::Failure;
use crate::hold::{self, Step};
use crate::rollout::{Rollout, rows_failure};
use crate::selection::Selection;

/// What a plan that is to be made will be.
pub struct NewPlan<'a> {
    /// Its file.
    pub path: &'a Path,
    /// Its id.
    pub id: String,
    /// Whether its pages are begun on the way.
    pub is_reviewed: bool,
}

/// Makes the plan of a rollout and writes it to `path`, durably. Sends only reads.
///
/// # Errors
/// The rollout changed (65), the API can't be used (69), the key is refused (77), a signal came (129, 130, 143),
/// the plan can't be written (74).
pub async fn make(
    rollout: &mut Rollout,
    policy: &PlanPolicy,
    select: &SelectArgs,
    session: &mut Session,
    NewPlan { path, id: plan_id, is_reviewed }: NewPlan<'_>,
    sink: &mut dyn EventSink,
) -> Result<Made, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let seal = session.seal(&plan_id);
    let waves = waves_of(policy, rollout)?;
    let created = session.gate.clock().now();

    let select = Selection::of(select)?;
    let reads = policy.write.reads();
    let listed = if reads || rollout.manifest.header().has_names {
        let api = session.reader()?;
        let list = clients::ask(&api, session).await.map_err(|reason| stopped(&reason))?;
        Some(Clients::new(list))
    } else {
        None
    };
    select.must_match(|see| {
        for row in rollout.manifest.rows().map_err(rows_failure)? {
            let row = row.map_err(rows_failure)?;
            see((&row.org, [row.name.as_deref(), listed.as_ref().and_then(|listed| listed.name(&row.org))]));
        }
        Ok(())
    })?;

    let draft = RefCell::new(Draft::in_folder(folder)?);
    let total = rollout.manifest.header().rows;
    Context::new(session.gate.clock().now(), sink).emit(EventKind::PlanStarted { orgs: total });
    let planner = Planner { listed: listed.as_ref(), select, policy, secrets: &session.secrets, seal: &seal };
    let mut ended = None;
    {
        let mut rows = (0u32..).zip(rollout.manifest.rows().map_err(rows_failure)?);
        // Rows that need no read go straight to the spool; the others are read.
        let to_read = std::iter::from_fn(|| {
            loop {
                let (index, row) = rows.next()?;
                match row {
                    Err(error) => {
                        ended = Some(rows_failure(error));
                        return None;
                    }
                    Ok(row) => {
                        let org = row.org;
                        match planner.without_reading(row) {
                            Ok(line) => draft.borrow_mut().put(index, line),
                            Err(row) => return Some((org, (index, row))),
                        }
                    }
                }
            }
        });
        let api = session.reader()?;
        let stop = survey(
            to_read,
            &api,
            &mut session.gate,
            &mut session.control,
            sink,
            |(index, row): &(u32, Box<Row>), finding, cx| {
                let line = planner.by_finding(row, finding);
                cx.emit(EventKind::OrgPlanned {
                    index: *index,
                    org: row.org,
                    verdict: line.verdict,
                    changes: u32::try_from(line.fields.iter().filter(|field| field.differs()).count())
                        .unwrap_or(u32::MAX),
                    code: line.complaint.as_ref().map(|complaint| complaint.code),
                });
                draft.borrow_mut().put(*index, line);
                hold::at(Step::OrgPlanned);
            },
        )
        .await;
        if let Some(reason) = stop {
            return Err(stopped(&reason));
        }
    }
    if let Some(failure) = ended {
        return Err(failure);
    }
    rollout.still_the_same()?;

    let header = header_of(rollout, policy, session, plan_id, waves, created);
    let made = draft.into_inner().finish(header, &seal, path, is_reviewed)?;
    warn_if_idle(&made.plan);
    let (plan_id, updates) = (made.plan.header.plan_id.clone(), made.plan.footer.updates);
    Context::new(session.gate.clock().now(), sink).emit(EventKind::PlanFinished { plan_id, updates });
    Ok(made)
}

/// Decides on one row at a time.
struct Planner<'a> {
    listed: Option<&'a Clients>,
    select: Selection,
    policy: &'a PlanPolicy,
    secrets: &'a orgwave_core::secret::Secrets,
    seal: &'a SealKey,
}

impl Planner<'_> {
    fn comparing(&self) -> Comparing<'_> {
        Comparing { secrets: self.secrets, seal: self.seal }
    }

    /// The line of a row that needs no read; or the row, to be read.
    fn without_reading(&self, row: Row) -> Result<PlanLine, Box<Row>> {
        let live_name = self.listed.and_then(|listed| listed.name(&row.org));
        let deselected = self.select.skips((&row.org, [row.name.as_deref(), live_name]));
        if let Some(reason) = row.skip.clone().or(deselected.map(ToOwned::to_owned)) {
            let mut line = self.line(&row, Verdict::Skipped);
            line.skip = Some(reason);
            return Ok(line);
        }
        let judged = self.listed.map_or(Ok(()), |listed| listed.judge(&row.org, row.name.as_deref()));
        if let Err(complaint) = judged {
            let mut line = self.line(&row, Verdict::Blocked);
            line.complaint = Some(complaint);
            return Ok(line);
        }
        if self.policy.write.reads() { Err(Box::new(row)) } else { Ok(self.unread(&row)) }
    }

    /// The line of a row that is written without being read.
    fn unread(&self, row: &Row) -> PlanLine {
        let diff = compare::diff(&row.desired, None, self.comparing())
            .expect("nothing was read that could have a shape");
        let mut line = self.line(row, if diff.differs { Verdict::Update } else { Verdict::Unchanged });
        line.fields = diff.fields;
        line
    }

    /// The line of a row whose org was read, or could not be.
    fn by_finding(&self, row: &Row, finding: Finding) -> PlanLine {
        let judged = settings(finding).and_then(|object| {
            self.by_settings(row, &object).map_err(|complaint| (Verdict::Blocked, complaint))
        });
        judged.unwrap_or_else(|(verdict, complaint)| {
            let mut line = self.line(row, verdict);
            line.complaint = Some(complaint);
            line
        })
    }

    fn by_settings(&self, row: &Row, object: &RawObject) -> Result<PlanLine, Complaint> {
        let ownership = compare::whose(&row.org, object)?;
        let diff = compare::diff(&row.desired, Some(object), self.comparing()).map_err(|shape| {
            Complaint { code: Code::OrgShape, message: shape.to_string(), http_status: None }
        })?;
        let mut line = self.line(row, if diff.differs { Verdict::Update } else { Verdict::Unchanged });
        line.unproven = ownership == Ownership::Unproven;
        line.fields = diff.fields;
        line.additions = diff.unknown.additions;
        line.idle_removals = diff.unknown.idle_removals;
        if diff.differs {
            let hazard = match self.policy.write {
                WriteMode::Merge => {
                    compare::echo_hazard(object, row.desired.managed.iter().map(|managed| &managed.path))
                }
                WriteMode::Patch | WriteMode::NoRead => None,
            };
            if let Some(complaint) = diff.broken.or(hazard) {
                line.verdict = Verdict::Blocked;
                line.action = Verdict::Blocked.action();
                line.complaint = Some(complaint);
            }
        }
        Ok(line)
    }

    fn line(&self, row: &Row, verdict: Verdict) -> PlanLine {
        let live_name = || self.listed?.name(&row.org).map(ToOwned::to_owned);
        PlanLine {
            line: row.line,
            org: row.org,
            name: row.name.clone().or_else(live_name),
            // The manifest's own, until waves are dealt out.
            wave: row.wave,
            skip: row.skip.clone(),
            note: row.note.clone(),
            carried: row.carried.clone(),
            verdict,
            action: verdict.action(),
            complaint: None,
            unproven: false,
            additions: Vec::new(),
            idle_removals: Vec::new(),
            expects: row.desired.expects.clone(),
            secrets: row
                .desired
                .managed
                .iter()
                .filter_map(|managed| match &managed.wish {
                    orgwave_core::desired::Wish::Secret(name) => Some(name.clone()),
                    _ => None,
                })
                .collect(),
            fields: Vec::new(),
            typed: RawTyped::from(&row.typed),
        }
    }
}

/// The sizes of the waves of the rows that the manifest doesn't pin; `None` where it pins every row.
fn waves_of(policy: &PlanPolicy, rollout: &Rollout) -> Result<Option<Waves>, Failure> {
    let manifest = rollout.manifest.header();
    let all_pinned = manifest.pinned == manifest.rows;
    if all_pinned && policy.waves_by_flag {
        return Err(Failure::usage("--waves has no effect: the manifest's column wave pins every row"));
    }
    Ok((!all_pinned).then(|| policy.waves.clone().unwrap_or_default()))
}

fn header_of(
    rollout: &Rollout,
    policy: &PlanPolicy,
    session: &Session,
    plan_id: String,
    waves: Option<Waves>,
    created: orgwave_core::timestamp::Timestamp,
) -> Header {
    let manifest = rollout.manifest.header();
    let limit = |value: &LimitValue| match value {
        LimitValue::Flag(flag) => Value::Bool(*flag),
        LimitValue::Text(text) => Value::String(text.clone()),
        LimitValue::List(parts) => Value::from(parts.clone()),
    };
    Header {
        format: FORMAT,
        plan_id,
        created,
        expires: created.plus(policy.expires),
        tool: concat!("orgwave ", env!("CARGO_PKG_VERSION")).to_owned(),
        endpoint: session.endpoint.clone(),
        key_fingerprint: session.key_fingerprint(),
        inputs: rollout.digests(),
        write: policy.write,
        verify: policy.verify,
        waves,
        max_failures: policy.max_failures,
        columns: manifest.columns.clone(),
        carried: manifest.carried.clone(),
        sides: manifest
            .sides
            .iter()
            .map(|(table, columns)| SideColumns { table: *table, columns: columns.clone() })
            .collect(),
        settings: rollout.settings.clone(),
        limits: rollout.limits.iter().map(|(name, value)| (name.clone(), limit(value))).collect(),
        allow: policy.allow.clone(),
        undoes: None,
        sandbox: session
            .sandbox
            .is_some()
            .then(|| rollout.sandbox.clone().unwrap_or_else(|| serde_json::json!({}))),
    }
}

/// What a stop while planning ends with: nothing was planned, nothing was written.
pub fn stopped(reason: &StopReason) -> Failure {
    let exit = match reason {
        StopReason::KeyRefused => Exit::KeyRefused,
        StopReason::Interrupted => Exit::Interrupted,
        StopReason::Terminated => Exit::Terminated,
        StopReason::HungUp => Exit::HungUp,
        StopReason::MaxDuration => Exit::MaxDuration,
        StopReason::JournalFailed(_) => Exit::CannotWrite,
        StopReason::Unreachable(_)
        | StopReason::Unusable(_)
        | StopReason::Redirected(_)
        | StopReason::BudgetSpent
        | StopReason::CanaryStopped(_)
        | StopReason::CanariesRejected
        | StopReason::CanaryDisturbed(_)
        | StopReason::Expired => Exit::Unreachable,
    };
    let failure = Failure::new(exit, reason.to_string());
    match reason {
        StopReason::KeyRefused => failure
            .hint("is it a partner's key, and of this region? (a key belongs to one region: --region us|eu)"),
        StopReason::Unreachable(why) if why.contains("UnknownIssuer") => failure.hint(
            "the certificate's authority is not trusted here; if it is your company's (a gateway, a proxy that looks \
             into TLS), name it by --ca-file FILE",
        ),
        StopReason::Unreachable(why) if why.contains("CertificateRequired") => failure
            .hint("the server asks for a client certificate: --client-cert FILE and --client-key FILE give one"),
        // As reqwest names what failed on the way through a proxy.
        StopReason::Unreachable(why) if why.contains("tunnel error") || why.contains("socks") => failure.hint(
            "the proxy refuses, or can't be reached: `orgwave doctor` says which one is in force; --no-proxy or NO_PROXY \
             goes around it",
        ),
        _ => failure,
    }
}
