//! Equal changes of many orgs taken together, so that a review costs what the number of *different* changes
//! costs, not what the number of orgs does.
//!
//! Entries of maps are taken together whatever their key. Values that few orgs share (names, ids, lists) are
//! taken together by whether they are set, changed or cleared, so the number of clusters stays small.

use std::collections::BTreeMap;
use std::fmt;

use orgwave_core::desired::Wish;
use orgwave_core::outcome::Image;
use orgwave_core::plan::{PlanLine, PlannedField};
use orgwave_core::settings::{Kind, Path};

use super::is_sensitive;
use crate::terminal::{orgs, several};
use crate::value;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    place: String,
    before: String,
    after: String,
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// The place in the order of first appearance: what a page's rows call the cluster by.
    number: usize,
    orgs: u64,
    fields: u64,
    /// The line that was counted last: an org counts once, however many of its doors change.
    last: u64,
    takes_away: bool,
    sensitive: bool,
}

#[derive(Debug, Default)]
pub(super) struct Clusters {
    sizes: BTreeMap<Key, Size>,
    wishes: BTreeMap<&'static str, Wishes>,
}

/// How many orgs are wanted to have each value of a setting, whether it changes or not.
type Wishes = BTreeMap<String, u64>;

/// A kind of change, and how often it is made.
pub(super) struct Cluster<'a> {
    key: &'a Key,
    size: Size,
    /// Most orgs of the plan are wanted to have another value here.
    against_majority: bool,
}

/// The first so many, and of those behind them the ones that a reviewer should mind: an odd change of one org is
/// what a review is there to find, however many kinds of change there are.
pub(super) fn to_show<'a, 'b>(clusters: &'b [Cluster<'a>], most: usize) -> Vec<&'b Cluster<'a>> {
    let (first, others) = clusters.split_at(most.min(clusters.len()));
    first.iter().chain(others.iter().filter(|cluster| cluster.minds()).take(most)).collect()
}

impl Clusters {
    /// Takes an org in that is to be written.
    pub(super) fn add(&mut self, line: &PlanLine) {
        for field in line.fields.iter().filter(|field| field.differs()) {
            let number = self.sizes.len();
            let size = self.sizes.entry(Key::of(field)).or_insert(Size { number, ..Size::default() });
            size.orgs += u64::from(size.last != line.line);
            size.fields += 1;
            size.last = line.line;
            size.takes_away = field.after == Wish::Remove || field.after.is_clear();
            size.sensitive = is_sensitive(field);
        }
    }

    /// Takes the wishes of an org in that could be judged.
    pub(super) fn judge(&mut self, line: &PlanLine) {
        for field in &line.fields {
            if let (Path::Field(setting), Wish::Set(_), true) =
                (&field.path, &field.after, is_shared(field.path.kind()))
            {
                let wishes = self.wishes.entry(setting.name).or_default();
                *wishes.entry(value::wish(field).text.into_owned()).or_default() += 1;
            }
        }
    }

    /// The number of a change's cluster.
    pub(super) fn number(&self, field: &PlannedField) -> Option<usize> {
        self.sizes.get(&Key::of(field)).map(|size| size.number)
    }

    /// By number of orgs, and where that is equal by place and value.
    pub(super) fn largest_first(&self) -> Vec<Cluster<'_>> {
        let cluster = |(key, size)| self.cluster(key, size);
        let mut clusters: Vec<Cluster<'_>> = self.sizes.iter().map(cluster).collect();
        let number = |cluster: &Cluster<'_>| cluster.key.after.parse::<i64>().ok();
        clusters.sort_by(|left, right| {
            let by_place = || left.key.place.cmp(&right.key.place);
            let orgs = right.size.orgs.cmp(&left.size.orgs);
            orgs.then_with(by_place).then_with(|| number(left).cmp(&number(right)))
        });
        clusters
    }

    fn cluster<'a>(&self, key: &'a Key, size: &Size) -> Cluster<'a> {
        let against_majority = self.wishes.get(key.place.as_str()).is_some_and(|wishes| {
            let all: u64 = wishes.values().sum();
            let same = wishes.get(&key.after).copied().unwrap_or(0);
            // A handful of orgs has no majority worth the name.
            let most = wishes.values().max().copied().unwrap_or(0);
            all >= 5 && most > same && most * 4 > all * 3
        });
        Cluster { key, size: *size, against_majority }
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
    pub(super) const fn minds(&self) -> bool {
        self.against_majority || self.size.takes_away || self.size.sensitive
    }

    /// What a reviewer should mind.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.against_majority {
            remarks.push("against the majority".to_owned());
        }
        if self.size.takes_away {
            remarks.push("takes away".to_owned());
        }
        if self.size.sensitive {
            remarks.push("decides on alarms".to_owned());
        }
        if self.size.fields > self.size.orgs {
            remarks.push(several(self.size.fields, "entry", "entries"));
        }
        remarks
    }

    pub(super) fn place(&self) -> &str {
        &self.key.place
    }

    pub(super) fn before(&self) -> &str {
        &self.key.before
    }

    pub(super) fn after(&self) -> &str {
        &self.key.after
    }
}

impl Key {
    fn of(field: &PlannedField) -> Self {
        let place = match &field.path {
            Path::Field(field) => field.name.to_owned(),
            Path::Entry(field, _) => format!("{}.*", field.name),
            Path::Member(field, _, member) => format!("{}.*.{}", field.name, member.name),
        };
        let before = match &field.before {
            Image::Absent => "<absent>".to_owned(),
            Image::Hidden | Image::Secret(_) => "<secret>".to_owned(),
            Image::Json(value) if value.is_null() => "<null>".to_owned(),
            // Whichever number stood there, the change is the same to a reviewer.
            Image::Json(_) if is_shared(field.path.kind()) && field.path.kind() != Kind::Int32 => {
                value::before(&field.path, &field.before).text.into_owned()
            }
            Image::Json(_) => "(a value)".to_owned(),
        };
        let after = match &field.after {
            Wish::Set(value) if !value.is_null() && !is_shared(field.path.kind()) => "(a value)".to_owned(),
            _ => value::wish(field).text.into_owned(),
        };
        Self { place, before, after }
    }
}

/// Whether many orgs may well have the very same value here.
const fn is_shared(kind: Kind) -> bool {
    match kind {
        Kind::Bool | Kind::Int32 | Kind::Enum(_) => true,
        Kind::Text
        | Kind::Ruuid
        | Kind::HierarchyKey
        | Kind::Cameras
        | Kind::Texts
        | Kind::Map(_)
        | Kind::Opaque => false,
    }
}

impl fmt::Display for Cluster<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { place, before, after } = self.key;
        write!(f, "{}: {place} {before} -> {after}", orgs(self.size.orgs))?;
        if self.size.fields > self.size.orgs {
            write!(f, " ({})", several(self.size.fields, "entry", "entries"))?;
        }
        if self.against_majority {
            f.write_str(", against the majority")?;
        }
        if self.size.sensitive {
            f.write_str(", decides on alarms")?;
        }
        Ok(())
    }
}
