//! Writes that are built on what the plan has read, in the same process.

use std::time::Duration;

use orgwave_core::operation::{Catalog, Operations};
use orgwave_core::policy::VerifyPolicy;
use orgwave_core::status::Status;
use serde_json::json;

use crate::in_virtual_time;
use crate::invariants::check;
use crate::process::{Ordeal, Report, process};
use crate::stage::{self, Stage};
use crate::store::Store;
use crate::world::{Answer, Effect, Fault, Kind};

const SECOND: Duration = Duration::from_secs(1);

/// A stage of a canary and ten orgs, whose plan is made so long before.
fn planned(pause: Duration) -> Stage {
    let mut stage = Stage::with_waves(&[1, 10]);
    stage.plans = Some(pause);
    stage
}

async fn run(stage: &Stage, ordeals: &[Ordeal]) -> Vec<Report> {
    let store = Store::new();
    let mut reports = Vec::new();
    for (number, ordeal) in (0..).zip(ordeals) {
        let mut rng = fastrand::Rng::with_seed(u64::from(number));
        let report = process(stage, &store, number, *ordeal, Duration::ZERO, &mut rng).await;
        check(stage, &store, &report, *ordeal);
        reports.push(report);
    }
    reports
}

/// How many calls an org had: reads of its plan, reads of its run, and writes.
fn calls(stage: &Stage, org: u32) -> [usize; 3] {
    let world = stage.world.lock();
    let count = |plans, kind| {
        let is_it =
            |call: &&crate::world::Record| call.org == Some(org) && call.plans == plans && call.kind == kind;
        world.ledger.iter().filter(is_it).count()
    };
    [count(true, Kind::Read), count(false, Kind::Read), count(false, Kind::Write)]
}

#[test]
fn a_fresh_read_of_the_plan_serves_the_write_unlike_an_old_one() {
    for (pause, reads) in [(0, 1), (50, 1), (61, 2), (300, 2)] {
        in_virtual_time(async {
            let stage = planned(pause * SECOND);
            let reports = run(&stage, &[Ordeal::Nothing]).await;
            assert_eq!(reports[0].count(Status::Applied), 11);
            for org in 0..11 {
                assert_eq!(calls(&stage, org), [1, reads, 1], "org {org}, {pause} s later");
            }
        });
    }
}

#[test]
fn time_in_which_the_machine_was_suspended_makes_held_reads_old() {
    in_virtual_time(async {
        let stage = planned(Duration::ZERO);
        // While the canary is read back: the others' reads are an hour old when their turn comes.
        stage.world.trouble(|call| {
            let is_read_back = call.org == Some(0) && call.kind == Kind::Read && call.nth == 1;
            is_read_back.then_some(Fault::Sleep(3600 * SECOND))
        });
        run(&stage, &[Ordeal::Nothing]).await;
        assert_eq!(calls(&stage, 5), [1, 2, 1]);
    });
}

#[test]
fn a_write_that_waits_too_long_for_its_turn_is_read_again() {
    in_virtual_time(async {
        let stage = planned(Duration::ZERO);
        stage.world.trouble(|call| {
            let is_first = call.kind == Kind::Write && call.nth == 0;
            match call.org {
                Some(5) if is_first => Some(Fault::Throttle(Some(70 * SECOND))),
                Some(6) if is_first => Some(Fault::Throttle(Some(7 * SECOND))),
                _ => None,
            }
        });
        run(&stage, &[Ordeal::Nothing]).await;
        assert_eq!(calls(&stage, 5), [1, 2, 2], "after 70 s");
        assert_eq!(calls(&stage, 6), [1, 1, 2], "after 7 s nothing was applied, and it is still fresh");
    });
}

#[test]
fn a_write_in_doubt_is_sent_again_on_a_read_of_its_own() {
    in_virtual_time(async {
        let stage = planned(Duration::ZERO);
        stage.world.trouble(|call| {
            let is_it = call.org == Some(5) && call.kind == Kind::Write && call.nth == 0;
            is_it.then_some(Fault::Unclear(Some(503), Effect::Never, None))
        });
        let reports = run(&stage, &[Ordeal::Nothing]).await;
        assert_eq!(reports[0].count(Status::Applied), 11);
        assert_eq!(
            calls(&stage, 5),
            [1, 3, 2],
            "two reads agree, the second write is built on the later one"
        );
    });
}

