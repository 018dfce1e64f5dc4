//! One named fault each, with what must happen then.

use std::time::Duration;

use orgwave_core::event::EventKind;
use orgwave_core::ids::StepId;
use orgwave_core::policy::VerifyPolicy;
use orgwave_core::run::StopReason;
use orgwave_core::status::{Status, Verified};

use crate::in_virtual_time;
use crate::invariants::check;
use crate::process::{Ordeal, Report, process};
use crate::stage::{Stage, limits, policy};
use crate::store::Store;
use crate::world::{Answer, Call, Effect, Fault, Kind, Record};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Runs one process through scripted faults, and checks what must always hold.
pub(crate) async fn run(stage: &Stage, ordeal: Ordeal) -> Report {
    let store = Store::new();
    let mut rng = fastrand::Rng::with_seed(1);
    let report = process(stage, &store, 0, ordeal, Duration::ZERO, &mut rng).await;
    check(stage, &store, &report, ordeal);
    report
}

pub(crate) fn calls(stage: &Stage, org: u32, kind: Kind) -> Vec<Record> {
    let world = stage.world.lock();
    world.ledger.iter().filter(|call| call.org == Some(org) && call.kind == kind).cloned().collect()
}

/// Trouble with the writes of one org, by the number of the write.
fn writes_of(
    org: u32,
    fault: impl Fn(u32) -> Option<Fault> + Send,
) -> impl Fn(&Call) -> Option<Fault> + Send {
    move |call| (call.org == Some(org) && call.kind == Kind::Write).then(|| fault(call.nth)).flatten()
}

#[test]
fn a_429_of_one_org_silences_it_alone_and_spends_no_attempt() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 40]);
        stage.world.trouble(writes_of(5, |nth| (nth == 0).then_some(Fault::Throttle(Some(3 * SECOND)))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 41);
        let writes = calls(&stage, 5, Kind::Write);
        let until = writes[0].until.unwrap();
        assert_eq!(writes.len(), 2);
        let world = stage.world.lock();
        let in_silence = |call: &&Record| call.at > until && call.at < until + 3 * SECOND;
        assert_eq!(world.ledger.iter().filter(in_silence).filter(|call| call.org == Some(5)).count(), 0);
        let others = world.ledger.iter().filter(in_silence).filter_map(|call| call.org);
        assert!(others.collect::<std::collections::HashSet<u32>>().len() > 20, "the others waited, too");
        let attempts = report.events.iter().find_map(|(_, event)| match event {
            EventKind::OrgFinished { index: 5, attempts, .. } => Some(*attempts),
            _ => None,
        });
        assert_eq!(attempts, Some(1));
    });
}

#[test]
fn a_429_for_ever_on_one_org_parks_it_after_ten() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 40]);
        stage.world.trouble(|call| (call.org == Some(5)).then_some(Fault::Throttle(Some(SECOND))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.status(5), Some(Status::NotAttempted));
        assert_eq!(report.count(Status::Applied), 40);
        assert_eq!(calls(&stage, 5, Kind::Read).len(), 10);
    });
}

#[test]
fn a_429_for_ever_on_a_few_orgs_parks_them_and_slows_none() {
    in_virtual_time(async {
        let mut stage = Stage::with_waves(&[1, 200]);
        stage.limits.rate = "50/s".parse().unwrap();
        stage
            .world
            .trouble(|call| (matches!(call.org, Some(5..=7))).then_some(Fault::Throttle(Some(SECOND))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::NotAttempted), 3);
        assert_eq!(report.count(Status::Applied), 198);
        assert!(report.ended_at < Duration::from_secs(40), "{:?}", report.ended_at);
    });
}

#[test]
fn a_429_for_ever_on_every_org_ends_too() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 4]);
        stage.world.trouble(|_| Some(Fault::Throttle(Some(SECOND))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::NotAttempted), 5);
    });
}

