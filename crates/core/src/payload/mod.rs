//! The body of an update: `{"envoySettings": {...}}`.
//!
//! What isn't managed is copied as the bytes that were read, keys included; only what is managed is written anew. Nothing
//! is parsed deeper than a managed path reaches.

mod value;

use crate::desired::Wish;
use crate::plan::PlannedField;
use crate::policy::WriteMode;
use crate::secret::Secrets;
use crate::settings::{Field, Node, Object, RawObject, ShapeError, decoded, no_object};

use value::{write_text, write_value};

/// Builds the body of an update. `live` is the newest read, absent only for [`WriteMode::NoRead`].
///
/// # Errors
/// A managed map or entry is not an object: it can't be changed in part.
///
/// # Panics
/// If a wish names a secret that isn't among `secrets`: they are resolved before a run begins. If `fields` aren't sorted by
/// path, as those of every plan are.
pub fn update_body(
    mode: WriteMode,
    fields: &[PlannedField],
    live: Option<&RawObject>,
    secrets: &Secrets,
) -> Result<Vec<u8>, ShapeError> {
    // Out of order, a path could be written twice in one body: then this org ends, and nothing is sent.
    assert!(fields.is_sorted_by(|left, right| left.path <= right.path), "the paths of a plan are sorted");
    let live = live.map(RawObject::object);
    let copied = live.as_ref().filter(|_| mode == WriteMode::Merge).map_or(0, text_length);
    let mut out = Vec::with_capacity(copied + 64 * (fields.len() + 4));
    out.extend_from_slice(br#"{"envoySettings":"#);
    let mut body = Body { out, secrets };
    body.object(live.as_ref(), fields, 0, |name, node| {
        mode == WriteMode::Merge && !is_unseen_secret(name, node)
    })?;
    body.out.push(b'}');
    Ok(body.out)
}

/// About as long as an object's text is.
fn text_length(object: &Object<'_>) -> usize {
    object.iter().map(|(key, node)| key.get().len() + node.text().len() + 2).sum()
}

/// A secret that is read as null exists all the same, perhaps: sending the null back could clear it.
fn is_unseen_secret(name: &str, node: &Node<'_>) -> bool {
    node.is_null() && Field::named(name).is_some_and(Field::is_secret)
}

/// The body as far as it is written.
struct Body<'a> {
    out: Vec<u8>,
    secrets: &'a Secrets,
}

