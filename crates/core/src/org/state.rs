//! The states of an org, and the one match of legal transitions.

use super::Input;
use crate::status::Status;

/// Where an org is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// In the plan, not yet read by this process.
    Planned,
    /// To be written, by what the newest read showed.
    Ready,
    /// An intent is durable; the write may be in progress.
    Intent,
    /// The vendor accepted the write.
    Acked,
    /// The vendor refused the write by a status, and no read has shown yet whether that was the answer to it.
    Denied,
    /// The write may or may not have been applied.
    InDoubt,
    /// Being read back.
    Verifying {
        /// One read has shown the state before the write.
        as_before: bool,
    },
    /// Final: for ever, or ([`Status::is_settled`]) for this process.
    Done(Status),
}

/// One org's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that stays known in every phase")]
pub struct OrgState {
    phase: Phase,
    /// Attempts spent.
    spent: u32,
    /// Accepted once, whatever came later: never to be sent again.
    acked: bool,
    /// The last write was refused by a status.
    denied: bool,
    /// Accepted with a warning.
    warned: bool,
    /// A send of it was in doubt once: it may be live late, whatever two reads said.
    doubted: bool,
    /// What its last write left wasn't compared with all that was there before.
    unwatched: bool,
}

/// An input that the state has no way for: a defect of its driver, or a damaged journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an org that is {from:?} can't take {input:?}")]
pub struct IllegalTransition {
    /// Where the org is.
    pub from: Phase,
    /// The input.
    pub input: Input,
}

impl Default for OrgState {
    fn default() -> Self {
        Self::new()
    }
}

impl OrgState {
    /// An org at the beginning of a run.
    pub const fn new() -> Self {
        Self {
            phase: Phase::Planned,
            spent: 0,
            acked: false,
            denied: false,
            warned: false,
            doubted: false,
            unwatched: false,
        }
    }

    /// Where it is.
    pub const fn phase(self) -> Phase {
        self.phase
    }

    /// Attempts spent: sends whose effect had to be found out, or that ended the org.
    pub const fn spent(self) -> u32 {
        self.spent
    }

    /// Whether the vendor accepted a write of it.
    pub const fn is_acked(self) -> bool {
        self.acked
    }

    /// Whether what its last write left wasn't compared with all that was there before: it was sent by a process that
    /// ended, or was seen so late that it was about to be sent again.
    pub const fn is_unwatched(self) -> bool {
        self.unwatched
    }

    /// Its status, once it is final.
    pub const fn status(self) -> Option<Status> {
        match self.phase {
            Phase::Done(status) => Some(status),
            _ => None,
        }
    }

    /// Whether a write of it may have been applied and no read has shown it yet.
    pub const fn is_open(self) -> bool {
        matches!(
            self.phase,
            Phase::Intent | Phase::Acked | Phase::Denied | Phase::InDoubt | Phase::Verifying { .. }
        )
    }

