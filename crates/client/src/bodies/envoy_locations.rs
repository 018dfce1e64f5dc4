//! The locations that Envoy itself knows for an org.

use serde::Deserialize;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

/// A location of Envoy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EnvoyLocation {
    /// Envoy's number for it: probably the key in `locationInfoMap`.
    pub id: i32,
    /// Its name, exactly as it came.
    pub name: Option<String>,
}

impl ReplyBody for Vec<EnvoyLocation> {
    const EXPECTED: &'static str = "Envoy's locations, a list `locationList` of objects with `id`";

    fn read(members: &BodyMembers<'_>, _: Words<'_>) -> Result<Self, Misshapen> {
        members.list("locationList")
    }
}
