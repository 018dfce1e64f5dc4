//! Every description is held to an extract of the vendor's spec: calls, places, names, types, words of enums,
//! classes. Where they differ, `operations/spec/exceptions.toml` has a line with the reason; a difference without
//! such a line fails, and so does a line without its difference.

#![expect(clippy::unwrap_used, reason = "in a test, what isn't there is a failure")]

use std::collections::{BTreeMap, BTreeSet};

use orgwave_core::operation::{Body, Catalog, Class, Field, Fields, Kind, Operation, Owner};
use serde::Deserialize;
use serde_json::Value;

/// What the spec says of an operation. `examples/spec.rs` prints it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    read: Read,
    write: Write,
    body: String,
    owner: Option<String>,
    confesses: Vec<String>,
    unread: Vec<String>,
    beside: Vec<String>,
    classes: BTreeMap<String, String>,
    fields: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Read {
    path: String,
    at: String,
}

#[derive(Deserialize)]
struct Write {
    path: String,
    wrap: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    exception: Vec<Exception>,
}

/// Differences that are meant: each of them, in each of the operations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    operations: Vec<String>,
    differences: Vec<String>,
    reason: String,
}

fn extract() -> BTreeMap<String, Entry> {
    serde_json::from_str(include_str!("../operations/spec/extract.json")).unwrap()
}

#[test]
fn descriptions_agree_with_the_spec_but_for_exceptions() {
    let extract = extract();
    let mut found = BTreeSet::new();
    for operation in Catalog::built_in().iter() {
        let name = &operation.name;
        let entry = extract.get(&**name).unwrap_or_else(|| panic!("{name} is not in the extract"));
        found.extend(
            differences(operation, entry).into_iter().map(|difference| format!("{name}: {difference}")),
        );
    }
    let exceptions: Exceptions = toml::from_str(include_str!("../operations/spec/exceptions.toml")).unwrap();
    let mut excepted = BTreeSet::new();
    for Exception { operations, differences, reason } in &exceptions.exception {
        assert!(reason.len() > 20, "no reason: {reason:?}");
        for (operation, difference) in operations
            .iter()
            .flat_map(|operation| differences.iter().map(move |difference| (operation, difference)))
        {
            assert!(
                excepted.insert(format!("{operation}: {difference}")),
                "twice: {operation}: {difference}"
            );
        }
    }
    let unlisted: Vec<_> = found.difference(&excepted).collect();
    let unneeded: Vec<_> = excepted.difference(&found).collect();
    assert!(
        unlisted.is_empty() && unneeded.is_empty(),
        "differences without an exception: {unlisted:#?}\nexceptions without their difference: {unneeded:#?}"
    );
}

#[test]
fn every_described_operation_is_in_the_extract_and_no_other() {
    let described: BTreeSet<String> =
        Catalog::built_in().iter().map(|operation| operation.name.to_string()).collect();
    assert_eq!(described, extract().into_keys().collect::<BTreeSet<_>>());
}

/// What makes an entry say something else.
type Change = fn(&mut Entry);

/// What is found where a description is wrong in each way that there is.
#[test]
fn each_way_to_be_wrong_is_found() {
    let toast = Catalog::built_in().get("toast").unwrap().clone();
    let found = |change: fn(&mut Entry)| {
        let mut entry = extract().remove("toast").unwrap();
        let before: BTreeSet<_> = differences(&toast, &entry).into_iter().collect();
        change(&mut entry);
        differences(&toast, &entry).into_iter().filter(|found| !before.contains(found)).collect::<Vec<_>>()
    };
    let cases: [(Change, &str); 14] = [
        (|entry| entry.read.path.push('X'), "read.path"),
        (|entry| entry.read.at.push('X'), "read.at"),
        (|entry| entry.write.path.push('X'), "write.path"),
        (|entry| entry.write.wrap.push('X'), "write.wrap"),
        (|entry| entry.body = "projected".to_owned(), "write.body"),
        (|entry| entry.owner = None, "owner"),
        (|entry| entry.confesses.clear(), "confesses"),
        (|entry| entry.beside.push("x".to_owned()), "x: beside the wrapper"),
        (|entry| entry.unread.push("enabled".to_owned()), "enabled: not shown"),
        (|entry| drop(entry.fields.remove("enabled")), "enabled: only in the description"),
        (|entry| drop(entry.fields.insert("x".to_owned(), "bool".into())), "x: only in the spec"),
        (|entry| drop(entry.fields.insert("enabled".to_owned(), "text".into())), "enabled: type"),
        (|entry| drop(entry.classes.insert("enabled".to_owned(), "secret".to_owned())), "enabled: class"),
        (
            |entry| {
                let area = "/map/object/serviceAreaSettingsMap/map/object/posName";
                *entry.fields.get_mut("restaurantSettingsMap").unwrap().pointer_mut(area).unwrap() =
                    "int32".into();
            },
            "restaurantSettingsMap.*.serviceAreaSettingsMap.*.posName: type",
        ),
    ];
    for (change, expected) in cases {
        let found = found(change);
        assert!(matches!(&found[..], [one] if one.starts_with(expected)), "{expected}: {found:?}");
    }
}