    /// The state after an input.
    ///
    /// # Errors
    /// The state has no way for this input; it stays as it was.
    pub const fn next(self, input: Input) -> Result<Self, IllegalTransition> {
        use Phase::{Acked, Denied, Done, InDoubt, Intent, Planned, Ready, Verifying};

        let mut next = self;
        next.phase = match (self.phase, input) {
            // A write that was seen not applied, twice, and is live after all: the vendor took its time.
            (Planned | Ready, Input::AsDesired) => {
                next.unwatched = true;
                Done(if self.doubted { self.applied() } else { Status::Unchanged })
            }
            (Planned | Ready, Input::Differs) => Ready,
            (Planned | Ready, Input::Conflicts) => Done(Status::Conflict),
            (Planned | Ready, Input::Blocked) => Done(Status::Blocked),
            (Planned | Ready | Intent, Input::Refused) => Done(Status::Rejected),
            (Planned | Ready, Input::ReadsSpent) => Done(Status::Failed),
            (Planned | Ready, Input::Stopped | Input::Parked) => Done(Status::NotAttempted),

            (Ready, Input::Intent) => {
                next.spent += 1;
                next.unwatched = false;
                Intent
            }
            (Intent, Input::Acked { warned }) => {
                next.acked = true;
                next.warned = warned;
                Acked
            }
            (Intent, Input::Denied) => {
                next.denied = true;
                Denied
            }
            (Intent, Input::NotApplied) => {
                next.spent -= 1;
                Ready
            }
            (Intent, Input::Lost) => {
                next.doubted = true;
                InDoubt
            }

            (Denied, Input::LiveAsDesired) => Done(self.applied()),
            (Denied, Input::LiveAsBefore | Input::Refused) => Done(Status::Rejected),
            (Denied, Input::LiveAsNeither) => Done(Status::Diverged),

            (Acked, Input::Trusted) => Done(self.applied()),
            (Acked | InDoubt, Input::Verify) => Verifying { as_before: false },
            (Verifying { .. }, Input::LiveAsDesired) => Done(self.applied()),
            (Verifying { as_before: false }, Input::LiveAsBefore) => Verifying { as_before: true },
            (Verifying { as_before: true }, Input::StillAsBefore { attempts_left }) => {
                if self.acked {
                    Done(Status::Diverged)
                } else if attempts_left {
                    Ready
                } else {
                    Done(Status::Failed)
                }
            }
            (Verifying { .. }, Input::LiveAsNeither) => Done(Status::Diverged),
            (Done(Status::Applied | Status::AppliedWithWarnings), Input::Overwritten) => {
                Done(Status::Diverged)
            }
            (
                Acked | Denied | InDoubt | Verifying { .. },
                Input::ReadsSpent | Input::Parked | Input::Stopped,
            ) => Done(Status::Unknown),

            (Planned | Ready | Done(Status::NotAttempted), Input::Resumed) => Planned,
            // The process died while the write may have been in progress: that spends no attempt.
            (Intent, Input::Resumed) => {
                next.spent -= 1;
                next.doubted = true;
                next.unwatched = true;
                InDoubt
            }
            (Acked | Denied | InDoubt | Verifying { .. } | Done(Status::Unknown), Input::Resumed) => {
                next.unwatched = true;
                if self.acked {
                    Acked
                } else if self.denied {
                    Denied
                } else {
                    InDoubt
                }
            }

            (from, input) => return Err(IllegalTransition { from, input }),
        };
        Ok(next)
    }