#[test]
fn a_retry_after_above_15_minutes_parks_the_org_at_once() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        let long = Duration::from_secs(15 * 60 + 1);
        stage.world.trouble(writes_of(5, move |_| Some(Fault::Throttle(Some(long)))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.status(5), Some(Status::NotAttempted));
        assert_eq!(report.count(Status::Applied), 10);
        assert!(report.ended_at < Duration::from_secs(10));
    });
}

#[test]
fn a_429_on_every_org_is_the_partners_within_two_seconds() {
    in_virtual_time(async {
        let mut stage = Stage::with_waves(&[1, 300]);
        stage.limits.rate = "100/s".parse().unwrap();
        let (from, to) = (2 * SECOND, 6 * SECOND);
        stage
            .world
            .trouble(move |call| (from..to).contains(&call.at).then_some(Fault::Throttle(Some(SECOND))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 301);
        let paces: Vec<(Duration, f64)> = report
            .events
            .iter()
            .filter_map(|(at, event)| match event {
                EventKind::Paced { rate: Some(rate), .. } => Some((*at, *rate)),
                _ => None,
            })
            .collect();
        let (seen, slowed) = paces[0];
        assert!(seen < from + 2 * SECOND && slowed < 100.0, "{paces:?}");
        let (_, last) = paces.last().unwrap();
        let slowest = paces.iter().map(|(_, rate)| *rate).fold(f64::MAX, f64::min);
        assert!(*last > slowest, "it never climbed again: {paces:?}");
        // No org is asked for its part in what was the partner's.
        let world = stage.world.lock();
        let refused = world.ledger.iter().filter(|call| matches!(call.answer, Answer::Throttled(_))).count();
        assert!(refused < 100, "{refused} calls into an empty bucket");
    });
}

#[test]
fn a_401_from_one_call_on_latches_and_no_org_fails() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 40]);
        stage.world.trouble(|call| (call.number >= 60).then_some(Fault::Unauthorized(401)));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.stop(), Some(&StopReason::KeyRefused));
        for status in [Status::Rejected, Status::Failed, Status::Diverged] {
            assert_eq!(report.count(status), 0, "{status}");
        }
        assert!(report.count(Status::Applied) > 0 && report.count(Status::NotAttempted) > 0);
        let world = stage.world.lock();
        let listed = world.ledger.iter().find(|call| call.kind == Kind::List).unwrap().at;
        assert_eq!(world.ledger.iter().filter(|call| call.at > listed).count(), 0, "sent with a refused key");
    });
}

#[test]
fn a_403_of_one_org_is_its_own() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 40]);
        stage.world.trouble(|call| (call.org == Some(5)).then_some(Fault::Unauthorized(403)));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.status(5), Some(Status::Rejected));
        assert_eq!((report.count(Status::Applied), report.count(Status::Rejected)), (40, 1));
    });
}

#[test]
fn a_list_that_answers_429_for_ever_stops_the_run() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 4]);
        stage.world.trouble(|call| match call.org {
            None => Some(Fault::Throttle(Some(SECOND))),
            Some(_) => Some(Fault::Unauthorized(403)),
        });
        let report = run(&stage, Ordeal::Nothing).await;
        assert!(matches!(report.stop(), Some(StopReason::Unusable(_))), "{:?}", report.stop());
        assert_eq!(report.count(Status::NotAttempted), 5);
    });
}

#[test]
fn a_500_that_was_applied_is_found_by_reading_back() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(writes_of(5, |_| Some(Fault::Unclear(Some(500), Effect::AtOnce, None))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 11);
        assert_eq!(calls(&stage, 5, Kind::Write).len(), 1);
        assert!(report.ended_at < Duration::from_secs(5), "what is live at once needs no quiet period");
    });
}

#[test]
fn an_unapplied_500_is_sent_again_after_two_agreeing_reads() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        let broken = Fault::Unclear(Some(500), Effect::Never, None);
        stage.world.trouble(writes_of(5, move |nth| (nth < 2).then(|| broken.clone())));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 11);
        let writes = calls(&stage, 5, Kind::Write);
        assert_eq!(writes.len(), 3);
        assert_eq!(writes.iter().filter(|write| write.applied.is_some()).count(), 1);
        let quiet = stage.limits.retry.quiet_period;
        assert!(writes.windows(2).all(|pair| pair[1].at >= pair[0].at + quiet), "sent again too early");
    });
}

