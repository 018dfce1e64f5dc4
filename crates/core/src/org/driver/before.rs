//! A read before a write: is the org still as planned?

use super::{Driver, Input, Observed};
use crate::code::Code;
use crate::compare::{Judgement, Ownership, echo_hazard, judge, whose};
use crate::outcome::Complaint;
use crate::policy::WriteMode;
use crate::reply::{Live, Reply};
use crate::settings::RawObject;
use crate::status::Verified;
use crate::timestamp::Timestamp;

impl Driver<'_> {
    pub(super) fn read(&mut self, reply: Reply<Live>, requested: Timestamp, now: Timestamp) {
        match reply {
            Reply::Good(Live::Connected(object, _)) => self.judge(object, requested),
            Reply::Good(Live::NotConnected(message)) => {
                let message = message.unwrap_or_else(|| self.rules.comparing.operation.absent.to_string());
                self.block(Complaint { code: Code::OrgNotConnected, message, http_status: None });
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

    pub(super) fn judge(&mut self, object: RawObject, requested: Timestamp) {
        self.patience.succeeded();
        self.remember_secrets(&object);
        match self.judgement(&object) {
            Err(complaint) | Ok(Judgement::Blocked(complaint)) => self.block(complaint),
            Ok(Judgement::Conflicts(complaint)) => {
                self.complaint = Some(complaint);
                self.enter(Input::Conflicts);
            }
            Ok(Judgement::AsDesired) => {
                self.verified = Verified::True;
                self.complaint = None;
                self.enter(Input::AsDesired);
            }
            Ok(Judgement::Differs(before)) => {
                self.before = before;
                self.live = Some(Observed { settings: object, requested });
                self.enter(Input::Differs);
            }
        }
    }

    fn judgement(&self, object: &RawObject) -> Result<Judgement, Complaint> {
        let operation = self.rules.comparing.operation;
        if whose(operation, &self.line.org, object)? == Ownership::Unproven && !self.line.unproven {
            let message =
                "the settings don't name their org, which they did when the plan was made".to_owned();
            return Err(Complaint { code: Code::OrgUnproven, message, http_status: None });
        }
        if self.rules.write == WriteMode::Merge
            && let Some(hazard) =
                echo_hazard(operation, object, self.line.fields.iter().map(|field| &field.path))
        {
            return Err(hazard);
        }
        judge(&self.line.fields, &self.line.expects, object, self.rules.comparing).map_err(|shape| {
            Complaint { code: Code::OrgShape, message: shape.to_string(), http_status: None }
        })
    }
}
