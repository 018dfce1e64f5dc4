//! The fields of a settings object: a tree, in which each knows its type, who may set it, and what it risks.
//!
//! A map has one field below it, without a name, for whatever is under any key; an object has one for each member
//! that is described. A field that the vendor adds tomorrow is not here, can't be named in a manifest, and passes
//! through a merge write as it was read.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Number, Value};

/// Who a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A partner sets it.
    Setting,
    /// A partner sets it, by the name of a secret only.
    Secret,
    /// The vendor's server derives it.
    #[serde(rename = "server")]
    ServerState,
    /// The vendor's server records it.
    Audit,
    /// It says whose settings these are.
    Identity,
    /// It says what kind of settings these are.
    Discriminator,
    /// It can't be set, and goes back as it was read.
    Keep,
    /// It is never sent.
    Omit,
}

impl Class {
    /// Whether an update sends fields of this class where it sends what it needs to only.
    pub const fn is_written(self) -> bool {
        matches!(self, Self::Setting | Self::Secret | Self::Keep)
    }

    /// Whether a manifest may set fields of this class.
    pub const fn is_settable(self) -> bool {
        matches!(self, Self::Setting | Self::Secret)
    }
}

/// The type of a value.
#[derive(Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number of 32 bits, signed.
    Int32,
    /// A whole number of 64 bits, signed.
    Int64,
    /// Any number.
    Number,
    /// Any text.
    Text,
    /// One of these texts in a manifest; any text in a reply, since the vendor's enums grow.
    Enum(Vec<Box<str>>),
    /// An RUUID, with what it is of where that can be looked up.
    Ruuid(Option<Thing>),
    /// A SubLocationsHierarchyKey.
    HierarchyKey,
    /// An IP address, or a range of them in CIDR notation.
    AddressRange,
    /// A list of values that are all described alike. It has one cell, and is replaced whole.
    List {
        /// What each is.
        of: Arc<Field>,
        /// Whether the order and repetitions mean nothing.
        as_set: bool,
    },
    /// A map from opaque keys to values, all described alike.
    Map(Arc<Field>),
    /// An object of these members.
    Object(Fields),
    /// Whatever the server keeps there; never set, never compared.
    Opaque,
}

impl Kind {
    /// Whether it is a list whose order means nothing.
    pub const fn is_set(&self) -> bool {
        matches!(self, Self::List { as_set: true, .. })
    }

    /// Whether it is a text, or a list of texts.
    pub fn is_of_texts(&self) -> bool {
        match self {
            Self::Text => true,
            Self::List { of, .. } => of.kind.is_of_texts(),
            _ => false,
        }
    }
}

/// What an org has and can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// A camera.
    Camera,
    /// A location.
    Location,
}

/// Values that make an org less safe, or remove something. A reviewer sees them before anything else.
#[derive(Debug, PartialEq, Eq)]
pub struct Risk {
    /// The values.
    pub values: Vec<Risky>,
    /// What they do: `face alerts are turned off`.
    pub effect: Arc<str>,
    /// What a plan with such a value needs.
    pub guard: Option<Arc<Acknowledgement>>,
}

/// What must be acknowledged before anything is sent. One code is one acknowledgement.
#[derive(Debug)]
pub struct Acknowledgement {
    /// As `--ack` and `--allow` name it.
    pub code: Box<str>,
    /// What a plan does that needs it, in words.
    pub words: Box<str>,
}

impl PartialEq for Acknowledgement {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Acknowledgement {}

impl PartialOrd for Acknowledgement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Acknowledgement {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code.cmp(&other.code)
    }
}

/// Such values.
#[derive(Debug, Clone, PartialEq)]
pub enum Risky {
    /// `true` or `false`.
    Is(bool),
    /// This number.
    Number(Number),
    /// This text, or word of an enum.
    Word(Box<str>),
    /// Null: without a value the protection is off.
    Null,
    /// Nothing inside: an empty text, list, map or object.
    Empty,
    /// Something inside: what is neither null nor empty.
    Filled,
    /// A number below the one before.
    Lowered,
    /// A number above the one before.
    Raised,
    /// Whatever it is.
    Any,
}

impl Eq for Risky {}

impl Risk {
    /// Whether a value becomes such a one; `None` before it where that isn't known. What is off and loses its value stays
    /// off.
    pub fn covers(&self, before: Option<&Value>, after: &Value) -> bool {
        let was_so =
            after.is_null() && before.is_some_and(|before| self.values.iter().any(|risky| risky.is(before)));
        self.values.iter().any(|risky| match risky {
            Risky::Any => true,
            // What can't be compared may be either.
            Risky::Lowered => compared(before, after).is_none_or(Ordering::is_lt),
            Risky::Raised => compared(before, after).is_none_or(Ordering::is_gt),
            risky => !was_so && risky.is(after),
        })
    }
}