#[test]
fn a_500_for_ever_takes_three_sends() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 20]);
        stage.world.trouble(writes_of(5, |_| Some(Fault::Unclear(Some(502), Effect::Never, None))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.status(5), Some(Status::Failed));
        assert_eq!(report.count(Status::Applied), 20);
        assert_eq!(calls(&stage, 5, Kind::Write).len(), 3);
    });
}

#[test]
fn a_500_for_every_org_is_stopped_by_the_canary() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[2, 40]);
        stage.world.trouble(|call| {
            (call.kind == Kind::Write).then_some(Fault::Unclear(Some(500), Effect::Never, None))
        });
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.stop(), Some(&StopReason::CanaryStopped(Status::Failed)));
        assert_eq!((report.count(Status::Failed), report.count(Status::NotAttempted)), (1, 41));
    });
}

#[test]
fn a_write_that_takes_effect_late_is_never_sent_twice() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        let late = Effect::Late(Duration::from_secs(12));
        stage.world.trouble(writes_of(5, move |_| Some(Fault::Unclear(Some(504), late, None))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 11);
        assert_eq!(calls(&stage, 5, Kind::Write).len(), 1);
    });
}

#[test]
fn a_stale_read_back_is_outwaited() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(|call| match (call.org, call.kind, call.nth) {
            (Some(5), Kind::Write, _) => Some(Fault::Unclear(Some(500), Effect::AtOnce, None)),
            (Some(5 | 6), Kind::Read, 1..) => Some(Fault::Stale(10 * SECOND)),
            _ => None,
        });
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 11);
        assert_eq!(calls(&stage, 5, Kind::Write).len(), 1);
        assert_eq!(calls(&stage, 6, Kind::Write).len(), 1);
    });
}

#[test]
fn an_accepted_write_not_live_is_diverged_and_not_resent() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(|call| {
            (call.org == Some(5) && call.kind == Kind::Read).then_some(Fault::Stale(3600 * SECOND))
        });
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.status(5), Some(Status::Diverged));
        assert_eq!(calls(&stage, 5, Kind::Write).len(), 1);
    });
}

#[test]
fn an_edit_between_read_and_read_back_is_a_divergence() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(writes_of(5, |_| Some(Fault::EditAfter("saveClips", "null"))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.status(5), Some(Status::Diverged));
        assert_eq!(calls(&stage, 5, Kind::Write).len(), 1);
    });
}

#[test]
fn a_connection_refused_from_the_start_is_soon_given_up() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(|_| Some(Fault::NotSent));
        let report = run(&stage, Ordeal::Nothing).await;
        assert!(matches!(report.stop(), Some(StopReason::Unreachable(_))));
        assert!(!report.ended.as_ref().unwrap().finish.wrote);
        assert_eq!(report.count(Status::NotAttempted), 11);
        assert!(report.ended_at < Duration::from_secs(10));
    });
}

#[test]
fn a_short_outage_pauses_and_a_long_one_leaves_the_rest() {
    for (outage, is_given_up) in [(90, false), (600, true)] {
        in_virtual_time(async {
            let stage = Stage::with_waves(&[1, 40]);
            let down = SECOND / 2..Duration::from_secs(1 + outage);
            stage.world.trouble(move |call| down.contains(&call.at).then_some(Fault::NotSent));
            let report = run(&stage, Ordeal::Nothing).await;
            if is_given_up {
                assert!(matches!(report.stop(), Some(StopReason::Unreachable(_))));
                assert!(report.count(Status::NotAttempted) > 0);
                assert_eq!(report.count(Status::Failed), 0);
                let took = report.ended_at.as_secs();
                assert!((120..140).contains(&took), "{took} s");
            } else {
                assert_eq!(report.count(Status::Applied), 41);
            }
        });
    }
}

