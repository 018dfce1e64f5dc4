//! How each contender is run: the competent version of what people write.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::estate::Estate;
use super::measured::{Measured, run};
use super::server::Server;
use super::{ORGWAVE, bare};

/// Requests in flight, for all that can have several.
const IN_FLIGHT: &str = "64";
/// The plan that orgwave makes for itself.
const PLAN: &str = "plan.jsonl";
/// Where the scripts lie.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/scripts");

/// Something that sends one update to each of many orgs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// A loop over reqwest, without anything else. All ratios are to it.
    Bare,
    /// orgwave, one POST an org.
    Unread,
    /// The same, eight switches an org.
    UnreadSwitches,
    /// The same, each body made of a row and six rows of a side table.
    UnreadDoors,
    /// orgwave from a plan: read, write, read back.
    Plan,
    /// orgwave from a rollout: read and plan, then the same.
    Rollout,
    /// The same in its default waves, with a canary.
    Waves,
    /// One curl, many transfers.
    CurlParallel,
    /// Node, undici's pool.
    Undici,
    /// Python, aiohttp.
    Aiohttp,
    /// Python, httpx.
    Httpx,
    /// The shell loop: one curl an org, four at once.
    Xargs,
}

impl Contender {
    pub(crate) const ALL: &[Self] = &[
        Self::Bare,
        Self::Unread,
        Self::UnreadSwitches,
        Self::UnreadDoors,
        Self::Plan,
        Self::Rollout,
        Self::Waves,
        Self::CurlParallel,
        Self::Undici,
        Self::Aiohttp,
        Self::Httpx,
        Self::Xargs,
    ];

    /// Those that a slow server doesn't make wait for minutes.
    pub(crate) const CONCURRENT: &[Self] = &[
        Self::Bare,
        Self::Unread,
        Self::Plan,
        Self::Rollout,
        Self::CurlParallel,
        Self::Undici,
        Self::Aiohttp,
        Self::Xargs,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare reqwest loop",
            Self::Unread => "orgwave --no-read",
            Self::UnreadSwitches => "orgwave --no-read, 8 switches",
            Self::UnreadDoors => "orgwave --no-read, 6 doors",
            Self::Plan => "orgwave apply PLAN",
            Self::Rollout => "orgwave apply ROLLOUT",
            Self::Waves => "orgwave apply ROLLOUT, waves",
            Self::CurlParallel => "curl --parallel",
            Self::Undici => "Node, undici",
            Self::Aiohttp => "Python, aiohttp",
            Self::Httpx => "Python, httpx",
            Self::Xargs => "xargs -P 4 curl",
        }
    }

    /// What it does not do, of what a partner needs.
    pub(crate) const fn lacks(self) -> &'static str {
        match self {
            Self::Bare | Self::CurlParallel | Self::Undici | Self::Aiohttp | Self::Httpx => {
                "journal, resume, pace, retries, judging a 200, reading, verification, results"
            }
            Self::Xargs => "all of that, and connections that are kept",
            Self::Unread | Self::UnreadSwitches | Self::UnreadDoors => "reading before, reading back",
            Self::Plan | Self::Rollout | Self::Waves => "nothing",
        }
    }

    /// Calls to the API for each org.
    pub(crate) const fn calls(self) -> u32 {
        match self {
            Self::Plan => 3,
            Self::Rollout | Self::Waves => 4,
            _ => 1,
        }
    }

    pub(crate) const fn is_ours(self) -> bool {
        matches!(
            self,
            Self::Unread
                | Self::UnreadSwitches
                | Self::UnreadDoors
                | Self::Plan
                | Self::Rollout
                | Self::Waves
        )
    }

    /// Those of which a slow server lets several rounds be made in the time there is.
    pub(crate) const fn is_repeated_slowly(self) -> bool {
        matches!(self, Self::Bare | Self::Unread)
    }

    pub(crate) const fn is_slow(self) -> bool {
        matches!(self, Self::Httpx | Self::Xargs)
    }

    /// Sends everything once.
    pub(crate) fn run(
        self,
        tools: &Tools,
        estate: &Estate,
        server: &Server,
        orgs: usize,
    ) -> Result<Measured, String> {
        let url = server.update_url();
        let loops = [url.as_str(), "requests.tsv"];
        let count = orgs.to_string();
        let mut command = match self {
            Self::Bare => {
                let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
                command.args([bare::FLAG, &url, "sandbox", "requests.tsv", &count, IN_FLIGHT]);
                command
            }
            Self::Unread => return unread(estate, server),
            Self::UnreadSwitches => {
                return apply(estate, server, "eight.toml", &["--no-read", "--waves", "rest"]);
            }
            Self::UnreadDoors => {
                return apply(estate, server, "doors.toml", &["--no-read", "--waves", "rest"]);
            }
            Self::Plan => return plan_and_apply(estate, server).map(|(_, apply)| apply),
            Self::Rollout => return apply(estate, server, "off.toml", &["--waves", "rest"]),
            Self::Waves => return apply(estate, server, "on.toml", &[]),
            Self::CurlParallel => {
                let config = estate.curl_config(&url, orgs)?;
                let mut command = Command::new("curl");
                command
                    .args(["--parallel", "--parallel-max", IN_FLIGHT, "--silent", "--fail", "--config"])
                    .arg(config);
                command
            }
            Self::Undici => {
                let mut command = Command::new("node");
                command.arg(tools.folder.join("undici_peer.mjs")).args(loops).args([&count, IN_FLIGHT]);
                command
            }
            Self::Aiohttp | Self::Httpx => {
                let script = if self == Self::Aiohttp { "aiohttp_peer.py" } else { "httpx_peer.py" };
                let mut command = Command::new(tools.python());
                command.arg(Path::new(SCRIPTS).join(script)).args(loops).args([&count, IN_FLIGHT]);
                command
            }
            Self::Xargs => {
                let list = fs::read_to_string(estate.file("orgs.txt")).map_err(|error| error.to_string())?;
                let few: String = list.lines().take(orgs).flat_map(|org| [org, "\n"]).collect();
                fs::write(estate.file("few.txt"), few).map_err(|error| error.to_string())?;
                let mut command = Command::new("xargs");
                command.args([
                    "-a",
                    "few.txt",
                    "-P",
                    "4",
                    "-I",
                    "ORG",
                    "curl",
                    "--silent",
                    "--fail",
                    "--output",
                    "/dev/null",
                ]);
                command.args(["-H", "x-auth-scheme: partner-api-token", "-H", "x-auth-apikey: sandbox"]);
                command.args(["-H", "x-auth-org: ORG", "-H", "content-type: application/json"]);
                command.args(["--data-binary", "@bodies/ORG.json", &url]);
                command
            }
        };
        run(command.current_dir(&estate.folder).stderr(Stdio::null()))
    }
}

