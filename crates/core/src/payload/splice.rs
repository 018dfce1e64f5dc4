//! A map written anew from its own text: what stays is copied, what is managed is put between.
//!
//! Spaces around commas may go. Nothing else that isn't managed is touched: neither keys, however they are spelled, nor
//! values are written anew.

use std::ops::Range;

use crate::desired::Wish;
use crate::plan::PlannedField;
use crate::secret::Secrets;
use crate::settings::{Field, Path, RawMap, RawMember, ShapeError};

use super::entries::Entries;
use super::object_writer::{ObjectWriter, member_name, write_entry, write_wish};

/// Writes a map anew from its text. Pieces that follow one another there are copied in one go, with the commas and
/// braces between them: with one change a door, from each change to the next.
pub(super) struct Splice<'a> {
    out: &'a mut Vec<u8>,
    map: &'a RawMap<'a>,
    /// What is to be copied from the map's text next.
    run: Range<usize>,
    secrets: &'a Secrets,
}

impl<'a> Splice<'a> {
    pub(super) fn of(map: &'a RawMap<'a>, out: &'a mut Vec<u8>, secrets: &'a Secrets) -> Self {
        Self { out, map, run: 0..0, secrets }
    }

    pub(super) fn map(mut self, field: &'static Field, managed: &mut Entries<'_>) -> Result<(), ShapeError> {
        let (map, secrets) = (self.map, self.secrets);
        let mut lead = b'{';
        for entry in map.entries() {
            match entry.key().and_then(|key| managed.take(key)) {
                None => self.member(&mut lead, entry, None),
                Some([PlannedField { path: Path::Entry(..), after, .. }]) => {
                    self.member(&mut lead, entry, Some(after));
                }
                Some(wishes) => {
                    self.head(&mut lead, entry);
                    self.entry(field, entry, wishes)?;
                }
            }
        }
        for (key, wishes) in managed.rest() {
            let mut object = ObjectWriter::within(self.flush(), lead);
            object.entry(key, wishes, secrets);
            lead = object.lead();
        }
        self.close(lead, map.text().len());
        self.flush();
        Ok(())
    }

    fn entry(
        &mut self,
        field: &'static Field,
        entry: &RawMember<'_>,
        wishes: &[PlannedField],
    ) -> Result<(), ShapeError> {
        let (map, secrets) = (self.map, self.secrets);
        let Some(members) = map.members(entry) else {
            if map.value(entry) == "null" {
                write_entry(self.flush(), wishes, secrets);
                self.run = entry.end()..entry.end();
                return Ok(());
            }
            let key = entry.key().unwrap_or_default();
            return Err(no_object(Path::Entry(field, key.into()).to_string(), map.value(entry)));
        };
        let mut lead = b'{';
        let (mut found, mut next) = (0, 0);
        for member in members {
            // Wishes are sorted; where the members are as well, the first look finds it.
            let is_its = |wish: &PlannedField| Some(member_name(wish)) == member.key();
            let is_next = wishes.get(next).is_some_and(is_its);
            let place = if is_next { Some(next) } else { wishes.iter().position(is_its) };
            if let Some(place) = place {
                (found, next) = (found + 1, place + 1);
            }
            self.member(&mut lead, member, place.map(|place| &wishes[place].after));
        }
        if found < wishes.len() {
            let is_new = |name| members.iter().all(|member| member.key() != Some(name));
            let mut object = ObjectWriter::within(self.flush(), lead);
            for wish in wishes.iter().filter(|wish| is_new(member_name(wish))) {
                object.wish(member_name(wish), &wish.after, secrets);
            }
            lead = object.lead();
        }
        self.close(lead, entry.end());
        Ok(())
    }

    /// A member as it stands there, or as wished.
    fn member(&mut self, lead: &mut u8, member: &RawMember<'_>, wish: Option<&Wish>) {
        match wish {
            None => {
                self.head(lead, member);
                self.copy(member.value()..member.end());
            }
            Some(Wish::Remove) => {}
            Some(wish) => {
                self.head(lead, member);
                let secrets = self.secrets;
                write_wish(self.flush(), wish, secrets);
                self.run = member.end()..member.end();
            }
        }
    }

    /// All of a member before its value, and the brace or comma before that: there in the text, mostly.
    fn head(&mut self, lead: &mut u8, member: &RawMember<'_>) {
        let before = member.start() - 1;
        if self.map.text().as_bytes()[before] == *lead {
            self.copy(before..member.value());
        } else {
            self.flush().push(*lead);
            self.copy(member.start()..member.value());
        }
        *lead = b',';
    }

    /// The brace at the end of an object that ends there.
    fn close(&mut self, lead: u8, end: usize) {
        if lead == b'{' {
            self.flush().push(b'{');
        }
        self.copy(end - 1..end);
    }

    fn copy(&mut self, piece: Range<usize>) {
        if piece.start != self.run.end {
            self.flush();
            self.run.start = piece.start;
        }
        self.run.end = piece.end;
    }

    /// The body, with all in it that was to be copied.
    fn flush(&mut self) -> &mut Vec<u8> {
        self.out.extend_from_slice(&self.map.text().as_bytes()[self.run.clone()]);
        self.run.start = self.run.end;
        self.out
    }
}

/// What is to be changed in part has a shape that nobody knows.
pub(super) fn no_object(place: String, raw: &str) -> ShapeError {
    let found = if raw.starts_with('[') { "a list" } else { "a single value" };
    ShapeError { place, expected: "an object", found }
}