impl Risky {
    /// Whether this is such a value, whatever was before.
    fn is(&self, value: &Value) -> bool {
        match self {
            Self::Is(flag) => *value == Value::Bool(*flag),
            Self::Number(number) => value.as_number().is_some_and(|value| order(value, number).is_eq()),
            Self::Word(word) => value.as_str() == Some(word),
            Self::Null => value.is_null(),
            Self::Empty => is_empty(value),
            Self::Filled => !value.is_null() && !is_empty(value),
            Self::Lowered | Self::Raised | Self::Any => false,
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// How a number is to the one before.
fn compared(before: Option<&Value>, after: &Value) -> Option<Ordering> {
    Some(order(after.as_number()?, before?.as_number()?))
}

/// The order of two numbers by value. Whole ones are compared to the last digit.
pub(crate) fn order(left: &Number, right: &Number) -> Ordering {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.as_f64().unwrap_or_default().total_cmp(&right.as_f64().unwrap_or_default()),
    }
}

/// A described place of the settings.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Field {
    /// The wire name; empty for what is under the keys of a map, or in a list.
    pub name: Arc<str>,
    /// The type of its value.
    pub kind: Kind,
    /// Who may set it.
    pub class: Class,
    /// The values that make an org less safe.
    pub risks: Vec<Arc<Risk>>,
    /// What it does, in a sentence.
    pub words: Box<str>,
    /// A cell that sets it.
    pub example: Option<Box<str>>,
    /// Whether reads show it: what they don't can't be verified.
    pub is_shown: bool,
    /// What a change of it destroys, where that can't be brought back.
    pub irreversible: Option<Box<str>>,
    /// Whether it is a map whose keys are secrets.
    pub has_secret_keys: bool,
    /// How it is reached from the top.
    steps: Vec<Step>,
    place: String,
    /// Why it can't be set: its class, or that of what it is inside of.
    unsettable: Option<Class>,
    /// Whether it is a secret, or has one inside or as a key.
    holds_secrets: bool,
    /// Whether it is never sent, or has something inside that isn't.
    holds_omitted: bool,
}

/// A step on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// To the member of this name.
    Name(Arc<str>),
    /// To whatever is under a key of a map; which of a path's keys, from 0.
    Key(usize),
}

impl Field {
    /// A setting of this type.
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            class: Class::Setting,
            risks: Vec::new(),
            words: "".into(),
            example: None,
            is_shown: true,
            irreversible: None,
            has_secret_keys: false,
            steps: Vec::new(),
            place: String::new(),
            unsettable: None,
            holds_secrets: false,
            holds_omitted: false,
        }
    }

    /// What is under each key, for a map.
    pub const fn entry(&self) -> Option<&Arc<Self>> {
        match &self.kind {
            Kind::Map(entry) => Some(entry),
            _ => None,
        }
    }

    /// The members that are described, for an object and for a map of objects.
    pub fn members(&self) -> Option<&Fields> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            Kind::Map(entry) => entry.members(),
            _ => None,
        }
    }

    /// Whether it is what is under the keys of a map, or in a list.
    pub fn is_entry(&self) -> bool {
        self.name.is_empty()
    }

    /// Whether its value must never be written anywhere.
    pub const fn is_secret(&self) -> bool {
        matches!(self.class, Class::Secret)
    }

    /// Whether it lies inside another.
    pub fn is_inside(&self, other: &Self) -> bool {
        self.steps.len() > other.steps.len() && self.steps.starts_with(&other.steps)
    }

    /// The class that keeps a manifest from setting it, its own or that of what it is inside of.
    pub const fn unsettable(&self) -> Option<Class> {
        self.unsettable
    }

    /// Whether it is a secret, or has one inside or as a key.
    pub const fn holds_secrets(&self) -> bool {
        self.holds_secrets
    }

    /// Whether it is never sent, or has something inside that isn't.
    pub const fn holds_omitted(&self) -> bool {
        self.holds_omitted
    }

    /// Where it is, whatever the keys: `doorInfoMap.*.doorName`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How it is reached from the top.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Places it, and what is below it; `unsettable` is what it is inside of.
    fn root(&mut self, above: &[Step], unsettable: Option<Class>) {
        let keys = above.iter().filter(|step| matches!(step, Step::Key(_))).count();
        let own = if self.is_entry() { Step::Key(keys) } else { Step::Name(self.name.clone()) };
        self.steps = above.iter().cloned().chain([own]).collect();
        let words = self.steps.iter().map(|step| match step {
            Step::Name(name) => name,
            Step::Key(_) => "*",
        });
        self.place = words.collect::<Vec<_>>().join(".");
        self.unsettable = unsettable.or((!self.class.is_settable()).then_some(self.class));
        self.holds_secrets = self.is_secret() || self.has_secret_keys;
        self.holds_omitted = self.class == Class::Omit;
        let (steps, unsettable, is_shown) = (&self.steps, self.unsettable, self.is_shown);
        let inside: &mut [Arc<Self>] = match &mut self.kind {
            Kind::Map(inside) | Kind::List { of: inside, .. } => std::slice::from_mut(inside),
            Kind::Object(members) => &mut members.0,
            _ => &mut [],
        };
        for field in inside {
            let field = Arc::get_mut(field).expect("a field is placed before it is shared");
            // What is in something that reads don't show isn't shown either.
            field.is_shown &= is_shown;
            field.root(steps, unsettable);
            self.holds_secrets |= field.holds_secrets;
            self.holds_omitted |= field.holds_omitted;
        }
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        // Mostly they are the very same one.
        std::ptr::eq(self, other) || self.steps == other.steps
    }
}