/// One POST an org.
pub(crate) fn unread(estate: &Estate, server: &Server) -> Result<Measured, String> {
    apply(estate, server, "on.toml", &["--no-read", "--waves", "rest"])
}

/// Writes all files of the last run again, from its plan and its journal.
pub(crate) fn rebuild(estate: &Estate) -> Result<Measured, String> {
    let runs = fs::read_dir(estate.file("reports")).map_err(|error| error.to_string())?;
    let run_folder =
        runs.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.join("run.db").exists());
    let run_folder = run_folder.ok_or("there is no run to report")?;
    let mut command = Command::new(ORGWAVE);
    command.arg("report").arg(run_folder).args(["--org-files", "never"]).stderr(Stdio::null());
    run(&mut command)
}

/// Checks a manifest, and asks nobody.
pub(crate) fn check(estate: &Estate, manifest: &str) -> Result<Measured, String> {
    run(Command::new(ORGWAVE).arg("check").arg(estate.file(manifest)).stderr(Stdio::null()))
}

/// Makes a plan that changes every org, and applies it.
pub(crate) fn plan_and_apply(estate: &Estate, server: &Server) -> Result<(Measured, Measured), String> {
    let planned = plan(estate, server)?;
    Ok((planned, apply(estate, server, PLAN, &[])?))
}

/// Makes a plan that changes every org, and says where it is.
pub(crate) fn plan_again(estate: &Estate, server: &Server) -> Result<PathBuf, String> {
    plan(estate, server).map(|_| estate.file(PLAN))
}

fn plan(estate: &Estate, server: &Server) -> Result<Measured, String> {
    apply(estate, server, "off.toml", &["--no-read", "--waves", "rest"])?;
    let plan = estate.file(PLAN);
    for there in ["jsonl", "html", "md", "csv"] {
        let _ = fs::remove_file(plan.with_extension(there));
    }
    let mut command = orgwave(estate, server, "plan");
    command.args(["on.toml", "--waves", "rest", "-o"]).arg(&plan);
    run(&mut command)
}

