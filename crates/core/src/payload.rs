//! The body of an update: `{"envoySettings": {...}}`.
//!
//! What isn't managed is copied as the bytes that were read; only what is managed is written anew. Nothing is
//! parsed deeper than a managed path reaches.

use std::io::Write;
use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::desired::Wish;
use crate::plan::PlannedField;
use crate::policy::WriteMode;
use crate::secret::Secrets;
use crate::settings::{Field, Path, RawMap, RawMember, RawObject, ShapeError};

/// Builds the body of an update. `live` is the newest read, absent only for [`WriteMode::NoRead`].
///
/// # Errors
/// A managed map or entry has a shape that nobody knows: it can't be changed in part.
///
/// # Panics
/// If a wish names a secret that isn't among `secrets`: they are resolved before a run begins.
pub fn update_body(
    mode: WriteMode,
    fields: &[PlannedField],
    live: Option<&RawObject>,
    secrets: &Secrets,
) -> Result<Vec<u8>, ShapeError> {
    let copied = live.filter(|_| mode == WriteMode::Merge).map_or(0, text_length);
    let mut body = Vec::with_capacity(copied + 64 * (fields.len() + 4));
    body.extend_from_slice(br#"{"envoySettings":"#);
    let mut object = ObjectWriter::begin(&mut body);
    let mut groups = Groups::of(fields);
    if let Some(live) = live {
        for (name, raw) in live.iter() {
            match groups.take(name) {
                Some((field, wishes)) => write_field(&mut object, field, wishes, Some(raw), secrets)?,
                None if mode == WriteMode::Merge && !is_unseen_secret(name, raw) => {
                    object.raw(name, raw.get());
                }
                None => {}
            }
        }
    }
    for (field, wishes) in groups.rest() {
        write_field(&mut object, field, wishes, None, secrets)?;
    }
    object.end();
    body.push(b'}');
    Ok(body)
}

/// About as long as an object's text is.
fn text_length(object: &RawObject) -> usize {
    object.iter().map(|(name, raw)| name.len() + raw.get().len() + 4).sum()
}

/// A secret that is read as null exists all the same, perhaps: sending the null back could clear it.
fn is_unseen_secret(name: &str, raw: &RawValue) -> bool {
    raw.get() == "null" && Field::named(name).is_some_and(Field::is_secret)
}

fn write_field(
    object: &mut ObjectWriter<'_>,
    field: &'static Field,
    wishes: &[PlannedField],
    live: Option<&RawValue>,
    secrets: &Secrets,
) -> Result<(), ShapeError> {
    if let [PlannedField { path: Path::Field(_), after, .. }] = wishes {
        object.wish(field.name, after, secrets);
        return Ok(());
    }
    let mut entries = Entries::of(wishes);
    object.key(field.name);
    match live.filter(|live| live.get() != "null") {
        None => {
            let mut map = ObjectWriter::begin(object.out);
            for (key, wishes) in entries.rest() {
                map.entry(key, wishes, secrets);
            }
            map.end();
            Ok(())
        }
        Some(live) => {
            let map = RawMap::of(live).ok_or_else(|| no_object(field.name.to_owned(), live.get()))?;
            Splice { out: object.out, map: &map, run: 0..0, secrets }.map(field, &mut entries)
        }
    }
}

fn no_object(place: String, raw: &str) -> ShapeError {
    let found = if raw.starts_with('[') { "a list" } else { "a single value" };
    ShapeError { place, expected: "an object", found }
}

/// The name of the field in an entry that a path ends with.
fn member_name(field: &PlannedField) -> &'static str {
    match &field.path {
        Path::Member(_, _, member) => member.name,
        Path::Field(_) | Path::Entry(..) => "",
    }
}

/// Writes a map anew from its text. Pieces that follow one another there are copied in one go, with the commas and
/// braces between them, so that of a map with one change a door no more than the changes is looked at twice.
struct Splice<'a> {
    out: &'a mut Vec<u8>,
    map: &'a RawMap<'a>,
    /// What is to be copied from the map's text next.
    run: Range<usize>,
    secrets: &'a Secrets,
}

