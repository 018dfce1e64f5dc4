//! Which org may begin: wave after wave, each only when the one before has ended well enough; and before all, one org after
//! another, alone, until a canary was written well.

use std::collections::BTreeMap;

use orgwave_core::plan::IndexEntry;
use orgwave_core::policy::FailureBudget;
use orgwave_core::status::Status;

use super::canary::Canaries;

/// The orgs that are to be begun, by wave.
#[derive(Debug)]
pub(super) struct WaveFeed {
    /// What is left, the next wave first; each wave's orgs in the plan's order.
    left: std::collections::VecDeque<(Option<u32>, Vec<u32>)>,
    current: Option<Wave>,
    /// The wave in which an earlier process stopped.
    resumed: Option<u32>,
    canaries: Canaries,
    failed_in_run: u64,
    budget: FailureBudget,
}

#[derive(Debug)]
struct Wave {
    /// None while doubt that an earlier process left is settled, before any wave.
    number: Option<u32>,
    orgs: std::vec::IntoIter<u32>,
    open: u64,
    finished: u64,
    failed: u64,
    /// Its written orgs are being read again.
    is_rechecking: bool,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An org of the current wave.
    Org(u32),
    /// A wave began: its number (none: in-doubt writes are resolved), and how many orgs it has.
    Began(Option<u32>, u32),
    /// Nothing until the wave's open orgs have ended.
    Later,
    /// Nothing at all.
    Over,
}

impl WaveFeed {
    /// The orgs of the plan that are to be written, without those that have their final word; those in doubt
    /// come first, in a wave of their own.
    pub(super) fn new(
        index: &[IndexEntry],
        budget: FailureBudget,
        canaries: Canaries,
        is_settled: impl Fn(u32) -> bool,
        is_in_doubt: impl Fn(u32) -> bool,
    ) -> Self {
        let mut waves: BTreeMap<Option<u32>, Vec<u32>> = BTreeMap::new();
        for (place, entry) in (0u32..).zip(index) {
            if entry.verdict.status().is_none() && !is_settled(place) {
                let wave = (!is_in_doubt(place)).then_some(entry.wave);
                waves.entry(wave).or_default().push(place);
            }
        }
        let left = waves.into_iter().collect();
        Self { left, current: None, resumed: None, canaries, failed_in_run: 0, budget }
    }

    /// Orgs of this wave were written by an earlier process. They are read again when it ends, be it at once.
    pub(super) fn resume(&mut self, wave: Option<u32>) {
        self.resumed = wave;
        if self.left.front().is_some_and(|(number, _)| number.is_some() && *number != wave) {
            self.left.push_front((None, Vec::new()));
        }
    }

    /// Nothing but in-doubt writes are resolved.
    pub(super) fn settle_only(&mut self) {
        self.left.retain(|(number, _)| number.is_none());
    }

    pub(super) fn current(&self) -> Option<u32> {
        self.current.as_ref().and_then(|wave| wave.number)
    }

    /// Whether the current wave's orgs have all ended, and were not read again. Those whose doubt was settled wait
    /// for the end of the wave that they are of.
    pub(super) fn may_recheck(&self) -> bool {
        let goes_on =
            || self.resumed.is_some() && self.left.front().is_some_and(|(next, _)| *next == self.resumed);
        self.current.as_ref().is_some_and(|wave| {
            !wave.is_rechecking
                && wave.open == 0
                && wave.orgs.len() == 0
                && (wave.number.is_some() || !goes_on())
        })
    }

    /// These orgs of the current wave are to be read again before the next begins; others aren't begun.
    pub(super) fn recheck(&mut self, orgs: Vec<u32>) {
        if let Some(wave) = &mut self.current {
            wave.orgs = orgs.into_iter();
            wave.is_rechecking = true;
        }
    }

    /// No further wave begins.
    pub(super) fn end_after_this(&mut self) {
        self.left.clear();
    }

