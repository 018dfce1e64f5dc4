//! One org, from its plan line to its outcome: what each reply shows, told to the state machine.

use std::time::Duration;

use orgwave_core::change::Seen;
use orgwave_core::code::Code;
use orgwave_core::compare::{
    Context as Comparing, Exempt, Judgement, Ownership, Standing, disturbance, echo_hazard, judge, read_back,
    unread, whose,
};
use orgwave_core::event::WaitReason;
use orgwave_core::org::{Input, OrgState, Phase};
use orgwave_core::outcome::{Complaint, OrgOutcome};
use orgwave_core::plan::PlanLine;
use orgwave_core::policy::WriteMode;
use orgwave_core::redactor::Redactor;
use orgwave_core::reply::{Ack, Cause, ClientList, Live, Refusal, RefusalKind, Reply, Throttle, Unclear};
use orgwave_core::run::{Entry, OrgProgress};
use orgwave_core::secret::SecretText;
use orgwave_core::settings::{Ignored, RawObject, secrets_in};
use orgwave_core::status::{Action, Status, Verified};
use orgwave_core::timestamp::Timestamp;

use crate::survey::{in_words, parked_message, refused};

/// How long after its request a read may be the newest one before a write is built on it, by the clock that counts sleep.
const FRESH: Duration = Duration::from_secs(60);

/// An org that was applied, until its wave has ended.
#[derive(Debug, Clone)]
pub struct Written {
    pub(super) index: u32,
    state: OrgState,
    started_at: Option<Timestamp>,
    http_status: Option<u16>,
    ack: Option<Box<Ack>>,
    verified: Verified,
}

impl Written {
    /// What must be known to read it once more.
    pub(super) fn of(outcome: &OrgOutcome, state: OrgState) -> Self {
        let OrgOutcome { index, started_at, http_status, verified, .. } = *outcome;
        let ack = (outcome.ack != Ack::default()).then(|| Box::new(outcome.ack.clone()));
        Self { index, state, started_at, http_status, ack, verified }
    }
}

/// An org that is under way.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and the state machine holds the state"
)]
pub(super) struct OrgRun {
    pub(super) line: PlanLine,
    state: OrgState,
    /// An intent of it is in the journal, so every further input must be, too.
    is_journalled: bool,
    /// Inputs that aren't in the journal yet.
    unrecorded: Vec<Input>,
    is_canary: bool,
    /// The newest read, and when it was requested.
    live: Option<(RawObject, Duration)>,
    /// When the last read was requested.
    requested: Duration,
    /// The canary's settings before its write.
    undisturbed: Option<RawObject>,
    /// What the write changes, as it stood before.
    pub(super) before: Vec<Seen>,
    /// The vendor's answer, or what was read after it, proves that the last write was not applied.
    is_unapplied: bool,
    read_failures: u32,
    /// The org was not found when it was read back: what the vendor said. The client list tells whether it is gone.
    missing: Option<Refusal>,
    /// To be asked again at this reading.
    pub(super) wait: Option<(Duration, WaitReason)>,
    /// After a 200 that says error, one read is recorded.
    records_read: bool,
    /// It was applied, and is read once more.
    rechecks: bool,
    /// It was applied so, before that, and verified or not.
    applied_as: Option<(Status, Verified)>,
    /// The run stops: a read that comes now may come before the quiet period has passed.
    is_stopping: bool,
    http_status: Option<u16>,
    complaint: Option<Complaint>,
    /// Why an earlier process couldn't settle it.
    unsettled: Option<Complaint>,
    ack: Ack,
    /// Secrets that reads have shown: a vendor may quote them in what it says later.
    shown: Vec<SecretText>,
    verified: Verified,
    pub(super) started_at: Timestamp,
}

/// What a decision needs beside the org: the mode, secrets, attempts, jitter and time.
pub(super) struct Desk<'a> {
    /// What may change with the canary's write.
    pub(super) ignored: &'a [Ignored],
    /// The time of day, for replies that don't say when they were sent.
    pub(super) at: Timestamp,
    pub(super) mode: WriteMode,
    pub(super) comparing: Comparing<'a>,
    pub(super) attempts: u32,
    pub(super) quiet_period: Duration,
    pub(super) now: Duration,
    pub(super) backoff: &'a mut crate::gate::backoff::Backoff,
}

