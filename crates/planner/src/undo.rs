//! The plan that restores what a run changed.

use std::cell::RefCell;
use std::time::Duration;

use orgwave_core::change::{Before, changes};
use orgwave_core::compare::{Ownership, Restoration, check_owner, restore};
use orgwave_core::event::EventKind;
use orgwave_core::operation::{Operations, Path};
use orgwave_core::outcome::OrgError;
use orgwave_core::payload::unreadable;
use orgwave_core::plan::{FORMAT, Header, InputDigest, PlanLine, PlannedStep, RawTyped, Typed, Verdict};
use orgwave_core::policy::{FailureBudget, VerifyPolicy, Waves, WriteMode};
use orgwave_core::run::RunHeader;
use orgwave_core::secret::SealKey;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::ports::{Clock, ReadApi};
use orgwave_executor::survey::{Finding, Findings};

use crate::TOOL;
use crate::error::Error;
use crate::finding::{misshapen, settings};
use crate::plan::{Draft, NewPlan, OpenPlan};
use crate::reads::Reads;
use crate::selection::Selection;

/// A run that is taken back.
pub struct Undone<'a> {
    /// The run.
    pub run: &'a RunHeader,
    /// Its plan's header, if that can still be read.
    pub plan: Option<Header>,
    /// What sealed its plan: before-images of secrets are fingerprints under it.
    pub seal: &'a SealKey,
    /// How long the new plan may be applied.
    pub expires: Duration,
}

/// An org in which a run wrote something that may be live.
#[derive(Debug)]
pub struct Changed {
    /// Its line of the run's plan.
    pub line: PlanLine,
    /// The places of the steps that did, and what was there before each; fits the line.
    pub steps: Vec<(u8, Before)>,
}

/// What an undo leaves as it is: fields, counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unrestored {
    /// They are as before already.
    pub back_already: usize,
    /// Another writer changed them since.
    pub changed_since: usize,
    /// Their old values are kept nowhere.
    pub secrets: usize,
    /// Their old values wouldn't bring back what their change destroyed.
    pub irreversible: usize,
}

impl Unrestored {
    fn count(&mut self, restoration: &Restoration) {
        self.back_already += restoration.back_already.len();
        self.changed_since += restoration.changed_since.len();
        self.secrets += restoration.secrets.len();
        self.irreversible += restoration.irreversible.len();
    }
}

/// Whether the run is one that can be taken back.
///
/// # Errors
/// [`Error::NeverRead`].
pub fn check(run: &RunHeader) -> Result<(), Error> {
    if run.write.reads() { Ok(()) } else { Err(Error::NeverRead) }
}

/// Reads every org that the run changed, one at a time as there is room for it, and writes the plan. Returns it, and what
/// it leaves as it is.
///
/// # Errors
/// What `changed` fails with; the API can't be used or the user asked for a stop; the plan can't be written.
pub async fn make<C: Clock, A: ReadApi, E: From<Error>>(
    undone: Undone<'_>,
    changed: impl Iterator<Item = Result<Changed, E>>,
    select: &Selection,
    new: NewPlan<'_>,
    reads: &mut Reads<'_, C, A>,
) -> Result<(OpenPlan, Unrestored), E> {
    let created = reads.gate.clock().now();
    let is_selected = |line: &PlanLine| select.skips((&line.org, [line.name.as_deref(), None])).is_none();
    let mut failed = None;
    let to_undo = changed
        .map_while(|changed| changed.map_err(|error| failed = Some(error)).ok())
        .filter(|changed| is_selected(&changed.line));

    // The last step is taken back first.
    let operations = reads.operations.reversed();
    let header = header(&undone, &operations, &new, created);
    let draft = RefCell::new(Draft::begin(new.path, header, new.seal)?);
    let mut unrestored = Unrestored::default();
    let read = reads
        .each_org(
            (0..).zip(to_undo).map(|(index, changed)| {
                let last = operations.count() - 1;
                let reads = operations.reads(changed.steps.iter().map(|(place, _)| last - place));
                (changed.line.org, reads, (index, changed))
            }),
            |(index, changed): &(u32, Changed), findings, cx| {
                let line = undo_line(&operations, changed, findings, undone.seal, &mut unrestored);
                cx.emit(EventKind::OrgPlanned {
                    index: *index,
                    org: line.org,
                    verdict: line.verdict,
                    changes: u32::try_from(line.fields().count()).unwrap_or(u32::MAX),
                    code: line.error().map(|org_error| org_error.code),
                });
                draft.borrow_mut().put(*index, line);
            },
        )
        .await;
    read?;
    if let Some(error) = failed {
        return Err(error);
    }
    let plan = draft.into_inner().finish()?;
    Ok((plan, unrestored))
}

