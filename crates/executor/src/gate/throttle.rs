//! Whose bucket a 429 means: one org's, or the partner's.
//!
//! The vendor doesn't say. 429s on one org point to its own bucket; 429s on several orgs at once, or on the
//! client list, to the one that all calls of the partner share. But an org that answers nothing but 429, while
//! most calls of the others get through, has a problem of its own, even where it isn't the only one: the
//! [`Tally`] tells.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// How near in time 429s of different orgs must be to mean the partner's bucket.
const AT_ONCE: Duration = Duration::from_secs(2);
/// This many orgs at once mean the partner's bucket, whatever else gets through.
const MANY_ORGS: usize = 5;
/// And this many where its bucket is empty by what is known.
const SOME_ORGS: usize = 3;
/// This many more 429s, of whichever orgs, and no more calls let through meanwhile, too.
const FEW_MORE: u64 = 3;
/// An org that has another 429 so soon has a problem, of its own unless the others have it too.
const TROUBLE_LASTS: Duration = Duration::from_secs(60);
/// Orgs whose latest 429 is remembered before those of long ago are forgotten.
const MOST_ORGS: usize = 1024;

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
        Self {
            accepted: self.accepted.saturating_sub(earlier.accepted),
            refused: self.refused.saturating_sub(earlier.refused),
        }
    }

    /// Whether more calls got through than didn't.
    pub const fn is_mostly_accepted(self) -> bool {
        self.accepted > self.refused
    }
}

/// A 429 that came lately.
#[derive(Debug)]
struct Recent {
    at: Duration,
    /// `None`: the client list.
    org: Option<u32>,
    /// It tells more than that an org has its problem still.
    is_news: bool,
    /// How all calls had been answered by then, this one included, but for orgs with a problem of their own.
    tally: Tally,
}

/// The latest 429s: all of the last moment, and of each org the last one.
#[derive(Debug, Default)]
pub struct Throttles {
    recent: VecDeque<Recent>,
    orgs: HashMap<u32, (Duration, Tally)>,
    /// 429s of orgs with a problem of their own: they tell nothing of the others.
    own: u64,
}

/// What makes a 429 the partner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// One org had it, at a time at which the partner's bucket is empty by what is known.
    OneOrg,
    /// Several had it at once, or the client list.
    SeveralOrgs,
}

/// What is known of the partner's bucket, apart from its 429s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There should be something in it, or it is unknown.
    NotEmpty,
    /// There should be something in it, and calls are few.
    NotEmptyAmongFew,
    /// Nothing yet, and calls are so few that every refused one counts.
    Nothing,
    /// More and more is sent, so that it must be empty some time; and calls are few.
    EmptySoon,
    /// It is empty about now, and calls are few.
    EmptyNow,
    /// It is empty about now or soon, and calls are many.
    EmptyAmongMany,
}

impl Expected {
    /// Whether a 429 is what was to be expected.
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::EmptySoon | Self::EmptyNow | Self::EmptyAmongMany)
    }
}

impl Throttles {
    /// Whether a 429 of this org would tell anything of the others: not if it had one a moment ago, and most calls
    /// of the others got through since.
    pub(super) fn is_news(&self, org: Option<u32>, now: Duration, tally: Tally) -> bool {
        org.and_then(|org| self.orgs.get(&org)).is_none_or(|(at, before)| {
            *at + TROUBLE_LASTS < now || !tally.since(*before).is_mostly_accepted()
        })
    }

    /// Another 429 of an org that has a problem of its own.
    pub const fn note_own(&mut self) {
        self.own += 1;
    }

