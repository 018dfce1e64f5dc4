//! A rollout of a few orgs in a new folder, and the vendor that it is for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Catalog;
use orgwave_journal::JournalError;
use orgwave_sandbox::{Config, OrgSeed, Running, Sandbox};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::leaks;
use crate::process::{Live, Ran};

/// What must never be seen outside the vendor: the key, what a rollout sends, what is live.
pub const KEY: &str = "partner-key-1b7c0d5e9f";
pub const SENT_TOKEN: &str = "sent\"token\\9d2f-61ab";
pub const LIVE_TOKEN: &str = "live-token-77c1e0b2";
pub const LIVE_REFRESH: &str = "live-refresh-5a90d3f4";

/// How fast a test can go.
pub const PACE: [&str; 12] = [
    "--rate",
    "unlimited",
    "--org-rate",
    "unlimited",
    "--concurrency",
    "4",
    "--timeout",
    "3s",
    "--quiet-period",
    "200ms",
    "--attempts",
    "8",
];

/// Where the vendors of all tests live.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// An org, and what the rollout wants of it.
#[derive(Debug, Clone)]
pub struct Org {
    pub id: Ruuid,
    pub name: String,
    /// Omitted by the manifest.
    pub is_skipped: bool,
    /// Already as desired.
    pub is_unchanged: bool,
    /// Its settings before the first request.
    pub before: Value,
    /// What the rollout sets of other operations, in their order.
    pub others: Vec<Other>,
}

/// What a rollout sets of an operation beside Envoy.
#[derive(Debug, Clone)]
pub struct Other {
    pub operation: &'static str,
    /// A member that becomes true.
    pub member: &'static str,
    /// The settings before the first request.
    pub before: Value,
}

impl Other {
    /// Whether there is something to write.
    pub fn is_changed(&self) -> bool {
        self.before[self.member] != json!(true)
    }

    pub fn wanted(&self) -> Value {
        let mut wanted = self.before.clone();
        wanted[self.member] = json!(true);
        wanted
    }
}

/// The other operations of a rollout of three, and what is set of each. The second is written in part, and read with others.
const OTHERS: [(&str, &str); 2] = [("toast", "enabled"), ("org-mfa", "mfaEnabled")];

impl Org {
    /// What the rollout wants, as pointers into the settings.
    pub fn desired(&self) -> Vec<(&'static str, Value)> {
        let mut desired =
            vec![("/saveClips", json!(true)), ("/badgeFaceVerificationMode", json!("SUPERVISED"))];
        if !self.is_unchanged {
            desired.push(("/doorInfoMap/north.1/clipDuration", json!(77)));
            desired.push(("/apiToken", json!(SENT_TOKEN)));
        }
        desired
    }

    /// What the settings must be once the rollout has its way: all else as it was.
    pub fn wanted(&self) -> Value {
        let mut wanted = self.before.clone();
        for (pointer, value) in self.desired() {
            *wanted.pointer_mut(pointer).unwrap() = value;
        }
        wanted
    }
}

/// A folder, a rollout, a vendor.
pub struct Stage {
    folder: TempDir,
    pub vendor: Running,
    pub orgs: Vec<Org>,
}

impl Stage {
    /// This many orgs, some of them skipped or as desired already.
    pub fn new(seed: u64, count: usize, faults: &[&str]) -> Self {
        Self::of(seed, count, faults, &[])
    }

    /// The same with three steps for each org that isn't, of which some are as desired already.
    pub fn of_three(seed: u64, count: usize, faults: &[&str]) -> Self {
        Self::of(seed, count, faults, &OTHERS)
    }