#[test]
fn canary_that_changed_unmanaged_fields_stops_the_run() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(writes_of(0, |_| Some(Fault::EditAfter("newSetting", "{}"))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert!(
            matches!(report.stop(), Some(StopReason::CanaryDisturbed(what)) if what.contains("newSetting"))
        );
        assert_eq!(report.status(0), Some(Status::Diverged));
        assert_eq!(report.count(Status::NotAttempted), 10);
    });
}

#[test]
fn a_drain_reads_orgs_in_doubt_once_and_proves_nothing_by_it() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 3]);
        stage.world.trouble(|call| match (call.org, call.kind) {
            (Some(2), Kind::Write) => Some(Fault::Unclear(Some(500), Effect::AtOnce, None)),
            (Some(2), Kind::Read) if (1..3).contains(&call.nth) => Some(Fault::Stale(10 * SECOND)),
            (Some(3), Kind::Write) => Some(Fault::Unclear(Some(500), Effect::Never, None)),
            _ => None,
        });
        // Both are in their quiet periods by then.
        let report = run(&stage, Ordeal::Drain(5 * SECOND)).await;
        assert_eq!((report.status(2), report.status(3)), (Some(Status::Unknown), Some(Status::Unknown)));
        assert_eq!(calls(&stage, 2, Kind::Read).len(), 3);
        assert_eq!(calls(&stage, 3, Kind::Read).len(), 3);
        assert!(report.ended_at < Duration::from_secs(6), "the drain took until {:?}", report.ended_at);
    });
}

#[test]
fn a_drain_finds_what_took_effect_meanwhile() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 3]);
        let late = Effect::Late(3 * SECOND);
        stage.world.trouble(writes_of(2, move |_| Some(Fault::Unclear(Some(500), late, None))));
        let report = run(&stage, Ordeal::Drain(5 * SECOND)).await;
        assert_eq!(report.status(2), Some(Status::Applied));
    });
}

#[test]
fn a_second_order_stops_at_once() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(|call| {
            (call.kind == Kind::Write && call.nth == 0 && call.org != Some(0))
                .then_some(Fault::Timeout(Effect::AtOnce))
        });
        let ordeal = Ordeal::DrainAndAbort(3 * SECOND, SECOND);
        let report = run(&stage, ordeal).await;
        assert_eq!((report.count(Status::Applied), report.count(Status::Unknown)), (1, 10));
    });
}

#[test]
fn all_is_applied_at_the_allowed_pace_without_faults() {
    in_virtual_time(async {
        let mut limits = limits();
        limits.rate = "50/s".parse().unwrap();
        limits.concurrency = 32;
        let waves: Vec<u32> = (0..300).map(|org| 1 + u32::from(org > 2)).collect();
        let stage = Stage::new(&waves, limits, policy(), 3);
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 300);
        // Three calls an org.
        assert!(report.ended_at.as_secs_f64() < 1.15 * 900.0 / 50.0, "{:?}", report.ended_at);
    });
}

#[test]
fn a_panic_in_one_orgs_task_is_that_orgs_alone() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(|call| match (call.org, call.kind, call.nth) {
            (Some(5), Kind::Write, 0) | (Some(6), Kind::Read, 0) | (Some(7), Kind::Read, 1) => {
                Some(Fault::Panic)
            }
            (Some(8), Kind::Write, _) => Some(Fault::Panic),
            _ => None,
        });
        let report = run(&stage, Ordeal::Nothing).await;
        // Whether what panicked was sent isn't known: reads settle it.
        assert_eq!(report.status(8), Some(Status::Failed));
        assert_eq!(report.count(Status::Applied), 10);
        assert_eq!((calls(&stage, 5, Kind::Write).len(), calls(&stage, 7, Kind::Write).len()), (2, 1));
    });
}

