//! The answer to a read of an org's settings.

use orgwave_core::reply::{Live, Refusal, RefusalKind, Reply};
use orgwave_core::settings::RawObject;
use orgwave_core::timestamp::Timestamp;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

impl ReplyBody for Live {
    const EXPECTED: &'static str = "the settings of an org, an object `orgIntegrationV2` or null";

    fn read(members: &BodyMembers<'_>, _: Words<'_>) -> Result<Self, Misshapen> {
        const KNOWN: [&str; 5] = ["authError", "error", "errorMsg", "warningMsg", "orgIntegrationV2"];
        if members.is_foreign(&KNOWN) {
            return Err(Misshapen(members.names()));
        }
        let settings: Option<RawObject> = members.optional("orgIntegrationV2")?;
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
