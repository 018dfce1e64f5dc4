//! What a reply means: one pure function from status, headers and body.
//!
//! | reply | meaning |
//! |---|---|
//! | 200 of the known shape | good, or refused if the body reports an error |
//! | 401, and the vendor's own 403 | unauthorized: this org or the key |
//! | 429, every other 403 | throttled |
//! | 4xx but 408 and 499 | refused |
//! | everything else | unclear |
//!
//! The status alone decides but for a 200, where the operation's [`ReplyBody`] reads the body, and a 403, where
//! [`forbidden`] judges whose it is. It doesn't matter here whether the call was a write or a read: the meaning says
//! what is proven, and who acts on it knows.

mod forbidden;

use orgwave_core::reply::{Cause, Refusal, RefusalKind, Reply, Throttle, Unclear};

use crate::body_members::{BodyMembers, Misshapen};
use crate::head::Head;
use crate::message::Words;
use crate::reply_body::ReplyBody;

/// What a status alone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StatusMeaning {
    Body,
    Refused,
    Unauthorized,
    Forbidden,
    Throttled,
    Unclear(Cause),
}

fn status_meaning(status: u16) -> StatusMeaning {
    match status {
        200 => StatusMeaning::Body,
        300..=399 => StatusMeaning::Unclear(Cause::Redirect),
        401 => StatusMeaning::Unauthorized,
        403 => StatusMeaning::Forbidden,
        // 499: a proxy's client went before the server had answered.
        408 | 499 | 500..=599 => StatusMeaning::Unclear(Cause::ServerError),
        429 => StatusMeaning::Throttled,
        400..=499 => StatusMeaning::Refused,
        // 1xx never ends an exchange, and no other 2xx is documented.
        _ => StatusMeaning::Unclear(Cause::Unreadable),
    }
}

/// Whether the body of a reply with this status decides what it means; elsewhere it only brings a message.
pub(crate) fn body_decides(status: u16) -> bool {
    status_meaning(status) == StatusMeaning::Body
}

/// The meaning of a reply whose head and body came.
pub(crate) fn classify<A: ReplyBody>(head: Head, body: &[u8], words: Words<'_>, of: &A::Of) -> Reply<A> {
    let Head { status, retry_after, .. } = head;
    let refusal =
        || Refusal { http_status: status, kind: RefusalKind::Status, message: words.of_error_body(body) };
    match status_meaning(status) {
        StatusMeaning::Body => read(body, head, words, of).unwrap_or_else(|Misshapen(found)| {
            Reply::Unclear(Unclear {
                cause: Cause::Unreadable,
                http_status: Some(status),
                retry_after,
                message: words.clean(&format!("expected {}, found {found}", A::expected(of))),
            })
        }),
        StatusMeaning::Refused => Reply::Refused(refusal()),
        StatusMeaning::Unauthorized => Reply::Unauthorized(refusal()),
        StatusMeaning::Forbidden if forbidden::is_vendors_own(head, body) => Reply::Unauthorized(refusal()),
        StatusMeaning::Forbidden | StatusMeaning::Throttled => {
            Reply::Throttled(Throttle { http_status: status, retry_after })
        }
        StatusMeaning::Unclear(cause) => Reply::Unclear(Unclear {
            cause,
            http_status: Some(status),
            retry_after,
            message: words.of_error_body(body),
        }),
    }
}

/// The meaning of a 200. In it `error` is a bool; in an error status it is a text.
fn read<A: ReplyBody>(body: &[u8], head: Head, words: Words<'_>, of: &A::Of) -> Result<Reply<A>, Misshapen> {
    let body = A::legible(body);
    let members = BodyMembers::parse(&body)?;
    let is_auth_error = members.optional("authError")?.unwrap_or(false);
    let is_error = members.optional("error")?.unwrap_or(false);
    if !is_auth_error && !is_error {
        return A::read(&members, words, of).map(|answer| Reply::Good(answer.dated(head.date)));
    }
    // That it was refused is known; a message that can't be read doesn't make it less so.
    let message = members.optional::<String>("errorMsg").ok().flatten().unwrap_or_default();
    let kind = if is_auth_error { RefusalKind::AuthError } else { RefusalKind::Error };
    Ok(A::refused(Refusal { http_status: head.status, kind, message: words.said(&message) }, of))
}

#[cfg(test)]
mod tests;
