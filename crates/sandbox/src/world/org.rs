//! One org of the sandbox: what is fixed about it, and its settings as they are now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use serde_json::{Map, Value};

use super::starting;
use crate::bucket::Bucket;
use crate::config::{Config, OrgSeed};
use crate::members::{Members, with_nulls};

/// An org. Its settings are generated when they are first asked for.
pub(crate) struct Org {
    operation: Arc<Operation>,
    pub(crate) id: Ruuid,
    pub(crate) name: String,
    pub(crate) traits: Traits,
    /// The place in the list and the name there, by which overrides were chosen; `None` for the partner's own org.
    seed: Option<(usize, OrgSeed)>,
    state: Mutex<State>,
}

/// What is special about an org.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct Traits {
    pub(crate) connected: bool,
    pub(crate) listed: bool,
    pub(crate) access: bool,
    pub(crate) masked_secrets: bool,
    pub(crate) hidden_secrets: bool,
    pub(crate) org_uuid_absent: bool,
}

/// What changes about an org.
#[derive(Default)]
pub(crate) struct State {
    settings: Option<Bytes>,
    stale: Option<Stale>,
    pub(crate) bucket: Bucket,
}

/// What reads show in place of the settings, for a while.
struct Stale {
    until: Duration,
    settings: Bytes,
}

impl Org {
    pub(crate) fn new(operation: &Arc<Operation>, config: &Config, place: usize, seed: OrgSeed) -> Self {
        let mut traits = Traits {
            connected: true,
            listed: true,
            access: true,
            masked_secrets: false,
            hidden_secrets: false,
            org_uuid_absent: false,
        };
        let mut name = seed.name.clone();
        for special in config.orgs.iter().filter(|special| special.fits(place, &seed)) {
            traits.connected = special.connected.unwrap_or(traits.connected);
            traits.listed = special.listed.unwrap_or(traits.listed);
            traits.access = special.access.unwrap_or(traits.access);
            traits.masked_secrets = special.masked_secrets.unwrap_or(traits.masked_secrets);
            traits.hidden_secrets = special.hidden_secrets.unwrap_or(traits.hidden_secrets);
            traits.org_uuid_absent = special.org_uuid_absent.unwrap_or(traits.org_uuid_absent);
            if let Some(other) = &special.name {
                name.clone_from(other);
            }
        }
        Self {
            operation: Arc::clone(operation),
            id: seed.org,
            name,
            traits,
            seed: Some((place, seed)),
            state: Mutex::default(),
        }
    }

    /// The partner's own org, where calls without `x-auth-org` end up.
    pub(crate) fn partner(operation: &Arc<Operation>, id: Ruuid) -> Self {
        let traits = Traits {
            connected: true,
            listed: false,
            access: true,
            masked_secrets: false,
            hidden_secrets: false,
            org_uuid_absent: false,
        };
        Self {
            operation: Arc::clone(operation),
            id,
            name: "Partner".to_owned(),
            traits,
            seed: None,
            state: Mutex::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless somebody is at it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        self.state.try_lock().ok()
    }

    fn starting(&self, config: &Config) -> Members {
        let mut members = starting::generate(&self.operation, config.seed, self.id);
        lay_over(&mut members, &config.settings);
        if let Some((place, seed)) = &self.seed {
            for special in config.orgs.iter().filter(|special| special.fits(*place, seed)) {
                lay_over(&mut members, &special.settings);
            }
        }
        members
    }
}

fn lay_over(members: &mut Members, settings: &Map<String, Value>) {
    for (name, value) in settings {
        members.set(name, &with_nulls(value));
    }
}

impl State {
    /// The settings as they are.
    pub(crate) fn settings(&mut self, org: &Org, config: &Config) -> Bytes {
        self.settings.get_or_insert_with(|| org.starting(config).to_bytes()).clone()
    }

    pub(crate) fn put(&mut self, settings: Bytes) {
        self.settings = Some(settings);
    }

    /// From now until a moment, reads show these settings.
    pub(crate) fn freeze(&mut self, settings: Bytes, until: Duration) {
        self.stale = Some(Stale { until, settings });
    }

    /// What reads show in place of the settings, if they do.
    pub(crate) fn frozen(&mut self, now: Duration) -> Option<Bytes> {
        if self.stale.as_ref().is_some_and(|stale| stale.until <= now) {
            self.stale = None;
        }
        self.stale.as_ref().map(|stale| stale.settings.clone())
    }
}
