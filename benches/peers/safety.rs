//! What it costs that every intent is on the disk before its write is sent: the same engine, the same plan, the same
//! client, once with the journal of a run and once without one. Default mode: read, write, read back.
//!
//! *Includes* everything between the first call and the last outcome, and the last sync. *Excludes* planning, proving
//! the plan and the reports, which are the same for both.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use orgwave_client::{ApiKey, Endpoint, Reader, Setup, Writer};
use orgwave_core::event::Event;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Catalog, Operation, Operations};
use orgwave_core::org::Entry;
use orgwave_core::plan::{Header, IndexEntry, PlanLine, PlanReader};
use orgwave_core::policy::{Rate, RetryPolicy};
use orgwave_core::reply::{Ack, ClientList, Live, Reply};
use orgwave_core::run::{RUN_FORMAT, RunHeader};
use orgwave_core::secret::{SealKey, SecretText, Secrets};
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::gate::Gate;
use orgwave_executor::limits::Limits;
use orgwave_executor::ports::{Journal, PlanSource, ReadApi, TokioClock, WriteApi};
use orgwave_executor::rollout::{HeldReads, History, Job, Policy, Ports, roll_out};
use orgwave_journal::SqliteJournal;

use super::contender;
use super::estate::Estate;
use super::ours;
use super::server::Server;

/// Makes this binary the bare engine.
pub(crate) const FLAG: &str = "--engine";
/// The sandbox's key.
const KEY: &str = "sandbox";
const IN_FLIGHT: usize = 64;

/// Where the engine keeps its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Memory,
    Disk,
}

/// Runs the engine once over a fresh plan that changes every org; how long it took.
pub(crate) fn measure(kept: Kept, estate: &Estate, server: &Server) -> Result<Duration, String> {
    contender::flip(estate, server)?;
    ours::plan(estate, server, "on.toml")?;
    let output = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .args([FLAG, if kept == Kept::Disk { "disk" } else { "memory" }, server.url()])
        .arg(estate.file(ours::PLAN))
        .arg(&estate.folder)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    let micros = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
    micros.filter(|_| output.status.success()).map(Duration::from_micros).ok_or_else(|| {
        format!("the engine ended with {}: {}", output.status, String::from_utf8_lossy(&output.stdout))
    })
}

/// Arguments: where the journal is kept, the server, the plan, a folder. Prints microseconds.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let [kept, url, plan, folder] = args else { return ExitCode::from(64) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let plan = Plan::read(Path::new(plan));
    let took = if kept == "disk" {
        let folder = tempfile::tempdir_in(folder).expect("a folder");
        let draft = SqliteJournal::create(folder.path(), &plan.run_header()).expect("a new journal");
        runtime.block_on(run(url, plan, Some(draft.publish().expect("a new folder"))))
    } else {
        runtime.block_on(run(url, plan, None))
    };
    println!("{}", took.as_micros());
    ExitCode::SUCCESS
}

async fn run(url: &str, plan: Plan, journal: Option<SqliteJournal>) -> Duration {
    let key = SecretText::new(KEY.into());
    let endpoint: Endpoint = url.parse().expect("a URL on loopback");
    let mut setup = Setup::new(endpoint, ApiKey::new(&key).expect("a word"), || Timestamp::from_millis(0));
    setup.concurrency = IN_FLIGHT;
    let limits = Limits {
        rate: Rate::Unlimited,
        org_rate: Rate::Unlimited,
        concurrency: IN_FLIGHT,
        timeout: setup.timeout,
        retry: RetryPolicy::default(),
        max_duration: None,
    };
    let mut gate = Gate::new(TokioClock::starting_at(Timestamp::from_millis(0)), limits, None);
    let seal = SealKey::derive(&key, &plan.header.plan_id);
    let policy = Policy {
        operations: Operations::one(Operation::default_one()),
        keep_going: false,
        run_id: "bench".into(),
        plan_id: plan.header.plan_id.clone(),
        write: plan.header.write,
        verify: plan.header.verify,
        has_canary: false,
        max_failures: plan.header.max_failures,
        ignored: Vec::new(),
        settle_only: false,
    };
    let (_keep, mut control) = tokio::sync::mpsc::channel(1);
    let api = Api(Writer::new(&setup).expect("a client"));
    let (index, lines) = (plan.index, Lines(plan.lines));
    let orgs = index.len() as u64;
    let journal = Recorded(journal);
    let begun = Instant::now();
    let ended = roll_out(
        Job {
            index: &index,
            policy,
            secrets: &Secrets::new(),
            seal: &seal,
            history: History::default(),
            held: HeldReads::default(),
        },
        Ports { api: &api, journal: &journal, plan: &lines },
        &mut gate,
        &mut control,
        &mut |_: &Event| {},
    )
    .await;
    if let Some(journal) = &journal.0 {
        tokio::task::block_in_place(|| journal.flush()).expect("the disk has room");
    }
    let took = begun.elapsed();
    assert_eq!(ended.counts.of(Status::Applied), orgs, "every org is applied");
    took
}

