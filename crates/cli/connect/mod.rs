//! The API, as a command may use it: key, secrets, pace, and the client behind the executor's traits.
//!
//! [`Session`] can only read. Writing takes a [`WritePort`], which `apply` and `resume` alone ask for.

mod api;
mod command;
mod credentials;
mod network;
mod private_file;
mod sandbox;
mod secrets;

use std::collections::BTreeMap;

use orgwave_client::{ApiKey, Endpoint, Reader, Region, Setup, Writer};
use orgwave_core::operation::Catalog;
use orgwave_core::policy::Rate;
use orgwave_core::run::Exit;
use orgwave_core::secret::{Fingerprint, SealKey, SecretName, Secrets};
use orgwave_executor::gate::Gate;
use orgwave_executor::limits::Limits;
use orgwave_executor::ports::TokioClock;
use orgwave_executor::pump::Control;
use orgwave_reporter::Expected;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

pub use api::{ReadPort, WritePort};
pub use credentials::api_key_of;
pub use network::Network;
pub use sandbox::{InProcess, config_of, serve};
pub use secrets::unresolved;

use crate::args::KeyArgs;
use crate::clock;
use crate::failure::Failure;

/// What a command needs to call the API.
pub struct Session {
    /// The operations that are known.
    pub catalog: Catalog,
    /// What plans record and compare: the endpoint's URL, or `sandbox`.
    pub endpoint: String,
    /// The values of the rollout's secrets.
    pub secrets: Secrets,
    /// Pace, pauses and jitter of this process.
    pub gate: Gate<TokioClock>,
    /// What signals ask for.
    pub control: mpsc::Receiver<Control>,
    key: ApiKey,
    setup: Setup,
    /// Kept alive as long as the session.
    pub sandbox: Option<InProcess>,
}

/// A key at an endpoint, as locks tell it from others.
#[derive(Debug, Clone)]
pub struct Partner {
    /// As it is shown.
    pub endpoint: String,
    /// Of the key and the endpoint, however that is written.
    pub digest: String,
    /// Where the ids of orgs mean the same orgs.
    pub realm: String,
}

/// Who calls, and where: known before anything else is.
#[derive(Debug, Clone)]
pub struct Identity {
    endpoint: Endpoint,
    key: ApiKey,
    key_source: String,
    network: Network,
}

impl Identity {
    /// The key and the endpoint that these arguments and this environment give; or the sandbox's.
    ///
    /// # Errors
    /// 78: no key, an unsafe file, an endpoint that isn't allowed.
    pub fn of(args: &KeyArgs, sandbox: Option<&InProcess>) -> Result<Self, Failure> {
        if let Some(sandbox) = sandbox {
            let (endpoint, key) = (Endpoint::sandbox(sandbox.port()), sandbox.api_key()?);
            let key_source = "the sandbox".to_owned();
            return Ok(Self { endpoint, key, key_source, network: Network::default() });
        }
        let endpoint = endpoint_of(args)?;
        let network = Network::of(args, &endpoint)?;
        let (key, key_source) = credentials::api_key(args)?;
        Ok(Self { endpoint, key, key_source, network })
    }

    /// The same, for a rollout that may say which region it is for. It only asserts: a rollout never chooses where a key
    /// is sent. An address that is no region's was chosen by the user, and is taken as it is.
    ///
    /// # Errors
    /// As [`Self::of`]; 78: it is for another region.
    pub fn of_rollout(
        args: &KeyArgs,
        sandbox: Option<&InProcess>,
        region: Option<&str>,
    ) -> Result<Self, Failure> {
        let ours = if sandbox.is_some() { None } else { endpoint_of(args)?.region() };
        if let (Some(region), Some(ours)) = (region, ours)
            && region != ours.to_string()
        {
            let what = format!("the rollout requires region {region}, this command uses {ours}");
            return Err(Failure::new(Exit::BadConfig, what).hint(format!(
                "if the key belongs to that region: --region {region}, or ORGWAVE_REGION={region}"
            )));
        }
        Self::of(args, sandbox)
    }

    /// How its requests get there.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What plans record and compare.
    pub fn endpoint(&self) -> String {
        self.endpoint.to_string()
    }

    /// Tells this key from others.
    pub fn key_fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    /// The key under which a plan is sealed.
    pub fn seal(&self, plan_id: &str) -> SealKey {
        SealKey::derive(self.key.secret(), plan_id)
    }

