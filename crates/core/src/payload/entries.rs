//! Which entries of a map are managed, asked in the order in which the live map has them.

use crate::plan::PlannedField;

/// The wishes for a map by its keys, in their order.
pub(super) struct Entries<'a> {
    /// With whether the key isn't there yet, for all that is known.
    managed: Vec<(&'a str, &'a [PlannedField], bool)>,
    next: usize,
}

impl<'a> Entries<'a> {
    pub(super) fn of(fields: &'a [PlannedField]) -> Self {
        let entries = fields.chunk_by(|left, right| left.path.key() == right.path.key());
        let mut managed: Vec<_> =
            entries.map(|entry| (entry[0].path.key().unwrap_or_default(), entry, true)).collect();
        // They come sorted, and then this costs one look at each.
        managed.sort_by_key(|(key, ..)| *key);
        Self { managed, next: 0 }
    }

    /// The wishes for a key that is there. Where the map is sorted as well, the first look finds them.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a [PlannedField]> {
        let place = match self.managed.get(self.next) {
            Some((next, ..)) if *next == key => self.next,
            _ => self.managed.binary_search_by_key(&key, |(key, ..)| *key).ok()?,
        };
        self.next = place + 1;
        let (_, wishes, is_new) = &mut self.managed[place];
        *is_new = false;
        Some(wishes)
    }

    /// The keys that weren't taken.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&'a str, &'a [PlannedField])> {
        self.managed.iter().filter(|(.., is_new)| *is_new).map(|(key, wishes, _)| (*key, *wishes))
    }
}
