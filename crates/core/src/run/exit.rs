//! The exit codes: scripts and cron jobs decide by them.
//!
//! The one table of them: `explain 13`, the manual pages and `docs/guide/exit-codes.md` are made from it.

use super::{Finish, StopReason};
use crate::status::{Counts, Status};

macro_rules! exits {
    ($($name:ident = $code:literal, $meaning:literal, $advice:literal;)*) => {
        /// Every exit code, with the reason for which it is given.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Exit { $(#[doc = $meaning] $name,)* }

        impl Exit {
            /// Every one of them, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number that the process ends with.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }

            /// When it is given: a phrase.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// What to do then: sentences.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

exits! {
    Done = 0, "every org is applied, unchanged, skipped, or applied with warnings",
        "Nothing. With `--strict`, warnings end with 3 instead.";
    Changes = 2, "changes or drift exist",
        "Only `plan --detailed-exitcode` and `verify` end with it: review the plan, or what drifted.";
    SomeRefused = 3, "some orgs are in conflict, blocked, rejected or diverged; of `plan`: all rows are blocked, with `--strict` any",
        "Look at these orgs: `error_message` and `next_step` in `results.csv` say why and what to do.";
    BudgetSpent = 4, "too many orgs failed (`--max-failures`), or the canary stopped the run",
        "Look at `results.csv`; then `orgwave resume`, or `orgwave undo RUN`.";
    TryAgain = 5, "some orgs failed or were not attempted; all others are done",
        "`orgwave resume`, or apply the run's `retry.toml`.";
    SomeUnknown = 6, "some outcomes are unknown: the read-back failed",
        "`orgwave resume` reads these orgs again before anything is sent.";
    MaxDuration = 8, "`--max-duration` was reached",
        "`orgwave resume` continues the run.";
    Locked = 11, "another run holds the lock",
        "Wait for it, or give `--lock-wait 30m`.";
    PlanRefused = 12, "the plan is stale, expired, altered, used, or for another endpoint or key",
        "Plan again, and review it.";
    Guarded = 13, "a guard stopped it, or the user declined; nothing was sent",
        "Look at the plan that was kept; if it is what you want, run the command that was printed, with the `--ack CODE` of each guard.";
    Usage = 64, "the command line is wrong, or no terminal for the prompt",
        "`orgwave help COMMAND` lists the flags; `--yes` or `--unattended` apply without a prompt.";
    BadInput = 65, "the manifest, the rollout file or the plan is wrong",
        "Correct each line that was reported; `orgwave explain CODE` says more about its code.";
    NoInput = 66, "an input does not exist or can't be read",
        "Check the path; `orgwave runs` lists the runs.";
    Unreachable = 69, "the API can't be used, and nothing was written yet",
        "`orgwave doctor` shows what is wrong; then run the command again.";
    Panic = 70, "an internal error of orgwave",
        "Report it with the message; `orgwave resume` continues the run.";
    CannotWrite = 74, "the journal, a report or the output could not be written",
        "Free space or repair the disk; then `orgwave resume`.";
    KeyRefused = 77, "the key was refused",
        "With the same key once it works again: `orgwave resume`. With a new key: apply the run's `retry.toml`.";
    BadConfig = 78, "bad configuration, an unsafe key file, or an unresolved secret",
        "Follow the hint; `orgwave doctor` shows what is in force.";
    HungUp = 129, "the terminal was closed (SIGHUP); requests in flight have finished",
        "`orgwave resume`.";
    Interrupted = 130, "interrupted by Ctrl-C; requests in flight have finished",
        "`orgwave resume`.";
    Terminated = 143, "terminated by SIGTERM; requests in flight have finished",
        "`orgwave resume`.";
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
        Some(
            StopReason::BudgetSpent
            | StopReason::CanaryStopped(_)
            | StopReason::CanariesRejected
            | StopReason::CanaryDisturbed(_),
        ) => Exit::BudgetSpent,
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
            BudgetSpent, CanariesRejected, CanaryDisturbed, CanaryStopped, Expired, HungUp, Interrupted,
            JournalFailed, KeyRefused, MaxDuration, Redirected, Terminated, Unreachable, Unusable,
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
            (CanaryStopped(Status::Failed), true, 4),
            (CanariesRejected, true, 4),
            (MaxDuration, true, 8),
        ] {
            assert_eq!(exit(Some(stop.clone()), wrote, left, false), code, "{stop}");
        }
        assert_eq!(exit(Some(MaxDuration), true, &[Status::Unknown], false), 6);
        assert_eq!(exit(Some(BudgetSpent), true, &[Status::Unknown], false), 4);
        assert_eq!(exit(Some(MaxDuration), true, &[Status::Conflict, Status::NotAttempted], false), 3);
    }

    #[test]
    fn codes_are_unique_and_ascend() {
        assert!(Exit::ALL.is_sorted_by(|one, next| one.code() < next.code()));
    }
}
