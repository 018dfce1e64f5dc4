//! `orgwave runs`: what was run, the newest first.

mod prune;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_reporter::RunDigest;
use orgwave_reporter::terminal::{Entry, listing};
use serde_json::{Value, json};

use crate::args::{RunsArgs, RunsCommand};
use crate::console;
use crate::failure::Failure;
use crate::runs::{RunFolder, is_finished, runs_in};

/// Lists the runs, or does what is asked with them.
pub fn run(catalog: &Catalog, args: &RunsArgs) -> Result<Exit, Failure> {
    match &args.command {
        None => Ok(list(catalog, args)),
        Some(RunsCommand::Prune(which)) => prune::run(catalog, args, which),
    }
}

fn list(catalog: &Catalog, args: &RunsArgs) -> Exit {
    let runs = runs_in(catalog, &args.reports, |_, failure| console::error(&failure));
    let mut entries = Vec::new();
    for run in &runs {
        match run.digest() {
            Ok(digest) if args.json => console::event("run", &as_json(run, &digest)),
            Ok(digest) => entries.push(entry(run, &digest)),
            Err(failure) => console::error(&failure),
        }
    }
    console::out(&listing(&entries, console::columns()));
    if runs.is_empty() && !args.json {
        console::note(&format!("no runs below {}\n", args.reports.shown()));
    }
    Exit::Done
}

fn state(run: &RunFolder, digest: &RunDigest) -> String {
    if digest.course.finish.is_none() {
        return "died".to_owned();
    }
    // A run of the sandbox ended with its server: there is nothing to resume.
    if !is_finished(run, digest) && !digest.in_sandbox() {
        return "unfinished".to_owned();
    }
    digest.exit().map_or_else(|| "died".to_owned(), |exit| format!("exit {}", exit.code()))
}

fn entry(run: &RunFolder, digest: &RunDigest) -> Entry {
    let counts: Vec<String> = digest
        .counts
        .iter()
        .filter(|(_, orgs)| *orgs > 0)
        .map(|(status, orgs)| format!("{orgs} {status}"))
        .collect();
    Entry {
        id: run.header.run_id.clone(),
        parts: vec![state(run, digest), run.header.endpoint.clone(), counts.join(", ")],
    }
}

fn as_json(run: &RunFolder, digest: &RunDigest) -> Value {
    json!({
        "run_id": run.header.run_id,
        "plan_id": run.header.plan_id,
        "endpoint": run.header.endpoint,
        "started": run.header.started,
        "finished": is_finished(run, digest),
        "exit_code": digest.exit().map(Exit::code),
        "counts": digest.counts,
        "folder": run.path.to_string_lossy(),
    })
}
