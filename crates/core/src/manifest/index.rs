//! Which orgs a manifest names, and where: 16 bytes and a line each.
//!
//! A million orgs cost about 40 MB with the table's growth included: the ids and lines lie in two vectors, and the
//! table holds only places in them.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

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
        let id = org.as_bytes();
        let hash = self.hasher.hash_one(id);
        if let Some(&place) = self.places.find(hash, |&place| self.ids[place as usize] == *id) {
            return Err(self.line(place));
        }
        // Four billion rows are more than a file of any size that fits this machine holds.
        let place = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.push(*id);
        self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
        let (ids, hasher) = (&self.ids, &self.hasher);
        self.places.insert_unique(hash, place, |&place| hasher.hash_one(ids[place as usize]));
        Ok(place)
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
                let expected = match oracle.get(&id) {
                    Some(&(_, first)) => Err(first),
                    None => { oracle.insert(id, (place, line)); Ok(place) }
                };
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
