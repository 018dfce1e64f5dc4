//! Inputs -> a checked manifest -> its rows, one at a time.
//!
//! 1. [`Manifest::read`] walks every file once and reports all problems: the manifest first, of which it keeps 20 bytes
//!    an org, then each side table, of which it keeps the places of its lines.
//! 2. [`Manifest::rows`] walks the manifest again and joins each row with its lines. Nothing can be wrong now but that
//!    a file changed in between, and that ends the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use super::cell::{Cell, trim};
use super::columns::{Column, ColumnRefusal, ColumnRules};
use super::defaults::{Defaults, ResolvedDefaults};
use super::guards::broken;
use super::header::{Header, Removal};
use super::index::OrgIndex;
use super::named::NamedCells;
use super::problem::{Problem, Problems, quote};
use super::row::{Content, Row, RowRules};
use super::side_table::{Orgs, Side, is_in_a_map, is_of_map};
use super::source::{Inputs, ReadError, RowsError, SideSource};
use super::table::{Step, Table};
use crate::code::Code;
use crate::desired::DesiredValue;
use crate::ids::Ruuid;
use crate::operation::{Catalog, Operation, Path};

/// This many rows tell how long the others are.
const SAMPLE: u32 = 10_000;
/// What a wrong estimate may cost at most: some 100 MB of address space, untouched.
const MOST_EXPECTED: usize = 4_000_000;

/// A manifest without an error.
pub struct Manifest<R> {
    header: Header,
    table: Option<Table<R>>,
    rules: RowRules,
    sides: Vec<Side<R>>,
}

impl<R: Read + Seek> Manifest<R> {
    /// Checks everything and reports every problem. `None` where one of them is an error.
    ///
    /// # Errors
    /// When a file can't be read to its end.
    pub fn read(inputs: Inputs<R>, problems: &mut Problems<'_>) -> Result<Option<Self>, ReadError> {
        let errors = problems.errors();
        let Inputs { catalog, operation: default, mut orgs, sides, defaults } = inputs;
        let size = orgs.reader.seek(SeekFrom::End(0)).and_then(|size| orgs.reader.rewind().map(|()| size));
        let size = size.map_err(|source| ReadError { file: orgs.name.clone(), source })?;
        let beside = Beside { catalog, default: &default, sides: &sides, defaults: &defaults };
        let checked = match Table::open(orgs, problems)? {
            Some(table) => Some(CheckedOrgs::read(beside, table, size, problems)?),
            None => None,
        };
        let against =
            checked.as_ref().map(|orgs| Orgs { index: &orgs.index, rules: &orgs.rules, named: &orgs.named });
        let mut read = Vec::new();
        for side in sides {
            read.extend(Side::read(side, &default, against.as_ref(), problems)?);
        }
        let Some(CheckedOrgs { table, rules, index, groups, mut header, .. }) = checked else {
            return Ok(None);
        };
        if problems.errors() > errors {
            return Ok(None);
        }
        let sets = rules.columns.iter().any(|column| matches!(column, Column::Setting(..)));
        let groups = groups.into_iter().map(Some).chain([None]);
        let given: Vec<_> = groups.flat_map(|group| rules.defaults.of(group)).collect();
        header.sets_something = sets || !read.is_empty() || !given.is_empty();
        header.rows = index.len() as u64;
        for side in &read {
            header.sides.push((side.name().clone(), side.table().typed_header().to_vec()));
            header.digests.push((side.table().file().clone(), side.table().digest()));
            header.has_maps |= side.sets();
            for name in side.secrets() {
                header.secrets.entry(name.clone()).or_insert(None);
            }
            header.removal = header.removal.or_else(|| side.removal().cloned());
        }
        for default in given {
            match &default.managed.desired {
                DesiredValue::Secret(names) => {
                    header.secrets.extend(names.all().iter().map(|name| (name.clone(), None)));
                }
                DesiredValue::Set(_) => header.has_maps |= is_of_map(&default.managed.path),
                // `[settings]` can't take an entry out.
                DesiredValue::Remove => {}
            }
        }
        Ok(Some(Self { header, table: Some(table), rules, sides: read }))
    }

    /// What is known before the rows.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The rows, in the manifest's order, each read as it is asked for. They may be read any number of times.
    ///
    /// # Errors
    /// When the manifest can't be read, or isn't what it was.
    pub fn rows(&mut self) -> Result<Rows<'_, R>, RowsError> {
        let file = self.rules.file.clone();
        let changed = || RowsError::Changed { file: file.clone() };
        let mut sink = |_| {};
        let mut silent = Problems::new(&mut sink);
        let table = self.table.take().ok_or_else(changed)?.restart(&mut silent)?;
        let table = table.filter(|table| table.typed_header() == self.header.columns).ok_or_else(changed)?;
        self.table = Some(table);
        Ok(Rows { manifest: self, place: 0, ended: false })
    }
}

