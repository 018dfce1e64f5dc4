//! The server that all contenders call: `orgwave sandbox` in another process, without limits. It keeps totals, and what it
//! was last sent for each org and operation: by these it is proved that all contenders send the same.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use super::ORGWAVE;

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    url: String,
}

/// How many requests there were.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Totals {
    pub(crate) requests: u64,
    /// Writes that changed an org.
    pub(crate) applied: u64,
}

/// The settings that were sent, by org and operation.
pub(crate) type Sent = BTreeMap<(String, String), Value>;

#[derive(Deserialize)]
struct Entry {
    org: String,
    operation_name: String,
    sent: Value,
}

impl Server {
    /// Serves the orgs of a rollout.
    pub(crate) fn start(rollout: &Path, latency: &str) -> Result<Self, String> {
        let mut child = Command::new(ORGWAVE)
            .arg("sandbox")
            .arg(rollout)
            .args(["--latency", latency])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the sandbox can't be started: {error}"))?;
        let mut first = String::new();
        let stdout = child.stdout.take().ok_or("the sandbox has no output")?;
        BufReader::new(stdout).read_line(&mut first).map_err(|error| error.to_string())?;
        // `10000 orgs at http://127.0.0.1:40000; its key is ...`
        let url = first.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.map(|url| url.trim_end_matches(';').to_owned());
        let server = Self { child, url: url.unwrap_or_default() };
        if server.url.is_empty() { Err(format!("the sandbox says {first:?}")) } else { Ok(server) }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn totals(&self) -> Result<Totals, String> {
        serde_json::from_str(&self.get("/totals")?).map_err(|error| format!("the server's totals: {error}"))
    }

    /// What was sent last to each org and operation, of the requests after the first this many.
    pub(crate) fn sent_since(&self, requests: u64) -> Result<Sent, String> {
        let ledger = self.get(&format!("/ledger?since={requests}"))?;
        let entries = ledger.lines().map(|line| {
            let entry: Entry = serde_json::from_str(line).map_err(|error| format!("the ledger: {error}"))?;
            Ok(((entry.org, entry.operation_name), entry.sent))
        });
        entries.collect()
    }

    fn get(&self, path: &str) -> Result<String, String> {
        let address = self.url.trim_start_matches("http://");
        let ask = || {
            let mut stream = TcpStream::connect(address)?;
            write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
            let mut reply = String::new();
            stream.read_to_string(&mut reply).map(|_| reply)
        };
        let reply = ask().map_err(|error| format!("{path} of the server: {error}"))?;
        let (head, body) = reply.split_once("\r\n\r\n").ok_or("the server doesn't speak HTTP")?;
        if head.contains(" 200 ") { Ok(body.to_owned()) } else { Err(format!("{path}: {head}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
