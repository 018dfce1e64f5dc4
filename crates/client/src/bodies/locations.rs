//! An org's locations, a tree on the wire and a list here.

use std::borrow::Cow;

use orgwave_core::ids::Ruuid;
use serde::Deserialize;

use crate::body_members::{BodyMembers, Misshapen, Object};
use crate::message::Words;
use crate::reply_body::ReplyBody;

/// A location, or a location within one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its id.
    pub id: Ruuid,
    /// Its name, exactly as it came.
    pub name: Option<String>,
    /// The location that it lies in.
    pub parent: Option<Ruuid>,
}

#[derive(Deserialize)]
struct Wire {
    uuid: Ruuid,
    name: Option<String>,
    // JSON nested too deep is refused by the parser, so this nests at most some dozen times.
    #[serde(rename = "subLocations")]
    within: Option<Vec<Object<Wire>>>,
}

impl ReplyBody for Vec<Location> {
    type Of = ();

    fn expected((): &()) -> Cow<'static, str> {
        "the locations of an org, a list `locations` of objects with `uuid`".into()
    }

    /// Every location comes right before those that lie in it.
    fn read(members: &BodyMembers<'_>, _: Words<'_>, (): &()) -> Result<Self, Misshapen> {
        let roots: Vec<Wire> = members.list("locations")?;
        let mut open: Vec<(Wire, Option<Ruuid>)> = roots.into_iter().rev().map(|root| (root, None)).collect();
        let mut locations = Self::new();
        while let Some((Wire { uuid, name, within }, parent)) = open.pop() {
            open.extend(within.into_iter().flatten().rev().map(|Object(location)| (location, Some(uuid))));
            locations.push(Location { id: uuid, name, parent });
        }
        Ok(locations)
    }
}
