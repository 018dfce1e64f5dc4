//! Live settings as the rows of a rollout that plans to no change.
//!
//! An org that can't be read, or never connected the integration, keeps its row, with the reason as its `skip`.
//! Orgs that `--only` and `--skip` leave out have no row.

mod cells;

use std::collections::HashSet;
use std::sync::Arc;

use orgwave_core::compare::check_owner;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use orgwave_core::reply::{Listed, Live};
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::ports::{Clock, ReadApi};
use orgwave_executor::survey::Finding;
use serde::{Deserialize, Serialize};

pub use self::cells::{Entry, OrgCells, columns};
use crate::clients::{closed, name_in_a_cell};
use crate::error::Error;
use crate::reads::Reads;
use crate::selection::Selection;

/// What `orgs.csv` and the side tables say of an org.
#[derive(Debug, Serialize, Deserialize)]
pub struct OrgRow {
    /// Whose row it is.
    pub org: Ruuid,
    /// Its name, as far as a manifest takes it.
    pub name: String,
    /// Why it was not read; empty if it was.
    pub skip: String,
    /// What it has, and what of it is omitted.
    pub cells: OrgCells,
}

impl OrgRow {
    /// A row that says nothing yet.
    fn empty(listed: &Listed) -> Self {
        Self {
            org: listed.org,
            name: name_in_a_cell(listed).unwrap_or_default().to_owned(),
            skip: String::new(),
            cells: OrgCells::default(),
        }
    }
}

/// The orgs to be exported, by name; each once.
///
/// # Errors
/// [`Error::Unmatched`], [`Error::NoOrg`].
pub fn chosen(mut listed: Vec<Listed>, select: &Selection) -> Result<Vec<Listed>, Error> {
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
        return Err(Error::NoOrg);
    }
    listed.sort_by(|left, right| left.name.cmp(&right.name).then(left.org.cmp(&right.org)));
    Ok(listed)
}

/// Reads these orgs, and hands out the row of each with its place among them and the time at which it was read, in the order
/// of the replies. One that a plan would block has a reason to be skipped, and needn't be read: those come first.
///
/// # Errors
/// [`Error::Stopped`].
pub async fn rows<C: Clock, A: ReadApi>(
    listed: &[Listed],
    reads: &mut Reads<'_, C, A>,
    mut each: impl FnMut(usize, &OrgRow, Option<Timestamp>),
) -> Result<(), Error> {
    for (place, listed) in listed.iter().enumerate() {
        if let Some((_, why)) = closed(listed) {
            each(place, &OrgRow { skip: format!("not exported: {why}"), ..OrgRow::empty(listed) }, None);
        }
    }
    let operation = Arc::clone(reads.operations.first());
    let of_each = reads.operations.reads([0]);
    let open = listed.iter().enumerate().filter(|(_, listed)| closed(listed).is_none());
    reads
        .each_org(
            open.map(|(place, listed)| (listed.org, of_each.clone(), place)),
            |&place, mut found, cx| {
                each(place, &row_of(&operation, &listed[place], found.take(&operation)), Some(cx.now));
            },
        )
        .await
}

fn row_of(operation: &Operation, listed: &Listed, finding: Finding) -> OrgRow {
    let mut row = OrgRow::empty(listed);
    match finding {
        Finding::Live(Live::Connected(settings, _)) => match check_owner(operation, &listed.org, &settings) {
            Ok(_) => row.cells = OrgCells::of(operation, &settings),
            Err(org_error) => row.skip = format!("not exported: {}", org_error.message),
        },
        Finding::Live(Live::NotConnected(message)) => {
            let message = message.unwrap_or_else(|| operation.absence());
            row.skip = format!("not connected: {message}");
        }
        Finding::Unread(_, org_error) => row.skip = format!("could not be read: {}", org_error.message),
        // The export as a whole ends then.
        Finding::NotReached => "could not be read: the export was stopped".clone_into(&mut row.skip),
    }
    row
}
