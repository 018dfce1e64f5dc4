//! Guards the reports against growing slower, by counting instructions instead of time ([`counted`]): each file alone, of a
//! hundred orgs with 31 written fields, made of records that were read before.
//!
//! ```text
//! cargo bench -p orgwave-reporter --bench instructions
//! ```

mod counted;
#[path = "../rows.rs"]
#[expect(dead_code, reason = "narrow rows and manifests are the other benches'")]
mod rows;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Cursor;
use std::process::ExitCode;

use orgwave_core::change::{Before, Seen};
use orgwave_core::desired::{DesiredValue, Origin};
use orgwave_core::operation::{Catalog, Operation, Operations};
use orgwave_core::org::{Entry, OrgProgress, OrgState};
use orgwave_core::outcome::{OrgOutcome, StoredValue};
use orgwave_core::plan::{
    FORMAT, Footer, Header, PlanError, PlanInput, PlanLine, PlanReader, PlanWriter, PlannedField,
    PlannedStep, Verdict, WaveCount,
};
use orgwave_core::policy::{FailureBudget, VerifyPolicy, WriteMode};
use orgwave_core::reply::Ack;
use orgwave_core::run::{RUN_FORMAT, RunHeader};
use orgwave_core::secret::{SealKey, SecretText, key_fingerprint};
use orgwave_core::status::{Action, Status, Verified};
use orgwave_core::timestamp::Timestamp;
use orgwave_reporter::files::Alone;
use orgwave_reporter::{Journalled, Record, Records, RunSource};

const ORGS: u32 = 100;

fn main() -> ExitCode {
    counted::main(&[
        ("changes rendered, no file", |runs| file(&[], runs)),
        ("changes.csv", |runs| file(&["changes.csv"], runs)),
        ("results.csv", |runs| file(&["results.csv"], runs)),
        ("report.html, its rows", |runs| file(&["report.html"], runs)),
        ("clients' files", |runs| file(&["orgs"], runs)),
        ("junit.xml", |runs| file(&["junit.xml"], runs)),
    ])
}

/// Makes files of a hundred records, so many times.
fn file(names: &[&str], runs: u64) {
    let (source, folder) = (Run::new(), tempfile::tempdir().expect("a folder can be made"));
    let mut alone = Alone::begin(&source, folder.path(), names).expect("files can be written");
    let mut records = Records::of(&source).expect("it was made by us");
    let records: Vec<Record> =
        std::iter::from_fn(|| records.next_record().expect("it was made by us")).collect();
    for _ in 0..runs {
        for record in &records {
            alone.org(black_box(record)).expect("files can be written");
        }
    }
}

/// A run of wide rows that were all applied.
struct Run {
    header: RunHeader,
    plan: Vec<u8>,
}

impl Run {
    fn new() -> Self {
        let key = SecretText::new("a key".to_owned());
        let operations = Operations::one(Operation::default_one());
        let header = Header {
            format: FORMAT,
            plan_id: "20261124T073032Z-0123456789abcdef".to_owned(),
            created: Timestamp::from_millis(0),
            expires: Timestamp::from_millis(1_000),
            tool: "orgwave".to_owned(),
            endpoint: "https://api2.rhombussystems.com".to_owned(),
            key_fingerprint: key_fingerprint(&key),
            inputs: Vec::new(),
            operations: operations.digests(),
            keep_going: false,
            write: WriteMode::Merge,
            verify: VerifyPolicy::All,
            waves: None,
            max_failures: FailureBudget::default(),
            columns: Vec::new(),
            carried: Vec::new(),
            sides: Vec::new(),
            settings: BTreeMap::new(),
            defaults: BTreeMap::new(),
            operation: None,
            limits: BTreeMap::new(),
            allow: Vec::new(),
            undoes: None,
            sandbox: None,
        };
        let seal = SealKey::derive(&key, &header.plan_id);
        let mut writer = PlanWriter::begin(Vec::new(), &header, &seal).expect("memory takes it");
        for number in 0..ORGS {
            writer.line(&line(number)).expect("memory takes it");
        }
        let orgs = u64::from(ORGS);
        let footer = Footer {
            lines: orgs,
            updates: orgs,
            judged: orgs,
            waves: vec![WaveCount { wave: 1, orgs, pinned: false }],
            guards: Vec::new(),
            idle_removals: None,
        };
        let plan = writer.finish(&footer).expect("memory takes it").out;
        let header = RunHeader {
            format: RUN_FORMAT,
            run_id: header.plan_id.clone(),
            plan_id: header.plan_id,
            plan_seal: String::new(),
            fresh_plan: true,
            endpoint: header.endpoint,
            key_fingerprint: header.key_fingerprint,
            tool: header.tool,
            started: Timestamp::from_millis(0),
            orgs: ORGS,
            operations: header.operations,
            write: header.write,
            verify: header.verify,
            max_failures: header.max_failures,
            strict: false,
            unattended: false,
            rollout: "rollout.toml".to_owned(),
        };
        Self { header, plan }
    }
}

fn line(number: u32) -> PlanLine {
    let operation = Operation::default_one();
    let states = [true, false].map(|on| rows::wide(u64::from(number), on));
    let [on, off] = states;
    let fields = on.into_iter().zip(off).map(|((path, after), (_, before))| PlannedField {
        path: operation.path(path).expect("a described path"),
        before: StoredValue::Json(before),
        after: DesiredValue::Set(after),
        fingerprint: None,
        from: Origin::Row,
    });
    let fields = fields.collect();
    let step = PlannedStep { fields, ..PlannedStep::new(&operation, 0, Verdict::Update) };
    let number = u64::from(number);
    PlanLine { steps: vec![step], ..PlanLine::new(number + 2, rows::id(number), Verdict::Update) }
}

impl RunSource for Run {
    fn header(&self) -> &RunHeader {
        &self.header
    }

    fn plan(&self) -> Result<PlanReader<Box<dyn PlanInput>>, PlanError> {
        PlanReader::open(Box::new(Cursor::new(self.plan.clone())), &Catalog::built_in())
    }

    fn steps(&self) -> Result<Journalled<'_, OrgProgress>, orgwave_reporter::BoxError> {
        Ok(Box::new((0..ORGS).map(|index| Ok(progress(index)))))
    }

    fn timeline(&self) -> Result<Journalled<'_, Entry>, orgwave_reporter::BoxError> {
        Ok(Box::new(std::iter::empty()))
    }
}

fn progress(index: u32) -> OrgProgress {
    let at = |millis| Some(Timestamp::from_millis(1_795_505_432_050 + 40 * i64::from(index) + millis));
    let outcome = OrgOutcome {
        index,
        place: 0,
        status: Status::Applied,
        action: Action::Update,
        attempts: 1,
        http_status: Some(200),
        org_error: None,
        ack: Ack::default(),
        verified: Verified::True,
        started_at: at(0),
        finished_at: at(120),
        may_be_live: true,
        is_unsettled_again: false,
    };
    let before = (0..).zip(rows::wide(u64::from(index), false));
    let before = before.map(|(field, (_, value))| Seen { field, stored: StoredValue::Json(value) });
    OrgProgress {
        id: outcome.id(),
        state: OrgState::new(),
        before: Some(Before::Seen(before.collect())),
        started_at: outcome.started_at,
        ack: Ack::default(),
        outcome: Some(outcome),
    }
}
