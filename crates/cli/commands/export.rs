//! `orgwave export`: live settings -> a rollout folder that plans to no change. Its session has no way to write.

mod folder;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::{Catalog, Operation, Operations};
use orgwave_core::run::Exit;
use orgwave_executor::ports::Clock as _;
use orgwave_planner::Spool;
use orgwave_planner::clients;
use orgwave_planner::export::{Exported, OrgRow, chosen, rows};
use orgwave_planner::selection::Selection;
use orgwave_reporter::Fanout;
use orgwave_reporter::terminal::{clean, orgs};

use self::folder::Staged;
use super::sandboxed;
use crate::args::{self, ExportArgs, RolloutLimits, path_again};
use crate::connect::{Identity, Session, serve};
use crate::console;
use crate::failure::Failure;
use crate::planning::reads;
use crate::rollout::{self, ProblemFormat};

/// Notes that are shown before they are only counted.
const SHOWN: usize = 20;

/// What names every operation.
const ALL: &str = "all";

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Exports the orgs' settings.
pub async fn run(catalog: &Catalog, args: ExportArgs) -> Result<Exit, Failure> {
    let operations = operations(catalog, &args.operation)?;
    let limits = args::pace(&args.pace, &RolloutLimits::default());
    let staged = Staged::begin(&args.output)?;
    let mut table = None;
    let sandbox = match (&args.rollout, args.connect.sandbox) {
        (Some(path), true) => {
            let mut rollout = rollout::open(catalog, path, &args.input(), ProblemFormat::Text)?;
            table = rollout.sandbox.clone();
            sandboxed::of_rollout(catalog, &args.connect, &mut rollout, None).await?
        }
        (None, true) => Some(serve(catalog, None, super::sandbox::made_up(50, 0), None).await?),
        (Some(_), false) => {
            return Err(Failure::usage("a rollout requires --sandbox: otherwise the orgs come from the API"));
        }
        (None, false) => None,
    };
    let identity = Identity::of(&args.connect.key, sandbox.as_ref())?;
    let mut session =
        Session::open(catalog, identity, &args.connect.key, limits, &BTreeMap::new(), sandbox, None)?;
    let api = session.reader()?;
    let select = Selection::of(args::select(&args.select)?);
    let mut sink = Fanout::new();
    let mut reads = reads(&operations, &mut session, &api, &mut sink);
    let listed = chosen(clients::ask(&mut reads).await?.clients, &select)?;

    let cannot = |error: std::io::Error| Failure::cannot_write(&args.output, error);
    let mut kept = Spool::in_folder(staged.path()).map_err(cannot)?;
    let mut notes = Notes::default();
    let (mut read, mut failed) = (0_usize, None);
    let mut next = reads.gate.clock().now().plus(HEARTBEAT);
    rows(&listed, &mut reads, |place, row, read_at| {
        notes.take(&operations, row);
        if let Err(error) = kept.put(place as u64, row) {
            failed.get_or_insert(error);
        }
        let Some(now) = read_at else { return };
        read += 1;
        if !args.quiet && now >= next {
            next = now.plus(HEARTBEAT);
            console::note(&format!("exported {read}/{}\n", orgs(listed.len() as u64)));
        }
    })
    .await?;
    if let Some(error) = failed {
        return Err(cannot(error));
    }
    staged.finish(&operations, &mut kept, args.as_defaults, table.as_ref())?;
    if let Some(sandbox) = session.sandbox.take() {
        sandbox.shutdown().await;
    }
    notes.show();
    if !args.quiet {
        console::out(&format!(
            "{} in {}, {} of them skipped\nit contains no secrets; a plan of it changes nothing: orgwave plan {}{}\n",
            orgs(listed.len() as u64),
            args.output.shown(),
            notes.skipped,
            path_again(&args.output.join("rollout.toml")),
            args.connect.again(),
        ));
    }
    Ok(Exit::Done)
}

/// The operations that are named, each once; the default one, where none is.
fn operations(catalog: &Catalog, names: &[String]) -> Result<Operations, Failure> {
    if names.is_empty() {
        return Ok(Operations::one(catalog.default_one().clone()));
    }
    let mut operations: Vec<Arc<Operation>> = Vec::new();
    for name in names {
        let found = if name == ALL {
            catalog.iter().cloned().collect()
        } else {
            vec![rollout::operation_of(catalog, name)?]
        };
        for operation in found {
            if !operations.contains(&operation) {
                operations.push(operation);
            }
        }
    }
    if operations.len() > Operations::MOST {
        return Err(Failure::usage(format!("at most {} operations in one rollout", Operations::MOST)));
    }
    Ok(Operations::new(operations))
}

/// What the tables don't say of an org, for its note.
fn note(operations: &Operations, row: &OrgRow) -> String {
    let lacks =
        of_each(operations, row).filter_map(|(name, exported)| Some(format!("{name}: {}", exported.lack()?)));
    let left_out = Some(left_out(operations, row)).filter(|words| !words.is_empty());
    left_out.into_iter().chain(lacks).collect::<Vec<_>>().join("; ")
}

/// What a row has of each operation, by its name.
fn of_each<'a>(operations: &'a Operations, row: &'a OrgRow) -> impl Iterator<Item = (&'a str, &'a Exported)> {
    operations.iter().map(|(_, operation)| &*operation.name).zip(&row.operations)
}

/// What a row leaves out, in words short enough for a cell.
fn left_out(operations: &Operations, row: &OrgRow) -> String {
    let prefix = |name: &str| if operations.are_several() { format!("{name}:") } else { String::new() };
    let paths: Vec<String> = of_each(operations, row)
        .filter_map(|(name, exported)| Some((prefix(name), exported.cells()?)))
        .flat_map(|(prefix, cells)| cells.left_out.iter().map(move |path| format!("{prefix}{path}")))
        .collect();
    let few: Vec<_> = paths.iter().take(SHOWN).map(|path| clean(path).into_owned()).collect();
    match paths.len() {
        0 => String::new(),
        count if count <= SHOWN => format!("omitted, because no cell can hold it: {}", few.join(", ")),
        count => {
            format!("omitted, because no cell can hold it: {}, and {} more", few.join(", "), count - SHOWN)
        }
    }
}

/// What has to be said of some orgs.
#[derive(Default)]
struct Notes {
    skipped: usize,
    lines: Vec<String>,
    more: usize,
}

impl Notes {
    fn take(&mut self, operations: &Operations, row: &OrgRow) {
        self.skipped += usize::from(!row.skip.is_empty());
        let unread = of_each(operations, row).filter_map(|(name, exported)| match exported {
            Exported::Unread(why) => Some(format!("{name}: {why}")),
            Exported::Cells(_) | Exported::NotConnected(_) => None,
        });
        for what in [row.skip.clone(), left_out(operations, row)].into_iter().chain(unread) {
            if what.is_empty() {
            } else if self.lines.len() < SHOWN {
                self.lines.push(format!("note: {} {}: {}\n", row.org, clean(&row.name), clean(&what)));
            } else {
                self.more += 1;
            }
        }
    }

    fn show(&self) {
        for line in &self.lines {
            console::note(line);
        }
        if self.more > 0 {
            console::note(&format!("note: and {} more; see the columns skip and note\n", self.more));
        }
    }
}