#[test]
fn every_setting_says_what_it_does() {
    for operation in Catalog::built_in().iter() {
        each(&operation.fields, &mut |field| {
            if field.class.is_settable() && !field.is_entry() {
                let words = &field.words;
                assert!(
                    words.ends_with('.') && words.len() > 10,
                    "{}: {}: {words:?}",
                    operation.name,
                    field.place()
                );
            }
            for risk in &field.risks {
                let effect = &risk.effect;
                assert!(
                    effect.starts_with(char::is_lowercase) && !effect.ends_with('.'),
                    "{}: {}: {effect:?}",
                    operation.name,
                    field.place()
                );
            }
        });
    }
}

/// One code asks for one thing, whichever operation trips it.
#[test]
fn a_guard_says_the_same_in_every_operation() {
    let mut said = BTreeMap::new();
    for operation in Catalog::built_in().iter() {
        each(&operation.fields, &mut |field| {
            for guard in field.risks.iter().filter_map(|risk| risk.guard.clone()) {
                let words = said.entry(guard.code.clone()).or_insert_with(|| guard.words.clone());
                assert_eq!(*words, guard.words, "{}: {}", operation.name, field.place());
            }
        });
    }
}

fn each(fields: &Fields, see: &mut impl FnMut(&Field)) {
    for field in fields.iter() {
        see(field);
        if let Some(members) = field.members() {
            each(members, see);
        }
    }
}

fn differences(operation: &Operation, entry: &Entry) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, described: &str, spec: &str| {
        if described != spec {
            found.push(format!("{what}: {described:?}, not {spec:?}"));
        }
    };
    same("read.path", &operation.read.path, &entry.read.path);
    same("read.at", &operation.at, &entry.read.at);
    same("write.path", &operation.write.path, &entry.write.path);
    same("write.wrap", operation.wrap.as_deref().unwrap_or_default(), &entry.write.wrap);
    let body = match operation.body {
        Body::Whole => "whole",
        Body::Projected => "projected",
    };
    same("write.body", body, &entry.body);
    let owner = match &operation.owner {
        Owner::Inside(_) => "in the object",
        Owner::Beside(place) if **place == *"org.uuid" => "org.uuid",
        Owner::Beside(_) => "beside the object",
        Owner::Unproven => "nowhere",
    };
    same("owner", owner, entry.owner.as_deref().unwrap_or("nowhere"));
    // Every operation understands these three.
    let understood = ["error", "authError", "errorMsg"];
    let confesses = |members: BTreeSet<&str>| members.into_iter().collect::<Vec<_>>().join(";");
    same(
        "confesses",
        &confesses(operation.confesses.iter().map(|confession| &*confession.member).collect()),
        &confesses(
            entry
                .confesses
                .iter()
                .map(String::as_str)
                .filter(|member| !understood.contains(member))
                .collect(),
        ),
    );
    found.extend(entry.beside.iter().map(|member| format!("{member}: beside the wrapper")));
    for unread in &entry.unread {
        let field = operation.fields.get(unread);
        if field.is_some_and(|field| field.is_shown && field.class != Class::Omit) {
            found.push(format!("{unread}: not shown by the read"));
        }
    }
    if let Some(kind) = &operation.discriminator
        && let Some(values) = entry.fields.get(&*kind.member).and_then(|field| field["enum"].as_array())
        && !values.iter().any(|value| *value == *kind.is)
    {
        found.push(format!("{}: no {}", kind.member, kind.is));
    }
    members(
        &operation.fields,
        &entry.fields.iter().map(|(name, kind)| (&**name, kind)).collect(),
        "",
        entry,
        &mut found,
    );
    found
}

