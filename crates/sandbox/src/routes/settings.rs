//! The pair that matters: reading an org's settings, and updating them.
//!
//! An org is locked from the look at its settings until the ledger has the entry: so the ledger's order is the order
//! of the org's states.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use serde_json::json;
use serde_json::value::RawValue;

use super::Outgoing;
use super::admit::Admitted;
use crate::fault::{Act, Applied, Fault};
use crate::ledger::{LedgerEntry, LedgerEvent};
use crate::members::Members;
use crate::reply::HttpReply;
use crate::world::org::{Org, State};
use crate::world::update::{Rules, update};
use crate::world::view::{self, View};
use crate::world::{World, micros};

const MISMATCH: &str = "JSON doesn't match expected object structure";

pub(super) fn read(mut call: Admitted, world: &Arc<World>, body: &[u8]) -> Outgoing {
    let fault = call.fault().cloned();
    let org = Arc::clone(&call.org);
    let mut state = org.lock();
    let before = state.settings(&org, &world.config);
    if let Some(fault) = &fault {
        freeze(world, &mut state, fault, before);
        meddle(world, &org, &mut state, fault);
    }
    let settings = state.settings(&org, &world.config);
    call.entry().state = Some(world.kept(settings.clone()));
    if serde_json::from_slice::<Members>(body).is_err() {
        return call.finish(world, HttpReply::bad_request(MISMATCH));
    }
    let shown = match fault.as_ref().map(|fault| &fault.act) {
        Some(Act::SettingsNull) => Shown::Null,
        Some(Act::SettingsAbsent) => Shown::Absent,
        _ if !org.traits.connected => Shown::Null,
        Some(Act::OtherOrg) => {
            other_org(world, &org, fault.as_ref().and_then(|fault| fault.org).map(|other| other.0))
        }
        _ => Shown::Settings(state.frozen(call.at()).unwrap_or_else(|| settings.clone())),
    };
    let view = View {
        masked: org.traits.masked_secrets || is(fault.as_ref(), Act::Masked),
        hidden: org.traits.hidden_secrets,
        org_uuid_absent: org.traits.org_uuid_absent,
        reshaped: is(fault.as_ref(), Act::Reshaped),
    };
    let reply = match shown {
        Shown::Absent => json!({"error": false, "errorMsg": null, "warningMsg": null}).to_string().into(),
        Shown::Null => wrapped(&world.operation, b"null"),
        Shown::Settings(shown) => {
            let shown = view::of(&world.operation, view, &shown).unwrap_or(shown);
            if shown != settings {
                call.entry().seen = Some(world.kept(shown.clone()));
            }
            wrapped(&world.operation, &shown)
        }
    };
    call.finish(world, HttpReply::json(200, reply))
}

enum Shown {
    Settings(Bytes),
    Null,
    Absent,
}

fn is(fault: Option<&Fault>, act: Act) -> bool {
    fault.is_some_and(|fault| fault.act == act)
}

fn wrapped(operation: &Operation, settings: &[u8]) -> Bytes {
    let open = format!("{{\"{}\":", operation.at);
    let close = br#","error":false,"errorMsg":null,"warningMsg":null}"#;
    [open.as_bytes(), settings, close.as_slice()].concat().into()
}

/// The settings of the org that a fault names, or of the next in the list.
fn other_org(world: &World, org: &Org, named: Option<Ruuid>) -> Shown {
    let next = || {
        let place = world.clients.iter().position(|client| client.id == org.id)?;
        world.clients.iter().cycle().nth(place + 1)
    };
    let other = named.map_or_else(next, |id| world.org(&id)).filter(|other| other.id != org.id);
    let other = other.unwrap_or(&world.partner);
    // The caller's org is locked. Two such reads could wait for each other's org for ever, so this never waits: an org
    // that is busy shows what it started with.
    let settings = match other.try_lock() {
        Some(mut state) => state.settings(other, &world.config),
        None => State::default().settings(other, &world.config),
    };
    Shown::Settings(settings)
}

/// From now on reads show what was there before.
fn freeze(world: &World, state: &mut State, fault: &Fault, before: Bytes) {
    if let Some(stale) = fault.stale {
        state.freeze(before, world.clock.now() + stale.0.get());
    }
}

/// What others, or nobody, do to the org meanwhile.
fn meddle(world: &World, org: &Org, state: &mut State, fault: &Fault) {
    if let Some(field) = &fault.flip {
        world.flip(org, state, field);
    }
    if let Some(patch) = &fault.edit {
        world.edit(org, state, &patch.0.0);
    }
}

