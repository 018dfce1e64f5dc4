//! The body of an update: the settings, under the member that the operation names, if it names one.
//!
//! What isn't managed is copied as the bytes that were read, keys included; only what is managed is written anew. Nothing
//! is parsed deeper than a managed path reaches, or something that may not be sent.
//!
//! A whole body has all that was read, but for what the description says is never sent. A projected one has what the
//! description says can be written, and nothing else.

mod unreadable;

pub use unreadable::unreadable;

use crate::desired::DesiredValue;
use crate::json::{write_text, write_value};
use crate::operation::{Body as BodyOf, Class, Field, Fields, Kind, Operation};
use crate::plan::PlannedField;
use crate::policy::WriteMode;
use crate::secret::{SecretNames, Secrets};
use crate::settings::{Node, Object, RawObject, ShapeError, decoded, no_object};

/// Builds the body of an update. `live` is the newest read, absent only for [`WriteMode::NoRead`].
///
/// # Errors
/// A managed map or entry is not an object: it can't be changed in part.
///
/// # Panics
/// If a desired value names a secret that isn't among `secrets`: they are resolved before a run begins. If `fields` aren't sorted by
/// path, as those of every plan are.
pub fn update_body(
    operation: &Operation,
    mode: WriteMode,
    fields: &[PlannedField],
    live: Option<&RawObject>,
    secrets: &Secrets,
) -> Result<Vec<u8>, ShapeError> {
    // Out of order, a path could be written twice in one body: then this org ends, and nothing is sent.
    assert!(fields.is_sorted_by(|left, right| left.path <= right.path), "the paths of a plan are sorted");
    let live = live.map(RawObject::object);
    let sends_back = sends_back(operation, mode);
    let copied = live.as_ref().filter(|_| sends_back).map_or(0, text_length);
    let mut out = Vec::with_capacity(copied + 64 * (fields.len() + 4));
    if let Some(wrap) = &operation.wrap {
        out.push(b'{');
        write_text(&mut out, wrap);
        out.push(b':');
    }
    let mut body = Body { out, secrets, projects: operation.body == BodyOf::Projected };
    let described = Described::Members(&operation.fields);
    body.object(live.as_ref(), fields, 0, described, sends_back)?;
    if operation.wrap.is_some() {
        body.out.push(b'}');
    }
    Ok(body.out)
}

/// Whether an update sends what was read and isn't managed. A projected one always does: what the absence of a field means
/// isn't documented.
pub fn sends_back(operation: &Operation, mode: WriteMode) -> bool {
    match mode {
        WriteMode::Merge => true,
        WriteMode::Patch => operation.body == BodyOf::Projected,
        WriteMode::NoRead => false,
    }
}

/// About as long as an object's text is.
fn text_length(object: &Object<'_>) -> usize {
    object.iter().map(|(key, node)| key.get().len() + node.text().len() + 2).sum()
}

/// What is described of an object, as far as its members must be looked at before they are copied.
#[derive(Clone, Copy)]
enum Described<'f> {
    /// These are its members.
    Members(&'f Fields),
    /// It is a map of such entries.
    Entries(&'f Field),
    /// Nothing: all of it is copied.
    Nothing,
}

impl<'f> Described<'f> {
    fn at(self, name: &str) -> Option<&'f Field> {
        match self {
            Self::Members(members) => members.get(name).map(AsRef::as_ref),
            Self::Entries(entry) => Some(entry),
            Self::Nothing => None,
        }
    }

    /// Whether a member may hold something that isn't sent, itself or inside; a secret counts only where it is null.
    fn holds_more_than_secrets(self) -> bool {
        let holds = |field: &Field| field.holds_omitted() || field.holds_secrets() && !field.is_secret();
        match self {
            Self::Members(members) => members.iter().any(|member| holds(member)),
            Self::Entries(entry) => holds(entry),
            Self::Nothing => false,
        }
    }
}

/// The body as far as it is written.
struct Body<'a> {
    out: Vec<u8>,
    secrets: &'a Secrets,
    /// Whether only what is described as written is sent.
    projects: bool,
}