/// What an org asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Read,
    Intent,
    Write,
    ReadBack,
    List,
    Nothing,
}

impl OrgRun {
    pub(super) fn new(
        line: PlanLine,
        is_canary: bool,
        started_at: Timestamp,
        recorded: Option<OrgProgress>,
    ) -> Self {
        let mut org = Self {
            line,
            state: OrgState::new(),
            is_journalled: false,
            unrecorded: Vec::new(),
            is_canary,
            live: None,
            requested: Duration::ZERO,
            undisturbed: None,
            before: Vec::new(),
            is_unapplied: false,
            read_failures: 0,
            missing: None,
            wait: None,
            records_read: false,
            rechecks: false,
            applied_as: None,
            is_stopping: false,
            http_status: None,
            complaint: None,
            unsettled: None,
            ack: Ack::default(),
            shown: Vec::new(),
            verified: Verified::False,
            started_at,
        };
        if let Some(recorded) = recorded {
            org.state = recorded.state;
            org.is_journalled = !recorded.before.is_empty();
            org.before = recorded.before;
            org.started_at = recorded.started_at.unwrap_or(started_at);
            org.ack = recorded.ack;
            org.unsettled = recorded.outcome.and_then(|outcome| outcome.complaint);
            org.tell(Input::Resumed);
        }
        org
    }

    /// An org that was applied, to be read once more.
    pub(super) fn once_more(line: PlanLine, written: Written, now: Timestamp) -> Self {
        let mut org = Self::new(line, false, written.started_at.unwrap_or(now), None);
        org.state = written.state;
        org.is_journalled = true;
        org.rechecks = true;
        org.applied_as = written.state.status().map(|status| (status, written.verified));
        org.http_status = written.http_status;
        org.ack = written.ack.map(|ack| *ack).unwrap_or_default();
        org
    }

    /// Whether it was read once more, or was to be.
    pub(super) const fn is_rechecked(&self) -> bool {
        self.applied_as.is_some()
    }

    /// What it was before that.
    pub(super) fn applied_as(&self) -> (Status, Verified) {
        self.applied_as.unwrap_or((Status::Applied, Verified::False))
    }

    pub(super) const fn state(&self) -> OrgState {
        self.state
    }

    /// Whether a read that comes now is one before a write.
    pub(super) const fn is_before_write(&self) -> bool {
        matches!(self.state.phase(), Phase::Planned | Phase::Ready)
    }

    /// Whether the client list is to tell of it.
    pub(super) const fn is_missing(&self) -> bool {
        self.missing.is_some()
    }

    /// What the org was told, for the journal, in its order.
    pub(super) fn take_unrecorded(&mut self, index: u32) -> Vec<Entry> {
        let inputs = std::mem::take(&mut self.unrecorded);
        let ack_of = |input| matches!(input, Input::Acked { warned: true }).then(|| self.ack.clone());
        inputs.into_iter().map(|input| Entry::Step { index, input, ack: ack_of(input) }).collect()
    }

    /// Tells the state machine. What it can't take is a defect of this module, and panics: the loop catches
    /// it, and the org alone ends with it.
    fn tell(&mut self, input: Input) {
        self.state = self.state.next(input).unwrap_or_else(|illegal| panic!("{illegal}"));
        if self.is_journalled {
            self.unrecorded.push(input);
        }
    }

    /// What it needs next. `verifies`: an accepted write is to be read back.
    pub(super) fn ask(&mut self, verifies: bool, mode: WriteMode, now: Duration) -> Ask {
        if self.missing.is_some() {
            return Ask::List;
        }
        loop {
            match self.state.phase() {
                Phase::Planned if mode.reads() => return Ask::Read,
                Phase::Planned => {
                    self.before = unread(&self.line.fields);
                    self.tell(Input::Differs);
                }
                Phase::Ready => {
                    return if self.is_fresh(mode, now) { Ask::Intent } else { Ask::Read };
                }
                Phase::Intent => return Ask::Write,
                Phase::Acked if verifies || self.is_canary && mode.reads() => self.tell(Input::Verify),
                Phase::Acked => self.tell(Input::Trusted),
                Phase::Denied if mode.reads() => return Ask::ReadBack,
                Phase::Denied => self.tell(Input::Refused),
                Phase::InDoubt => self.tell(Input::Verify),
                Phase::Verifying { .. } => return Ask::ReadBack,
                Phase::Done(_) if self.records_read || self.rechecks => return Ask::ReadBack,
                Phase::Done(_) => return Ask::Nothing,
            }
        }
    }

