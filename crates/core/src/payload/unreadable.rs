//! What a projected body leaves out because the read doesn't show it.

use crate::operation::{Body, Field, Fields, Kind, Operation, Path};
use crate::settings::{Object, RawObject};

/// The places of the fields that an update should send and can't: the read doesn't show them, and the rollout doesn't set them. What
/// the vendor makes of their absence isn't documented. Settings that aren't there yet have none.
pub fn unreadable<'a>(
    operation: &Operation,
    live: &RawObject,
    managed: impl Iterator<Item = &'a Path>,
) -> Vec<Box<str>> {
    if operation.body == Body::Whole || live.is_empty() {
        return Vec::new();
    }
    let managed: Vec<&Field> = managed.map(|path| &**path.field()).collect();
    let mut found = Vec::new();
    collect(&operation.fields, &live.object(), &managed, &mut found);
    found
}

fn collect(fields: &Fields, live: &Object<'_>, managed: &[&Field], found: &mut Vec<Box<str>>) {
    for field in fields.iter().filter(|field| field.class.is_written() && !managed.contains(&&***field)) {
        let node = live.get(&field.name).filter(|node| !(field.is_secret() && node.is_null()));
        match (&field.kind, node) {
            (Kind::Object(members), Some(node)) => {
                if let Some(object) = node.object() {
                    collect(members, object, managed, found);
                }
            }
            (_, None) if managed.iter().any(|managed| managed.is_inside(field)) => {}
            (_, Some(_)) => {}
            (_, None) => found.push(field.place().into()),
        }
    }
}
