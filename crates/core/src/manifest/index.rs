//! Which orgs a manifest names, and where: 16 bytes and a line each.
//!
//! A million orgs cost about 40 MB with the table's growth included: the ids and lines lie in two vectors, and the
//! table holds only places in them.

use std::hash::BuildHasher as _;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::ids::Ruuid;

#[derive(Default)]
pub(crate) struct OrgIndex {
    ids: Vec<[u8; 16]>,
    lines: Vec<u32>,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl OrgIndex {
    /// Takes an org in and gives its place, or the line where it already stands.
    pub(crate) fn insert(&mut self, org: Ruuid, line: u64) -> Result<u32, u64> {
        let Self { ids, lines, places, hasher } = self;
        let id = org.as_bytes();
        let same = |&place: &u32| ids[place as usize] == *id;
        match places.entry(hasher.hash_one(id), same, |&place| hasher.hash_one(ids[place as usize])) {
            Entry::Occupied(entry) => Err(lines[*entry.get() as usize].into()),
            Entry::Vacant(entry) => {
                // Four billion rows are more than a file of any size that fits this machine holds.
                let place = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                entry.insert(place);
                ids.push(*id);
                lines.push(u32::try_from(line).unwrap_or(u32::MAX));
                Ok(place)
            }
        }
    }

    /// Makes room for this many orgs in all, so that no growth moves those that are there.
    pub(crate) fn expect(&mut self, orgs: usize) {
        let more = orgs.saturating_sub(self.ids.len());
        self.ids.reserve_exact(more);
        self.lines.reserve_exact(more);
        let (ids, hasher) = (&self.ids, &self.hasher);
        self.places.reserve(more, |&place| hasher.hash_one(ids[place as usize]));
    }

    /// The place of an org.
    pub(crate) fn find(&self, org: Ruuid) -> Option<u32> {
        let id = org.as_bytes();
        self.places.find(self.hasher.hash_one(id), |&place| self.ids[place as usize] == *id).copied()
    }

    /// The line of an org.
    pub(crate) fn line(&self, place: u32) -> u64 {
        self.lines[place as usize].into()
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_map(ids in prop::collection::vec(0_u8..40, 0..200)) {
            let mut index = OrgIndex::default();
            let mut oracle = HashMap::new();
            for (line, id) in (2..).zip(ids) {
                let org = Ruuid::from_bytes([id; 16]);
                let place = u32::try_from(oracle.len()).unwrap();
                let expected = oracle.get(&id).map_or(Ok(place), |&(_, first)| Err(first));
                oracle.entry(id).or_insert((place, line));
                prop_assert_eq!(index.insert(org, line), expected);
            }
            for id in 0..40 {
                let found = index.find(Ruuid::from_bytes([id; 16]));
                prop_assert_eq!(found, oracle.get(&id).map(|(place, _)| *place));
            }
            prop_assert_eq!(index.len(), oracle.len());
        }
    }
}
