//! A run in memory: a plan as bytes, the journal's orgs, a timeline.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::time::Duration;

use orgwave_core::change::{Before, Seen};
use orgwave_core::code::Code;
use orgwave_core::desired::{DesiredValue, Origin};
use orgwave_core::ids::{Ruuid, StepId};
use orgwave_core::operation::{Catalog, Operation, Operations, Path};
use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::org::{Input, OrgState};
use orgwave_core::outcome::{OrgError, OrgOutcome, StoredValue};
use orgwave_core::plan::{
    FORMAT, Footer, Guard, GuardKind, Header, InputDigest, PlanError, PlanInput, PlanLine, PlanReader,
    PlanWriter, PlannedField, PlannedStep, SideColumns, Typed, UnknownKey, Verdict, WaveCount,
};
use orgwave_core::policy::{FailureBudget, VerifyPolicy, WriteMode};
use orgwave_core::reply::{Ack, Said};
use orgwave_core::run::{Finish, Latencies, RUN_FORMAT, RunHeader, Sample};
use orgwave_core::secret::{Fingerprint, SealKey, SecretText, key_fingerprint};
use orgwave_core::status::{Action, Status, Verified};
use orgwave_core::timestamp::Timestamp;
use orgwave_reporter::{BoxError, RunSource};
use serde_json::{Value, json};

/// What must be in no file and on no screen.
pub(crate) const SECRET: &str = "hunter2-never-to-be-seen";

const START: i64 = 1_795_505_432_050;

pub(crate) struct Run {
    pub(crate) header: RunHeader,
    pub(crate) plan: Vec<u8>,
    pub(crate) orgs: Vec<OrgProgress>,
    pub(crate) timeline: Vec<Entry>,
}

impl RunSource for Run {
    fn header(&self) -> &RunHeader {
        &self.header
    }

    fn plan(&self) -> Result<PlanReader<Box<dyn PlanInput>>, PlanError> {
        PlanReader::open(Box::new(Cursor::new(self.plan.clone())), &Catalog::built_in())
    }

    fn steps(&self) -> Result<Box<dyn Iterator<Item = Result<OrgProgress, BoxError>> + '_>, BoxError> {
        Ok(Box::new(self.orgs.iter().cloned().map(Ok)))
    }

    fn timeline(&self) -> Result<Box<dyn Iterator<Item = Result<Entry, BoxError>> + '_>, BoxError> {
        Ok(Box::new(self.timeline.iter().cloned().map(Ok)))
    }
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

pub(crate) fn path(text: &str) -> Path {
    Operation::default_one().path(text).unwrap()
}

pub(crate) fn seal() -> SealKey {
    SealKey::derive(&SecretText::new("key".into()), "p-7f3a")
}

pub(crate) fn fingerprint(value: &str) -> Fingerprint {
    seal().fingerprint("apiToken", value)
}

pub(crate) fn operations() -> Operations {
    Operations::one(Operation::default_one())
}

pub(crate) fn plan_header() -> Header {
    let key = SecretText::new("key".into());
    Header {
        format: FORMAT,
        plan_id: "p-7f3a".into(),
        created: at(-60_000),
        expires: at(604_740_000),
        tool: "orgwave 0.1.0".into(),
        endpoint: "https://api2.rhombussystems.com".into(),
        key_fingerprint: key_fingerprint(&key),
        inputs: vec![InputDigest { name: "orgs.csv".into(), sha256: "00".repeat(32) }],
        operations: operations().digests(),
        keep_going: false,
        write: WriteMode::Merge,
        verify: VerifyPolicy::All,
        waves: Some("1,5%,25%,rest".parse().unwrap()),
        max_failures: FailureBudget::default(),
        columns: ["org_uuid", "org_name", "saveClips", "note", "_crm id"].map(String::from).into(),
        carried: vec!["_crm id".into()],
        sides: vec![SideColumns {
            table: "doors".into(),
            columns: ["org_uuid", "door_key", "doorName", "remove"].map(String::from).into(),
        }],
        settings: BTreeMap::from([
            ("apiToken".to_owned(), json!("<secret:ENVOY_TOKEN>")),
            ("enabled".to_owned(), json!(true)),
        ]),
        defaults: [].into(),
        operation: None,
        limits: BTreeMap::from([
            ("rate".to_owned(), json!("auto")),
            ("waves".to_owned(), json!(["1", "5%", "25%", "rest"])),
            ("attempts".to_owned(), json!(3)),
        ]),
        allow: Vec::new(),
        undoes: None,
        sandbox: None,
    }
}

