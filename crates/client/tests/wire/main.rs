//! The client against servers made of bytes: what goes out, and what is made of whatever comes back.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking, as tests do")]

mod connection; // when nothing was sent, and that nothing is sent twice
mod limits; // size, time, and bodies that end too early
mod requests; // the exact requests, and where they never go
mod secrets; // that the key appears nowhere
mod server;

use std::sync::Arc;
use std::time::Duration;

use orgwave_client::{ApiKey, Endpoint, Reader, Setup, Writer};
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use orgwave_core::reply::{Cause, Reply, Unclear};
use orgwave_core::secret::SecretText;
use orgwave_core::timestamp::Timestamp;

use crate::server::Server;

const KEY: &str = "hunter2-the-partners-key";

/// Time enough for everything that isn't meant to run out of it.
const LONG: Duration = Duration::from_secs(20);

/// Time that a test may wait for, and yet enough for an exchange on a busy machine.
const SHORT: Duration = Duration::from_millis(900);

fn setup(endpoint: &str, timeout: Duration) -> Setup {
    let key = ApiKey::new(&SecretText::new(KEY.to_owned())).unwrap();
    let now = || Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
    Setup { timeout, ..Setup::new(endpoint.parse::<Endpoint>().unwrap(), key, now) }
}

fn operation() -> Arc<Operation> {
    Operation::default_one()
}

fn reader(server: &Server) -> Reader {
    Reader::new(&setup(&format!("http://{}", server.address), LONG)).unwrap()
}

fn writer(server: &Server) -> Writer {
    Writer::new(&setup(&format!("http://{}", server.address), LONG)).unwrap()
}

fn hasty_writer(server: &Server) -> Writer {
    Writer::new(&setup(&format!("http://{}", server.address), SHORT)).unwrap()
}

fn org(n: u8) -> Ruuid {
    Ruuid::from_bytes([n; 16])
}

#[track_caller]
fn unclear<T: std::fmt::Debug>(reply: Reply<T>, cause: Cause) -> Unclear {
    match reply {
        Reply::Unclear(unclear) if unclear.cause == cause => unclear,
        other => panic!("expected unclear ({cause:?}), found {other:?}"),
    }
}

#[track_caller]
fn good<T: std::fmt::Debug>(reply: Reply<T>) -> T {
    match reply {
        Reply::Good(answer) => answer,
        other => panic!("expected good, found {other:?}"),
    }
}