    /// Whether a write can be built on what was read.
    fn is_fresh(&self, mode: WriteMode, now: Duration) -> bool {
        now < self.good_until(mode)
    }

    /// Until when a write can be built on what was read; where nothing is read, always.
    pub(super) fn good_until(&self, mode: WriteMode) -> Duration {
        match &self.live {
            _ if !mode.reads() => Duration::MAX,
            Some((_, at)) => *at + FRESH,
            None => Duration::ZERO,
        }
    }

    /// A read is being sent.
    pub(super) const fn read_requested(&mut self, at: Duration) {
        self.requested = at;
    }

    /// Whether its write has waited so long for its turn that what it is built on is old: somebody else may have
    /// written since.
    pub(super) fn has_aged(&self, mode: WriteMode, now: Duration) -> bool {
        self.state.phase() == Phase::Intent && !self.is_fresh(mode, now)
    }

    /// The intent is durable.
    pub(super) fn intent_is_durable(&mut self) {
        if self.state.phase() == Phase::Ready {
            // The journal's intent says so already.
            self.is_journalled = false;
            self.tell(Input::Intent);
            self.is_journalled = true;
            if self.is_canary && self.undisturbed.is_none() {
                self.undisturbed = self.live.as_ref().map(|(object, _)| object.clone());
            }
        }
    }

    /// The settings that the write is built on.
    pub(super) fn live(&self) -> Option<&RawObject> {
        self.live.as_ref().map(|(object, _)| object)
    }

    /// A write was provably not applied.
    pub(super) fn withdrawn(&mut self) {
        if self.state.phase() == Phase::Intent {
            self.tell(Input::NotApplied);
        }
    }

    /// A read before a write was answered.
    pub(super) fn read(&mut self, reply: Reply<Live>, desk: &mut Desk<'_>) {
        match reply {
            Reply::Good(Live::Connected(object, _)) => self.judge(object, desk),
            Reply::Good(Live::NotConnected(message)) => {
                let message = message.unwrap_or_else(|| "the org has no Envoy settings".to_owned());
                self.block(Complaint { code: Code::OrgNotConnected, message, http_status: None });
            }
            Reply::Refused(refusal) | Reply::Unauthorized(refusal) => self.refuse(&refusal),
            Reply::Unclear(unclear) => {
                if self.read_failed(desk) {
                    self.complain(Code::OrgReadsSpent, unclear.message, unclear.http_status);
                    self.tell(Input::ReadsSpent);
                }
            }
            Reply::Throttled(_) | Reply::NotSent(_) => {}
        }
    }

    fn judge(&mut self, object: RawObject, desk: &mut Desk<'_>) {
        self.read_failures = 0;
        self.remember_secrets(&object);
        match self.judgement(&object, desk) {
            Err(complaint) | Ok(Judgement::Blocked(complaint)) => self.block(complaint),
            Ok(Judgement::Conflicts(complaint)) => {
                self.complaint = Some(complaint);
                self.tell(Input::Conflicts);
            }
            Ok(Judgement::AsDesired) => {
                self.verified = Verified::True;
                self.complaint = None;
                self.tell(Input::AsDesired);
            }
            Ok(Judgement::Differs(before)) => {
                self.before = before;
                self.live = Some((object, self.requested));
                self.tell(Input::Differs);
            }
        }
    }

    fn judgement(&self, object: &RawObject, desk: &Desk<'_>) -> Result<Judgement, Complaint> {
        if whose(&self.line.org, object)? == Ownership::Unproven && !self.line.unproven {
            let message =
                "the settings don't name their org, which they did when the plan was made".to_owned();
            return Err(Complaint { code: Code::OrgUnproven, message, http_status: None });
        }
        if desk.mode == WriteMode::Merge
            && let Some(hazard) = echo_hazard(object, self.line.fields.iter().map(|field| &field.path))
        {
            return Err(hazard);
        }
        judge(&self.line.fields, &self.line.expects, object, desk.comparing).map_err(|shape| Complaint {
            code: Code::OrgShape,
            message: shape.to_string(),
            http_status: None,
        })
    }

