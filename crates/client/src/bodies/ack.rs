//! The answer to an update: accepted, perhaps with warnings.

use orgwave_core::reply::Ack;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

const KNOWN: [&str; 6] =
    ["authError", "error", "errorMsg", "warningMsg", "failedGuids", "misconfiguredDoors"];

impl ReplyBody for Ack {
    const EXPECTED: &'static str =
        "the answer to an update, an object with `error`, `warningMsg`, `failedGuids`";

    fn read(members: &BodyMembers<'_>, words: Words<'_>) -> Result<Self, Misshapen> {
        // Every member is optional, so `{}` is an answer. But an object that speaks of other things only came
        // from something in between.
        if members.is_foreign(&KNOWN) {
            return Err(Misshapen(members.names()));
        }
        let texts = |name| -> Result<Vec<String>, Misshapen> {
            let list: Option<Vec<Option<String>>> = members.optional(name)?;
            Ok(list.into_iter().flatten().flatten().map(|text| words.clean(&text)).collect())
        };
        let warning: Option<String> = members.optional("warningMsg")?;
        Ok(Self {
            warning: warning.map(|text| words.said(&text)).filter(|text| !text.is_empty()),
            failed_guids: texts("failedGuids")?,
            misconfigured_doors: texts("misconfiguredDoors")?,
        })
    }
}
