//! `orgwave export`: live settings -> a rollout folder that plans to no change. Its session has no way to write.
//!
//! An org that can't be read, or never connected the integration, keeps its row, with the reason as its `skip`.
//! Orgs that `--only` and `--skip` leave out have no row.

mod cells;
mod folder;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use orgwave_core::compare::whose;
use orgwave_core::legible::ShowPath as _;
use orgwave_core::reply::{Listed, Live};
use orgwave_core::run::Exit;
use orgwave_executor::ports::Clock as _;
use orgwave_executor::survey::{Finding, survey};
use orgwave_reporter::Fanout;
use orgwave_reporter::terminal::{clean, orgs};

use self::cells::OrgCells;
use self::folder::{Kept, OrgRow, Staged};
use super::sandboxed;
use crate::args::{self, ExportArgs, path_again};
use crate::clients::{self, closed};
use crate::connect::{Identity, Session, serve};
use crate::console;
use crate::failure::Failure;
use crate::plans::stopped;
use crate::rollout::{self, Telling};
use crate::selection::Selection;

/// Notes that are shown before they are only counted.
const SHOWN: usize = 20;

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Exports the orgs' settings.
pub async fn run(args: ExportArgs) -> Result<Exit, Failure> {
    let limits = args::pace(&args.pace, &BTreeMap::new())?;
    let staged = Staged::begin(&args.output)?;
    let mut table = None;
    let sandbox = match (&args.rollout, args.connect.sandbox) {
        (Some(path), true) => {
            let mut rollout = rollout::open(path, &args.input, Telling::People)?;
            table = rollout.sandbox.clone();
            sandboxed::of_rollout(&args.connect, &mut rollout, None).await?
        }
        (None, true) => Some(serve(None, super::sandbox::made_up(50, 0), None).await?),
        (Some(_), false) => {
            return Err(Failure::usage("a rollout is only for --sandbox: the orgs come from the API"));
        }
        (None, false) => None,
    };
    let identity = Identity::of(&args.connect.key, sandbox.as_ref())?;
    let mut session = Session::open(identity, &args.connect.key, limits, &BTreeMap::new(), sandbox, None)?;
    let api = session.reader()?;
    let select = Selection::of(&args.select)?;
    let list = clients::ask(&api, &mut session).await.map_err(|reason| stopped(&reason))?;
    let listed = chosen(list.clients, &select)?;

    let cannot = |error: std::io::Error| Failure::cannot_write(&args.output, error);
    let mut kept = Kept::new(staged.path(), listed.len()).map_err(cannot)?;
    let mut notes = Notes::default();
    // A plan blocks these, so they have a reason to be skipped, and needn't be read.
    for (place, listed) in listed.iter().enumerate() {
        if let Some((_, why)) = closed(listed) {
            let row = OrgRow { skip: format!("not exported: {why}"), ..OrgRow::empty(listed) };
            notes.take(&row);
            kept.put(place, &row).map_err(cannot)?;
        }
    }
    let (mut read, mut failed) = (0_usize, None);
    let mut next = session.gate.clock().now().plus(HEARTBEAT);
    let open = listed.iter().enumerate().filter(|(_, listed)| closed(listed).is_none());
    let stop = survey(
        open.map(|(place, listed)| (listed.org, place)),
        &api,
        &mut session.gate,
        &mut session.control,
        &mut Fanout::new(),
        |&place, finding, cx| {
            let row = row_of(&listed[place], finding);
            notes.take(&row);
            if let Err(error) = kept.put(place, &row) {
                failed.get_or_insert(error);
            }
            read += 1;
            if !args.quiet && cx.now >= next {
                next = cx.now.plus(HEARTBEAT);
                console::note(&format!("exported {read}/{}\n", orgs(listed.len() as u64)));
            }
        },
    )
    .await;
    if let Some(reason) = stop {
        return Err(stopped(&reason));
    }
    if let Some(error) = failed {
        return Err(cannot(error));
    }
    staged.finish(kept, table.as_ref())?;
    if let Some(sandbox) = session.sandbox.take() {
        sandbox.shutdown().await;
    }
    notes.show();
    if !args.quiet {
        console::out(&format!(
            "{} in {}, {} of them skipped\nno secret is in it; a plan of it changes nothing: orgwave plan {}{}\n",
            orgs(listed.len() as u64),
            args.output.shown(),
            notes.skipped,
            path_again(&args.output.join("rollout.toml")),
            args.connect.again(),
        ));
    }
    Ok(Exit::Done)
}

/// The orgs to be exported, by name; each once.
fn chosen(mut listed: Vec<Listed>, select: &Selection) -> Result<Vec<Listed>, Failure> {
    select.must_match(|see| {
        for listed in &listed {
            see((&listed.org, [listed.name.as_deref(), None]));
        }
        Ok(())
    })?;
    let mut seen = HashSet::new();
    listed.retain(|listed| {
        select.skips((&listed.org, [listed.name.as_deref(), None])).is_none() && seen.insert(listed.org)
    });
    if listed.is_empty() {
        return Err(Failure::new(Exit::NoInput, "there is no org to export")
            .hint("`orgwave orgs` lists those that there are"));
    }
    listed.sort_by(|left, right| left.name.cmp(&right.name).then(left.org.cmp(&right.org)));
    Ok(listed)
}

fn row_of(listed: &Listed, finding: Finding) -> OrgRow {
    let mut row = OrgRow::empty(listed);
    match finding {
        Finding::Live(Live::Connected(settings, _)) => match whose(&listed.org, &settings) {
            Ok(_) => {
                row.cells = OrgCells::of(&settings);
                row.note = left_out(&row.cells.left_out);
            }
            Err(complaint) => row.skip = format!("not exported: {}", complaint.message),
        },
        Finding::Live(Live::NotConnected(message)) => {
            let message = message.unwrap_or_else(|| "the org has no Envoy settings".to_owned());
            row.skip = format!("not connected: {message}");
        }
        Finding::Unread(_, complaint) => row.skip = format!("could not be read: {}", complaint.message),
        // The export as a whole ends then.
        Finding::NotReached => "could not be read: the export was stopped".clone_into(&mut row.skip),
    }
    row
}

/// What is left out, in words short enough for a cell.
fn left_out(paths: &[String]) -> String {
    let few: Vec<_> = paths.iter().take(SHOWN).map(|path| clean(path).into_owned()).collect();
    match paths.len() {
        0 => String::new(),
        count if count <= SHOWN => format!("left out, as no cell can hold it: {}", few.join(", ")),
        count => format!("left out, as no cell can hold it: {}, and {} more", few.join(", "), count - SHOWN),
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
    fn take(&mut self, row: &OrgRow) {
        self.skipped += usize::from(!row.skip.is_empty());
        for what in [&row.skip, &row.note] {
            if what.is_empty() {
            } else if self.lines.len() < SHOWN {
                self.lines.push(format!("note: {} {}: {}\n", row.org, clean(&row.name), clean(what)));
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
            console::note(&format!("note: and {} more; the columns skip and note have all\n", self.more));
        }
    }
}
