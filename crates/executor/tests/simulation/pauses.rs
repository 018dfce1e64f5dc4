//! A Retry-After that outlives the process which received it, and writes that waited too long for their turn.

use std::time::Duration;

use orgwave_core::run::StopReason;
use orgwave_core::status::Status;

use crate::in_virtual_time;
use crate::invariants::check;
use crate::process::{Ordeal, Report, process};
use crate::stage::{Jumps, Stage};
use crate::store::Store;
use crate::world::{Answer, Effect, Fault, Kind, Record};

const SECOND: Duration = Duration::from_secs(1);

/// Runs one process after another, each with what befalls it, over one journal.
async fn run(stage: &Stage, ordeals: &[Ordeal]) -> Vec<Report> {
    let store = Store::new();
    let mut reports = Vec::new();
    for (number, ordeal) in (0..).zip(ordeals) {
        reports.push(go_on(stage, &store, number, *ordeal).await);
    }
    reports
}

async fn go_on(stage: &Stage, store: &Store, number: u32, ordeal: Ordeal) -> Report {
    let mut rng = fastrand::Rng::with_seed(u64::from(number));
    let report = process(stage, store, number, ordeal, Duration::ZERO, &mut rng).await;
    check(stage, store, &report, ordeal);
    report
}

fn calls(stage: &Stage, process: u32, org: u32) -> Vec<Record> {
    let world = stage.world.lock();
    let is_meant = |call: &&Record| call.process == process && call.org == Some(org);
    world.ledger.iter().filter(is_meant).cloned().collect()
}

/// When org 5 may be called again.
fn free_at(stage: &Stage) -> Duration {
    let world = stage.world.lock();
    let is_refused = |call: &&Record| {
        call.org == Some(5) && matches!(call.answer, Answer::Throttled(Some(_)) | Answer::Unclear(Some(_)))
    };
    world.ledger.iter().find(is_refused).and_then(|call| call.until).expect("refused once")
}

/// A call of org 5, by its kind and number, is answered so.
fn with(kind: Kind, fault: Fault) -> Stage {
    let stage = Stage::with_waves(&[1, 10]);
    stage.world.trouble(move |call| {
        (call.org == Some(5) && call.kind == kind && call.nth == 0).then(|| fault.clone())
    });
    stage
}

#[test]
fn a_retry_after_is_kept_by_the_process_that_comes_after_a_kill() {
    let wait = 100 * SECOND;
    for (kind, fault) in [
        (Kind::Write, Fault::Throttle(Some(wait))),
        (Kind::Read, Fault::Throttle(Some(wait))),
        (Kind::Write, Fault::Unclear(Some(503), Effect::Never, Some(wait))),
        (Kind::Read, Fault::Unclear(Some(503), Effect::Never, Some(wait))),
    ] {
        in_virtual_time(async {
            let stage = with(kind, fault.clone());
            let reports = run(&stage, &[Ordeal::Dies(10 * SECOND), Ordeal::Nothing]).await;
            assert_eq!(reports[1].count(Status::Applied), 11, "{kind:?} {fault:?}");
            let first = calls(&stage, 1, 5)[0].at;
            let free = free_at(&stage) + wait;
            assert!((free..free + SECOND).contains(&first), "{kind:?} {fault:?}: {first:?}, not {free:?}");
        });
    }
}

#[test]
fn resume_respects_a_retry_after_over_15_minutes() {
    in_virtual_time(async {
        let stage = with(Kind::Write, Fault::Throttle(Some(3600 * SECOND)));
        let store = Store::new();
        for number in 0..2 {
            let report = go_on(&stage, &store, number, Ordeal::Nothing).await;
            assert_eq!(report.status(5), Some(Status::NotAttempted));
        }
        assert_eq!(calls(&stage, 1, 5).len(), 0);
        // Less than a quarter of an hour is waited for.
        tokio::time::sleep(3000 * SECOND).await;
        let report = go_on(&stage, &store, 2, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 11);
        assert!(calls(&stage, 2, 5)[0].at >= free_at(&stage) + 3600 * SECOND);
    });
}

