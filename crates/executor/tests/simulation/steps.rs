//! Orgs with several steps: what one of them means for the org's others, for other orgs, and for a later process.

use std::time::Duration;

use orgwave_core::code::Code;
use orgwave_core::event::EventKind;
use orgwave_core::ids::StepId;
use orgwave_core::operation::{Catalog, Operations};
use orgwave_core::policy::VerifyPolicy;
use orgwave_core::run::StopReason;
use orgwave_core::status::Status;

use crate::faults::{SECOND, run};
use crate::in_virtual_time;
use crate::invariants::check;
use crate::process::{Ordeal, Report, process};
use crate::stage::{Cells, Part, Stage, limits, policy};
use crate::store::Store;
use crate::world::{Call, Effect, Fault, Kind};

/// A stage with this many orgs in one wave after the first, each with these cells for Envoy, Toast and the second factor.
fn stage(orgs: usize, cells: impl Fn(usize, u8) -> Cells) -> Stage {
    let waves: Vec<u32> = (0..=orgs).map(|org| if org == 0 { 1 } else { 2 }).collect();
    let named = ["envoy", "toast", "org-mfa"].map(|name| Catalog::built_in().get(name).cloned());
    let mut policy = policy();
    policy.operations = Operations::new(named.into_iter().flatten());
    Stage::of(&waves, limits(), policy, 1, cells)
}

const WRITE: Cells = Cells { step: Part::Write, expects: false };

fn three_steps(orgs: usize) -> Stage {
    stage(orgs, |_, _| WRITE)
}

/// Trouble with the writes of one step.
fn writes_of(step: StepId, fault: Fault) -> impl Fn(&Call) -> Option<Fault> + Send {
    move |call| {
        let is_meant = call.kind == Kind::Write && (call.org, call.place) == (Some(step.org), step.place);
        is_meant.then(|| fault.clone())
    }
}

/// What became of an org's steps, by the places of their operations.
fn statuses(report: &Report, org: u32) -> Vec<(u8, Status)> {
    let of_it = report.outcomes.iter().filter(|(_, outcome)| outcome.index == org);
    of_it.map(|(_, outcome)| (outcome.place, outcome.status)).collect()
}

fn count(stage: &Stage, org: u32, place: u8, kind: Kind) -> usize {
    let world = stage.world.lock();
    let is_meant =
        |call: &&crate::world::Record| (call.org, call.place, call.kind) == (Some(org), place, kind);
    world.ledger.iter().filter(is_meant).count()
}

/// Runs the next process of a run.
async fn resume(stage: &Stage, store: &Store, number: u32, ordeal: Ordeal) -> Report {
    let mut rng = fastrand::Rng::with_seed(1);
    let report = process(stage, store, number, ordeal, Duration::ZERO, &mut rng).await;
    check(stage, store, &report, ordeal);
    report
}

#[test]
fn every_step_of_every_org_is_taken() {
    in_virtual_time(async {
        let stage = three_steps(20);
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!((report.stop(), report.count(Status::Applied)), (None, 21));
        assert_eq!(report.outcomes.len(), 3 * 21);
        let finished =
            report.events.iter().filter(|(_, event)| matches!(event, EventKind::OrgFinished { .. })).count();
        assert_eq!(finished, 21);
    });
}

#[test]
fn a_step_that_does_not_end_well_ends_its_org() {
    let (applied, bad) = ((0, Status::Applied), (1, Status::Rejected));
    for (keep_going, third) in [(false, Status::NotAttempted), (true, Status::Applied)] {
        in_virtual_time(async {
            let mut stage = three_steps(20);
            stage.policy.keep_going = keep_going;
            stage.world.trouble(writes_of(StepId { org: 5, place: 1 }, Fault::Refuse(400)));
            let report = run(&stage, Ordeal::Nothing).await;
            assert_eq!(statuses(&report, 5), [applied, bad, (2, third)]);
            assert_eq!((report.status(5), report.count(Status::Rejected)), (Some(Status::Rejected), 1));
            let skipped = report.outcomes.iter().filter_map(|(_, outcome)| outcome.org_error.as_ref());
            let skipped = skipped.filter(|org_error| org_error.code == Code::OrgStep).count();
            assert_eq!(skipped, usize::from(!keep_going));
        });
    }
}

