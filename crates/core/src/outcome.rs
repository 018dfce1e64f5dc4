//! What became of one org in a run: the record that journals keep and every report is made of.

use serde::{Deserialize, Serialize};

use crate::ack::Ack;
use crate::code::Code;
use crate::reply::{Refusal, RefusalKind};
pub use crate::settings::StoredValue;
use crate::status::{Action, Status, Verified};
use crate::timestamp::Timestamp;

/// Something that went wrong with an org, in words and as a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgError {
    /// What to look up.
    pub code: Code,
    /// In words; may quote the vendor, cleaned of control characters.
    pub message: String,
    /// The HTTP status behind it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
}

impl OrgError {
    /// About an org that the vendor refuses.
    pub fn refused(refusal: &Refusal) -> Self {
        let code = match refusal.kind {
            RefusalKind::Status if matches!(refusal.http_status, 401 | 403) => Code::OrgForbidden,
            RefusalKind::Status => Code::OrgRefused,
            RefusalKind::Error => Code::OrgError,
            RefusalKind::AuthError => Code::OrgAuthError,
        };
        Self { code, message: refusal.to_string(), http_status: Some(refusal.http_status) }
    }
}

/// What became of one org.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrgOutcome {
    /// The org's place in the plan, from 0.
    pub index: u32,
    /// Its final status.
    pub status: Status,
    /// What was to be done.
    pub action: Action,
    /// Sends that were spent.
    pub attempts: u32,
    /// The HTTP status of the reply that decided the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// What went wrong, if something did.
    #[serde(rename = "complaint", default, skip_serializing_if = "Option::is_none")]
    pub org_error: Option<OrgError>,
    /// What the vendor said of an accepted write.
    #[serde(default)]
    pub ack: Ack,
    /// Whether the desired state was seen live.
    pub verified: Verified,
    /// When the run first touched the org; `None` if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When its status was final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Whether what the org's last intent was to change may be live: it was sent, and nothing proves that it
    /// was not applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_live: bool,
    /// It is unknown, and for the very answer for which it was unknown at the end of the process before: another read
    /// will hardly tell more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unsettled_again: bool,
}
