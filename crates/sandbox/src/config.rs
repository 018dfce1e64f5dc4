//! What the `[sandbox]` table of a rollout file may hold. Everything is optional.
//!
//! ```toml
//! [sandbox]
//! seed = 7
//! latency = "20ms..80ms"
//! server = "merge"
//! blank_absent = true                        # what a projected body leaves out becomes null
//! strict = true                              # refuse what isn't the caller's to set
//! org_bucket = { rate = 5 }                  # burst: ten times the rate, unless said
//! partner_bucket = { rate = 50, burst = 80 }
//! spend = "both"
//! settings = { saveClips = false }           # of every org, over the generated ones
//! operation.org-mfa.settings = { mfaEnabled = false }    # the same, of another operation than the default one
//! faults = ["429 retry-after=1 on write nth 1 share=0.1", { act = "reset", on = "write", nth = 2 }]
//!
//! [[sandbox.orgs]]
//! match = "Acme *"
//! connected = false                          # never connected the default operation
//! not_connected = ["toast"]
//! ```
//!
//! The key that the server expects isn't here: a file that is shared is no place for it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use orgwave_core::ids::Ruuid;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bucket::Quota;
use crate::fault::Fault;
use crate::latency::Latency;
use crate::pattern::Pattern;

/// How the sandbox behaves.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub struct Config {
    /// What all chance depends on.
    pub seed: u64,
    /// How long every call takes: `50ms`, or `20ms..80ms`.
    pub latency: Latency,
    /// What an update does with what it doesn't name.
    pub server: Server,
    /// Whether a writable field that a projected body leaves out becomes null; else it stays.
    pub blank_absent: bool,
    /// Whether an update is refused that holds what isn't the caller's to set: fields that are never sent, others than the
    /// caller's with another value than they have, and in a projected body what isn't described.
    pub strict: bool,
    /// Whether an update of a wrong shape is answered as if it were applied; else it is refused.
    pub ignore_wrong_shape: bool,
    /// Whether an update changes what it names and nothing else: no audit entry, no doors looked through.
    pub unaudited: bool,
    /// Of the calls that carry `x-auth-org`, whose bucket pays.
    pub spend: Spend,
    /// What the ledger keeps.
    pub ledger: Keep,
    /// The bucket that every org has; unlimited if absent.
    pub org_bucket: Option<Quota>,
    /// The partner's bucket; unlimited if absent.
    pub partner_bucket: Option<Quota>,
    /// What goes wrong, first match first.
    pub faults: Vec<Fault>,
    /// Settings of the default operation that every org starts with, over the generated ones; the text `<null>` is null.
    pub settings: Map<String, Value>,
    /// The same of other operations, by their names.
    pub operation: BTreeMap<String, Start>,
    /// Orgs that are special; all that fit count, later ones win.
    pub orgs: Vec<OrgOverride>,
}

/// What an update does with what it doesn't name. The vendor doesn't document it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    /// Fields that aren't sent are gone, but for what the server keeps itself. The harshest, so the default.
    #[default]
    Replace,
    /// Fields that aren't sent stay. A map that is sent replaces the map.
    Merge,
    /// As `merge`, and so inside the maps, and inside their entries: nothing is ever taken out.
    DeepMerge,
}

/// Whose bucket pays for a call that carries `x-auth-org`. Calls without it always cost the partner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spend {
    /// The client org's.
    #[default]
    Client,
    /// The partner's.
    Partner,
    /// Both; it needs a token of each.
    Both,
}

/// What the ledger keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Every request with its states.
    #[default]
    Full,
    /// Totals only: for benchmarks, and for runs without end.
    Counts,
    /// Totals, and of each org and operation the last write that was applied, with what it sent: for benchmarks that compare
    /// clients.
    Sent,
}

/// What is special about some orgs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrgOverride {
    /// Only orgs whose id or name fits.
    #[serde(rename = "match")]
    pub pattern: Option<Pattern>,
    /// Only every so manieth org of the list.
    pub every: Option<NonZeroUsize>,
    /// The live name, where it should differ.
    pub name: Option<String>,
    /// Whether the default operation's settings were ever made.
    pub connected: Option<bool>,
    /// Whether the client list has it.
    pub listed: Option<bool>,
    /// Whether the partner may act for it.
    pub access: Option<bool>,
    /// Whether it was deactivated: the client list then has it only when asked for such orgs.
    pub deactivated: Option<bool>,
    /// What the client list says about who manages it; nothing, unless it is set.
    pub managed_by_msp: Option<bool>,
    /// Whether reads show its secrets as `***`.
    pub masked_secrets: Option<bool>,
    /// Whether reads show its secrets as null; a write that leaves them out then keeps them.
    pub hidden_secrets: Option<bool>,
    /// Whether reads leave `orgUuid` out.
    pub org_uuid_absent: Option<bool>,
    /// Operations whose settings were never made.
    pub not_connected: Vec<String>,
    /// Its starting settings, over all others.
    pub settings: Map<String, Value>,
    /// The same of other operations, by their names.
    pub operation: BTreeMap<String, Start>,
}

