//! What must always hold, judged by the world's ledger and by what the journal holds: never by what the
//! executor thinks of itself.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use orgwave_core::event::EventKind;
use orgwave_core::org::Entry;
use orgwave_core::org::Input;
use orgwave_core::plan::Verdict;
use orgwave_core::policy::{FailureBudget, Rate, WriteMode};
use orgwave_core::run::StopReason;
use orgwave_core::status::{Status, Verified};
use orgwave_core::timestamp::Timestamp;
use serde_json::{Map, Value};

use crate::process::{Ordeal, Report, time_of_day};
use crate::stage::{Jumps, Stage};
use crate::store::Store;
use crate::world::{Answer, Kind, Record};

const SECOND: Duration = Duration::from_secs(1);

/// Checks all that a process and everything before it must keep.
pub(crate) fn check(stage: &Stage, store: &Store, report: &Report, ordeal: Ordeal) {
    let ledger = stage.world.lock().ledger.clone();
    let entries = store.entries();
    every_write_has_a_durable_intent(&ledger, &entries);
    writes_are_counted_by_proofs(stage, &ledger, &entries);
    never_two_writes_in_flight(&ledger);
    let own: Vec<&Record> = ledger.iter().filter(|record| record.process == report.number).collect();
    verified_was_seen(stage, &own, report);
    settled_orgs_are_left_alone(&own, report);
    each_org_has_one_outcome(stage, report);
    retry_after_is_kept(stage, &ledger, &entries, report);
    writes_are_built_on_new_reads(stage, &own);
    rates_are_kept(stage, &own);
    waves_come_one_after_another(stage, &own, report);
    the_canary_goes_alone(stage, &own, report);
    every_pause_ends(report);
    stops_end_soon(stage, report, ordeal);
}

/// The org, of calls that reached the vendor and may change something.
fn write_of(record: &Record) -> Option<u32> {
    record.org.filter(|_| record.kind == Kind::Write && record.answer != Answer::NotSent)
}

/// 1: what is reported as verified was seen, and the world was so when it was seen.
fn verified_was_seen(stage: &Stage, own: &[&Record], report: &Report) {
    for (at, event) in &report.events {
        let EventKind::OrgFinished { index, status, verified, .. } = event else { continue };
        if *verified != Verified::True {
            let must_be_verified = stage.policy.verify.reads_all() && stage.policy.write.reads();
            let is_well = matches!(status, Status::Applied | Status::AppliedWithWarnings | Status::Unchanged);
            assert!(!(must_be_verified && is_well), "org {index} is {status} and nobody looked");
            continue;
        }
        let shown = own.iter().rev().find_map(|record| match &record.answer {
            Answer::Shown(shown) if record.org == Some(*index) && record.until <= Some(*at) => Some(shown),
            _ => None,
        });
        let shown = shown.unwrap_or_else(|| panic!("org {index} is {status}, and it was never read"));
        assert!(stage.is_as_wanted(*index, shown), "org {index} is {status}, and was seen as {shown:?}");
    }
}

/// 2: as many intents are durable by the time of a write as there are writes.
fn every_write_has_a_durable_intent(ledger: &[Record], entries: &[(Entry, Option<Duration>)]) {
    let mut writes: HashMap<u32, usize> = HashMap::new();
    for record in ledger {
        let Some(org) = write_of(record) else { continue };
        let writes = writes.entry(org).or_default();
        *writes += 1;
        let is_intent = |entry: &Entry| matches!(entry, Entry::Intent { index, .. } if *index == org);
        let intents = entries.iter().filter(|(entry, durable)| {
            is_intent(entry) && durable.is_some_and(|durable| durable <= record.at)
        });
        assert!(intents.count() >= *writes, "write {writes} of org {org} at {:?} has no intent", record.at);
    }
}

/// 3: another write only after a proof that the one before wasn't applied; and so no second effect, while
/// nobody else writes.
fn writes_are_counted_by_proofs(stage: &Stage, ledger: &[Record], entries: &[(Entry, Option<Duration>)]) {
    let orgs = stage.world.lock().orgs.clone();
    for org in 0..u32::try_from(orgs.len()).expect("a few orgs") {
        let writes = ledger.iter().filter(|record| write_of(record) == Some(org)).count();
        let proofs = entries.iter().filter(|(entry, _)| {
            matches!(entry, Entry::Step { index, input: Input::NotApplied | Input::StillAsBefore { .. }, .. }
                if *index == org)
        });
        let proofs = proofs.count();
        assert!(writes <= 1 + proofs, "org {org}: {writes} writes, {proofs} proofs");
        let effects = ledger.iter().filter(|record| record.org == Some(org) && record.applied.is_some());
        assert!(
            effects.count() <= 1 || orgs[org as usize].edited,
            "org {org} was changed twice: {:#?}",
            ledger.iter().filter(|record| record.org == Some(org)).collect::<Vec<_>>()
        );
    }
}