    /// Whose runs must not overlap with those of this key at this endpoint.
    pub fn partner(&self) -> Partner {
        let endpoint = &self.endpoint;
        let digest = digest(format!("{}\n{}", self.key_fingerprint(), endpoint.canonical()).as_bytes());
        Partner { endpoint: endpoint.to_string(), digest, realm: endpoint.realm() }
    }

    /// Where the key comes from, in words.
    pub fn key_source(&self) -> &str {
        &self.key_source
    }
}

impl Session {
    /// Opens a session: resolves the secrets that the rollout names, sends nothing. `learned` is a rate that
    /// worked before.
    ///
    /// # Errors
    /// 78: an unsafe file, an unresolved secret.
    pub fn open(
        catalog: &Catalog,
        identity: Identity,
        args: &KeyArgs,
        limits: Limits,
        needed: &BTreeMap<SecretName, Option<u64>>,
        sandbox: Option<InProcess>,
        learned: Option<f64>,
    ) -> Result<Self, Failure> {
        let Identity { endpoint, key, network, .. } = identity;
        let secrets = secrets::resolve(args.secrets.as_deref(), needed)?;
        let mut setup = Setup::new(endpoint.clone(), key.clone(), clock::now);
        setup.secrets = secrets.values().cloned().collect();
        network.apply(&mut setup);
        setup.timeout = limits.timeout;
        setup.concurrency = limits.concurrency;
        let gate = Gate::new(
            TokioClock::starting_at(clock::now()).counting_sleep(clock::since_boot),
            limits,
            learned,
        );
        Ok(Self {
            catalog: catalog.clone(),
            endpoint: endpoint.to_string(),
            secrets,
            gate,
            control: crate::signals::listen(),
            key,
            setup,
            sandbox,
        })
    }

    /// A client that can't write.
    ///
    /// # Errors
    /// 78: the system's certificates can't be read.
    pub fn reader(&self) -> Result<ReadPort, Failure> {
        Reader::new(&self.setup).map(ReadPort::new).map_err(no_client)
    }

    /// A client that can.
    ///
    /// # Errors
    /// As [`Self::reader`].
    pub fn writer(&self) -> Result<WritePort, Failure> {
        Writer::new(&self.setup).map(WritePort::new).map_err(no_client)
    }

    /// Tells this key from others.
    pub fn key_fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    /// The key under which a plan is sealed.
    pub fn seal(&self, plan_id: &str) -> SealKey {
        SealKey::derive(self.key.secret(), plan_id)
    }

    /// The pace that costs are reckoned with.
    pub fn expected(&self) -> Expected {
        match (self.gate.limits().rate, self.gate.allowed_rate()) {
            (Rate::Unlimited, _) | (_, None) => Expected::Unlimited,
            (Rate::PerSecond(_), Some(rate)) => Expected::Wanted(rate),
            (Rate::Auto, Some(rate)) if self.sandbox.is_some() => Expected::InSandbox(rate),
            (Rate::Auto, Some(rate)) => Expected::Reached(rate),
        }
    }
}

/// A short name of these bytes.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn no_client(error: orgwave_client::SetupError) -> Failure {
    let is_ours = matches!(error, orgwave_client::SetupError::ClientCertificate(_));
    let failure = Failure::new(Exit::BadConfig, "the HTTP client can't be set up").because(error);
    if is_ours {
        return failure.hint(
            "--client-cert needs the whole chain, the client's certificate first, and --client-key its key",
        );
    }
    failure.hint("install the system's CA certificates (Debian: apt-get install ca-certificates)")
}

/// The endpoint that these arguments mean, as plans and runs record it; as it was typed if it isn't allowed.
pub fn endpoint_in_words(args: &KeyArgs) -> String {
    match endpoint_of(args) {
        Ok(endpoint) => endpoint.to_string(),
        Err(_) => args.endpoint.clone().unwrap_or_default(),
    }
}

fn endpoint_of(args: &KeyArgs) -> Result<Endpoint, Failure> {
    match &args.endpoint {
        Some(url) => url.parse().map_err(|error: orgwave_client::EndpointError| {
            Failure::new(Exit::BadConfig, "the endpoint is not allowed").because(error)
        }),
        None => Ok(args.region.unwrap_or(Region::Us).into()),
    }
}
