//! The vendor of these tests: the sandbox in this process, with the tests' own orgs, its faults and its ledger.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Catalog;
use orgwave_sandbox::{Config, OrgOverride, OrgSeed, Received, Route, Running, Sandbox, Server};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::org::{Org, parse};

/// The key that the vendor knows.
pub(crate) const KEY: &str = "e2e-partner-key-5f0c";
/// Another key of the same partner.
pub(crate) const OTHER_KEY: &str = "e2e-partner-key-other-77aa";

/// The longest that a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When its head was there.
    pub(crate) at: Instant,
    /// What it asked for, if the vendor has that.
    pub(crate) route: Option<Route>,
    /// Method and path.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Seen {
    /// The values of a header, as often as it is there.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The org of the call.
    pub(crate) fn org(&self) -> Option<&str> {
        self.header("x-auth-org").first().copied()
    }
}

/// What goes wrong, in which calls: a fault of the sandbox, as a table.
#[derive(Debug, Clone)]
pub(crate) struct Fault(Map<String, Value>);

impl Fault {
    /// What this act of the sandbox's does.
    pub(crate) fn act(act: &str) -> Self {
        Self(Map::new()).with("act", act)
    }

    /// A whole reply.
    pub(crate) fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Self::act(&status.to_string()).with("header", headers).with("body", body)
    }

    /// A 200 with this body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::status(200, &[], body)
    }

    /// Too many requests, as the vendor words it; `wait` is the Retry-After, as often as given.
    pub(crate) fn throttled(wait: &[&str]) -> Self {
        Self::act("429").with("retry-after", json!(wait))
    }

    /// The reply as it should be, but not before the vendor behaves.
    pub(crate) fn held() -> Self {
        Self::act("ok").hold()
    }

    /// Not before the vendor behaves.
    pub(crate) fn hold(self) -> Self {
        self.with("hold", true)
    }

    /// The update is carried out, whatever the reply says.
    pub(crate) fn applied(self) -> Self {
        self.with("applied", true)
    }

    /// In every call of this kind.
    pub(crate) fn on(self, route: Route) -> Self {
        self.with("on", route.word())
    }

    /// Only for this org.
    pub(crate) fn of(self, org: &str) -> Self {
        self.with("of", org)
    }

    /// Only from the n-th call on, from 1.
    pub(crate) fn from(self, nth: usize) -> Self {
        self.with("from", nth)
    }

    /// Only so often.
    pub(crate) fn times(self, times: usize) -> Self {
        self.with("times", times)
    }

    /// Only in calls of this operation.
    pub(crate) fn operation(self, name: &str) -> Self {
        self.with("operation", name)
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }
}

/// The requests so far, and a bell that rings at each.
#[derive(Default)]
struct Record {
    seen: Mutex<Vec<Seen>>,
    more: Condvar,
}

impl Record {
    fn note(&self, Received { at, route, line, headers, body }: Received) {
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.seen.lock().unwrap().push(Seen { at, route, line, headers, body });
        self.more.notify_all();
    }
}

/// A running vendor; it ends when dropped.
pub(crate) struct Vendor {
    sandbox: Running,
    record: Arc<Record>,
    _runtime: Background,
}

/// A runtime that doesn't wait for its tasks.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.take().unwrap().shutdown_background();
    }
}

impl Vendor {
    /// Starts one that holds these orgs.
    pub(crate) fn start(server: Server, orgs: impl IntoIterator<Item = Org>) -> Self {
        let orgs: Vec<Org> = orgs.into_iter().collect();
        let seed = |org: &Org| OrgSeed { org: id(&org.uuid), name: org.name.clone() };
        let never_connected = orgs.iter().filter(|org| !org.connected).map(|org| OrgOverride {
            pattern: Some(org.uuid.clone().into()),
            connected: Some(false),
            ..OrgOverride::default()
        });
        // What is live afterwards is compared with what was asked for, to the last byte.
        let config = Config { server, unaudited: true, orgs: never_connected.collect(), ..Config::default() };
        let sandbox = Sandbox::new(&Catalog::built_in(), config, orgs.iter().map(seed).collect()).unwrap();
        Self::serve(
            orgs.iter().fold(sandbox, |sandbox, org| sandbox.starting_with(&id(&org.uuid), org.object())),
        )
    }

