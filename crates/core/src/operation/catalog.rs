//! Which operations there are, and which of them a rollout has.

use std::sync::Arc;

use super::{DescriptionError, Operation, Provenance, built_in, description, nearest};
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

    /// All of them, in the order in which they are listed.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Operation>> {
        let built_in: Vec<&Arc<Operation>> = built_in::all().collect();
        built_in.into_iter().chain(&self.derived)
    }
}

/// The operations of a rollout, in the order in which the steps of an org are taken.
#[derive(Debug, Clone)]
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

    /// How many there are.
    pub fn count(&self) -> u8 {
        u8::try_from(self.0.len()).expect("at most 64")
    }

    /// Whether orgs may have more than one step, so that whatever is said of a step has to name its operation.
    pub fn are_several(&self) -> bool {
        self.0.len() > 1
    }
}

impl PartialEq for Operations {
    fn eq(&self, other: &Self) -> bool {
        let names = |operations: &Self| {
            operations.0.iter().map(|operation| operation.name.clone()).collect::<Vec<_>>()
        };
        names(self) == names(other)
    }
}

impl Eq for Operations {}
