//! For tests in another process: the ledger, the states, and what a test does to the world. No key is needed; the
//! server listens on loopback only.
//!
//! | request | does |
//! |---|---|
//! | `GET /ledger` | the ledger as JSON lines; `?since=N` after entry N; `?states=no` without settings |
//! | `GET /totals` | how many requests there were of each kind |
//! | `GET /state/ORG` | the org's settings, secrets as fingerprints; `?operation=NAME` of another operation than the default one |
//! | `POST /admin/edit/ORG` | another writer sets the fields of this JSON object; `?operation=NAME` |
//! | `GET /admin/faults` | the faults on duty, a line each |
//! | `POST /admin/faults` | adds faults, a line each, behind those that are there |
//! | `DELETE /admin/faults` | takes all faults away |

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::fault::{Fault, ParseFaultError};
use crate::ledger::redacted;
use crate::reply::{HttpReply, JSON};
use crate::served::Target;
use crate::world::World;
use crate::world::org::Org;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/ledger", get(ledger))
        .route("/totals", get(totals))
        .route("/state/{org}", get(state))
        .route("/admin/edit/{org}", post(edit))
        .route("/admin/faults", get(faults).post(arm).delete(disarm))
}

fn text(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    HttpReply { content_type, ..HttpReply::json(status, body) }.into()
}

const PLAIN: &str = "text/plain; charset=utf-8";

async fn ledger(State(world): State<Arc<World>>, RawQuery(query): RawQuery) -> Response {
    let (mut since, mut states) = (0, true);
    for pair in query.iter().flat_map(|query| query.split('&')) {
        match pair.split_once('=') {
            Some(("since", number)) => match number.parse() {
                Ok(number) => since = number,
                Err(_) => return text(400, PLAIN, "since is the number of an entry\n"),
            },
            Some(("states", "no")) => states = false,
            _ => return text(400, PLAIN, "known are since=N and states=no\n"),
        }
    }
    let mut lines = String::new();
    for entry in world.ledger.since(since) {
        lines += &if states { entry.to_json() } else { entry.to_short_json() };
        lines.push('\n');
    }
    text(200, "application/x-ndjson", lines)
}

async fn totals(State(world): State<Arc<World>>) -> Response {
    let totals = serde_json::to_vec(&world.ledger.totals()).unwrap_or_default();
    text(200, JSON, totals)
}

fn org<'a>(world: &'a World, id: &str) -> Option<&'a Arc<Org>> {
    world.org(&id.parse().ok()?)
}

/// The operation that a query names, or the default one.
fn target<'a>(world: &'a World, query: Option<&str>) -> Option<&'a Target> {
    let Some(query) = query else { return Some(&world.served.default_one) };
    query.strip_prefix("operation=").and_then(|name| world.served.target(name))
}

fn unknown_operation() -> Response {
    text(400, PLAIN, "known is operation=NAME, the name of an operation\n")
}

async fn state(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(org) = org(&world, &id) else { return text(404, PLAIN, "no such org\n") };
    let Some(target) = target(&world, query.as_deref()) else { return unknown_operation() };
    let settings = org.lock().settings(org, &world.config, target);
    let shown = redacted(&target.operation, &settings);
    text(200, JSON, shown.map_or_else(String::new, |shown| shown.get().to_owned()))
}

async fn edit(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let Some(org) = org(&world, &id) else { return text(404, PLAIN, "no such org\n") };
    let Some(target) = target(&world, query.as_deref()) else { return unknown_operation() };
    match serde_json::from_slice::<Map<String, Value>>(&body) {
        Ok(patch) => {
            world.edit(org, &mut org.lock(), target, &patch);
            text(200, PLAIN, "")
        }
        Err(error) => text(400, PLAIN, format!("no JSON object: {error}\n")),
    }
}

async fn faults(State(world): State<Arc<World>>) -> Response {
    let lines: Vec<String> = world.armed().iter().map(ToString::to_string).collect();
    text(200, PLAIN, lines.join("\n"))
}

async fn arm(State(world): State<Arc<World>>, body: String) -> Response {
    let lines = body.lines().filter(|line| !line.trim().is_empty());
    let faults: Result<Vec<Fault>, ParseFaultError> = lines.map(str::parse).collect();
    match faults {
        Ok(faults) => {
            for fault in faults {
                world.arm(fault);
            }
            text(200, PLAIN, "")
        }
        Err(error) => text(400, PLAIN, format!("{error}\n")),
    }
}

async fn disarm(State(world): State<Arc<World>>) -> Response {
    world.disarm();
    text(200, PLAIN, "")
}
