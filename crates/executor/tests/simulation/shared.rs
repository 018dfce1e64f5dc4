//! What one call means for all others, and pumps that share a gate: faults that take no plan to show.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use orgwave_core::org::Unread;
use orgwave_core::reply::{Cause, Refusal, RefusalKind, Reply, Throttle, Unclear};
use orgwave_core::run::StopReason;
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::gate::Gate;
use orgwave_executor::ports::TokioClock;
use orgwave_executor::survey::{Finding, read_each, read_one, survey};

use crate::faults::{SECOND, calls, run};
use crate::in_virtual_time;
use crate::process::Ordeal;
use crate::stage::{Stage, envoy, limits};
use crate::world::{Fault, Kind};

fn gate(rate: &str) -> Gate<TokioClock> {
    let mut limits = limits();
    limits.rate = rate.parse().expect("a rate");
    limits.concurrency = 1;
    Gate::new(TokioClock::starting_at(Timestamp::from_millis(0)), limits, None)
}

#[test]
fn a_client_list_that_panics_is_asked_again_then_given_up() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(|call| match call.kind {
            Kind::List => Some(Fault::Panic),
            _ => (call.org == Some(5)).then_some(Fault::Unauthorized(403)),
        });
        let report = run(&stage, Ordeal::Nothing).await;
        assert!(matches!(report.stop(), Some(StopReason::Unreachable(_))), "{:?}", report.stop());
        assert!(report.ended_at.saturating_sub(report.began_at) < Duration::from_secs(300));
    });
}

#[test]
fn two_429s_with_a_suspended_machine_between_them_park_no_org() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        stage.world.trouble(|call| match (call.org, call.kind, call.nth) {
            (Some(5), Kind::Read, 0 | 1) => Some(Fault::Throttle(Some(5 * SECOND))),
            (Some(6), Kind::Read, 1) => Some(Fault::Sleep(8 * 3600 * SECOND)),
            _ => None,
        });
        let report = run(&stage, Ordeal::Nothing).await;
        assert_eq!(report.status(5), Some(Status::Applied));
        assert!(calls(&stage, 5, Kind::Read).len() >= 4);
    });
}

#[test]
fn a_401_shows_that_the_vendor_can_be_reached() {
    in_virtual_time(async {
        let (mut gate, (_orders, mut control)) = (gate("200/s"), tokio::sync::mpsc::channel(1));
        let made = Cell::new(0);
        let made = Rc::new(made);
        let call = |_: &u32| {
            made.set(made.get() + 1);
            let kind = RefusalKind::Status;
            std::future::ready(match made.get() {
                1 => Reply::Unauthorized(Refusal { http_status: 401, kind, message: String::new() }),
                // More than the tries that a first connection has.
                2..=5 => Reply::NotSent("down".into()),
                _ => Reply::Good(1_u8),
            })
        };
        let ends = RefCell::new(Vec::new());
        let items = (0..3).map(|item| (None, item));
        let found = |item: &u32, end: Result<u8, Unread>| ends.borrow_mut().push((*item, end.is_ok()));
        assert_eq!(read_each(items, &mut gate, &mut control, call, found).await, None);
        assert_eq!(ends.into_inner(), [(0, false), (1, true), (2, true)]);
    });
}

#[test]
fn a_429_of_a_call_that_is_no_orgs_is_the_partners() {
    in_virtual_time(async {
        let (mut gate, (_orders, mut control)) = (gate("100/s"), tokio::sync::mpsc::channel(1));
        let made = Rc::new(Cell::new(0));
        let call = || {
            made.set(made.get() + 1);
            std::future::ready(match made.get() {
                1 => Reply::Throttled(Throttle { http_status: 429, retry_after: None }),
                _ => Reply::Good(1_u8),
            })
        };
        let before = gate.allowed_rate().expect("a ceiling");
        assert_eq!(read_one(&mut gate, &mut control, call).await, Ok(Ok(1)));
        assert!(gate.allowed_rate().expect("a ceiling") < before);
    });
}

#[test]
fn a_list_of_an_unknown_shape_is_asked_for_once() {
    in_virtual_time(async {
        let (mut gate, (_orders, mut control)) = (gate("100/s"), tokio::sync::mpsc::channel(1));
        let made = Rc::new(Cell::new(0));
        let call = || {
            made.set(made.get() + 1);
            let (cause, http_status, message) = (Cause::Unreadable, Some(200), "a shape".to_owned());
            let unclear = Unclear { cause, http_status, retry_after: None, message };
            std::future::ready(Reply::<u8>::Unclear(unclear))
        };
        let read = read_one(&mut gate, &mut control, call).await;
        assert!(matches!(read, Ok(Err(Unread::Failed(_)))), "{read:?}");
        assert_eq!(made.get(), 1);
    });
}

#[test]
fn what_a_pump_knew_of_the_key_is_not_what_the_next_one_knows() {
    in_virtual_time(async {
        let stage = Stage::with_waves(&[1, 10]);
        let is_revoked = Arc::new(AtomicBool::new(false));
        let revoked = is_revoked.clone();
        stage.world.trouble(move |call| {
            if revoked.load(Ordering::Relaxed) {
                return Some(Fault::Unauthorized(401));
            }
            (call.org == Some(5)).then_some(Fault::Unauthorized(403))
        });
        let (mut gate, (_orders, mut control)) = (gate("200/s"), tokio::sync::mpsc::channel(1));
        let ids: Vec<Ruuid> = stage.world.lock().orgs.iter().map(|org| org.id).collect();
        for (key_is_good, refused) in [(true, 1), (false, 0)] {
            is_revoked.store(!key_is_good, Ordering::Relaxed);
            let found = RefCell::new(0);
            let stop = survey(
                (0..).zip(&ids).map(|(place, org)| (place, *org, envoy(), ())),
                &stage.world.transport(0),
                &mut gate,
                &mut control,
                &mut |_: &_| {},
                |(), mut finding, _| {
                    let finding = finding.take(&Operation::default_one());
                    *found.borrow_mut() += u32::from(matches!(finding, Finding::Unread(..)));
                },
            )
            .await;
            assert_eq!(stop, (!key_is_good).then_some(StopReason::KeyRefused));
            assert_eq!(found.into_inner(), refused);
        }
    });
}