/// A plan in memory, so that both ways read it alike.
struct Plan {
    header: Header,
    index: Vec<IndexEntry>,
    lines: Vec<PlanLine>,
}

impl Plan {
    fn read(path: &Path) -> Self {
        let file = File::open(path).expect("a plan");
        let mut reader = PlanReader::open(BufReader::new(file), &Catalog::built_in()).expect("a plan");
        let (mut index, mut lines) = (Vec::new(), Vec::new());
        while let Some((entry, line)) = reader.next_org().expect("a plan") {
            index.push(entry);
            lines.push(line);
        }
        Self { header: reader.header().clone(), index, lines }
    }

    fn run_header(&self) -> RunHeader {
        RunHeader {
            format: RUN_FORMAT,
            run_id: "bench".into(),
            plan_id: self.header.plan_id.clone(),
            plan_seal: String::new(),
            fresh_plan: false,
            endpoint: self.header.endpoint.clone(),
            key_fingerprint: self.header.key_fingerprint.clone(),
            tool: self.header.tool.clone(),
            started: Timestamp::from_millis(0),
            orgs: u32::try_from(self.index.len()).expect("not so many"),
            operations: self.header.operations.clone(),
            write: self.header.write,
            verify: self.header.verify,
            max_failures: self.header.max_failures,
            strict: false,
            unattended: false,
            rollout: "rollout.toml".to_owned(),
        }
    }
}

struct Lines(Vec<PlanLine>);

impl PlanSource for Lines {
    fn load(&self, index: u32) -> io::Result<PlanLine> {
        Ok(self.0[index as usize].clone())
    }
}

/// The journal behind the executor's trait; without one, nothing is kept and all is durable at once.
struct Recorded(Option<SqliteJournal>);

impl Journal for Recorded {
    fn record(&self, entry: Entry) {
        if let Some(journal) = &self.0 {
            journal.record(entry);
        }
    }

    fn record_durably(&self, entry: Entry, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        let Some(journal) = &self.0 else { return done(Ok(())) };
        let done = |result: Result<_, orgwave_journal::WriteError>| {
            done(result.map_err(|error| error.to_string()));
        };
        journal.record_durably(entry, Box::new(done));
    }
}

/// The client, behind the executor's traits.
#[derive(Clone)]
struct Api(Writer);

impl Api {
    fn reader(&self) -> &Reader {
        self.0.reader()
    }
}

impl ReadApi for Api {
    async fn clients(&self) -> Reply<ClientList> {
        unreachable!("only a refused key makes the engine ask for the list")
    }

    async fn shared(&self, _: &[Arc<Operation>], _: Ruuid) -> Reply<Vec<Live>> {
        unreachable!("a rollout reads each operation by itself")
    }

    async fn settings(&self, operation: &Arc<Operation>, org: Ruuid) -> Reply<Live> {
        self.reader().settings(operation, &org).await
    }
}

impl WriteApi for Api {
    async fn update(&self, operation: &Arc<Operation>, org: Ruuid, body: Bytes) -> Reply<Ack> {
        self.0.update(operation, &org, body).await
    }
}
