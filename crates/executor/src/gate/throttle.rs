//! Whose bucket a 429 means: one org's, or the partner's.
//!
//! The vendor doesn't say. 429s on one org point to its own bucket; 429s on several orgs at once, or on the
//! client list, to the one that all calls of the partner share. But an org that answers nothing but 429, while
//! most calls of the others get through, has a trouble of its own, even where it isn't the only one: the
//! [`Tally`] tells.

use std::collections::VecDeque;
use std::time::Duration;

/// How near in time 429s of different orgs must be to mean the partner's bucket.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Whose bucket is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// The org's own.
    Org,
    /// The one that all calls share.
    Partner,
}

/// How calls were answered, counted over the run: by 429, or by anything else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    accepted: u64,
    refused: u64,
}

impl Tally {
    /// Counts an answer.
    pub const fn add(&mut self, is_throttled: bool) {
        if is_throttled {
            self.refused += 1;
        } else {
            self.accepted += 1;
        }
    }

    /// What came after an earlier count.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self { accepted: self.accepted - earlier.accepted, refused: self.refused - earlier.refused }
    }

    /// Whether more calls got through than didn't.
    pub const fn is_mostly_accepted(self) -> bool {
        self.accepted > self.refused
    }
}

/// The latest 429s.
#[derive(Debug, Default)]
pub struct Throttles(VecDeque<(Duration, Option<u32>)>);

impl Throttles {
    /// Notes a 429 of an org (`None`: of the client list) and says whose bucket it means.
    pub fn note(&mut self, org: Option<u32>, now: Duration) -> Bucket {
        while self.0.front().is_some_and(|(at, _)| *at + AT_ONCE < now) {
            self.0.pop_front();
        }
        let is_partners = org.is_none() || self.0.iter().any(|(_, other)| *other != org);
        // One entry an org is enough to tell that others are throttled too.
        self.0.retain(|(_, other)| *other != org);
        self.0.push_back((now, org));
        if is_partners { Bucket::Partner } else { Bucket::Org }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn one_org_is_its_own_however_often() {
        let mut throttles = Throttles::default();
        for second in 0..10 {
            assert_eq!(throttles.note(Some(1), secs(second)), Bucket::Org);
        }
        assert_eq!(throttles.0.len(), 1);
    }

    #[test]
    fn several_at_once_are_the_partners() {
        let mut throttles = Throttles::default();
        assert_eq!(throttles.note(Some(1), secs(0)), Bucket::Org);
        assert_eq!(throttles.note(Some(2), secs(1)), Bucket::Partner);
        assert_eq!(throttles.note(Some(1), secs(2)), Bucket::Partner);
    }

    #[test]
    fn several_far_apart_are_their_own() {
        let mut throttles = Throttles::default();
        assert_eq!(throttles.note(Some(1), secs(0)), Bucket::Org);
        assert_eq!(throttles.note(Some(2), secs(3)), Bucket::Org);
    }

    #[test]
    fn the_client_list_is_the_partners() {
        assert_eq!(Throttles::default().note(None, secs(0)), Bucket::Partner);
    }
}
