//! What each operation expects in a 200, and how it is read.

use std::borrow::Cow;

use orgwave_core::reply::{Refusal, Reply};

use crate::members::{Members, Misshapen};
use crate::message::Words;

/// What a good reply brings.
pub(crate) trait Answer: Sized {
    /// The shape, for the message about a reply that doesn't have it.
    const EXPECTED: &'static str;

    /// The body as it can be looked through. What is sent back to the vendor must stay as it came.
    fn legible(body: &[u8]) -> Cow<'_, [u8]> {
        Cow::Borrowed(body)
    }

    /// Reads it from the members of a 200 that reports no error.
    fn read(members: &Members<'_>, words: Words<'_>) -> Result<Self, Misshapen>;

    /// What a 200 means that reports an error.
    fn refused(refusal: Refusal) -> Reply<Self> {
        Reply::Refused(refusal)
    }
}
