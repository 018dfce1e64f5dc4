//! A client that does no more than write a request and read to the end, so that nothing is fixed on the way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Catalog, Operation};
use orgwave_sandbox::{Config, OrgSeed, Route, Running, SANDBOX_KEY, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Long enough for a slow machine; no test waits for it unless it fails.
pub(crate) fn operation() -> Arc<Operation> {
    Operation::default_one()
}

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What came back until the connection ended, or until a whole reply was there.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// All values of a header, in their order.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// Whether all has come that the head announced; without a length, only the end of the connection says.
    fn is_whole(&self) -> bool {
        let length = self.headers("content-length").first().map(|length| length.parse::<usize>().unwrap());
        self.status == 204 || length.is_some_and(|length| self.body.len() >= length)
    }

    pub(crate) fn settings(&self) -> Value {
        self.json()["orgIntegrationV2"].clone()
    }
}

pub(crate) fn org(place: u8) -> Ruuid {
    Ruuid::from_bytes([place; 16])
}

/// A sandbox with three orgs: `org(1)` "Acme 1" to `org(3)` "Acme 3".
pub(crate) async fn sandbox(config: &str) -> Running {
    let config: Config = toml::from_str(config).unwrap();
    let orgs = (1..=3).map(|place| OrgSeed { org: org(place), name: format!("Acme {place}") }).collect();
    Sandbox::new(&Catalog::built_in(), config, orgs).unwrap().start(([127, 0, 0, 1], 0).into()).await.unwrap()
}

/// One with a single fault.
pub(crate) async fn faulty(line: &str) -> Running {
    let sandbox = sandbox("server = \"merge\"").await;
    sandbox.arm(line.parse().unwrap());
    sandbox
}

/// The headers of a well-behaved call.
pub(crate) fn headers(org: Option<Ruuid>) -> String {
    let org = org.map_or_else(String::new, |org| format!("x-auth-org: {org}\r\n"));
    format!(
        "x-auth-scheme: partner-api-token\r\nx-auth-apikey: {SANDBOX_KEY}\r\ncontent-type: application/json\r\n{org}"
    )
}

pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// Sends a request on a connection of its own, and reads what comes back until it is whole or the connection ends.
pub(crate) async fn send(addr: SocketAddr, request: &str) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(request.as_bytes()).await?;
    timeout(PATIENCE, receive(&mut stream)).await.expect("no reply in time")
}

/// Reads one reply: to its Content-Length, or to the end of the connection where that comes first.
pub(crate) async fn receive(stream: &mut TcpStream) -> io::Result<Reply> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let reply = parse(&bytes);
        if reply.as_ref().is_some_and(Reply::is_whole) {
            return Ok(reply.unwrap());
        }
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return reply.ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend(&buffer[..read]);
    }
}

/// What has come so far, once the head is whole.
fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Reply { status, head, body: bytes[end + 4..].to_vec() })
}

pub(crate) async fn call(
    sandbox: &Running,
    operation: Route,
    org: Option<Ruuid>,
    body: &str,
) -> io::Result<Reply> {
    send(sandbox.addr(), &request("POST", operation.path(&crate::caller::operation()), &headers(org), body))
        .await
}

pub(crate) async fn read(sandbox: &Running, org: Ruuid) -> io::Result<Reply> {
    call(sandbox, Route::Read, Some(org), "{}").await
}

pub(crate) async fn write(sandbox: &Running, org: Ruuid, settings: &Value) -> io::Result<Reply> {
    call(sandbox, Route::Write, Some(org), &json!({"envoySettings": settings}).to_string()).await
}

/// A write that changes something: `enabled` to what it isn't.
pub(crate) async fn toggle(sandbox: &Running, org: Ruuid) -> io::Result<Reply> {
    let enabled = sandbox.state(&org).unwrap()["enabled"] == true;
    write(sandbox, org, &json!({"enabled": !enabled})).await
}

/// Waits until something is so; the sandbox doesn't say when.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let wait = async {
        while !so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