pub(crate) fn run_header(orgs: u32) -> RunHeader {
    let plan = plan_header();
    RunHeader {
        format: RUN_FORMAT,
        run_id: "20261124T073032Z-c0de".into(),
        plan_id: plan.plan_id,
        plan_seal: "ab".repeat(32),
        fresh_plan: true,
        endpoint: plan.endpoint,
        key_fingerprint: plan.key_fingerprint,
        tool: plan.tool,
        started: at(0),
        orgs,
        operations: plan.operations,
        write: plan.write,
        verify: plan.verify,
        max_failures: plan.max_failures,
        strict: false,
        unattended: false,
        rollout: "rollout.toml".to_owned(),
    }
}

pub(crate) fn line(number: u8, name: &str, verdict: Verdict) -> PlanLine {
    let org = Ruuid::from_bytes([number; 16]);
    PlanLine {
        line: u64::from(number) + 1,
        org,
        name: (!name.is_empty()).then(|| name.to_owned()),
        wave: (verdict == Verdict::Update).then_some(1),
        skip: None,
        note: None,
        carried: vec![format!("crm-{number}")],
        verdict,
        org_error: None,
        preconditions: Vec::new(),
        steps: vec![PlannedStep {
            fields: vec![PlannedField {
                path: path("saveClips"),
                before: StoredValue::Json(json!(verdict == Verdict::Unchanged)),
                after: DesiredValue::Set(json!(true)),
                fingerprint: None,
                from: Origin::Row,
            }],
            ..PlannedStep::new(&Operation::default_one(), 0, verdict)
        }],
        typed: (&Typed {
            row: vec![
                org.to_string(),
                name.to_owned(),
                "TRUE".into(),
                String::new(),
                format!("crm-{number}"),
            ],
            sides: Vec::new(),
        })
            .into(),
    }
}

/// Types something else into a line.
pub(crate) fn retype(line: &mut PlanLine, change: impl FnOnce(&mut Typed)) {
    let mut typed = line.typed.read();
    change(&mut typed);
    line.typed = (&typed).into();
}

pub(crate) fn outcome(index: u32, status: Status) -> OrgOutcome {
    let millis = i64::from(index) * 1_000;
    let written =
        matches!(status, Status::Applied | Status::AppliedWithWarnings | Status::Diverged | Status::Unknown);
    OrgOutcome {
        index,
        place: 0,
        status,
        action: Action::Update,
        attempts: u32::from(!matches!(status, Status::NotAttempted | Status::Conflict | Status::Blocked)),
        http_status: None,
        org_error: None,
        ack: Ack::default(),
        verified: if written && status != Status::Unknown { Verified::True } else { Verified::False },
        started_at: Some(at(millis)),
        finished_at: Some(at(millis + 250)),
        may_be_live: written,
        is_unsettled_again: false,
    }
}

/// What a line's only field was before.
pub(crate) fn was(before: Value) -> Before {
    Before::Seen(vec![Seen { field: 0, stored: StoredValue::Json(before) }])
}

/// An org that is final, whose line has one field.
pub(crate) fn said(outcome: OrgOutcome) -> OrgProgress {
    let before = outcome.may_be_live.then(|| was(json!(false)));
    ended(outcome, before)
}

fn ended(outcome: OrgOutcome, before: Option<Before>) -> OrgProgress {
    let (started_at, ack) = (outcome.started_at, outcome.ack.clone());
    OrgProgress { id: outcome.id(), state: OrgState::new(), outcome: Some(outcome), before, started_at, ack }
}