impl Splice<'_> {
    fn map(mut self, field: &'static Field, managed: &mut Entries<'_>) -> Result<(), ShapeError> {
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
            let mut object = ObjectWriter { out: self.flush(), lead };
            object.entry(key, wishes, secrets);
            lead = object.lead;
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
            let place = match wishes.get(next).is_some_and(is_its) {
                true => Some(next),
                false => wishes.iter().position(is_its),
            };
            if let Some(place) = place {
                (found, next) = (found + 1, place + 1);
            }
            self.member(&mut lead, member, place.map(|place| &wishes[place].after));
        }
        if found < wishes.len() {
            let is_new = |name| members.iter().all(|member| member.key() != Some(name));
            let mut object = ObjectWriter { out: self.flush(), lead };
            for wish in wishes.iter().filter(|wish| is_new(member_name(wish))) {
                object.wish(member_name(wish), &wish.after, secrets);
            }
            lead = object.lead;
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

/// The wishes for a map by its keys, in their order.
struct Entries<'a> {
    /// With whether the key isn't there yet, for all that is known.
    managed: Vec<(&'a str, &'a [PlannedField], bool)>,
    next: usize,
}

impl<'a> Entries<'a> {
    fn of(fields: &'a [PlannedField]) -> Self {
        let entries = fields.chunk_by(|left, right| left.path.key() == right.path.key());
        let mut managed: Vec<_> =
            entries.map(|entry| (entry[0].path.key().unwrap_or_default(), entry, true)).collect();
        // They come sorted, and then this costs one look at each.
        managed.sort_by_key(|(key, ..)| *key);
        Self { managed, next: 0 }
    }

    /// The wishes for a key that is there. Where the map is sorted as well, the first look finds them.
    fn take(&mut self, key: &str) -> Option<&'a [PlannedField]> {
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
    fn rest(&self) -> impl Iterator<Item = (&'a str, &'a [PlannedField])> {
        self.managed.iter().filter(|(.., is_new)| *is_new).map(|(key, wishes, _)| (*key, *wishes))
    }
}

/// The managed fields by the top-level field they are in; they come sorted by path.
struct Groups<'a>(Vec<(&'static Field, &'a [PlannedField])>);

impl<'a> Groups<'a> {
    fn of(fields: &'a [PlannedField]) -> Self {
        let chunks = fields.chunk_by(|left, right| left.path.field() == right.path.field());
        Self(chunks.map(|chunk| (chunk[0].path.field(), chunk)).collect())
    }

    fn take(&mut self, name: &str) -> Option<(&'static Field, &'a [PlannedField])> {
        let place = self.0.iter().position(|(field, _)| field.name == name)?;
        Some(self.0.remove(place))
    }

    fn rest(self) -> impl Iterator<Item = (&'static Field, &'a [PlannedField])> {
        self.0.into_iter()
    }
}

/// Writes the members of one JSON object.
struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    /// What stands before the next member.
    lead: u8,
}

impl<'a> ObjectWriter<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        Self { out, lead: b'{' }
    }

    fn key(&mut self, key: &str) {
        self.out.push(std::mem::replace(&mut self.lead, b','));
        write_text(self.out, key);
        self.out.push(b':');
    }

    fn raw(&mut self, key: &str, raw: &str) {
        self.key(key);
        self.out.extend_from_slice(raw.as_bytes());
    }

    fn wish(&mut self, key: &str, wish: &Wish, secrets: &Secrets) {
        if !matches!(wish, Wish::Remove) {
            self.key(key);
            write_wish(self.out, wish, secrets);
        }
    }

    /// An entry that isn't there yet.
    fn entry(&mut self, key: &str, wishes: &[PlannedField], secrets: &Secrets) {
        if let [PlannedField { path: Path::Entry(..), after, .. }] = wishes {
            self.wish(key, after, secrets);
        } else {
            self.key(key);
            write_entry(self.out, wishes, secrets);
        }
    }

    fn end(self) {
        if self.lead == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

fn write_entry(out: &mut Vec<u8>, wishes: &[PlannedField], secrets: &Secrets) {
    let mut entry = ObjectWriter::begin(out);
    for wish in wishes {
        entry.wish(member_name(wish), &wish.after, secrets);
    }
    entry.end();
}

fn write_wish(out: &mut Vec<u8>, wish: &Wish, secrets: &Secrets) {
    match wish {
        Wish::Set(value) => write_value(out, value),
        Wish::Remove => {}
        Wish::Secret(secret) => {
            let secret = secrets.get(secret).expect("secrets are resolved before a run begins");
            write_text(out, secret.expose());
        }
    }
}

/// As serde_json writes it, but for texts without a look at each of their bytes.
fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_value(out, item);
            }
            out.push(b']');
        }
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null | Value::Number(_) | Value::Object(_) => write_json(out, value),
    }
}

