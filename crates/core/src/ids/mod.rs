//! The two identifiers of the vendor that a manifest carries, parsed once and then trusted.
//!
//! Nothing here asks whether an id exists: that takes the API, and is the client's business.

mod hierarchy_key;
mod ruuid;

pub use hierarchy_key::{HierarchyKey, ParseHierarchyKeyError};
pub use ruuid::{ParseRuuidError, Ruuid};