/// What orgs start with, of an operation.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Start {
    /// Over the generated settings; the text `<null>` is null.
    pub settings: Map<String, Value>,
}

/// An org that the sandbox has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrgSeed {
    /// Its id.
    pub org: Ruuid,
    /// Its name.
    pub name: String,
}

/// Why a sandbox can't be made of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An org occurs twice.
    #[error("org {0} is listed twice")]
    DuplicateOrg(Ruuid),
    /// An operation that isn't known.
    #[error("there is no operation {0:?}")]
    Operation(String),
    /// A starting setting has the wrong type.
    #[error("the starting setting {0} has the wrong type")]
    Setting(String),
    /// A bucket that would never fill.
    #[error("a bucket's rate is between 0.001 and 1000000000 a second")]
    Rate,
}

impl Config {
    /// What it says every org starts with, of an operation.
    pub(crate) fn settings_of(
        &self,
        name: &str,
        is_default: bool,
    ) -> impl Iterator<Item = &Map<String, Value>> {
        starting(&self.settings, &self.operation, name, is_default)
    }

    /// The operations that it names, wherever it does.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &str> {
        let orgs = self.orgs.iter().flat_map(|org| org.operation.keys().chain(&org.not_connected));
        let faults = self.faults.iter().filter_map(|fault| fault.operation.as_ref());
        self.operation.keys().chain(orgs).chain(faults).map(String::as_str)
    }
}

fn starting<'c>(
    settings: &'c Map<String, Value>,
    others: &'c BTreeMap<String, Start>,
    name: &str,
    is_default: bool,
) -> impl Iterator<Item = &'c Map<String, Value>> + use<'c> {
    is_default.then_some(settings).into_iter().chain(others.get(name).map(|start| &start.settings))
}

impl OrgOverride {
    pub(crate) fn settings_of(
        &self,
        name: &str,
        is_default: bool,
    ) -> impl Iterator<Item = &Map<String, Value>> {
        starting(&self.settings, &self.operation, name, is_default)
    }

    /// Whether it is about this org; `place` counts the list from 0.
    pub(crate) fn fits(&self, place: usize, org: &OrgSeed) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.fits(org.org, &org.name))
            && self.every.is_none_or(|every| (place + 1).is_multiple_of(every.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Act;

    #[test]
    fn the_table_of_the_header_is_read() {
        let text = r#"
            seed = 7
            latency = "20ms..80ms"
            server = "merge"
            org_bucket = { rate = 5 }
            partner_bucket = { rate = 50, burst = 80 }
            spend = "both"
            settings = { saveClips = false }
            faults = ["429 retry-after=1 on write nth 1 share=0.1", { act = "reset", on = "write", nth = 2 }]

            [[orgs]]
            match = "Acme *"
            every = 2
            connected = false
        "#;
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.seed, 7);
        assert_eq!(config.server, Server::Merge);
        assert_eq!(config.org_bucket, Some(Quota::per_second(5.0)));
        assert_eq!(config.orgs[0].connected, Some(false));
        assert_eq!(config.faults[0], "429 retry-after=1 on write nth 1 share=0.1".parse().unwrap());
        assert_eq!(config.faults[1].act, Act::Reset);
    }

    #[test]
    fn nothing_is_a_configuration_and_a_misspelling_is_not() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
        assert!(toml::from_str::<Config>("sede = 1").is_err());
        assert!(toml::from_str::<Config>("[[orgs]]\nmach = \"x\"").is_err());
        let error = toml::from_str::<Config>("faults = [\"rest\"]").unwrap_err().to_string();
        assert!(error.contains("unknown fault \"rest\""), "{error}");
    }

    #[test]
    fn an_override_is_about_orgs_by_name_id_and_place() {
        let org = OrgSeed { org: Ruuid::from_bytes([0; 16]), name: "Acme".to_owned() };
        let fits = |text: &str, place| toml::from_str::<OrgOverride>(text).unwrap().fits(place, &org);
        assert!(fits("", 0));
        assert!(fits("match = \"Ac*\"", 0));
        assert!(fits("match = \"AAAA*\"", 0));
        assert!(!fits("match = \"Bc*\"", 0));
        assert!(!fits("every = 3", 0));
        assert!(fits("every = 3", 2));
    }
}