    /// An org that was read again is as it was, or not. Returns whether, at the end, the failure budget is spent:
    /// the others are still to be looked at.
    pub(super) fn rechecked(&mut self, is_overwritten: bool) -> bool {
        let Some(wave) = &mut self.current else { return false };
        wave.open -= 1;
        wave.failed += u64::from(is_overwritten);
        self.failed_in_run += u64::from(is_overwritten);
        let is_over = wave.open == 0 && wave.orgs.len() == 0;
        is_over
            && self.budget.is_spent(
                self.failed_in_run,
                wave.failed,
                wave.finished,
                is_over,
                self.canaries.are_any_proven(),
            )
    }

    /// Whether the org that begins now is the canary, alone.
    pub(super) fn seeks_canary(&self) -> bool {
        self.canaries.are_sought()
    }

    /// Who proves that the writes of an operation do what is meant.
    pub(super) const fn canaries(&mut self) -> &mut Canaries {
        &mut self.canaries
    }

    pub(super) fn next(&mut self) -> Next {
        let is_alone = self.seeks_canary();
        if let Some(wave) = &mut self.current {
            if is_alone && wave.open > 0 {
                return Next::Later;
            }
            if let Some(org) = wave.orgs.next() {
                wave.open += 1;
                return Next::Org(org);
            }
            if wave.open > 0 {
                return Next::Later;
            }
        }
        match self.left.pop_front() {
            None => Next::Over,
            Some((number, orgs)) => {
                let count = u32::try_from(orgs.len()).unwrap_or(u32::MAX);
                self.current = Some(Wave {
                    number,
                    orgs: orgs.into_iter(),
                    open: 0,
                    finished: 0,
                    failed: 0,
                    is_rechecking: false,
                });
                Next::Began(number, count)
            }
        }
    }

    /// An org of the current wave has ended. Returns whether the failure budget is spent.
    pub(super) fn ended(&mut self, status: Status) -> bool {
        let Some(wave) = self.current.as_mut() else { return false };
        wave.open -= 1;
        wave.finished += 1;
        if status.spends_budget() {
            wave.failed += 1;
            self.failed_in_run += 1;
        }
        let is_over = wave.open == 0 && wave.orgs.len() == 0;
        let (failed, finished) = (wave.failed, wave.finished);
        // What one org refuses is a large share of a wave of which nothing else was tried yet.
        if self.seeks_canary() && matches!(self.budget, FailureBudget::Share(share) if !share.is_zero()) {
            return false;
        }
        let is_proven = self.canaries.are_any_proven();
        self.budget.is_spent(self.failed_in_run, failed, finished, is_over, is_proven)
    }
}

#[cfg(test)]
mod tests {
    use orgwave_core::plan::{Places, Verdict};
    use orgwave_core::run::StopReason;

    use super::*;

    fn index(waves: &[u32]) -> Vec<IndexEntry> {
        let entry = |wave: &u32| IndexEntry {
            offset: 0,
            length: 0,
            wave: *wave,
            verdict: if *wave == 0 { Verdict::Unchanged } else { Verdict::Update },
            updates: Places::first(if *wave == 0 { Verdict::Unchanged } else { Verdict::Update }),
            rest: None,
        };
        waves.iter().map(entry).collect()
    }

    /// An org with a single step ends.
    fn end(feed: &mut WaveFeed, status: Status) -> Option<StopReason> {
        let stop = feed.canaries().ended(0, 0, status, true);
        let is_spent = feed.ended(status);
        stop.or(is_spent.then_some(StopReason::BudgetSpent))
    }