/// An org of which the process died while a write was in progress.
pub(crate) fn begun(index: u32, before: Before) -> OrgProgress {
    let state = OrgState::new().next(Input::Differs).unwrap().next(Input::Intent).unwrap();
    let started_at = Some(at(12_000));
    OrgProgress {
        id: StepId { org: index, place: 0 },
        state,
        outcome: None,
        before: Some(before),
        started_at,
        ack: Ack::default(),
    }
}

fn complain(mut outcome: OrgOutcome, code: Code, message: &str, http_status: Option<u16>) -> OrgProgress {
    outcome.verified = Verified::False;
    outcome.http_status = http_status;
    outcome.org_error = Some(OrgError { code, message: message.to_owned(), http_status });
    said(outcome)
}

pub(crate) fn write_plan(header: &Header, lines: &[PlanLine]) -> Vec<u8> {
    let mut writer = PlanWriter::begin(Vec::new(), header, &seal()).unwrap();
    for line in lines {
        // Its wave is dealt by the footer.
        writer.line(&PlanLine { wave: None, ..line.clone() }).unwrap();
    }
    writer.finish(&footer(lines)).unwrap().out
}

pub(crate) fn footer(lines: &[PlanLine]) -> Footer {
    let updates = lines.iter().filter(|line| line.verdict == Verdict::Update).count() as u64;
    Footer {
        lines: lines.len() as u64,
        updates,
        judged: updates + 1,
        waves: WaveCount::all((0..updates).map(|_| None), &"1,rest".parse().unwrap()),
        guards: vec![
            Guard::new(GuardKind::Removals, 1, &seal()),
            Guard { respelled: 1, ..Guard::new(GuardKind::Additions, 1, &seal()) },
        ],
        idle_removals: None,
    }
}

/// One org of every status, with names that mean harm, secrets, and a removal.
pub(crate) fn rich_lines() -> Vec<PlanLine> {
    let long = "Very Long Name of a Client ".repeat(11);
    let names = [
        ("Zoë & Söhne GmbH", Verdict::Update),
        ("=HYPERLINK(\"http://x\",\"y\")", Verdict::Update),
        ("'=already guarded", Verdict::Unchanged),
        ("@SUM(1), \"quoted\"", Verdict::Skipped),
        ("\u{202e}evil \u{1b}[31mred", Verdict::Update),
        (long.trim(), Verdict::Blocked),
        ("<script>alert(1)</script>", Verdict::Update),
        ("../../x", Verdict::Update),
        ("日本語のお客様", Verdict::Update),
        ("", Verdict::Update),
        ("CON", Verdict::Update),
        ("Two\nlines", Verdict::Failed),
        ("Killed", Verdict::Update),
    ];
    let mut lines: Vec<PlanLine> = names
        .into_iter()
        .zip(1u8..)
        .map(|((name, verdict), number)| PlanLine {
            wave: (verdict == Verdict::Update).then_some(if number == 1 { 1 } else { 2 }),
            ..line(number, name, verdict)
        })
        .collect();

    let saved = lines[1].steps[0].fields[0].clone();
    let first = &mut lines[0];
    first.note = Some("-first".into());
    retype(first, |typed| typed.row[3] = "-first".into());
    first.steps[0].secrets = vec!["ENVOY_TOKEN".parse().unwrap()];
    first.steps[0].fields = vec![
        PlannedField {
            path: path("apiToken"),
            before: StoredValue::Secret(fingerprint("old")),
            after: DesiredValue::Secret("ENVOY_TOKEN".parse().unwrap()),
            fingerprint: Some(fingerprint(SECRET)),
            from: Origin::Default,
        },
        PlannedField {
            path: path(r"doorInfoMap.back\.door"),
            before: StoredValue::Json(json!({"doorName": "Back", "clipDuration": 5})),
            after: DesiredValue::Remove,
            fingerprint: None,
            from: Origin::Side("doors".into(), 2),
        },
        PlannedField {
            path: path("doorInfoMap.front.doorName"),
            before: StoredValue::Absent,
            after: DesiredValue::Set(json!("=Front")),
            fingerprint: None,
            from: Origin::Side("doors".into(), 3),
        },
        saved,
        PlannedField {
            path: path("refreshToken"),
            before: StoredValue::Hidden,
            after: DesiredValue::Set(json!(SECRET)),
            fingerprint: None,
            from: Origin::Default,
        },
    ];
    first.steps[0].additions =
        vec![UnknownKey { entry: path("doorInfoMap.front"), near: vec!["Front".into()], respelled: true }];
    // Rows that are to be retried, typed in ways that must be given back.
    retype(&mut lines[4], |typed| {
        typed.row[1] = "'=typed guarded".into();
        typed.row[3] = "=typed bare".into();
    });
    let org = lines[7].org.to_string();
    retype(&mut lines[7], |typed| {
        typed.sides = vec![
            ("doors".into(), vec![org.clone(), "d;1".into(), "\\=Front".into(), String::new()]),
            ("doors".into(), vec![org, "-d2".into(), "-Dock".into(), "TRUE".into()]),
        ];
    });
    lines[3].skip = Some("asked us to wait".into());
    lines[5].steps[0].org_error = Some(OrgError {
        code: Code::OrgName,
        message: "=the live name is \"Other\"".into(),
        http_status: None,
    });
    lines[11].steps[0].org_error = Some(OrgError {
        code: Code::OrgReadsSpent,
        message: "503 three times".into(),
        http_status: Some(503),
    });
    lines
}

