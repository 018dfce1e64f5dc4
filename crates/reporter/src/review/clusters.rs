//! Equal changes of many orgs taken together, so that a review costs what the number of *different* changes
//! costs, not what the number of orgs does.
//!
//! Entries of maps are taken together whatever their key. Values that few orgs share (names, ids, lists) are
//! taken together by whether they are set, changed or cleared, so the number of clusters stays small; each says the value
//! where all have the same, else how many different ones there are.

mod values;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use orgwave_core::desired::DesiredValue;
use orgwave_core::operation::{Kind, Operations, Path, Risk};
use orgwave_core::outcome::StoredValue;
use orgwave_core::plan::{PlannedField, PlannedStep, UnknownKey};

use self::values::Values;
use crate::terminal::{count, orgs, several};
use crate::value;

/// What an added entry is changed to.
const ADDED: &str = "<added>";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    place: String,
    before: Side,
    after: Side,
    /// Whether the entry isn't live that this is in.
    added: bool,
}

/// What changes are taken together by on one side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// This, in words.
    Shared(String),
    /// Whichever value it is.
    AnyValue,
}

#[derive(Debug, Default)]
struct Size {
    /// The place in the order of first appearance: what a page's rows call the cluster by.
    number: usize,
    orgs: u64,
    fields: u64,
    /// The line that was counted last: an org counts once, however many of its doors change.
    last: u64,
    removes: bool,
    risk: Option<Arc<Risk>>,
    before: Values,
    after: Values,
    /// How many of the entries have a key that is a live one under another spelling.
    respelled: u64,
}

#[derive(Debug)]
pub(super) struct Clusters {
    operations: Operations,
    sizes: BTreeMap<Key, Size>,
    desired: BTreeMap<String, DesiredCounts>,
}

/// For how many orgs each value of a setting is desired, whether it changes or not.
type DesiredCounts = BTreeMap<String, u64>;

/// A kind of change, and how often it is made.
pub(super) struct Cluster<'a> {
    key: &'a Key,
    size: &'a Size,
    /// For most orgs of the plan another value is desired here.
    against_majority: bool,
}

/// The first this many, and of those behind them those that need attention: an odd change of one org is
/// what a review is there to find, however many kinds of change there are.
pub(super) fn to_show<'a, 'b>(clusters: &'b [Cluster<'a>], most: usize) -> Vec<&'b Cluster<'a>> {
    let (first, others) = clusters.split_at(most.min(clusters.len()));
    first.iter().chain(others.iter().filter(|cluster| cluster.needs_attention()).take(most)).collect()
}

impl Clusters {
    pub(super) fn new(operations: Operations) -> Self {
        Self { operations, sizes: BTreeMap::new(), desired: BTreeMap::new() }
    }

    /// Takes a step of the org in this line in that is to be taken.
    pub(super) fn add(&mut self, step: &PlannedStep, line: u64) {
        for unknown in &step.additions {
            let key = Key::addition(self.place(step, &unknown.entry));
            let size = self.size(key, line);
            size.respelled += u64::from(unknown.respelled);
        }
        for field in step.changes() {
            let key = self.key(step, field);
            let [before, after] = [&key.before, &key.after].map(|side| *side == Side::AnyValue);
            let size = self.size(key, line);
            size.removes = field.removes() || field.after.is_clear();
            size.risk = size.risk.take().or_else(|| field.risk().cloned());
            if before {
                size.before.add(&value::before(&field.path, &field.before).text);
            }
            if after {
                size.after.add(&value::desired(field).text);
            }
        }
    }

    /// A place, whatever the keys, with its operation where there are several.
    fn place(&self, step: &PlannedStep, path: &Path) -> String {
        let place = path.field().place();
        if self.operations.are_several() {
            format!("{}:{place}", step.operation.name)
        } else {
            place.to_owned()
        }
    }

    fn key(&self, step: &PlannedStep, field: &PlannedField) -> Key {
        Key::of(step, field, self.place(step, &field.path))
    }

    /// The cluster of a change, with this one counted.
    fn size(&mut self, key: Key, line: u64) -> &mut Size {
        let number = self.sizes.len();
        let size = self.sizes.entry(key).or_insert_with(|| Size { number, ..Size::default() });
        size.orgs += u64::from(size.last != line);
        size.fields += 1;
        size.last = line;
        size
    }

    /// Takes the desired values of a step in that could be judged.
    pub(super) fn judge(&mut self, step: &PlannedStep) {
        for field in &step.fields {
            let is_at_the_top = field.path.keys().is_empty();
            if is_at_the_top && matches!(field.after, DesiredValue::Set(_)) && is_shared(field.path.kind()) {
                let counts = self.desired.entry(self.place(step, &field.path)).or_default();
                *counts.entry(value::desired(field).text.into_owned()).or_default() += 1;
            }
        }
    }

    /// The number of a change's cluster.
    pub(super) fn number(&self, step: &PlannedStep, field: &PlannedField) -> Option<usize> {
        self.sizes.get(&self.key(step, field)).map(|size| size.number)
    }

