//! A read before a write: is the org still as planned?

use super::{Driver, HeldRead, Input, LiveSettings};
use crate::code::Code;
use crate::compare::{Judgement, Ownership, check_expects, check_owner, judge, masked_secret};
use crate::outcome::OrgError;
use crate::payload::sends_back;
use crate::plan::{PlannedStep, Precondition};
use crate::reply::{Live, Reply};
use crate::settings::RawObject;
use crate::status::Verified;
use crate::timestamp::Timestamp;

impl Driver<'_> {
    pub(super) fn read(&mut self, reply: Reply<Live>, requested: Timestamp, now: Timestamp) {
        match reply {
            Reply::Good(live) if !self.preconditions.is_empty() => {
                let object = match &live {
                    Live::Connected(object, _) => Some(object),
                    Live::NotConnected(_) => None,
                };
                self.precondition(object, requested);
            }
            Reply::Good(Live::Connected(object, _)) => self.judge(object, requested),
            Reply::Good(Live::NotConnected(message)) => {
                let message = message.unwrap_or_else(|| self.step.operation.absence());
                self.block(OrgError { code: Code::OrgNotConnected, message, http_status: None });
            }
            Reply::Refused(refusal) | Reply::Unauthorized(refusal) => self.refuse(&refusal),
            Reply::Unclear(unclear) => {
                if !self.patience.failed(now) {
                    self.complain(Code::OrgReadsSpent, unclear.message, unclear.http_status);
                    self.enter(Input::ReadsSpent);
                }
            }
            Reply::Throttled(_) | Reply::NotSent(_) => {}
        }
    }

    /// What is live of another operation, before the org's first write.
    fn precondition(&mut self, object: Option<&RawObject>, requested: Timestamp) {
        self.patience.succeeded();
        let Some(precondition) = self.preconditions.pop_front() else { return };
        let Precondition { operation, expects, .. } = &precondition;
        match check_expects(operation, &self.org, expects, object) {
            Ok(()) => self.met.push((precondition, requested)),
            Err(org_error) => {
                self.preconditions.clear();
                self.block(org_error);
            }
        }
    }

    /// A read before a write is due: what was expected of other operations too long ago is looked at again, too.
    pub(super) fn look_again(&mut self, now: Timestamp) {
        let retry = self.rules.retry;
        let is_old = |(_, requested): &mut (Precondition, Timestamp)| now >= retry.fresh_until(*requested);
        self.preconditions.extend(self.met.extract_if(.., is_old).map(|(precondition, _)| precondition));
    }

    /// Takes what was read before the org's turn in place of a read that is due, if it is fresh. Returns whether it was.
    pub(super) fn take_held(&mut self, now: Timestamp) -> bool {
        let retry = self.rules.retry;
        self.held.retain(|held| now < retry.fresh_until(held.requested));
        let due = self.preconditions.front().map_or(self.id.place, |precondition| precondition.place);
        let Some(held) = self.held.iter().position(|held| held.place == due) else { return false };
        let HeldRead { settings, requested, .. } = self.held.swap_remove(held);
        if self.preconditions.is_empty() {
            self.judge(settings, requested);
        } else {
            self.precondition(Some(&settings), requested);
        }
        true
    }

    pub(super) fn judge(&mut self, object: RawObject, requested: Timestamp) {
        self.patience.succeeded();
        self.remember_secrets(&object);
        match self.judgement(&object) {
            Err(org_error) | Ok(Judgement::Blocked(org_error)) => self.block(org_error),
            Ok(Judgement::Conflicts(org_error)) => {
                self.org_error = Some(org_error);
                self.enter(Input::Conflicts);
            }
            Ok(Judgement::AsDesired) => {
                self.verified = Verified::True;
                self.org_error = None;
                self.enter(Input::AsDesired);
            }
            Ok(Judgement::Differs(before)) => {
                self.before = before;
                self.live = Some(LiveSettings { settings: object, requested });
                self.enter(Input::Differs);
            }
        }
    }

    fn judgement(&self, object: &RawObject) -> Result<Judgement, OrgError> {
        let PlannedStep { operation, fields, expects, unproven, .. } = &self.step;
        if check_owner(operation, &self.org, object)? == Ownership::Unproven && !unproven {
            let message =
                "the settings don't name their org, which they did when the plan was made".to_owned();
            return Err(OrgError { code: Code::OrgUnproven, message, http_status: None });
        }
        if sends_back(operation, self.rules.write)
            && let Some(hazard) = masked_secret(operation, object, fields.iter().map(|field| &field.path))
        {
            return Err(hazard);
        }
        judge(fields, expects, object, self.comparing()).map_err(|shape| OrgError {
            code: Code::OrgShape,
            message: shape.to_string(),
            http_status: None,
        })
    }
}