    /// Notes a 429 of an org (`None`: of the client list) and says what makes it the partner's; `None`: nothing, it
    /// is the org's own. Where the partner's bucket is expected to be empty, any org is enough that has no problem of
    /// its own. Else a few orgs with problems must not slow down all: it takes more of them, or that hardly anything
    /// gets through.
    pub fn note(
        &mut self,
        org: Option<u32>,
        now: Duration,
        tally: Tally,
        expected: Expected,
        round_trip: Duration,
    ) -> Option<Evidence> {
        while self.recent.front().is_some_and(|recent| recent.at + AT_ONCE + round_trip < now) {
            self.recent.pop_front();
        }
        let is_news = self.is_news(org, now, tally);
        if !is_news {
            self.note_own();
        }
        let of_all = tally;
        let tally = Tally { refused: tally.refused.saturating_sub(self.own), ..tally };
        // One entry an org is enough to tell that others are throttled too.
        self.recent.retain(|recent| recent.org != org);
        let got_through_and_not = |recent: &Recent| {
            let since = tally.since(recent.tally);
            (since.accepted, since.refused)
        };
        let any = |shows: fn(u64, u64) -> bool| {
            self.recent.iter().map(got_through_and_not).any(|(accepted, refused)| shows(accepted, refused))
        };
        let orgs = 1 + self.recent.iter().filter(|recent| recent.is_news).count();
        let are_enough = match expected {
            Expected::NotEmpty | Expected::EmptySoon | Expected::EmptyNow => orgs >= MANY_ORGS,
            Expected::EmptyAmongMany => orgs >= SOME_ORGS,
            Expected::NotEmptyAmongFew => {
                orgs >= MANY_ORGS || orgs >= SOME_ORGS && any(|accepted, refused| accepted <= refused)
            }
            Expected::Nothing => orgs >= SOME_ORGS || any(|accepted, refused| accepted < refused),
        };
        let is_likely = match expected {
            Expected::EmptyNow => true,
            Expected::EmptySoon => any(|accepted, refused| accepted <= refused),
            _ => false,
        };
        let hardly_a_call_gets_through = any(|accepted, refused| refused >= FEW_MORE && accepted < refused);
        self.recent.push_back(Recent { at: now, org, is_news, tally });
        if let Some(org) = org {
            if self.orgs.len() > MOST_ORGS {
                self.orgs.retain(|_, (at, _)| *at + TROUBLE_LASTS >= now);
            }
            self.orgs.insert(org, (now, of_all));
        }
        let evidence = if org.is_none() || hardly_a_call_gets_through || is_news && are_enough {
            Some(Evidence::SeveralOrgs)
        } else {
            (is_news && is_likely).then_some(Evidence::OneOrg)
        };
        if evidence.is_some() {
            // Their evidence is used up: another org's own 429 after it is no more than that.
            self.recent.clear();
        }
        evidence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// Notes 429s of these orgs, with this many calls of others let through before each.
    fn note(orgs: &[u32], accepted: u64, expected: Expected) -> Vec<Option<Evidence>> {
        let (mut throttles, mut tally) = (Throttles::default(), Tally::default());
        let note = |org: &u32| {
            tally.accepted += accepted;
            tally.add(true);
            throttles.note(Some(*org), secs(1), tally, expected, Duration::ZERO)
        };
        orgs.iter().map(note).collect()
    }

    #[test]
    fn one_org_is_its_own_however_often() {
        let (mut throttles, mut tally) = (Throttles::default(), Tally::default());
        for second in 0..10 {
            let expected = if second > 0 { Expected::EmptyNow } else { Expected::NotEmpty };
            tally.accepted += 50;
            tally.add(true);
            assert_eq!(throttles.note(Some(1), secs(second), tally, expected, Duration::ZERO), None);
        }
        assert_eq!(throttles.recent.len(), 1);
    }

    #[test]
    fn a_429_of_any_org_counts_if_the_partners_bucket_is_empty() {
        assert_eq!(note(&[1, 2, 3], 50, Expected::EmptyNow), [Some(Evidence::OneOrg); 3]);
    }

    #[test]
    fn orgs_with_their_own_429s_do_not_count() {
        let own_again = note(&[1, 2, 1], 50, Expected::EmptyNow)[2];
        assert_eq!(own_again, None);
    }

    #[test]
    fn a_few_among_many_are_their_own() {
        assert_eq!(note(&[1, 2, 3, 1, 2, 3], 20, Expected::NotEmpty), [None; 6]);
        assert_eq!(note(&[1, 2, 1, 2], 1, Expected::Nothing), [None; 4]);
        assert_eq!(note(&[1, 2, 3, 1, 2, 3], 5, Expected::NotEmptyAmongFew), [None; 6]);
    }

    #[test]
    fn many_429s_or_a_few_with_no_success_are_the_partners() {
        let (own, partners) = (None, Some(Evidence::SeveralOrgs));
        assert_eq!(note(&[1, 2, 3, 4, 5], 20, Expected::NotEmpty), [own, own, own, own, partners]);
        assert_eq!(note(&[1, 2, 3, 4], 0, Expected::NotEmpty), [own, own, own, partners]);
        assert_eq!(note(&[1, 2], 0, Expected::Nothing), [own, partners]);
    }

    #[test]
    fn what_was_heard_once_makes_no_other_the_partners() {
        let (mut throttles, mut tally) = (Throttles::default(), Tally::default());
        let mut note = |org: u32, accepted: u64| {
            tally.accepted += accepted;
            tally.add(true);
            throttles.note(Some(org), secs(1), tally, Expected::NotEmpty, Duration::ZERO)
        };
        let evidence: Vec<_> = (1..=5).map(|org| note(org, 20)).collect();
        assert_eq!(evidence[4], Some(Evidence::SeveralOrgs));
        assert_eq!(note(6, 20), None);
    }

    #[test]
    fn rate_limited_orgs_returning_together_are_no_sign() {
        let (mut throttles, mut tally) = (Throttles::default(), Tally::default());
        for org in 1..=4 {
            tally.accepted += 50;
            tally.add(true);
            let evidence = throttles.note(
                Some(org),
                secs(10 * u64::from(org)),
                tally,
                Expected::NotEmpty,
                Duration::ZERO,
            );
            assert_eq!(evidence, None);
        }
        // After a pause, say: one after the other, and nothing else between them.
        tally.accepted += 50;
        for org in 1..=4 {
            tally.add(true);
            assert_eq!(
                throttles.note(Some(org), secs(50), tally, Expected::NotEmpty, Duration::ZERO),
                None,
                "{org}"
            );
        }
    }

    #[test]
    fn several_are_at_once_within_a_round_trip() {
        let tally = Tally { accepted: 0, refused: 9 };
        for (round_trip, expected) in [(1, None), (3, Some(Evidence::SeveralOrgs))] {
            let mut throttles = Throttles::default();
            let mut note = |org: u32| {
                let at = secs(2 * u64::from(org));
                throttles.note(Some(org), at, tally, Expected::Nothing, Duration::from_secs(round_trip))
            };
            assert_eq!([note(1), note(2), note(3)], [None, None, expected], "{round_trip} s");
        }
    }

    #[test]
    fn several_far_apart_are_their_own() {
        let (mut throttles, tally) = (Throttles::default(), Tally::default());
        assert_eq!(throttles.note(Some(1), secs(0), tally, Expected::Nothing, Duration::ZERO), None);
        assert_eq!(throttles.note(Some(2), secs(4), tally, Expected::Nothing, Duration::ZERO), None);
    }

    #[test]
    fn the_client_list_is_the_partners() {
        let evidence =
            Throttles::default().note(None, secs(0), Tally::default(), Expected::NotEmpty, Duration::ZERO);
        assert_eq!(evidence, Some(Evidence::SeveralOrgs));
    }
}
