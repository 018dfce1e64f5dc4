//! The secrets that orgs hold: seen in replies, never asked for, and masked in what the vendor says of those orgs.
//!
//! A vendor that quotes in a message what an org holds, or what it was sent for it, quotes secrets that no manifest
//! names. Each is known from the org's latest read, which comes before every write. Not known, and so not masked, is
//! what a vendor says of an org that was never read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use orgwave_core::ids::Ruuid;
use orgwave_core::secret::SecretText;
use orgwave_core::settings::RawObject;

use crate::redactor::Redactor;

/// The settings that are secrets.
const FIELDS: [&str; 2] = ["apiToken", "refreshToken"];

/// Orgs that are remembered: many more than can be under way at once. Whoever is forgotten is read anew before it
/// is written.
const MOST: usize = 16_384;

/// What is masked for each org, beyond what is masked for all.
pub(crate) struct LiveSecrets {
    base: Arc<Redactor>,
    orgs: Mutex<Orgs>,
}

#[derive(Default)]
struct Orgs {
    known: HashMap<Ruuid, Arc<Redactor>>,
    /// In the order in which they came to be known.
    oldest: VecDeque<Ruuid>,
}

impl LiveSecrets {
    /// Knows of no org yet; `base` is masked for all.
    pub(crate) fn new(base: Redactor) -> Self {
        Self { base: Arc::new(base), orgs: Mutex::default() }
    }

    /// Takes note of the secrets in an org's settings. Those of an earlier read stay: a write may have changed them,
    /// and a message may quote either.
    pub(crate) fn learn(&self, org: &Ruuid, settings: &RawObject) {
        let found = FIELDS.iter().filter_map(|field| settings.get(field)).filter_map(|raw| {
            let text: Option<String> = serde_json::from_str(raw.get()).ok()?;
            text.filter(|text| !text.trim().is_empty()).map(SecretText::new)
        });
        let mut found = found.peekable();
        if found.peek().is_none() {
            return;
        }
        let mut orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        let Orgs { known, oldest } = &mut *orgs;
        let before = known.get(org).cloned();
        if before.is_none() {
            oldest.push_back(*org);
        }
        let redactor = before.as_deref().unwrap_or(&self.base).knowing(found);
        known.insert(*org, Arc::new(redactor));
        if oldest.len() > MOST
            && let Some(forgotten) = oldest.pop_front()
        {
            known.remove(&forgotten);
        }
    }

    /// What masks the words that are said of an org, or (`None`) of the partner.
    pub(crate) fn redactor(&self, org: Option<&Ruuid>) -> Arc<Redactor> {
        let orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        org.and_then(|org| orgs.known.get(org)).unwrap_or(&self.base).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(letter: char) -> Ruuid {
        format!("{letter}AAAAAAAAAAAAAAAAAAAAA").parse().unwrap()
    }

    fn settings(json: &str) -> RawObject {
        serde_json::from_str(json).unwrap()
    }

    fn base() -> LiveSecrets {
        LiveSecrets::new(Redactor::new([SecretText::new("the-key".to_owned())]))
    }

    #[test]
    fn an_orgs_secrets_are_masked_in_what_is_said_of_it_old_ones_and_new_ones() {
        let live = base();
        live.learn(&org('A'), &settings(r#"{"apiToken":"old\"1","refreshToken":null,"enabled":true}"#));
        live.learn(&org('A'), &settings(r#"{"apiToken":"new-2","refreshToken":"re-3"}"#));
        let said = r#"the-key old"1 old\"1 new-2 re-3"#;
        assert_eq!(live.redactor(Some(&org('A'))).mask(said), "*** *** *** *** ***");
        assert_eq!(live.redactor(Some(&org('B'))).mask("the-key re-3"), "*** re-3");
        assert_eq!(live.redactor(None).mask("the-key"), "***");
    }

    #[test]
    fn blanks_nulls_and_other_shapes_are_no_secrets() {
        let live = base();
        live.learn(&org('A'), &settings(r#"{"apiToken":" ","refreshToken":7}"#));
        live.learn(&org('B'), &settings(r#"{"apiToken":null}"#));
        assert!(live.orgs.lock().unwrap().known.is_empty());
    }

    #[test]
    fn what_was_known_before_doesnt_grow_with_every_read() {
        let live = base();
        for _ in 0..3 {
            live.learn(&org('A'), &settings(r#"{"apiToken":"token-1"}"#));
        }
        assert_eq!(format!("{:?}", live.redactor(Some(&org('A')))), "Redactor(2 secrets)");
    }
}
