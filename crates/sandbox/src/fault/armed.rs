//! A fault on duty: it counts the calls that fit it, per org, and says which of them it strikes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use tokio::sync::watch;

use super::Fault;
use super::values::{Probability, Typed};
use crate::dice::Dice;
use crate::pattern::Pattern;
use crate::route::Route;

/// A call, as faults see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) route: Route,
    /// Whose settings the call reads or writes.
    pub(crate) operations: &'a [Arc<Operation>],
    /// The org's id and name; `None` for calls without one.
    pub(crate) org: Option<(Ruuid, &'a str)>,
    /// Counts all requests to the server, from 1.
    pub(crate) request: u64,
}

/// A fault and its counts.
#[derive(Debug)]
pub(crate) struct Armed {
    pub(crate) fault: Fault,
    seed: u64,
    counts: Mutex<HashMap<Option<Ruuid>, u64>>,
    released: watch::Sender<bool>,
}

impl Armed {
    pub(crate) fn new(fault: Fault, seed: u64) -> Self {
        Self { fault, seed, counts: Mutex::default(), released: watch::Sender::new(false) }
    }

    /// The fault is removed: what it holds back may go.
    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    /// Returns when the fault is removed; at once if it holds nothing back.
    pub(crate) async fn held(&self) {
        if self.fault.hold {
            // The sender is in `self`, so there is no error.
            let _ = self.released.subscribe().wait_for(|released| *released).await;
        }
    }

    /// Counts the call if it fits, and says whether the fault happens in it.
    pub(crate) fn strikes(&self, occasion: Occasion<'_>) -> bool {
        if !self.fits(occasion) {
            return false;
        }
        let org = occasion.org.map(|(id, _)| id);
        let scope = &self.fault;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(org).or_default();
        *count += 1;
        let first = scope.from.map_or(1, |from| from.0.get());
        *count >= first
            && scope.times.is_none_or(|times| *count - first < times.0.get())
            && scope.from_request.is_none_or(|from| occasion.request >= from.0.get())
            && scope.p.is_none_or(|p| self.dice(org, b"probability", *count).chance(p.0.0))
    }

    fn fits(&self, occasion: Occasion<'_>) -> bool {
        let scope = &self.fault;
        let is_of_org = |pattern: &Pattern| occasion.org.is_some_and(|(id, name)| pattern.fits(id, name));
        let is_in_share = |share: Typed<Probability>| {
            occasion.org.is_some_and(|(id, _)| self.dice(Some(id), b"share", 0).chance(share.0.0))
        };
        scope.on.is_none_or(|Typed(route)| route == occasion.route)
            && scope
                .operation
                .as_ref()
                .is_none_or(|name| occasion.operations.iter().any(|operation| *operation.name == **name))
            && scope.of.as_ref().is_none_or(is_of_org)
            && scope.share.is_none_or(is_in_share)
    }

    fn dice(&self, org: Option<Ruuid>, purpose: &[u8], count: u64) -> Dice {
        let org = org.map_or([0; 16], |org| *org.as_bytes());
        Dice::new(self.seed, &[purpose, self.fault.to_string().as_bytes(), &org, &count.to_le_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed(line: &str) -> Armed {
        Armed::new(line.parse().unwrap(), 1)
    }

    fn org(place: u8) -> Ruuid {
        Ruuid::from_bytes([place; 16])
    }

    fn strikes(armed: &Armed, org: Ruuid, calls: u64) -> Vec<bool> {
        (1..=calls)
            .map(|request| {
                armed.strikes(Occasion {
                    operations: &[],
                    route: Route::Write,
                    org: Some((org, "Acme")),
                    request,
                })
            })
            .collect()
    }

    #[test]
    fn counts_are_per_org() {
        for (line, expected) in [
            ("500", [true, true, true, true]),
            ("500 times 2", [true, true, false, false]),
            ("500 nth 2", [false, true, false, false]),
            ("500 from 3", [false, false, true, true]),
            ("500 from 2 times 2", [false, true, true, false]),
            ("500 from-request 4", [false, false, false, true]),
            ("500 on read", [false; 4]),
            ("500 of Ac*", [true; 4]),
            ("500 of Bc*", [false; 4]),
            ("500 p=0", [false; 4]),
            ("500 p=1", [true; 4]),
        ] {
            let armed = armed(line);
            assert_eq!(strikes(&armed, org(1), 4), expected, "{line}");
            assert_eq!(strikes(&armed, org(2), 4), expected, "{line}, another org");
        }
    }

    #[test]
    fn chance_repeats_itself() {
        let first = strikes(&armed("500 p=0.5"), org(1), 64);
        assert_eq!(strikes(&armed("500 p=0.5"), org(1), 64), first);
        assert_ne!(strikes(&armed("500 p=0.5"), org(2), 64), first);
    }

    #[test]
    fn a_share_of_orgs_is_struck_always_or_never() {
        let armed = armed("500 share=0.5");
        let struck: Vec<bool> = (0..=255)
            .map(|place| {
                let calls = strikes(&armed, org(place), 3);
                assert!(calls.windows(2).all(|pair| pair[0] == pair[1]));
                calls[0]
            })
            .collect();
        let hits = struck.iter().filter(|struck| **struck).count();
        assert!((90..166).contains(&hits), "{hits}");
    }

    #[test]
    fn an_org_glob_never_fits_a_call_without_an_org() {
        let occasion = Occasion { operations: &[], route: Route::Clients, org: None, request: 1 };
        assert!(!armed("500 of *").strikes(occasion));
        assert!(armed("500").strikes(occasion));
    }
}
