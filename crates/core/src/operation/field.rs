//! The fields of a settings object: a tree, in which each knows its type, who may set it, and what it risks.
//!
//! A map has one field below it, without a name, for whatever is under any key; an object has one for each member
//! that is described. A field that the vendor adds tomorrow is not here, can't be named in a manifest, and passes
//! through a merge write as it was read.

use std::sync::Arc;

use serde_json::Value;

/// Who a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A partner sets it.
    Setting,
    /// A partner sets it, by the name of a secret only.
    Secret,
    /// The vendor's server derives it.
    ServerState,
    /// The vendor's server records it.
    Audit,
    /// It says whose settings these are.
    Identity,
    /// It says what kind of settings these are.
    Discriminator,
}

impl Class {
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
    /// Any text.
    Text,
    /// One of these texts in a manifest; any text in a reply, since the vendor's enums grow.
    Enum(Vec<Box<str>>),
    /// An RUUID.
    Ruuid,
    /// A SubLocationsHierarchyKey.
    HierarchyKey,
    /// A list of camera RUUIDs, compared as a set.
    Cameras,
    /// A list of texts.
    Texts,
    /// A map from opaque keys to values, all described alike.
    Map(Arc<Field>),
    /// An object of these members.
    Object(Fields),
    /// Whatever the server keeps there; never set, never compared.
    Opaque,
}

/// Values that make somebody less safe. A reviewer sees them before anything else.
#[derive(Debug, PartialEq, Eq)]
pub struct Risk {
    /// The values.
    pub values: Vec<Risky>,
    /// What they do: `face alerts are turned off`.
    pub effect: Arc<str>,
    /// Whether a plan with such a value needs an acknowledgement.
    pub guarded: bool,
}

/// One such value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Risky {
    /// `true` or `false`.
    Is(bool),
    /// A word of an enum.
    Word(Box<str>),
    /// Null: without a value the protection is off.
    Null,
}

impl Risk {
    /// Whether this is such a value.
    pub fn covers(&self, value: &Value) -> bool {
        self.values.iter().any(|risky| match risky {
            Risky::Is(flag) => *value == Value::Bool(*flag),
            Risky::Word(word) => value.as_str() == Some(word),
            Risky::Null => value.is_null(),
        })
    }
}

/// A described place of the settings.
#[derive(Debug)]
pub struct Field {
    /// The wire name; empty for what is under the keys of a map.
    pub name: Arc<str>,
    /// The type of its value.
    pub kind: Kind,
    /// Who may set it.
    pub class: Class,
    /// The values that make somebody less safe.
    pub risk: Option<Arc<Risk>>,
    /// How it is reached from the top.
    steps: Vec<Step>,
    place: String,
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
            risk: None,
            steps: Vec::new(),
            place: String::new(),
        }
    }

    /// The same, belonging to another.
    #[must_use]
    pub fn of(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// The same, with values that make somebody less safe.
    #[must_use]
    pub fn risks(self, values: impl Into<Vec<Risky>>, effect: &str, guarded: bool) -> Self {
        let risk = Risk { values: values.into(), effect: effect.into(), guarded };
        Self { risk: Some(Arc::new(risk)), ..self }
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

    /// Whether it is what is under the keys of a map.
    pub fn is_entry(&self) -> bool {
        self.name.is_empty()
    }

    /// Whether its value must never be written anywhere.
    pub const fn is_secret(&self) -> bool {
        matches!(self.class, Class::Secret)
    }

    /// Where it is, whatever the keys: `doorInfoMap.*.doorName`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How it is reached from the top.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Places it, and what is below it.
    fn root(&mut self, above: &[Step]) {
        let keys = above.iter().filter(|step| matches!(step, Step::Key(_))).count();
        let own = if self.is_entry() { Step::Key(keys) } else { Step::Name(self.name.clone()) };
        self.steps = above.iter().cloned().chain([own]).collect();
        let words = self.steps.iter().map(|step| match step {
            Step::Name(name) => name,
            Step::Key(_) => "*",
        });
        self.place = words.collect::<Vec<_>>().join(".");
        let unshared = "a field is placed before anybody else has it";
        match &mut self.kind {
            Kind::Map(entry) => Arc::get_mut(entry).expect(unshared).root(&self.steps),
            Kind::Object(members) => {
                for member in &mut members.0 {
                    Arc::get_mut(member).expect(unshared).root(&self.steps);
                }
            }
            _ => {}
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
            field.root(&[]);
            field
        }))
    }

    /// The field of this wire name, exactly spelled.
    pub fn get(&self, name: &str) -> Option<&Arc<Field>> {
        self.0.binary_search_by(|field| (*field.name).cmp(name)).ok().map(|at| &self.0[at])
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