fn members(
    fields: &Fields,
    spec: &BTreeMap<&str, &Value>,
    above: &str,
    entry: &Entry,
    found: &mut Vec<String>,
) {
    for (name, kind) in spec {
        let place = format!("{above}{name}");
        match fields.get(name) {
            Some(field) => member(field, kind, &place, entry, found),
            None => found.push(format!("{place}: only in the spec")),
        }
    }
    for field in fields.iter().filter(|field| !spec.contains_key(&*field.name)) {
        found.push(format!("{above}{}: only in the description", field.name));
    }
}

fn member(field: &Field, spec: &Value, place: &str, entry: &Entry, found: &mut Vec<String>) {
    let class = |class: Class| match class {
        Class::Setting => "setting",
        Class::Secret => "secret",
        Class::ServerState => "server",
        Class::Audit => "audit",
        Class::Identity => "identity",
        Class::Discriminator => "discriminator",
        Class::Keep => "keep",
        Class::Omit => "omit",
    };
    // A map of secrets is a setting whose entries are secrets.
    let classed = match field.entry() {
        Some(entry) if entry.is_secret() => entry.class,
        _ => field.class,
    };
    if let Some(expected) = entry.classes.get(place)
        && class(classed) != expected
    {
        found.push(format!("{place}: class {}, not {expected}", class(classed)));
    }
    match (&field.kind, spec) {
        // What is never set needn't be described in detail.
        (Kind::Opaque, _) if !field.class.is_settable() => {}
        (Kind::Map(of), Value::Object(spec)) if spec.contains_key("map") => {
            member(of, &spec["map"], &format!("{place}.*"), entry, found);
        }
        (Kind::List { of, .. }, Value::Object(spec)) if spec.contains_key("list") => {
            member(of, &spec["list"], &format!("{place}.*"), entry, found);
        }
        (Kind::Object(fields), Value::Object(spec)) if spec.contains_key("object") => {
            let spec = spec["object"].as_object().unwrap();
            let spec = spec.iter().map(|(name, kind)| (&**name, kind)).collect();
            members(fields, &spec, &format!("{place}."), entry, found);
        }
        (Kind::Enum(words), Value::Object(spec)) if spec.contains_key("enum") => {
            let expected: Vec<&str> =
                spec["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
            let words: Vec<&str> = words.iter().map(|word| &**word).collect();
            // Of some enums the name is all that is known.
            if !expected.is_empty() && words != expected {
                found.push(format!("{place}: values {}, not {}", words.join(";"), expected.join(";")));
            }
        }
        // The enum of what kind of settings these are grows; its value here is in the description's head.
        (Kind::Text, Value::Object(spec))
            if field.class == Class::Discriminator && spec.contains_key("enum") => {}
        (kind, spec) => {
            let described = scalar(kind);
            let expected = spec.as_str().unwrap_or("another");
            let fits = match expected {
                "integer" => matches!(described, "int32" | "int64"),
                // Addresses, and what a secret is, are texts to the spec.
                "text" => matches!(described, "text" | "address_range"),
                "ruuid" => described == "ruuid" || field.is_secret() && described == "text",
                expected => described == expected,
            };
            if !fits {
                found.push(format!("{place}: type {described}, not {expected}"));
            }
        }
    }
}

fn scalar(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Number => "number",
        Kind::Text => "text",
        Kind::Enum(_) => "enum",
        Kind::Ruuid(_) => "ruuid",
        Kind::HierarchyKey => "hierarchy_key",
        Kind::AddressRange => "address_range",
        Kind::List { .. } => "list",
        Kind::Map(_) => "map",
        Kind::Object(_) => "object",
        Kind::Opaque => "opaque",
    }
}