    fn block(&mut self, complaint: Complaint) {
        self.complaint = Some(complaint);
        self.tell(Input::Blocked);
    }

    fn refuse(&mut self, refusal: &Refusal) {
        self.http_status = Some(refusal.http_status);
        self.complaint = Some(refused(refusal));
        self.tell(Input::Refused);
    }

    /// A write was refused by a status: to be read back once before that is believed.
    fn deny(&mut self, refusal: &Refusal) {
        self.http_status = Some(refusal.http_status);
        self.complaint = Some(refused(refusal));
        self.live = None;
        self.tell(Input::Denied);
    }

    /// Nothing says that a write which was refused by a status is live after all.
    fn reject(&mut self, input: Input) {
        self.is_unapplied = true;
        self.tell(input);
    }

    /// A write was answered.
    pub(super) fn written(&mut self, reply: Reply<Ack>) {
        match reply {
            Reply::Good(ack) => {
                self.http_status = Some(200);
                self.complaint = None;
                let warned = ack.is_warned();
                self.ack = ack.masked(&self.redactor());
                self.tell(Input::Acked { warned });
                self.live = None;
            }
            Reply::Refused(refusal) | Reply::Unauthorized(refusal) => {
                if refusal.kind == RefusalKind::Status {
                    return self.deny(&refusal);
                }
                self.refuse(&refusal);
                self.records_read = true;
            }
            Reply::Unclear(unclear) => {
                self.http_status = unclear.http_status;
                self.complain(Code::OrgSendsSpent, unclear.message, unclear.http_status);
                self.tell(Input::Lost);
                self.live = None;
            }
            Reply::Throttled(_) | Reply::NotSent(_) => {}
        }
    }

    /// A read after a write was answered. Returns what the canary's write changed that nobody meant to.
    pub(super) fn read_back(&mut self, reply: Reply<Live>, desk: &mut Desk<'_>) -> Option<String> {
        if self.records_read {
            self.record_read(&reply, desk);
            return None;
        }
        if self.rechecks {
            self.recheck(&reply, desk);
            return None;
        }
        let is_denied = self.state.phase() == Phase::Denied;
        let problem = match reply {
            Reply::Good(Live::NotConnected(_)) | Reply::Refused(_) | Reply::Unauthorized(_) if is_denied => {
                self.reject(Input::Refused);
                return None;
            }
            Reply::Refused(refusal) if refusal.http_status == 404 => {
                self.read_failures = 0;
                self.missing = Some(refusal);
                return None;
            }
            Reply::Good(Live::Connected(object, date)) => match self.standing(&object, desk) {
                Ok(standing) => return self.settle(standing, object, date, desk),
                Err(complaint) => Unclear {
                    cause: Cause::Unreadable,
                    http_status: Some(200),
                    retry_after: None,
                    message: complaint.message,
                },
            },
            Reply::Good(Live::NotConnected(message)) => Unclear {
                cause: Cause::Unreadable,
                http_status: Some(200),
                retry_after: None,
                message: message.unwrap_or_else(|| "the org has no Envoy settings".to_owned()),
            },
            Reply::Unclear(unclear) => unclear,
            Reply::Refused(refusal) | Reply::Unauthorized(refusal) => {
                self.unreadable(&refusal, "");
                return None;
            }
            Reply::Throttled(_) | Reply::NotSent(_) => return None,
        };
        if self.read_failed(desk) {
            let message = format!("the read that should have settled it: {}", problem.message);
            self.complain(Code::OrgUnknownReads, message, problem.http_status);
            self.tell(Input::ReadsSpent);
        }
        None
    }

