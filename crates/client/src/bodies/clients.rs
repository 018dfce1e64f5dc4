//! The partner's client orgs.
//!
//! One record that can't be read says nothing of the others: it is reported beside them. A list of which no record can
//! be read is a list of an unknown shape.

use std::borrow::Cow;

use orgwave_core::ids::Ruuid;
use orgwave_core::reply::{ClientList, Listed, UnreadableClient};
use serde_json::value::RawValue;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

impl ReplyBody for ClientList {
    type Of = ();

    fn expected((): &()) -> Cow<'static, str> {
        "the client list, a list `clients` of objects with `clientOrgUuid`".into()
    }

    /// Bytes that are no UTF-8 spoil the text that holds them and not the list: in their place comes half a surrogate
    /// pair, which no text can be read from.
    fn legible(body: &[u8]) -> Cow<'_, [u8]> {
        if std::str::from_utf8(body).is_ok() {
            return Cow::Borrowed(body);
        }
        let mut legible = Vec::with_capacity(body.len() + 16);
        for chunk in body.utf8_chunks() {
            legible.extend_from_slice(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                legible.extend_from_slice(br"\ud800");
            }
        }
        Cow::Owned(legible)
    }

    fn read(members: &BodyMembers<'_>, _: Words<'_>, (): &()) -> Result<Self, Misshapen> {
        let mut list = Self::default();
        for (index, raw) in members.raw_list("clients")?.into_iter().enumerate() {
            match record(raw) {
                Ok(listed) => list.clients.push(listed),
                Err(unreadable) => list.unreadable.push(UnreadableClient { place: index + 1, ..unreadable }),
            }
        }
        match list.unreadable.first() {
            Some(first) if list.clients.is_empty() => {
                Err(Misshapen(format!("a `clients` of another shape: record {}: {}", first.place, first.why)))
            }
            _ => Ok(list),
        }
    }
}

/// What one record says, or what of it can be said where it can't be read.
fn record(raw: &RawValue) -> Result<Listed, UnreadableClient> {
    let mut unreadable = UnreadableClient { place: 0, org: None, name: None, why: String::new() };
    let members = match BodyMembers::parse(raw.get().as_bytes()) {
        Ok(members) => members,
        Err(Misshapen(found)) => {
            unreadable.why = format!("{found} instead of an object");
            return Err(unreadable);
        }
    };
    let org = members
        .optional::<Ruuid>("clientOrgUuid")
        .and_then(|org| org.ok_or_else(|| Misshapen("no `clientOrgUuid`".to_owned())));
    let name = members.optional::<String>("clientOrgName");
    let access_allowed = members.optional::<bool>("clientAccessAllowed");
    let deactivated = members.optional::<bool>("deactivated");
    unreadable.org = org.as_ref().ok().copied();
    unreadable.name = name.as_ref().ok().cloned().flatten();
    let listed =
        || Ok(Listed { org: org?, name: name?, access_allowed: access_allowed?, deactivated: deactivated? });
    listed().map_err(|Misshapen(why)| UnreadableClient { why, ..unreadable })
}
