//! A call as its headers tell it: who it is from, for which org, and whether it is let in.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::json;

use super::Outgoing;
use crate::fault::{Act, Armed, Fault, Header, Occasion};
use crate::ledger::{KeyCheck, LedgerEntry};
use crate::reply::{HttpReply, JSON};
use crate::served::Call;
use crate::wire::Wire;
use crate::world::org::Org;
use crate::world::{World, micros};

/// The vendor's; a partner's begin with `partner-api`, the last goes with a client certificate, which is not looked at here.
const SCHEMES: [&str; 4] = ["api-token", "api", "partner-api-token", "partner-api"];

/// A call that came in.
pub(super) struct Arrival {
    pub(super) at: Duration,
    pub(super) entry: LedgerEntry,
}

/// A call that was let in: to an operation, on an org.
pub(super) struct Admitted {
    arrival: Arrival,
    pub(super) call: Call,
    /// The org of the header; without one, the partner's own.
    pub(super) org: Arc<Org>,
    armed: Option<Arc<Armed>>,
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<Cow<'_, str>> =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    // Two org headers are one text that is no id: which one is meant is ambiguous.
    (!values.is_empty()).then(|| values.join(","))
}

impl Arrival {
    pub(super) fn arrive(
        world: &World,
        call: Option<&Call>,
        path: Cow<'static, str>,
        headers: &HeaderMap,
    ) -> Self {
        let at = world.clock.now();
        let key = match headers.get("x-auth-apikey") {
            None => KeyCheck::Missing,
            Some(key) if world.keys.iter().any(|known| key == known.as_str()) => KeyCheck::Ok,
            Some(_) => KeyCheck::Bad,
        };
        let scheme = headers.get("x-auth-scheme").map(|value| {
            SCHEMES.into_iter().find(|scheme| value.as_bytes() == scheme.as_bytes()).unwrap_or("other")
        });
        let org = text(headers, "x-auth-org").map(|text| {
            // A client that puts its key into the wrong header must not have it written down.
            let holds_key = world.keys.iter().any(|key| text.contains(key));
            if holds_key { "(the key)".into() } else { text.into_boxed_str() }
        });
        let entry = LedgerEntry {
            request: world.next_request(),
            at_ms: world.clock.epoch_ms(at),
            at_us: micros(at),
            path,
            operation: call.map(Call::route),
            operation_name: call.and_then(|call| match world.served.operations(call) {
                [operation] => Some(operation.name.clone()),
                _ => None,
            }),
            org,
            scheme,
            key,
            applied: matches!(call, Some(Call::Write(_))).then_some(false),
            ..LedgerEntry::default()
        };
        Self { at, entry }
    }

    /// Lets the call in, or says why not.
    pub(super) fn admit(
        self,
        world: &World,
        call: &Call,
        headers: &HeaderMap,
    ) -> Result<Admitted, HttpReply> {
        let now_ms = self.entry.at_ms;
        if self.entry.key != KeyCheck::Ok
            || !self.entry.scheme.is_some_and(|scheme| scheme.starts_with("partner-api"))
        {
            return Err(self.refuse(world, HttpReply::of_status(401, now_ms)));
        }
        let org = match &self.entry.org {
            None => Some(&world.partner),
            Some(id) => id.parse().ok().and_then(|id| world.org(&id)).filter(|org| org.traits.access),
        };
        let Some(org) = org.cloned() else {
            return Err(self.refuse(world, HttpReply::of_status(403, now_ms)));
        };
        let client = self.entry.org.is_some().then_some(&*org);
        if let Err(wait) = world.pay(client, self.at) {
            return Err(self.refuse(world, HttpReply::too_many(wait)));
        }
        let json = |value: &HeaderValue| value.as_bytes().starts_with(JSON.as_bytes());
        if !headers.get(CONTENT_TYPE).is_some_and(json) {
            return Err(self.refuse(world, HttpReply::refused(415, "Unsupported media type", now_ms)));
        }
        let armed = world.strike(Occasion {
            route: call.route(),
            operations: world.served.operations(call),
            org: client.map(|org| (org.id, org.name.as_str())),
            request: self.entry.request,
        });
        Ok(Admitted { arrival: self, call: call.clone(), org, armed })
    }

