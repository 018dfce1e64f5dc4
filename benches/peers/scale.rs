//! Every command over more and more orgs, wide rows.

use std::process::Command;

use super::estate::{Estate, Work};
use super::measured::{Measured, run};
use super::ours;
use super::rows;
use super::server::Server;

/// The commands, in the order of a table.
pub(crate) const COMMANDS: [&str; 10] = [
    "check ROLLOUT",
    "apply ROLLOUT --no-read",
    "plan ROLLOUT",
    "apply PLAN",
    "report RUN",
    "verify RUN",
    "undo RUN",
    "runs",
    "history ORG",
    "export",
];

/// What the commands took for this many orgs; `None` for one that this orgwave doesn't have.
pub(crate) struct Scale {
    pub(crate) orgs: usize,
    pub(crate) commands: Vec<Option<Measured>>,
}

/// Runs every command once for this many orgs.
pub(crate) fn measure(orgs: usize, folder: &std::path::Path) -> Result<Scale, String> {
    let estate = Estate::make(folder, Work::Wide, orgs)?;
    let server = Server::start(&estate.file("on.toml"), "0ms")?;
    let mut commands = Vec::new();
    let mut acks: Vec<String> = Vec::new();
    for name in COMMANDS {
        let measured = match name {
            "plan ROLLOUT" => {
                let (asked, measured) = ours::plan(&estate, &server, "on.toml")?;
                acks = asked;
                Some(measured)
            }
            _ => command(name, &estate, &server, &acks)?.map(|mut command| run(&mut command)).transpose()?,
        };
        eprintln!(
            "  {orgs} orgs: {name}: {}",
            measured.map_or("not there".to_owned(), |measured| measured.to_string())
        );
        commands.push(measured);
    }
    Ok(Scale { orgs, commands })
}

/// A command of those that follow the plan; `None` where this orgwave doesn't have it.
fn command(name: &str, estate: &Estate, server: &Server, acks: &[String]) -> Result<Option<Command>, String> {
    let mut command = match name {
        "check ROLLOUT" => {
            let mut command = ours::offline(estate, "check");
            command.arg("on.toml");
            command
        }
        "apply ROLLOUT --no-read" => ours::apply(estate, server, "off.toml", &["--no-read"]),
        "apply PLAN" => {
            let acks: Vec<&str> = acks.iter().flat_map(|code| ["--ack", code.as_str()]).collect();
            ours::apply(estate, server, ours::PLAN, &acks)
        }
        "report RUN" => {
            let mut command = ours::offline(estate, "report");
            command.arg(ours::last_run(estate)?).args(["--org-files", "never"]);
            command
        }
        "verify RUN" => {
            let mut command = ours::online(estate, server, "verify");
            command.arg(ours::last_run(estate)?);
            command
        }
        "undo RUN" => {
            let mut command = ours::online(estate, server, "undo");
            command.arg(ours::last_run(estate)?).args(["-o", "undo.jsonl"]);
            command
        }
        "runs" => ours::offline(estate, "runs"),
        "history ORG" => {
            if run(ours::offline(estate, "history").arg("--help")).is_err() {
                return Ok(None);
            }
            let mut command = ours::offline(estate, "history");
            command.arg(rows::id(0).to_string());
            command
        }
        "export" => {
            let mut command = ours::online(estate, server, "export");
            command.args(["-o", "exported"]);
            command
        }
        _ => return Err(format!("no command {name}")),
    };
    command.current_dir(&estate.folder);
    Ok(Some(command))
}
