//! Why a description can't be used.

use crate::code::Code;

/// What is wrong with a description, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {code}: expected {expected}, found {found}")]
pub struct DescriptionError {
    /// The file, as it was named.
    pub file: Box<str>,
    /// Its line; the first is 1.
    pub line: u64,
    /// The rule.
    pub code: Code,
    /// What should have been there.
    pub expected: String,
    /// What is there.
    pub found: String,
}
