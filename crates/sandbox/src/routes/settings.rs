//! The pair that matters: reading an org's settings, and updating them.
//!
//! An org is locked from the look at its settings until the ledger has the entry: so the ledger's order is the order
//! of the org's states.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Body, Class, Operation, Owner};
use serde_json::json;
use serde_json::value::RawValue;

use super::Outgoing;
use super::admit::Admitted;
use crate::fault::{Act, Applied, Fault};
use crate::ledger::{LedgerEntry, LedgerEvent};
use crate::members::{Members, raw};
use crate::reply::HttpReply;
use crate::served::{Call, Target};
use crate::tree;
use crate::world::org::{Org, State, settings_in};
use crate::world::update::{Rules, update};
use crate::world::view::{self, View};
use crate::world::{World, kept, micros};

const MISMATCH: &str = "JSON doesn't match expected object structure";

pub(super) fn read(mut call: Admitted, document: usize, world: &Arc<World>, body: &[u8]) -> Outgoing {
    let fault = call.fault().cloned();
    let org = Arc::clone(&call.org);
    let mut state = org.lock();
    if let Some(fault) = &fault {
        let before = state.document(&org, &world.config, document);
        freeze(world, &mut state, fault, document, before);
        meddle(world, &org, &mut state, fault, &call.call);
    }
    let current = state.document(&org, &world.config, document);
    call.entry().state = Some(world.kept(document, &current));
    if serde_json::from_slice::<Members>(body).is_err() {
        return call.finish(world, HttpReply::bad_request(MISMATCH));
    }
    let fault = fault.as_ref();
    let base = match fault.filter(|fault| fault.act == Act::OtherOrg) {
        Some(fault) => other_org(world, &org, document, fault.org.map(|other| other.0)),
        None => state.frozen(document, call.at()).unwrap_or_else(|| current.clone()),
    };
    let mut shown = base;
    for operation in &world.served.document(document).operations {
        // A fault that names an operation is about its settings alone.
        let fault =
            fault.filter(|fault| fault.operation.as_ref().is_none_or(|name| **name == *operation.name));
        if let Some(changed) = shown_of(&org, operation, fault, &shown) {
            shown = changed;
        }
    }
    let only = world.served.document(document).only();
    let is_shown = only.is_none_or(|operation| is_object(&settings_in(&shown, operation)));
    if shown != current && is_shown {
        call.entry().seen = Some(world.kept(document, &shown));
    }
    call.finish(world, HttpReply::json(200, answered(&shown)))
}

/// The document as it shows the settings of an operation; `None` where it shows them as they are.
fn shown_of(org: &Org, operation: &Operation, fault: Option<&Fault>, document: &Bytes) -> Option<Bytes> {
    let put = |settings: Option<&RawValue>| Some(tree::put(document, &operation.at, settings));
    match fault.map(|fault| fault.act) {
        Some(Act::SettingsNull) => return put(Some(RawValue::NULL)),
        Some(Act::SettingsAbsent) => return put(None),
        _ if !org.is_connected(operation) => return put(Some(RawValue::NULL)),
        _ => {}
    }
    let view = View {
        masked: org.traits.masked_secrets || is(fault, Act::Masked),
        hidden: org.traits.hidden_secrets,
        org_uuid_absent: org.traits.org_uuid_absent,
        reshaped: is(fault, Act::Reshaped),
    };
    let settings = view::of(operation, view, &settings_in(document, operation));
    let shown = settings.and_then(|settings| put(serde_json::from_slice(&settings).ok()));
    match &operation.owner {
        Owner::Beside(at) if view.org_uuid_absent => {
            Some(tree::put(shown.as_ref().unwrap_or(document), at, None))
        }
        _ => shown,
    }
}

fn is(fault: Option<&Fault>, act: Act) -> bool {
    fault.is_some_and(|fault| fault.act == act)
}

fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{')
}

