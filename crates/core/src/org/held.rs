//! What was read of an org before its turn came.

use crate::settings::RawObject;
use crate::timestamp::Timestamp;

/// A read of an org's settings that this process made before the org's turn: of the plan. While it is fresh, and nothing was
/// written to the org since, the org's driver takes it in place of a read of its own.
#[derive(Debug, Clone)]
pub struct HeldRead {
    /// The place of the operation whose settings they are.
    pub place: u8,
    /// The settings, as read.
    pub settings: RawObject,
    /// When they were requested.
    pub requested: Timestamp,
}