impl Body<'_> {
    /// An object with its managed members changed; their paths are the same down to `depth`. Of the others those stay
    /// that are to be kept.
    fn object(
        &mut self,
        live: Option<&Object<'_>>,
        wishes: &[PlannedField],
        depth: usize,
        keeps: impl Fn(&str, &Node<'_>) -> bool,
    ) -> Result<(), ShapeError> {
        let mut lead = b'{';
        let Some(live) = live else {
            for wishes in below(wishes, depth) {
                self.member(&mut lead, None, wishes, depth)?;
            }
            self.end(lead);
            return Ok(());
        };
        let mut managed = Managed::of(wishes, depth);
        for (key, node) in live.iter() {
            let name = decoded(key);
            match name.as_deref().and_then(|name| managed.take(name)) {
                Some(wishes) => self.member(&mut lead, Some((key.get(), node)), wishes, depth)?,
                None if keeps(name.as_deref().unwrap_or_default(), node) => {
                    self.key(&mut lead, key.get());
                    self.out.extend_from_slice(node.text().as_bytes());
                }
                None => {}
            }
        }
        for wishes in managed.rest() {
            self.member(&mut lead, None, wishes, depth)?;
        }
        self.end(lead);
        Ok(())
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
        wishes: &[PlannedField],
        depth: usize,
    ) -> Result<(), ShapeError> {
        let PlannedField { path, after, .. } = &wishes[0];
        let is_end = path.part(depth + 1).is_none();
        if is_end && *after == Wish::Remove {
            return Ok(());
        }
        match live {
            Some((key, _)) => self.key(lead, key),
            None => self.name(lead, path.part(depth).unwrap_or_default()),
        }
        if is_end {
            match after {
                Wish::Remove => {}
                Wish::Set(value) => write_value(&mut self.out, value),
                Wish::Secret(name) => {
                    let secret = self.secrets.get(name).expect("secrets are resolved before a run begins");
                    write_text(&mut self.out, secret.expose());
                }
            }
            return Ok(());
        }
        let live = live.map(|(_, node)| node).filter(|node| !node.is_null());
        let object = live.map(|node| node.object().ok_or_else(|| no_object(path, depth + 1, node)));
        self.object(object.transpose()?, wishes, depth + 1, |_, _| true)
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
fn below(wishes: &[PlannedField], depth: usize) -> impl Iterator<Item = &[PlannedField]> {
    wishes.chunk_by(move |left, right| left.path.part(depth) == right.path.part(depth))
}

/// The managed paths below one object, by their keys in it.
struct Managed<'a> {
    /// In the order of the keys; with whether the key was taken.
    groups: Vec<(&'a str, &'a [PlannedField], bool)>,
    next: usize,
}

impl<'a> Managed<'a> {
    fn of(wishes: &'a [PlannedField], depth: usize) -> Self {
        let named = below(wishes, depth).filter_map(|group| Some((group[0].path.part(depth)?, group, false)));
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
        self.groups.into_iter().filter(|(.., is_taken)| !is_taken).map(|(_, wishes, _)| wishes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::{MapAccess, Visitor};
    use serde::{Deserialize, Deserializer};
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::compare::{Context, Judgement, Standing, diff, judge, read_back};
    use crate::desired::{Desired, Managed, Origin, Wish};
    use crate::secret::{SealKey, SecretText};
    use crate::settings::Path;

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
    fn a_key_that_is_not_unicode_is_carried_at_every_depth() {
        let live = r#"{"\ud800":1,"doorInfoMap":{"\ud800":{},"\ud800":2,"a":{"\udfff":[ ]}}}"#;
        assert_eq!(
            body(WriteMode::Merge, &[("doorInfoMap.a.doorName", set(json!("m")))], Some(live)),
            r#"{"envoySettings":{"\ud800":1,"doorInfoMap":{"\ud800":{},"\ud800":2,"a":{"\udfff":[ ],"doorName":"m"}}}}"#
        );
    }

    #[test]
    fn deep_values_are_carried_without_recursion() {
        let deep =
            format!(r#"{{"doorInfoMap":{{"a":{{"b":{}{}}}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let written = body(WriteMode::Merge, &[("doorInfoMap.a.doorName", set(json!("m")))], Some(&deep));
        assert_eq!(written.len(), deep.len() + r#"{"envoySettings":}"#.len() + r#","doorName":"m""#.len());
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

    /// An object that is parsed, changed and written by serde_json.
    #[derive(Default)]
    struct Slow(Vec<(String, Box<RawValue>)>);

    impl Slow {
        fn parse(text: &str) -> Result<Self, serde_json::Error> {
            let Members(pairs) = serde_json::from_str(text)?;
            let mut object = Self::default();
            for (key, value) in pairs {
                object.set(&key, value);
            }
            Ok(object)
        }

        fn inside(&self, key: &str) -> Result<Self, serde_json::Error> {
            match self.0.iter().find(|(name, _)| name == key).map_or("null", |(_, value)| value.get()) {
                "null" => Ok(Self::default()),
                text => Self::parse(text),
            }
        }

        fn set(&mut self, key: &str, value: Box<RawValue>) {
            match self.0.iter_mut().find(|(name, _)| name == key) {
                Some((_, slot)) => *slot = value,
                None => self.0.push((key.to_owned(), value)),
            }
        }

        fn raw(&self) -> Box<RawValue> {
            let members: Vec<_> =
                self.0.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
            RawValue::from_string(format!("{{{}}}", members.join(","))).unwrap()
        }
    }

    /// The same body, made slowly.
    fn slow_body(fields: &[PlannedField], live: &str) -> Result<String, serde_json::Error> {
        let raw = |wish: &Wish| match wish {
            Wish::Set(value) => serde_json::value::to_raw_value(value).unwrap(),
            _ => unreachable!("no other is wished for here"),
        };
        let mut settings = Slow::parse(live)?;
        for field in fields {
            let name = field.path.field().name;
            let value = match &field.path {
                Path::Field(_) => raw(&field.after),
                Path::Entry(_, key) => {
                    let mut map = settings.inside(name)?;
                    map.0.retain(|(known, _)| **known != **key);
                    map.raw()
                }
                Path::Member(_, key, member) => {
                    let mut map = settings.inside(name)?;
                    let mut entry = map.inside(key)?;
                    entry.set(member.name, raw(&field.after));
                    map.set(key, entry.raw());
                    map.raw()
                }
            };
            settings.set(name, value);
        }
        Ok(format!(r#"{{"envoySettings":{}}}"#, settings.raw()))
    }

    /// All members of an object, those of a repeated key as well.
    struct Members(Vec<(String, Box<RawValue>)>);

    impl<'de> Deserialize<'de> for Members {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Pairs;
            impl<'de> Visitor<'de> for Pairs {
                type Value = Members;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                    let members = std::iter::from_fn(|| map.next_entry().transpose());
                    members.collect::<Result<_, _>>().map(Members)
                }
            }
            deserializer.deserialize_map(Pairs)
        }
    }

    /// The objects down to the members of entries, taken apart: keys in their order, values as the bytes they are.
    fn apart(text: &str, depth: usize) -> String {
        match serde_json::from_str(text) {
            Ok(Members(members)) if depth > 0 => {
                let member = |(key, value): &(String, Box<RawValue>)| {
                    format!("{key:?}={}|", apart(value.get(), depth - 1))
                };
                format!("{{{}}}", members.iter().map(member).collect::<String>())
            }
            _ => text.to_owned(),
        }
    }

    /// An object's text as no sane server writes it: spaces, keys spelled with escapes, keys that stand twice.
    fn any_object(
        keys: &'static [&'static str],
        value: impl Strategy<Value = String>,
    ) -> impl Strategy<Value = String> {
        let space = || prop::sample::select(vec!["", "", "", "", " ", "\n"]);
        let member = (space(), prop::sample::select(keys), space(), space(), value, space()).prop_map(
            |(before, key, after, lead, value, end)| format!("{before}\"{key}\"{after}:{lead}{value}{end}"),
        );
        prop::collection::vec(member, 0..7).prop_map(|members| format!("{{{}}}", members.join(",")))
    }

    fn any_odd_live() -> impl Strategy<Value = String> {
        let value = || {
            prop::sample::select(vec![
                "null",
                "true",
                "1.00",
                "-2E+07",
                "12345678901234567890123",
                r#""\"}""#,
                r#""\\""#,
                r#""é,{""#,
                "[ 1 ,{ \"a\":[]}]",
                r#"{"doorName" : {"a":[ ]}}"#,
                "{}",
            ])
            .prop_map(str::to_owned)
        };
        let members = &["doorName", r"d\u006forName", "remoteUnlock", "remoteUnlock ", "new", r#"new\""#, ""];
        let entry =
            prop_oneof![20 => any_object(members, value()), 3 => Just("null".to_owned()), 1 => value()];
        let doors =
            any_object(&["a", "b", r"\u0061", "c", r"b\\", ".", r"\ud83d\ude00", "d", "e", "f"], entry);
        let map = prop_oneof![12 => doors, 1 => Just("null".to_owned()), 1 => value()];
        let scalars =
            prop::collection::vec((prop::sample::select(vec!["enabled", "tomorrow"]), value()), 0..3);
        (scalars, map).prop_map(|(scalars, map)| {
            let scalars: String =
                scalars.iter().map(|(name, value)| format!("\"{name}\":{value},")).collect();
            format!(r#"{{{scalars}"doorInfoMap" : {map}}}"#)
        })
    }

    proptest! {
        /// However the live text is spelled: the body is what parsing, changing and writing it would give.
        #[test]
        fn as_the_slow_way(live in any_odd_live(), managed in any_wishes()) {
            let fields: Vec<PlannedField> = managed
                .into_iter()
                .map(|Managed { path, wish, origin }| PlannedField {
                    path,
                    before: crate::outcome::Image::Absent,
                    after: wish,
                    fingerprint: None,
                    from: origin,
                })
                .collect();
            let read = RawObject::parse(&live).unwrap();
            let fast = update_body(WriteMode::Merge, &fields, Some(&read), &secrets());
            match slow_body(&fields, &live) {
                Err(_) => prop_assert!(fast.is_err()),
                Ok(slow) => {
                    let fast = String::from_utf8(fast.unwrap()).unwrap();
                    prop_assert!(serde_json::from_str::<Value>(&fast).is_ok(), "{}", fast);
                    prop_assert_eq!(apart(&fast, 4), apart(&slow, 4));
                }
            }
        }

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
            let exempt =
                crate::compare::Exempt { ignored: &[], at: crate::timestamp::Timestamp::from_millis(0) };
            let beside = crate::compare::disturbance(&found.fields, &before, &after, exempt);
            prop_assert_eq!(beside, crate::compare::Disturbance::default());
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
