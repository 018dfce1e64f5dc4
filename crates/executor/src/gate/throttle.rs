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

/// And where it is expected, since at a slow rate calls are far apart.
const AT_ONCE_IF_EXPECTED: Duration = Duration::from_secs(3);
/// So many orgs at once mean the partner's bucket, whatever else gets through.
const MANY_ORGS: usize = 5;
/// So many more 429s in a row, and hardly anything else, too.
const FEW_ORGS: u64 = 3;

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

/// The latest 429s: when, of which org, and how all calls had been answered by then.
#[derive(Debug, Default)]
pub struct Throttles(VecDeque<(Duration, Option<u32>, Tally)>);

impl Throttles {
    /// Notes a 429 of an org (`None`: of the client list) and says whose bucket it means. `is_expected`: by what is
    /// known of it, the partner's bucket is nearly empty; then two orgs at once are enough. Else a few orgs with a
    /// trouble of their own must not slow down all: it takes more orgs, or that hardly anything gets through.
    pub fn note(&mut self, org: Option<u32>, now: Duration, tally: Tally, is_expected: bool) -> Bucket {
        let at_once = if is_expected { AT_ONCE_IF_EXPECTED } else { AT_ONCE };
        while self.0.front().is_some_and(|(at, ..)| *at + at_once < now) {
            self.0.pop_front();
        }
        // One entry an org is enough to tell that others are throttled too.
        self.0.retain(|(_, other, _)| *other != org);
        let others = self.0.len();
        let nothing_gets_through = self.0.iter().any(|(.., then)| {
            let since = tally.since(*then);
            since.refused >= FEW_ORGS && since.accepted < since.refused
        });
        let is_partners = org.is_none()
            || others >= 1 && is_expected
            || others >= 1 && nothing_gets_through
            || others + 1 >= MANY_ORGS;
        self.0.push_back((now, org, tally));
        if is_partners { Bucket::Partner } else { Bucket::Org }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// Notes 429s of these orgs, with so many calls of others let through before each.
    fn note(orgs: &[u32], accepted: u64, is_expected: bool) -> Vec<Bucket> {
        let (mut throttles, mut tally) = (Throttles::default(), Tally::default());
        let note = |org: &u32| {
            tally.accepted += accepted;
            tally.add(true);
            throttles.note(Some(*org), secs(1), tally, is_expected)
        };
        orgs.iter().map(note).collect()
    }

    #[test]
    fn one_org_is_its_own_however_often() {
        let mut throttles = Throttles::default();
        for second in 0..10 {
            assert_eq!(throttles.note(Some(1), secs(second), Tally::default(), true), Bucket::Org);
        }
        assert_eq!(throttles.0.len(), 1);
    }

    #[test]
    fn two_at_once_are_the_partners_where_its_bucket_is_nearly_empty() {
        assert_eq!(note(&[1, 2, 1], 50, true), [Bucket::Org, Bucket::Partner, Bucket::Partner]);
    }

    #[test]
    fn a_few_among_many_are_their_own() {
        assert_eq!(note(&[1, 2, 3, 1, 2, 3], 20, false), [Bucket::Org; 6]);
    }

    #[test]
    fn many_at_once_are_the_partners_and_so_are_a_few_when_nothing_gets_through() {
        assert_eq!(note(&[1, 2, 3, 4, 5], 20, false)[4], Bucket::Partner);
        let (own, partners) = (Bucket::Org, Bucket::Partner);
        assert_eq!(note(&[1, 2, 3, 4], 0, false), [own, own, own, partners]);
    }

    #[test]
    fn several_far_apart_are_their_own() {
        let mut throttles = Throttles::default();
        assert_eq!(throttles.note(Some(1), secs(0), Tally::default(), true), Bucket::Org);
        assert_eq!(throttles.note(Some(2), secs(4), Tally::default(), true), Bucket::Org);
    }

    #[test]
    fn the_client_list_is_the_partners() {
        assert_eq!(Throttles::default().note(None, secs(0), Tally::default(), false), Bucket::Partner);
    }
}
