//! Which wave an org is in: a plan's lines hold what the manifest pins, its footer how many orgs each wave has.

use std::collections::BTreeMap;

use super::WaveCount;
use crate::policy::Waves;

/// Deals waves out to the orgs that are to be written, in the manifest's order: pinned orgs are in the wave that the
/// manifest gives them, and the others fill the waves after the last pinned one.
#[derive(Debug)]
pub struct Dealer {
    /// In their order, with the orgs that each still takes.
    waves: Vec<WaveCount>,
    /// The place of the wave that the next org without a pin may be in.
    next: usize,
}

impl WaveCount {
    /// The waves of the orgs that are to be written, by the pins that some of them have.
    pub fn all(pins: impl IntoIterator<Item = Option<u32>>, sizes: &Waves) -> Vec<Self> {
        let (mut pinned, mut others) = (BTreeMap::new(), 0);
        for pin in pins {
            match pin {
                Some(wave) => *pinned.entry(wave).or_default() += 1,
                None => others += 1,
            }
        }
        let first = pinned.last_key_value().map_or(1, |(wave, _)| wave + 1);
        let pinned = pinned.into_iter().map(|(wave, orgs)| Self { wave, orgs, pinned: true });
        let others =
            (first..).zip(sizes.split(others)).map(|(wave, orgs)| Self { wave, orgs, pinned: false });
        pinned.chain(others).collect()
    }
}

impl Dealer {
    /// For a plan with these waves.
    pub fn new(waves: &[WaveCount]) -> Self {
        Self { waves: waves.to_owned(), next: 0 }
    }

    /// The wave of the next org that is to be written; `None` if none has room for it: the plan is not whole.
    pub fn deal(&mut self, pin: Option<u32>) -> Option<u32> {
        let wave = if let Some(wave) = pin {
            let place = self.waves.binary_search_by_key(&wave, |count| count.wave).ok()?;
            Some(&mut self.waves[place]).filter(|wave| wave.pinned && wave.orgs > 0)
        } else {
            let has_room = |count: &WaveCount| !count.pinned && count.orgs > 0;
            self.next += self.waves[self.next..].iter().position(has_room)?;
            Some(&mut self.waves[self.next])
        }?;
        wave.orgs -= 1;
        Some(wave.wave)
    }

    /// Whether every wave has its orgs.
    pub fn is_done(&self) -> bool {
        self.waves.iter().all(|wave| wave.orgs == 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dealt(pins: &[Option<u32>], sizes: &str) -> (Vec<WaveCount>, Vec<u32>) {
        let waves = WaveCount::all(pins.iter().copied(), &sizes.parse().unwrap());
        let mut dealer = Dealer::new(&waves);
        let dealt = pins.iter().map(|pin| dealer.deal(*pin).unwrap()).collect();
        assert!(dealer.is_done(), "{dealer:?}");
        assert!([None, Some(1), Some(9)].map(|pin| dealer.deal(pin)) == [None; 3], "{dealer:?}");
        (waves, dealt)
    }

    #[test]
    fn pinned_orgs_keep_their_waves_and_others_share_later_ones() {
        let (waves, dealt) = dealt(&[None, Some(2), None, Some(0), None], "1,rest");
        assert_eq!(dealt, [3, 2, 4, 0, 4]);
        let seen: Vec<_> = waves.iter().map(|count| (count.wave, count.orgs, count.pinned)).collect();
        assert_eq!(seen, [(0, 1, true), (2, 1, true), (3, 1, false), (4, 2, false)]);
    }

    #[test]
    fn an_org_for_which_no_wave_has_room_gets_none() {
        let mut dealer = Dealer::new(&WaveCount::all([None, Some(2)], &Waves::default()));
        assert_eq!(dealer.deal(Some(3)), None, "it takes others");
        assert_eq!((dealer.deal(Some(2)), dealer.deal(Some(2))), (Some(2), None));
        assert!(!dealer.is_done());
        assert_eq!((dealer.deal(None), dealer.deal(None)), (Some(3), None));
    }

    proptest! {
        #[test]
        fn waves_are_full_and_in_the_order_of_the_lines(
            pins in prop::collection::vec(prop::option::weighted(0.3, 0u32..5), 0..300),
            sizes in "([1-9]|[1-9]0%),([1-9]|[1-9]0%)(,rest)?",
        ) {
            let (waves, dealt) = dealt(&pins, &sizes);
            for count in &waves {
                prop_assert_eq!(dealt.iter().filter(|wave| **wave == count.wave).count() as u64, count.orgs);
            }
            let others = pins.iter().zip(&dealt).filter(|(pin, _)| pin.is_none()).map(|(_, wave)| wave);
            prop_assert!(others.is_sorted());
            prop_assert!(pins.iter().zip(&dealt).all(|(pin, wave)| pin.is_none_or(|pin| pin == *wave)));
        }
    }
}
