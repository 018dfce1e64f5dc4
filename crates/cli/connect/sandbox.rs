//! The stand-in API in this process, for `--sandbox`; and the `[sandbox]` table that describes it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use orgwave_client::ApiKey;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_core::secret::SecretText;
use orgwave_sandbox::{Config, OrgSeed, Running, Sandbox};
use serde_json::Value;

use crate::failure::Failure;

/// The name of the file with every request.
const LEDGER: &str = "sandbox-ledger.jsonl";

/// A sandbox that runs in this process.
pub struct InProcess {
    running: Running,
}

impl InProcess {
    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.running.addr().port()
    }

    /// Its key.
    ///
    /// # Errors
    /// Never in fact: the key is a fixed word.
    pub fn api_key(&self) -> Result<ApiKey, Failure> {
        ApiKey::new(&SecretText::new(self.running.api_key().to_owned()))
            .map_err(|error| Failure::new(Exit::BadConfig, "the sandbox's key is unusable").because(error))
    }

    /// Ends it, with its ledger whole.
    pub async fn shutdown(self) {
        if let Err(error) = self.running.shutdown().await {
            tracing::error!(%error, "the sandbox's ledger could not be finished");
        }
    }
}

/// Starts a sandbox with these orgs. Its ledger goes into `folder`, if there is one.
///
/// # Errors
/// 65: the `[sandbox]` table is wrong. 74: the ledger can't be written.
pub async fn serve(
    catalog: &Catalog,
    table: Option<&Value>,
    orgs: Vec<OrgSeed>,
    folder: Option<&Path>,
) -> Result<InProcess, Failure> {
    let mut sandbox = Sandbox::new(catalog, config_of(table)?, orgs)
        .map_err(|error| Failure::new(Exit::BadInput, "the sandbox can't be set up").because(error))?;
    if let Some(folder) = folder {
        let path = folder.join(LEDGER);
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Failure::cannot_write(&path, error))?;
        sandbox = sandbox.copying_ledger_to(std::io::BufWriter::new(file));
    }
    let running = sandbox.start(([127, 0, 0, 1], 0).into()).await.map_err(|error| {
        Failure::new(Exit::Unreachable, "the sandbox can't listen on loopback").because(error)
    })?;
    Ok(InProcess { running })
}

/// The configuration that a `[sandbox]` table describes.
///
/// # Errors
/// 65.
pub fn config_of(table: Option<&Value>) -> Result<Config, Failure> {
    table.map_or_else(
        || Ok(Config::default()),
        |table| {
            serde_json::from_value(table.clone())
                .map_err(|error| Failure::new(Exit::BadInput, "[sandbox] of the rollout file").because(error))
        },
    )
}
