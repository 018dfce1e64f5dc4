//! How each is run: the competent version of what people write.

use std::path::Path;
use std::process::{Command, Stdio};

use super::estate::Estate;
use super::measured::{Measured, run};
use super::ours::{self, IN_FLIGHT};
use super::server::Server;
use super::tools::Tools;
use super::{SCRIPTS, loops};

/// Something that sends its updates to each of many orgs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// A loop over reqwest that is handed its bodies. All ratios are to it.
    Bare,
    /// One curl, many transfers, all of them in its configuration.
    Curl,
    /// orgwave, which writes without reading.
    Unread,
    /// orgwave from a plan: read, write, read back.
    Plan,
    /// orgwave from a rollout: the same, planned before.
    Rollout,
    /// A loop over reqwest that reads the manifest.
    Reading,
    /// Node: csv-parse, undici's pool.
    Undici,
    /// Python: csv, aiohttp, uvloop.
    Aiohttp,
    /// Miller, jq and one curl.
    Shell,
}

impl Contender {
    pub(crate) const ALL: [Self; 9] = [
        Self::Bare,
        Self::Curl,
        Self::Unread,
        Self::Plan,
        Self::Rollout,
        Self::Reading,
        Self::Undici,
        Self::Aiohttp,
        Self::Shell,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare reqwest loop, bodies prebuilt",
            Self::Curl => "curl --parallel, config prebuilt",
            Self::Unread => "orgwave apply ROLLOUT --no-read",
            Self::Plan => "orgwave apply PLAN",
            Self::Rollout => "orgwave apply ROLLOUT",
            Self::Reading => "Rust: csv, serde_json, reqwest",
            Self::Undici => "Node: csv-parse, undici",
            Self::Aiohttp => "Python: csv, aiohttp, uvloop",
            Self::Shell => "shell: mlr, jq, curl --parallel",
        }
    }

    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::Unread | Self::Plan | Self::Rollout)
    }

    /// What it does not do, of what a rollout to clients needs.
    pub(crate) const fn lacks(self) -> &'static str {
        match self {
            Self::Bare | Self::Curl => {
                "read no manifest and make no body, and do nothing that the scripts don't do"
            }
            Self::Unread => {
                "reads no org, before or after it is written: no diff, no `expect`, no proof, no before-image for an undo"
            }
            Self::Plan => "plans before, by calls that aren't counted here; then it does all of it",
            Self::Rollout => "does all of it",
            Self::Reading | Self::Undici | Self::Aiohttp | Self::Shell => {
                "refuse no wrong cell, column or org; read no org, show no diff, ask for no confirmation; keep no journal, so \
                 they can't resume or undo; don't pace, retry, wait out an outage or stop at failures; take a 200 that says \
                 it failed for a success; read nothing back; write no results"
            }
        }
    }

    /// Whether it sends back all that it read, changed, instead of what the row says alone.
    const fn sends_whole(self) -> bool {
        matches!(self, Self::Plan | Self::Rollout)
    }

    /// Those of which a slow server lets several rounds be made in the time there is.
    pub(crate) const fn is_repeated_slowly(self) -> bool {
        matches!(self, Self::Bare | Self::Unread)
    }

    /// Sends everything once; the server's totals must say that every update was applied.
    pub(crate) fn run(
        self,
        tools: &Tools,
        estate: &Estate,
        server: &Server,
        proof: Proof,
    ) -> Result<Sending, String> {
        if self.sends_whole() {
            // What has its values already is not written.
            flip(estate, server)?;
        }
        let plan = if self == Self::Plan { Some(ours::plan(estate, server, "on.toml")?.0) } else { None };
        let before = server.totals()?;
        let script = |program: &Path, name: &str| {
            let mut command = Command::new(program);
            command.arg(name).args([server.url(), "on.csv", "operations.json", IN_FLIGHT]);
            command
        };
        let mut command = match self {
            Self::Bare => bare(estate, server, "on.tsv")?,
            Self::Curl => {
                let mut command = Command::new("curl");
                command.args(["--parallel", "--parallel-max", IN_FLIGHT, "--silent", "--fail", "--config"]);
                command.arg("curl.conf");
                command
            }
            Self::Unread => ours::apply(estate, server, "on.toml", &["--no-read"]),
            Self::Plan => {
                let acks: Vec<&str> =
                    plan.iter().flatten().flat_map(|code| ["--ack", code.as_str()]).collect();
                ours::apply(estate, server, ours::PLAN, &acks)
            }
            Self::Rollout => ours::apply(estate, server, "on.toml", &[]),
            Self::Reading => {
                let mut command = this()?;
                command.args([loops::READING, server.url(), "on.csv", "operations.json", IN_FLIGHT]);
                command
            }
            Self::Undici => script(Path::new("node"), &tools.file("undici_peer.mjs")),
            Self::Aiohttp => script(&tools.python(), &format!("{SCRIPTS}/aiohttp_peer.py")),
            Self::Shell => script(Path::new("sh"), &format!("{SCRIPTS}/shell_peer.sh")),
        };
        let measured = run(command.current_dir(&estate.folder).stderr(Stdio::null()))?;
        let after = server.totals()?;
        let (applied, calls) = (after.applied - before.applied, after.requests - before.requests);
        if applied != estate.updates() as u64 {
            let name = self.name();
            return Err(format!("{name}: {applied} of {} updates were applied", estate.updates()));
        }
        if proof == Proof::Bodies {
            let proved = estate.prove(&server.sent_since(before.requests)?, self.sends_whole());
            proved.map_err(|error| format!("{}: {error}", self.name()))?;
        }
        let kept = if self.is_ours() { ours::kept(estate) } else { 0 };
        Ok(Sending { measured, calls, kept })
    }
}

/// How it is known that a contender did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By the number of updates that the server applied.
    Totals,
    /// By what each update held, besides.
    Bodies,
}

/// One run of a contender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) measured: Measured,
    /// Calls to the API, all of them.
    pub(crate) calls: u64,
    /// Bytes that it left on the disk.
    pub(crate) kept: u64,
}

/// Puts all orgs into the other state.
pub(crate) fn flip(estate: &Estate, server: &Server) -> Result<(), String> {
    run(&mut bare(estate, server, "off.tsv")?).map(|_| ())
}

fn this() -> Result<Command, String> {
    std::env::current_exe().map(Command::new).map_err(|error| error.to_string())
}

fn bare(estate: &Estate, server: &Server, requests: &str) -> Result<Command, String> {
    let mut command = this()?;
    command.args([loops::BARE, server.url(), requests, IN_FLIGHT]).current_dir(&estate.folder);
    Ok(command)
}
