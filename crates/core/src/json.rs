//! Values and texts as JSON, written to memory: byte for byte what serde_json would write, texts without a look at each of
//! their bytes.

use std::io::Write;

use serde_json::Value;

/// Writes a value.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &Value) {
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
        Value::Null => out.extend_from_slice(b"null"),
        Value::Number(_) | Value::Object(_) => write_json(out, value),
    }
}

/// Hardly any text has something to escape. Whether it has is asked without a branch a byte, this many are looked at in
/// one step.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    let escapes = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().fold(false, |any, byte| any | escapes(byte)) {
        write_json(out, text);
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

/// Writes what is rare as serde does.
pub(crate) fn write_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out.by_ref(), value).expect("writing a text or a value to memory can't fail");
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