impl Body<'_> {
    /// An object with its managed members changed; their paths are the same down to `depth`. The others are copied, where
    /// that is asked for.
    fn object(
        &mut self,
        live: Option<&Object<'_>>,
        fields: &[PlannedField],
        depth: usize,
        described: Described<'_>,
        copies: bool,
    ) -> Result<(), ShapeError> {
        let mut lead = b'{';
        let Some(live) = live else {
            for group in below(fields, depth) {
                self.member(&mut lead, None, group, depth, described)?;
            }
            self.end(lead);
            return Ok(());
        };
        let mut managed = Managed::of(fields, depth);
        let looks = self.projects || described.holds_more_than_secrets();
        for (key, node) in live.iter() {
            let name = decoded(key);
            match name.as_deref().and_then(|name| managed.take(name)) {
                Some(group) => self.member(&mut lead, Some((key.get(), node)), group, depth, described)?,
                None if !copies => {}
                None if looks || node.is_null() => {
                    let field = name.and_then(|name| described.at(&name));
                    if self.sends(field, node) {
                        self.key(&mut lead, key.get());
                        self.copy(field, node);
                    }
                }
                None => {
                    self.key(&mut lead, key.get());
                    self.out.extend_from_slice(node.text().as_bytes());
                }
            }
        }
        for group in managed.rest() {
            self.member(&mut lead, None, group, depth, described)?;
        }
        self.end(lead);
        Ok(())
    }

    /// Whether what is there is sent, of a field that isn't managed.
    fn sends(&self, field: Option<&Field>, node: &Node<'_>) -> bool {
        let Some(field) = field else { return !self.projects };
        // A secret that is read as null exists all the same, perhaps: sending the null back could clear it.
        let is_unseen = field.is_secret() && node.is_null();
        !is_unseen && field.class != Class::Omit && (!self.projects || field.class.is_written())
    }

    /// What is described inside a field, as far as it matters.
    fn inside<'f>(&self, field: &'f Field) -> Described<'f> {
        match &field.kind {
            _ if !(self.projects || field.holds_omitted() || field.holds_secrets()) => Described::Nothing,
            Kind::Object(members) => Described::Members(members),
            Kind::Map(entry) => Described::Entries(entry),
            _ => Described::Nothing,
        }
    }

    /// A value as it was read, without what isn't sent.
    fn copy(&mut self, field: Option<&Field>, node: &Node<'_>) {
        let copied = match field.map(|field| (field, self.inside(field), &field.kind)) {
            Some((_, described @ (Described::Members(_) | Described::Entries(_)), _)) => {
                node.object().is_some_and(|object| self.object(Some(object), &[], 0, described, true).is_ok())
            }
            Some((field, _, Kind::List { of, .. }))
                if self.projects || field.holds_omitted() || field.holds_secrets() =>
            {
                node.items().is_some_and(|items| {
                    self.list(of, &items);
                    true
                })
            }
            _ => false,
        };
        if !copied {
            self.out.extend_from_slice(node.text().as_bytes());
        }
    }

    fn list(&mut self, of: &Field, items: &[Node<'_>]) {
        self.out.push(b'[');
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            self.copy(Some(of), item);
        }
        self.out.push(b']');
    }

    fn end(&mut self, lead: u8) {
        if lead == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }

    /// A managed member: the value that is wanted for it, or an object with what is wanted inside. With its key as read and
    /// its value, if it is there.
    fn member(
        &mut self,
        lead: &mut u8,
        live: Option<(&str, &Node<'_>)>,
        fields: &[PlannedField],
        depth: usize,
        described: Described<'_>,
    ) -> Result<(), ShapeError> {
        let PlannedField { path, after, .. } = &fields[0];
        let is_end = path.part(depth + 1).is_none();
        if is_end && *after == DesiredValue::Remove {
            return Ok(());
        }
        match live {
            Some((key, _)) => self.key(lead, key),
            None => self.name(lead, path.part(depth).unwrap_or_default()),
        }
        if is_end {
            match after {
                DesiredValue::Remove => {}
                DesiredValue::Set(value) => write_value(&mut self.out, value),
                DesiredValue::Secret(names) => self.secrets(names),
            }
            return Ok(());
        }
        let live = live.map(|(_, node)| node).filter(|node| !node.is_null());
        let object = live.map(|node| node.object().ok_or_else(|| no_object(path, depth + 1, node)));
        let field = path.part(depth).and_then(|part| described.at(part));
        let inside = field.map_or(Described::Nothing, |field| self.inside(field));
        self.object(object.transpose()?, fields, depth + 1, inside, true)
    }

    /// A secret, or a list of them.
    fn secrets(&mut self, names: &SecretNames) {
        let is_list = matches!(names, SecretNames::List(_));
        if is_list {
            self.out.push(b'[');
        }
        for (place, name) in names.all().iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            let secret = self.secrets.get(name).expect("secrets are resolved before a run begins");
            write_text(&mut self.out, secret.expose());
        }
        if is_list {
            self.out.push(b']');
        }
    }

    /// A key as it was read.
    fn key(&mut self, lead: &mut u8, key: &str) {
        self.out.push(std::mem::replace(lead, b','));
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b':');
    }

    /// A key that wasn't there.
    fn name(&mut self, lead: &mut u8, name: &str) {
        self.out.push(std::mem::replace(lead, b','));
        write_text(&mut self.out, name);
        self.out.push(b':');
    }
}

/// Paths that are the same down to `depth`, by what they have there. They come sorted.
fn below(fields: &[PlannedField], depth: usize) -> impl Iterator<Item = &[PlannedField]> {
    fields.chunk_by(move |left, right| left.path.part(depth) == right.path.part(depth))
}

/// The managed paths below one object, by their keys in it.
struct Managed<'a> {
    /// In the order of the keys; with whether the key was taken.
    groups: Vec<(&'a str, &'a [PlannedField], bool)>,
    next: usize,
}

impl<'a> Managed<'a> {
    fn of(fields: &'a [PlannedField], depth: usize) -> Self {
        let named = below(fields, depth).filter_map(|group| Some((group[0].path.part(depth)?, group, false)));
        let groups: Vec<_> = named.collect();
        Self { groups, next: 0 }
    }

    /// The paths of a key that is there. Where the object is sorted as well, the first look finds them.
    fn take(&mut self, key: &str) -> Option<&'a [PlannedField]> {
        let place = match self.groups.get(self.next) {
            Some((next, ..)) if *next == key => self.next,
            _ => self.groups.binary_search_by_key(&key, |(key, ..)| *key).ok()?,
        };
        self.next = place + 1;
        self.groups[place].2 = true;
        Some(self.groups[place].1)
    }

    /// The paths of keys that weren't taken.
    fn rest(self) -> impl Iterator<Item = &'a [PlannedField]> {
        self.groups.into_iter().filter(|(.., is_taken)| !is_taken).map(|(_, group, _)| group)
    }
}

#[cfg(test)]
mod tests;
