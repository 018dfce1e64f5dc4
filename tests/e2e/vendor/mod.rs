//! A stand-in for the vendor, written from the description of its API alone.
//!
//! It serves HTTP/1.1 over plain sockets, holds the settings of its orgs, merges or replaces what it is sent, and
//! notes every request with the time of its arrival. A test may script any answer to any request. It shares no line
//! with the program's client or sandbox: where they are wrong together, it isn't.

mod org;
mod script;
mod serve;
mod wire;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) use org::{Org, parse, quoted, uuid};
pub(crate) use script::{Answer, Gate, Rule};

/// The key that the vendor knows.
pub(crate) const KEY: &str = "e2e-partner-key-5f0c";
/// Another key of the same partner.
pub(crate) const OTHER_KEY: &str = "e2e-partner-key-other-77aa";

/// The longest that a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    /// The client list.
    List,
    /// The settings of an org.
    Read,
    /// An update of them.
    Write,
    /// Anything else.
    Other,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When its last byte was read.
    pub(crate) at: Instant,
    /// What it asked for.
    pub(crate) op: Op,
    /// Method and path.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Seen {
    /// The values of a header, as often as it stands there.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The org of the call.
    pub(crate) fn org(&self) -> Option<&str> {
        self.header("x-auth-org").first().copied()
    }
}

/// How an update is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// Fields that an update doesn't name stay.
    Merges,
    /// Fields that an update doesn't name are gone.
    Replaces,
}

/// All that the vendor holds.
struct World {
    server: Server,
    orgs: BTreeMap<String, Org>,
    rules: Vec<Rule>,
    /// How often each operation was called on each org.
    calls: BTreeMap<(Op, String), usize>,
    seen: Vec<Seen>,
    /// Requests that are not answered yet, now and at most.
    under_way: (usize, usize),
}

/// The world, and a bell that rings whenever it changes.
struct Shared {
    world: Mutex<World>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

/// A running vendor; it ends when dropped.
pub(crate) struct Vendor {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Vendor {
    /// Starts one that holds these orgs.
    pub(crate) fn start(server: Server, orgs: impl IntoIterator<Item = Org>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let orgs = orgs.into_iter().map(|org| (org.uuid.clone(), org)).collect();
        let world = World {
            server,
            orgs,
            rules: Vec::new(),
            calls: BTreeMap::new(),
            seen: Vec::new(),
            under_way: (0, 0),
        };
        let shared = Arc::new(Shared { world: Mutex::new(world), changed: Condvar::new() });
        runtime.spawn(serve::accept(listener, shared.clone()));
        Self { address, shared, runtime: Some(runtime) }
    }

    /// Its address, as `--endpoint` takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Scripts an answer. Of several rules that fit, the first one counts.
    pub(crate) fn on(&self, rule: Rule) {
        self.shared.lock().rules.push(rule);
    }

    /// Forgets all rules.
    pub(crate) fn behave(&self) {
        self.shared.lock().rules.clear();
    }

    /// The requests so far, in the order of their arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.lock().seen.clone()
    }

    /// The requests of one kind.
    pub(crate) fn of(&self, op: Op) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.op == op).collect()
    }

    /// The updates of one org.
    pub(crate) fn writes_of(&self, org: &str) -> Vec<Seen> {
        self.of(Op::Write).into_iter().filter(|seen| seen.org() == Some(org)).collect()
    }

    /// The most requests that were under way at once.
    pub(crate) fn most_under_way(&self) -> usize {
        self.shared.lock().under_way.1
    }

    /// The live settings of an org: names and the JSON as it stands.
    pub(crate) fn settings(&self, org: &str) -> BTreeMap<String, String> {
        self.shared.lock().orgs[org].settings.clone()
    }

    /// Changes an org behind everybody's back.
    pub(crate) fn edit(&self, org: &str, name: &str, json: &str) {
        let mut world = self.shared.lock();
        world.orgs.get_mut(org).unwrap().settings.insert(name.to_owned(), json.to_owned());
    }

    /// Waits until enough has been seen.
    pub(crate) fn until(&self, what: &str, enough: impl Fn(&[Seen]) -> bool) {
        let world = self.shared.lock();
        let (_world, timeout) =
            self.shared.changed.wait_timeout_while(world, PATIENCE, |world| !enough(&world.seen)).unwrap();
        assert!(!timeout.timed_out(), "the vendor never saw {what}");
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
