//! The fields of an operation, and which of them a name means.

use std::fmt::Write as _;
use std::sync::Arc;

use orgwave_core::operation::{Catalog, Field, Fields, Kind, Operation};

use super::{example, path, prefix, words};
use crate::terminal::{Page, Style, Tone};

/// As wide as pages are.
pub(super) const WIDTH: usize = 100;

/// A field that a name may mean.
#[derive(Debug, Clone)]
pub struct Found {
    operation: Arc<Operation>,
    field: Arc<Field>,
}

impl Found {
    /// As a column names it, with its operation even where that is the default one: `envoy:saveClips`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.operation.name, path(&self.field))
    }

    /// What it does, in a sentence.
    pub fn words(&self) -> &str {
        &self.field.words
    }

    /// All that is known of it: Markdown.
    pub fn page(&self) -> String {
        let Self { operation, field } = self;
        let mut text = format!("# `{}`\n\n", self.name());
        text.push_str(&item(field, &path(field)));
        if field.class.is_settable() {
            let _ = write!(text, "\nColumn: `{}{}`\n", prefix(operation), path(field));
        }
        let _ = write!(text, "\n`orgwave operations {}` describes the operation.\n", operation.name);
        text
    }
}

/// The fields that a name means: `saveClips`, `doorInfoMap.<key>.doorName`, `org-mfa:mfaEnabled`; or those that trip
/// the guard of this code.
pub fn find(catalog: &Catalog, name: &str) -> Vec<Found> {
    let (of, name) = match name.split_once(':') {
        Some((of, name)) => (Some(of), name),
        None => (None, name),
    };
    let operations = catalog.iter().filter(|operation| of.is_none_or(|of| *operation.name == *of));
    let fields = operations.flat_map(|operation| {
        all(operation)
            .into_iter()
            .filter(|field| is_named(operation, field, name))
            .map(|field| Found { operation: operation.clone(), field: field.clone() })
    });
    fields.collect()
}

/// Every name that [`find`] knows, for "did you mean".
pub fn names(catalog: &Catalog) -> Vec<String> {
    let names = catalog.iter().flat_map(|operation| {
        all(operation)
            .into_iter()
            .flat_map(|field| [field.name.to_string(), format!("{}:{}", operation.name, path(field))])
    });
    names.collect()
}

fn is_named(operation: &Operation, field: &Arc<Field>, name: &str) -> bool {
    let is_here = || operation.path(name).is_ok_and(|named| named.field() == field);
    let is_guard = || guards_of(field).any(|code| code == name);
    *field.name == *name || path(field) == name || field.place() == name || is_here() || is_guard()
}

/// The codes of the guards that values of a field trip.
pub(super) fn guards_of(field: &Field) -> impl Iterator<Item = &str> {
    field.risks.iter().filter_map(|risk| Some(&*risk.guard.as_ref()?.code))
}

/// The fields that a manifest may set, in the order of a page: what has a column of its own.
pub(super) fn settable(operation: &Operation) -> Vec<&Arc<Field>> {
    let fields = all(operation).into_iter().filter(|field| field.class.is_settable());
    fields.filter(|field| field.members().is_none()).collect()
}

/// Every field with a name, each before what is inside it. What is in lists is not: a list is one value.
pub(super) fn all(operation: &Operation) -> Vec<&Arc<Field>> {
    fn walk<'a>(fields: &'a Fields, all: &mut Vec<&'a Arc<Field>>) {
        for field in fields.iter() {
            all.push(field);
            if let Some(members) = field.members() {
                walk(members, all);
            }
        }
    }
    let mut found = Vec::new();
    walk(&operation.fields, &mut found);
    found
}

/// A field as an item of a list: what it is called here, its type, what it does, what to beware of.
pub(super) fn item(field: &Field, name: &str) -> String {
    let mut page = Page::new(WIDTH, Style::Plain);
    let mut first = format!("- `{name}` ({})", words::of(field));
    if !field.words.is_empty() {
        first.push_str(": ");
        first.push_str(&field.words);
    }
    if field.class.is_settable() && field.members().is_none() {
        let _ = write!(first, " Example: `{}`", example::cell(field));
    }
    page.paragraph(Tone::Plain, 0, 2, &first);
    let mut more = |text: String| page.paragraph(Tone::Plain, 2, 2, &text);
    for risk in &field.risks {
        let (when, effect) = (words::when(risk), &risk.effect);
        match &risk.guard {
            Some(guard) => more(format!("- Guard `{}` when it {when}: {effect}.", guard.code)),
            None => more(format!("- Risk when it {when}: {effect}.")),
        }
    }
    if let Some(lost) = &field.irreversible {
        more(format!("- Can't be undone: {lost}."));
    }
    if !field.is_shown {
        more("- Reads don't show it, so it is never verified.".to_owned());
    }
    if let Kind::List { of, .. } = &field.kind
        && let Some(members) = of.members()
    {
        for member in members.iter() {
            more(format!("- `{}` ({}): {}", member.name, words::inside(member), member.words));
        }
    }
    page.finish()
}
