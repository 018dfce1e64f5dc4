//! How many calls may be refused for the sake of knowing the limit.
//!
//! Only a 429 tells that the bucket is empty, so to know whether the limit is still where it was costs a refused
//! call each time. Every call that is let through earns a part of one, and what was earned is spent on probes. So
//! the share of calls that are refused is bounded whatever the limit is, and probes come as often as that allows:
//! every 10 s at 8 calls a second, every 38 s at 2.

/// What a call that is let through earns: 1.3 of a hundred may be refused, and a start may cost a few more.
const EARNED: f64 = 0.013;
/// What a start may cost.
const FIRST: f64 = 0.6;
/// No more is saved up: after a long calm, a storm of probes would tell no more than one.
const MOST: f64 = 1.5;
/// A worse debt is forgotten: a limit that was lowered costs many refusals at once, and must be followed all the
/// same.
const WORST: f64 = -3.0;

/// But not that replies come late: then each of those many is paid for, up to so many times the calls of a round trip.
const LATE: f64 = 0.8;

#[derive(Debug, Clone)]
pub(super) struct Allowance(f64);

impl Allowance {
    pub(super) const fn new() -> Self {
        Self(FIRST)
    }

    pub(super) const fn sent(&mut self) {
        if self.0 < MOST {
            self.0 += EARNED;
        }
    }

    /// A call was refused. So many are in progress, the more the later replies come.
    pub(super) const fn refused(&mut self, late: f64) {
        self.0 = (self.0 - 1.0).max(WORST - LATE * late);
    }

    /// Whether there is enough for a probe.
    pub(super) const fn allows_a_probe(&self) -> bool {
        self.0 >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_seventy_seven_is_spent_on_probes() {
        let (mut allowance, mut probes) = (Allowance::new(), 0);
        for _ in 0..7_700 {
            allowance.sent();
            if allowance.allows_a_probe() {
                allowance.refused(0.0);
                probes += 1;
            }
        }
        assert!((98..=101).contains(&probes), "{probes}");
    }

    #[test]
    fn neither_a_calm_nor_a_storm_is_remembered_for_ever() {
        let mut allowance = Allowance::new();
        (0..100_000).for_each(|_| allowance.sent());
        allowance.refused(0.0);
        assert!(!allowance.allows_a_probe(), "one is all that a calm saves up");
        (0..1_000).for_each(|_| allowance.refused(0.0));
        (0..400).for_each(|_| allowance.sent());
        assert!(allowance.allows_a_probe());
    }
}