    /// Enters the call as answered with this.
    pub(super) fn refuse(mut self, world: &World, reply: HttpReply) -> HttpReply {
        self.entry.status = Some(reply.status);
        self.entry.retry_after = reply.retry_after();
        self.entry.done_us = micros(world.clock.now());
        world.ledger.append(self.entry);
        reply
    }
}

impl Admitted {
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.armed.as_ref().map(|armed| &armed.fault)
    }

    pub(super) fn at(&self) -> Duration {
        self.arrival.at
    }

    pub(super) fn at_ms(&self) -> u64 {
        self.arrival.entry.at_ms
    }

    pub(super) fn request(&self) -> u64 {
        self.arrival.entry.request
    }

    pub(super) fn entry(&mut self) -> &mut LedgerEntry {
        &mut self.arrival.entry
    }

    pub(super) fn refuse(self, world: &World, reply: HttpReply) -> HttpReply {
        self.arrival.refuse(world, reply)
    }

    /// Puts the fault over the reply, enters the call, and answers.
    pub(super) fn finish(mut self, world: &World, reply: HttpReply) -> Outgoing {
        let Some(armed) = self.armed.take() else {
            return Outgoing { response: self.arrival.refuse(world, reply).into(), armed: None };
        };
        let fault = &armed.fault;
        let title =
            || world.served.operations(&self.call).first().map_or("the service", |first| &first.title);
        let reply = replaced(fault, title, reply, self.arrival.entry.at_ms);
        let entry = &mut self.arrival.entry;
        entry.retry_after = reply.retry_after();
        entry.fault = Some(fault.to_string().into());
        entry.done_us = micros(world.clock.now());
        let wire = Wire::of(fault, &reply);
        entry.status = wire.as_ref().is_none_or(Wire::has_status).then_some(reply.status);
        world.ledger.append(self.arrival.entry);
        if fault.act == Act::Refuse {
            world.refuse(fault.r#for.map_or(Duration::from_secs(2), |pause| pause.0.get()));
        }
        Outgoing { response: wire.map_or_else(|| reply.into(), Into::into), armed: Some(armed) }
    }
}

/// The reply that a fault puts in the place of the plain one.
fn replaced<'t>(fault: &Fault, title: impl Fn() -> &'t str, reply: HttpReply, now_ms: u64) -> HttpReply {
    let msg = |unless_said: &'static str| fault.msg.as_deref().unwrap_or(unless_said).to_owned();
    let list = |text: &Option<String>| -> Vec<String> {
        let parts = text.iter().flat_map(|text| text.split(';'));
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let body = match fault.act {
        Act::Status => return with_status(fault, reply, now_ms),
        Act::Error => json!({"error": true, "errorMsg": msg("The settings could not be saved")}),
        Act::AuthError => {
            json!({"authError": true, "errorMsg": fault.msg.clone().unwrap_or_else(|| format!("{} must be connected again", title()))})
        }
        Act::Warning => json!({
            "authError": false,
            "error": false,
            "errorMsg": null,
            "failedGuids": list(&fault.failed_guids),
            "misconfiguredDoors": list(&fault.misconfigured_doors),
            "warningMsg": fault.msg,
        }),
        Act::Deep => {
            // As a value, it would be dropped level by level, on the stack.
            let depth = fault.depth.map_or(100_000, |depth| depth.0);
            let body = format!("{{\"deep\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            return HttpReply::json(200, body);
        }
        Act::UnknownShape => {
            let client = json!({"orgUuid": "AAAAAAAAAAAAAAAAAAAAAA", "orgName": "Acme", "name": "Acme"});
            json!({"partnerClients": [client]})
        }
        _ => return reply,
    };
    HttpReply::json(200, body.to_string())
}

fn with_status(fault: &Fault, reply: HttpReply, now_ms: u64) -> HttpReply {
    let status = fault.code.map_or(200, |code| code.0.0);
    let mut said = HttpReply::of_status(status, now_ms);
    match &fault.body {
        Some(body) => said.body = Bytes::from(body.clone()),
        None if status == 200 => said.body = reply.body,
        None => {}
    }
    for (name, values) in [(RETRY_AFTER, &fault.retry_after), (LOCATION, &fault.location)] {
        let values = values.iter().flat_map(|values| values.0.clone());
        said.headers.extend(values.map(|value| (name.clone(), value)));
    }
    let lines = fault.header.iter().flat_map(|lines| lines.0.clone());
    said.headers.extend(lines.map(|Header(name, value)| (name, value)));
    said
}
