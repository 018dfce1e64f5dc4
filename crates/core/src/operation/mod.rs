//! An operation: one settings object of an org that can be read and updated, described as a value.
//!
//! Whatever is particular to a settings object is in its description, which is handed from the wiring down: its
//! calls, its fields, its words. Nothing here is global, so two descriptions can be at work in one process.
//!
//! * [`Operation`]: the description, made of a TOML file. [`Field`]: a described place, in a tree.
//! * [`Path`]: the place of one value, as a manifest's column names it, resolved with an operation in hand.
//! * [`Catalog`]: the operations that are known; [`Operations`]: those of one rollout.
//! * [`mod@derive`]: a draft of a description, made of the vendor's spec.
//! * [`SideTable`], [`Confession`], [`Ignored`]: what else is data about settings.
//!
//! Nothing here knows manifests, plans, settings as read, or HTTP.

mod built_in;
mod catalog;
mod confession;
pub mod derive;
mod description;
mod field;
#[cfg(test)]
pub(crate) mod fixture;
mod ignored;
mod meaning;
mod path;
mod side_table;

use std::sync::Arc;

use serde::Deserialize;

pub use catalog::{Catalog, OperationDigest, Operations, UnknownOperation};
pub use confession::{Confession, Form};
pub use description::DescriptionError;
use description::{is_read, is_update};
pub(crate) use field::order;
pub use field::{Acknowledgement, Class, Field, Fields, Kind, Risk, Risky, Thing};
pub use ignored::{Ignored, ParseIgnoredError};
pub use path::{ParsePathError, Path, nearest};
pub use side_table::{SideTable, TableName};

/// One settings object of an org, and how it is read and updated.
#[derive(Debug)]
pub struct Operation {
    /// What files and flags call it.
    pub name: Box<str>,
    /// What people call it.
    pub title: Box<str>,
    /// What it is about, in a sentence.
    pub about: Box<str>,
    /// How it is read.
    pub read: Call,
    /// How it is updated.
    pub write: Call,
    /// Where the read's reply holds the settings: names with dots between them; empty for the reply itself.
    pub at: Box<str>,
    /// The member of the update's body that holds the settings; without one they are the body.
    pub wrap: Option<Box<str>>,
    /// What of the settings an update sends.
    pub body: Body,
    /// What says which org the settings are of.
    pub owner: Owner,
    /// What it means that the reply holds no settings.
    pub absent: Absent,
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
    /// What its fields ask to be acknowledged, by code.
    pub guards: Vec<Arc<Acknowledgement>>,
    /// Paths for messages that show what a path is.
    pub examples: Examples,
    /// What no undo brings back, where that is so of every field.
    pub irreversible: Option<Box<str>>,
    /// Who described it.
    pub provenance: Provenance,
    /// The SHA-256 of what the description means, in hex: other words leave it as it is.
    pub digest: Box<str>,
}

/// What of the settings an update sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// All that was read, undescribed members included, with the changes.
    Whole,
    /// The described members that can be written, as read, with the changes.
    Projected,
}

/// What says which org settings are of. Names have dots between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This member of the settings.
    Inside(Box<str>),
    /// This member of the reply that they are in.
    Beside(Box<str>),
    /// Nothing: no read proves it.
    Unproven,
}

impl Owner {
    /// The member of the settings that names their org.
    pub fn inside(&self) -> Option<&str> {
        match self {
            Self::Inside(at) => Some(at),
            Self::Beside(_) | Self::Unproven => None,
        }
    }
}

/// What it means that a reply holds no settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Absent {
    /// The org hasn't connected the integration, and nothing can be written.
    #[serde(rename = "not connected")]
    NotConnected,
    /// Nothing was set yet: a write makes them.
    #[serde(rename = "empty")]
    Empty,
}

/// Who described an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// It is compiled in.
    BuiltIn,
    /// A user, in this file.
    Derived(Box<str>),
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
    /// An entry of a map, where there is one: `doorInfoMap.<key>`.
    pub entry: Option<Box<str>>,
    /// A setting inside an entry, where there is one: `doorInfoMap.<key>.doorName`.
    pub member: Option<Box<str>>,
}

impl Operation {
    /// The operation of this name among those that are compiled in.
    pub fn named(name: &str) -> Option<Arc<Self>> {
        Catalog::built_in().get(name).cloned()
    }

    /// The operation of a rollout that names none.
    pub fn default_one() -> Arc<Self> {
        Catalog::built_in().default_one().clone()
    }

    /// What is said of an org without such settings.
    pub fn absence(&self) -> String {
        format!("the org has no {} settings", self.title)
    }

    /// Whether a user described it.
    pub const fn is_derived(&self) -> bool {
        matches!(self.provenance, Provenance::Derived(_))
    }

    /// The side table of this name.
    pub fn table(&self, name: &str) -> Option<&Arc<SideTable>> {
        self.tables.iter().find(|table| *table.name == *name)
    }

    /// The places of the secrets that can be set, by name.
    pub fn secrets(&self) -> Vec<&str> {
        fn collect<'f>(field: &'f Field, found: &mut Vec<&'f str>) {
            if field.unsettable().is_some() || !field.holds_secrets() {
                return;
            }
            match &field.kind {
                _ if field.is_secret() => found.push(field.place()),
                Kind::Map(entry) => collect(entry, found),
                Kind::Object(members) => members.iter().for_each(|member| collect(member, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        self.fields.iter().for_each(|field| collect(field, &mut found));
        found
    }

    /// What a change of the value at a path destroys for ever, by what is said of the field, of one around it, or of all.
    pub fn irreversible(&self, path: &Path) -> Option<Box<str>> {
        let fields = (1..=path.depth()).filter_map(|depth| self.above(path, depth));
        let own = fields.map(|path| path.field().irreversible.clone()).find(Option::is_some);
        own.unwrap_or_else(|| self.irreversible.clone())
    }

    /// The confessions in the order of a table's columns: lists by name, then texts.
    pub fn columns(&self) -> Vec<&Confession> {
        let mut columns: Vec<&Confession> = self.confesses.iter().map(AsRef::as_ref).collect();
        columns.sort_by_key(|confession| (confession.is_text(), &confession.column));
        columns
    }
}
