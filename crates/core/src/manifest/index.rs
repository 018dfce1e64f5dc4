//! Which orgs a manifest names, and where: 16 bytes and a line each.
//!
//! Of a million orgs each look-up misses the caches, so it should do so once: a slot holds a place and 32 bits of the
//! hash, which sort out other orgs without a look at their ids. A general table looks at its control bytes, its
//! slots and the ids, and costs a check a tenth of its speed. A million orgs cost about 40 MB.

use std::hash::BuildHasher as _;

use hashbrown::DefaultHashBuilder;

use crate::ids::Ruuid;

pub(crate) struct OrgIndex {
    ids: Vec<[u8; 16]>,
    lines: Vec<u32>,
    /// A power of two of slots, at most three quarters of them taken.
    slots: Vec<Slot>,
    hasher: DefaultHashBuilder,
}

/// Where an org may be: the upper half of its hash, and its place plus one; zero for nobody.
#[derive(Clone, Copy, Default)]
struct Slot {
    tag: u32,
    next: u32,
}

/// What a search ends with.
enum Found {
    Place(u32),
    /// The slot where it belongs.
    Free(usize),
}

impl Default for OrgIndex {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            lines: Vec::new(),
            slots: vec![Slot::default(); 64],
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl OrgIndex {
    /// Takes an org in and gives its place, or the line where it already stands.
    pub(crate) fn insert(&mut self, org: Ruuid, line: u64) -> Result<u32, u64> {
        if 4 * (self.ids.len() + 1) > 3 * self.slots.len() {
            self.grow(2 * self.slots.len());
        }
        let id = org.as_bytes();
        let hash = self.hasher.hash_one(id);
        match self.search(id, hash) {
            Found::Place(place) => Err(self.line(place)),
            Found::Free(at) => {
                // Four billion rows are more than a file of any size that fits this machine holds.
                let place = u32::try_from(self.ids.len()).unwrap_or(u32::MAX - 1);
                self.slots[at] = Slot { tag: tag(hash), next: place + 1 };
                self.ids.push(*id);
                self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
                Ok(place)
            }
        }
    }

    /// Makes room for this many orgs in all, so that no growth moves those that are there.
    pub(crate) fn expect(&mut self, orgs: usize) {
        let more = orgs.saturating_sub(self.ids.len());
        self.ids.reserve_exact(more);
        self.lines.reserve_exact(more);
        let slots = (orgs / 3 * 4 + 4).next_power_of_two();
        if slots > self.slots.len() {
            self.grow(slots);
        }
    }

    /// The place of an org.
    pub(crate) fn find(&self, org: Ruuid) -> Option<u32> {
        let id = org.as_bytes();
        match self.search(id, self.hasher.hash_one(id)) {
            Found::Place(place) => Some(place),
            Found::Free(_) => None,
        }
    }

    /// The line of an org.
    pub(crate) fn line(&self, place: u32) -> u64 {
        self.lines[place as usize].into()
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Looks from the hash's own slot on; a quarter of the slots are free, so this ends.
    fn search(&self, id: &[u8; 16], hash: u64) -> Found {
        let mask = self.slots.len() - 1;
        let mut at = start(hash) & mask;
        loop {
            let Slot { tag: other, next } = self.slots[at];
            let Some(place) = next.checked_sub(1) else { return Found::Free(at) };
            if other == tag(hash) && self.ids[place as usize] == *id {
                return Found::Place(place);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self, slots: usize) {
        self.slots = vec![Slot::default(); slots];
        for (id, next) in self.ids.iter().zip(1..) {
            let hash = self.hasher.hash_one(id);
            if let Found::Free(at) = self.search(id, hash) {
                self.slots[at] = Slot { tag: tag(hash), next };
            }
        }
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Where the search begins; the mask takes what there are slots for.
#[expect(clippy::cast_possible_truncation, reason = "the mask leaves fewer bits than any usize has")]
fn start(hash: u64) -> usize {
    hash as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_map(ids in prop::collection::vec(0_u8..200, 0..400), expected in 0_usize..300) {
            let mut index = OrgIndex::default();
            index.expect(expected);
            let mut oracle = HashMap::new();
            for (line, id) in (2..).zip(ids) {
                let org = Ruuid::from_bytes([id; 16]);
                let place = u32::try_from(oracle.len()).unwrap();
                let expected = oracle.get(&id).map_or(Ok(place), |&(_, first)| Err(first));
                oracle.entry(id).or_insert((place, line));
                prop_assert_eq!(index.insert(org, line), expected);
            }
            for id in 0..200 {
                let found = index.find(Ruuid::from_bytes([id; 16]));
                prop_assert_eq!(found, oracle.get(&id).map(|(place, _)| *place));
            }
            prop_assert_eq!(index.len(), oracle.len());
        }
    }
}
