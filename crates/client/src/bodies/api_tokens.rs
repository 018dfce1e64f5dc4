//! The partner's API tokens, for what they say of the rate: their values are not read.

use std::borrow::Cow;

use serde::Deserialize;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

/// What the vendor says of a token.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ApiToken {
    /// Requests a second that it may make, if that is said. The misspelling is the wire's.
    #[serde(rename = "allowedRequetsPerSecond")]
    pub allowed_requests_per_second: Option<f64>,
}

impl ReplyBody for Vec<ApiToken> {
    type Of = ();

    fn expected((): &()) -> Cow<'static, str> {
        "the partner's tokens, a list `apiTokens` of objects".into()
    }

    fn read(members: &BodyMembers<'_>, _: Words<'_>, (): &()) -> Result<Self, Misshapen> {
        members.list("apiTokens")
    }
}