#[test]
fn a_read_error_of_the_plan_stops_the_run_and_a_resume_goes_on() {
    in_virtual_time(async {
        let mut stage = Stage::with_waves(&[1, 10]);
        stage.lines.unreadable = Some(7);
        let store = Store::new();
        let mut rng = fastrand::Rng::with_seed(1);
        let first = process(&stage, &store, 0, Ordeal::Nothing, Duration::ZERO, &mut rng).await;
        check(&stage, &store, &first, Ordeal::Nothing);
        assert!(matches!(first.stop(), Some(StopReason::JournalFailed(why)) if why.contains("plan")));
        assert_eq!(calls(&stage, 7, Kind::Read).len() + calls(&stage, 7, Kind::Write).len(), 0);
        stage.lines.unreadable = None;
        let second = process(&stage, &store, 1, Ordeal::Nothing, Duration::ZERO, &mut rng).await;
        check(&stage, &store, &second, Ordeal::Nothing);
        assert_eq!(second.count(Status::Applied), 11);
    });
}

/// Another writer replaces what was verified, before the wave has ended.
fn replaced_after_the_read_back(call: &Call) -> Option<Fault> {
    let is_read_back = call.kind == Kind::Read && call.nth == 1 && matches!(call.org, Some(3 | 7));
    is_read_back.then_some(Fault::EditAfter("saveClips", "null"))
}

#[test]
fn settled_verify_finds_overwrites_before_the_wave_ends() {
    in_virtual_time(async {
        for (verify, diverged) in [(VerifyPolicy::Settled, 2), (VerifyPolicy::All, 0)] {
            let mut stage = Stage::with_waves(&[1, 30, 5]);
            stage.policy.verify = verify;
            stage.world.trouble(replaced_after_the_read_back);
            let report = run(&stage, Ordeal::Nothing).await;
            assert_eq!(report.stop(), None);
            assert_eq!(report.count(Status::Diverged), diverged, "{verify}");
            assert_eq!(report.count(Status::Applied), 36 - diverged, "{verify}");
            let reads = calls(&stage, 4, Kind::Read).len();
            assert_eq!(reads, if diverged > 0 { 3 } else { 2 }, "before, after, and at the end of its wave");
        }
    });
}

#[test]
fn another_writer_triggers_a_second_read_of_the_wave() {
    in_virtual_time(async {
        for most in ["100%", "2"] {
            let mut stage = Stage::with_waves(&[1, 30, 5]);
            stage.policy.max_failures = most.parse().unwrap();
            // One that its own read-back finds to be replaced, and two that are replaced later.
            stage.world.trouble(move |call| {
                let is_write = call.org == Some(20) && call.kind == Kind::Write;
                if is_write {
                    return Some(Fault::EditAfter("saveClips", "null"));
                }
                replaced_after_the_read_back(call)
            });
            let report = run(&stage, Ordeal::Nothing).await;
            assert_eq!(report.count(Status::Diverged), 3, "{most}: {:?}", report.ended);
            assert_eq!(report.stop().is_some(), most == "2", "{:?}", report.ended);
        }
    });
}

#[test]
fn an_abort_after_a_spent_budget_ends_without_a_read() {
    in_virtual_time(async {
        let mut stage = Stage::with_waves(&[1, 30]);
        stage.policy.verify = VerifyPolicy::Settled;
        stage.policy.max_failures = "1".parse().unwrap();
        stage.world.trouble(|call| match (call.org, call.kind) {
            (Some(2 | 4), Kind::Write) => Some(Fault::EditAfter("saveClips", "null")),
            // In progress when the run drains.
            (Some(9), Kind::Write) => Some(Fault::Timeout(Effect::AtOnce)),
            _ => None,
        });
        let abort = 3 * SECOND;
        // How soon a run ends after an abort is checked of every one.
        let report = run(&stage, Ordeal::Abort(abort)).await;
        assert_eq!(report.stop(), Some(&StopReason::BudgetSpent), "the abort came while it drained");
        let late =
            calls(&stage, 3, Kind::Read).iter().filter(|call| call.at >= report.began_at + abort).count();
        assert_eq!(late, 0);
        assert_eq!(report.count(Status::Unknown), 1, "{:?}", report.ended);
    });
}