    #[test]
    fn a_wave_begins_when_the_one_before_has_ended() {
        let mut feed = WaveFeed::new(
            &index(&[2, 0, 1, 2]),
            FailureBudget::default(),
            Canaries::none(),
            |_| false,
            |_| false,
        );
        assert_eq!(feed.next(), Next::Began(Some(1), 1));
        assert_eq!(feed.next(), Next::Org(2));
        assert_eq!(feed.next(), Next::Later);
        assert_eq!(end(&mut feed, Status::Applied), None);
        assert_eq!(feed.next(), Next::Began(Some(2), 2));
        assert_eq!(feed.next(), Next::Org(0));
        assert_eq!(feed.next(), Next::Org(3));
        assert_eq!(feed.next(), Next::Later);
        assert_eq!(end(&mut feed, Status::Applied), None);
        assert_eq!(end(&mut feed, Status::Failed), Some(StopReason::BudgetSpent));
        assert_eq!(feed.next(), Next::Over);
    }

    #[test]
    fn in_doubt_orgs_are_resolved_before_any_wave() {
        let index = index(&[1, 1, 2]);
        let mut feed =
            WaveFeed::new(&index, FailureBudget::default(), Canaries::none(), |org| org == 0, |org| org == 2);
        assert_eq!(feed.next(), Next::Began(None, 1));
        assert_eq!(feed.next(), Next::Org(2));
        end(&mut feed, Status::Applied);
        assert_eq!(feed.next(), Next::Began(Some(1), 1));
        assert_eq!(feed.next(), Next::Org(1));
    }

    fn seeking(waves: &[u32]) -> WaveFeed {
        let budget = FailureBudget::default();
        WaveFeed::new(&index(waves), budget, Canaries::sought(1, Places::default()), |_| false, |_| false)
    }

    /// Begins the next org, and makes sure that no other may.
    fn alone(feed: &mut WaveFeed, org: u32) {
        while let Next::Began(..) = {
            let next = feed.next();
            assert!(matches!(next, Next::Began(..)) || next == Next::Org(org), "{next:?}");
            next
        } {}
        assert_eq!(feed.next(), Next::Later, "org {org} is alone");
    }

    #[test]
    fn until_a_write_is_proven_each_org_is_the_canary_alone() {
        let mut feed = seeking(&[1, 2, 2, 3, 3, 3]);
        let ends = [Status::Rejected, Status::Unchanged, Status::Conflict, Status::Blocked];
        for (org, status) in (0..).zip(ends) {
            alone(&mut feed, org);
            assert_eq!(end(&mut feed, status), None, "{status}");
        }
        alone(&mut feed, 4);
        assert_eq!(end(&mut feed, Status::AppliedWithWarnings), None);
        assert!(!feed.seeks_canary());
    }

    #[test]
    fn a_canary_of_which_something_is_wrong_stops_the_run() {
        for status in [Status::Failed, Status::Diverged, Status::Unknown] {
            let mut feed = seeking(&[1, 1, 1]);
            alone(&mut feed, 0);
            assert_eq!(end(&mut feed, Status::Rejected), None);
            alone(&mut feed, 1);
            assert_eq!(end(&mut feed, status), Some(StopReason::CanaryStopped(status)));
        }
    }

    #[test]
    fn three_canaries_rejected_in_a_row_stop_the_run() {
        use Status::{Rejected, Unchanged};
        let mut feed = seeking(&[1, 2, 2, 2, 2, 2, 2]);
        for (org, status) in (0..).zip([Rejected, Rejected, Unchanged, Rejected, Rejected]) {
            alone(&mut feed, org);
            assert_eq!(end(&mut feed, status), None);
        }
        alone(&mut feed, 5);
        assert_eq!(end(&mut feed, Rejected), Some(StopReason::CanariesRejected));
    }

    #[test]
    fn a_number_of_orgs_counts_the_rejected_canaries_too() {
        let budget = FailureBudget::Orgs(1);
        let mut feed = WaveFeed::new(
            &index(&[1, 1, 1]),
            budget,
            Canaries::sought(1, Places::default()),
            |_| false,
            |_| false,
        );
        alone(&mut feed, 0);
        assert_eq!(end(&mut feed, Status::Rejected), None);
        alone(&mut feed, 1);
        assert_eq!(end(&mut feed, Status::Rejected), Some(StopReason::BudgetSpent));
    }
}
