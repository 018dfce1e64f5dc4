//! Prints `operations/spec/extract.json`, which `tests/spec.rs` holds every description to:
//!
//! ```text
//! cargo run -p orgwave-core --example spec -- FACTS.json > crates/core/operations/spec/extract.json
//! ```
//!
//! FACTS.json lists pairs of a read and an update, as gathered by hand from the vendor's spec: for each its
//! paths, where the settings lie in the reply and in the body, the tree of properties, and which class each top
//! field seems to have. The extract has what a description can be compared with, in the words of descriptions, and
//! only for the operations that are described. It is made by hand, whenever the vendor publishes another spec, and
//! its changes are reviewed like those of the descriptions.

#![expect(clippy::print_stdout, reason = "an example prints what it made")]

use std::collections::BTreeMap;
use std::error::Error;

use orgwave_core::operation::Catalog;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Facts {
    operations: Vec<Pair>,
}

/// A read and an update. What isn't compared isn't named here.
#[derive(Deserialize)]
struct Pair {
    id: String,
    read: String,
    read_at: String,
    update: String,
    write_at: String,
    scheme: String,
    #[serde(default)]
    failure: Vec<String>,
    owner_proof: Option<String>,
    /// Top fields by class.
    #[serde(default)]
    classes: BTreeMap<String, Vec<String>>,
    /// Secrets deeper down, by place.
    #[serde(default)]
    nested_secrets: Vec<String>,
    #[serde(default)]
    not_shown_by_the_read: Vec<String>,
    #[serde(default)]
    beside_the_wrapper: Vec<String>,
    /// The object that is written, as a tree.
    written: Option<Tree>,
    /// Top fields that are known by name and type only.
    #[serde(default)]
    fields: BTreeMap<String, Named>,
    #[serde(default)]
    fields_newer_than_the_tree: BTreeMap<String, Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "type")]
    words: String,
    #[serde(rename = "cls")]
    class: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Tree {
    Boolean,
    String { format: Option<String> },
    Integer { format: Option<String> },
    Number,
    Enum { values: Vec<String> },
    List { of: Box<Self> },
    Map { of: Box<Self> },
    Object { members: BTreeMap<String, Self> },
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("give the file of facts")?;
    let facts: Facts = serde_json::from_slice(&std::fs::read(path)?)?;
    let catalog = Catalog::built_in();
    let described = facts.operations.into_iter().filter(|pair| catalog.get(&pair.id).is_some());
    let lines: BTreeMap<String, Value> = described.map(|pair| (pair.id.clone(), entry(pair))).collect();
    // A line each, so that a change of one operation is a change of one line.
    let lines: Vec<String> = lines.iter().map(|(name, entry)| format!("{}: {entry}", json!(name))).collect();
    println!("{{\n{}\n}}", lines.join(",\n"));
    Ok(())
}

fn entry(pair: Pair) -> Value {
    let mut classes: BTreeMap<String, String> = BTreeMap::new();
    for (class, places) in pair.classes {
        classes.extend(places.into_iter().map(|place| (place, class.clone())));
    }
    classes.extend(pair.nested_secrets.into_iter().map(|place| (place, "secret".to_owned())));
    let mut fields = BTreeMap::new();
    if let Some(Tree::Object { members }) = pair.written {
        fields.extend(members.into_iter().map(|(name, tree)| (name, tree.words())));
    }
    for (name, named) in pair.fields.into_iter().chain(pair.fields_newer_than_the_tree) {
        fields.insert(name.clone(), named.type_words());
        classes.insert(name, named.class);
    }
    json!({
        "read": { "path": pair.read, "at": pair.read_at },
        "write": { "path": pair.update, "wrap": pair.write_at },
        "body": if pair.scheme.starts_with('W') { "whole" } else { "projected" },
        "owner": pair.owner_proof,
        "confesses": pair.failure,
        "unread": pair.not_shown_by_the_read,
        "beside": pair.beside_the_wrapper,
        "classes": classes,
        "fields": fields,
    })
}

impl Tree {
    /// The type in the words of descriptions.
    fn words(self) -> Value {
        match self {
            Self::Boolean => json!("bool"),
            Self::String { format } => match format.as_deref() {
                Some("RUUID") => json!("ruuid"),
                Some("SubLocationsHierarchyKey") => json!("hierarchy_key"),
                _ => json!("text"),
            },
            Self::Integer { format } => json!(format.unwrap_or_else(|| "integer".to_owned())),
            Self::Number => json!("number"),
            Self::Enum { values } => json!({ "enum": values }),
            Self::List { of } => json!({ "list": of.words() }),
            Self::Map { of } => json!({ "map": of.words() }),
            Self::Object { members } => {
                let members: BTreeMap<_, _> =
                    members.into_iter().map(|(name, tree)| (name, tree.words())).collect();
                json!({ "object": members })
            }
        }
    }
}

impl Named {
    /// The type in the words of descriptions; of an enum, the values aren't known.
    fn type_words(&self) -> Value {
        // In front of the type may stand since when it is known.
        match self.words.rsplit(") ").next().unwrap_or_default().trim() {
            "boolean()" => json!("bool"),
            "number().int()" => json!("integer"),
            list if list.starts_with('[') => json!({ "list": "text" }),
            known if known.ends_with("Enum") => json!({ "enum": [] }),
            _ => json!("text"),
        }
    }
}
