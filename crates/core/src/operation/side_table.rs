//! Tables beside a manifest, whose lines are entries of a map.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Field, Operation};

/// A table that a rollout may name: one entry of a map a line.
#[derive(Debug)]
pub struct SideTable {
    /// Its name in a rollout file.
    pub name: TableName,
    /// The column that holds the entry's key.
    pub key_column: Box<str>,
    /// The map that its lines are entries of, at the top of the settings.
    pub map: Arc<Field>,
}

impl SideTable {
    /// What a line describes.
    ///
    /// # Panics
    /// If its map is none, which no description allows.
    pub fn entry(&self) -> &Arc<Field> {
        self.map.entry().expect("a side table is about a map")
    }

    /// Its name beside the tables of other operations: with a prefix, as columns have, where it isn't of the default one.
    pub(crate) fn name_in(&self, operation: &Operation, default: &Operation) -> TableName {
        if operation.name == default.name {
            self.name.clone()
        } else {
            TableName([&*operation.name, ":", &*self.name].concat().into())
        }
    }
}

/// The name of a side table: in files it is plain text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName(Arc<str>);

impl From<&str> for TableName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl Deref for TableName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TableName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<str>::deserialize(deserializer)?.into()))
    }
}