#[test]
fn an_unknown_step_is_the_orgs_last_even_with_keep_going() {
    in_virtual_time(async {
        let mut stage = three_steps(5);
        stage.policy.keep_going = true;
        stage.world.trouble(|call| match (call.org, call.place, call.kind) {
            (Some(4), 1, Kind::Write) => Some(Fault::Unclear(Some(500), Effect::AtOnce, None)),
            (Some(4), 1, Kind::Read) if call.nth > 0 => Some(Fault::Unclear(Some(500), Effect::Never, None)),
            _ => None,
        });
        let store = Store::new();
        let first = resume(&stage, &store, 0, Ordeal::Nothing).await;
        assert_eq!(first.status(4), Some(Status::Unknown));
        assert_eq!(count(&stage, 4, 2, Kind::Write), 0);
        stage.world.trouble(|_| None);
        let second = resume(&stage, &store, 1, Ordeal::Nothing).await;
        assert_eq!(statuses(&second, 4), [(1, Status::Applied), (2, Status::Applied)]);
        assert_eq!((second.count(Status::Applied), count(&stage, 4, 1, Kind::Write)), (6, 1));
    });
}

#[test]
fn a_resume_leaves_alone_what_a_bad_step_has_ended() {
    in_virtual_time(async {
        let mut stage = three_steps(20);
        stage.policy.max_failures = "100%".parse().unwrap();
        stage.limits.rate = "10/s".parse().unwrap();
        stage.world.trouble(|call| {
            let is_refused = matches!(call.org, Some(3..=9)) && call.kind == Kind::Write && call.place == 0;
            is_refused.then_some(Fault::Refuse(400))
        });
        let store = Store::new();
        let first = resume(&stage, &store, 0, Ordeal::Drain(8 * SECOND)).await;
        let refused = (3..=9).filter(|org| first.status(*org) == Some(Status::Rejected)).count();
        assert!(refused > 3 && first.count(Status::NotAttempted) > 0, "{:?}", first.ended);
        // They don't spend the budget of this process again.
        stage.policy.max_failures = "10%".parse().unwrap();
        stage.world.trouble(|_| None);
        let second = resume(&stage, &store, 1, Ordeal::Nothing).await;
        assert_eq!((second.stop(), second.count(Status::Rejected)), (None, refused as u64));
        assert!((3..=9).all(|org| count(&stage, org, 1, Kind::Read) == 0 || second.status(org).is_some()));
    });
}

#[test]
fn each_operation_is_proven_by_a_canary_of_its_own() {
    in_virtual_time(async {
        // Only the orgs from the fifth on have a step of the second factor.
        let stage = stage(20, |org, place| match (place, org) {
            (2, ..5) => Cells { step: Part::None, ..WRITE },
            _ => WRITE,
        });
        stage
            .world
            .trouble(writes_of(StepId { org: 5, place: 2 }, Fault::EditAfter("llmUsageEnabled", "false")));
        let report = run(&stage, Ordeal::Nothing).await;
        assert!(
            matches!(report.stop(), Some(StopReason::CanaryDisturbed(what)) if what.contains("llmUsage"))
        );
        let written = (0..=20).filter(|org| count(&stage, *org, 2, Kind::Write) > 0).count();
        assert_eq!(written, 1, "the others wait for it");
        assert_eq!(report.status(5), Some(Status::Diverged));
        assert_eq!(report.status(7).map(Status::is_settled), Some(false), "some of its steps are left");
    });
}

#[test]
fn expectations_of_any_operation_precede_the_first_write() {
    in_virtual_time(async {
        let stage = stage(6, |org, place| match (org, place) {
            (2 | 3, 2) => Cells { step: Part::None, expects: true },
            (4, 2) => Cells { expects: true, ..WRITE },
            _ => WRITE,
        });
        let edit = Fault::EditAfter("v3AuthNumDaysSkip2FAForTrustedDevices", "30");
        stage.world.trouble(move |call| {
            // Its first precondition read sees what is expected, the next what is not.
            let is_first = call.place == 2 && call.kind == Kind::Read && call.nth == 0;
            match call.org {
                Some(2 | 4) if is_first => Some(edit.clone()),
                Some(2) if call.place == 0 && call.kind == Kind::Write && call.nth == 0 => {
                    Some(Fault::Throttle(Some(SECOND)))
                }
                _ => None,
            }
        });
        let report = run(&stage, Ordeal::Nothing).await;
        // Withdrawn for a moment, the write of the same process continues with what it has seen.
        assert_eq!(report.status(2), Some(Status::Applied));
        assert_eq!(count(&stage, 3, 2, Kind::Read), 1);
        // Each again before its own step.
        assert_eq!(statuses(&report, 4)[2], (2, Status::Blocked));
        assert_eq!(report.status(4), Some(Status::Blocked));
    });
}

