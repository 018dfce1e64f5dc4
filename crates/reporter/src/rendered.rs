//! The changes of an org as texts and as cells, made once for every file that shows them.
//!
//! Most orgs of a rollout have the same paths in the same order, and often the same values. So each place among an org's
//! changes has a slot, and of what the org before left there only what differs is made anew. A text that was made anew has
//! another [version](Text::version), by which a file knows whether what it made of the text still holds.

use std::ops::Range;
use std::sync::Arc;

use orgwave_core::change::Change;
use orgwave_core::formula::guarded;
use orgwave_core::operation::{Operation, Path};

use crate::cell::{push_typed, push_value};
use crate::record::Record;
use crate::value::{self, Shown};

/// The changes of the record that was [taken](Self::take) last.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    /// Those behind the record's own are of earlier ones.
    slots: Vec<RenderedChange>,
    steps: Vec<RenderedStep>,
    /// The cell that lists every path.
    paths: Vec<u8>,
}

/// The changes of one step.
#[derive(Debug, Default)]
struct RenderedStep {
    slots: Range<usize>,
    paths: Vec<u8>,
}

/// A change.
#[derive(Debug, Default)]
pub(crate) struct RenderedChange {
    place: Option<(Arc<Operation>, Path)>,
    /// The path within its operation.
    pub(crate) path: Text,
    /// The same with the operation in front, where a run has several.
    named: Option<Text>,
    pub(crate) before: Text,
    pub(crate) after: Text,
    pub(crate) from: Text,
}

/// A text, and the cell of a table with it.
#[derive(Debug, Default)]
pub(crate) struct Text {
    content: String,
    own: bool,
    cell: Vec<u8>,
    version: u32,
}

impl Rendered {
    /// Makes what this record needs.
    pub(crate) fn take(&mut self, record: &Record) {
        let (mut slot, mut moved) = (0, self.steps.len() != record.steps.len());
        self.steps.resize_with(record.steps.len(), RenderedStep::default);
        for (place, (planned, step)) in record.steps().enumerate() {
            let begin = slot;
            for change in step.changes(planned) {
                if slot == self.slots.len() {
                    self.slots.push(RenderedChange::default());
                }
                moved |= self.slots[slot].take(change, record);
                slot += 1;
            }
            moved |= self.steps[place].slots != (begin..slot);
            self.steps[place].slots = begin..slot;
        }
        if moved {
            self.list_paths();
        }
    }

    /// Every change.
    pub(crate) fn changes(&self) -> &[RenderedChange] {
        &self.slots[..self.steps.last().map_or(0, |step| step.slots.end)]
    }

    /// The changes of the record's step at this place.
    pub(crate) fn of_step(&self, step: usize) -> &[RenderedChange] {
        self.steps.get(step).map_or(&[], |step| &self.slots[step.slots.clone()])
    }

    /// The cell that lists the paths, each with its operation where there are several; or those of one step, without.
    pub(crate) fn paths(&self, step: Option<usize>) -> &[u8] {
        match step {
            None => &self.paths,
            Some(step) => self.steps.get(step).map_or(&[], |step| &step.paths),
        }
    }

    fn list_paths(&mut self) {
        let Self { slots, steps, paths } = self;
        let all = &slots[..steps.last().map_or(0, |step| step.slots.end)];
        list(paths, all.iter().map(RenderedChange::named));
        for step in steps {
            list(&mut step.paths, slots[step.slots.clone()].iter().map(|change| &change.path));
        }
    }
}

fn list<'a>(cell: &mut Vec<u8>, paths: impl Iterator<Item = &'a Text>) {
    let paths: Vec<&str> = paths.map(Text::text).collect();
    cell.clear();
    push_typed(cell, &guarded(&paths.join(";")));
}

impl RenderedChange {
    /// Makes what differs from the change that was here. Returns whether that is of another path.
    fn take(&mut self, change: Change<'_>, record: &Record) -> bool {
        let Change { operation, field, before } = change;
        let is_here = self.place.as_ref().is_some_and(|(of, path)| {
            let is_field = Arc::ptr_eq(path.field(), field.path.field()) && path.keys() == field.path.keys();
            is_field && Arc::ptr_eq(of, operation)
        });
        if !is_here {
            self.place = Some((Arc::clone(operation), field.path.clone()));
            self.path.set(&field.path.text());
            let operations = record.operations();
            if operations.are_several() {
                let named = operations.path_text(operation, &field.path);
                self.named.get_or_insert_default().set(&named);
            }
        }
        self.before.set_value(&value::before(&field.path, before));
        self.after.set_value(&value::after(field));
        self.from.set(&field.from.text());
        !is_here
    }

    /// The path, with its operation in front where a run has several.
    pub(crate) fn named(&self) -> &Text {
        self.named.as_ref().unwrap_or(&self.path)
    }
}

impl Text {
    pub(crate) fn text(&self) -> &str {
        &self.content
    }

    /// The cell, guarded and quoted.
    pub(crate) fn cell(&self) -> &[u8] {
        &self.cell
    }

    /// Another one whenever the text is another. None is 0.
    pub(crate) const fn version(&self) -> u32 {
        self.version
    }

    /// A foreign text.
    fn set(&mut self, text: &str) {
        if self.renew(text, false) {
            push_typed(&mut self.cell, &guarded(text));
        }
    }

    /// A value of the settings.
    fn set_value(&mut self, Shown { text, own }: &Shown<'_>) {
        if self.renew(text, *own) {
            push_value(&mut self.cell, text, *own);
        }
    }

    /// Whether the cell is to be made: the text is another.
    fn renew(&mut self, text: &str, own: bool) -> bool {
        if self.version > 0 && self.own == own && self.content == text {
            return false;
        }
        self.content.clear();
        self.content.push_str(text);
        self.own = own;
        self.cell.clear();
        self.version = self.version.checked_add(1).unwrap_or(1);
        true
    }
}
