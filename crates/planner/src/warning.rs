//! What the user should know, and what ends nothing.

use std::collections::BTreeMap;

use orgwave_core::reply::UnreadableClient;

/// What the user should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// A record of the client list can't be read, and is omitted.
    UnreadableClient(UnreadableClient),
    /// This many more can't.
    MoreUnreadableClients(usize),
    /// No row of the plan was compared: how many rows there are of each kind, at least one in all.
    Idle(BTreeMap<&'static str, u64>),
    /// Maps are sent as they are written, without a read.
    MapsUnread,
}
