//! What became of one org in a run: the record that journals keep and every report is made of.

use serde::{Deserialize, Serialize};

use crate::ack::Ack;
use crate::code::Code;
use crate::ids::StepId;
use crate::reply::{Refusal, RefusalKind};
pub use crate::settings::StoredValue;
use crate::status::{Action, Status, Verified};
use crate::timestamp::{Timestamp, optional_millis};

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

/// What became of one step of an org; or of an org, by all of its steps. On the wire without what is as usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrgOutcome {
    /// The org's place in the plan, from 0.
    #[serde(rename = "org")]
    pub index: u32,
    /// The place of the operation among those of the plan, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub place: u8,
    /// Its final status.
    pub status: Status,
    /// What was to be done.
    #[serde(default = "update", skip_serializing_if = "is_update")]
    pub action: Action,
    /// Sends that were spent.
    pub attempts: u32,
    /// The HTTP status of the reply that decided the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// What went wrong, if something did.
    #[serde(rename = "error", default, skip_serializing_if = "Option::is_none")]
    pub org_error: Option<OrgError>,
    /// What the vendor said of an accepted write.
    #[serde(default, skip_serializing_if = "Ack::is_empty")]
    pub ack: Ack,
    /// Whether the desired state was seen live.
    #[serde(default = "unverified", skip_serializing_if = "is_unverified")]
    pub verified: Verified,
    /// When the run first touched the org; `None` if it never did.
    #[serde(rename = "started", default, skip_serializing_if = "Option::is_none", with = "optional_millis")]
    pub started_at: Option<Timestamp>,
    /// When its status was final.
    #[serde(rename = "finished", default, skip_serializing_if = "Option::is_none", with = "optional_millis")]
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

impl OrgOutcome {
    /// The outcome of what no run touched.
    pub fn without_run(id: StepId, status: Status, org_error: Option<&OrgError>, verified: Verified) -> Self {
        Self {
            index: id.org,
            place: id.place,
            status,
            action: Action::None,
            attempts: 0,
            http_status: org_error.and_then(|org_error| org_error.http_status),
            org_error: org_error.cloned(),
            ack: Ack::default(),
            verified,
            started_at: None,
            finished_at: None,
            may_be_live: false,
            is_unsettled_again: false,
        }
    }

    /// The outcome of an org by those of its steps: it is the worst of them, after all of their attempts, from the first to the
    /// last. `None` where there are none.
    pub fn of_steps(steps: impl IntoIterator<Item = Self>) -> Option<Self> {
        let steps: Vec<Self> = steps.into_iter().collect();
        let is_unsettled_again = steps.iter().any(|step| step.is_unsettled_again)
            && steps.iter().all(|step| step.is_unsettled_again || !step.is_open());
        let joined = steps.into_iter().reduce(Self::join)?;
        Some(Self { is_unsettled_again, ..joined })
    }

    /// Whether a resume would do something about it.
    pub fn is_open(&self) -> bool {
        let is_skipped = self.org_error.as_ref().is_some_and(|org_error| org_error.code == Code::OrgStep);
        !self.status.is_settled() && !is_skipped
    }

    fn join(self, other: Self) -> Self {
        let (worse, better) =
            if other.status.severity() > self.status.severity() { (other, self) } else { (self, other) };
        let is_unread = |outcome: &Self| outcome.status == Status::NotAttempted;
        Self {
            action: if better.action == Action::Update { better.action } else { worse.action },
            attempts: worse.attempts + better.attempts,
            verified: match (worse.verified, better.verified) {
                _ if is_unread(&worse) || is_unread(&better) => Verified::False,
                (Verified::False, _) | (_, Verified::False) => Verified::False,
                (Verified::True, Verified::True) => Verified::True,
                (Verified::Partly, _) | (_, Verified::Partly) => Verified::Partly,
            },
            ack: worse.ack.with(better.ack),
            started_at: [worse.started_at, better.started_at].into_iter().flatten().min(),
            finished_at: worse.finished_at.max(better.finished_at),
            may_be_live: worse.may_be_live || better.may_be_live,
            ..worse
        }
    }

    /// Which step it is of.
    pub const fn id(&self) -> StepId {
        StepId { org: self.index, place: self.place }
    }
}

/// Whether a place is that of the first operation, which isn't stored.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
pub(crate) const fn is_first(place: &u8) -> bool {
    *place == 0
}

const fn update() -> Action {
    Action::Update
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_update(action: &Action) -> bool {
    matches!(action, Action::Update)
}

const fn unverified() -> Verified {
    Verified::False
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_unverified(verified: &Verified) -> bool {
    matches!(verified, Verified::False)
}