/// 7: what has its final word is not even read, but for what was applied, at the end of its wave.
fn settled_orgs_are_left_alone(own: &[&Record], report: &Report) {
    let again = own.iter().find(|record| {
        let status = record.org.and_then(|org| report.settled.get(&org).copied());
        let is_applied = matches!(status, Some(Status::Applied | Status::AppliedWithWarnings));
        status.is_some() && !(is_applied && record.kind == Kind::Read)
    });
    assert!(again.is_none(), "a settled org was called again: {again:?}");
}

/// 8.
fn never_two_writes_in_flight(ledger: &[Record]) {
    let mut busy_until: HashMap<u32, Duration> = HashMap::new();
    for record in ledger {
        let Some(org) = write_of(record) else { continue };
        // What nobody waited for any more was in progress until it took effect, or not at all.
        let until =
            record.until.or(record.applied).unwrap_or(record.at).max(record.applied.unwrap_or_default());
        if let Some(before) = busy_until.insert(org, until) {
            assert!(before <= record.at, "two writes of org {org} in flight at {:?}", record.at);
        }
    }
}

/// 4: one final word an org, and a count of all rows.
fn each_org_has_one_outcome(stage: &Stage, report: &Report) {
    let mut finished = HashSet::new();
    for (_, event) in &report.events {
        if let EventKind::OrgFinished { index, .. } = event {
            assert!(finished.insert(*index), "org {index} ended twice");
        }
    }
    if let Some(ended) = &report.ended {
        assert_eq!(ended.counts.total(), stage.index.len() as u64);
    }
}

/// 6: no call to an org before its Retry-After has passed, whichever process was told. Not known is only what a
/// process was told so shortly before it died that its journal doesn't have it, and what a clock that jumps ahead
/// makes look like the past.
fn retry_after_is_kept(
    stage: &Stage,
    ledger: &[Record],
    entries: &[(Entry, Option<Duration>)],
    report: &Report,
) {
    let (process, sleeps) = (report.number, stage.world.lock().sleeps.clone());
    let went_through = report.ended.as_ref().is_some_and(|ended| ended.finish.stop.is_none());
    let mut closed: HashMap<u32, Duration> = HashMap::new();
    let mut waits: Vec<(Duration, u32, Duration)> = Vec::new();
    let known: HashSet<(u32, Timestamp)> = entries
        .iter()
        .filter_map(|(entry, _)| match entry {
            Entry::Pause { index: Some(org), pause } => Some((*org, pause.told_at)),
            _ => None,
        })
        .collect();
    for record in ledger {
        if let (Some(org), Some(until)) = (record.org, record.until)
            && let Answer::Throttled(Some(wait)) | Answer::Unclear(Some(wait)) = record.answer
        {
            let told_at = time_of_day(until, stage.clock_jumps, record.process);
            // The machine may have been suspended between the answer and its being heard.
            let is_told = |at: &Timestamp| *at == told_at || sleeps.contains(&at.since(told_at));
            let is_known = known.iter().any(|(of, at)| *of == org && is_told(at));
            assert!(is_known || record.process != process || !went_through, "not in the journal: {record:?}");
            if record.process == process || is_known && stage.clock_jumps == Jumps::Never {
                waits.push((until, org, until + wait));
            }
        }
    }
    waits.sort();
    let mut waits = waits.into_iter().peekable();
    for record in ledger.iter().filter(|record| record.process == process) {
        while let Some((_, org, until)) = waits.next_if(|(heard, ..)| *heard <= record.at) {
            let closed = closed.entry(org).or_default();
            *closed = until.max(*closed);
        }
        let Some(org) = record.org else { continue };
        let until = closed.get(&org).copied().unwrap_or_default();
        assert!(record.at >= until, "org {org} was called at {:?}, not before {until:?}", record.at);
    }
}

/// A write goes out soon after the request of the read that it is built on, however long it had to wait for its turn and
/// the machine was suspended.
fn writes_are_built_on_new_reads(stage: &Stage, own: &[&Record]) {
    if !stage.policy.write.reads() {
        return;
    }
    let mut seen: HashMap<u32, Duration> = HashMap::new();
    for record in own {
        let Some(org) = record.org else { continue };
        match (&record.answer, record.kind, record.until) {
            (Answer::Shown(_), _, Some(_)) => drop(seen.insert(org, record.at)),
            (_, Kind::Write, _) => {
                let read = seen.get(&org).unwrap_or_else(|| panic!("org {org} was written unread"));
                assert!(record.at < *read + 60 * SECOND, "org {org}, read at {read:?}: {record:?}");
            }
            _ => {}
        }
    }
}

