//! The world behind the sandbox: its orgs, what they have, and the rules by which their settings change.
//!
//! Nothing here knows HTTP. Where it starts is a pure function of the configuration and the list of orgs.

pub(crate) mod estate;
mod generated;
pub(crate) mod org;
pub(crate) mod starting;
pub(crate) mod update;
pub(crate) mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Catalog, Operation};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::org::{Org, State, settings_in};
use crate::bucket::Bucket;
use crate::config::{Config, ConfigError, OrgSeed, Spend};
use crate::dice::Dice;
use crate::fault::{Armed, Fault, Occasion};
use crate::ledger::{Kept, Ledger, LedgerEntry, LedgerEvent, Whose};
use crate::members::{Members, raw, with_nulls};
use crate::received::Watch;
use crate::served::{Served, Target};

/// The id of the partner's own org in the world of a seed: calls without `x-auth-org` go there.
pub fn partner_org(seed: u64) -> Ruuid {
    Dice::new(seed, &[b"partner"]).ruuid()
}

/// Everything that the routes share.
pub(crate) struct World {
    pub(crate) served: Arc<Served>,
    pub(crate) config: Config,
    pub(crate) keys: Vec<String>,
    pub(crate) watch: Option<Watch>,
    /// Held again by each request that is in progress.
    under_way: Arc<()>,
    most_under_way: AtomicUsize,
    pub(crate) clients: Vec<Arc<Org>>,
    pub(crate) partner: Arc<Org>,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
    /// Without deactivated orgs, and with them.
    pub(crate) client_lists: [OnceLock<Bytes>; 2],
    by_id: HashMap<Ruuid, Arc<Org>>,
    partner_bucket: Mutex<Bucket>,
    faults: RwLock<Vec<Arc<Armed>>>,
    requests: AtomicU64,
    refusals: mpsc::UnboundedSender<Duration>,
}

