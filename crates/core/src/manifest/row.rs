//! The cells of a manifest's row -> what its org is wanted to be.
//!
//! Checking and building walk the same way: [`RowRules::visit`] judges every cell and hands on what it means;
//! a check keeps nothing of it, [`RowRules::build`] makes a [`Row`].

use std::sync::Arc;

use serde_json::Value;

use super::cell::{
    Cell, Refusal, has_uncanonical_id, is_canonical, read_expect, read_id, read_setting, read_wave, trim,
};
use super::columns::Column;
use super::defaults::ResolvedDefaults;
use super::literal::{read_skip, read_text};
use super::problem::{Problem, Problems, quote};
use super::table::Cells;
use crate::code::Code;
use crate::desired::{Desired, DesiredStep, DesiredValue, Expect, Managed, Origin};
use crate::formula::unguarded;
use crate::ids::Ruuid;
use crate::operation::{Kind, Operation, Operations, Path, nearest};
use crate::plan::Typed;

/// From this length on a word may be a secret.
const OPAQUE: usize = 16;

/// After this many errors "did you mean" helps no more, and it takes long where there are many groups.
const HELPED: u64 = 1_000;

/// One org of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The physical line where it begins.
    pub line: u64,
    /// The org.
    pub org: Ruuid,
    /// The name that must be the live one, if one was given.
    pub name: Option<String>,
    /// Its wave; lower goes first, none last.
    pub wave: Option<u32>,
    /// Why it is omitted, if it is.
    pub skip: Option<String>,
    /// A note for people.
    pub note: Option<String>,
    /// The cells of the columns that begin with `_`, in the order of [`super::Header::carried`].
    pub carried: Vec<String>,
    /// What it is wanted to be, in the order of the rollout's operations: a step of each that the row, its group or the
    /// defaults name, and at least one.
    pub steps: Vec<DesiredStep>,
    /// What was typed.
    pub typed: Typed,
}

/// What a cell that isn't blank means.
pub(crate) enum Content {
    Wave(u32),
    /// The place of the row's group.
    Group(usize),
    Setting(Cell),
    Expect(Value),
    Literal,
}

/// The columns of a manifest, and which of them exclude each other in a row.
pub(crate) struct RowRules {
    pub(crate) operations: Operations,
    pub(crate) file: Arc<str>,
    pub(crate) columns: Vec<Column>,
    pub(crate) defaults: ResolvedDefaults,
    /// The operation of the one step of a row that names none.
    idle: u8,
    org: Option<usize>,
    /// The columns of secrets.
    secrets: Vec<usize>,
    /// A column for a whole map or entry, and the columns inside of it.
    clashes: Vec<(usize, Vec<usize>)>,
}

impl RowRules {
    pub(crate) fn new(
        operations: Operations,
        idle: u8,
        file: Arc<str>,
        columns: Vec<Column>,
        defaults: ResolvedDefaults,
    ) -> Self {
        let org = columns.iter().position(|column| *column == Column::OrgUuid);
        let clashes = clashes(&columns);
        let is_secret = |(index, column): (usize, &Column)| {
            let secret = matches!(column, Column::Setting(_, path) if path.field().is_secret());
            secret.then_some(index)
        };
        let secrets = columns.iter().enumerate().filter_map(is_secret).collect();
        Self { operations, file, columns, defaults, idle, org, secrets, clashes }
    }

    fn operation(&self, place: u8) -> &Operation {
        self.operations.get(place).expect("the columns are of the rollout's operations")
    }

    pub(crate) fn org_column(&self) -> Option<usize> {
        self.org
    }

