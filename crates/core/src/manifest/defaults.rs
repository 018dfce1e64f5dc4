//! What a rollout file says for many rows at once: `[settings]`, `[operation.*]` and `[group.*]`.
//!
//! A row takes the first that says something of a path: its own cell, a side table, its group, the defaults for all.
//! Only places outside of maps have defaults and only entries of maps are in side tables, so those two never meet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::columns::Column;
use crate::desired::{DesiredValue, Managed, Origin};
use crate::operation::{Operation, Operations, Path};

/// A value for many rows.
#[derive(Debug, Clone)]
pub struct Given {
    /// What it is a setting of.
    pub operation: Arc<Operation>,
    /// Where in the settings.
    pub path: Path,
    /// What is wanted there; `None` for `<keep>`, which in a group sets the default for all aside.
    pub desired: Option<DesiredValue>,
}

/// What a rollout file says for many rows.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// The operations that the file names, in its order.
    pub operations: Vec<Arc<Operation>>,
    /// The values for all rows.
    pub all: Vec<Given>,
    /// The values for the rows of a group, by its name.
    pub groups: BTreeMap<Box<str>, Vec<Given>>,
    /// `settings`, `operation` and `group` as typed, without paths of files: for files that give rows back.
    pub typed: BTreeMap<String, Value>,
}

/// The values of one group, or of no group, with those for all that it leaves: sorted by operation and path.
pub(super) type RowDefaults = Vec<RowDefault>;

/// A value that a row takes if it says nothing itself.
#[derive(Debug)]
pub(super) struct RowDefault {
    pub(super) operation: u8,
    pub(super) managed: Managed,
    /// The columns whose cells say something of the same place.
    pub(super) columns: Vec<usize>,
}

/// The values for the rows of a manifest.
#[derive(Debug)]
pub(super) struct ResolvedDefaults {
    /// For rows without a group.
    pub(super) all: RowDefaults,
    /// For rows of a group, sorted by its name.
    pub(super) groups: Vec<(Box<str>, RowDefaults)>,
}

impl ResolvedDefaults {
    /// Resolves them for these columns.
    pub(super) fn new(defaults: &Defaults, operations: &Operations, columns: &[Column]) -> Self {
        let mut places: HashMap<(u8, String), usize> = HashMap::new();
        for (index, column) in columns.iter().enumerate() {
            if let Column::Setting(operation, path) = column
                && path.keys().is_empty()
            {
                places.insert((*operation, path.text().into_owned()), index);
            }
        }
        let resolve = |own: &[Given], origin: &Origin, all: &[Given]| {
            let own = own.iter().map(|given| (given, origin));
            let all = all.iter().map(|given| (given, &Origin::Default));
            let mut said: BTreeMap<(u8, &Path), (&Given, &Origin)> = BTreeMap::new();
            for (given, origin) in own.chain(all) {
                // Every operation of the file is one of the rollout.
                let Some(operation) = operations.place(&given.operation.name) else { continue };
                said.entry((operation, &given.path)).or_insert((given, origin));
            }
            let rows = said.into_iter().filter_map(|((operation, path), (given, origin))| {
                let desired = given.desired.clone()?;
                // A cell above it, of an object as a whole, says something of it too.
                let above = (1..=path.depth()).map(|depth| (operation, path.text_above(depth)));
                let columns = above.filter_map(|place| places.get(&place).copied()).collect();
                let managed = Managed { path: path.clone(), desired, origin: origin.clone() };
                Some(RowDefault { operation, managed, columns })
            });
            rows.collect::<RowDefaults>()
        };
        let Defaults { all, groups, .. } = defaults;
        let groups = groups.iter().map(|(name, own)| {
            let origin = Origin::Group((**name).into());
            (name.clone(), resolve(own, &origin, all))
        });
        Self { groups: groups.collect(), all: resolve(&[], &Origin::Default, all) }
    }

    /// The place of a group.
    pub(super) fn group(&self, name: &str) -> Option<usize> {
        self.groups.binary_search_by(|(known, _)| (**known).cmp(name)).ok()
    }

    /// Those of the group at this place, or of no group.
    pub(super) fn of(&self, group: Option<usize>) -> &[RowDefault] {
        group.and_then(|place| self.groups.get(place)).map_or(&self.all, |(_, own)| own)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &RowDefault> {
        self.groups.iter().flat_map(|(_, own)| own).chain(&self.all)
    }
}
