//! Which operations there are, and which of them a rollout has.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Acknowledgement, DescriptionError, Operation, Path, Provenance, built_in, description, nearest};
use crate::code::Code;

/// The operations that are known: those that are compiled in, and those that a user described.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    derived: Vec<Arc<Operation>>,
}

impl Catalog {
    /// Those that are compiled in.
    pub const fn built_in() -> Self {
        Self { derived: Vec::new() }
    }

    /// These, and the one that a file of a user describes.
    ///
    /// # Errors
    /// The description breaks a rule, or an operation of its name is known.
    pub fn with(mut self, text: &str, file: &str) -> Result<Self, DescriptionError> {
        let operation = description::read(file, text, Provenance::Derived(file.into()))?;
        if self.get(&operation.name).is_some() {
            return Err(DescriptionError {
                file: file.into(),
                line: 1,
                code: Code::OpName,
                expected: "the name of no other operation".into(),
                found: operation.name.into(),
            });
        }
        self.derived.push(Arc::new(operation));
        Ok(self)
    }

    /// The operation of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Operation>> {
        built_in::operation(name).or_else(|| self.derived.iter().find(|operation| *operation.name == *name))
    }

    /// The name that is nearest to one that is none, for "did you mean".
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.names())
    }

    /// What a field of one of them asks to be acknowledged by this code.
    pub fn guard(&self, code: &str) -> Option<&Arc<Acknowledgement>> {
        // Mostly it is the default one's, and the others need not be read.
        std::iter::once(self.default_one())
            .chain(self.names().filter_map(|name| self.get(name)))
            .find_map(|operation| operation.guards.iter().find(|guard| *guard.code == *code))
    }

    /// Their names, in the order in which they are listed.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        built_in::NAMES.iter().copied().chain(self.derived.iter().map(|operation| &*operation.name))
    }

    /// The operation of a rollout that names none.
    ///
    /// # Panics
    /// Never: it is compiled in.
    pub fn default_one(&self) -> &Arc<Operation> {
        self.get(built_in::DEFAULT).expect("the default operation is compiled in")
    }

    /// The operations that are named; the default one, where none is.
    ///
    /// # Errors
    /// One isn't known, or is described otherwise by now.
    pub fn find(&self, named: &[OperationDigest]) -> Result<Operations, UnknownOperation> {
        if named.is_empty() {
            return Ok(Operations::one(Arc::clone(self.default_one())));
        }
        let find = |OperationDigest { name, digest }: &OperationDigest| match self.get(name) {
            None => Err(UnknownOperation::NotKnown(name.clone())),
            Some(operation) if *operation.digest != **digest => Err(UnknownOperation::Changed(name.clone())),
            Some(operation) => Ok(Arc::clone(operation)),
        };
        Ok(Operations::new(named.iter().map(find).collect::<Result<Vec<_>, _>>()?))
    }

    /// All of them, in the order in which they are listed.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Operation>> {
        let built_in: Vec<&Arc<Operation>> = built_in::all().collect();
        built_in.into_iter().chain(&self.derived)
    }
}

/// The operations of a rollout, in the order in which the steps of an org are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operations(Arc<[Arc<Operation>]>);

impl Operations {
    /// The most that one rollout may have.
    pub const MOST: usize = 64;

    /// These, each once.
    ///
    /// # Panics
    /// If there are none, or more than [`Self::MOST`].
    pub fn new(operations: impl IntoIterator<Item = Arc<Operation>>) -> Self {
        let operations: Arc<[_]> = operations.into_iter().collect();
        assert!((1..=Self::MOST).contains(&operations.len()), "1 to 64 operations");
        Self(operations)
    }

    /// A single one.
    pub fn one(operation: Arc<Operation>) -> Self {
        Self::new([operation])
    }

    /// The operation at a place.
    pub fn get(&self, place: u8) -> Option<&Arc<Operation>> {
        self.0.get(usize::from(place))
    }

    /// The place of the operation of this name.
    pub fn place(&self, name: &str) -> Option<u8> {
        self.iter().find(|(_, operation)| *operation.name == *name).map(|(place, _)| place)
    }

    /// The first, which is the only one of most rollouts.
    ///
    /// # Panics
    /// Never: there is one.
    pub fn first(&self) -> &Arc<Operation> {
        self.0.first().expect("there is one")
    }

    /// All of them, with their places.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Arc<Operation>)> {
        (0u8..).zip(self.0.iter())
    }

    /// The same ones in the reverse order: as their steps are taken back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self(self.0.iter().rev().map(Arc::clone).collect())
    }

    /// How many there are.
    pub fn count(&self) -> u8 {
        u8::try_from(self.0.len()).expect("at most 64")
    }

    /// Those at these places by the reads that show them: several may be parts of one reply.
    pub fn reads(&self, places: impl IntoIterator<Item = u8>) -> Vec<Vec<Arc<Operation>>> {
        let mut reads: Vec<Vec<Arc<Operation>>> = Vec::new();
        for operation in places.into_iter().filter_map(|place| self.get(place)) {
            match reads.iter_mut().find(|read| read[0].read == operation.read) {
                Some(read) if read.contains(operation) => {}
                Some(read) => read.push(Arc::clone(operation)),
                None => reads.push(vec![Arc::clone(operation)]),
            }
        }
        reads
    }

    /// A path of one of them as people read and write it: with its operation, where there are several.
    pub fn path_text<'p>(&self, operation: &Operation, path: &'p Path) -> Cow<'p, str> {
        let text = path.text();
        if self.are_several() { Cow::Owned([&*operation.name, ":", &text].concat()) } else { text }
    }

    /// Their names and digests, by which a plan and a run say what they are of.
    pub fn digests(&self) -> Vec<OperationDigest> {
        let named = |operation: &Operation| OperationDigest {
            name: operation.name.to_string(),
            digest: operation.digest.to_string(),
        };
        self.iter().map(|(_, operation)| named(operation)).collect()
    }

    /// Whether orgs may have more than one step, so that whatever is said of a step has to name its operation.
    pub fn are_several(&self) -> bool {
        self.0.len() > 1
    }
}

/// An operation as plans and runs name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationDigest {
    /// Its name.
    pub name: String,
    /// The digest of its description.
    pub digest: String,
}

/// An operation that a plan names and that isn't the one it was made with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownOperation {
    /// There is none of this name.
    #[error("{0:?} is not a known operation")]
    NotKnown(String),
    /// The one of this name is described otherwise.
    #[error("the description of {0:?} has changed since the plan was made")]
    Changed(String),
}

/// Of one catalogue, a name is one operation.
impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.name == other.name
    }
}

impl Eq for Operation {}
