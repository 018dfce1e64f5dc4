//! What a survey found of an org: its settings, or why it can't be judged. Said the same way by `plan`, `verify`
//! and `undo`.

use orgwave_core::code::Code;
use orgwave_core::operation::Operation;
use orgwave_core::outcome::OrgError;
use orgwave_core::plan::Verdict;
use orgwave_core::reply::Live;
use orgwave_core::settings::{RawObject, ShapeError};
use orgwave_core::status::Status;
use orgwave_executor::survey::Finding;

/// The org's settings of an operation.
///
/// # Errors
/// There are none to judge by: what that makes of the org, and what is said of it.
pub(crate) fn settings(operation: &Operation, finding: Finding) -> Result<RawObject, (Verdict, OrgError)> {
    let org_error = |code, message| OrgError { code, message, http_status: None };
    match finding {
        Finding::Live(Live::Connected(object, _), _) => Ok(object),
        Finding::Live(Live::NotConnected(message), _) => {
            let message = message.unwrap_or_else(|| operation.absence());
            Err((Verdict::Blocked, org_error(Code::OrgNotConnected, message)))
        }
        Finding::Unread(status, org_error) => {
            let verdict = match status {
                Status::Rejected => Verdict::Rejected,
                Status::NotAttempted => Verdict::NotAttempted,
                _ => Verdict::Failed,
            };
            Err((verdict, org_error))
        }
        Finding::NotReached => {
            let message = "the reads stopped before this org".to_owned();
            Err((Verdict::NotAttempted, org_error(Code::OrgStopped, message)))
        }
    }
}

/// What is said of an org whose settings don't have the shape that the vendor describes.
#[expect(clippy::needless_pass_by_value, reason = "it is called where an error is mapped")]
pub(crate) fn misshapen(shape: ShapeError) -> OrgError {
    OrgError { code: Code::OrgShape, message: shape.to_string(), http_status: None }
}