    /// What is live at the wave's end. Where it can't be read the org stays applied, and is not verified any more.
    fn recheck(&mut self, reply: &Reply<Live>, desk: &mut Desk<'_>) {
        let standing = match reply {
            Reply::Good(Live::Connected(object, _)) => self.standing(object, desk).ok(),
            Reply::Unclear(_) if !self.read_failed(desk) => return,
            Reply::Throttled(_) | Reply::NotSent(_) => return,
            _ => None,
        };
        self.rechecks = false;
        match standing {
            Some(Standing::Neither(paths)) => {
                let message = format!("as desired after the write, and replaced since: {}", paths.join(", "));
                self.complain(Code::OrgDivergedAck, message, self.http_status);
                self.tell(Input::Overwritten);
            }
            Some(Standing::AsDesired { partly: false }) => self.verified = Verified::True,
            // As desired, where it is shown: no less is known of it than before.
            Some(Standing::AsDesired { .. } | Standing::CannotTell) => {
                let known = self.applied_as().1;
                self.verified = if known == Verified::False { Verified::Partly } else { known };
            }
            Some(Standing::AsBefore) | None => {}
        }
    }

    /// The vendor refuses the read that should have settled it, and may say the same for ever.
    fn unreadable(&mut self, refusal: &Refusal, more: &str) {
        self.http_status = Some(refusal.http_status);
        let message = format!("the read that should have settled it: {}{more}", in_words(refusal));
        self.complain(Code::OrgUnknownReads, message, Some(refusal.http_status));
        self.tell(Input::ReadsSpent);
    }

    /// The client list was answered, of which an org was missed.
    pub(super) fn listed(&mut self, reply: &Reply<ClientList>, desk: &mut Desk<'_>) {
        let Some(refusal) = &self.missing else { return };
        let refusal = refusal.clone();
        let doubt = match reply {
            Reply::Good(list) if list.clients.iter().any(|listed| listed.org == self.line.org) => {
                Some(", though it is in the client list")
            }
            Reply::Good(list) if !list.unreadable.is_empty() => {
                Some("; the client list has records that can't be read, of which it may be one")
            }
            Reply::Good(_) => None,
            Reply::Unclear(_) if !self.read_failed(desk) => return,
            Reply::Throttled(_) | Reply::NotSent(_) => return,
            Reply::Unclear(_) | Reply::Refused(_) | Reply::Unauthorized(_) => {
                Some("; the client list could not be read")
            }
        };
        self.missing = None;
        match doubt {
            None => {
                self.http_status = Some(refusal.http_status);
                let message = format!("{}, and it is not in the client list any more", in_words(&refusal));
                self.complain(Code::OrgGone, message, Some(refusal.http_status));
                self.tell(Input::LiveAsNeither);
            }
            Some(why) => self.unreadable(&refusal, why),
        }
    }

    fn standing(&self, object: &RawObject, desk: &Desk<'_>) -> Result<Standing, Complaint> {
        whose(&self.line.org, object)?;
        read_back(&self.line.fields, &self.before, !desk.mode.reads(), object, desk.comparing).map_err(
            |shape| Complaint { code: Code::OrgShape, message: shape.to_string(), http_status: None },
        )
    }

