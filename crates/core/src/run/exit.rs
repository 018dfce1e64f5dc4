//! The exit codes: scripts and cron jobs decide by them.

use super::{Finish, StopReason};
use crate::status::{Counts, Status};

macro_rules! exits {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Every exit code, with the reason for which it is given.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Exit { $($(#[$doc])* $name,)* }

        impl Exit {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number that the process ends with.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

exits! {
    /// All is applied, unchanged, skipped, or applied_with_warnings.
    Done = 0,
    /// Changes or drift exist.
    Changes = 2,
    /// Some orgs conflict, are blocked, rejected or diverged.
    SomeRefused = 3,
    /// The failure budget is spent, or the canary stopped the run.
    BudgetSpent = 4,
    /// Only failed and not_attempted are left: try again.
    TryAgain = 5,
    /// Some outcomes are unknown.
    SomeUnknown = 6,
    /// `--max-duration` was reached.
    MaxDuration = 8,
    /// Another run holds the lock.
    Locked = 11,
    /// The plan is stale, expired, altered, used, or for another endpoint or key.
    PlanRefused = 12,
    /// A guard stopped it, or the user declined; nothing was sent.
    Guarded = 13,
    /// The command line.
    Usage = 64,
    /// A bad manifest or plan.
    BadInput = 65,
    /// No such input.
    NoInput = 66,
    /// The API can't be used, before any write.
    Unreachable = 69,
    /// A panic.
    Panic = 70,
    /// The journal or a report could not be written.
    CannotWrite = 74,
    /// The key was refused.
    KeyRefused = 77,
    /// Bad configuration, an unsafe key file, an unresolved secret.
    BadConfig = 78,
    /// SIGHUP: the terminal is gone.
    HungUp = 129,
    /// Ctrl-C.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

/// The exit code of a run: the first that fits.
pub fn exit_of(finish: &Finish, counts: &Counts, strict: bool) -> Exit {
    let any = |statuses: &[Status]| statuses.iter().any(|status| counts.of(*status) > 0);
    let by_counts = || {
        if any(&[Status::Unknown]) {
            Exit::SomeUnknown
        } else if any(&[Status::Conflict, Status::Blocked, Status::Rejected, Status::Diverged])
            || strict && any(&[Status::AppliedWithWarnings])
        {
            Exit::SomeRefused
        } else if finish.stop == Some(StopReason::MaxDuration) {
            Exit::MaxDuration
        } else if any(&[Status::Failed, Status::NotAttempted]) {
            Exit::TryAgain
        } else {
            Exit::Done
        }
    };
    match &finish.stop {
        Some(StopReason::JournalFailed(_)) => Exit::CannotWrite,
        Some(StopReason::KeyRefused) => Exit::KeyRefused,
        Some(StopReason::Expired) => Exit::PlanRefused,
        Some(StopReason::Unreachable(_) | StopReason::Unusable(_) | StopReason::Redirected(_))
            if !finish.wrote =>
        {
            Exit::Unreachable
        }
        Some(StopReason::Interrupted) => Exit::Interrupted,
        Some(StopReason::Terminated) => Exit::Terminated,
        Some(StopReason::HungUp) => Exit::HungUp,
        Some(StopReason::BudgetSpent | StopReason::CanaryDisturbed(_)) => Exit::BudgetSpent,
        Some(
            StopReason::Unreachable(_)
            | StopReason::Unusable(_)
            | StopReason::Redirected(_)
            | StopReason::MaxDuration,
        )
        | None => by_counts(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    fn exit(stop: Option<StopReason>, wrote: bool, statuses: &[Status], strict: bool) -> u8 {
        let finish = Finish { at: Timestamp::from_millis(0), stop, wrote };
        exit_of(&finish, &statuses.iter().copied().collect(), strict).code()
    }

    #[test]
    fn a_run_that_went_through_is_judged_by_its_orgs() {
        use Status::{
            Applied, AppliedWithWarnings, Blocked, Conflict, Diverged, Failed, NotAttempted, Rejected,
            Skipped, Unchanged, Unknown,
        };
        for (statuses, code) in [
            (&[][..], 0),
            (&[Applied, Unchanged, Skipped, AppliedWithWarnings], 0),
            (&[Applied, Failed], 5),
            (&[Applied, NotAttempted], 5),
            (&[Failed, Conflict], 3),
            (&[Failed, Blocked], 3),
            (&[NotAttempted, Rejected], 3),
            (&[Diverged], 3),
            (&[Diverged, Failed, Unknown], 6),
        ] {
            assert_eq!(exit(None, true, statuses, false), code, "{statuses:?}");
        }
        assert_eq!(exit(None, true, &[AppliedWithWarnings], true), 3);
    }

    #[test]
    fn a_run_that_stopped_is_judged_by_the_reason_first() {
        use StopReason::{
            BudgetSpent, CanaryDisturbed, Expired, HungUp, Interrupted, JournalFailed, KeyRefused,
            MaxDuration, Redirected, Terminated, Unreachable, Unusable,
        };
        let text = String::new;
        let left = &[Status::Applied, Status::NotAttempted][..];
        for (stop, wrote, code) in [
            (JournalFailed(text()), true, 74),
            (KeyRefused, true, 77),
            (Expired, true, 12),
            (Unreachable(text()), false, 69),
            (Unreachable(text()), true, 5),
            (Unusable(text()), false, 69),
            (Unusable(text()), true, 5),
            (Redirected(text()), false, 69),
            (Redirected(text()), true, 5),
            (Interrupted, true, 130),
            (Terminated, true, 143),
            (HungUp, true, 129),
            (BudgetSpent, true, 4),
            (CanaryDisturbed(text()), true, 4),
            (MaxDuration, true, 8),
        ] {
            assert_eq!(exit(Some(stop.clone()), wrote, left, false), code, "{stop}");
        }
        assert_eq!(exit(Some(MaxDuration), true, &[Status::Unknown], false), 6);
        assert_eq!(exit(Some(BudgetSpent), true, &[Status::Unknown], false), 4);
        assert_eq!(exit(Some(MaxDuration), true, &[Status::Conflict, Status::NotAttempted], false), 3);
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Exit::ALL.len());
    }
}