/// Applies something to every org, and makes sure that it did.
fn apply(estate: &Estate, server: &Server, target: &str, flags: &[&str]) -> Result<Measured, String> {
    let reports = estate.file("reports");
    let _ = fs::remove_dir_all(&reports);
    let mut command = orgwave(estate, server, "apply");
    // A file an org is for clients, by default up to 1,000 orgs: without it, sizes can be compared.
    command.arg(target).args(flags).args(["--yes", "--org-files", "never"]);
    let measured = run(&mut command)?;
    let applied = applied(&reports).unwrap_or(0);
    if applied == estate.orgs as u64 {
        Ok(measured)
    } else {
        Err(format!("orgwave apply {target} {flags:?}: {applied} of {} orgs were applied", estate.orgs))
    }
}

fn applied(reports: &Path) -> Option<u64> {
    let run =
        fs::read_dir(reports).ok()?.filter_map(Result::ok).map(|entry| entry.path().join("summary.json"));
    let summary = run.into_iter().find(|summary| summary.exists())?;
    let summary: Value = serde_json::from_str(&fs::read_to_string(summary).ok()?).ok()?;
    summary["counts"]["applied"].as_u64()
}

fn orgwave(estate: &Estate, server: &Server, verb: &str) -> Command {
    let mut command = Command::new(ORGWAVE);
    command
        .current_dir(&estate.folder)
        .env("RHOMBUS_API_KEY", "sandbox")
        .env("XDG_STATE_HOME", &estate.folder);
    command.args([verb, "--endpoint", server.url(), "--rate", "unlimited", "--org-rate", "unlimited"]);
    command.args(["--concurrency", IN_FLIGHT, "--no-progress", "--reports", "reports"]);
    command.stderr(Stdio::null());
    command
}

/// What the peers run on.
pub(crate) struct Tools {
    folder: PathBuf,
    missing: Vec<Contender>,
}

impl Tools {
    /// Installs what can be installed without touching the system; says what else is missing.
    pub(crate) fn install(folder: &Path) -> Result<Self, String> {
        let folder = folder.join("tools");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut tools = Self { folder, missing: Vec::new() };
        if !quietly(Command::new("curl").arg("--version")) {
            tools.lack(&[Contender::CurlParallel, Contender::Xargs], "curl (Debian: apt-get install curl)");
        }
        let python = tools.python();
        let has_packages =
            |python: &Path| quietly(Command::new(python).args(["-c", "import aiohttp, httpx"]));
        if !has_packages(&python) {
            quietly(Command::new("python3").args(["-m", "venv"]).arg(tools.folder.join("venv")));
            quietly(Command::new(&python).args(["-m", "pip", "install", "--quiet", "aiohttp", "httpx"]));
        }
        if !has_packages(&python) {
            let what = "Python with venv, aiohttp and httpx (Debian: apt-get install python3-venv)";
            tools.lack(&[Contender::Aiohttp, Contender::Httpx], what);
        }
        let script = tools.folder.join("undici_peer.mjs");
        // Node looks for packages beside the script.
        fs::copy(Path::new(SCRIPTS).join("undici_peer.mjs"), &script).map_err(|error| error.to_string())?;
        if !tools.folder.join("node_modules/undici").exists() {
            let npm = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
            // 6 is the newest that runs on the Node of Debian's stable releases.
            quietly(Command::new("npm").args(npm).arg(&tools.folder).arg("undici@6"));
        }
        if !quietly(Command::new("node").arg("--version"))
            || !tools.folder.join("node_modules/undici").exists()
        {
            tools.lack(&[Contender::Undici], "Node with npm and undici (Debian: apt-get install nodejs npm)");
        }
        Ok(tools)
    }

    pub(crate) fn has(&self, contender: Contender) -> bool {
        !self.missing.contains(&contender)
    }

    fn lack(&mut self, contenders: &[Contender], what: &str) {
        eprintln!("left out, for there is no {what}");
        self.missing.extend_from_slice(contenders);
    }

    fn python(&self) -> PathBuf {
        self.folder.join("venv/bin/python")
    }
}

fn quietly(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
