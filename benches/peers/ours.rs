//! How orgwave is run.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::ORGWAVE;
use super::estate::Estate;
use super::measured::{Measured, run, size_of};
use super::server::Server;

/// Requests in flight, for all contenders.
pub(crate) const IN_FLIGHT: &str = "64";
/// The plan that orgwave makes for itself.
pub(crate) const PLAN: &str = "plan.jsonl";
const REPORTS: &str = "reports";

/// A command that needs no server.
pub(crate) fn offline(estate: &Estate, verb: &str) -> Command {
    let mut command = Command::new(ORGWAVE);
    command
        .arg(verb)
        .current_dir(&estate.folder)
        .env("RHOMBUS_API_KEY", "sandbox")
        .env("XDG_STATE_HOME", &estate.folder)
        .stderr(Stdio::null());
    command
}

/// A command that calls the server, without a limit.
pub(crate) fn online(estate: &Estate, server: &Server, verb: &str) -> Command {
    let mut command = offline(estate, verb);
    command.args(["--endpoint", server.url(), "--rate", "unlimited", "--org-rate", "unlimited"]);
    command.args(["--concurrency", IN_FLIGHT]);
    command
}

/// Makes a plan, over the last one. Returns the codes that acknowledge its guards.
pub(crate) fn plan(
    estate: &Estate,
    server: &Server,
    rollout: &str,
) -> Result<(Vec<String>, Measured), String> {
    let plan = estate.file(PLAN);
    for there in ["jsonl", "html", "md", "csv"] {
        let _ = fs::remove_file(plan.with_extension(there));
    }
    let mut command = online(estate, server, "plan");
    let measured = run(command.args([rollout, "--waves", "rest", "-o", PLAN]))?;
    Ok((acks(&plan)?, measured))
}

/// What the last line of a plan asks for.
fn acks(plan: &std::path::Path) -> Result<Vec<String>, String> {
    let text = fs::read(plan).map_err(|error| format!("the plan: {error}"))?;
    let last = text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let footer: Value = serde_json::from_slice(last).map_err(|error| format!("the plan's end: {error}"))?;
    let guards = footer.get("guards").or_else(|| footer.pointer("/footer/guards"));
    let guards = guards.and_then(Value::as_array).ok_or("the plan's end has no guards")?;
    Ok(guards.iter().filter_map(|guard| Some(guard["ack"].as_str()?.to_owned())).collect())
}

/// Applies something to every org, in a single wave, over the last run.
pub(crate) fn apply(estate: &Estate, server: &Server, target: &str, flags: &[&str]) -> Command {
    let _ = fs::remove_dir_all(estate.file(REPORTS));
    let mut command = online(estate, server, "apply");
    if target != PLAN {
        command.args(["--waves", "rest"]);
    }
    // A file an org is for clients, by default up to 1,000 orgs: without it, sizes can be compared.
    command.args([target, "--yes", "--org-files", "never"]).args(flags);
    command
}

/// The folder of the last run.
pub(crate) fn last_run(estate: &Estate) -> Result<PathBuf, String> {
    let runs = fs::read_dir(estate.file(REPORTS)).map_err(|error| error.to_string())?;
    let mut folders = runs.filter_map(Result::ok).map(|entry| entry.path());
    folders.find(|folder| folder.join("run.db").exists()).ok_or_else(|| "there is no run".to_owned())
}

/// Bytes of the last run's folder.
pub(crate) fn kept(estate: &Estate) -> u64 {
    size_of(&estate.file(REPORTS))
}