    fn settle(
        &mut self,
        standing: Standing,
        object: RawObject,
        date: Option<Timestamp>,
        desk: &mut Desk<'_>,
    ) -> Option<String> {
        let exempt = Exempt { ignored: desk.ignored, at: date.unwrap_or(desk.at) };
        self.read_failures = 0;
        self.remember_secrets(&object);
        let is_denied = self.state.phase() == Phase::Denied;
        match standing {
            Standing::AsBefore | Standing::CannotTell if is_denied => self.reject(Input::LiveAsBefore),
            Standing::AsDesired { partly } => return self.is_live(partly, &object, exempt),
            // Accepted, and nothing shown says otherwise.
            Standing::CannotTell if self.state.is_acked() => return self.is_live(true, &object, exempt),
            Standing::CannotTell => {
                let message = "only secrets that the vendor doesn't show were to change".to_owned();
                self.complain(Code::OrgUnknownHidden, message, self.http_status);
                self.tell(Input::ReadsSpent);
            }
            Standing::Neither(paths) => {
                let code = if self.state.is_acked() { Code::OrgDivergedAck } else { Code::OrgDivergedDoubt };
                self.complain(code, format!("not as desired: {}", paths.join(", ")), self.http_status);
                self.tell(Input::LiveAsNeither);
            }
            Standing::AsBefore if self.state.phase() == (Phase::Verifying { as_before: false }) => {
                self.tell(Input::LiveAsBefore);
                // The delay before another attempt is waited here, so that the payload is built on a read
                // that is new.
                let delay = desk.quiet_period + desk.backoff.delay(self.state.spent().saturating_sub(1));
                self.wait = Some((desk.now + delay, WaitReason::QuietPeriod));
            }
            // The last read of a drain is in time to see what is desired, and too early to prove that it won't be.
            Standing::AsBefore if self.is_stopping => {}
            Standing::AsBefore => {
                let attempts_left = self.state.spent() < desk.attempts;
                self.tell(Input::StillAsBefore { attempts_left });
                match self.state.phase() {
                    // The newest read is judged as any read before a write is.
                    Phase::Ready if desk.mode.reads() => self.judge(object, desk),
                    Phase::Done(Status::Diverged) => {
                        let message =
                            "the vendor accepted the write, and the settings are as before".to_owned();
                        self.complain(Code::OrgDivergedAck, message, self.http_status);
                    }
                    _ => {}
                }
            }
        }
        None
    }

    fn is_live(&mut self, partly: bool, object: &RawObject, exempt: Exempt<'_>) -> Option<String> {
        let before = self.undisturbed.take();
        let found = before.map(|before| disturbance(&self.line.fields, &before, object, exempt));
        let found = found.unwrap_or_default();
        if !found.new_fields.is_empty() {
            let fields = found.new_fields.join(", ");
            tracing::warn!(org = %self.line.org, fields, "new fields without a value since the canary's write");
        }
        if let Some(what) = found.stops {
            let message = format!("beside what was meant: {what}");
            self.complain(Code::OrgDisturbed, message, self.http_status);
            self.tell(Input::LiveAsNeither);
            return Some(what);
        }
        self.verified = if partly { Verified::Partly } else { Verified::True };
        self.complaint = None;
        self.tell(Input::LiveAsDesired);
        None
    }

    /// What is live after a 200 that says error: recorded in words, never a reason to change the status.
    fn record_read(&mut self, reply: &Reply<Live>, desk: &Desk<'_>) {
        self.records_read = false;
        let seen = match reply {
            Reply::Good(Live::Connected(object, _)) => match self.standing(object, desk) {
                Ok(Standing::AsDesired { .. }) => "as desired, in spite of the error",
                Ok(Standing::AsBefore) => {
                    self.is_unapplied = true;
                    "as before"
                }
                Ok(Standing::Neither(_)) => "neither as before nor as desired",
                Ok(Standing::CannotTell) => "not telling",
                Err(_) => "not readable",
            },
            _ => "not readable",
        };
        if let Some(complaint) = &mut self.complaint {
            complaint.message = format!("{}; read back: {seen}", complaint.message);
        }
    }

    /// Counts a read that failed. Returns whether it was the last.
    fn read_failed(&mut self, desk: &mut Desk<'_>) -> bool {
        self.read_failures += 1;
        if self.read_failures >= desk.attempts {
            return true;
        }
        let delay = desk.backoff.delay(self.read_failures - 1);
        self.wait = Some((desk.now + delay, WaitReason::Backoff));
        false
    }

    /// Refused with 401 or 403, while the key is good.
    pub(super) fn forbidden(&mut self, refusal: &Refusal) {
        match self.state.phase() {
            Phase::Planned | Phase::Ready => self.refuse(refusal),
            Phase::Intent => self.deny(refusal),
            Phase::Denied => self.reject(Input::Refused),
            Phase::Acked | Phase::InDoubt | Phase::Verifying { .. } => {
                self.missing = None;
                self.unreadable(refusal, "");
            }
            Phase::Done(_) => (self.records_read, self.rechecks) = (false, false),
        }
    }

