//! The server that all contenders call: `orgwave sandbox` in another process, no limits, totals only.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::ORGWAVE;
use super::estate::Estate;

/// The path of the write that everybody sends.
const UPDATE: &str = "/api/integrations/serviceManagement/updateEnvoyIntegrationV2";

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    url: String,
    is_slow: bool,
}

impl Server {
    pub(crate) fn start(estate: &Estate, latency: &str) -> Result<Self, String> {
        let mut child = Command::new(ORGWAVE)
            .arg("sandbox")
            .arg(estate.file("on.toml"))
            .args(["--latency", latency])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the sandbox can't be started: {error}"))?;
        let mut first = String::new();
        let stdout = child.stdout.take().ok_or("the sandbox has no output")?;
        BufReader::new(stdout).read_line(&mut first).map_err(|error| error.to_string())?;
        // `10000 orgs at http://127.0.0.1:40000; its key is ...`
        let url = first.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.ok_or_else(|| format!("the sandbox says {first:?}"))?.trim_end_matches(';').to_owned();
        Ok(Self { child, url, is_slow: latency != "0ms" })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) const fn is_slow(&self) -> bool {
        self.is_slow
    }

    pub(crate) fn update_url(&self) -> String {
        format!("{}{UPDATE}", self.url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