    /// Starts one as configured, whose orgs have generated settings of all operations.
    pub(crate) fn configured(catalog: &Catalog, config: Config, orgs: &[String]) -> Self {
        let seed = |(n, org): (usize, &String)| OrgSeed { org: id(org), name: format!("Org {n}") };
        let orgs = orgs.iter().enumerate().map(seed).collect();
        Self::serve(Sandbox::new(catalog, config, orgs).unwrap())
    }

    fn serve(sandbox: Sandbox) -> Self {
        let record = Arc::<Record>::default();
        let noted = Arc::clone(&record);
        let sandbox = sandbox.expecting_keys([KEY, OTHER_KEY]).watched_by(move |request| noted.note(request));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sandbox = runtime.block_on(sandbox.start(([127, 0, 0, 1], 0).into())).unwrap();
        Self { sandbox, record, _runtime: Background(Some(runtime)) }
    }

    /// Its address, as `--endpoint` takes it.
    pub(crate) fn url(&self) -> String {
        self.sandbox.url()
    }

    /// Does something wrong from now on. Of several faults that fit, the first one counts.
    pub(crate) fn on(&self, Fault(table): Fault) {
        self.sandbox.arm(serde_json::from_value(table.into()).unwrap());
    }

    /// Does nothing wrong any more, and sends what it held back.
    pub(crate) fn behave(&self) {
        self.sandbox.disarm();
    }

    /// The requests so far, in the order in which they were decided.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.record.seen.lock().unwrap().clone()
    }

    /// The requests of one kind.
    pub(crate) fn of(&self, route: Route) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.route == Some(route)).collect()
    }

    /// The updates of one org.
    pub(crate) fn writes_of(&self, org: &str) -> Vec<Seen> {
        self.of(Route::Write).into_iter().filter(|seen| seen.org() == Some(org)).collect()
    }

    /// The ledger, a line a request.
    pub(crate) fn ledger(&self) -> String {
        self.sandbox.ledger().iter().map(|entry| entry.to_json() + "\n").collect()
    }

    /// The most requests that were in progress at once.
    pub(crate) fn most_under_way(&self) -> usize {
        self.sandbox.most_at_once()
    }

    /// The live settings of an org: names and the JSON as it is.
    pub(crate) fn settings(&self, org: &str) -> BTreeMap<String, String> {
        parse(&self.sandbox.state_json(&id(org)).unwrap())
    }

    /// The same of any operation, as a value.
    pub(crate) fn settings_of(&self, org: &str, operation: &str) -> Value {
        serde_json::from_str(&self.sandbox.state_json_of(&id(org), operation).unwrap()).unwrap()
    }

    /// Changes an org as another writer would.
    pub(crate) fn edit(&self, org: &str, name: &str, json: &str) {
        let patch = Map::from_iter([(name.to_owned(), serde_json::from_str(json).unwrap())]);
        assert!(self.sandbox.edit(&id(org), &patch));
    }

    /// Waits until this many requests of one kind were seen.
    pub(crate) fn until_seen(&self, count: usize, route: Route) {
        let is_short =
            |seen: &mut Vec<Seen>| seen.iter().filter(|seen| seen.route == Some(route)).count() < count;
        let seen = self.record.seen.lock().unwrap();
        let (seen, timeout) = self.record.more.wait_timeout_while(seen, PATIENCE, is_short).unwrap();
        assert!(!timeout.timed_out(), "the vendor never saw {count} of {route:?}: {seen:?}");
    }
}

fn id(org: &str) -> Ruuid {
    org.parse().unwrap()
}
