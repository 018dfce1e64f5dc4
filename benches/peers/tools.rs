//! What the peers run on. Packages are installed below `target/`; nothing is installed for the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::SCRIPTS;
use super::contender::Contender;

/// What is there, and what isn't.
pub(crate) struct Tools {
    folder: PathBuf,
    missing: Vec<(Contender, &'static str)>,
}

impl Tools {
    /// Installs what can be installed without touching the system; says what else is missing.
    pub(crate) fn install(folder: &Path) -> Result<Self, String> {
        let folder = folder.join("tools");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.to_string_lossy()))?;
        let mut tools = Self { folder, missing: Vec::new() };
        let is_there = |name| quietly(Command::new(name).arg("--version"));
        if !is_there("curl") {
            tools.lack(Contender::Curl, "curl (Debian: apt-get install curl)");
        }
        if !["curl", "mlr", "jq"].into_iter().all(is_there) {
            tools.lack(Contender::Shell, "mlr, jq or curl (Debian: apt-get install miller jq curl)");
        }
        let python = tools.python();
        let has_packages =
            |python: &Path| quietly(Command::new(python).args(["-c", "import aiohttp, uvloop"]));
        if !has_packages(&python) {
            quietly(Command::new("python3").args(["-m", "venv"]).arg(tools.folder.join("venv")));
            quietly(Command::new(&python).args(["-m", "pip", "install", "--quiet", "aiohttp", "uvloop"]));
        }
        if !has_packages(&python) {
            let what = "Python with venv, aiohttp and uvloop (Debian: apt-get install python3-venv)";
            tools.lack(Contender::Aiohttp, what);
        }
        // Node looks for packages beside the script.
        let script = Path::new(SCRIPTS).join("undici_peer.mjs");
        fs::copy(script, tools.folder.join("undici_peer.mjs")).map_err(|error| error.to_string())?;
        let has_modules = |folder: &Path| {
            ["undici", "csv-parse"].iter().all(|name| folder.join("node_modules").join(name).exists())
        };
        if !has_modules(&tools.folder) {
            let npm = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
            // 6 is the newest that runs on the Node of Debian's stable releases.
            quietly(Command::new("npm").args(npm).arg(&tools.folder).args(["undici@6", "csv-parse@5"]));
        }
        if !is_there("node") || !has_modules(&tools.folder) {
            let what = "Node with npm, undici and csv-parse (Debian: apt-get install nodejs npm)";
            tools.lack(Contender::Undici, what);
        }
        Ok(tools)
    }

    /// What a contender would need that isn't there.
    pub(crate) fn missing_for(&self, contender: Contender) -> Option<&'static str> {
        self.missing.iter().find(|(missing, _)| *missing == contender).map(|(_, what)| *what)
    }

    fn lack(&mut self, contender: Contender, what: &'static str) {
        eprintln!("left out, for there is no {what}");
        self.missing.push((contender, what));
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("venv/bin/python")
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}

fn quietly(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
