//! What a plan's reads have shown, for the writes that follow in the same process while it is fresh.
//!
//! Memory stays bounded twice: what is older than a write may be built on is dropped, and so is what doesn't fit under a
//! cap. Which goes then: the reads of the orgs that are written last. Those are the most likely to be old before their
//! turn, while the ones of the first waves serve for sure.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use orgwave_core::org::HeldRead;
use orgwave_core::policy::RetryPolicy;
use orgwave_core::timestamp::Timestamp;

/// The most bytes that are held: some 2,400 orgs of 5 KB. At 50 calls a second, 1,500 orgs are written while a read is fresh.
const CAP: usize = 12 << 20;

/// How often what is old is looked for: to look at each org for each would take quadratic time.
const SWEEP: Duration = Duration::from_secs(1);

/// When an org is written, compared with others: the wave that its row names (without one, it comes after those that have
/// one), and its place in the plan.
type Turn = (u32, u32);

/// Reads by orgs. Nothing, for a run whose plan another process made.
#[derive(Debug, Default)]
pub struct HeldReads {
    orgs: BTreeMap<Turn, Vec<HeldRead>>,
    waves: HashMap<u32, u32>,
    bytes: usize,
    cap: Option<usize>,
    swept: Option<Timestamp>,
}

impl HeldReads {
    /// The same, with another cap.
    #[must_use]
    pub fn capped_at(self, bytes: usize) -> Self {
        Self { cap: Some(bytes), ..self }
    }

    /// About how many bytes are held.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many orgs have reads that are held.
    pub fn orgs(&self) -> usize {
        self.orgs.len()
    }

    /// Holds what was read of the org at this place of the plan, whose row names this wave.
    pub fn hold(
        &mut self,
        org: u32,
        wave: Option<u32>,
        reads: Vec<HeldRead>,
        retry: RetryPolicy,
        now: Timestamp,
    ) {
        self.drop_old(retry, now);
        if reads.is_empty() {
            return;
        }
        let wave = wave.unwrap_or(u32::MAX);
        self.bytes += bytes_of(&reads);
        self.waves.insert(org, wave);
        self.bytes -= self.orgs.insert((wave, org), reads).map_or(0, |reads| bytes_of(&reads));
        while self.bytes > self.cap.unwrap_or(CAP)
            && let Some(((_, org), reads)) = self.orgs.pop_last()
        {
            self.waves.remove(&org);
            self.bytes -= bytes_of(&reads);
        }
    }

    /// Hands out what is held of an org: its turn has come. What of it is fresh, its driver decides.
    pub fn take(&mut self, org: u32, retry: RetryPolicy, now: Timestamp) -> Vec<HeldRead> {
        self.drop_old(retry, now);
        let reads = self.waves.remove(&org).and_then(|wave| self.orgs.remove(&(wave, org)));
        let reads = reads.unwrap_or_default();
        self.bytes -= bytes_of(&reads);
        reads
    }

    fn drop_old(&mut self, retry: RetryPolicy, now: Timestamp) {
        if self.swept.is_some_and(|swept| now < swept.plus(SWEEP)) {
            return;
        }
        self.swept = Some(now);
        let (waves, bytes) = (&mut self.waves, &mut self.bytes);
        self.orgs.retain(|(_, org), reads| {
            reads.retain(|read| {
                let is_fresh = now < retry.fresh_until(read.requested);
                *bytes -= if is_fresh { 0 } else { read.settings.footprint() };
                is_fresh
            });
            if reads.is_empty() {
                waves.remove(org);
            }
            !reads.is_empty()
        });
    }
}

fn bytes_of(reads: &[HeldRead]) -> usize {
    reads.iter().map(|read| read.settings.footprint()).sum()
}

#[cfg(test)]
mod tests {
    use orgwave_core::settings::RawObject;

    use super::*;

    const RETRY: fn() -> RetryPolicy = RetryPolicy::default;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + 1_000 * seconds)
    }

    fn read(requested: Timestamp) -> HeldRead {
        let settings = RawObject::parse(r#"{"enabled":true,"saveClips":false}"#).expect("an object");
        HeldRead { place: 0, settings, requested }
    }

    fn held(orgs: impl IntoIterator<Item = (u32, Option<u32>)>, cap: usize) -> HeldReads {
        let mut held = HeldReads::default().capped_at(cap);
        for (org, wave) in orgs {
            held.hold(org, wave, vec![read(at(0))], RETRY(), at(0));
        }
        held
    }

    #[test]
    fn a_read_is_handed_out_once_to_the_org_it_is_of() {
        let mut held = held([(3, None), (4, Some(2))], CAP);
        assert_eq!(held.take(5, RETRY(), at(1)).len(), 0);
        assert_eq!(held.take(4, RETRY(), at(1)).len(), 1);
        assert_eq!((held.take(4, RETRY(), at(1)).len(), held.orgs()), (0, 1));
        held.take(3, RETRY(), at(1));
        assert_eq!((held.orgs(), held.bytes()), (0, 0));
    }

    #[test]
    fn what_gets_old_is_dropped_without_being_asked_for() {
        let mut held = held(pairs(), CAP);
        held.hold(10, None, vec![read(at(30))], RETRY(), at(30));
        assert_eq!(held.orgs(), 11);
        held.take(99, RETRY(), at(60));
        assert_eq!(held.orgs(), 1, "at 60 s it is no more fresh");
        held.take(99, RETRY(), at(90));
        assert_eq!((held.orgs(), held.bytes()), (0, 0));
    }

    #[test]
    fn over_the_cap_the_orgs_that_are_written_last_go_first() {
        let one = read(at(0)).settings.footprint();
        let mut held = held([(0, None), (1, None), (2, None), (3, Some(1)), (4, None)], 3 * one);
        assert!(held.bytes() <= 3 * one);
        let mut has = |org| !held.take(org, RETRY(), at(1)).is_empty();
        assert_eq!([0, 1, 2, 3, 4].map(&mut has), [true, true, false, true, false]);
    }

    fn pairs() -> impl Iterator<Item = (u32, Option<u32>)> {
        (0..10).map(|org| (org, None))
    }

    #[test]
    fn reads_of_the_same_org_replace_each_other_in_the_count() {
        let mut held = held(pairs().chain(pairs()), CAP);
        assert_eq!(held.bytes(), 10 * read(at(0)).settings.footprint());
        held.take(0, RETRY(), at(0));
        assert_eq!(held.orgs(), 9);
    }
}