#[test]
fn a_canary_that_is_refused_on_write_hands_over_to_the_next_org() {
    for refusal in [Fault::Refuse(404), Fault::Refuse(400), Fault::Error, Fault::Unauthorized(403)] {
        in_virtual_time(async {
            let stage = Stage::with_waves(&[1, 5, 25, 69]);
            stage.world.trouble(writes_of(0, move |_| Some(refusal.clone())));
            let report = run(&stage, Ordeal::Nothing).await;
            assert_eq!(report.stop(), None);
            assert_eq!((report.status(0), report.count(Status::Applied)), (Some(Status::Rejected), 99));
            assert_eq!(calls(&stage, 0, Kind::Write).len(), 1);
        });
    }
}

#[test]
fn three_canaries_that_are_refused_in_a_row_stop_the_run() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 5, 94]);
        stage.world.trouble(|call| (call.kind == Kind::Write).then_some(Fault::Refuse(400)));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.stop(), Some(&StopReason::CanariesRejected));
        assert_eq!((report.count(Status::Rejected), report.count(Status::NotAttempted)), (3, 97));
    });
}

#[test]
fn small_wave_tolerates_three_refused_orgs_and_stops_at_four() {
    for (refused, is_stopped) in [(3, false), (4, true)] {
        in_virtual_time(async {
            let stage = Stage::with_waves(&[1, 6, 10]);
            stage.world.trouble(move |call| {
                let is_refused = call.org.is_some_and(|org| (1..=refused).contains(&org));
                (is_refused && call.kind == Kind::Write).then_some(Fault::Refuse(400))
            });
            let report = run(&stage, Ordeal::Nothing).await;
            assert_eq!(report.stop() == Some(&StopReason::BudgetSpent), is_stopped);
            assert_eq!(report.count(Status::NotAttempted), if is_stopped { 10 } else { 0 });
        });
    }
}

#[test]
fn a_canary_without_changes_hands_over_to_the_next_org() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 5]);
        // Another writer has set what was to be set, and the org after it can't be written.
        stage.world.trouble(|call| match (call.org, call.kind) {
            (Some(0), Kind::Read) => Some(Fault::NotConnected),
            (Some(1), Kind::Read) => Some(Fault::OtherOrg),
            _ => None,
        });
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!((report.count(Status::Blocked), report.count(Status::Applied)), (2, 4));
    });
}

#[test]
fn a_block_pauses_and_rejects_no_org() {
    for wait in [None, Some(3 * SECOND)] {
        in_virtual_time(async {
            let stage = Stage::with_waves(&[1, 40]);
            let (from, to) = (SECOND / 4, 5 * SECOND);
            stage.world.trouble(move |call| (from..to).contains(&call.at).then_some(Fault::Block(wait)));
            let report = run(&stage, Ordeal::Nothing).await;
            assert_eq!((report.stop(), report.count(Status::Applied)), (None, 41));
        });
    }
}

#[test]
fn a_read_on_a_closed_connection_spends_no_attempt() {
    in_virtual_time(async {
        let mut stage = Stage::with_waves(&[1, 40]);
        stage.limits.retry.attempts = 1;
        stage.world.trouble(|call| {
            (call.kind == Kind::Read && call.nth.is_multiple_of(2)).then_some(Fault::Dropped)
        });
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.count(Status::Applied), 41);
        assert!(report.ended_at < 5 * SECOND, "at once: {:?}", report.ended_at);
    });
}

#[test]
fn a_4xx_that_answers_another_request_rejects_no_org() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(writes_of(5, |_| Some(Fault::RefuseApplied(400))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!((report.status(5), report.count(Status::Applied)), (Some(Status::Applied), 11));
        assert_eq!(calls(&stage, 5, Kind::Write).len(), 1);
    });
}

