//! What each operation expects in a 200, and how it is read.

use std::borrow::Cow;

use orgwave_core::reply::{Refusal, Reply};
use orgwave_core::timestamp::Timestamp;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;

/// What a good reply brings.
pub(crate) trait ReplyBody: Sized {
    /// What it takes to read one: the operation that was called, or nothing.
    type Of: ?Sized;

    /// The shape, for the message about a reply that doesn't have it.
    fn expected(of: &Self::Of) -> Cow<'static, str>;

    /// The body as it can be looked through. What is sent back to the vendor must stay as it came.
    fn legible(body: &[u8]) -> Cow<'_, [u8]> {
        Cow::Borrowed(body)
    }

    /// Reads it from the members of a 200 that reports no error.
    fn read(members: &BodyMembers<'_>, words: Words<'_>, of: &Self::Of) -> Result<Self, Misshapen>;

    /// The same, with when the server sent it by its own clock.
    #[must_use]
    fn dated(self, _: Option<Timestamp>) -> Self {
        self
    }

    /// What a 200 means that reports an error.
    fn refused(refusal: Refusal, _: &Self::Of) -> Reply<Self> {
        Reply::Refused(refusal)
    }
}