/// 6: no second, wherever it begins, has more calls than allowed.
fn rates_are_kept(stage: &Stage, own: &[&Record]) {
    let check = |calls: &[Duration], rate: Rate, whose: &str| {
        let Rate::PerSecond(rate) = rate else { return };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and whole")]
        let most = rate.get().max(1.0) as usize;
        for window in calls.windows(most + 1) {
            assert!(window[most] >= window[0] + SECOND, "{whose}: over {rate} at {:?}", window[0]);
        }
    };
    let all: Vec<Duration> = own.iter().map(|record| record.at).collect();
    check(&all, stage.limits.rate, "the run");
    let mut orgs: HashMap<u32, Vec<Duration>> = HashMap::new();
    for record in own {
        if let Some(org) = record.org {
            orgs.entry(org).or_default().push(record.at);
        }
    }
    for (org, calls) in orgs {
        check(&calls, stage.limits.org_rate, &format!("org {org}"));
    }
}

/// Whether an org's end proves what a write does: what an earlier process wrote was not compared with all that was there before.
fn is_proof(stage: &Stage, own: &[&Record], org: u32, status: Status) -> bool {
    let is_own = || own.iter().any(|record| write_of(record) == Some(org));
    matches!(status, Status::Applied | Status::AppliedWithWarnings)
        && (!stage.policy.write.reads() || is_own())
}

/// No write of a wave before the orgs of all lower ones have ended, and none after the budget was spent.
fn waves_come_one_after_another(stage: &Stage, own: &[&Record], report: &Report) {
    let mut waves: HashMap<u32, (u64, u64)> = HashMap::new();
    let (mut current, mut failed) = (0, 0);
    let mut proven = report.proven;
    let is_spent = |failed: u64, (of_wave, finished): (u64, u64), proven: bool| match report.budget {
        FailureBudget::Orgs(most) => failed > most,
        FailureBudget::Share(share) if !stage.policy.has_canary => share.is_exceeded_by(of_wave, finished),
        FailureBudget::Share(share) => proven && of_wave > 3 && share.is_exceeded_by(of_wave, finished),
    };
    for (at, event) in &report.events {
        match event {
            EventKind::WaveStarted { wave, .. } => {
                assert!(*wave > current, "wave {wave} after {current}");
                let before = waves.get(&current).copied().unwrap_or_default();
                assert!(
                    current == 0 || !is_spent(failed, before, proven),
                    "wave {wave} after a spent budget"
                );
                let early = own.iter().find(|record| {
                    record.at < *at
                        && write_of(record).is_some_and(|org| stage.index[org as usize].wave == *wave)
                });
                if let Some(record) = early {
                    // Only a write that an earlier process was in doubt about is settled before its wave.
                    let org = write_of(record).expect("found as a write");
                    let was_open = report.events.iter().any(|(when, event)| {
                        when <= at && matches!(event, EventKind::OrgFinished { index, .. } if *index == org)
                    });
                    assert!(was_open, "org {org} was written before its wave {wave}");
                }
                current = *wave;
            }
            EventKind::OrgFinished { index, wave, status, .. } => {
                let (of_wave, finished) = waves.entry(if current == 0 { 0 } else { *wave }).or_default();
                *finished += 1;
                proven |= is_proof(stage, own, *index, *status);
                if status.spends_budget() {
                    *of_wave += 1;
                    failed += 1;
                }
            }
            _ => {}
        }
    }
}

/// Until a write was proven, no org is called before the one before it has ended; and none at all after one that ended
/// badly, or after three that were rejected in a row.
fn the_canary_goes_alone(stage: &Stage, own: &[&Record], report: &Report) {
    if !stage.policy.has_canary || report.proven {
        return;
    }
    let ended: HashMap<u32, (Duration, Status)> = report
        .events
        .iter()
        .filter_map(|(at, event)| match event {
            EventKind::OrgFinished { index, status, .. } => Some((*index, (*at, *status))),
            _ => None,
        })
        .collect();
    // What an earlier process sent and this one ends without a call, since accepted writes are trusted, proves as much.
    let is_called = |index: &u32| own.iter().any(|record| record.org == Some(*index));
    let proven_without_a_call = ended
        .iter()
        .filter(|(index, (_, status))| !is_called(index) && is_proof(stage, own, **index, *status))
        .map(|(_, (at, _))| *at)
        .min();
    let mut begun: Vec<u32> = Vec::new();
    for record in own {
        let is_new = |org: &u32| !begun.contains(org) && !report.settled.contains_key(org);
        let Some(org) = record.org.filter(is_new) else { continue };
        if proven_without_a_call.is_some_and(|at| at <= record.at) {
            return;
        }
        let mut rejected = 0;
        for before in &begun {
            let (at, status) = ended.get(before).copied().unwrap_or_else(|| {
                panic!("org {org} was begun at {:?}, and the canary {before} never ended", record.at)
            });
            assert!(at <= record.at, "org {org} was begun at {:?} beside the canary {before}", record.at);
            if is_proof(stage, own, *before, status) {
                return;
            }
            rejected = if status == Status::Rejected { rejected + 1 } else { 0 };
            let is_bad = matches!(status, Status::Failed | Status::Diverged | Status::Unknown);
            assert!(!is_bad && rejected < 3, "org {org} was begun after the canary {before} was {status}");
        }
        begun.push(org);
    }
}