#[test]
fn a_4xx_to_a_write_is_read_back_once() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(writes_of(5, |_| Some(Fault::Refuse(400))));
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.status(5), Some(Status::Rejected));
        assert_eq!((calls(&stage, 5, Kind::Write).len(), calls(&stage, 5, Kind::Read).len()), (1, 2));
    });
}

fn code_of(store: &Store, org: u32) -> (Option<&'static str>, bool) {
    let outcome = store
        .recorded()
        .remove(&StepId { org, place: 0 })
        .and_then(|on_disk| on_disk.outcome)
        .expect("it ended");
    (outcome.org_error.map(|org_error| org_error.code.as_str()), outcome.is_unsettled_again)
}

#[test]
fn an_org_that_is_gone_since_its_write_has_diverged_for_good() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(writes_of(5, |_| Some(Fault::Gone)));
        let (store, mut rng) = (Store::new(), fastrand::Rng::with_seed(1));
        let report = process(&stage, &store, 0, Ordeal::Nothing, Duration::ZERO, &mut rng).await;
        check(&stage, &store, &report, Ordeal::Nothing);
        assert_eq!(report.status(5), Some(Status::Diverged));
        assert_eq!(code_of(&store, 5).0, Some("E-ORG-GONE"));
        assert_eq!((report.count(Status::Applied), report.stop()), (10, None));
    });
}

#[test]
fn listed_org_with_404_stays_unknown_and_is_marked_once_stuck() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(|call| match (call.org, call.kind, call.nth) {
            (Some(5), Kind::Read, 1..) => Some(Fault::Refuse(404)),
            _ => None,
        });
        let (store, mut rng) = (Store::new(), fastrand::Rng::with_seed(1));
        for (number, again) in [(0, false), (1, true), (2, true)] {
            let report = process(&stage, &store, number, Ordeal::Nothing, Duration::ZERO, &mut rng).await;
            check(&stage, &store, &report, Ordeal::Nothing);
            assert_eq!(report.status(5), Some(Status::Unknown));
            assert_eq!(code_of(&store, 5), (Some("E-ORG-050"), again), "process {number}");
        }
        assert_eq!(calls(&stage, 5, Kind::Write).len(), 1);
    });
}

#[test]
fn an_outage_is_a_pause_that_is_said_to_end() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 40]);
        let down = SECOND / 2..30 * SECOND;
        stage.world.trouble(move |call| down.contains(&call.at).then_some(Fault::NotSent));
        let report = run(&stage, Ordeal::Nothing).await;
        let count =
            |wanted: fn(&EventKind) -> bool| report.events.iter().filter(|(_, event)| wanted(event)).count();
        let pauses = count(|event| matches!(event, EventKind::Paused { .. }));
        assert!(pauses >= 1);
        assert_eq!(count(|event| *event == EventKind::Unpaused), pauses);
        assert_eq!(report.count(Status::Applied), 41);
    });
}

/// Runs a process that is stopped in the middle of a wave, and one that continues; what is to happen by then comes in between.
async fn in_two(stage: &Stage, first: Ordeal, between: impl FnOnce()) -> (Store, Report, Report) {
    let (store, mut rng) = (Store::new(), fastrand::Rng::with_seed(1));
    let before = process(stage, &store, 0, first, Duration::ZERO, &mut rng).await;
    check(stage, &store, &before, first);
    between();
    let after = process(stage, &store, 1, Ordeal::Nothing, Duration::ZERO, &mut rng).await;
    check(stage, &store, &after, Ordeal::Nothing);
    (store, before, after)
}

