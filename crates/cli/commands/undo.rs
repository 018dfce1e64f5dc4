//! `orgwave undo RUN`: the plan that restores what a run changed. Sends no write; `apply` does, once it was
//! reviewed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use orgwave_core::code::Code;
use orgwave_core::compare::{Ownership, Restoration, restore, whose};
use orgwave_core::event::EventKind;
use orgwave_core::legible::ShowPath as _;
use orgwave_core::outcome::Complaint;
use orgwave_core::plan::{FORMAT, Header, InputDigest, PlanLine, RawTyped, Typed, Verdict};
use orgwave_core::policy::{FailureBudget, VerifyPolicy, Waves, WriteMode};
use orgwave_core::run::Exit;
use orgwave_core::secret::SealKey;
use orgwave_core::settings::Path;
use orgwave_executor::ports::Clock as _;
use orgwave_executor::survey::{Finding, survey};
use orgwave_reporter::terminal::several;
use orgwave_reporter::{Record, Records};

use super::execution::say;
use super::listeners::Listeners;
use super::review::{show, to_acknowledge};
use crate::args::{self, UndoArgs, path_again};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::failure::Failure;
use crate::plans::{Draft, Made, Place, header_of, settings, stopped};
use crate::runs::{PLAN_FILE, RunFiles, RunFolder, find, new_name, prove};
use crate::selection::Selection;

/// Makes the plan.
pub async fn run(args: UndoArgs) -> Result<Exit, Failure> {
    let run = find(&args.run, &args.output.reports)?;
    run.not_of_sandbox("undone")?;
    let identity = Identity::of(&args.key, None)?;
    may_undo(&run, &identity)?;
    let limits = args::pace(&args.pace, &BTreeMap::new())?;
    let mut session = Session::open(identity, &args.key, limits, &BTreeMap::new(), None, None)?;
    prove(&run.path, &run.header, &session.seal(&run.header.plan_id))?;

    let id = new_name(clock::now());
    let place = Place::find(args.output_file.as_deref(), &args.output.reports, id.clone())?;
    let header = header(&run, &session, id, &args);
    let made = make(&run, header, &mut session, &place.path, &args).await;
    let (Made { plan, review }, unrestored) = match made {
        Ok(made) => made,
        Err(failure) => {
            place.discard();
            return Err(failure);
        }
    };
    let path = place.path;
    let review = review.expect("an undo is reviewed").finish(&plan.footer, session.expected())?;
    if !args.output.quiet {
        show(&review, &args.output, session.expected());
        say(&unrestored.to_string(), &args.output);
        let next = format!(
            "\nreview it: {}\nundo it: orgwave apply {}{}\n{}",
            path.with_extension("html").shown(),
            path_again(&path),
            args.key.again(),
            to_acknowledge(&plan.footer.guards),
        );
        say(&next, &args.output);
    }
    Ok(Exit::Done)
}

fn may_undo(run: &RunFolder, identity: &Identity) -> Result<(), Failure> {
    let refused = |exit, what: String| Err(Failure::new(exit, what));
    let header = &run.header;
    if header.endpoint != identity.endpoint() || header.key_fingerprint != identity.key_fingerprint() {
        return refused(
            Exit::PlanRefused,
            format!(
                "the run was made at {} with its own key, and this is another key or endpoint",
                header.endpoint
            ),
        );
    }
    if !header.write.reads() {
        return refused(
            Exit::BadInput,
            "the run was made with --no-read, so nobody knows what stood there before".to_owned(),
        );
    }
    Ok(())
}

/// What may change by itself does so with an undo's writes, too.
fn ignored(run: &RunFolder) -> BTreeMap<String, serde_json::Value> {
    let plan = header_of(&run.path.join(PLAN_FILE));
    plan.map(|plan| plan.limits.into_iter().filter(|(name, _)| name == "ignore").collect())
        .unwrap_or_default()
}

fn header(run: &RunFolder, session: &Session, plan_id: String, args: &UndoArgs) -> Header {
    let created = session.gate.clock().now();
    let expires =
        args.expires.map_or(std::time::Duration::from_secs(7 * 86_400), orgwave_core::policy::Span::get);
    Header {
        format: FORMAT,
        plan_id,
        created,
        expires: created.plus(expires),
        tool: concat!("orgwave ", env!("CARGO_PKG_VERSION")).to_owned(),
        endpoint: session.endpoint.clone(),
        key_fingerprint: session.key_fingerprint(),
        inputs: vec![InputDigest {
            name: format!("run {}", run.header.run_id),
            sha256: run.header.plan_seal.clone(),
        }],
        write: match run.header.write {
            WriteMode::NoRead | WriteMode::Patch => WriteMode::Patch,
            WriteMode::Merge => WriteMode::Merge,
        },
        verify: VerifyPolicy::All,
        waves: Some(Waves::default()),
        max_failures: FailureBudget::default(),
        columns: vec!["org_uuid".to_owned(), "org_name".to_owned(), "note".to_owned()],
        carried: Vec::new(),
        sides: Vec::new(),
        settings: BTreeMap::new(),
        limits: ignored(run),
        allow: Vec::new(),
        undoes: Some(run.header.run_id.clone()),
        sandbox: None,
    }
}

/// What an undo leaves as it is, counted.
#[derive(Default)]
struct Unrestored {
    back_already: usize,
    changed_since: usize,
    secrets: usize,
}

