//! What only holds for a description as a whole: the fields that its head names, and the paths of its examples.

use toml::Spanned;

use super::raw::{RawDescription, RawExamples};
use super::{DescriptionError, Source};
use crate::code::Code;
use crate::operation::{Class, Examples, Field, Fields, Kind, Operation, Owner};

/// Checks an operation against the description that it was made of.
pub(super) fn whole(
    source: Source<'_>,
    raw: &RawDescription,
    operation: &Operation,
) -> Result<(), DescriptionError> {
    let fields = &operation.fields;
    let named = |span: std::ops::Range<usize>, expected: &str, found: &str| {
        Err(source.error(span, Code::OpName, expected, found))
    };
    for watched in &raw.watch {
        let is_watchable = fields
            .member(watched.get_ref())
            .is_some_and(|field| field.class == Class::ServerState && matches!(field.kind, Kind::Bool));
        if !is_watchable {
            return named(watched.span(), "a field of class server that is true or false", watched.get_ref());
        }
    }
    if let Owner::Inside(at) = &operation.owner
        && fields.member(at).is_none_or(|field| field.class != Class::Identity)
    {
        return named(raw.owner.span(), "a field of class identity that names the org", at);
    }
    if let Some(kind) = &raw.kind {
        let at = &kind.get_ref().at;
        if fields.get(at).is_none_or(|field| field.class != Class::Discriminator) {
            return named(kind.span(), "a field of class discriminator at the top", at);
        }
    }
    if let Some(rule) = &raw.one_place {
        let (span, rule) = (rule.span(), rule.get_ref());
        let members = fields.get(&rule.map).filter(|map| map.entry().is_some()).and_then(|map| map.members());
        for member in [&rule.name, &rule.place] {
            if members.is_none_or(|members| members.get(member).is_none()) {
                return named(
                    span,
                    "a map at the top and two members of its entries",
                    &format!("{}.{member}", rule.map),
                );
            }
        }
    }
    let examples = &operation.examples;
    for example in
        [Some(&examples.field), examples.entry.as_ref(), examples.member.as_ref()].into_iter().flatten()
    {
        if !example.is_empty() && operation.path(example).is_err() {
            let span = raw.examples.as_ref().map_or(0..0, Spanned::span);
            return named(span, "a path of this operation", example);
        }
    }
    Ok(())
}

/// The examples that are given, and for the others the first that would do.
pub(super) fn examples(fields: &Fields, given: Option<&RawExamples>) -> Examples {
    let given = |pick: fn(&RawExamples) -> &Option<String>| {
        given.and_then(|given| pick(given).as_deref()).map(Into::into)
    };
    let settable = |field: &&std::sync::Arc<Field>| field.class == Class::Setting;
    let mut map = fields.iter().filter(settable).filter(|field| field.entry().is_some());
    let map = map.next();
    let entry = map.map(|map| format!("{}.<key>", map.name));
    let member = map.and_then(|map| map.members()?.iter().find(settable));
    let member = entry.as_ref().zip(member).map(|(entry, member)| format!("{entry}.{}", member.name));
    Examples {
        field: given(|given| &given.field).unwrap_or_else(|| first(fields).unwrap_or_default().into()),
        entry: given(|given| &given.entry).or_else(|| entry.map(Into::into)),
        member: given(|given| &given.member).or_else(|| member.map(Into::into)),
    }
}

/// The first setting that has a single value, at the top or inside an object.
fn first(fields: &Fields) -> Option<String> {
    let mut inside = None;
    for field in fields.iter().filter(|field| field.class == Class::Setting) {
        match &field.kind {
            Kind::Map(_) => {}
            Kind::Object(members) => {
                let member = || Some(format!("{}.{}", field.name, first(members)?));
                inside = inside.or_else(member);
            }
            _ => return Some(field.name.to_string()),
        }
    }
    inside
}
