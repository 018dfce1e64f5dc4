//! An org's cameras, those taken out of service included.

use std::borrow::Cow;

use orgwave_core::ids::Ruuid;
use serde::Deserialize;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

/// A camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Camera {
    /// Its id.
    pub id: Ruuid,
    /// Its name, exactly as it came.
    pub name: Option<String>,
    /// Whether it was retired ("mummified"): it still has an id, and sees nothing any more.
    pub is_mummified: bool,
}

#[derive(Deserialize)]
struct Wire {
    uuid: Ruuid,
    name: Option<String>,
    mummified: Option<bool>,
}

impl ReplyBody for Vec<Camera> {
    type Of = ();

    fn expected((): &()) -> Cow<'static, str> {
        "the cameras of an org, a list `cameraStates` of objects with `uuid`".into()
    }

    fn read(members: &BodyMembers<'_>, _: Words<'_>, (): &()) -> Result<Self, Misshapen> {
        let list: Vec<Wire> = members.list("cameraStates")?;
        Ok(list
            .into_iter()
            .map(|Wire { uuid, name, mummified }| Camera {
                id: uuid,
                name,
                is_mummified: mummified.unwrap_or(false),
            })
            .collect())
    }
}
