//! What must always hold, judged by the world's ledger and by what the journal holds: never by what the
//! executor thinks of itself.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use orgwave_core::event::EventKind;
use orgwave_core::ids::StepId;
use orgwave_core::org::Entry;
use orgwave_core::org::Input;
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::plan::{IndexEntry, Verdict};
use orgwave_core::policy::{FailureBudget, Rate, VerifyPolicy, WriteMode};
use orgwave_core::run::StopReason;
use orgwave_core::status::{Counts, Status, Verified};
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::rollout::Policy;
use serde_json::{Map, Value};

use crate::process::{Ordeal, Report, time_of_day};
use crate::stage::{Jumps, Stage, org_id};
use crate::store::{OnDisk, Store};
use crate::world::{Answer, Kind, Record};

const SECOND: Duration = Duration::from_secs(1);

/// Checks all that a process and everything before it must keep.
pub(crate) fn check(stage: &Stage, store: &Store, report: &Report, ordeal: Ordeal) {
    let ledger = stage.world.lock().ledger.clone();
    let entries = store.entries();
    every_write_has_a_durable_intent(&ledger, &entries);
    writes_are_counted_by_proofs(stage, &ledger, &entries);
    never_two_writes_in_flight(stage, &ledger);
    let with_plan: Vec<&Record> = ledger.iter().filter(|record| record.process == report.number).collect();
    verified_was_seen(stage, &with_plan, report);
    writes_are_built_on_new_reads(stage, &ledger, report);
    rates_are_kept(stage, &with_plan);
    // To plan is to read, before anything of the run begins.
    let own: Vec<&Record> = with_plan.into_iter().filter(|record| !record.plans).collect();
    only_the_sample_is_read_back(stage, &own, report);
    settled_steps_are_left_alone(stage, &own, report);
    each_org_has_one_outcome(stage, store, report);
    steps_come_one_after_another(stage, &own, report);
    expects_were_seen(stage, &ledger, report);
    retry_after_is_kept(stage, &ledger, &entries, report);
    waves_come_one_after_another(stage, &own, report);
    the_canary_goes_alone(stage, &own, report);
    each_operation_has_its_canary(stage, &own, report);
    every_pause_ends(report);
    stops_end_soon(stage, report, ordeal);
}

/// The step, of calls that reached the vendor and may change something.
fn write_of(record: &Record) -> Option<StepId> {
    record.step().filter(|_| record.kind == Kind::Write && record.answer != Answer::NotSent)
}

/// 1: what is reported as verified was seen, and the world was so when it was seen.
fn verified_was_seen(stage: &Stage, own: &[&Record], report: &Report) {
    for (at, outcome) in &report.outcomes {
        let (id, status) = (outcome.id(), outcome.status);
        if outcome.verified != Verified::True {
            let Policy { write, verify, plan_id, .. } = &stage.policy;
            let must_be_verified = write.reads() && verify.reads(plan_id, &org_id(id.org as usize));
            assert!(!(must_be_verified && status.is_well()), "{id:?} is {status} without a read-back");
            continue;
        }
        let shown = own.iter().rev().find_map(|record| match &record.answer {
            Answer::Shown(shown) if record.step() == Some(id) && record.until <= Some(*at) => Some(shown),
            _ => None,
        });
        let shown = shown.unwrap_or_else(|| panic!("{id:?} is {status}, and it was never read"));
        assert!(stage.is_as_wanted(id, shown), "{id:?} is {status}, and was seen as {shown:?}");
    }
}

/// 2: as many intents are durable by the time of a write as there are writes.
fn every_write_has_a_durable_intent(ledger: &[Record], entries: &[(Entry, Option<Duration>)]) {
    let mut writes: HashMap<StepId, usize> = HashMap::new();
    let mut intents: HashMap<StepId, Vec<Duration>> = HashMap::new();
    for (entry, durable) in entries {
        if let (Entry::Intent { index, place, .. }, Some(durable)) = (entry, durable) {
            intents.entry(StepId { org: *index, place: *place }).or_default().push(*durable);
        }
    }
    for record in ledger {
        let Some(id) = write_of(record) else { continue };
        let writes = writes.entry(id).or_default();
        *writes += 1;
        let intents = intents.get(&id).into_iter().flatten().filter(|durable| **durable <= record.at);
        assert!(intents.count() >= *writes, "write {writes} of {id:?} at {:?} has no intent", record.at);
    }
}

