//! Which orgs a manifest names, and where: 16 bytes and a line each. A million orgs cost about 30 MB.

use std::hash::BuildHasher as _;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::ids::Ruuid;

#[derive(Default)]
pub(crate) struct OrgIndex {
    orgs: Vec<Named>,
    /// Places among `orgs`, found by id.
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

struct Named {
    id: [u8; 16],
    line: u32,
}

impl OrgIndex {
    /// Adds an org and gives its place, or the line on which it already is.
    pub(crate) fn insert(&mut self, org: Ruuid, line: u64) -> Result<u32, u64> {
        let Self { orgs, places, hasher } = self;
        let id = *org.as_bytes();
        let known = |place: &u32| &orgs[*place as usize];
        let hash = hasher.hash_one(id);
        match places.entry(hash, |place| known(place).id == id, |place| hasher.hash_one(known(place).id)) {
            Entry::Occupied(place) => Err(known(place.get()).line.into()),
            Entry::Vacant(free) => {
                // Four billion rows are more than a file of any size that fits this machine holds.
                let place = u32::try_from(orgs.len()).unwrap_or(u32::MAX);
                free.insert(place);
                orgs.push(Named { id, line: u32::try_from(line).unwrap_or(u32::MAX) });
                Ok(place)
            }
        }
    }

    /// Makes room for this many orgs in all, so that no growth moves those that are there.
    pub(crate) fn expect(&mut self, orgs: usize) {
        let more = orgs.saturating_sub(self.orgs.len());
        self.orgs.reserve_exact(more);
        let Self { orgs, places, hasher } = self;
        places.reserve(more, |place| hasher.hash_one(orgs[*place as usize].id));
    }

    /// The place of an org.
    pub(crate) fn find(&self, org: Ruuid) -> Option<u32> {
        let id = org.as_bytes();
        let is_it = |place: &u32| self.orgs[*place as usize].id == *id;
        self.places.find(self.hasher.hash_one(id), is_it).copied()
    }

    /// The line of an org.
    pub(crate) fn line(&self, place: u32) -> u64 {
        self.orgs[place as usize].line.into()
    }

    pub(crate) fn len(&self) -> usize {
        self.orgs.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_index_agrees_with_a_map(ids in prop::collection::vec(0_u8..200, 0..400), expected in 0_usize..300) {
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
