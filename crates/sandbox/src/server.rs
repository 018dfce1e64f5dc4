//! The accept loop and the connections. Not `axum::serve`, because a fault may end a connection in ways that no
//! handler can: the handler hands over a [`Wire`], and the connection plays it.

use std::future::{pending, poll_fn};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Catalog;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::{Config, ConfigError, OrgSeed};
use crate::fault::Fault;
use crate::ledger::{Ledger, LedgerEntry, Totals};
use crate::received::{Received, Watch};
use crate::routes;
use crate::wire::Wire;
use crate::world::{Population, World};

/// The key that a sandbox expects by default. It is no secret: it opens nothing else.
pub const SANDBOX_KEY: &str = "sandbox";

/// How long to wait before trying again what the system refuses for now.
const RETRY: Duration = Duration::from_millis(20);

/// A sandbox that isn't running yet.
pub struct Sandbox {
    config: Config,
    population: Population,
    keys: Vec<String>,
    copy: Option<Box<dyn Write + Send>>,
    watch: Option<Watch>,
}

impl Sandbox {
    /// A world of these orgs, which serves the operations of a catalog.
    ///
    /// # Errors
    /// An org occurs twice, or the configuration asks for what can't be.
    pub fn new(catalog: &Catalog, config: Config, orgs: Vec<OrgSeed>) -> Result<Self, ConfigError> {
        let population = Population::settle(catalog, &config, orgs)?;
        Ok(Self { config, population, keys: vec![SANDBOX_KEY.to_owned()], copy: None, watch: None })
    }

    /// Expects this key instead of [`SANDBOX_KEY`].
    #[must_use]
    pub fn expecting_key(self, key: impl Into<String>) -> Self {
        self.expecting_keys([key])
    }

    /// Expects any of these keys instead of [`SANDBOX_KEY`].
    #[must_use]
    pub fn expecting_keys(self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { keys: keys.into_iter().map(Into::into).collect(), ..self }
    }

    /// Starts an org that is there with these settings of the default operation, a JSON object, exactly as they are.
    ///
    /// # Panics
    /// If they are no JSON.
    #[must_use]
    pub fn starting_with(self, org: &Ruuid, settings: impl AsRef<[u8]>) -> Self {
        let settings: &RawValue = serde_json::from_slice(settings.as_ref()).expect("settings are JSON");
        if let Some(org) = self.population.org(org) {
            let target = &self.population.served.default_one;
            org.lock().put_settings(org, &self.config, target, settings);
        }
        self
    }

    /// Tells `watch` of every request, once it is decided and before it is answered.
    #[must_use]
    pub fn watched_by(self, watch: impl Fn(Received) + Send + Sync + 'static) -> Self {
        Self { watch: Some(Box::new(watch)), ..self }
    }

    /// Copies the ledger here as it grows, as JSON lines. Nothing is copied when only totals are kept.
    #[must_use]
    pub fn copying_ledger_to(self, copy: impl Write + Send + 'static) -> Self {
        Self { copy: Some(Box::new(copy)), ..self }
    }

    /// Listens and serves, in the background of the current tokio runtime.
    ///
    /// # Errors
    /// The address isn't on loopback, or can't be listened on.
    pub async fn start(self, addr: SocketAddr) -> io::Result<Running> {
        if !addr.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the sandbox listens on loopback only"));
        }
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let (refusals, refused) = mpsc::unbounded_channel();
        let ledger = Ledger::new(self.config.ledger, self.copy);
        let world =
            Arc::new(World::new(self.config, self.keys, self.population, ledger, refusals, self.watch));
        let (stop, stopped) = watch::channel(());
        let router = routes::router(Arc::clone(&world));
        let task = tokio::spawn(accept(listener, addr, router, refused, stopped));
        Ok(Running { addr, world, stop: Some(stop), task })
    }
}

/// A running sandbox. Dropping it stops it.
pub struct Running {
    addr: SocketAddr,
    world: Arc<World>,
    stop: Option<watch::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The key it expects; the first, if there are several.
    pub fn api_key(&self) -> &str {
        self.world.keys.first().map_or("", String::as_str)
    }

