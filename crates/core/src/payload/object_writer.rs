//! JSON that wasn't there before: objects member by member, and the values that are wished for.
//!
//! What comes out is what serde_json would write, byte for byte; numbers and objects among the values it does write.

use std::io::Write;

use serde_json::Value;

use crate::desired::Wish;
use crate::plan::PlannedField;
use crate::secret::Secrets;
use crate::settings::Path;

/// Writes the members of one JSON object.
pub(super) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    /// What stands before the next member.
    lead: u8,
}

impl<'a> ObjectWriter<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        Self::within(out, b'{')
    }

    /// Goes on with an object that somebody else began, unless `lead` is its brace.
    pub(super) fn within(out: &'a mut Vec<u8>, lead: u8) -> Self {
        Self { out, lead }
    }

    pub(super) fn lead(&self) -> u8 {
        self.lead
    }

    pub(super) fn key(&mut self, key: &str) {
        self.out.push(std::mem::replace(&mut self.lead, b','));
        write_text(self.out, key);
        self.out.push(b':');
    }

    /// Where the value goes of the key that was written.
    pub(super) fn value(&mut self) -> &mut Vec<u8> {
        self.out
    }

    pub(super) fn raw(&mut self, key: &str, raw: &str) {
        self.key(key);
        self.out.extend_from_slice(raw.as_bytes());
    }

    pub(super) fn wish(&mut self, key: &str, wish: &Wish, secrets: &Secrets) {
        if !matches!(wish, Wish::Remove) {
            self.key(key);
            write_wish(self.out, wish, secrets);
        }
    }

    /// An entry that isn't there yet.
    pub(super) fn entry(&mut self, key: &str, wishes: &[PlannedField], secrets: &Secrets) {
        if let [PlannedField { path: Path::Entry(..), after, .. }] = wishes {
            self.wish(key, after, secrets);
        } else {
            self.key(key);
            write_entry(self.out, wishes, secrets);
        }
    }

    pub(super) fn end(self) {
        if self.lead == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

pub(super) fn write_entry(out: &mut Vec<u8>, wishes: &[PlannedField], secrets: &Secrets) {
    let mut entry = ObjectWriter::begin(out);
    for wish in wishes {
        entry.wish(member_name(wish), &wish.after, secrets);
    }
    entry.end();
}

pub(super) fn write_wish(out: &mut Vec<u8>, wish: &Wish, secrets: &Secrets) {
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
    let escapes = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
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

/// The name of the field in an entry that a path ends with.
pub(super) fn member_name(field: &PlannedField) -> &'static str {
    match &field.path {
        Path::Member(_, _, member) => member.name,
        Path::Field(_) | Path::Entry(..) => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z\"\\\\\n\u{1f}\u{7f}é]{0,40}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |value| {
            prop_oneof![
                prop::collection::vec(value.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), value, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_written_as_serde_json_writes_them(value in any_value()) {
            let mut out = Vec::new();
            write_value(&mut out, &value);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }
}