/// 3: another write only after a proof that the one before wasn't applied; and so no second effect, while
/// there is no other writer.
fn writes_are_counted_by_proofs(stage: &Stage, ledger: &[Record], entries: &[(Entry, Option<Duration>)]) {
    let mut proofs: HashMap<StepId, usize> = HashMap::new();
    for (entry, _) in entries {
        if let Entry::Step { index, place, inputs, .. }
        | Entry::Outcome { inputs, outcome: OrgOutcome { index, place, .. } } = entry
        {
            let is_proof = |input: &&Input| matches!(input, Input::NotApplied | Input::StillAsBefore { .. });
            *proofs.entry(StepId { org: *index, place: *place }).or_default() +=
                inputs.iter().filter(is_proof).count();
        }
    }
    let (mut writes, mut effects): (HashMap<StepId, usize>, HashMap<StepId, usize>) = Default::default();
    for record in ledger {
        *write_of(record).map_or(&mut 0, |id| writes.entry(id).or_default()) += 1;
        let effect = record.step().filter(|_| record.applied.is_some());
        *effect.map_or(&mut 0, |id| effects.entry(id).or_default()) += 1;
    }
    for (id, writes) in writes {
        let proofs = proofs.get(&id).copied().unwrap_or_default();
        assert!(writes <= 1 + proofs, "{id:?}: {writes} writes, {proofs} proofs");
    }
    let world = stage.world.lock();
    for (id, effects) in effects {
        let settings = &world.orgs[id.org as usize].objects[usize::from(id.place)];
        assert!(
            effects <= 1 || settings.edited,
            "{id:?} was changed twice: {:#?}",
            ledger.iter().filter(|record| record.step() == Some(id)).collect::<Vec<_>>()
        );
    }
}

/// 7: what has its final word is not even read, but for what was applied, at the end of its wave; and what a row expects of
/// it, before another step is taken.
fn settled_steps_are_left_alone(stage: &Stage, own: &[&Record], report: &Report) {
    let again = own.iter().find(|record| {
        let Some(id) = record.step() else { return false };
        let Some(status) = report.settled.get(&id) else { return false };
        let is_applied = matches!(status, Status::Applied | Status::AppliedWithWarnings);
        let may_read = is_applied || stage.expects(id.org).contains(&id.place);
        !(may_read && record.kind == Kind::Read)
    });
    assert!(again.is_none(), "a settled step was taken again: {again:?}");
}

/// 8.
fn never_two_writes_in_flight(stage: &Stage, ledger: &[Record]) {
    let world = stage.world.lock();
    let mut last: HashMap<u32, &Record> = HashMap::new();
    for record in ledger {
        let Some(StepId { org, .. }) = write_of(record) else { continue };
        let Some(before) = last.insert(org, record) else { continue };
        // What another writer set as desired hides that a write is still in progress.
        if before.step() != record.step()
            && world.orgs[org as usize].objects[usize::from(before.place)].edited
        {
            continue;
        }
        // An abandoned call was in progress until it took effect, or not at all.
        let until = before.until.filter(|_| before.process == record.process);
        let until = until.max(before.applied).unwrap_or(before.at);
        assert!(until <= record.at, "two writes in flight: {before:#?} {record:#?}");
    }
}