    /// The ledger so far.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.world.ledger.since(0)
    }

    /// How many requests there were of each kind.
    pub fn totals(&self) -> Totals {
        self.world.ledger.totals()
    }

    /// An org's settings of the default operation as they are, secrets and all; `None` for an org that isn't there.
    ///
    /// Numbers beyond 64 bits lose digits here; [`Self::state_json`] has them all.
    pub fn state(&self, org: &Ruuid) -> Option<Value> {
        serde_json::from_str(&self.state_json(org)?).ok()
    }

    /// The same as the text that reads are served.
    pub fn state_json(&self, org: &Ruuid) -> Option<String> {
        self.state_json_of(org, &self.world.served.default_one.operation.name)
    }

    /// The same of any operation; `None` also for one that isn't served.
    pub fn state_json_of(&self, org: &Ruuid, operation: &str) -> Option<String> {
        let (org, target) = (self.world.org(org)?, self.world.served.target(operation)?);
        let settings = org.lock().settings(org, &self.world.config, target);
        Some(String::from_utf8_lossy(&settings).into_owned())
    }

    /// Another writer sets these fields of an org's settings of the default operation; false for an org that isn't there.
    pub fn edit(&self, org: &Ruuid, patch: &Map<String, Value>) -> bool {
        self.edit_of(org, &self.world.served.default_one.operation.name, patch)
    }

    /// The same of any operation; false also for one that isn't served.
    pub fn edit_of(&self, org: &Ruuid, operation: &str, patch: &Map<String, Value>) -> bool {
        let (Some(org), Some(target)) = (self.world.org(org), self.world.served.target(operation)) else {
            return false;
        };
        self.world.edit(org, &mut org.lock(), target, patch);
        true
    }

    /// Adds a fault, behind those that are there.
    pub fn arm(&self, fault: Fault) {
        self.world.arm(fault);
    }

    /// Takes all faults away, and lets go of the replies that they hold back.
    pub fn disarm(&self) {
        self.world.disarm();
    }

    /// The most requests that were in progress at once.
    pub fn most_at_once(&self) -> usize {
        self.world.most_under_way()
    }

    /// Stops, and ends all connections.
    ///
    /// # Errors
    /// The copy of the ledger couldn't be written; the first error, if there were several.
    pub async fn shutdown(mut self) -> io::Result<()> {
        drop(self.stop.take());
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the sandbox ended badly");
        }
        self.world.ledger.close()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The connections belong to this task, and end with it.
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    addr: SocketAddr,
    router: Router,
    mut refused: mpsc::UnboundedReceiver<Duration>,
    mut stopped: watch::Receiver<()>,
) {
    let mut listener = Some(listener);
    let mut back_at = Instant::now();
    let (closing, _) = watch::channel(());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = next(listener.as_ref()) => match accepted {
                Ok(stream) => {
                    connections.spawn(serve(stream, router.clone(), closing.subscribe()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(RETRY).await;
                }
            },
            Some(_) = connections.join_next() => {}
            Some(pause) = refused.recv() => {
                listener = None;
                back_at = Instant::now() + pause;
                closing.send_replace(());
            }
            () = sleep_until(back_at), if listener.is_none() => match TcpListener::bind(addr).await {
                Ok(again) => listener = Some(again),
                Err(_) => back_at = Instant::now() + RETRY,
            },
            // An error is the sender's end: that is the signal.
            _ = stopped.changed() => break,
        }
    }
    connections.shutdown().await;
}

async fn next(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => pending().await,
    }
}

async fn serve(stream: TcpStream, router: Router, mut closing: watch::Receiver<()>) {
    // Replies are small and written at once; waiting for more would only add latency. Failing costs only that.
    let _ = stream.set_nodelay(true);
    let handed_over: Arc<Mutex<Option<Wire>>> = Arc::default();
    let handlers = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let reply = handlers.call(request);
        let handed_over = Arc::clone(&handed_over);
        Box::pin(async move {
            let mut response: Response<Body> = match reply.await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            match response.extensions_mut().remove::<Wire>() {
                None => Ok(response),
                Some(wire) => {
                    *handed_over.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
                    Err(io::Error::other("the connection was handed over"))
                }
            }
        })
    });
    // A caller that has sent its request and is gone is served all the same: whole requests are decided, always.
    let mut connection =
        http1::Builder::new().half_close(true).serve_connection(TokioIo::new(stream), service);
    let mut is_closing = false;
    loop {
        tokio::select! {
            // Errors are the caller's business: it broke off, or didn't speak HTTP.
            _ = poll_fn(|context| connection.poll_without_shutdown(context)) => break,
            _ = closing.changed(), if !is_closing => {
                is_closing = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    let stream = connection.into_parts().io.into_inner();
    let wire = handed_over.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(wire) = wire {
        wire.play(stream).await;
    }
}
