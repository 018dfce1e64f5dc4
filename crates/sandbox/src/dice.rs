//! Reproducible chance: a stream of numbers that depends on a seed and on what it is drawn for, and on nothing else.
//!
//! The generator is splitmix64, written out, so that a world stays the same when a dependency is updated.
//! It is no source of secrets.

use orgwave_core::ids::Ruuid;

/// A stream of pseudo-random numbers.
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream for a purpose: the seed and the parts that name it, mixed byte by byte (FNV-1a).
    pub(crate) fn new(seed: u64, purpose: &[&[u8]]) -> Self {
        let bytes = seed.to_le_bytes();
        let parts = std::iter::once(bytes.as_slice()).chain(purpose.iter().copied());
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for part in parts {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            let length = (part.len() as u64).to_le_bytes();
            for byte in length.iter().chain(part) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        Self(hash)
    }

    /// The next number.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `end`; 0 where `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll().checked_rem(end).unwrap_or(0)
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // The upper 53 bits are exactly what a float can tell apart in 0..1.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
        let place = (self.roll() >> 11) as f64 / (1_u64 << 53) as f64;
        place < probability
    }

    /// One of some things; there must be one.
    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let place = usize::try_from(self.below(things.len() as u64)).unwrap_or(0);
        &things[place]
    }

    /// An id.
    pub(crate) fn ruuid(&mut self) -> Ruuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.roll().to_le_bytes());
        bytes[8..].copy_from_slice(&self.roll().to_le_bytes());
        Ruuid::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_gives_its_own_reproducible_stream() {
        let draw = |seed, purpose: &[&[u8]]| Dice::new(seed, purpose).roll();
        assert_eq!(draw(1, &[b"a", b"b"]), draw(1, &[b"a", b"b"]));
        assert_ne!(draw(1, &[b"a", b"b"]), draw(2, &[b"a", b"b"]));
        assert_ne!(draw(1, &[b"ab", b"c"]), draw(1, &[b"a", b"bc"]));
    }

    #[test]
    fn chance_keeps_its_probability() {
        let mut dice = Dice::new(7, &[]);
        let hits = (0..10_000).filter(|_| dice.chance(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!dice.chance(0.0));
        assert!(dice.chance(1.0));
    }
}