/// A document as a reply: an object, and what every reply says besides.
fn answered(document: &[u8]) -> Bytes {
    let inside = document.trim_ascii().strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    let inside = inside.unwrap_or_default();
    let comma: &[u8] = if inside.is_empty() { b"" } else { b"," };
    [b"{", inside, comma, br#""error":false,"errorMsg":null,"warningMsg":null}"#].concat().into()
}

/// What an org has that a fault names, or the next in the list.
fn other_org(world: &World, org: &Org, document: usize, named: Option<Ruuid>) -> Bytes {
    let next = || {
        let place = world.clients.iter().position(|client| client.id == org.id)?;
        world.clients.iter().cycle().nth(place + 1)
    };
    let other = named.map_or_else(next, |id| world.org(&id)).filter(|other| other.id != org.id);
    let other = other.unwrap_or(&world.partner);
    // The caller's org is locked. Two such reads could wait for each other's org for ever, so this never waits: an org
    // that is busy shows what it started with.
    match other.try_lock() {
        Some(mut state) => state.document(other, &world.config, document),
        None => State::default().document(other, &world.config, document),
    }
}

/// From now on reads show what was there before.
fn freeze(world: &World, state: &mut State, fault: &Fault, document: usize, before: Bytes) {
    if let Some(stale) = fault.stale {
        state.freeze(document, before, world.clock.now() + stale.0.get());
    }
}

/// What changes in the org meanwhile, by another writer or by itself: to the settings that the fault names, or the first that the call is about.
fn meddle(world: &World, org: &Org, state: &mut State, fault: &Fault, call: &Call) {
    let first = world.served.operations(call).first();
    let name = fault.operation.as_deref().or(first.map(|operation| &*operation.name));
    let Some(target) = name.and_then(|name| world.served.target(name)) else { return };
    if let Some(field) = &fault.flip {
        world.flip(org, state, target, field);
    }
    if let Some(patch) = &fault.edit {
        world.edit(org, state, target, &patch.0.0);
    }
}

pub(super) fn write(mut call: Admitted, target: &Target, world: &Arc<World>, body: &Bytes) -> Outgoing {
    let operation = &target.operation;
    let fault = call.fault().cloned();
    let applied = fault.as_ref().map_or(Applied::Now, Fault::applied);
    let org = Arc::clone(&call.org);
    let mut state = org.lock();
    let before = state.document(&org, &world.config, target.document);
    call.entry().state = Some(world.kept(target.document, &before));
    let current = Members::parse(&settings_in(&before, operation)).unwrap_or_default();
    let sent = match sent(world, operation, body, &org, &current) {
        Ok((raw, sent)) => {
            call.entry().sent = Some(kept(operation, raw));
            sent
        }
        Err(Refusal::Shape) if world.config.ignore_wrong_shape => {
            return call.finish(world, success(operation, &before, None));
        }
        Err(refusal) => return call.finish(world, refusal.into()),
    };
    if !org.is_connected(operation) {
        let reply = json!({"authError": false, "error": true, "errorMsg": format!("{} is not connected", operation.title)});
        return call.finish(world, HttpReply::json(200, reply.to_string()));
    }
    if let Applied::After(late) = applied {
        let entry = LedgerEntry { event: LedgerEvent::LateApply, fault: None, ..call.entry().clone() };
        let due = call.at() + late.get();
        let (world, org) = (Arc::clone(world), Arc::clone(&org));
        tokio::spawn(apply_late(world, org, target.clone(), sent.clone(), entry, due));
    }
    let next = updated(world, &org, operation, &current, sent);
    let after = tree::put(&before, &operation.at, Some(&raw(&next)));
    if applied == Applied::Now {
        state.put(target.document, after.clone());
        call.entry().applied = Some(true);
        call.entry().state = Some(world.kept(target.document, &after));
    }
    if let Some(fault) = &fault {
        freeze(world, &mut state, fault, target.document, before);
    }
    let meddling = call.call.clone();
    let echoed = is(fault.as_ref(), Act::Echo).then_some(&next);
    let answer = call.finish(world, success(operation, &after, echoed));
    if let Some(fault) = &fault {
        meddle(world, &org, &mut state, fault, &meddling);
    }
    answer
}

/// Why an update is refused.
enum Refusal {
    /// The body isn't as it should be.
    Shape,
    /// It asks for what can't be.
    Said(String),
}

impl From<Refusal> for HttpReply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Shape => Self::bad_request(MISMATCH),
            Refusal::Said(why) => Self::bad_request(&why),
        }
    }
}