    /// Judges a row, hands on what its cells mean, and gives its org.
    pub(crate) fn visit(
        &self,
        cells: &Cells<'_>,
        names: &[String],
        problems: &mut Problems<'_>,
        mut each: impl FnMut(usize, Content),
    ) -> Option<Ruuid> {
        let mut report = Reporter { rules: self, cells, names, org: None, problems };
        let org_cell = self.org.map(|index| (index, read_id(&cells.get(index))));
        let org = match org_cell {
            Some((_, Ok(Some(org)))) => Some(org),
            Some((index, Ok(None))) => {
                report.refuse(index, Refusal::new(Code::CellMissing, "the RUUID of an org"));
                None
            }
            Some((index, Err(refusal))) => {
                report.refuse(index, refusal);
                None
            }
            None => None,
        };
        report.org = org;
        for (index, column) in self.columns.iter().enumerate() {
            let text = cells.get(index);
            if text.is_empty() {
                continue;
            }
            match column {
                Column::OrgUuid => {
                    if org.is_some_and(|org| !is_canonical(&org)) {
                        report.warn_uncanonical(index);
                    }
                }
                Column::OrgName | Column::Note | Column::Carried => each(index, Content::Literal),
                Column::Skip => match read_skip(&text) {
                    Ok(_) => each(index, Content::Literal),
                    Err(refusal) => report.refuse(index, refusal),
                },
                Column::Wave => match read_wave(&text) {
                    Ok(Some(wave)) => each(index, Content::Wave(wave)),
                    Ok(None) => {}
                    Err(refusal) => report.refuse(index, refusal),
                },
                Column::Group => match self.read_group(&text, report.problems.errors()) {
                    Ok(None) => {}
                    Ok(Some(group)) => each(index, Content::Group(group)),
                    Err((refusal, near)) => report.refuse_group(index, refusal, near),
                },
                Column::Setting(step, path) => match read_setting(self.operation(*step), path.field(), &text)
                {
                    Ok(Cell::Blank) => {}
                    Ok(cell) => {
                        report.warn_value(index, path.kind(), &cell);
                        each(index, Content::Setting(cell));
                    }
                    Err(refusal) => report.refuse(index, refusal),
                },
                Column::Expect(step, path) => match read_expect(self.operation(*step), path.field(), &text) {
                    Ok(None) => {}
                    Ok(Some(value)) => each(index, Content::Expect(value)),
                    Err(refusal) => report.refuse(index, refusal),
                },
                Column::Refused => {}
            }
        }
        for (outer, inside) in &self.clashes {
            if cells.is_blank(*outer) {
                continue;
            }
            if let Some(inner) = inside.iter().find(|inner| !cells.is_blank(**inner)) {
                report.clash(*outer, *inner);
            }
        }
        org
    }

    /// The place of a row's group, or nothing; or why not, and the group that may be meant.
    fn read_group(&self, text: &str, errors: u64) -> Result<Option<usize>, (Refusal, Option<&str>)> {
        let name = trim(text);
        if name.is_empty() {
            return Ok(None);
        }
        self.defaults.group(name).map(Some).ok_or_else(|| {
            let names = self.defaults.groups.iter().map(|(name, _)| &**name);
            let near = (errors < HELPED).then(|| nearest(name, names)).flatten();
            (Refusal::new(Code::CellGroup, "the name of a group of the rollout file, or nothing"), near)
        })
    }

    /// The row, and what is wanted by each operation of the rollout, without the side tables: what
    /// [`steps`](Self::steps) makes the row's steps of.
    pub(crate) fn build(
        &self,
        cells: &Cells<'_>,
        names: &[String],
        problems: &mut Problems<'_>,
    ) -> Option<(Row, Vec<Desired>)> {
        let mut desired = vec![Desired::default(); self.operations.count().into()];
        let mut group = None;
        let mut wave = None;
        let org =
            self.visit(cells, names, problems, |index, content| match (content, &self.columns[index]) {
                (Content::Wave(number), _) => wave = Some(number),
                (Content::Group(place), _) => group = Some(place),
                (Content::Setting(cell), Column::Setting(step, path)) => {
                    if let Some(value) = desired_value(cell) {
                        let managed = Managed { path: path.clone(), desired: value, origin: Origin::Row };
                        desired[usize::from(*step)].managed.push(managed);
                    }
                }
                (Content::Expect(value), Column::Expect(step, path)) => {
                    desired[usize::from(*step)].expects.push(Expect { path: path.clone(), value });
                }
                (Content::Literal | Content::Setting(_) | Content::Expect(_), _) => {}
            })?;
        for default in self.defaults.of(group) {
            if default.columns.iter().all(|column| cells.is_blank(*column)) {
                desired[usize::from(default.operation)].managed.push(default.managed.clone());
            }
        }
        let text = |wanted: Column| {
            let index = self.columns.iter().position(|column| *column == wanted)?;
            read_text(&cells.get(index))
        };
        let carried = self.columns.iter().enumerate().filter(|(_, column)| **column == Column::Carried);
        let row = Row {
            line: cells.line,
            org,
            name: text(Column::OrgName),
            wave,
            skip: text(Column::Skip),
            note: text(Column::Note),
            carried: carried.map(|(index, _)| unguarded(&cells.get(index)).into_owned()).collect(),
            steps: Vec::new(),
            typed: Typed { row: cells.typed(), sides: Vec::new() },
        };
        Some((row, desired))
    }

    /// The steps of a row: one of each operation by which something is wanted or expected, and at least one.
    pub(crate) fn steps(&self, desired: Vec<Desired>) -> Vec<DesiredStep> {
        let steps = (0u8..).zip(desired).filter(|(_, desired)| *desired != Desired::default());
        let mut steps: Vec<_> =
            steps.map(|(operation, desired)| DesiredStep { operation, desired }).collect();
        if steps.is_empty() {
            steps.push(DesiredStep { operation: self.idle, desired: Desired::default() });
        }
        for DesiredStep { desired, .. } in &mut steps {
            desired.managed.sort_by(|left, right| left.path.cmp(&right.path));
            desired.expects.sort_by(|left, right| left.path.cmp(&right.path));
        }
        steps
    }
}

