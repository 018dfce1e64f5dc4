//! One org of the sandbox: what is fixed about it, and its documents as they are now.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Absent, Operation};
use serde_json::value::RawValue;

use super::starting;
use crate::bucket::Bucket;
use crate::config::{Config, OrgSeed};
use crate::members::{Members, raw, with_nulls};
use crate::served::{Served, Target};
use crate::tree;

/// An org. Its documents are generated when they are first asked for.
pub(crate) struct Org {
    served: Arc<Served>,
    pub(crate) id: Ruuid,
    pub(crate) name: String,
    pub(crate) traits: Traits,
    /// The place in the list and the name there, by which overrides were chosen; `None` for the partner's own org.
    seed: Option<(usize, OrgSeed)>,
    state: Mutex<State>,
}

/// What is special about an org.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct Traits {
    /// The operations whose settings were never made.
    not_connected: BTreeSet<Box<str>>,
    pub(crate) listed: bool,
    pub(crate) access: bool,
    pub(crate) deactivated: Option<bool>,
    pub(crate) managed_by_msp: Option<bool>,
    pub(crate) masked_secrets: bool,
    pub(crate) hidden_secrets: bool,
    pub(crate) org_uuid_absent: bool,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            not_connected: BTreeSet::new(),
            listed: true,
            access: true,
            deactivated: None,
            managed_by_msp: None,
            masked_secrets: false,
            hidden_secrets: false,
            org_uuid_absent: false,
        }
    }
}

/// What changes about an org.
#[derive(Default)]
pub(crate) struct State {
    /// Those that were asked for, by the place of their document.
    documents: Vec<(usize, Bytes)>,
    stale: Option<Stale>,
    pub(crate) bucket: Bucket,
}

/// What reads show in place of a document, for a while.
struct Stale {
    document: usize,
    until: Duration,
    shown: Bytes,
}

impl Org {
    pub(crate) fn new(served: &Arc<Served>, config: &Config, place: usize, seed: OrgSeed) -> Self {
        let mut traits = Traits::default();
        let mut name = seed.name.clone();
        for special in config.orgs.iter().filter(|special| special.fits(place, &seed)) {
            let default_one = &served.default_one.operation.name;
            match special.connected {
                Some(true) => drop(traits.not_connected.remove(default_one)),
                Some(false) => drop(traits.not_connected.insert(default_one.clone())),
                None => {}
            }
            traits.not_connected.extend(special.not_connected.iter().map(|name| name.as_str().into()));
            traits.listed = special.listed.unwrap_or(traits.listed);
            traits.access = special.access.unwrap_or(traits.access);
            traits.deactivated = special.deactivated.or(traits.deactivated);
            traits.managed_by_msp = special.managed_by_msp.or(traits.managed_by_msp);
            traits.masked_secrets = special.masked_secrets.unwrap_or(traits.masked_secrets);
            traits.hidden_secrets = special.hidden_secrets.unwrap_or(traits.hidden_secrets);
            traits.org_uuid_absent = special.org_uuid_absent.unwrap_or(traits.org_uuid_absent);
            if let Some(other) = &special.name {
                name.clone_from(other);
            }
        }
        let served = Arc::clone(served);
        Self { served, id: seed.org, name, traits, seed: Some((place, seed)), state: Mutex::default() }
    }

    /// The partner's own org, where calls without `x-auth-org` end up.
    pub(crate) fn partner(served: &Arc<Served>, id: Ruuid) -> Self {
        let traits = Traits { listed: false, ..Traits::default() };
        let served = Arc::clone(served);
        Self { served, id, name: "Partner".to_owned(), traits, seed: None, state: Mutex::default() }
    }

    /// Whether the settings of an operation can be read and written.
    pub(crate) fn is_connected(&self, operation: &Operation) -> bool {
        operation.absent == Absent::Empty || !self.traits.not_connected.contains(&operation.name)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless it is locked.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        self.state.try_lock().ok()
    }

    /// A document as it is before the first request.
    fn starting(&self, config: &Config, place: usize) -> Bytes {
        let document = self.served.document(place);
        let mut whole = starting::document(document, config.seed, self.id, &self.name);
        for operation in &document.operations {
            let is_default = operation.name == self.served.default_one.operation.name;
            let special = self
                .seed
                .iter()
                .flat_map(|(place, seed)| config.orgs.iter().filter(|special| special.fits(*place, seed)));
            let special = special.flat_map(|special| special.settings_of(&operation.name, is_default));
            let mut laid_over = config
                .settings_of(&operation.name, is_default)
                .chain(special)
                .filter(|settings| !settings.is_empty())
                .peekable();
            if laid_over.peek().is_none() {
                continue;
            }
            let object = tree::get(&whole, &operation.at).map(|object| object.get().as_bytes());
            let mut members = Members::parse(object.unwrap_or_default()).unwrap_or_default();
            for (name, value) in laid_over.flatten() {
                members.set(name, &with_nulls(value));
            }
            whole = tree::put(&whole, &operation.at, Some(&raw(&members)));
        }
        // What needs no connection is made by the first write.
        let empty = document.operations.iter().filter(|operation| {
            operation.absent == Absent::Empty && self.traits.not_connected.contains(&operation.name)
        });
        empty.fold(whole, |whole, operation| tree::put(&whole, &operation.at, Some(RawValue::NULL)))
    }
}

impl State {
    /// A document as it is.
    pub(crate) fn document(&mut self, org: &Org, config: &Config, place: usize) -> Bytes {
        match self.documents.iter().find(|(at, _)| *at == place) {
            Some((_, document)) => document.clone(),
            None => {
                let document = org.starting(config, place);
                self.documents.push((place, document.clone()));
                document
            }
        }
    }

    pub(crate) fn put(&mut self, place: usize, document: Bytes) {
        self.documents.retain(|(at, _)| *at != place);
        self.documents.push((place, document));
    }

    /// The settings of an operation; `null` where there are none.
    pub(crate) fn settings(&mut self, org: &Org, config: &Config, target: &Target) -> Bytes {
        let document = self.document(org, config, target.document);
        settings_in(&document, &target.operation)
    }

    /// The settings of an operation become these.
    pub(crate) fn put_settings(&mut self, org: &Org, config: &Config, target: &Target, settings: &RawValue) {
        let document = self.document(org, config, target.document);
        self.put(target.document, tree::put(&document, &target.operation.at, Some(settings)));
    }

    /// From now until a moment, reads show this in the document's place.
    pub(crate) fn freeze(&mut self, document: usize, shown: Bytes, until: Duration) {
        self.stale = Some(Stale { document, until, shown });
    }

    /// What reads show in place of a document, if they do.
    pub(crate) fn frozen(&mut self, document: usize, now: Duration) -> Option<Bytes> {
        if self.stale.as_ref().is_some_and(|stale| stale.until <= now) {
            self.stale = None;
        }
        let stale = self.stale.as_ref().filter(|stale| stale.document == document);
        stale.map(|stale| stale.shown.clone())
    }
}

/// The settings of an operation in a document.
pub(crate) fn settings_in(document: &Bytes, operation: &Operation) -> Bytes {
    tree::get(document, &operation.at)
        .map_or(Bytes::from_static(b"null"), |settings| document.slice_ref(settings.get().as_bytes()))
}
