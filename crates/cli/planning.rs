//! The planner, wired: a session's reads, plans opened by their paths, its warnings in words.

use std::path::{Path, PathBuf};

use orgwave_core::event::EventSink;
use orgwave_core::operation::{Catalog, Operations};
use orgwave_core::plan::Header;
use orgwave_executor::ports::TokioClock;
use orgwave_executor::rollout::HeldReads;
use orgwave_planner::plan::{self, NewPlan, OpenPlan, PlanFile, PlanPolicy};
use orgwave_planner::selection::Selection;
use orgwave_planner::{Reads, Warning};
use orgwave_reporter::terminal::{clean, several};
use tempfile::TempDir;

use crate::connect::{ReadPort, Session};
use crate::console;
use crate::failure::Failure;
use crate::input::Input;
use crate::memory::Memory;
use crate::rollout::Rollout;

/// Opens the plan at this path.
///
/// # Errors
/// 66.
pub fn open_plan(catalog: &Catalog, path: &Path) -> Result<PlanFile, Failure> {
    let file = Input::open(path).map_err(|error| Failure::no_input(path, error))?.into_file();
    Ok(PlanFile::new(catalog.clone(), file, path.to_owned()))
}

/// The first line of the plan at this path, not proved.
///
/// # Errors
/// 66, 65, or 12: it isn't there, no plan, or a newer one.
pub fn header_of(catalog: &Catalog, path: &Path) -> Result<Header, Failure> {
    Ok(open_plan(catalog, path)?.header()?)
}

/// Makes the plan of a rollout, with this id, and writes it to this path, durably. Sends only reads. What they show of the
/// orgs to be written goes to `held`, too.
///
/// # Errors
/// The rollout changed (65), a pattern matches no org (64), the API can't be used (69), the key is refused (77), a signal
/// came (129, 130, 143), the plan can't be written (74).
pub async fn make(
    rollout: &mut Rollout,
    policy: &PlanPolicy,
    select: Selection,
    session: &mut Session,
    (path, id): (&Path, String),
    held: Option<&mut HeldReads>,
    sink: &mut dyn EventSink,
) -> Result<OpenPlan, Failure> {
    let seal = session.seal(&id);
    let api = session.reader()?;
    let operations = &rollout.operations();
    let source = rollout.as_source(&session.secrets, session.sandbox.is_some());
    let new = NewPlan {
        path,
        id,
        endpoint: session.endpoint.clone(),
        key_fingerprint: session.key_fingerprint(),
        seal: &seal,
    };
    let (gate, control) = (&mut session.gate, &mut session.control);
    let mut reads = Reads { operations, api: &api, gate, control, sink, warn };
    Ok(plan::make(source, policy, select, new, &mut reads, held).await?)
}

/// A session's reads of these operations.
pub fn reads<'a>(
    operations: &'a Operations,
    session: &'a mut Session,
    api: &'a ReadPort,
    sink: &'a mut dyn EventSink,
) -> Reads<'a, TokioClock, ReadPort> {
    let Session { gate, control, .. } = session;
    Reads { operations, api, gate, control, sink, warn }
}

/// A folder for temporary files, removed when dropped.
///
/// # Errors
/// 74.
pub fn scratch(state_dir: Option<&Path>) -> Result<TempDir, Failure> {
    Ok(orgwave_planner::scratch(other_scratch(state_dir).as_deref())?)
}

/// Where temporary files are put if not where they belong: the tool's memory, which a container keeps writable.
pub fn other_scratch(state_dir: Option<&Path>) -> Option<PathBuf> {
    Memory::place(state_dir).ok()
}

/// Prints a warning, however quiet the command is.
pub fn warn(warning: &Warning) {
    console::note(&format!("warning: {}\n", in_words(warning)));
}

fn in_words(warning: &Warning) -> String {
    match warning {
        Warning::UnreadableClient(record) => {
            format!("the client list, {}; the record is skipped", clean(&record.to_string()))
        }
        Warning::MoreUnreadableClients(more) => {
            format!("and {more} more records of the client list that can't be read")
        }
        Warning::Idle(rows) => {
            let parts: Vec<String> = rows.iter().map(|(word, rows)| several(*rows, word, word)).collect();
            match (rows.values().sum(), rows.keys().next()) {
                (1, Some(word)) => format!("nothing can be applied: the only row is {word}"),
                (all, _) => {
                    let rows = several(all, "row", "rows");
                    format!("nothing can be applied: of {rows} {}", parts.join(", "))
                }
            }
        }
        Warning::MapsUnread => {
            "--no-read sends maps as they are in the rollout: on a server that replaces, entries without a row are lost"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_plan_says_what_became_of_its_rows() {
        let said = |rows: &[(&'static str, u64)]| in_words(&Warning::Idle(rows.iter().copied().collect()));
        assert_eq!(
            said(&[("blocked", 1), ("skipped", 2)]),
            "nothing can be applied: of 3 rows 1 blocked, 2 skipped"
        );
        assert_eq!(said(&[("skipped", 12_000)]), "nothing can be applied: of 12,000 rows 12,000 skipped");
        assert_eq!(said(&[("skipped", 1)]), "nothing can be applied: the only row is skipped");
    }
}