    /// What makes an org less safe, then what adds entries that aren't live, then what removes, then the others; each by number of orgs, and
    /// where that is equal by place and value.
    pub(super) fn riskiest_first(&self) -> Vec<Cluster<'_>> {
        let cluster = |(key, size)| self.cluster(key, size);
        let mut clusters: Vec<Cluster<'_>> = self.sizes.iter().map(cluster).collect();
        let number = |cluster: &Cluster<'_>| match &cluster.key.after {
            Side::Shared(text) => text.parse::<i64>().ok(),
            Side::AnyValue => None,
        };
        let calm = |cluster: &Cluster<'_>| match cluster {
            _ if cluster.size.risk.is_some() => 0,
            _ if cluster.adds() => 1,
            _ if cluster.size.removes => 2,
            _ => 3,
        };
        clusters.sort_by(|left, right| {
            let by_place = || left.key.place.cmp(&right.key.place);
            let orgs = right.size.orgs.cmp(&left.size.orgs);
            calm(left)
                .cmp(&calm(right))
                .then(orgs)
                .then_with(by_place)
                .then_with(|| number(left).cmp(&number(right)))
        });
        clusters
    }

    fn cluster<'a>(&self, key: &'a Key, size: &'a Size) -> Cluster<'a> {
        let against_majority = self.desired.get(key.place.as_str()).is_some_and(|counts| {
            let all: u64 = counts.values().sum();
            let same = match &key.after {
                Side::Shared(text) => counts.get(text).copied().unwrap_or(0),
                Side::AnyValue => 0,
            };
            // A handful of orgs has no majority worth the name.
            let most = counts.values().max().copied().unwrap_or(0);
            all >= 5 && most > same && most * 4 > all * 3
        });
        Cluster { key, size, against_majority }
    }
}

impl Cluster<'_> {
    pub(super) const fn number(&self) -> usize {
        self.size.number
    }

    pub(super) const fn orgs(&self) -> u64 {
        self.size.orgs
    }

    /// Whether a reviewer should look twice.
    pub(super) fn needs_attention(&self) -> bool {
        self.against_majority || self.size.removes || self.size.risk.is_some() || self.adds()
    }

    /// Whether this is about entries that are added to maps that have others.
    fn adds(&self) -> bool {
        self.key.added && self.key.after == Side::Shared(ADDED.to_owned())
    }

    /// What a reviewer should look at.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        remarks.extend(self.size.risk.as_ref().map(|risk| format!("risk: {}", risk.effect)));
        if self.adds() {
            remarks.push("not live".to_owned());
        } else if self.key.added {
            remarks.push("in added entries".to_owned());
        }
        if self.size.respelled > 0 {
            remarks.push(format!("{} spelled unlike a live key", count(self.size.respelled)));
        }
        if self.against_majority {
            remarks.push("against the majority".to_owned());
        }
        if self.size.removes {
            remarks.push("removes".to_owned());
        }
        if self.size.fields > self.size.orgs {
            remarks.push(several(self.size.fields, "entry", "entries"));
        }
        remarks
    }

    pub(super) fn place(&self) -> &str {
        &self.key.place
    }

    pub(super) fn before(&self) -> Cow<'_, str> {
        self.key.before.show(&self.size.before)
    }

    pub(super) fn after(&self) -> Cow<'_, str> {
        self.key.after.show(&self.size.after)
    }
}

impl Side {
    fn show<'a>(&'a self, values: &'a Values) -> Cow<'a, str> {
        match self {
            Self::Shared(text) => Cow::Borrowed(text),
            Self::AnyValue => values.show(),
        }
    }
}

impl Key {
    /// That an entry is added.
    fn addition(place: String) -> Self {
        Self {
            place,
            before: Side::Shared("<absent>".to_owned()),
            after: Side::Shared(ADDED.to_owned()),
            added: true,
        }
    }

    fn of(step: &PlannedStep, field: &PlannedField, place: String) -> Self {
        // Sorted as the fields are.
        let is_before = |unknown: &UnknownKey| unknown.entry <= field.path;
        let nearest = step.additions[..step.additions.partition_point(is_before)].last();
        let added = nearest.is_some_and(|unknown| field.path.is_within(&unknown.entry));
        let before = match &field.before {
            StoredValue::Absent => Side::Shared("<absent>".to_owned()),
            StoredValue::Hidden | StoredValue::Secret(_) => Side::Shared("<secret>".to_owned()),
            StoredValue::Json(value) if value.is_null() => Side::Shared("<null>".to_owned()),
            // Whichever number was there, the change is the same to a reviewer.
            StoredValue::Json(_)
                if is_shared(field.path.kind())
                    && !matches!(field.path.kind(), Kind::Int32 | Kind::Int64 | Kind::Number) =>
            {
                Side::Shared(value::before(&field.path, &field.before).text.into_owned())
            }
            StoredValue::Json(_) => Side::AnyValue,
        };
        let after = match &field.after {
            DesiredValue::Set(value) if !value.is_null() && !is_shared(field.path.kind()) => Side::AnyValue,
            _ => Side::Shared(value::desired(field).text.into_owned()),
        };
        Self { place, before, after, added }
    }
}

/// Whether many orgs may well have the very same value here.
const fn is_shared(kind: &Kind) -> bool {
    match kind {
        Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Number | Kind::Enum(_) => true,
        Kind::Text
        | Kind::Ruuid(_)
        | Kind::HierarchyKey
        | Kind::AddressRange
        | Kind::List { .. }
        | Kind::Map(_)
        | Kind::Object(_)
        | Kind::Opaque => false,
    }
}

impl fmt::Display for Cluster<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (self.before(), self.after());
        write!(f, "{}: {} {before} -> {after}", orgs(self.size.orgs), self.place())?;
        let remarks = self.remarks();
        if remarks.is_empty() { Ok(()) } else { write!(f, " ({})", remarks.join(", ")) }
    }
}