fn header(undone: &Undone<'_>, operations: &Operations, new: &NewPlan<'_>, created: Timestamp) -> Header {
    let Undone { run, plan, expires, .. } = undone;
    // What may change by itself does so with an undo's writes, too.
    let limits = plan.iter().flat_map(|plan| &plan.limits).filter(|(name, _)| *name == "ignore");
    Header {
        format: FORMAT,
        plan_id: new.id.clone(),
        created,
        expires: created.plus(*expires),
        tool: TOOL.to_owned(),
        endpoint: new.endpoint.clone(),
        key_fingerprint: new.key_fingerprint.clone(),
        inputs: vec![InputDigest { name: format!("run {}", run.run_id), sha256: run.plan_seal.clone() }],
        operations: operations.digests(),
        // What one step leaves is no reason to leave the others.
        keep_going: operations.are_several(),
        write: match run.write {
            WriteMode::NoRead | WriteMode::Patch => WriteMode::Patch,
            WriteMode::Merge => WriteMode::Merge,
        },
        verify: VerifyPolicy::All,
        waves: Some(Waves::default()),
        max_failures: FailureBudget::default(),
        columns: vec!["org_uuid".to_owned(), "org_name".to_owned(), "note".to_owned()],
        carried: Vec::new(),
        sides: Vec::new(),
        settings: [].into(),
        defaults: [].into(),
        operation: None,
        limits: limits.map(|(name, value)| (name.clone(), value.clone())).collect(),
        allow: Vec::new(),
        undoes: Some(run.run_id.clone()),
        sandbox: None,
    }
}

fn undo_line(
    operations: &Operations,
    changed: &Changed,
    mut findings: Findings,
    seal: &SealKey,
    unrestored: &mut Unrestored,
) -> PlanLine {
    let Changed { line, steps } = changed;
    let mut undone = PlanLine {
        name: line.name.clone(),
        typed: RawTyped::from(&Typed {
            row: vec![line.org.to_string(), line.name.clone().unwrap_or_default(), String::new()],
            sides: Vec::new(),
        }),
        ..PlanLine::new(line.line, line.org, Verdict::Unchanged)
    };
    let mut notes = Vec::new();
    for (place, operation) in operations.iter() {
        let was_at = operations.count() - 1 - place;
        let written = line.step(was_at).zip(steps.iter().find(|(step, _)| *step == was_at));
        let Some((written, (_, before))) = written else { continue };
        let mut step = PlannedStep::new(operation, place, Verdict::Unchanged);
        match restored(&mut step, written, before, line, findings.take(operation), seal) {
            Err((verdict, org_error)) => step.stop(verdict, org_error),
            Ok(restoration) => {
                unrestored.count(&restoration);
                if !restoration.fields.is_empty() {
                    step.verdict = Verdict::Update;
                }
                let name = operations.are_several().then_some(&*operation.name);
                notes.extend(note(&restoration).map(|note| match name {
                    Some(name) => format!("{name}: {note}"),
                    None => note,
                }));
                step.fields = restoration.fields;
            }
        }
        undone.steps.push(step);
    }
    undone.note = (!notes.is_empty()).then(|| notes.join("; "));
    undone.judge(operations.are_several());
    undone
}

/// What takes a step back, by what is live.
fn restored(
    step: &mut PlannedStep,
    written: &PlannedStep,
    before: &Before,
    line: &PlanLine,
    finding: Finding,
    seal: &SealKey,
) -> Result<Restoration, (Verdict, OrgError)> {
    let operation = &written.operation;
    let object = settings(operation, finding)?;
    let blocked = |org_error| (Verdict::Blocked, org_error);
    step.unproven = check_owner(operation, &line.org, &object).map_err(blocked)? == Ownership::Unproven;
    let restoration =
        restore(operation, changes(written, before), &object, seal).map_err(misshapen).map_err(blocked)?;
    step.unreadable = unreadable(operation, &object, restoration.fields.iter().map(|field| &field.path));
    Ok(restoration)
}

fn note(restoration: &Restoration) -> Option<String> {
    let Restoration { fields: _, back_already, changed_since, secrets, irreversible } = restoration;
    let names = |paths: &[Path]| paths.iter().map(Path::to_string).collect::<Vec<_>>().join(", ");
    let mut parts: Vec<String> = [
        ("already reverted", back_already),
        ("changed since, not restored", changed_since),
        ("secrets, not restorable", secrets),
    ]
    .into_iter()
    .filter(|(_, paths)| !paths.is_empty())
    .map(|(what, paths)| format!("{what}: {}", names(paths)))
    .collect();
    for lost in irreversible.chunk_by(|(_, left), (_, right)| left == right) {
        let (paths, words): (Vec<Path>, Vec<&str>) =
            lost.iter().map(|(path, words)| (path.clone(), &**words)).unzip();
        parts.push(format!("irreversible, not restored: {} ({})", names(&paths), words[0]));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
