//! The identifiers that a manifest carries, the vendor's and those of networks, parsed once and then trusted.
//!
//! Nothing here asks whether what they name exists: that takes the API, and is the client's business.

mod address_range;
mod hierarchy_key;
mod ruuid;
mod step_id;

pub use address_range::{AddressRange, ParseAddressRangeError};
pub use hierarchy_key::{HierarchyKey, ParseHierarchyKeyError};
pub use ruuid::{ParseRuuidError, Ruuid};
pub use step_id::StepId;