    /// The vendor asks to wait too long.
    pub(super) fn parked(&mut self, throttle: Throttle) {
        self.wait = None;
        self.missing = None;
        let code = match self.state.phase() {
            Phase::Done(_) => {
                (self.records_read, self.rechecks) = (false, false);
                return;
            }
            Phase::Planned | Phase::Ready => Code::OrgParked,
            Phase::Intent | Phase::Acked | Phase::Denied | Phase::InDoubt | Phase::Verifying { .. } => {
                Code::OrgUnknownParked
            }
        };
        self.complain(code, parked_message(throttle), Some(throttle.http_status));
        self.tell(Input::Parked);
    }

    /// The run stops.
    pub(super) fn stop(&mut self, may_read: bool, why: &str) {
        self.withdrawn();
        // Nothing is waited for any more: not for a backoff, and not for a quiet period to end.
        self.wait = None;
        self.missing = None;
        self.is_stopping = true;
        match self.state.phase() {
            Phase::Planned | Phase::Ready => {
                if self.complaint.is_none() {
                    self.complain(Code::OrgStopped, why.to_owned(), None);
                }
                self.tell(Input::Stopped);
            }
            Phase::Acked | Phase::Denied | Phase::InDoubt | Phase::Verifying { .. } if may_read => {}
            Phase::Acked | Phase::Denied | Phase::InDoubt | Phase::Verifying { .. } => {
                let known = self.complaint.take().map(|complaint| format!("; {}", complaint.message));
                let message = format!("{why}{}", known.unwrap_or_default());
                self.complain(Code::OrgUnknownStopped, message, self.http_status);
                self.tell(Input::Stopped);
            }
            Phase::Done(_) | Phase::Intent => (self.records_read, self.rechecks) = (false, false),
        }
    }

    /// A defect of ours came up. The org ends with it, as sure as can be.
    pub(super) fn panicked(&mut self, what: &str) {
        (self.records_read, self.rechecks) = (false, false);
        self.wait = None;
        self.missing = None;
        self.complain(Code::OrgPanic, what.to_owned(), None);
        match self.state.phase() {
            Phase::Done(_) => return,
            Phase::Intent => self.tell(Input::Lost),
            Phase::Planned
            | Phase::Ready
            | Phase::Acked
            | Phase::Denied
            | Phase::InDoubt
            | Phase::Verifying { .. } => {}
        }
        self.tell(Input::ReadsSpent);
    }

    fn remember_secrets(&mut self, object: &RawObject) {
        for secret in secrets_in(object) {
            if !self.shown.contains(&secret) {
                self.shown.push(secret);
            }
        }
    }

    fn redactor(&self) -> Redactor {
        Redactor::new(self.shown.iter().cloned())
    }

    fn complain(&mut self, code: Code, message: String, http_status: Option<u16>) {
        self.complaint = Some(Complaint { code, message, http_status });
    }

    /// Its outcome; the org must have its final word.
    pub(super) fn outcome(self, index: u32, finished_at: Timestamp) -> OrgOutcome {
        let status = self.state.status().expect("asked only when the org is done");
        let redactor = self.redactor();
        let masked = |complaint: Complaint| Complaint {
            message: redactor.mask(&complaint.message).into_owned(),
            ..complaint
        };
        let may_be_live = self.is_journalled
            && !self.is_unapplied
            && matches!(
                status,
                Status::Applied
                    | Status::AppliedWithWarnings
                    | Status::Diverged
                    | Status::Unknown
                    | Status::Rejected
            );
        let is_unsettled_again = status == Status::Unknown
            && self.unsettled.as_ref().is_some_and(|before| {
                self.complaint.as_ref().is_some_and(|now| {
                    now.http_status.is_some()
                        && (now.code, now.http_status) == (before.code, before.http_status)
                        && matches!(now.code, Code::OrgUnknownReads | Code::OrgUnknownHidden)
                })
            });
        let is_well = matches!(status, Status::Applied | Status::AppliedWithWarnings | Status::Unchanged);
        OrgOutcome {
            index,
            status,
            action: if status == Status::Unchanged { Action::None } else { Action::Update },
            attempts: self.state.spent(),
            http_status: self.http_status,
            complaint: self.complaint.filter(|_| !is_well).map(masked),
            ack: self.ack,
            verified: if is_well { self.verified } else { Verified::False },
            started_at: Some(self.started_at),
            finished_at: Some(finished_at),
            may_be_live,
            is_unsettled_again,
        }
    }
}
