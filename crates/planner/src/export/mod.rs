//! Live settings as the rows of a rollout that plans to no change.
//!
//! An org that can't be read, or never connected the integration, keeps its row, with the reason as its `skip`. Of several
//! operations, those that it doesn't have leave their cells blank.
//! Orgs that `--only` and `--skip` leave out have no row.

mod cells;

use std::collections::HashSet;

use orgwave_core::compare::check_owner;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::reply::{Listed, Live};
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::ports::{Clock, ReadApi};
use orgwave_executor::survey::{Finding, Findings};
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
    /// What it has, by the operations of the export; nothing, if there is a reason to skip it.
    pub operations: Vec<Exported>,
}

/// What an org has of an operation.
#[derive(Debug, Serialize, Deserialize)]
pub enum Exported {
    /// These settings.
    Cells(OrgCells),
    /// None, and why.
    NotConnected(String),
    /// None that could be read, and why.
    Unread(String),
}

impl OrgRow {
    /// A row that says nothing yet.
    fn empty(listed: &Listed) -> Self {
        Self {
            org: listed.org,
            name: name_in_a_cell(listed).unwrap_or_default().to_owned(),
            skip: String::new(),
            operations: Vec::new(),
        }
    }

    fn of(operations: &Operations, listed: &Listed, mut findings: Findings) -> Self {
        let exported: Vec<Exported> = operations
            .iter()
            .map(|(_, operation)| Exported::of(operation, &listed.org, findings.take(operation)))
            .collect();
        let lacks: Option<Vec<&str>> = exported.iter().map(Exported::lack).collect();
        match lacks.and_then(|lacks| lacks.first().map(|&why| why.to_owned())) {
            Some(skip) => Self { skip, ..Self::empty(listed) },
            None => Self { operations: exported, ..Self::empty(listed) },
        }
    }
}

impl Exported {
    fn of(operation: &Operation, org: &Ruuid, finding: Finding) -> Self {
        match finding {
            Finding::Live(Live::Connected(settings, _), _) => match check_owner(operation, org, &settings) {
                Ok(_) => Self::Cells(OrgCells::of(operation, &settings)),
                Err(org_error) => Self::Unread(format!("not exported: {}", org_error.message)),
            },
            Finding::Live(Live::NotConnected(message), _) => {
                let message = message.unwrap_or_else(|| operation.absence());
                Self::NotConnected(format!("not connected: {message}"))
            }
            Finding::Unread(_, org_error) => {
                Self::Unread(format!("could not be read: {}", org_error.message))
            }
            // The export as a whole ends then.
            Finding::NotReached => Self::Unread("could not be read: the export was stopped".to_owned()),
        }
    }

    /// The settings that it is.
    pub const fn cells(&self) -> Option<&OrgCells> {
        match self {
            Self::Cells(cells) => Some(cells),
            Self::NotConnected(_) | Self::Unread(_) => None,
        }
    }

    /// Why there are none.
    pub fn lack(&self) -> Option<&str> {
        match self {
            Self::Cells(_) => None,
            Self::NotConnected(why) | Self::Unread(why) => Some(why),
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
    let operations = reads.operations;
    let of_each = operations.reads(0..operations.count());
    let open = listed.iter().enumerate().filter(|(_, listed)| closed(listed).is_none());
    reads
        .each_org(open.map(|(place, listed)| (listed.org, of_each.clone(), place)), |&place, found, cx| {
            each(place, &OrgRow::of(operations, &listed[place], found), Some(cx.now));
        })
        .await
}
