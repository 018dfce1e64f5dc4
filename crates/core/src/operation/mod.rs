//! An operation: one settings object of an org that can be read and updated, described as a value.
//!
//! Whatever is particular to a settings object is in its description, which is handed from the wiring down: its
//! calls, its fields, its words. Nothing here is global, so two descriptions can be at work in one process.
//!
//! * [`Operation`]: the description. [`Field`]: a described place, in a tree.
//! * [`Path`]: the place of one value, as a manifest's column names it, resolved with an operation in hand.
//! * [`Catalog`]: the operations that are known; [`Operations`]: those of one rollout.
//! * [`SideTable`], [`Confession`], [`Ignored`]: what else is data about settings.
//!
//! Nothing here knows manifests, plans, settings as read, or HTTP.

mod catalog;
mod confession;
mod envoy;
mod field;
mod ignored;
mod path;
mod side_table;

use std::sync::Arc;

pub use catalog::{Catalog, Operations};
pub use confession::{Confession, Form};
pub use field::{Class, Field, Fields, Kind, Risk, Risky};
pub use ignored::{Ignored, ParseIgnoredError};
pub(crate) use path::nearest;
pub use path::{ParsePathError, Path};
pub use side_table::{SideTable, TableName};

/// One settings object of an org, and how it is read and updated.
#[derive(Debug)]
pub struct Operation {
    /// What files and flags call it.
    pub name: Box<str>,
    /// What people call it.
    pub title: Box<str>,
    /// What is said of an org without such settings.
    pub absent: Box<str>,
    /// How it is read.
    pub read: Call,
    /// How it is updated.
    pub write: Call,
    /// The member of the read's reply that holds the settings.
    pub at: Box<str>,
    /// The member of the update's body that holds the settings.
    pub wrap: Box<str>,
    /// The field that says which org the settings are of; without one, no read proves it.
    pub owner: Option<Box<str>>,
    /// The field that says what kind of settings these are, and what it says.
    pub discriminator: Option<Discriminator>,
    /// Every known field.
    pub fields: Fields,
    /// Server state whose fall from true to false, after the canary's write, stops the run.
    pub watch: Vec<Box<str>>,
    /// The tables that a rollout may name.
    pub tables: Vec<Arc<SideTable>>,
    /// What a 200 of the update may confess, the most telling first.
    pub confesses: Vec<Arc<Confession>>,
    /// Entries of a map whose name may be in one place only.
    pub one_place: Option<OnePlace>,
    /// Paths for messages that show what a path is.
    pub examples: Examples,
}

/// A call of the vendor's API.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// Its path, from the root.
    pub path: Box<str>,
    /// The most bytes that a reply may have, decompressed.
    pub cap: usize,
}

/// A field that has one value in all settings of an operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Discriminator {
    /// The field.
    pub member: Box<str>,
    /// Its value.
    pub is: Box<str>,
}

/// Entries of a map that the vendor objects to where two of them have one name and different places.
#[derive(Debug)]
pub struct OnePlace {
    /// The map, at the top of the settings.
    pub map: Box<str>,
    /// The entries' member that names them.
    pub name: Box<str>,
    /// The entries' member that places them.
    pub place: Box<str>,
    /// What a plan does that breaks the rule, in words.
    pub words: Box<str>,
    /// What to do about it.
    pub advice: Box<str>,
}

/// Paths as examples.
#[derive(Debug, PartialEq, Eq)]
pub struct Examples {
    /// A setting: `saveClips`.
    pub field: Box<str>,
    /// An entry of a map: `doorInfoMap.<key>`.
    pub entry: Box<str>,
    /// A setting inside an entry: `doorInfoMap.<key>.doorName`.
    pub member: Box<str>,
}

impl Operation {
    /// The operation of this name.
    pub fn named(name: &str) -> Option<Arc<Self>> {
        (name == DEFAULT).then(envoy::operation)
    }

    /// The operation of a rollout that names none.
    ///
    /// # Panics
    /// Never: it is described.
    pub fn default_one() -> Arc<Self> {
        Self::named(DEFAULT).expect("the default operation is described")
    }

    /// The side table of this name.
    pub fn table(&self, name: &str) -> Option<&Arc<SideTable>> {
        self.tables.iter().find(|table| *table.name == *name)
    }

    /// The confessions in the order of a table's columns: lists by name, then texts.
    pub fn columns(&self) -> Vec<&Confession> {
        let mut columns: Vec<&Confession> = self.confesses.iter().map(AsRef::as_ref).collect();
        columns.sort_by_key(|confession| (confession.is_text(), &confession.column));
        columns
    }

    /// One without fields.
    #[cfg(test)]
    fn bare(name: &str) -> Self {
        let call = || Call { path: "/".into(), cap: 0 };
        Self {
            name: name.into(),
            title: name.into(),
            absent: "".into(),
            read: call(),
            write: call(),
            at: "settings".into(),
            wrap: "settings".into(),
            owner: None,
            discriminator: None,
            fields: Fields::new([]),
            watch: Vec::new(),
            tables: Vec::new(),
            confesses: Vec::new(),
            one_place: None,
            examples: Examples { field: "".into(), entry: "".into(), member: "".into() },
        }
    }
}

const DEFAULT: &str = envoy::NAME;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_together() {
        let operation = Operation::default_one();
        let top = |name: &str| operation.fields.get(name).map(|field| field.class);
        assert!(operation.watch.iter().all(|name| top(name) == Some(Class::ServerState)));
        assert_eq!(operation.owner.as_deref().and_then(top), Some(Class::Identity));
        let discriminator = operation.discriminator.as_ref().unwrap();
        assert_eq!(top(&discriminator.member), Some(Class::Discriminator));
        for table in &operation.tables {
            assert!(
                table.entry().members().is_some()
                    && operation.fields.get(&table.map.name) == Some(&table.map)
            );
        }
        for example in [&operation.examples.field, &operation.examples.entry, &operation.examples.member] {
            assert!(operation.path(example).is_ok(), "{example}");
        }
        let names: Vec<&str> = operation.fields.names().collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "each name once");
    }
}