/// The settings that a body holds, as sent and parsed.
fn sent(
    world: &World,
    operation: &Operation,
    body: &Bytes,
    org: &Org,
    current: &Members,
) -> Result<(Bytes, Members), Refusal> {
    let shape = |_| Refusal::Shape;
    let raw = match &operation.wrap {
        Some(wrap) => {
            let body_members: BTreeMap<String, &RawValue> = serde_json::from_slice(body).map_err(shape)?;
            body.slice_ref(body_members.get(&**wrap).ok_or(Refusal::Shape)?.get().as_bytes())
        }
        None => body.clone(),
    };
    let members = Members::parse(&raw).map_err(shape)?;
    if members.wrong_type_besides(operation, current).is_some() {
        return Err(Refusal::Shape);
    }
    let owner = operation.owner.inside();
    let id = owner
        .and_then(|owner| members.get(owner))
        .and_then(|id| serde_json::from_str::<Option<Ruuid>>(id.get()).ok().flatten());
    if id.is_some_and(|id| id != org.id) {
        let owner = owner.unwrap_or_default();
        return Err(Refusal::Said(format!("{owner} is not the organization of this call")));
    }
    if world.config.strict
        && let Some((name, _)) =
            members.0.iter().find(|(name, value)| is_foreign(operation, name, value, current))
    {
        return Err(Refusal::Said(format!("{name} can't be set")));
    }
    Ok((raw, members))
}

/// Whether a sent member is none of the caller's.
fn is_foreign(operation: &Operation, name: &str, sent: &RawValue, current: &Members) -> bool {
    match operation.fields.get(name).map(|field| field.class) {
        None => operation.body == Body::Projected,
        Some(Class::Omit) => true,
        Some(class) => !class.is_settable() && current.get(name).map(RawValue::get) != Some(sent.get()),
    }
}

fn updated(world: &World, org: &Org, operation: &Operation, current: &Members, sent: Members) -> Members {
    let rules = Rules {
        operation,
        server: world.config.server,
        blank_absent: world.config.blank_absent,
        secrets_shown: !org.traits.masked_secrets && !org.traits.hidden_secrets,
        now_ms: (!world.config.unaudited).then(|| world.clock.epoch_ms(world.clock.now())),
    };
    update(rules, current, sent)
}

/// The reply to an update that was understood; `after` is the document that the org then has.
fn success(operation: &Operation, after: &Bytes, echoed: Option<&Members>) -> HttpReply {
    let settings = Members::parse(&settings_in(after, operation)).unwrap_or_default();
    let mut reply = Members::default();
    reply.set("error", &false);
    reply.set("errorMsg", &());
    reply.set("warningMsg", &());
    if operation.write.path.starts_with("/api/integrations/") {
        let doors: Vec<String> = settings
            .get("misconfiguredDoors")
            .and_then(|doors| serde_json::from_str(doors.get()).ok())
            .unwrap_or_default();
        if !doors.is_empty() {
            reply.set("warningMsg", &format!("doors in more than one location: {}", doors.join(", ")));
        }
        reply.set("authError", &false);
        reply.set("failedGuids", &[(); 0]);
        reply.set("misconfiguredDoors", &doors);
    }
    // What some say besides, needed or not.
    let besides = match &*operation.name {
        "org-mfa" | "data-retention" | "login-ip-allowlist" => {
            tree::get(after, "org").map(|org| ("org", org))
        }
        "omnialert" => settings.get("webhookToken").map(|token| ("webhookToken", token)),
        "face-matching" => {
            let name = "faceMatchConfidenceThreshold";
            settings.get(name).map(|threshold| (name, threshold))
        }
        _ => None,
    };
    reply.0.extend(besides.map(|(name, value)| (name.to_owned(), value.to_owned())));
    match (echoed, &operation.wrap) {
        (Some(settings), Some(wrap)) => reply.set(wrap, settings),
        (Some(settings), None) => reply.0.extend(settings.0.clone()),
        (None, _) => {}
    }
    HttpReply::json(200, reply.to_bytes())
}

/// Applies a write that a fault held back, to whatever the org's settings are by then.
async fn apply_late(
    world: Arc<World>,
    org: Arc<Org>,
    target: Target,
    sent: Members,
    mut entry: LedgerEntry,
    due: std::time::Duration,
) {
    tokio::time::sleep(due.saturating_sub(world.clock.now())).await;
    let mut state = org.lock();
    let before = state.settings(&org, &world.config, &target);
    let current = Members::parse(&before).unwrap_or_default();
    let next = updated(&world, &org, &target.operation, &current, sent);
    state.put_settings(&org, &world.config, &target, &raw(&next));
    let after = state.document(&org, &world.config, target.document);
    let now = world.clock.now();
    entry.at_ms = world.clock.epoch_ms(now);
    entry.at_us = micros(now);
    entry.done_us = micros(now);
    entry.applied = Some(true);
    entry.state = Some(world.kept(target.document, &after));
    world.ledger.append(entry);
}