    const fn applied(self) -> Status {
        if self.warned { Status::AppliedWithWarnings } else { Status::Applied }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walk(inputs: &[Input]) -> OrgState {
        inputs.iter().fold(OrgState::new(), |state, input| state.next(*input).unwrap())
    }

    #[test]
    fn a_write_without_faults_takes_the_straight_way() {
        let state = walk(&[
            Input::Differs,
            Input::Intent,
            Input::Acked { warned: false },
            Input::Verify,
            Input::LiveAsDesired,
        ]);
        assert_eq!(state.status(), Some(Status::Applied));
        assert_eq!(state.spent(), 1);
    }

    #[test]
    fn nothing_to_do_is_unchanged_and_what_came_late_is_applied() {
        assert_eq!(walk(&[Input::AsDesired]).status(), Some(Status::Unchanged));
        let again = walk(&[Input::Differs, Input::Intent, Input::NotApplied, Input::AsDesired]);
        assert_eq!(again.status(), Some(Status::Unchanged));
        let doubt = [Input::Differs, Input::Intent, Input::Lost, Input::Verify, Input::LiveAsBefore];
        let ready = walk(&doubt).next(Input::StillAsBefore { attempts_left: true }).unwrap();
        assert_eq!(ready.next(Input::AsDesired).unwrap().status(), Some(Status::Applied));
    }

    #[test]
    fn a_warning_is_kept_to_the_end() {
        let acked = [Input::Differs, Input::Intent, Input::Acked { warned: true }];
        assert_eq!(walk(&acked).next(Input::Trusted).unwrap().status(), Some(Status::AppliedWithWarnings));
        let verified = walk(&acked).next(Input::Verify).unwrap().next(Input::LiveAsDesired).unwrap();
        assert_eq!(verified.status(), Some(Status::AppliedWithWarnings));
    }

    #[test]
    fn a_throttled_send_spends_no_attempt() {
        let state = walk(&[Input::Differs, Input::Intent, Input::NotApplied]);
        assert_eq!((state.phase(), state.spent()), (Phase::Ready, 0));
    }

    #[test]
    fn doubt_takes_two_reads_before_another_send() {
        let once = walk(&[Input::Differs, Input::Intent, Input::Lost, Input::Verify, Input::LiveAsBefore]);
        assert!(once.next(Input::Intent).is_err());
        assert_eq!(once.next(Input::StillAsBefore { attempts_left: true }).unwrap().phase(), Phase::Ready);
        let failed = once.next(Input::StillAsBefore { attempts_left: false }).unwrap();
        assert_eq!(failed.status(), Some(Status::Failed));
    }

    #[test]
    fn an_accepted_write_is_never_sent_again_by_any_process() {
        let acked = walk(&[
            Input::Differs,
            Input::Intent,
            Input::Acked { warned: false },
            Input::Stopped,
            Input::Resumed,
        ]);
        assert_eq!(acked.phase(), Phase::Acked);
        let twice = [Input::Verify, Input::LiveAsBefore, Input::StillAsBefore { attempts_left: true }];
        let end = twice.iter().fold(acked, |state, input| state.next(*input).unwrap());
        assert_eq!(end.status(), Some(Status::Diverged));
    }

    #[test]
    fn a_write_refused_by_status_is_rejected_only_after_a_read() {
        let denied = walk(&[Input::Differs, Input::Intent, Input::Denied]);
        assert_eq!(denied.status(), None);
        for (input, status) in [
            (Input::LiveAsBefore, Status::Rejected),
            (Input::Refused, Status::Rejected),
            (Input::LiveAsDesired, Status::Applied),
            (Input::LiveAsNeither, Status::Diverged),
            (Input::ReadsSpent, Status::Unknown),
        ] {
            assert_eq!(denied.next(input).unwrap().status(), Some(status), "{input:?}");
        }
        assert!(denied.next(Input::Intent).is_err() && denied.next(Input::Verify).is_err());
        let later = denied.next(Input::Stopped).unwrap().next(Input::Resumed).unwrap();
        assert_eq!(later.phase(), Phase::Denied, "the next process reads it");
    }

    #[test]
    fn a_kill_during_a_send_is_doubt_and_spends_no_attempt() {
        let state = walk(&[Input::Differs, Input::Intent, Input::Resumed]);
        assert_eq!((state.phase(), state.spent()), (Phase::InDoubt, 0));
        let late = [
            Input::Verify,
            Input::LiveAsBefore,
            Input::StillAsBefore { attempts_left: true },
            Input::AsDesired,
        ];
        let end = late.iter().fold(state, |state, input| state.next(*input).unwrap());
        assert_eq!(end.status(), Some(Status::Applied), "the run's own write, come late");
    }

    fn any_input() -> impl Strategy<Value = Input> {
        prop_oneof![
            Just(Input::AsDesired),
            Just(Input::Differs),
            Just(Input::Conflicts),
            Just(Input::Blocked),
            Just(Input::Intent),
            any::<bool>().prop_map(|warned| Input::Acked { warned }),
            Just(Input::Refused),
            Just(Input::Denied),
            Just(Input::NotApplied),
            Just(Input::Lost),
            Just(Input::Verify),
            Just(Input::LiveAsDesired),
            Just(Input::LiveAsBefore),
            any::<bool>().prop_map(|attempts_left| Input::StillAsBefore { attempts_left }),
            Just(Input::LiveAsNeither),
            Just(Input::Overwritten),
            Just(Input::Trusted),
            Just(Input::ReadsSpent),
            Just(Input::Parked),
            Just(Input::Stopped),
            Just(Input::Resumed),
        ]
    }

    proptest! {
        #[test]
        fn final_states_change_only_by_overwrite_or_resume(
            inputs in prop::collection::vec(any_input(), 0..200),
        ) {
            let mut state = OrgState::new();
            for input in inputs {
                let before = state;
                let Ok(next) = state.next(input) else { continue };
                if let Some(status) = before.status() {
                    let is_overwritten = input == Input::Overwritten && next.status() == Some(Status::Diverged);
                    prop_assert!(is_overwritten || !status.is_settled() && input == Input::Resumed);
                }
                prop_assert!(!(before.is_acked() && next.phase() == Phase::Intent), "sent again after it was accepted");
                state = next;
            }
        }

        /// From wherever legal inputs have led, a stop (after the reply that is in progress) is final.
        #[test]
        fn a_final_state_is_always_in_reach(inputs in prop::collection::vec(any_input(), 0..200)) {
            let mut state = OrgState::new();
            for input in inputs {
                state = state.next(input).unwrap_or(state);
            }
            if state.phase() == Phase::Intent {
                state = state.next(Input::Lost).unwrap();
            }
            prop_assert!(state.status().is_some() || state.next(Input::Stopped).unwrap().status().is_some());
        }

        /// Writes of one org are at most one, plus one for each time it was proven not applied or a process died.
        #[test]
        fn sends_are_counted_by_proofs(inputs in prop::collection::vec(any_input(), 0..200)) {
            let (mut state, mut sends, mut proofs) = (OrgState::new(), 0, 0);
            for input in inputs {
                let Ok(next) = state.next(input) else { continue };
                match input {
                    Input::Intent => sends += 1,
                    Input::NotApplied | Input::StillAsBefore { .. } => proofs += 1,
                    _ => {}
                }
                state = next;
            }
            prop_assert!(sends <= 1 + proofs, "{sends} sends after {proofs} proofs");
        }
    }
}
