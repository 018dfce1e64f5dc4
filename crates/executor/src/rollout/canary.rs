//! Whether the writes of an operation do what is meant: shown by one org, the operation's canary, before any other starts a
//! step of it.

use orgwave_core::plan::Places;
use orgwave_core::run::StopReason;
use orgwave_core::status::Status;

/// This many canaries rejected in a row say something of the rollout, not of single orgs.
const MOST_REJECTED: u32 = 3;

/// The canaries of a run, by the places of its operations.
#[derive(Debug)]
pub(super) struct Canaries(Vec<Canary>);

/// Whether an operation was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Canary {
    /// Not yet. Of its canaries, this many in a row were rejected; this org is the canary now.
    Sought { rejected: u32, by: Option<u32> },
    /// It was.
    Proven,
}

/// Whether a step may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It may, as the canary of its operation.
    Canary,
    /// It may.
    Free,
    /// Another org is the canary now.
    Held,
}

impl Canaries {
    /// A run without canaries.
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Those of this many operations, of which earlier processes have proven some.
    pub(super) fn sought(operations: u8, proven: Places) -> Self {
        let canary =
            |place| if proven.has(place) { Canary::Proven } else { Canary::Sought { rejected: 0, by: None } };
        Self((0..operations).map(canary).collect())
    }

    /// Whether no operation is proven: then orgs begin one after the other, alone.
    pub(super) fn are_sought(&self) -> bool {
        !self.0.is_empty() && !self.are_any_proven()
    }

    /// Whether an operation is proven.
    pub(super) fn are_any_proven(&self) -> bool {
        self.0.contains(&Canary::Proven)
    }

    /// An org wants to begin its step of an operation.
    pub(super) fn turn(&mut self, place: u8, org: u32) -> Turn {
        match self.0.get_mut(usize::from(place)) {
            None | Some(Canary::Proven) => Turn::Free,
            Some(Canary::Sought { by, .. }) if by.is_some_and(|by| by != org) => Turn::Held,
            Some(Canary::Sought { by, .. }) => {
                *by = Some(org);
                Turn::Canary
            }
        }
    }

    /// A step of an operation has ended. Returns why the run must stop, if it must. `proves`: if it was applied, it was
    /// compared with all that was there before.
    pub(super) fn ended(&mut self, place: u8, org: u32, status: Status, proves: bool) -> Option<StopReason> {
        let canary = self.0.get_mut(usize::from(place))?;
        let Canary::Sought { rejected, by } = *canary else { return None };
        if by.is_some_and(|by| by != org) {
            return None;
        }
        *canary = match status {
            Status::Applied | Status::AppliedWithWarnings if proves => Canary::Proven,
            Status::Failed | Status::Diverged | Status::Unknown => {
                return Some(StopReason::CanaryStopped(status));
            }
            Status::Rejected if rejected + 1 == MOST_REJECTED => return Some(StopReason::CanariesRejected),
            Status::Rejected => Canary::Sought { rejected: rejected + 1, by: None },
            // They say nothing, or not all, of what a write would do.
            Status::Applied
            | Status::AppliedWithWarnings
            | Status::Unchanged
            | Status::Conflict
            | Status::Blocked
            | Status::Skipped
            | Status::NotAttempted => Canary::Sought { rejected: 0, by: None },
        };
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_a_canary_of_its_own() {
        let mut canaries = Canaries::sought(2, Places::default());
        assert_eq!(canaries.turn(0, 7), Turn::Canary);
        assert_eq!(canaries.ended(0, 7, Status::Applied, true), None);
        assert!(!canaries.are_sought(), "others may begin");
        assert_eq!(canaries.turn(0, 8), Turn::Free);
        assert_eq!(canaries.turn(1, 8), Turn::Canary);
        assert_eq!(canaries.turn(1, 9), Turn::Held);
        assert_eq!(canaries.ended(1, 8, Status::Blocked, true), None);
        assert_eq!(canaries.turn(1, 9), Turn::Canary, "the next one");
        assert_eq!(canaries.ended(1, 9, Status::AppliedWithWarnings, true), None);
        assert_eq!(canaries.turn(1, 8), Turn::Free);
    }

    #[test]
    fn a_canary_of_any_operation_stops_the_run() {
        let mut canaries = Canaries::sought(2, Places::from_iter([0]));
        assert_eq!(canaries.turn(0, 1), Turn::Free, "an earlier process has proven it");
        assert_eq!(canaries.turn(1, 1), Turn::Canary);
        let stop = canaries.ended(1, 1, Status::Diverged, true);
        assert_eq!(stop, Some(StopReason::CanaryStopped(Status::Diverged)));
    }

    #[test]
    fn three_rejected_in_a_row_stop_the_run() {
        let mut canaries = Canaries::sought(1, Places::default());
        let ends =
            [Status::Rejected, Status::Rejected, Status::Unchanged, Status::Rejected, Status::Rejected];
        for (org, status) in (0..).zip(ends) {
            assert_eq!(canaries.turn(0, org), Turn::Canary);
            assert_eq!(canaries.ended(0, org, status, true), None);
        }
        assert_eq!(canaries.turn(0, 9), Turn::Canary);
        assert_eq!(canaries.ended(0, 9, Status::Rejected, true), Some(StopReason::CanariesRejected));
    }

    #[test]
    fn a_run_without_canaries_holds_no_org() {
        let mut canaries = Canaries::none();
        assert!(!canaries.are_sought() && !canaries.are_any_proven());
        assert_eq!(canaries.turn(0, 1), Turn::Free);
        assert_eq!(canaries.ended(0, 1, Status::Failed, true), None);
    }
}