impl Eq for Field {}

/// Fields beside each other, sorted by name.
#[derive(Debug)]
pub struct Fields(Vec<Arc<Field>>);

impl Fields {
    /// These fields.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        let mut fields: Vec<_> = fields.into_iter().map(Arc::new).collect();
        fields.sort_by(|left, right| left.name.cmp(&right.name));
        Self(fields)
    }

    /// These fields, as the top of a settings object.
    pub(super) fn top(fields: impl IntoIterator<Item = Field>) -> Self {
        Self::new(fields.into_iter().map(|mut field| {
            field.root(&[], None);
            field
        }))
    }

    /// The field of this wire name, exactly spelled.
    pub fn get(&self, name: &str) -> Option<&Arc<Field>> {
        self.0.binary_search_by(|field| (*field.name).cmp(name)).ok().map(|at| &self.0[at])
    }

    /// The member that names lead to, through objects; a dot between them.
    pub fn member(&self, names: &str) -> Option<&Arc<Field>> {
        let mut names = names.split('.');
        let mut field = self.get(names.next()?)?;
        for name in names {
            let Kind::Object(members) = &field.kind else { return None };
            field = members.get(name)?;
        }
        Some(field)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Field>> {
        self.0.iter()
    }

    /// The secrets among them.
    pub fn secrets(&self) -> impl Iterator<Item = &Arc<Field>> {
        self.iter().filter(|field| field.is_secret())
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|field| &*field.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn covers(values: &[Risky], before: Option<&Value>, after: &Value) -> bool {
        let risk = Risk { values: values.to_vec(), effect: "".into(), guard: None };
        risk.covers(before, after)
    }

    #[test]
    fn a_lowered_or_raised_number_is_one_that_may_be() {
        for (before, after, lowered, raised) in [
            (Some(json!(30)), json!(29), true, false),
            (Some(json!(30)), json!(31), false, true),
            (Some(json!(30)), json!(30.0), false, false),
            (Some(json!(9_007_199_254_740_993_i64)), json!(9_007_199_254_740_992_i64), true, false),
            // What a null means, and what wasn't read, isn't known.
            (Some(json!(30)), json!(null), true, true),
            (Some(json!(null)), json!(30), true, true),
            (None, json!(30), true, true),
        ] {
            assert_eq!(covers(&[Risky::Lowered], before.as_ref(), &after), lowered, "{before:?} -> {after}");
            assert_eq!(covers(&[Risky::Raised], before.as_ref(), &after), raised, "{before:?} -> {after}");
        }
    }

    #[test]
    fn what_is_empty_filled_or_anything() {
        for (after, empty, filled) in [
            (json!([]), true, false),
            (json!({}), true, false),
            (json!(""), true, false),
            (json!(null), false, false),
            (json!([1]), false, true),
            (json!(0), false, true),
        ] {
            assert_eq!(covers(&[Risky::Empty], None, &after), empty, "{after}");
            assert_eq!(covers(&[Risky::Filled], None, &after), filled, "{after}");
            assert!(covers(&[Risky::Any], Some(&json!(1)), &after), "{after}");
        }
    }

    #[test]
    fn what_was_off_and_loses_its_value_stays_off() {
        let off = [Risky::Is(false), Risky::Null];
        assert!(!covers(&off, Some(&json!(false)), &json!(null)));
        assert!(covers(&off, Some(&json!(true)), &json!(null)));
        assert!(covers(&off, Some(&json!(null)), &json!(false)));
        assert!(covers(&[Risky::Number(30.into())], None, &json!(30.0)));
    }
}
