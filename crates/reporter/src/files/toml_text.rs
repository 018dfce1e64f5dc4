//! Sections of a rollout file as text. They came from TOML, so they have no null.
//!
//! What can't be seen is escaped: the file is for people as well as for `apply`, which reads the very same text from it.
//! That is why the strings are written here: a serializer leaves such characters as they are, and takes quotes in which
//! nothing can be escaped for those with a backslash.

use std::fmt::Write as _;

use orgwave_core::legible::is_hidden;
use serde_json::Value;

/// Adds a section: its own values first, then its subsections.
pub(super) fn section<'a>(
    text: &mut String,
    name: &str,
    entries: impl IntoIterator<Item = (&'a String, &'a Value)>,
) {
    let (inner, own): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .partition(|(_, value)| value.as_object().is_some_and(|table| !table.is_empty()));
    if !own.is_empty() || inner.is_empty() {
        let _ = writeln!(text, "\n[{name}]");
    }
    for (name, value) in own {
        let _ = writeln!(text, "{} = {}", key(name), inline(value));
    }
    for (inner, value) in inner {
        section(text, &format!("{name}.{}", key(inner)), value.as_object().into_iter().flatten());
    }
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if is_bare { name.to_owned() } else { quoted(name) }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            c if !is_hidden(c) => write!(quoted, "{c}"),
            c if u32::from(c) <= 0xffff => write!(quoted, "\\u{:04X}", u32::from(c)),
            c => write!(quoted, "\\U{:08X}", u32::from(c)),
        };
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text_of(name: &str, value: &Value) -> String {
        let mut text = String::new();
        section(&mut text, name, value.as_object().unwrap());
        text
    }

    #[test]
    fn what_is_hidden_is_escaped_and_subsections_come_last() {
        let sandbox = json!({
            "latency": "5ms", "settings": {"enabled": true, "doors": {}}, "seed": 7, "share": 0.5,
            "faults": ["429", {"org": 1}], "b\u{202e}": "a\u{202e}\u{e0041}\"\\", "gone": null,
        });
        let wanted = "\n[sandbox]\n\"b\\u202E\" = \"a\\u202E\\U000E0041\\\"\\\\\"\nfaults = [\"429\", { org = 1 }]\n\
                      latency = \"5ms\"\nseed = 7\nshare = 0.5\n\n[sandbox.settings]\ndoors = {  }\nenabled = true\n";
        assert_eq!(text_of("sandbox", &sandbox), wanted);
        assert_eq!(text_of("sandbox", &json!({})), "\n[sandbox]\n");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no other", |float| float.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_it_was_with_nothing_hidden(
            entries in prop::collection::btree_map(any::<String>(), any_value(), 0..5),
        ) {
            let value = Value::Object(entries.into_iter().collect());
            let text = text_of("sandbox", &value);
            prop_assert!(!text.contains(|c| is_hidden(c) && c != '\n'));
            let read: toml::Table = text.parse().unwrap();
            prop_assert_eq!(serde_json::to_value(&read["sandbox"]).unwrap(), value);
        }
    }
}