/// 4: one final word an org, the worst of its steps; and a count of all rows.
fn each_org_has_one_outcome(stage: &Stage, store: &Store, report: &Report) {
    let mut finished = HashSet::new();
    let mut known = report.settled.clone();
    let mut outcomes = report.outcomes.iter().peekable();
    for (at, event) in &report.events {
        while let Some((_, outcome)) = outcomes.next_if(|(when, _)| when <= at) {
            known.insert(outcome.id(), outcome.status);
        }
        if let EventKind::OrgFinished { index, status, .. } = event {
            assert!(finished.insert(*index), "org {index} ended twice");
            let worst = stage
                .steps(*index)
                .filter_map(|id| known.get(&id))
                .max_by_key(|status| status.severity())
                .expect("a step has ended");
            let has_all = stage.steps(*index).all(|id| known.contains_key(&id));
            assert!(
                worst == status || !has_all && worst.is_well(),
                "org {index} is {status}, and was {worst}"
            );
        }
    }
    let Some(ended) = &report.ended else { return };
    assert_eq!(ended.counts.total(), stage.index.len() as u64);
    if store.has_failed() {
        return;
    }
    let recorded = store.recorded();
    let status_of = |id: StepId| {
        let OnDisk { state, outcome, .. } = recorded.get(&id)?;
        let is_in_doubt = state.is_open() || state.status() == Some(Status::Unknown);
        outcome.as_ref().map(|outcome| outcome.status).or(is_in_doubt.then_some(Status::Unknown))
    };
    let status = |(org, entry): (u32, &IndexEntry)| {
        let of_step = |id| status_of(id).unwrap_or(Status::NotAttempted);
        let worst = || stage.steps(org).map(of_step).chain(entry.rest).max_by_key(|status| status.severity());
        entry.verdict.status().or_else(worst).expect("it has a step")
    };
    let counts: Counts = (0..).zip(&stage.index).map(status).collect();
    assert_eq!(ended.counts, counts);
}

/// An org's steps are taken in their order: none is sent before those before it have ended; and well, unless they are to
/// keep going.
fn steps_come_one_after_another(stage: &Stage, own: &[&Record], report: &Report) {
    let ended: HashMap<StepId, (Duration, Status)> =
        report.outcomes.iter().map(|(at, outcome)| (outcome.id(), (*at, outcome.status))).collect();
    for record in own {
        let Some(id) = write_of(record) else { continue };
        for before in stage.steps(id.org).filter(|before| before.place < id.place) {
            let settled = report.settled.get(&before).map(|status| (Duration::ZERO, *status));
            match settled.or_else(|| ended.get(&before).copied()) {
                Some((at, status)) if at <= record.at => {
                    assert!(stage.policy.keep_going || status.is_well(), "{id:?} was sent after {status}");
                }
                // Its doubt was settled first.
                _ if stage.policy.keep_going && report.open.contains(&id) => {}
                _ => panic!("{id:?} was sent at {:?}, and {before:?} had not ended", record.at),
            }
        }
    }
}

/// Whether a step's status says that a write may have been applied.
fn is_written(status: Status) -> bool {
    matches!(status, Status::Applied | Status::AppliedWithWarnings | Status::Diverged)
}

/// An org is written only if all that its row expects was seen: of each operation before its first write, and of each step's
/// own before its writes.
fn expects_were_seen(stage: &Stage, ledger: &[Record], report: &Report) {
    let mut written: HashSet<u32> = HashSet::new();
    let mut shown: HashMap<StepId, &Map<String, Value>> = HashMap::new();
    for record in ledger {
        let Some(id) = record.step() else { continue };
        let is_own = record.process == report.number;
        match &record.answer {
            Answer::Shown(settings) if is_own => drop(shown.insert(id, settings)),
            _ if write_of(record).is_some() => {
                // An earlier process may have died between an intent and its send.
                let may_be_written = |other: &StepId| {
                    report.open.contains(other)
                        || report.settled.get(other).is_some_and(|status| is_written(*status))
                };
                let mut others = stage.steps(id.org).filter(|other| *other != id);
                let is_first = written.insert(id.org) && !others.any(|other| may_be_written(&other));
                if !is_own {
                    continue;
                }
                let expects = stage.expects(id.org);
                for place in expects.into_iter().filter(|place| is_first || *place == id.place) {
                    let (name, value) = &stage.objects[usize::from(place)].expected;
                    let seen = shown.get(&StepId { org: id.org, place }).and_then(|shown| shown.get(*name));
                    assert_eq!(seen, Some(value), "{id:?} was written, and {name} expected");
                }
            }
            _ => {}
        }
    }
}