impl<R> std::fmt::Debug for Manifest<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manifest").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The manifest's file, checked.
struct CheckedOrgs<R> {
    table: Table<R>,
    rules: RowRules,
    index: OrgIndex,
    named: NamedCells,
    /// The groups that rows are in.
    groups: BTreeSet<usize>,
    header: Header,
}

/// What there is beside the manifest's file.
struct Beside<'a, R> {
    catalog: Catalog,
    default: &'a Arc<Operation>,
    sides: &'a [SideSource<R>],
    defaults: &'a Defaults,
}

impl<R> Beside<'_, R> {
    /// What the columns of a table are, and what its rows are held to. Every problem of them.
    fn rules<T: Read>(self, table: &mut Table<T>, problems: &mut Problems<'_>) -> RowRules {
        let Self { catalog, default, sides, defaults } = self;
        let header = table.typed_header().iter().map(|name| trim(name));
        let of_tables = sides.iter().map(|side| &side.operation);
        let others: Vec<_> = defaults.operations.iter().chain(of_tables).cloned().collect();
        let has_groups = !defaults.groups.is_empty();
        let known = ColumnRules::new(catalog, default.clone(), header, others.into_iter(), has_groups);
        let mut columns =
            table.classify(problems, &Column::Refused, |name| known.spelled(name), |name| known.column(name));
        let operations = known.operations();
        let defaults = ResolvedDefaults::new(defaults, operations, &columns);
        let maps: Vec<(u8, Path)> = sides
            .iter()
            .filter_map(|side| {
                Some((operations.place(&side.operation.name)?, Path::new(&side.table.map, [])))
            })
            .collect();
        let maps = maps.iter().map(|(place, path)| (*place, path));
        let values = defaults.iter().map(|default| (default.operation, &default.managed.path));
        let refusals: Vec<(usize, ColumnRefusal)> = broken(&columns, values.chain(maps), operations)
            .into_iter()
            .map(|(index, (place, path))| {
                let changed = known.name_of(place, path);
                let refusal = ColumnRefusal {
                    code: Code::ColExpectChanged,
                    expected: "a path that no earlier step of the rollout changes".into(),
                    found: format!("one that {} changes; guard on it there", quote(&changed)),
                };
                (index, refusal)
            })
            .collect();
        for (index, refusal) in refusals {
            table.refuse(index, refusal, problems);
            columns[index] = Column::Refused;
        }
        table.set_shapes(columns.iter().map(Column::shape).collect());
        let idle = operations.place(&default.name).unwrap_or(0);
        RowRules::new(operations.clone(), idle, table.file().clone(), columns, defaults)
    }
}