#[test]
fn clock_jump_between_processes_extends_no_wait() {
    for jumps in [Jumps::Back, Jumps::Forward] {
        in_virtual_time(async {
            let mut stage = with(Kind::Write, Fault::Throttle(Some(100 * SECOND)));
            stage.clock_jumps = jumps;
            let reports = run(&stage, &[Ordeal::Dies(10 * SECOND), Ordeal::Nothing]).await;
            assert_eq!(reports[1].count(Status::Applied), 11, "{jumps:?}");
            let waited = calls(&stage, 1, 5)[0].at.saturating_sub(reports[1].began_at);
            // Ahead, it looks as if the hour had passed.
            let expected = if jumps == Jumps::Back { 100 * SECOND } else { Duration::ZERO };
            assert!((expected..expected + SECOND).contains(&waited), "{jumps:?}: {waited:?}");
        });
    }
}

#[test]
fn retry_after_of_the_client_list_is_kept_by_a_resume() {
    for (wait, is_too_long) in [(100 * SECOND, false), (3600 * SECOND, true)] {
        in_virtual_time(async {
            let stage = Stage::with_waves(&[1, 4]);
            stage.world.trouble(move |call| match call.org {
                None => Some(Fault::Throttle(Some(wait))),
                Some(0) if call.kind == Kind::Read && call.nth == 0 => Some(Fault::Unauthorized(403)),
                Some(_) => None,
            });
            let reports = run(&stage, &[Ordeal::Dies(10 * SECOND), Ordeal::Nothing]).await;
            let until = stage.world.lock().ledger.iter().find(|call| call.kind == Kind::List).unwrap().until;
            let free = until.unwrap() + wait;
            let early = |call: &&Record| call.process == 1 && call.at < free;
            assert_eq!(stage.world.lock().ledger.iter().filter(early).count(), 0);
            if is_too_long {
                assert!(matches!(reports[1].stop(), Some(StopReason::Unusable(why)) if why.contains("min")));
                assert!(reports[1].ended_at < reports[1].began_at + SECOND);
            } else {
                assert_eq!(reports[1].count(Status::Applied), 5);
            }
        });
    }
}

#[test]
fn in_doubt_orgs_that_a_resume_never_reached_are_unknown() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 2, 4]);
        stage.world.trouble(|call| match (call.org, call.kind) {
            (Some(1), Kind::Write) => Some(Fault::Timeout(Effect::AtOnce)),
            (Some(2), Kind::Write) => Some(Fault::Unauthorized(403)),
            (None, _) => Some(Fault::Throttle(Some(3600 * SECOND))),
            _ => None,
        });
        let reports = run(&stage, &[Ordeal::Dies(5 * SECOND), Ordeal::Nothing]).await;
        assert!(matches!(reports[1].stop(), Some(StopReason::Unusable(_))));
        assert_eq!((reports[1].count(Status::Unknown), reports[1].count(Status::NotAttempted)), (1, 5));
    });
}

#[test]
fn a_write_delayed_by_an_outage_is_built_on_a_new_read() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 40]);
        // Down from the first writes of the second wave on, for longer than a read is good for.
        let mut down_from = None;
        stage.world.trouble(move |call| {
            if call.kind == Kind::Write && call.org != Some(0) {
                down_from.get_or_insert(call.at);
            }
            let from = down_from?;
            (call.at < from + 90 * SECOND).then_some(Fault::NotSent)
        });
        let reports = run(&stage, &[Ordeal::Nothing]).await;
        assert_eq!(reports[0].count(Status::Applied), 41);
        let world = stage.world.lock();
        let reads_of = |org| {
            let is_read = |call: &&Record| {
                call.org == Some(org) && call.kind == Kind::Read && matches!(call.answer, Answer::Shown(_))
            };
            world.ledger.iter().filter(is_read).count()
        };
        assert!((1..41).any(|org| reads_of(org) == 3), "read, read again, and read back");
    });
}

#[test]
fn suspended_machine_writes_nothing_built_on_stale_reads() {
    // While its own reply was on its way; and while its write waited for its turn.
    for sleeper in [5, 8] {
        in_virtual_time(async {
            let mut stage = Stage::with_waves(&[1, 12]);
            stage.limits.rate = "20/s".parse().unwrap();
            stage.world.trouble(move |call| {
                let is_meant = call.org == Some(sleeper) && call.kind == Kind::Read && call.nth == 0;
                is_meant.then_some(Fault::Sleep(8 * 3600 * SECOND))
            });
            let reports = run(&stage, &[Ordeal::Nothing]).await;
            assert_eq!(reports[0].count(Status::Applied), 13);
            let world = stage.world.lock();
            let live = &world.orgs[sleeper as usize].objects[0].live;
            assert_eq!(live["indexFaces"], serde_json::json!(false), "the other's edit is kept");
        });
    }
}
