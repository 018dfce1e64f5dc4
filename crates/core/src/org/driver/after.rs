//! What a write came to: its reply, and what is read after it.

use super::{Driver, Input, Phase, Proof, StatePhase, is_status};
use crate::code::Code;
use crate::compare::{Exempt, Ownership, ReadBack, check_owner, read_back, unintended_change};
use crate::event::WaitReason;
use crate::outcome::OrgError;
use crate::policy::retry::{Whose, after};
use crate::reply::{Ack, Cause, ClientList, Live, Refusal, Reply, Unclear};
use crate::settings::RawObject;
use crate::status::{Status, Verified};
use crate::timestamp::Timestamp;

impl Driver<'_> {
    /// A write was answered.
    pub(super) fn written(&mut self, reply: Reply<Ack>) {
        match reply {
            Reply::Good(ack) => {
                self.http_status = Some(200);
                self.org_error = None;
                let warned = ack.is_warned();
                self.ack = ack.masked(&self.redactor());
                self.live = None;
                self.enter(Input::Acked { warned });
            }
            Reply::Refused(refusal) | Reply::Unauthorized(refusal) if is_status(&refusal) => {
                self.deny(&refusal);
            }
            Reply::Refused(refusal) | Reply::Unauthorized(refusal) => {
                self.refuse(&refusal);
                self.phase = Phase::Noting;
            }
            Reply::Unclear(unclear) => {
                self.http_status = unclear.http_status;
                self.complain(Code::OrgSendsSpent, unclear.message, unclear.http_status);
                self.live = None;
                self.enter(Input::Lost);
            }
            // Events of their own.
            Reply::Throttled(_) | Reply::NotSent(_) => self.enter(Input::NotApplied),
        }
    }

    /// A write was refused by a status: to be read back once before that is believed.
    fn deny(&mut self, refusal: &Refusal) {
        self.http_status = Some(refusal.http_status);
        self.org_error = Some(OrgError::refused(refusal));
        self.live = None;
        self.enter(Input::Denied);
    }

    /// Refused with 401 or 403, while the key is good.
    pub(super) fn forbidden(&mut self, refusal: &Refusal) {
        match self.state.phase() {
            StatePhase::Planned | StatePhase::Ready => self.refuse(refusal),
            StatePhase::Intent => self.deny(refusal),
            // No read showed that it is not live.
            StatePhase::Denied => self.enter(Input::Refused),
            StatePhase::Acked | StatePhase::InDoubt | StatePhase::Verifying { .. } => {
                self.unreadable(refusal, "");
            }
            StatePhase::Done(_) => self.finish_early(),
        }
    }

    /// A read after a write was answered.
    pub(super) fn read_back(&mut self, reply: Reply<Live>, requested: Timestamp, now: Timestamp) {
        match self.phase {
            Phase::Noting => return self.note(&reply),
            Phase::Rechecking => return self.recheck_read(&reply, now),
            _ => {}
        }
        let is_denied = self.state.phase() == StatePhase::Denied;
        let problem = match reply {
            Reply::Good(Live::NotConnected(_)) | Reply::Refused(_) | Reply::Unauthorized(_) if is_denied => {
                return self.enter(Input::Refused);
            }
            Reply::Refused(refusal) if refusal.http_status == 404 => {
                self.patience.succeeded();
                self.phase = Phase::Missing(refusal);
                return;
            }
            Reply::Good(Live::Connected(object, date)) => match self.proven(&object) {
                Ok(proven) => {
                    let read = LiveRead { object, requested, sent_at: date.unwrap_or(now) };
                    return self.settle(proven, read, now);
                }
                Err(org_error) => unreadable_body(org_error.message),
            },
            Reply::Good(Live::NotConnected(message)) => {
                unreadable_body(message.unwrap_or_else(|| self.step.operation.absence()))
            }
            Reply::Unclear(unclear) => unclear,
            Reply::Refused(refusal) | Reply::Unauthorized(refusal) => return self.unreadable(&refusal, ""),
            Reply::Throttled(_) | Reply::NotSent(_) => return,
        };
        if !self.patience.failed(now) {
            let message = format!("the read-back: {}", problem.message);
            self.complain(Code::OrgUnknownReads, message, problem.http_status);
            self.enter(Input::ReadsSpent);
        }
    }

    /// What is live at the wave's end. Where it can't be read the org stays applied, and is not verified any more.
    fn recheck_read(&mut self, reply: &Reply<Live>, now: Timestamp) {
        let proven = match reply {
            Reply::Good(Live::Connected(object, _)) => self.proven(object).ok(),
            Reply::Unclear(_) if self.patience.failed(now) => return,
            Reply::Throttled(_) | Reply::NotSent(_) => return,
            _ => None,
        };
        self.phase = Phase::ByState;
        match proven {
            Some(ReadBack::Neither(paths)) => {
                let message = format!("in sync after the write, and replaced since: {}", paths.join(", "));
                self.complain(Code::OrgDivergedAck, message, self.http_status);
                self.enter(Input::Overwritten);
            }
            Some(ReadBack::AsDesired { partly: false }) => self.verified = Verified::True,
            // As desired, where it is shown: no less is known of it than before.
            Some(ReadBack::AsDesired { .. } | ReadBack::CannotTell) => {
                let known = self.applied.map_or(Verified::False, |(_, verified)| verified);
                self.verified = if known == Verified::False { Verified::Partly } else { known };
            }
            Some(ReadBack::AsBefore) | None => {}
        }
    }

    /// The vendor refuses the read that should have settled it, and may say the same for ever.
    fn unreadable(&mut self, refusal: &Refusal, more: &str) {
        self.phase = Phase::ByState;
        self.http_status = Some(refusal.http_status);
        let message = format!("the read-back: {refusal}{more}");
        self.complain(Code::OrgUnknownReads, message, Some(refusal.http_status));
        self.enter(Input::ReadsSpent);
    }

    /// The client list was answered, because the org was not found.
    pub(super) fn listed(&mut self, reply: &Reply<ClientList>, now: Timestamp) {
        let Phase::Missing(refusal) = &self.phase else { return };
        let refusal = refusal.clone();
        let doubt = match reply {
            Reply::Good(list) if list.clients.iter().any(|listed| listed.org == self.org) => {
                Some(", though it is in the client list")
            }
            Reply::Good(list) if !list.unreadable.is_empty() => {
                Some("; the client list has records that can't be read, of which it may be one")
            }
            Reply::Good(_) => None,
            Reply::Unclear(_) if self.patience.failed(now) => return,
            Reply::Throttled(_) | Reply::NotSent(_) => return,
            Reply::Unclear(_) | Reply::Refused(_) | Reply::Unauthorized(_) => {
                Some("; the client list could not be read")
            }
        };
        match doubt {
            None => {
                self.phase = Phase::ByState;
                self.http_status = Some(refusal.http_status);
                let message = format!("{refusal}, and it is not in the client list any more");
                self.complain(Code::OrgGone, message, Some(refusal.http_status));
                self.enter(Input::LiveAsNeither);
            }
            Some(why) => self.unreadable(&refusal, why),
        }
    }

    fn proven(&self, object: &RawObject) -> Result<ReadBack, OrgError> {
        if check_owner(&self.step.operation, &self.org, object)? == Ownership::Unproven && !self.step.unproven
        {
            let message = "the settings don't name their org, which they did before the write".to_owned();
            return Err(OrgError { code: Code::OrgUnproven, message, http_status: None });
        }
        read_back(&self.step.fields, &self.before, object, self.comparing()).map_err(|shape| OrgError {
            code: Code::OrgShape,
            message: shape.to_string(),
            http_status: None,
        })
    }

    fn settle(&mut self, proven: ReadBack, read: LiveRead, now: Timestamp) {
        let LiveRead { object, requested, sent_at } = read;
        self.patience.succeeded();
        self.remember_secrets(&object);
        let is_denied = self.state.phase() == StatePhase::Denied;
        match proven {
            ReadBack::AsBefore | ReadBack::CannotTell if is_denied => {
                self.not_applied = (proven == ReadBack::AsBefore).then_some(Proof);
                self.enter(Input::LiveAsBefore);
            }
            ReadBack::AsDesired { partly } => self.is_live(partly, &object, sent_at),
            // Accepted, and nothing shown says otherwise.
            ReadBack::CannotTell if self.state.is_acked() => self.is_live(true, &object, sent_at),
            ReadBack::CannotTell => {
                let message = "only secrets that the vendor doesn't return were to change".to_owned();
                self.complain(Code::OrgUnknownHidden, message, self.http_status);
                self.enter(Input::ReadsSpent);
            }
            ReadBack::Neither(paths) => {
                let code = if self.state.is_acked() { Code::OrgDivergedAck } else { Code::OrgDivergedDoubt };
                self.complain(code, format!("not in sync: {}", paths.join(", ")), self.http_status);
                self.enter(Input::LiveAsNeither);
            }
            ReadBack::AsBefore if self.state.phase() == (StatePhase::Verifying { as_before: false }) => {
                self.enter(Input::LiveAsBefore);
                let wait = self.rules.retry.before_second_look(Whose::Org(self.id.org), self.state.spent());
                self.patience.wait(after(now, wait), WaitReason::QuietPeriod);
            }
            // The last read of a stop is in time to see what is desired, and too early to prove that it won't be.
            ReadBack::AsBefore if self.stopping.is_some() => {}
            ReadBack::AsBefore => self.still_as_before(object, requested),
        }
    }

    /// Two reads a quiet period apart agree: the write was not applied.
    fn still_as_before(&mut self, object: RawObject, requested: Timestamp) {
        let attempts_left = self.state.spent() < self.rules.retry.attempts;
        self.enter(Input::StillAsBefore { attempts_left });
        match self.state.phase() {
            // The newest read is judged as any read before a write is, unless others come first.
            StatePhase::Ready if self.rules.write.reads() && self.preconditions.is_empty() => {
                self.judge(object, requested);
            }
            StatePhase::Done(Status::Diverged) => {
                let message = "the vendor accepted the write, and the settings are as before".to_owned();
                self.complain(Code::OrgDivergedAck, message, self.http_status);
            }
            _ => {}
        }
    }

    fn is_live(&mut self, partly: bool, object: &RawObject, sent_at: Timestamp) {
        let ignored = self.rules.ignored.get(usize::from(self.id.place)).map_or(&[][..], Vec::as_slice);
        let exempt = Exempt { operation: &self.step.operation, ignored, at: sent_at, seal: self.rules.seal };
        let before = self.undisturbed.take();
        let found = before.map(|before| unintended_change(&self.step.fields, &before, object, exempt));
        let found = found.unwrap_or_default();
        if !found.new_fields.is_empty() {
            self.new_fields = found.new_fields.join(", ");
        }
        if let Some(what) = found.stops {
            let message = format!("unintended change: {what}");
            self.complain(Code::OrgDisturbed, message, self.http_status);
            self.unintended = Some(what);
            return self.enter(Input::LiveAsNeither);
        }
        self.verified = if partly { Verified::Partly } else { Verified::True };
        self.org_error = None;
        self.enter(Input::LiveAsDesired);
    }

    /// What is live after a 200 that says error: recorded in words, never a reason to change the status.
    fn note(&mut self, reply: &Reply<Live>) {
        self.phase = Phase::ByState;
        let seen = match reply {
            Reply::Good(Live::Connected(object, _)) => match self.proven(object) {
                Ok(ReadBack::AsDesired { .. }) => "in sync, in spite of the error",
                Ok(ReadBack::AsBefore) => {
                    self.not_applied = Some(Proof);
                    "as before"
                }
                Ok(ReadBack::Neither(_)) => "neither as before nor as desired",
                Ok(ReadBack::CannotTell) => "not telling",
                Err(_) => "not readable",
            },
            _ => "not readable",
        };
        if let Some(org_error) = &mut self.org_error {
            org_error.message = format!("{}; read back: {seen}", org_error.message);
        }
    }
}

/// What a read after a write showed.
struct LiveRead {
    object: RawObject,
    requested: Timestamp,
    /// By the vendor's clock, if the reply says so.
    sent_at: Timestamp,
}

fn unreadable_body(message: String) -> Unclear {
    Unclear { cause: Cause::Unreadable, http_status: Some(200), retry_after: None, message }
}