impl Unrestored {
    fn count(&mut self, restoration: &Restoration) {
        self.back_already += restoration.back_already.len();
        self.changed_since += restoration.changed_since.len();
        self.secrets += restoration.secrets.len();
    }
}

impl fmt::Display for Unrestored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { back_already, changed_since, secrets } = self;
        let fields = |number: usize| several(number as u64, "field", "fields");
        if *back_already > 0 {
            writeln!(f, "already as before: {}", fields(*back_already))?;
        }
        if *changed_since > 0 {
            let fields = fields(*changed_since);
            writeln!(f, "changed by someone else since, and left alone: {fields} (see plan.csv)")?;
        }
        if *secrets > 0 {
            let secrets = several(*secrets as u64, "secret", "secrets");
            writeln!(f, "not restorable: {secrets}, whose old values are kept nowhere")?;
        }
        Ok(())
    }
}

/// Reads every org that the run changed, and writes the plan. Returns it, and what it leaves as it is.
async fn make(
    run: &RunFolder,
    header: Header,
    session: &mut Session,
    path: &std::path::Path,
    args: &UndoArgs,
) -> Result<(Made, Unrestored), Failure> {
    let seal = session.seal(&header.plan_id);
    // Before-images of secrets are fingerprints under the run's own plan.
    let run_seal = session.seal(&run.header.plan_id);
    let source = RunFiles::open(&run.path)?;
    let mut records = Records::of(&source)?;
    let select = Selection::of(&args.select)?;
    select.must_match_in(&run.path.join(PLAN_FILE))?;
    let is_undone = |record: &Record| {
        let line = &record.line;
        record.changed() > 0 && select.skips((&line.org, [line.name.as_deref(), None])).is_none()
    };
    let mut failed = None;
    // One at a time, as there is room for it: a run may have many rows.
    let changed = std::iter::from_fn(|| {
        loop {
            match records.next_record() {
                Ok(record) => match record? {
                    record if is_undone(&record) => return Some(record),
                    _ => {}
                },
                Err(error) => {
                    failed = Some(Failure::from(error));
                    return None;
                }
            }
        }
    });

    let draft = RefCell::new(Draft::in_folder(path.parent().unwrap_or(std::path::Path::new("")))?);
    let mut unrestored = Unrestored::default();
    let api = session.reader()?;
    let mut listeners = Listeners::new(&args.output, None);
    let stop = survey(
        (0..).zip(changed).map(|(index, record)| (record.line.org, (index, record))),
        &api,
        &mut session.gate,
        &mut session.control,
        &mut listeners.sink(),
        |(index, record): &(u32, Record), finding, cx| {
            let line = undo_line(record, finding, &run_seal, &mut unrestored);
            cx.emit(EventKind::OrgPlanned {
                index: *index,
                org: line.org,
                verdict: line.verdict,
                changes: u32::try_from(line.fields.len()).unwrap_or(u32::MAX),
                code: line.complaint.as_ref().map(|complaint| complaint.code),
            });
            draft.borrow_mut().put(*index, line);
        },
    )
    .await;
    listeners.finish()?;
    if let Some(reason) = stop {
        return Err(stopped(&reason));
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    let made = draft.into_inner().finish(header, &seal, path, true)?;
    Ok((made, unrestored))
}

fn undo_line(record: &Record, finding: Finding, seal: &SealKey, unrestored: &mut Unrestored) -> PlanLine {
    let line = &record.line;
    let mut undone = PlanLine {
        wave: None,
        skip: None,
        note: None,
        carried: Vec::new(),
        verdict: Verdict::Unchanged,
        action: Verdict::Unchanged.action(),
        complaint: None,
        unproven: false,
        additions: Vec::new(),
        idle_removals: Vec::new(),
        expects: Vec::new(),
        secrets: Vec::new(),
        fields: Vec::new(),
        typed: RawTyped::from(&Typed {
            row: vec![line.org.to_string(), line.name.clone().unwrap_or_default(), String::new()],
            sides: Vec::new(),
        }),
        ..line.clone()
    };
    let object = match settings(finding) {
        Ok(object) => object,
        Err((verdict, complaint)) => {
            undone.stop(verdict, complaint);
            return undone;
        }
    };
    let restoration = whose(&line.org, &object).and_then(|ownership| {
        undone.unproven = ownership == Ownership::Unproven;
        restore(record.changes(), &object, seal).map_err(|shape| Complaint {
            code: Code::OrgShape,
            message: shape.to_string(),
            http_status: None,
        })
    });
    match restoration {
        Err(complaint) => undone.stop(Verdict::Blocked, complaint),
        Ok(restoration) => {
            unrestored.count(&restoration);
            if !restoration.fields.is_empty() {
                undone.verdict = Verdict::Update;
                undone.action = Verdict::Update.action();
            }
            undone.note = note(&restoration);
            undone.fields = restoration.fields;
        }
    }
    undone
}

fn note(restoration: &Restoration) -> Option<String> {
    let Restoration { fields: _, back_already, changed_since, secrets } = restoration;
    let parts: Vec<_> = [
        ("as before already", back_already),
        ("changed since, left alone", changed_since),
        ("secrets, not restorable", secrets),
    ]
    .into_iter()
    .filter(|(_, paths)| !paths.is_empty())
    .map(|(what, paths)| {
        format!("{what}: {}", paths.iter().map(Path::to_string).collect::<Vec<_>>().join(", "))
    })
    .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