impl<R: Read> CheckedOrgs<R> {
    fn read(
        beside: Beside<'_, R>,
        mut table: Table<R>,
        size: u64,
        problems: &mut Problems<'_>,
    ) -> Result<Self, ReadError> {
        let has_sides = !beside.sides.is_empty();
        let (operation, typed) = (beside.default.clone(), beside.defaults.typed.clone());
        let rules = beside.rules(&mut table, problems);
        table.require(rules.org_column(), "org_uuid", problems);
        table.set_org_column(rules.org_column());
        let names = table.typed_header().to_vec();
        let in_maps = rules.columns.iter().enumerate().filter(|(_, column)| has_sides && is_in_a_map(column));
        let mut filled = NamedCells::new(in_maps.map(|(index, _)| (index, names[index].clone())).collect());
        let is_carried =
            |(name, column): (&String, &Column)| (*column == Column::Carried).then(|| trim(name).to_owned());
        let mut header = Header {
            carried: names.iter().zip(&rules.columns).filter_map(is_carried).collect(),
            columns: names.clone(),
            operations: rules.operations.clone(),
            operation,
            defaults: typed,
            sides: Vec::new(),
            rows: 0,
            sets_something: false,
            pinned: 0,
            has_names: false,
            has_expects: false,
            removal: None,
            has_maps: false,
            secrets: BTreeMap::new(),
            delimiter: table.delimiter(),
            encoding: table.encoding(),
            digests: Vec::new(),
        };
        let mut index = OrgIndex::default();
        let mut groups = BTreeSet::new();
        let mut any = false;
        while let Some(step) = table.next(problems)? {
            match step {
                Step::Blank => {}
                Step::Bad { org, line } => {
                    any = true;
                    // That a side table names the org of a bad row is no second mistake.
                    if org.is_some_and(|org| index.insert(org, line).is_ok()) {
                        filled.push(|_| false);
                    }
                }
                Step::Row(cells) => {
                    any = true;
                    let org = rules.visit(&cells, &names, problems, |at, content| {
                        match (content, &rules.columns[at]) {
                            (Content::Wave(_), _) => header.pinned += 1,
                            (Content::Group(group), _) => {
                                groups.insert(group);
                            }
                            (Content::Expect(_), _) => header.has_expects = true,
                            (Content::Literal, Column::OrgName) => header.has_names |= !cells.is_blank(at),
                            (Content::Setting(Cell::Secret(names)), _) => {
                                for name in names.all() {
                                    header.secrets.entry(name.clone()).or_insert(Some(cells.line));
                                }
                            }
                            (Content::Setting(Cell::Remove), Column::Setting(_, path)) => {
                                header.removal.get_or_insert_with(|| Removal {
                                    file: rules.file.clone(),
                                    line: cells.line,
                                    path: path.clone(),
                                });
                            }
                            (Content::Setting(Cell::Set(_)), Column::Setting(_, path)) => {
                                header.has_maps |= is_of_map(path);
                            }
                            (Content::Literal | Content::Setting(_), _) => {}
                        }
                    });
                    let Some(org) = org else { continue };
                    match index.insert(org, cells.line) {
                        Ok(place) => {
                            filled.push(|column| !cells.is_blank(column));
                            if place == SAMPLE {
                                index.expect(estimate(size, cells.offset));
                            }
                        }
                        Err(first) => problems.report(twice(&rules, org, first, cells.line, &names)),
                    }
                }
            }
        }
        if !any {
            let expected = "rows below the header, one an org";
            problems.report(Problem::new(Code::FileNoRows, table.file(), expected, "a header alone"));
        }
        header.digests.push((table.file().clone(), table.digest()));
        Ok(Self { table, rules, index, named: filled, groups, header })
    }
}

/// How many rows a file of this size has, when the first [`SAMPLE`] of them end at this offset. A few more are
/// cheap, a growth of the index in the end isn't.
fn estimate(size: u64, offset: u64) -> usize {
    let rows = u64::from(SAMPLE) * size / offset.max(1);
    usize::try_from(rows + rows / 50).unwrap_or(0).min(MOST_EXPECTED)
}

fn twice(rules: &RowRules, org: Ruuid, first: u64, line: u64, names: &[String]) -> Problem {
    let problem = Problem::new(
        Code::RowDuplicate,
        &rules.file,
        "every org once",
        format!("\"{org}\" in line {first} and in line {line}"),
    );
    let column = rules.org_column().unwrap_or(0);
    problem.at(line).in_column(column, trim(&names[column])).of(Some(org.as_str()))
}

/// The rows of a manifest. After an error there are no more.
pub struct Rows<'m, R> {
    manifest: &'m mut Manifest<R>,
    place: u32,
    ended: bool,
}

impl<R: Read + Seek> Rows<'_, R> {
    fn read(&mut self) -> Result<Option<Row>, RowsError> {
        let Manifest { header, table, rules, sides } = &mut *self.manifest;
        let changed = || RowsError::Changed { file: rules.file.clone() };
        let table = table.as_mut().ok_or_else(changed)?;
        let mut sink = |_| {};
        let mut silent = Problems::new(&mut sink);
        loop {
            let Some(step) = table.next(&mut silent)? else {
                let same = u64::from(self.place) == header.rows && table.digest() == header.digests[0].1;
                return if same { Ok(None) } else { Err(changed()) };
            };
            let cells = match step {
                Step::Blank => continue,
                Step::Bad { .. } => return Err(changed()),
                Step::Row(cells) => cells,
            };
            let built = rules.build(&cells, &header.columns, &mut silent);
            let (mut row, mut desired) = built.filter(|_| silent.errors() == 0).ok_or_else(changed)?;
            for side in sides.iter_mut() {
                let managed = &mut desired[usize::from(side.operation)].managed;
                side.lines_of(self.place, managed, &mut row.typed.sides)?;
            }
            row.steps = rules.steps(desired);
            self.place += 1;
            return Ok(Some(row));
        }
    }
}

impl<R: Read + Seek> Iterator for Rows<'_, R> {
    type Item = Result<Row, RowsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = self.read().transpose();
        self.ended = !matches!(row, Some(Ok(_)));
        row
    }
}

impl<R> std::fmt::Debug for Rows<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("place", &self.place).finish_non_exhaustive()
    }
}
