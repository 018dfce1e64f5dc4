//! The reads that may show what an update writes.
//!
//! An update's body is the settings themselves, or has them in one member; which of both is seen by the reads: the reading
//! of the body of which the most is shown somewhere is the right one. Among the reads that show it, those of the same
//! type and of a like name come first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::guess::{is_status, likeness, ratio, words};
use super::spec::{Schema, Spec, Update, last};

/// How deep in a reply settings lie at most.
const DEEPEST: usize = 3;
/// The most members of replies that are looked at: references may double them at each level.
const MOST: usize = 2_000_000;
/// The most members of a body that are tried as the one that holds the settings.
const MOST_LAYOUTS: usize = 32;

/// A read that may show what an update writes.
#[derive(Debug, Clone)]
pub struct Read<'s> {
    /// Its path.
    pub path: &'s str,
    /// Where its reply has the settings: names with dots between them; empty for the reply itself.
    pub at: String,
    /// How many of the written members it shows.
    pub shown: usize,
    /// How many there are.
    pub of: usize,
    /// Whether what is read is of the type that is written.
    pub is_same: bool,
    /// Members of its request, for which nothing would be sent.
    pub asks: Vec<&'s str>,
    score: f64,
    pub(super) object: Schema<'s>,
}

/// The reads of an update, and how its body is laid out.
#[derive(Debug)]
pub struct Reads<'s> {
    /// The member of the body that holds the settings; without one they are the body.
    pub wrap: Option<&'s str>,
    /// Members of the body beside that one.
    pub beside: Vec<&'s str>,
    /// What is written.
    pub(super) written: Schema<'s>,
    /// The reads that may show it, the likeliest first; each path once.
    pub all: Vec<Read<'s>>,
}

/// One reading of an update's body.
struct Layout<'s> {
    wrap: Option<&'s str>,
    written: Schema<'s>,
    members: BTreeSet<&'s str>,
    /// The share of the body that it explains.
    share: f64,
}

/// An object of a reply.
struct Place<'s> {
    at: Vec<&'s str>,
    object: Schema<'s>,
}

impl<'s> Reads<'s> {
    /// The reads of an update: all that there are, or those of one path or last part of it.
    pub fn of(spec: &'s Spec, update: &Update<'s>, only: Option<&str>) -> Self {
        let mut body = spec.members(update.body);
        body.retain(|name, _| !is_status(name));
        let layouts = layouts(spec, update, &body);
        // How likely each layout is, with what it found.
        let mut found: Vec<(f64, BTreeMap<&str, Read<'s>>)> =
            layouts.iter().map(|_| (0.0, BTreeMap::new())).collect();
        let mut left = MOST;
        for path in spec.reads().filter(|path| only.is_none_or(|only| only == *path || only == last(path))) {
            let asks = asks(spec, path);
            for place in places(spec, path, &mut left) {
                let members: BTreeSet<&str> = spec.members(place.object).into_keys().collect();
                for (layout, (likely, reads)) in layouts.iter().zip(&mut found) {
                    let Some(read) = read(update, layout, path, &place, &members, &asks) else { continue };
                    let same = if layout.wrap.is_some() && read.is_same { 0.25 } else { 0.0 };
                    *likely = likely.max(ratio(read.shown, read.of) * layout.share + same);
                    match reads.get(path) {
                        Some(known) if known.score >= read.score => {}
                        _ => drop(reads.insert(path, read)),
                    }
                }
            }
        }
        let mut best = 0;
        for place in 1..found.len() {
            if found[place].0 > found[best].0 {
                best = place;
            }
        }
        let layout = &layouts[best];
        let mut all: Vec<Read<'s>> = std::mem::take(&mut found[best].1).into_values().collect();
        all.sort_by(|left, right| right.score.total_cmp(&left.score).then(left.path.cmp(right.path)));
        let beside = layout.wrap.map(|wrap| body.keys().copied().filter(|name| *name != wrap).collect());
        Self { wrap: layout.wrap, beside: beside.unwrap_or_default(), written: layout.written, all }
    }
}

/// The readings of a body, those with a wrapper first: at equal evidence they are right.
fn layouts<'s>(spec: &'s Spec, update: &Update<'s>, body: &BTreeMap<&'s str, &'s Value>) -> Vec<Layout<'s>> {
    let mut layouts = Vec::new();
    for (name, value) in body.iter().take(MOST_LAYOUTS) {
        let written = spec.follow(value);
        let members: BTreeSet<&str> = spec.members(written).into_keys().collect();
        if !members.is_empty() {
            layouts.push(Layout { wrap: Some(name), written, members, share: ratio(1, body.len()) });
        }
    }
    // A body of one object is always a wrapper.
    if layouts.is_empty() || body.len() > 1 {
        layouts.push(Layout {
            wrap: None,
            written: update.body,
            members: body.keys().copied().collect(),
            share: 1.0,
        });
    }
    layouts
}

/// The objects of a read's reply, itself first.
fn places<'s>(spec: &'s Spec, path: &str, left: &mut usize) -> Vec<Place<'s>> {
    let Some(reply) = spec.reply(path) else { return Vec::new() };
    let mut places = vec![Place { at: Vec::new(), object: reply }];
    let mut next = 0;
    while next < places.len() {
        let Place { at, object } = &places[next];
        next += 1;
        if at.len() == DEEPEST {
            continue;
        }
        let (at, members) = (at.clone(), spec.members(*object));
        let Some(fewer) = left.checked_sub(members.len()) else { break };
        *left = fewer;
        for (name, value) in members {
            let object = spec.follow(value);
            // Anything else has no members that could be settings.
            if object.value.get("properties").is_some() || object.value.get("allOf").is_some() {
                places.push(Place { at: at.iter().copied().chain([name]).collect(), object });
            }
        }
    }
    places
}

/// What a read's request has to say beside the org.
fn asks<'s>(spec: &'s Spec, path: &str) -> Vec<&'s str> {
    let members = spec.request(path).map(|request| spec.members(request)).unwrap_or_default();
    members.into_keys().filter(|name| *name != "orgUuid").collect()
}

fn read<'s>(
    update: &Update<'s>,
    layout: &Layout<'s>,
    path: &'s str,
    place: &Place<'s>,
    members: &BTreeSet<&str>,
    asks: &[&'s str],
) -> Option<Read<'s>> {
    let shown = layout.members.intersection(members).count();
    if shown == 0 {
        return None;
    }
    let named = |name: Option<&str>| name.map(words).unwrap_or_default();
    let is_same = match (layout.written.name, place.object.name) {
        (Some(written), Some(read)) => written == read,
        _ => layout.members.iter().eq(members.iter()),
    };
    let of = layout.members.len();
    let at = place.at.last().copied();
    let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let score = 100.0 * ratio(shown, of)
        + if is_same { 40.0 } else { 0.0 }
        + 40.0 * likeness(&words(last(update.path)), &words(last(path)))
        + 20.0 * likeness(&named(layout.wrap), &named(at))
        + if folder(update.path) == folder(path) { 10.0 } else { 0.0 }
        - if asks.iter().any(|name| is_id(name)) { 40.0 } else { 0.0 }
        - 3.0 * ratio(place.at.len(), 1);
    Some(Read {
        path,
        at: place.at.join("."),
        shown,
        of,
        is_same,
        asks: asks.to_vec(),
        score,
        object: place.object,
    })
}

fn is_id(name: &str) -> bool {
    ["Uuid", "Id", "Guid", "uuid", "id"].iter().any(|end| name.ends_with(end))
}
