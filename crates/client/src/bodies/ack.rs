//! The answer to an update: accepted, perhaps with warnings.

use std::borrow::Cow;

use orgwave_core::operation::Operation;
use orgwave_core::reply::{Ack, Said};

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

/// What every update may answer, whatever the operation.
const KNOWN: [&str; 3] = ["authError", "error", "errorMsg"];

impl ReplyBody for Ack {
    type Of = Operation;

    fn expected(operation: &Operation) -> Cow<'static, str> {
        let confesses = operation.columns().into_iter().rev().take(2);
        let members: String = confesses.map(|confession| format!(", `{}`", confession.member)).collect();
        format!("the answer to an update, an object with `error`{members}").into()
    }

    fn read(members: &BodyMembers<'_>, words: Words<'_>, operation: &Operation) -> Result<Self, Misshapen> {
        let confesses = &operation.confesses;
        let known: Vec<&str> =
            KNOWN.into_iter().chain(confesses.iter().map(|confession| &*confession.member)).collect();
        // Every member is optional, so `{}` is an answer. But an object that refers to other things only came
        // from something in between.
        if members.is_foreign(&known) {
            return Err(Misshapen(members.names()));
        }
        let mut ack = Self::default();
        for confession in operation.columns() {
            let said = if confession.is_text() {
                let text: Option<String> = members.optional(&confession.member)?;
                Said::Text(text.map(|text| words.said(&text)).unwrap_or_default())
            } else {
                let list: Option<Vec<Option<String>>> = members.optional(&confession.member)?;
                Said::Items(list.into_iter().flatten().flatten().map(|text| words.clean(&text)).collect())
            };
            ack.push(&confession.column, said);
        }
        Ok(ack)
    }
}