#[test]
fn a_later_process_looks_again_at_what_a_row_expects() {
    in_virtual_time(async {
        let stage = stage(2, |org, place| match (org, place) {
            (1, 2) => Cells { step: Part::None, expects: true },
            (_, 2) => Cells { step: Part::None, expects: false },
            _ => WRITE,
        });
        let edit = Fault::EditAfter("v3AuthNumDaysSkip2FAForTrustedDevices", "30");
        stage.world.trouble(move |call| match (call.org, call.place, call.kind) {
            (Some(1), 2, Kind::Read) => Some(edit.clone()),
            (Some(1), 0, Kind::Write) => Some(Fault::Throttle(Some(600 * SECOND))),
            _ => None,
        });
        let store = Store::new();
        let first = resume(&stage, &store, 0, Ordeal::Drain(5 * SECOND)).await;
        assert_eq!(first.status(1), Some(Status::NotAttempted));
        stage.world.trouble(|_| None);
        let second = resume(&stage, &store, 1, Ordeal::Nothing).await;
        assert_eq!(second.status(1), Some(Status::Blocked), "another writer has changed it meanwhile");
        assert_eq!(count(&stage, 1, 0, Kind::Write), 1);
    });
}

#[test]
fn a_retry_after_of_one_step_holds_for_the_last_look_at_another() {
    in_virtual_time(async {
        let mut stage = three_steps(12);
        stage.policy.verify = VerifyPolicy::Settled;
        stage.policy.max_failures = "1".parse().unwrap();
        stage.world.trouble(|call| match (call.org, call.place, call.kind) {
            (Some(3), 1, Kind::Read) => Some(Fault::Throttle(Some(300 * SECOND))),
            (Some(6 | 7), 1, Kind::Write) => Some(Fault::Refuse(400)),
            _ => None,
        });
        // That it isn't called before is checked of every run.
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.stop(), Some(&StopReason::BudgetSpent));
        assert_eq!(count(&stage, 3, 0, Kind::Read), 3, "before, after, and at the end");
        assert!(report.ended_at > 300 * SECOND);
    });
}

#[test]
fn several_steps_of_an_org_are_reread_at_the_waves_end() {
    in_virtual_time(async {
        let mut stage = three_steps(10);
        stage.policy.verify = VerifyPolicy::Settled;
        // Replaced once it was read back.
        stage.world.trouble(|call| {
            let is_read_back = call.kind == Kind::Read && call.nth == 1;
            match (call.org, call.place) {
                (Some(4), 0) if is_read_back => Some(Fault::EditAfter("saveClips", "null")),
                (Some(4), 2) if is_read_back => Some(Fault::EditAfter("mfaEnabled", "null")),
                _ => None,
            }
        });
        let store = Store::new();
        let report = resume(&stage, &store, 0, Ordeal::Nothing).await;
        assert_eq!((report.count(Status::Applied), report.count(Status::Diverged)), (10, 1));
        let recorded = store.recorded();
        let statuses = [0, 1, 2].map(|place| recorded[&StepId { org: 4, place }].state.status());
        assert_eq!(statuses, [Status::Diverged, Status::Applied, Status::Diverged].map(Some));
        assert!((0..3).all(|place| count(&stage, 5, place, Kind::Read) == 3));
    });
}

#[test]
fn a_run_that_stops_between_two_steps_is_resumed_with_the_next() {
    in_virtual_time(async {
        let mut stage = three_steps(12);
        stage.limits.rate = "5/s".parse().unwrap();
        let store = Store::new();
        let first = resume(&stage, &store, 0, Ordeal::Drain(12 * SECOND)).await;
        let between = (0..13).filter(|org| (1..3).contains(&statuses_well(&first, *org))).count();
        assert!(between > 0 && first.count(Status::NotAttempted) > 0, "{:?}", first.ended);
        let second = resume(&stage, &store, 1, Ordeal::Nothing).await;
        assert_eq!((second.stop(), second.count(Status::Applied)), (None, 13));
        let once = (0..13).all(|org| (0..3).all(|place| count(&stage, org, place, Kind::Write) == 1));
        assert!(once, "each step is sent once");
    });
}

fn statuses_well(report: &Report, org: u32) -> usize {
    statuses(report, org).iter().filter(|(_, status)| status.is_well()).count()
}
