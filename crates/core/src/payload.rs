//! The body of an update: `{"envoySettings": {...}}`.
//!
//! What isn't managed is copied as the bytes that were read; only what is managed is written anew. Nothing is
//! parsed deeper than a managed path reaches.

use std::io::Write;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::desired::Wish;
use crate::plan::PlannedField;
use crate::policy::WriteMode;
use crate::secret::Secrets;
use crate::settings::{Field, Path, RawMembers, RawObject, ShapeError};

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
        write_wish(object, field.name, after, secrets);
        return Ok(());
    }
    let entries = part(live, || field.name.to_owned())?;
    object.key(field.name);
    let mut map = ObjectWriter::begin(object.out);
    let mut rest = wishes;
    let mut managed = Vec::new();
    while let Some(first) = rest.first() {
        let key = first.path.key().unwrap_or_default();
        let length = rest.iter().take_while(|field| field.path.key() == Some(key)).count();
        let (entry, tail) = rest.split_at(length);
        managed.push((key, entry));
        rest = tail;
    }
    // They come sorted, and then this costs one look at each.
    managed.sort_by_key(|(key, _)| *key);
    let mut is_new = vec![true; managed.len()];
    for (key, raw) in entries.iter() {
        match managed.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(place) => {
                is_new[place] = false;
                write_entry(&mut map, field, key, managed[place].1, Some(raw), secrets)?;
            }
            Err(_) => map.raw(key, raw.get()),
        }
    }
    for ((key, wishes), _) in managed.into_iter().zip(is_new).filter(|(_, is_new)| *is_new) {
        write_entry(&mut map, field, key, wishes, None, secrets)?;
    }
    map.end();
    Ok(())
}

fn write_entry(
    map: &mut ObjectWriter<'_>,
    field: &'static Field,
    key: &str,
    wishes: &[PlannedField],
    live: Option<&RawValue>,
    secrets: &Secrets,
) -> Result<(), ShapeError> {
    if let [PlannedField { path: Path::Entry(..), after: Wish::Remove, .. }] = wishes {
        return Ok(());
    }
    if let [PlannedField { path: Path::Entry(..), after, .. }] = wishes {
        write_wish(map, key, after, secrets);
        return Ok(());
    }
    let members = part(live, || Path::Entry(field, key.into()).to_string())?;
    map.key(key);
    let mut entry = ObjectWriter::begin(map.out);
    let name_of = |field: &PlannedField| match &field.path {
        Path::Member(_, _, member) => member.name,
        Path::Field(_) | Path::Entry(..) => "",
    };
    for (name, raw) in members.iter() {
        match wishes.iter().find(|wish| name_of(wish) == name) {
            Some(wish) => write_wish(&mut entry, name, &wish.after, secrets),
            None => entry.raw(name, raw.get()),
        }
    }
    for wish in wishes.iter().filter(|wish| members.get(name_of(wish)).is_none()) {
        write_wish(&mut entry, name_of(wish), &wish.after, secrets);
    }
    entry.end();
    Ok(())
}

/// The members of what is to be changed in part; null and absent have none.
fn part(live: Option<&RawValue>, place: impl FnOnce() -> String) -> Result<RawMembers<'_>, ShapeError> {
    match live.map(RawValue::get) {
        None | Some("null") => Ok(RawMembers::default()),
        Some(raw) => RawMembers::parse(raw).map_err(|_| ShapeError {
            place: place(),
            expected: "an object",
            found: if raw.starts_with('[') { "a list" } else { "a single value" },
        }),
    }
}

fn write_wish(object: &mut ObjectWriter<'_>, name: &str, wish: &Wish, secrets: &Secrets) {
    match wish {
        Wish::Set(value) => object.value(name, value),
        Wish::Remove => {}
        Wish::Secret(secret) => {
            let secret = secrets.get(secret).expect("secrets are resolved before a run begins");
            object.text(name, secret.expose());
        }
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
    is_first: bool,
}

impl<'a> ObjectWriter<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_first: true }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
        // Hardly any key has something to escape, and a map of 500 doors has thousands of keys.
        if key.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.out.push(b'"');
            self.out.extend_from_slice(key.as_bytes());
            self.out.extend_from_slice(b"\":");
        } else {
            write_json(self.out, key);
            self.out.push(b':');
        }
    }

    fn raw(&mut self, key: &str, raw: &str) {
        self.key(key);
        self.out.extend_from_slice(raw.as_bytes());
    }

    fn value(&mut self, key: &str, value: &Value) {
        self.key(key);
        write_json(self.out, value);
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        write_json(self.out, text);
    }

    fn end(self) {
        self.out.push(b'}');
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