    fn of(seed: u64, count: usize, faults: &[&str], others: &[(&'static str, &'static str)]) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let seeds: Vec<OrgSeed> = (0..count)
            .map(|place| {
                let mut bytes = [0; 16];
                chance.fill(&mut bytes);
                OrgSeed { org: Ruuid::from_bytes(bytes), name: format!("Org {place}") }
            })
            .collect();
        let settings = json!({
            "saveClips": false, "apiToken": LIVE_TOKEN, "refreshToken": LIVE_REFRESH,
        });
        let mut config = Config { seed, settings: object(settings), ..Config::default() };
        config.latency = "1ms..4ms".parse().unwrap();
        config.faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        config.orgs = vec![
            serde_json::from_value(json!({
                "every": 5,
                "settings": {"saveClips": true, "badgeFaceVerificationMode": "SUPERVISED"},
            }))
            .unwrap(),
        ];
        let _guard = RUNTIME.enter();
        let sandbox = Sandbox::new(&Catalog::built_in(), config, seeds.clone()).unwrap().expecting_key(KEY);
        let vendor = RUNTIME.block_on(sandbox.start(([127, 0, 0, 1], 0).into())).unwrap();
        let orgs = seeds
            .into_iter()
            .enumerate()
            .map(|(place, seed)| Org {
                before: vendor.state(&seed.org).unwrap(),
                id: seed.org,
                name: seed.name,
                is_skipped: place % 7 == 3,
                is_unchanged: (place + 1).is_multiple_of(5),
                others: others
                    .iter()
                    .enumerate()
                    .map(|(other, (operation, member))| {
                        let is_set = (place + other).is_multiple_of(4);
                        assert!(vendor.edit_of(&seed.org, operation, &object(json!({ *member: is_set }))));
                        let before = state_of(&vendor, &seed.org, operation);
                        Other { operation, member, before }
                    })
                    .collect(),
            })
            .collect();
        let stage = Self { folder: tempfile::tempdir().unwrap(), vendor, orgs };
        stage.write_inputs();
        stage
    }

    fn write_inputs(&self) {
        let mut manifest = String::from(
            "org_uuid,org_name,badgeFaceVerificationMode,doorInfoMap.north\\.1.clipDuration,apiToken,skip,note",
        );
        for Other { operation, member, .. } in &self.orgs[0].others {
            manifest.push_str(&format!(",{operation}:{member}"));
        }
        manifest.push_str("\r\n");
        for Org { id, name, is_skipped, is_unchanged, others, .. } in &self.orgs {
            let (clip, token) = if *is_unchanged { ("", "") } else { ("77", "<secret:ENVOY>") };
            let skip = if *is_skipped { "closed down" } else { "" };
            manifest.push_str(&[&id.to_string(), name, "SUPERVISED", clip, token, skip, ""].join(","));
            for _ in others {
                manifest.push_str(if *is_unchanged { "," } else { ",true" });
            }
            manifest.push_str("\r\n");
        }
        fs::write(self.path("orgs.csv"), manifest).unwrap();
        let rollout = "[rollout]\norgs = \"orgs.csv\"\n[settings]\nsaveClips = true\n\
                       [limits]\nwaves = [\"1\", \"30%\", \"rest\"]\nmax_failures = \"100%\"\n";
        fs::write(self.path("rollout.toml"), rollout).unwrap();
        self.write_key("key", KEY);
    }

    /// Writes a key's file, as safe as it must be.
    pub fn write_key(&self, name: &str, key: &str) {
        fs::write(self.path(name), key).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Below the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The binary in this folder, with nothing of the machine's environment.
    pub fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgwave"));
        command
            .current_dir(self.folder())
            .env_clear()
            .env("HOME", self.folder())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("ORGWAVE_SECRET_ENVOY", SENT_TOKEN)
            .args(args);
        command
    }

    /// The same, calling this vendor as fast as can be.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.args(["--endpoint", &self.vendor.url(), "--token-file", "key"]).args(PACE);
        command
    }

    /// Runs a command that calls this vendor, to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        Live::start(self.command(args)).finish()
    }

    /// Runs a command as it was printed, saying yes in advance, to its end.
    pub fn run_printed(&self, line: &str) -> Ran {
        let mut command = self.bare(&line.split(' ').chain(["--yes"]).collect::<Vec<_>>());
        command.args(PACE);
        Live::start(command).finish()
    }

    /// Runs a command that calls no API, to its end.
    pub fn run_bare(&self, args: &[&str]) -> Ran {
        Live::start(self.bare(args)).finish()
    }

    /// The folders of runs, the oldest first; folders that never became one are omitted.
    pub fn run_folders(&self) -> Vec<PathBuf> {
        let mut runs: Vec<PathBuf> = fs::read_dir(self.path("reports"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("run.db").exists())
            .collect();
        runs.sort();
        runs
    }

    /// The one run that there is.
    pub fn only_run(&self) -> PathBuf {
        let mut runs = self.run_folders();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// Makes a plan and says where it is.
    pub fn plan(&self, args: &[&str]) -> PathBuf {
        let ran = self.run(&[&["plan", "rollout.toml", "-o", "p.jsonl"], args].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        self.path("p.jsonl")
    }

    /// The operations, in the order of an org's steps.
    pub fn operations(&self) -> Vec<&'static str> {
        std::iter::once("envoy").chain(self.orgs[0].others.iter().map(|other| other.operation)).collect()
    }

    /// How many updates the vendor was sent.
    pub fn writes(&self) -> usize {
        crate::witness::writes(&self.vendor.ledger()).count()
    }
}

impl Drop for Stage {
    /// Whatever a test was about: no file of it holds a secret.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            leaks::assert_none(self.folder());
        }
    }
}

/// An org's settings of an operation.
pub fn state_of(vendor: &Running, org: &Ruuid, operation: &str) -> Value {
    serde_json::from_str(&vendor.state_json_of(org, operation).unwrap()).unwrap()
}

/// The members of a JSON object.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

/// Opens a journal in this process. A process that another test is just starting has a copy of every lock of ours,
/// until it has become another program.
pub fn when_free<T>(open: impl Fn() -> Result<T, JournalError>) -> T {
    let last = Instant::now() + Duration::from_secs(30);
    loop {
        match open() {
            Err(JournalError::InUse) if Instant::now() < last => std::thread::yield_now(),
            opened => return opened.unwrap_or_else(|error| panic!("{error}")),
        }
    }
}