/// Hardly any text has something to escape. Whether it has is asked without a branch a byte, so many are looked at in
/// one step.
fn write_text(out: &mut Vec<u8>, text: &str) {
    let escapes = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |any, byte| any | escapes(byte)) {
        write_json(out, text);
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

fn write_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out.by_ref(), value).expect("writing a text or a value to memory can't fail");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::compare::{Context, Judgement, Standing, diff, judge, read_back};
    use crate::desired::{Desired, Managed, Origin};
    use crate::secret::{SealKey, SecretText};

    fn secrets() -> Secrets {
        [("T".parse().unwrap(), SecretText::new("to\"ken".into()))].into()
    }

    fn fields(wishes: &[(&str, Wish)]) -> Vec<PlannedField> {
        let mut fields: Vec<PlannedField> = wishes
            .iter()
            .map(|(path, after)| PlannedField {
                path: path.parse().unwrap(),
                before: crate::outcome::Image::Absent,
                after: after.clone(),
                fingerprint: None,
                from: Origin::Row,
            })
            .collect();
        fields.sort_by(|left, right| left.path.cmp(&right.path));
        fields
    }

    fn body(mode: WriteMode, wishes: &[(&str, Wish)], live: Option<&str>) -> String {
        let live = live.map(|live| RawObject::parse(live).unwrap());
        String::from_utf8(update_body(mode, &fields(wishes), live.as_ref(), &secrets()).unwrap()).unwrap()
    }

    fn set(value: Value) -> Wish {
        Wish::Set(value)
    }

    #[test]
    fn merge_keeps_every_byte_that_is_not_managed() {
        let live = r#"{"x":1.00,"enabled":false,"doorInfoMap":{"b":{"new":[ 1 ],"doorName":"n"},"a":null},"y":"\u00e9"}"#;
        assert_eq!(
            body(
                WriteMode::Merge,
                &[
                    ("enabled", set(json!(true))),
                    ("doorInfoMap.b.doorName", set(json!("m"))),
                    ("saveClips", set(json!(null)))
                ],
                Some(live)
            ),
            r#"{"envoySettings":{"x":1.00,"enabled":true,"doorInfoMap":{"b":{"new":[ 1 ],"doorName":"m"},"a":null},"y":"\u00e9","saveClips":null}}"#
        );
    }

    #[test]
    fn patch_sends_managed_fields_only_but_a_managed_map_whole() {
        let live = r#"{"x":1,"enabled":false,"doorInfoMap":{"b":{"new":1},"a":{"doorName":"n"}}}"#;
        assert_eq!(
            body(WriteMode::Patch, &[("doorInfoMap.c.remoteUnlock", set(json!(true)))], Some(live)),
            r#"{"envoySettings":{"doorInfoMap":{"b":{"new":1},"a":{"doorName":"n"},"c":{"remoteUnlock":true}}}}"#
        );
    }

    #[test]
    fn without_a_read_only_what_the_manifest_names_is_sent() {
        assert_eq!(
            body(
                WriteMode::NoRead,
                &[
                    ("enabled", set(json!(true))),
                    ("doorInfoMap.k.clipDuration", set(json!(5))),
                    ("apiToken", Wish::Secret("T".parse().unwrap()))
                ],
                None
            ),
            r#"{"envoySettings":{"apiToken":"to\"ken","doorInfoMap":{"k":{"clipDuration":5}},"enabled":true}}"#
        );
    }

    #[test]
    fn removals_whole_maps_and_unseen_secrets() {
        let live = r#"{"apiToken":null,"refreshToken":"r","doorInfoMap":{"a":{"doorName":"n"},"b":{}},"locationInfoMap":{"l":{}}}"#;
        assert_eq!(
            body(
                WriteMode::Merge,
                &[("doorInfoMap.a", Wish::Remove), ("locationInfoMap", set(json!({})))],
                Some(live)
            ),
            r#"{"envoySettings":{"refreshToken":"r","doorInfoMap":{"b":{}},"locationInfoMap":{}}}"#
        );
        assert_eq!(
            body(WriteMode::Merge, &[("doorInfoMap.zz", Wish::Remove)], Some("{}")),
            r#"{"envoySettings":{"doorInfoMap":{}}}"#
        );
    }

    #[test]
    fn a_shape_that_nobody_knows_is_not_overwritten_in_part() {
        let live = RawObject::parse(r#"{"doorInfoMap":[1]}"#).unwrap();
        let wishes = fields(&[("doorInfoMap.a.doorName", set(json!("x")))]);
        let error = update_body(WriteMode::Merge, &wishes, Some(&live), &secrets()).unwrap_err();
        assert_eq!(error.to_string(), "doorInfoMap is a list, not an object");
    }

    fn any_scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ]
    }

    fn any_entry() -> impl Strategy<Value = Value> {
        prop_oneof![
            1 => Just(json!(null)),
            6 => prop::collection::btree_map(prop::sample::select(vec!["doorName", "remoteUnlock", "clipDuration", "new"]), any_scalar(), 0..4)
                .prop_map(|members| json!(members)),
        ]
    }

    prop_compose! {
        fn any_live()(
            scalars in prop::collection::btree_map(prop::sample::select(vec!["enabled", "saveClips", "indexFaces", "tomorrow"]), any_scalar(), 0..4),
            doors in prop::option::of(prop::collection::btree_map("[a-c.\\\\]{1,2}", any_entry(), 0..4)),
        ) -> Value {
            let mut live = json!(scalars);
            if let Some(doors) = doors {
                live["doorInfoMap"] = json!(doors);
            }
            live
        }
    }

    fn any_wishes() -> impl Strategy<Value = Vec<Managed>> {
        let scalar = (prop::sample::select(vec!["enabled", "saveClips"]), any_scalar())
            .prop_map(|(name, value)| (name.parse::<Path>().unwrap(), Wish::Set(value)));
        let member =
            ("[a-c.\\\\]{1,2}", prop::sample::select(vec!["doorName", "remoteUnlock"]), any_scalar())
                .prop_map(|(key, name, value)| {
                    let door = Field::named("doorInfoMap").unwrap();
                    (
                        Path::Member(door, key.into(), door.map().unwrap().member(name).unwrap()),
                        Wish::Set(value),
                    )
                });
        let entry = "[d-f]{1,2}"
            .prop_map(|key| (Path::Entry(Field::named("doorInfoMap").unwrap(), key.into()), Wish::Remove));
        prop::collection::vec(prop_oneof![3 => scalar, 5 => member, 1 => entry], 1..6).prop_map(
            |mut wishes| {
                wishes.sort_by(|left, right| left.0.cmp(&right.0));
                wishes.dedup_by(|left, right| left.0 == right.0);
                wishes.into_iter().map(|(path, wish)| Managed { path, wish, origin: Origin::Row }).collect()
            },
        )
    }

    proptest! {
        /// Whatever is live and whatever is wanted: after the write it is live, and nothing else changed.
        #[test]
        fn diff_then_apply_is_desired(live in any_live(), managed in any_wishes()) {
            let seal = SealKey::derive(&SecretText::new("k".into()), "p");
            let secrets = secrets();
            let context = Context { secrets: &secrets, seal: &seal };
            let before = RawObject::parse(&live.to_string()).unwrap();
            let desired = Desired { managed, expects: Vec::new() };
            let found = diff(&desired, Some(&before), context).unwrap();
            let judged = judge(&found.fields, &[], &before, context).unwrap();
            prop_assert_eq!(found.differs, judged != Judgement::AsDesired);

            let body = update_body(WriteMode::Merge, &found.fields, Some(&before), &secrets).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let after = RawObject::parse(&body["envoySettings"].to_string()).unwrap();
            prop_assert!(!diff(&desired, Some(&after), context).unwrap().differs);
            prop_assert_eq!(crate::compare::disturbance(&found.fields, &before, &after), None);
            if let Judgement::Differs(changes) = judged {
                prop_assert_eq!(
                    read_back(&found.fields, &changes, false, &after, context).unwrap(),
                    Standing::AsDesired { partly: false }
                );
                prop_assert_eq!(read_back(&found.fields, &changes, false, &before, context).unwrap(), Standing::AsBefore);
            }
        }
    }
}
