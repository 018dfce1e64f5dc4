//! From HTTP to the world and back.
//!
//! A vendor call goes through two steps: it is *admitted* by its headers alone (key, org, bucket, fault), and, once its
//! body is there and the latency has passed, *decided*. From then on it is in the ledger. The decision is taken
//! even if the caller has hung up meanwhile, as a real server would.

mod admin;
mod admit;
mod lists;
mod settings;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::response::Response;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use self::admit::{Admitted, Arrival};
use crate::fault::{Act, Armed};
use crate::received::Received;
use crate::reply::HttpReply;
use crate::served::Call;
use crate::wire::Wire;
use crate::world::World;

/// No real update comes near it; a body above it is answered with 413.
const BODY_CAP: usize = 16 << 20;

/// What the caller gets, and the fault that may hold it back.
pub(crate) struct Outgoing {
    response: Response,
    armed: Option<Arc<Armed>>,
}

impl Outgoing {
    async fn into_response(self) -> Response {
        if let Some(armed) = self.armed {
            if let Some(delay) = armed.fault.delay {
                tokio::time::sleep(delay.0.get()).await;
            }
            armed.held().await;
        }
        self.response
    }
}

/// The connection takes it from here and writes it itself.
impl From<Wire> for Response {
    fn from(wire: Wire) -> Self {
        let mut response = Self::default();
        response.extensions_mut().insert(wire);
        response
    }
}

impl From<HttpReply> for Response {
    fn from(reply: HttpReply) -> Self {
        let mut response = Self::new(Body::from(reply.body));
        *response.status_mut() = hyper::StatusCode::from_u16(reply.status).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
        for (name, value) in reply.headers {
            // A scripted Content-Type replaces ours; anything else may be several times.
            if name == CONTENT_TYPE {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
        response
    }
}

/// All routes. Those of the vendor are looked up by their paths, which are data.
pub(crate) fn router(world: Arc<World>) -> Router {
    admin::routes()
        .method_not_allowed_fallback(|State(world): State<Arc<World>>, request: Request| async move {
            stray(&world, request, 405, "Method not allowed")
        })
        .fallback(|State(world): State<Arc<World>>, request: Request| async move {
            match world.served.call(request.uri().path()).cloned() {
                None => stray(&world, request, 404, "No such operation"),
                Some(_) if request.method() != Method::POST => {
                    stray(&world, request, 405, "Method not allowed")
                }
                Some(call) => vendor(world, call, request).await,
            }
        })
        .layer(DefaultBodyLimit::max(BODY_CAP))
        .with_state(world)
}

/// A request that is no operation's; it is in the ledger all the same.
fn stray(world: &World, request: Request, status: u16, message: &str) -> Response {
    let at = Instant::now();
    let (parts, _) = request.into_parts();
    let call = Arrival::arrive(world, None, parts.uri.path().to_owned().into(), &parts.headers);
    let reply = HttpReply::refused(status, message, call.entry.at_ms);
    let reply = call.refuse(world, reply);
    show(world, || Received::new(at, None, &parts, Bytes::new()));
    reply.into()
}

/// Shows a request to the observer, if there is one.
fn show(world: &World, received: impl FnOnce() -> Received) {
    if let Some(watch) = &world.watch {
        watch(received());
    }
}

/// Does what the call asks for, as far as its fault lets it.
fn decide(admitted: Admitted, world: &Arc<World>, body: &Bytes) -> Outgoing {
    match admitted.call.clone() {
        Call::Read(document) => settings::read(admitted, document, world, body),
        Call::Write(target) => settings::write(admitted, &target, world, body),
        Call::List(route) => {
            let reply = lists::answer(&admitted, route, world, body);
            admitted.finish(world, reply)
        }
    }
}

async fn vendor(world: Arc<World>, called: Call, request: Request) -> Response {
    let at = Instant::now();
    let _in_progress = world.begin();
    let (parts, body) = request.into_parts();
    let call = Arrival::arrive(&world, Some(&called), parts.uri.path().to_owned().into(), &parts.headers);
    let received = |body: &Bytes| Received::new(at, Some(called.route()), &parts, body.clone());
    let call = match call.admit(&world, &called, &parts.headers) {
        Ok(call) => call,
        Err(reply) => {
            show(&world, || received(&Bytes::new()));
            return reply.into();
        }
    };
    let is_dropped = call.fault().is_some_and(|fault| fault.act == Act::Drop);
    let whole = if is_dropped {
        Ok(Bytes::new())
    } else {
        Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await
    };
    let body = match whole {
        Ok(body) => body,
        Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => {
            let reply = HttpReply::refused(413, "Payload too large", call.at_ms());
            return call.refuse(&world, reply).into();
        }
        // It never came whole, the caller is gone, and the ledger holds whole requests.
        Err(_) => return HttpReply::bad_request("The body broke off").into(),
    };
    let latency = world.config.latency.of(world.config.seed, call.request());
    let outgoing = if latency.is_zero() {
        decide(call, &world, &body)
    } else {
        let (world, body) = (Arc::clone(&world), body.clone());
        let decision = tokio::spawn(async move {
            tokio::time::sleep(latency).await;
            decide(call, &world, &body)
        });
        let Ok(outgoing) = decision.await else { return HttpReply::of_status(500, 0).into() };
        outgoing
    };
    show(&world, || received(&body));
    outgoing.into_response().await
}
