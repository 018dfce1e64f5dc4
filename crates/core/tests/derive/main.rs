//! Descriptions that are derived from an OpenAPI file: of every operation that is known, and of hostile files.

#![expect(clippy::unwrap_used, reason = "in a test, what isn't there is a failure")]
#![expect(clippy::print_stdout, reason = "how much is found is to be seen")]

mod hostile;
mod openapi;

use orgwave_core::operation::derive::{Reads, Spec, describe};
use orgwave_core::operation::{Body, Catalog, Class, Field, Fields, Operation};

use self::openapi::{Entry, extract, openapi};

/// What was derived of an operation.
struct Derived {
    wrap: Option<String>,
    reads: Vec<String>,
    /// The description with the read that is right.
    text: String,
}

fn derived(spec: &Spec, entry: &Entry) -> Derived {
    let update = spec.update(&entry.write.path).unwrap();
    let reads = Reads::of(spec, &update, None);
    let right = reads.all.iter().find(|read| read.path == entry.read.path).expect("the read is among them");
    let text = describe(spec, &update, &reads, right, &Catalog::built_in());
    Derived {
        wrap: reads.wrap.map(ToOwned::to_owned),
        reads: reads.all.iter().map(|read| read.path.to_owned()).collect(),
        text,
    }
}

fn loaded(text: &str) -> std::sync::Arc<Operation> {
    let catalog = Catalog::built_in().with(text, "x.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let last = catalog.iter().last().unwrap();
    last.clone()
}

/// The wrapper, and the read among the first five: what a person would else search the spec for.
#[test]
fn wrappers_and_reads_are_found() {
    let extract = extract();
    let spec = Spec::parse(openapi(&extract).to_string().as_bytes()).unwrap();
    let (mut wrappers, mut first, mut among_five, mut places) = (0, 0, 0, 0);
    for (name, entry) in &extract {
        let derived = derived(&spec, entry);
        let is_wrapped = derived.wrap.as_deref().unwrap_or_default() == entry.write.wrap;
        let rank = derived.reads.iter().position(|path| *path == entry.read.path).unwrap();
        let operation = loaded(&derived.text);
        let is_placed = *operation.at == *entry.read.at;
        if !is_wrapped || rank > 0 || !is_placed {
            let place = &operation.at;
            println!("{name}: wrapper {:?}, the read is number {}, at {place:?}", derived.wrap, rank + 1);
        }
        wrappers += usize::from(is_wrapped);
        first += usize::from(rank == 0);
        among_five += usize::from(rank < 5);
        places += usize::from(is_placed);
    }
    let all = extract.len();
    println!("of {all}: {wrappers} wrappers, {first} reads first, {among_five} among five, {places} places");
    assert!(wrappers * 100 >= all * 95 && among_five * 100 >= all * 90 && places * 100 >= all * 90);
}

/// A body is laid out, and confesses, as the extract says; and nothing that is known to be a secret is a setting.
#[test]
fn what_is_derived_agrees_with_what_is_known() {
    let extract = extract();
    let spec = Spec::parse(openapi(&extract).to_string().as_bytes()).unwrap();
    for (name, entry) in &extract {
        let operation = loaded(&derived(&spec, entry).text);
        let body = if operation.body == Body::Whole { "whole" } else { "projected" };
        assert_eq!(body, entry.body, "{name}");
        let confesses = operation.confesses.iter().map(|confession| confession.member.to_string());
        let mut confesses: Vec<String> = confesses.collect();
        confesses.sort();
        let mut known = entry.confesses.clone();
        known.retain(|member| !["error", "authError", "errorMsg"].contains(&member.as_str()));
        assert_eq!(confesses, known, "{name}");
        for (place, _) in entry.classes.iter().filter(|(_, class)| *class == "secret") {
            let names: Vec<&str> = place.split('.').collect();
            let field = reached(&operation.fields, &names).unwrap_or_else(|| panic!("{name}: {place}"));
            assert!(field.holds_secrets() || !field.class.is_settable(), "{name}: {place}");
        }
        let unread = entry.unread.iter().filter_map(|name| operation.fields.get(name));
        assert!(unread.into_iter().all(|field| !field.is_shown), "{name}");
    }
}

/// The field at a place of the extract, or the last on the way to it that is described.
fn reached<'f>(fields: &'f Fields, names: &[&str]) -> Option<&'f Field> {
    let (first, rest) = names.split_first()?;
    let mut field: &Field = fields.get(first)?;
    let mut rest = rest;
    loop {
        rest = rest.strip_prefix(&["*"]).unwrap_or(rest);
        let Some(members) = field.members() else { return Some(field) };
        let Some((name, more)) = rest.split_first() else { return Some(field) };
        field = members.get(name)?;
        rest = more;
    }
}

#[test]
fn a_description_says_what_to_check() {
    let extract = extract();
    let spec = Spec::parse(openapi(&extract).to_string().as_bytes()).unwrap();
    for name in ["toast", "org-firmware"] {
        insta::assert_snapshot!(name, derived(&spec, &extract[name]).text);
    }
}

#[test]
fn a_derived_operation_has_the_rules_of_the_others() {
    let extract = extract();
    let spec = Spec::parse(openapi(&extract).to_string().as_bytes()).unwrap();
    let toast = loaded(&derived(&spec, &extract["toast"]).text);
    assert_eq!((&*toast.name, &*toast.title), ("toast-derived", "Toast"));
    assert_eq!(toast.owner.inside(), Some("orgUuid"));
    assert_eq!(toast.discriminator.as_ref().map(|kind| &*kind.is), Some("TOAST"));
    assert_eq!(toast.fields.get("integrationAuditMap").unwrap().class, Class::Audit);
    toast.path("restaurantSettingsMap.x.serviceAreaSettingsMap.y.posName").unwrap();
}