/// Whoever was told of a pause is told of its end: as soon as the vendor answers, and when the process ends.
fn every_pause_ends(report: &Report) {
    let (mut paused, mut answered) = (false, false);
    for (at, event) in &report.events {
        assert!(!answered || *event == EventKind::Unpaused, "paused and answered at {at:?}: {event:?}");
        answered = false;
        match event {
            EventKind::Paused { .. } => {
                assert!(!paused, "paused twice at {at:?}");
                paused = true;
            }
            EventKind::Unpaused => {
                assert!(paused, "a pause that nobody was told of ends at {at:?}");
                paused = false;
            }
            EventKind::Called { answer, .. } if paused => {
                answered = *answer != orgwave_core::event::Answer::NotSent;
            }
            _ => {}
        }
    }
    assert!(!paused || report.ended.is_none(), "paused to the end");
}

/// A drain takes no longer than what is in progress and one read; an abort, no time.
fn stops_end_soon(stage: &Stage, report: &Report, ordeal: Ordeal) {
    let most = 2 * stage.limits.timeout + 2 * SECOND + report.slept;
    let told = match ordeal {
        Ordeal::Drain(at) | Ordeal::MaxDuration(at) => Some(at + most),
        Ordeal::Abort(at) => Some(at + report.slept),
        Ordeal::DrainAndAbort(at, more) => Some(at + more + report.slept),
        Ordeal::Nothing | Ordeal::Dies(_) | Ordeal::DiesAtIntent(..) | Ordeal::JournalFails(_) => None,
    };
    if let (Some(told), true) = (told, report.ended.is_some()) {
        let took = report.ended_at.saturating_sub(report.began_at);
        // Timers have whole milliseconds.
        assert!(took <= told + Duration::from_millis(5), "it took {took:?}, not {told:?}");
    }
    // A run that its orgs have stopped reads what it has written again.
    let by_orgs: Vec<String> = [Status::Failed, Status::Diverged, Status::Unknown]
        .map(StopReason::CanaryStopped)
        .into_iter()
        .chain([StopReason::BudgetSpent, StopReason::CanariesRejected])
        .map(|reason| reason.to_string())
        .collect();
    let is_bounded = |why: &String| !by_orgs.contains(why);
    let draining = report
        .events
        .iter()
        .find(|(_, event)| matches!(event, EventKind::Draining { why } if is_bounded(why)));
    if let (Some((at, _)), Some(_)) = (draining, &report.ended) {
        assert!(report.ended_at <= *at + most, "drained from {at:?} to {:?}", report.ended_at);
    }
}

/// Nothing was omitted, and no unmanaged field was touched.
pub(crate) fn check_end(stage: &Stage, store: &Store, report: &Report) {
    let ended = report.ended.as_ref().expect("it ended");
    assert_eq!(ended.finish.stop, None::<StopReason>);
    assert_eq!(
        ended.counts.of(Status::NotAttempted) + ended.counts.of(Status::Unknown),
        0,
        "{:?}",
        ended.counts
    );
    let recorded = store.recorded();
    let world = stage.world.lock();
    for ((index, entry), org) in (0_u32..).zip(&stage.index).zip(&world.orgs) {
        if entry.verdict != Verdict::Update {
            continue;
        }
        let outcome = recorded[&index].outcome.as_ref().expect("every org has its outcome");
        assert!(outcome.status.is_settled());
        if org.edited {
            continue;
        }
        if matches!(outcome.status, Status::Applied | Status::AppliedWithWarnings | Status::Unchanged) {
            assert!(stage.is_as_wanted(index, &org.settings), "org {index}: {:?}", org.settings);
        }
        if stage.policy.write == WriteMode::Merge {
            for (name, value) in &stage.initial[index as usize] {
                let is_managed = matches!(
                    name.as_str(),
                    "enabled" | "saveClips" | "badgeFaceVerificationMode" | "doorInfoMap" | "apiToken"
                );
                let live = org.settings.get(name);
                assert!(is_managed || live == Some(value), "org {index}: {name} became {live:?}");
            }
            let back = |settings: &Map<String, Value>| settings["doorInfoMap"]["back"].clone();
            assert_eq!(back(&org.settings), back(&stage.initial[index as usize]), "org {index}");
        }
    }
}