/// Whether a text looks like a secret: long, and without a space.
pub(crate) fn is_opaque(text: &str) -> bool {
    text.len() >= OPAQUE && !text.contains(char::is_whitespace)
}

/// What a cell sets.
pub(crate) fn desired_value(cell: Cell) -> Option<DesiredValue> {
    match cell {
        Cell::Blank | Cell::Keep => None,
        Cell::Remove => Some(DesiredValue::Remove),
        Cell::Set(value) => Some(DesiredValue::Set(value)),
        Cell::Secret(name) => Some(DesiredValue::Secret(name)),
    }
}

/// The columns of whole maps and entries that have columns inside of them, each with those. A header may have tens of
/// thousands of columns, so they are grouped and not compared one by one.
fn clashes(columns: &[Column]) -> Vec<(usize, Vec<usize>)> {
    let mut settings: Vec<(u8, &Path, usize)> = columns
        .iter()
        .enumerate()
        .filter_map(|(index, column)| match column {
            Column::Setting(step, path) => Some((*step, path, index)),
            _ => None,
        })
        .collect();
    // What is inside of a place is right behind it.
    settings.sort_unstable();
    let mut clashes: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, (step, outer, index)) in settings.iter().enumerate() {
        let behind = &settings[at + 1..];
        let is_inside =
            |(other, path, _): &&(u8, &Path, usize)| other == step && path != outer && path.is_within(outer);
        let mut inside: Vec<usize> = behind.iter().take_while(is_inside).map(|(.., index)| *index).collect();
        if !inside.is_empty() {
            inside.sort_unstable();
            clashes.push((*index, inside));
        }
    }
    clashes.sort_unstable();
    clashes
}

struct Reporter<'a, 'p, 's> {
    rules: &'a RowRules,
    cells: &'a Cells<'a>,
    names: &'a [String],
    org: Option<Ruuid>,
    problems: &'p mut Problems<'s>,
}

impl Reporter<'_, '_, '_> {
    fn found(&self, index: usize) -> String {
        if self.is_hidden(index) { String::new() } else { quote(&self.cells.get(index)) }
    }

    /// Whether a cell may not be shown: a secret's, and what may be a secret that slipped into another column.
    /// It has where not the name of a secret, and looks like one where it is
    /// long and without a space.
    fn is_hidden(&self, index: usize) -> bool {
        if self.rules.columns[index].shape().secret {
            return true;
        }
        if self.rules.secrets.is_empty() {
            return false;
        }
        let text = self.cells.get(index);
        let slipped = self.rules.secrets.iter().any(|&column| match &self.rules.columns[column] {
            Column::Setting(step, path) => {
                read_setting(self.rules.operation(*step), path.field(), &self.cells.get(column)).is_err()
            }
            _ => false,
        });
        slipped || is_opaque(&text) && Some(index) != self.rules.org
    }

    fn report(&mut self, index: usize, problem: Problem) {
        let problem = problem.at(self.cells.line).in_column(index, trim(&self.names[index]));
        self.problems.report(problem.of(self.org.as_ref().map(Ruuid::as_str)));
    }

    fn refuse(&mut self, index: usize, refusal: Refusal) {
        let found = self.found(index);
        let refusal = match refusal.code {
            // What is expected tells a character of what was found.
            Code::CellId | Code::CellKey if found.is_empty() => {
                Refusal::new(refusal.code, "RUUIDs, as the vendor writes them")
            }
            _ => refusal,
        };
        let found = if refusal.code == Code::CellMissing { "nothing".to_owned() } else { found };
        self.report(index, Problem::new(refusal.code, &self.rules.file, refusal.expected, found));
    }

    fn refuse_group(&mut self, index: usize, refusal: Refusal, near: Option<&str>) {
        let found = match (self.found(index), near) {
            (found, Some(near)) if !found.is_empty() => format!("{found}; did you mean {}?", quote(near)),
            (found, _) => found,
        };
        self.report(index, Problem::new(refusal.code, &self.rules.file, refusal.expected, found));
    }

    fn warn_value(&mut self, index: usize, kind: &Kind, cell: &Cell) {
        if let Cell::Set(value) = cell
            && has_uncanonical_id(kind, value)
        {
            self.warn_uncanonical(index);
        }
    }

    fn warn_uncanonical(&mut self, index: usize) {
        let expected = "an RUUID as the vendor writes it, ending in A, Q, g or w";
        let problem = Problem::new(Code::CellCanonical, &self.rules.file, expected, self.found(index));
        self.report(index, problem);
    }

    fn clash(&mut self, outer: usize, inner: usize) {
        let inner_name = quote(trim(&self.names[inner]));
        let problem = Problem::new(
            Code::RowClash,
            &self.rules.file,
            format!("nothing here, or nothing in {inner_name} and its like, which are inside of it"),
            self.found(outer),
        );
        self.report(outer, problem);
    }
}