#[test]
fn earlier_writes_are_read_again_at_the_end_of_their_wave() {
    for (verify, reads) in [(VerifyPolicy::Settled, 1), (VerifyPolicy::All, 0)] {
        in_virtual_time(async {
            let mut stage = Stage::with_waves(&[1, 30, 5]);
            stage.policy.verify = verify;
            stage.limits.rate = "10/s".parse().unwrap();
            let replace = || {
                stage.world.trouble(|call| {
                    let is_first = call.org == Some(30) && call.kind == Kind::Read;
                    is_first.then_some(Fault::EditAfter("enabled", "false"))
                });
            };
            let (store, before, after) = in_two(&stage, Ordeal::Drain(3 * SECOND), replace).await;
            let early: Vec<u32> =
                (1..31).filter(|org| before.status(*org) == Some(Status::Applied)).collect();
            assert!(!early.is_empty() && early.len() < 30, "{early:?}");
            for org in early {
                let again = calls(&stage, org, Kind::Read);
                let again = again.iter().filter(|call| call.process == 1).count();
                assert_eq!(again, reads, "{verify}: org {org}");
            }
            assert!(after.stop().is_none() && store.recorded().len() == 36);
        });
    }
}

#[test]
fn a_failed_read_at_a_waves_end_revokes_the_verification() {
    in_virtual_time(async {
        let mut stage = Stage::with_waves(&[1, 30, 5]);
        stage.policy.verify = VerifyPolicy::Settled;
        stage.world.trouble(|call| {
            let is_last = call.kind == Kind::Read && call.nth >= 2;
            match call.org {
                Some(3) if is_last => Some(Fault::Unclear(Some(500), Effect::Never, None)),
                Some(4) if is_last => Some(Fault::Refuse(400)),
                Some(5) if is_last => Some(Fault::Throttle(Some(3600 * SECOND))),
                Some(6) if is_last => Some(Fault::Unauthorized(403)),
                _ => None,
            }
        });
        let (store, mut rng) = (Store::new(), fastrand::Rng::with_seed(1));
        let report = process(&stage, &store, 0, Ordeal::Nothing, Duration::ZERO, &mut rng).await;
        check(&stage, &store, &report, Ordeal::Nothing);
        assert_eq!(report.count(Status::Applied), 36);
        for (StepId { org, .. }, on_disk) in store.recorded() {
            let is_seen = !(3..=6).contains(&org);
            let outcome = on_disk.outcome.expect("it ended");
            let verified = if is_seen { Verified::True } else { Verified::False };
            assert_eq!((outcome.status, outcome.verified), (Status::Applied, verified), "org {org}");
        }
    });
}

#[test]
fn a_canary_whose_process_died_unread_proves_nothing() {
    for death in [250, 5000].map(Duration::from_millis).map(Ordeal::Dies) {
        in_virtual_time(async {
            let stage = Stage::with_waves(&[1, 10]);
            // The canary's effect comes, and its answer doesn't; what no manifest names changes with every write.
            stage.world.trouble(|call| match (call.org, call.kind) {
                (Some(0), Kind::Write) => Some(Fault::Timeout(Effect::AtOnce)),
                (Some(_), Kind::Write) => Some(Fault::EditAfter("newSetting", "{}")),
                _ => None,
            });
            let (_, _, after) = in_two(&stage, death, || ()).await;
            assert!(
                matches!(after.stop(), Some(StopReason::CanaryDisturbed(_))),
                "{death:?}: {:?}",
                after.stop()
            );
            let written = (0..11).filter(|org| !calls(&stage, *org, Kind::Write).is_empty()).count();
            assert!(written <= 2, "{death:?}: {written}");
        });
    }
}

#[test]
fn the_next_org_is_canary_after_one_gone_or_diverged() {
    for fault in [Fault::Gone, Fault::EditAfter("enabled", "\"x\"")] {
        in_virtual_time(async {
            let stage = Stage::with_waves(&[1, 10]);
            stage.world.trouble(writes_of(0, move |_| Some(fault.clone())));
            let (_, before, after) = in_two(&stage, Ordeal::Nothing, || ()).await;
            assert_eq!(before.stop(), Some(&StopReason::CanaryStopped(Status::Diverged)));
            assert!(after.proven.is_empty(), "the next one is alone, which is checked of every process");
            assert_eq!((after.stop(), after.count(Status::Applied)), (None, 10));
        });
    }
}