/// 6: no call to an org before its Retry-After has passed, whichever process received it. Not known is only what a
/// process received so shortly before it died that its journal doesn't have it, and what a clock that jumps ahead
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
    let known: HashSet<(u32, Timestamp, Duration)> = entries
        .iter()
        .filter_map(|(entry, _)| match entry {
            Entry::Pause { index: Some(org), pause } => {
                Some((*org, pause.told_at, pause.not_before.since(pause.told_at)))
            }
            _ => None,
        })
        .collect();
    for record in ledger {
        // A plan keeps to it by itself, and has no journal.
        if let (Some(org), Some(until), false) = (record.org, record.until, record.plans)
            && let Answer::Throttled(Some(wait)) | Answer::Unclear(Some(wait)) = record.answer
        {
            let told_at = time_of_day(until, stage.clock_jumps, record.process);
            // The machine may have been suspended between the answer and its being heard.
            let is_same = |at: &Timestamp| *at == told_at || sleeps.contains(&at.since(told_at));
            // Cut to milliseconds, a pause has one more.
            let is_it = |length: Duration| length >= wait && length <= wait + Duration::from_millis(2);
            let is_known = known.iter().any(|(of, at, length)| *of == org && is_same(at) && is_it(*length));
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

/// A write is built on a read of this process that was requested less than a minute before it was sent, and since when nothing
/// was sent to the org of which it isn't proven that it was not applied. Where the body shows which read it is, it is that
/// one; else it is the last.
fn writes_are_built_on_new_reads(stage: &Stage, ledger: &[Record], report: &Report) {
    if !stage.policy.write.reads() {
        return;
    }
    let mut seen: HashMap<StepId, usize> = HashMap::new();
    let mut written: HashMap<u32, usize> = HashMap::new();
    for (number, record) in ledger.iter().enumerate() {
        let Some(id) = record.step() else { continue };
        if record.process == report.number && record.kind == Kind::Write {
            let read = record.built_on.or_else(|| seen.get(&id).copied());
            let read = read.unwrap_or_else(|| panic!("{id:?} was written unread"));
            let at = ledger[read].at;
            assert!(ledger[read].step() == Some(id) && ledger[read].process == record.process, "{record:?}");
            assert!(record.at < at + 60 * SECOND, "{id:?}, read at {at:?}: {record:?}");
            let since =
                written.get(&id.org).filter(|written| read < **written).map(|written| &ledger[*written]);
            assert!(since.is_none(), "{id:?}, read at {at:?}, and written since: {since:?}; {record:?}");
        }
        match (&record.answer, record.kind) {
            (Answer::Shown(_), _) => drop(seen.insert(id, number)),
            (Answer::Throttled(_) | Answer::NotSent, Kind::Write) => {}
            (_, Kind::Write) => drop(written.insert(id.org, number)),
            _ => {}
        }
    }
}

/// Of orgs that are in no sample, what was accepted is not read back, unless it is an operation's canary, or another writer
/// was seen to write.
fn only_the_sample_is_read_back(stage: &Stage, own: &[&Record], report: &Report) {
    let Policy { verify, plan_id, .. } = &stage.policy;
    if !matches!(verify, VerifyPolicy::Sample(_)) || stage.policy.has_canary {
        return;
    }
    let statuses = report.outcomes.iter().map(|(_, outcome)| outcome.status);
    let another_writes = statuses
        .chain(report.settled.values().copied())
        .any(|status| matches!(status, Status::Conflict | Status::Diverged));
    let was_written: HashSet<StepId> =
        report.open.iter().copied().chain(report.settled.keys().copied()).collect();
    let mut acked: HashSet<StepId> = HashSet::new();
    for record in own {
        let Some(id) = record.step().filter(|id| !verify.reads(plan_id, &org_id(id.org as usize))) else {
            continue;
        };
        let is_looked_at =
            another_writes || was_written.contains(&id) || stage.expects(id.org).contains(&id.place);
        match (&record.answer, record.kind) {
            (Answer::Acked, Kind::Write) => drop(acked.insert(id)),
            (_, Kind::Read) => assert!(!acked.contains(&id) || is_looked_at, "read back: {record:?}"),
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

/// Whether a step's end proves what a write of its operation does: what an earlier process wrote was not compared with all
/// that was there before.
fn is_proof(stage: &Stage, own: &[&Record], outcome: &OrgOutcome) -> bool {
    let is_own = || own.iter().any(|record| write_of(record) == Some(outcome.id()));
    matches!(outcome.status, Status::Applied | Status::AppliedWithWarnings)
        && (!stage.policy.write.reads() || is_own())
}

/// When the first write of any operation was proven.
fn first_proof(stage: &Stage, own: &[&Record], report: &Report) -> Option<Duration> {
    let mut proofs = report.outcomes.iter().filter(|(_, outcome)| is_proof(stage, own, outcome));
    if report.proven.is_empty() { proofs.next().map(|(at, _)| *at) } else { Some(Duration::ZERO) }
}

/// No write of a wave before the orgs of all lower ones have ended, and none after the budget was spent.
fn waves_come_one_after_another(stage: &Stage, own: &[&Record], report: &Report) {
    let mut waves: HashMap<u32, (u64, u64)> = HashMap::new();
    let (mut current, mut failed) = (0, 0);
    let proven = first_proof(stage, own, report);
    let is_spent = |failed: u64, (of_wave, finished): (u64, u64), proven: bool| match report.budget {
        FailureBudget::Orgs(most) => failed > most,
        FailureBudget::Share(share) if !stage.policy.has_canary => share.is_exceeded_by(of_wave, finished),
        FailureBudget::Share(share) => proven && of_wave > 3 && share.is_exceeded_by(of_wave, finished),
    };
    let failing: HashSet<u32> = report
        .outcomes
        .iter()
        .filter(|(_, outcome)| outcome.status.spends_budget())
        .map(|(_, outcome)| outcome.index)
        .collect();
    for (at, event) in &report.events {
        match event {
            EventKind::WaveStarted { wave, .. } => {
                assert!(*wave > current, "wave {wave} after {current}");
                let before = waves.get(&current).copied().unwrap_or_default();
                let proven = proven.is_some_and(|proven| proven <= *at);
                assert!(
                    current == 0 || !is_spent(failed, before, proven),
                    "wave {wave} after a spent budget"
                );
                let early = own.iter().find(|record| {
                    record.at < *at
                        && write_of(record).is_some_and(|id| stage.index[id.org as usize].wave == *wave)
                });
                if let Some(record) = early {
                    // Only a write that an earlier process was in doubt about is settled before its wave.
                    let org = write_of(record).expect("found as a write").org;
                    let was_open = report.events.iter().any(|(when, event)| {
                        when <= at && matches!(event, EventKind::OrgFinished { index, .. } if *index == org)
                    });
                    assert!(was_open, "org {org} was written before its wave {wave}");
                }
                current = *wave;
            }
            EventKind::OrgFinished { index, wave, .. } => {
                let (of_wave, finished) = waves.entry(if current == 0 { 0 } else { *wave }).or_default();
                *finished += 1;
                if failing.contains(index) {
                    *of_wave += 1;
                    failed += 1;
                }
            }
            _ => {}
        }
    }
}

/// Until a write was proven, of any operation, no org is called before the one before it has ended.
fn the_canary_goes_alone(stage: &Stage, own: &[&Record], report: &Report) {
    if !stage.policy.has_canary {
        return;
    }
    let proven = first_proof(stage, own, report);
    let ended: HashMap<u32, Duration> = report
        .events
        .iter()
        .filter_map(|(at, event)| match event {
            EventKind::OrgFinished { index, .. } => Some((*index, *at)),
            _ => None,
        })
        .collect();
    let mut begun: Vec<u32> = Vec::new();
    for record in own {
        let is_rechecked = |id: &StepId| report.settled.contains_key(id);
        let Some(org) = record.step().filter(|id| !is_rechecked(id)).map(|id| id.org) else { continue };
        if begun.contains(&org) {
            continue;
        }
        if proven.is_some_and(|proven| proven <= record.at) {
            return;
        }
        for before in &begun {
            let at = ended.get(before).copied().unwrap_or_else(|| {
                panic!("org {org} was begun at {:?}, and the canary {before} never ended", record.at)
            });
            assert!(at <= record.at, "org {org} was begun at {:?} beside the canary {before}", record.at);
        }
        begun.push(org);
    }
}

/// Until a write of an operation was proven, no org begins a step of it before the org before it has ended its own; and none
/// at all after one that ended badly, or after three that were rejected in a row.
fn each_operation_has_its_canary(stage: &Stage, own: &[&Record], report: &Report) {
    if !stage.policy.has_canary {
        return;
    }
    for place in (0..stage.policy.operations.count()).filter(|place| !report.proven.has(*place)) {
        let of_it = |id: &StepId| id.place == place && !report.settled.contains_key(id);
        let ended: Vec<&(Duration, OrgOutcome)> =
            report.outcomes.iter().filter(|(_, outcome)| outcome.place == place).collect();
        let mut begun: Vec<u32> = Vec::new();
        for record in own {
            // A read may be of what the row expects, before another step.
            let is_its_own =
                |id: &StepId| record.kind == Kind::Write || !stage.expects(id.org).contains(&place);
            let Some(StepId { org, .. }) = record.step().filter(|id| of_it(id) && is_its_own(id)) else {
                continue;
            };
            if begun.contains(&org) {
                continue;
            }
            let mut rejected = 0;
            let mut is_proven = false;
            for (_, outcome) in ended.iter().filter(|(at, outcome)| *at <= record.at && outcome.index != org)
            {
                is_proven |= is_proof(stage, own, outcome);
                if is_proven {
                    break;
                }
                let status = outcome.status;
                rejected = if status == Status::Rejected { rejected + 1 } else { 0 };
                let is_bad = matches!(status, Status::Failed | Status::Diverged | Status::Unknown);
                assert!(
                    !is_bad && rejected < 3,
                    "org {org} was begun after the canary {}: {status}",
                    outcome.index
                );
            }
            if is_proven {
                break;
            }
            for before in &begun {
                let has_ended =
                    ended.iter().any(|(at, outcome)| *at <= record.at && outcome.index == *before);
                assert!(has_ended, "org {org} was begun at {:?} beside the canary {before}", record.at);
            }
            begun.push(org);
        }
    }
}

/// Every event of a pause is followed by one of its end: as soon as the vendor answers, and when the process ends.
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
                assert!(paused, "a pause without a beginning ends at {at:?}");
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
    let latest = match ordeal {
        Ordeal::Drain(at) | Ordeal::MaxDuration(at) => Some(at + most),
        Ordeal::Abort(at) => Some(at + report.slept),
        Ordeal::DrainAndAbort(at, more) => Some(at + more + report.slept),
        Ordeal::Nothing | Ordeal::Dies(_) | Ordeal::DiesAtIntent(..) | Ordeal::JournalFails(_) => None,
    };
    if let (Some(latest), true) = (latest, report.ended.is_some()) {
        let took = report.ended_at.saturating_sub(report.began_at);
        // Timers have whole milliseconds.
        assert!(took <= latest + Duration::from_millis(5), "it took {took:?}, not {latest:?}");
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
    for ((org, entry), live) in (0_u32..).zip(&stage.index).zip(&world.orgs) {
        if entry.verdict != Verdict::Update {
            continue;
        }
        let status_of = |id| recorded.get(&id)?.outcome.as_ref().map(|outcome| outcome.status);
        let ends_badly = |id| status_of(id).is_some_and(|status| status.is_settled() && !status.is_well());
        for id in stage.steps(org) {
            let place = usize::from(id.place);
            let (object, settings) = (&stage.objects[place], &live.objects[place]);
            let status = status_of(id).filter(|status| status.is_settled());
            let is_left = !stage.policy.keep_going && stage.steps(org).any(ends_badly);
            assert!(status.is_some() || is_left, "{id:?} was forgotten");
            if settings.edited {
                continue;
            }
            if status.is_some_and(Status::is_well) {
                assert!(stage.is_as_wanted(id, &settings.live), "{id:?}: {:?}", settings.live);
            }
            let initial = &stage.initial[org as usize][place];
            if stage.policy.write == WriteMode::Merge {
                let wanted = object.wanted(org as usize);
                for (name, value) in initial {
                    let is_managed = wanted.iter().any(|(path, ..)| path.split('.').next() == Some(name));
                    let is_secret = object.secret == Some(name);
                    let now = settings.live.get(name);
                    assert!(is_managed || is_secret || now == Some(value), "{id:?}: {name} became {now:?}");
                }
                if let Some(doors) = initial.get("doorInfoMap") {
                    assert_eq!(settings.live["doorInfoMap"]["back"], doors["back"], "{id:?}");
                }
            }
        }
    }
}