/// The server's time: one that never jumps, and what the wall said when it started.
pub(crate) struct Clock {
    started: Instant,
    epoch_ms: u64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a server has a clock of its own, as the vendor's has")]
    pub(crate) fn start() -> Self {
        let wall = std::time::SystemTime::now();
        let epoch = wall.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), epoch_ms: millis(epoch) }
    }

    /// Since the start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Milliseconds since the epoch, at a moment since the start.
    pub(crate) fn epoch_ms(&self, at: Duration) -> u64 {
        self.epoch_ms.saturating_add(millis(at))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A moment as the ledger writes it.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What a catalog, a configuration and a list of orgs make, checked; the rest of the world is there when it starts.
pub(crate) struct Population {
    pub(crate) served: Arc<Served>,
    clients: Vec<Arc<Org>>,
    partner: Arc<Org>,
    by_id: HashMap<Ruuid, Arc<Org>>,
}

impl Population {
    pub(crate) fn settle(
        catalog: &Catalog,
        config: &Config,
        orgs: Vec<OrgSeed>,
    ) -> Result<Self, ConfigError> {
        let buckets = [config.org_bucket, config.partner_bucket];
        if buckets.into_iter().flatten().any(|quota| !quota.is_sound()) {
            return Err(ConfigError::Rate);
        }
        let served = Arc::new(Served::new(catalog));
        if let Some(unknown) = config.operations().find(|name| served.target(name).is_none()) {
            return Err(ConfigError::Operation(unknown.to_owned()));
        }
        for operation in catalog.iter() {
            let is_default = operation.name == served.default_one.operation.name;
            let of_orgs = config.orgs.iter().flat_map(|org| org.settings_of(&operation.name, is_default));
            for settings in config.settings_of(&operation.name, is_default).chain(of_orgs) {
                let members = settings.iter().map(|(name, value)| (name.clone(), raw(&with_nulls(value))));
                if let Some(place) = Members(members.collect()).wrong_type(operation) {
                    return Err(ConfigError::Setting(place));
                }
            }
        }
        let partner = Arc::new(Org::partner(&served, partner_org(config.seed)));
        let mut by_id = HashMap::with_capacity(orgs.len() + 1);
        by_id.insert(partner.id, Arc::clone(&partner));
        let mut clients = Vec::with_capacity(orgs.len());
        for (place, seed) in orgs.into_iter().enumerate() {
            let org = Arc::new(Org::new(&served, config, place, seed));
            if by_id.insert(org.id, Arc::clone(&org)).is_some() {
                return Err(ConfigError::DuplicateOrg(org.id));
            }
            clients.push(org);
        }
        Ok(Self { served, clients, partner, by_id })
    }

    pub(crate) fn org(&self, id: &Ruuid) -> Option<&Arc<Org>> {
        self.by_id.get(id)
    }
}

impl World {
    pub(crate) fn new(
        config: Config,
        keys: Vec<String>,
        population: Population,
        ledger: Ledger,
        refusals: mpsc::UnboundedSender<Duration>,
        watch: Option<Watch>,
    ) -> Self {
        let Population { served, clients, partner, by_id } = population;
        let faults = config.faults.iter().map(|fault| Arc::new(Armed::new(fault.clone(), config.seed)));
        Self {
            served,
            faults: RwLock::new(faults.collect()),
            config,
            keys,
            watch,
            under_way: Arc::default(),
            most_under_way: AtomicUsize::new(0),
            clients,
            partner,
            ledger,
            clock: Clock::start(),
            client_lists: Default::default(),
            by_id,
            partner_bucket: Mutex::default(),
            requests: AtomicU64::new(0),
            refusals,
        }
    }

    /// The org of an id, the partner's own included.
    pub(crate) fn org(&self, id: &Ruuid) -> Option<&Arc<Org>> {
        self.by_id.get(id)
    }

    /// A document as the ledger keeps it.
    pub(crate) fn kept(&self, place: usize, document: &Bytes) -> Kept {
        match self.served.document(place).only() {
            Some(operation) => kept(operation, settings_in(document, operation)),
            None => Kept { of: Whose::Document(Arc::clone(&self.served), place), bytes: document.clone() },
        }
    }

    /// Counts a request, from 1.
    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts a request as in progress until what comes back is dropped.
    pub(crate) fn begin(&self) -> Arc<()> {
        let held = Arc::clone(&self.under_way);
        self.most_under_way.fetch_max(Arc::strong_count(&held) - 1, Ordering::Relaxed);
        held
    }

    pub(crate) fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::Relaxed)
    }

    /// Takes the tokens that a call costs; how long to wait where there are none. Either all are taken or none.
    pub(crate) fn pay(&self, client: Option<&Org>, now: Duration) -> Result<(), Duration> {
        let spend = client.map_or(Spend::Partner, |_| self.config.spend);
        let mut partner = None;
        if let (Spend::Partner | Spend::Both, Some(quota)) = (spend, self.config.partner_bucket) {
            let bucket = self.partner_bucket.lock().unwrap_or_else(PoisonError::into_inner);
            let mut paid = *bucket;
            paid.take(quota, now)?;
            partner = Some((bucket, paid));
        }
        if let (Spend::Client | Spend::Both, Some(quota), Some(org)) = (spend, self.config.org_bucket, client)
        {
            org.lock().bucket.take(quota, now)?;
        }
        if let Some((mut bucket, paid)) = partner {
            *bucket = paid;
        }
        Ok(())
    }

    /// Counts the call for all faults that it fits; the first that strikes.
    pub(crate) fn strike(&self, occasion: Occasion<'_>) -> Option<Arc<Armed>> {
        let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner);
        let mut struck = None;
        for armed in faults.iter() {
            if armed.strikes(occasion) && struck.is_none() {
                struck = Some(Arc::clone(armed));
            }
        }
        struck
    }

    pub(crate) fn arm(&self, fault: Fault) {
        let armed = Arc::new(Armed::new(fault, self.config.seed));
        self.faults.write().unwrap_or_else(PoisonError::into_inner).push(armed);
    }

    pub(crate) fn disarm(&self) {
        let faults = std::mem::take(&mut *self.faults.write().unwrap_or_else(PoisonError::into_inner));
        for armed in faults {
            armed.release();
        }
    }

    pub(crate) fn armed(&self) -> Vec<Fault> {
        let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner);
        faults.iter().map(|armed| armed.fault.clone()).collect()
    }

    /// Closes the port for this long.
    pub(crate) fn refuse(&self, pause: Duration) {
        // Without an accept loop the port is closed anyway.
        let _ = self.refusals.send(pause);
    }

    /// Another writer sets fields of an org: whatever is named, no rules.
    pub(crate) fn edit(&self, org: &Org, state: &mut State, target: &Target, patch: &Map<String, Value>) {
        let settings = state.settings(org, &self.config, target);
        let mut members = Members::parse(&settings).unwrap_or_default();
        for (name, value) in patch {
            members.set(name, value);
        }
        state.put_settings(org, &self.config, target, &raw(&members));
        let document = state.document(org, &self.config, target.document);
        let now = micros(self.clock.now());
        self.ledger.append(LedgerEntry {
            event: LedgerEvent::Edit,
            at_ms: self.clock.epoch_ms(self.clock.now()),
            at_us: now,
            done_us: now,
            operation_name: Some(target.operation.name.clone()),
            org: Some(org.id.as_str().into()),
            applied: Some(true),
            state: Some(self.kept(target.document, &document)),
            ..LedgerEntry::default()
        });
    }

    /// A bool of an org changes by itself.
    pub(crate) fn flip(&self, org: &Org, state: &mut State, target: &Target, field: &str) {
        let settings = state.settings(org, &self.config, target);
        let was = Members::parse(&settings).is_ok_and(|m| m.get(field).is_some_and(|v| v.get() == "true"));
        self.edit(org, state, target, &Map::from_iter([(field.to_owned(), Value::Bool(!was))]));
    }
}

/// Settings as the ledger keeps them.
pub(crate) fn kept(operation: &Arc<Operation>, settings: Bytes) -> Kept {
    Kept { of: Whose::Operation(Arc::clone(operation)), bytes: settings }
}