pub(super) fn write(mut call: Admitted, world: &Arc<World>, body: &Bytes) -> Outgoing {
    let fault = call.fault().cloned();
    let applied = fault.as_ref().map_or(Applied::Now, Fault::applied);
    let org = Arc::clone(&call.org);
    let mut state = org.lock();
    let before = state.settings(&org, &world.config);
    call.entry().state = Some(world.kept(before.clone()));
    let current = Members::parse(&before).unwrap_or_default();
    let sent = match sent(&world.operation, body, &org, &current) {
        Ok((raw, sent)) => {
            call.entry().sent = Some(world.kept(raw));
            sent
        }
        Err(reply) => return call.finish(world, reply),
    };
    if !org.traits.connected {
        let reply = json!({"authError": false, "error": true, "errorMsg": format!("{} is not connected", world.operation.title)});
        return call.finish(world, HttpReply::json(200, reply.to_string()));
    }
    if let Applied::After(late) = applied {
        let entry = LedgerEntry { event: LedgerEvent::LateApply, fault: None, ..call.entry().clone() };
        let due = call.at() + late.get();
        tokio::spawn(apply_late(Arc::clone(world), Arc::clone(&org), sent.clone(), entry, due));
    }
    let next = updated(world, &org, &current, sent);
    if applied == Applied::Now {
        state.put(next.to_bytes());
        call.entry().applied = Some(true);
        call.entry().state = Some(world.kept(state.settings(&org, &world.config)));
    }
    if let Some(fault) = &fault {
        freeze(world, &mut state, fault, before);
    }
    let answer = call.finish(world, success(&next));
    if let Some(fault) = &fault {
        meddle(world, &org, &mut state, fault);
    }
    answer
}

/// The settings that a body holds, as sent and parsed.
fn sent(
    operation: &Operation,
    body: &Bytes,
    org: &Org,
    current: &Members,
) -> Result<(Bytes, Members), HttpReply> {
    let mismatch = || HttpReply::bad_request(MISMATCH);
    let parsed: BTreeMap<String, &RawValue> = serde_json::from_slice(body).map_err(|_| mismatch())?;
    let settings = parsed.get(&*operation.wrap).ok_or_else(mismatch)?;
    let raw = body.slice_ref(settings.get().as_bytes());
    let members = Members::parse(&raw).map_err(|_| mismatch())?;
    if members.wrong_type_besides(operation, current).is_some() {
        return Err(mismatch());
    }
    let owner = operation.owner.as_deref();
    let id = owner
        .and_then(|owner| members.get(owner))
        .and_then(|id| serde_json::from_str::<Option<Ruuid>>(id.get()).ok().flatten());
    if id.is_some_and(|id| id != org.id) {
        return Err(HttpReply::bad_request(&format!(
            "{} is not the organization of this call",
            owner.unwrap_or_default()
        )));
    }
    Ok((raw, members))
}

fn updated(world: &World, org: &Org, current: &Members, sent: Members) -> Members {
    let rules = Rules {
        operation: &world.operation,
        server: world.config.server,
        secrets_shown: !org.traits.masked_secrets && !org.traits.hidden_secrets,
        now_ms: (!world.config.unaudited).then(|| world.clock.epoch_ms(world.clock.now())),
    };
    update(rules, current, sent)
}

fn success(next: &Members) -> HttpReply {
    let doors: Vec<String> = next
        .get("misconfiguredDoors")
        .and_then(|doors| serde_json::from_str(doors.get()).ok())
        .unwrap_or_default();
    let warning =
        (!doors.is_empty()).then(|| format!("doors in more than one location: {}", doors.join(", ")));
    let body = json!({
        "authError": false,
        "error": false,
        "errorMsg": null,
        "failedGuids": [],
        "misconfiguredDoors": doors,
        "warningMsg": warning,
    });
    HttpReply::json(200, body.to_string())
}

/// Applies a write that a fault held back, to whatever the org's settings are by then.
async fn apply_late(
    world: Arc<World>,
    org: Arc<Org>,
    sent: Members,
    mut entry: LedgerEntry,
    due: std::time::Duration,
) {
    tokio::time::sleep(due.saturating_sub(world.clock.now())).await;
    let mut state = org.lock();
    let before = state.settings(&org, &world.config);
    let current = Members::parse(&before).unwrap_or_default();
    state.put(updated(&world, &org, &current, sent).to_bytes());
    let now = world.clock.now();
    entry.at_ms = world.clock.epoch_ms(now);
    entry.at_us = micros(now);
    entry.done_us = micros(now);
    entry.applied = Some(true);
    entry.state = Some(world.kept(state.settings(&org, &world.config)));
    world.ledger.append(entry);
}