pub(crate) fn rich() -> Run {
    let lines = rich_lines();
    let mut first = outcome(0, Status::Applied);
    first.verified = Verified::Partly;
    let images = [
        StoredValue::Hidden,
        StoredValue::Json(json!({"doorName": "Back", "clipDuration": 5})),
        StoredValue::Absent,
        StoredValue::Json(json!(null)),
        // No executor writes this; should one ever, it must not be seen.
        StoredValue::Json(json!(SECRET)),
    ];
    let before = (0..).zip(images).map(|(field, stored)| Seen { field, stored }).collect();
    let mut warned = outcome(1, Status::AppliedWithWarnings);
    warned.http_status = Some(200);
    let items = |items: [&str; 2]| Said::Items(items.map(str::to_owned).into());
    warned.ack.push("warning", Said::Text("+doors are in two locations".into()));
    warned.ack.push("failed_guids", items(["-AAAAAAAAAAAAAAAAAAAAA", "BAAAAAAAAAAAAAAAAAAAAA"]));
    warned.ack.push("misconfigured_doors", items(["Front", "@Back"]));
    let orgs = vec![
        ended(first, Some(Before::Seen(before))),
        said(warned),
        complain(outcome(4, Status::Conflict), Code::OrgConflict, "saveClips was true", None),
        complain(
            outcome(6, Status::Rejected),
            Code::OrgRefused,
            "Bad \"things\", said\tthe vendor",
            Some(400),
        ),
        complain(outcome(7, Status::Failed), Code::OrgSendsSpent, "timeout", None),
        complain(outcome(8, Status::Diverged), Code::OrgDivergedAck, "saveClips is null", Some(200)),
        complain(outcome(9, Status::Unknown), Code::OrgUnknownReads, "500 three times", Some(500)),
        begun(12, was(json!(false))),
    ];
    let mut took = Latencies::new();
    for millis in (33..63).chain([300, 420]) {
        took.add(Duration::from_millis(millis));
    }
    let sample = |second: i64| Sample {
        at: at(second * 1_000),
        wave: 2,
        calls: 32,
        throttled: 1,
        finished: 3,
        in_flight: 4,
        rate: Some(8.0),
        took: took.clone(),
    };
    let timeline = vec![
        Entry::Began { at: at(0) },
        Entry::Wave { at: at(10), wave: 1, orgs: 1 },
        Entry::Sample(sample(0)),
        Entry::Wave { at: at(1_500), wave: 2, orgs: 8 },
        Entry::Sample(sample(1)),
        Entry::Sample(sample(2)),
        Entry::Finished(Finish { at: at(12_500), stop: None, wrote: true }),
    ];
    let rows = u32::try_from(lines.len()).unwrap();
    Run { header: run_header(rows), plan: write_plan(&plan_header(), &lines), orgs, timeline }
}
