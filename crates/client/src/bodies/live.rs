//! The answer to a read of an org's settings.

use std::borrow::Cow;

use orgwave_core::operation::Operation;
use orgwave_core::reply::{Live, Refusal, RefusalKind, Reply};
use orgwave_core::settings::RawObject;
use orgwave_core::timestamp::Timestamp;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

impl ReplyBody for Live {
    type Of = Operation;

    fn expected(operation: &Operation) -> Cow<'static, str> {
        format!("the settings of an org, an object `{}` or null", operation.at).into()
    }

    fn read(members: &BodyMembers<'_>, _: Words<'_>, operation: &Operation) -> Result<Self, Misshapen> {
        if members.is_foreign(&["authError", "error", "errorMsg", "warningMsg", &operation.at]) {
            return Err(Misshapen(members.names()));
        }
        let settings: Option<RawObject> = members.optional(&operation.at)?;
        Ok(settings.map_or(Self::NotConnected(None), |settings| Self::Connected(settings, None)))
    }

    fn dated(self, date: Option<Timestamp>) -> Self {
        match self {
            Self::Connected(settings, _) => Self::Connected(settings, date),
            Self::NotConnected(message) => Self::NotConnected(message),
        }
    }

    /// How the vendor says that an org never connected isn't documented; an error may be it.
    fn refused(refusal: Refusal) -> Reply<Self> {
        match refusal.kind {
            RefusalKind::Error => {
                Reply::Good(Self::NotConnected(Some(refusal.message).filter(|message| !message.is_empty())))
            }
            RefusalKind::AuthError | RefusalKind::Status => Reply::Refused(refusal),
        }
    }
}