#[test]
fn another_writers_change_after_the_plan_is_judged_when_read() {
    for (pause, status) in [(10, Status::Applied), (70, Status::Conflict)] {
        in_virtual_time(async {
            let stage = planned(pause * SECOND);
            stage.world.trouble(|call| {
                let is_first = call.org == Some(5) && call.kind == Kind::Read && call.nth == 0;
                is_first.then_some(Fault::EditAfter("saveClips", "null"))
            });
            let reports = run(&stage, &[Ordeal::Nothing]).await;
            assert_eq!(reports[0].status(5), Some(status), "{pause} s later");
        });
    }
}

#[test]
fn a_conflict_that_the_plans_read_shows_is_one() {
    in_virtual_time(async {
        let stage = planned(Duration::ZERO);
        stage.world.lock().orgs[5].objects[0].live.insert("saveClips".into(), json!(null));
        let reports = run(&stage, &[Ordeal::Nothing]).await;
        assert_eq!((reports[0].status(5), calls(&stage, 5)), (Some(Status::Conflict), [1, 0, 0]));
    });
}

#[test]
fn a_canary_is_compared_with_what_the_plan_has_read() {
    in_virtual_time(async {
        let stage = planned(Duration::ZERO);
        stage.world.trouble(|call| {
            let is_it = call.org == Some(0) && call.kind == Kind::Write;
            is_it.then_some(Fault::EditAfter("indexFaces", "false"))
        });
        let reports = run(&stage, &[Ordeal::Nothing]).await;
        assert_eq!(reports[0].status(0), Some(Status::Diverged));
        assert!(reports[0].stop().is_some_and(|stop| stop.to_string().contains("indexFaces")));
        assert_eq!(calls(&stage, 0), [1, 1, 1]);
    });
}

#[test]
fn after_a_step_was_sent_the_next_one_reads_its_org_again() {
    in_virtual_time(async {
        let catalog = Catalog::built_in();
        let named = ["envoy", "toast"].map(|name| catalog.get(name).expect("it is compiled in").clone());
        let mut policy = stage::policy();
        policy.operations = Operations::new(named.to_vec());
        let mut stage = Stage::new(&[1, 2, 2, 2], stage::limits(), policy, 1);
        stage.plans = Some(Duration::ZERO);
        let reports = run(&stage, &[Ordeal::Nothing]).await;
        assert_eq!(reports[0].count(Status::Applied), 4);
        for org in 0..4 {
            assert_eq!(calls(&stage, org), [2, 3, 2], "a read-back, a read, a read-back");
        }
    });
}

#[test]
fn a_process_that_resumes_holds_nothing() {
    in_virtual_time(async {
        let mut stage = planned(Duration::ZERO);
        stage.limits.rate = "5/s".parse().expect("a rate");
        let reports = run(&stage, &[Ordeal::Drain(2 * SECOND), Ordeal::Nothing]).await;
        assert_eq!(reports[1].count(Status::Applied), 11);
        let world = stage.world.lock();
        let read = |org: u32| {
            let is_read = |call: &&crate::world::Record| {
                call.org == Some(org) && call.process == 1 && matches!(call.answer, Answer::Shown(_))
            };
            world.ledger.iter().filter(is_read).count()
        };
        assert_eq!((read(0), read(10)), (0, 2));
    });
}

#[test]
fn a_sample_reads_back_the_same_orgs_after_a_resume() {
    in_virtual_time(async {
        let verify = "sample=30%".parse::<VerifyPolicy>().expect("a policy");
        let mut read_back = Vec::new();
        for ordeals in [&[Ordeal::Nothing][..], &[Ordeal::Drain(6 * SECOND), Ordeal::Nothing]] {
            let waves: Vec<u32> = std::iter::once(1).chain([2; 40]).collect();
            let mut stage = Stage::new(&waves, stage::limits(), stage::policy(), 1);
            stage.policy.verify = verify;
            stage.limits.rate = "8/s".parse().expect("a rate");
            let reports = run(&stage, ordeals).await;
            let last = reports.last().expect("one");
            assert_eq!(last.count(Status::Applied), 41);
            let world = stage.world.lock();
            let is_read_back = |org: &u32| {
                let calls = world.ledger.iter().filter(|call| call.org == Some(*org));
                calls.skip_while(|call| call.answer != Answer::Acked).any(|call| call.kind == Kind::Read)
            };
            read_back.push((0..41).filter(is_read_back).collect::<Vec<u32>>());
        }
        assert_eq!(read_back[0], read_back[1]);
        assert!((6..20).contains(&read_back[0].len()) && read_back[0][0] == 0, "{read_back:?}");
    });
}
