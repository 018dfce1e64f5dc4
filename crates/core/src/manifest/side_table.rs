//! A side table: entries of a map, a line each, joined to the manifest's rows by org.
//!
//! What is kept of a line is where it is: a million lines cost about 45 MB and none of their text. When the
//! rows are read in the manifest's order, each org's lines are read again from their places.
//!
//! A line whose `remove` is TRUE takes its entry out, whatever its other cells hold. One with a key and nothing
//! else changes nothing, which is worth a warning. A table with a header and no line is fine: nothing to add.

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::io::{Read, Seek};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use sha2::{Digest as _, Sha256};

use super::cell::{
    Cell, Refusal, has_uncanonical_id, is_canonical, read_flag, read_id, read_key, read_setting, trim,
};
use super::columns::{Column, SideColumn};
use super::header::Removal;
use super::index::OrgIndex;
use super::named::NamedCells;
use super::problem::{Problem, Problems, quote};
use super::row::{RowRules, desired_value, is_opaque};
use super::source::{ReadError, RowsError, SideSource};
use super::table::{Cells, Step, Table};
use crate::code::Code;
use crate::desired::{DesiredValue, Managed, Origin};
use crate::ids::Ruuid;
use crate::operation::{Field, Kind, Operation, Path, SideTable, TableName};
use crate::secret::SecretName;

/// A line: whose it is and where it is.
struct Entry {
    org: u32,
    line: u32,
    offset: u64,
    /// Of the whole line, so that a file that changed meanwhile is noticed.
    content: u64,
    /// Of the key: two keys of one org that share 64 bits of SHA-256 won't be met.
    key: u64,
}

pub(crate) struct Side<R> {
    /// The place of the operation that its map is of.
    pub(crate) operation: u8,
    /// What distinguishes the tables of several operations.
    name: TableName,
    table: Table<R>,
    rules: SideRules,
    /// Sorted by org and line.
    entries: Vec<Entry>,
    /// The first line that takes its entry out.
    removal: Option<Removal>,
    /// Whether a line sets anything.
    sets: bool,
    /// The secrets that its lines name.
    secrets: BTreeSet<SecretName>,
    hasher: DefaultHashBuilder,
}

/// What the manifest says, for a side table to be held against.
pub(crate) struct Orgs<'a> {
    pub(crate) index: &'a OrgIndex,
    pub(crate) rules: &'a RowRules,
    pub(crate) named: &'a NamedCells,
}

impl<R: Read + Seek> Side<R> {
    /// Checks a side table. Without a usable manifest, its orgs are not looked for.
    pub(crate) fn read(
        SideSource { operation, table: which, source }: SideSource<R>,
        default: &Operation,
        orgs: Option<&Orgs<'_>>,
        problems: &mut Problems<'_>,
    ) -> Result<Option<Self>, ReadError> {
        let Some(mut table) = Table::open(source, problems)? else { return Ok(None) };
        let place = orgs.and_then(|orgs| orgs.rules.operations.place(&operation.name)).unwrap_or(0);
        let name = which.name_in(&operation, default);
        let rules = SideRules::of(operation, which, &mut table, problems);
        let names = table.typed_header().to_vec();
        let file = table.file().clone();
        let hasher = DefaultHashBuilder::default();
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: HashTable<u32> = HashTable::new();
        let (mut removal, mut sets, mut secrets) = (None, false, BTreeSet::new());
        while let Some(step) = table.next(problems)? {
            let Step::Row(cells) = step else { continue };
            let line = SideLine { rules: &rules, file: &file, cells: &cells, names: &names };
            let Some((org, key, change)) = line.read(problems) else { continue };
            let Some(orgs) = orgs else { continue };
            let Some(org_place) = orgs.index.find(org) else {
                let expected = "an org that the manifest has a row for";
                line.report(
                    problems,
                    Code::SideOrg,
                    rules.org,
                    Some(org),
                    expected.into(),
                    quote(org.as_str()),
                );
                continue;
            };
            let entry = Entry {
                org: org_place,
                line: u32::try_from(cells.line).unwrap_or(u32::MAX),
                offset: cells.offset,
                content: hasher.hash_one(cells.text),
                key: key_hash(&key),
            };
            let hash = hasher.hash_one((entry.org, entry.key));
            let same =
                |&at: &u32| (entries[at as usize].org, entries[at as usize].key) == (entry.org, entry.key);
            if let Some(&first) = places.find(hash, same) {
                let found = format!(
                    "{} in line {} and in line {}",
                    quote(&key),
                    entries[first as usize].line,
                    cells.line
                );
                line.report(
                    problems,
                    Code::SideTwice,
                    rules.key,
                    Some(org),
                    "every entry of an org once".into(),
                    found,
                );
                continue;
            }
            if let Some(column) = orgs.clash(org_place, place, rules.table.entry(), &key, &change) {
                let found = format!(
                    "column {} in line {} of {}",
                    quote(trim(column)),
                    orgs.index.line(org_place),
                    orgs.rules.file
                );
                line.report(
                    problems,
                    Code::SideClash,
                    rules.key,
                    Some(org),
                    "an entry that the manifest's row doesn't name too".into(),
                    found,
                );
                continue;
            }
            match change {
                Change::Remove => {
                    let path = Path::new(rules.table.entry(), [key.into()]);
                    removal.get_or_insert(Removal { file: file.clone(), line: cells.line, path });
                }
                Change::Members(members) => {
                    sets |= members.iter().any(|(_, cell)| matches!(cell, Cell::Set(_)));
                    for (_, cell) in &members {
                        if let Cell::Secret(names) = cell {
                            secrets.extend(names.all().iter().cloned());
                        }
                    }
                }
            }
            let at = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            entries.push(entry);
            places.insert_unique(hash, at, |&at| {
                hasher.hash_one((entries[at as usize].org, entries[at as usize].key))
            });
        }
        drop(places);
        entries.sort_unstable_by_key(|entry| (entry.org, entry.line));
        Ok(Some(Self { operation: place, name, table, rules, entries, removal, sets, secrets, hasher }))
    }

    pub(crate) fn name(&self) -> &TableName {
        &self.name
    }

    pub(crate) fn table(&self) -> &Table<R> {
        &self.table
    }

    pub(crate) fn removal(&self) -> Option<&Removal> {
        self.removal.as_ref()
    }

    pub(crate) fn sets(&self) -> bool {
        self.sets
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        self.secrets.iter()
    }

    /// Reads the lines of an org again: their desired values and their cells as typed.
    pub(crate) fn lines_of(
        &mut self,
        org: u32,
        managed: &mut Vec<Managed>,
        typed: &mut Vec<(TableName, Vec<String>)>,
    ) -> Result<(), RowsError> {
        let from = self.entries.partition_point(|entry| entry.org < org);
        let len = self.entries[from..].iter().take_while(|entry| entry.org == org).count();
        if len == 0 {
            return Ok(());
        }
        let names = self.table.typed_header().to_vec();
        let file = self.table.file().clone();
        for entry in &self.entries[from..from + len] {
            let changed = || RowsError::Changed { file: file.clone() };
            let line = u64::from(entry.line);
            self.table.seek_to(entry.offset, line)?;
            let mut sink = |_| {};
            let mut silent = Problems::new(&mut sink);
            let Some(Step::Row(cells)) = self.table.next(&mut silent)? else { return Err(changed()) };
            if self.hasher.hash_one(cells.text) != entry.content {
                return Err(changed());
            }
            typed.push((self.name.clone(), cells.typed()));
            let line = SideLine { rules: &self.rules, file: &file, cells: &cells, names: &names };
            let (_, key, change) = line.read(&mut silent).ok_or_else(changed)?;
            let origin = Origin::Side(self.rules.table.name.clone(), entry.line.into());
            match change {
                Change::Remove => {
                    let path = Path::new(self.rules.table.entry(), [key.as_str().into()]);
                    managed.push(Managed { path, desired: DesiredValue::Remove, origin });
                }
                Change::Members(members) => {
                    managed.extend(members.into_iter().filter_map(|(member, cell)| {
                        let path = Path::new(&member, [key.as_str().into()]);
                        desired_value(cell).map(|desired| Managed { path, desired, origin: origin.clone() })
                    }));
                }
            }
        }
        Ok(())
    }
}

impl Orgs<'_> {
    /// The column in which the org's row names what the line names too.
    fn clash(&self, org: u32, operation: u8, entry: &Arc<Field>, key: &str, change: &Change) -> Option<&str> {
        let entry = Path::new(entry, [key.into()]);
        let excludes = |column: &Column| match (column, change) {
            (Column::Setting(of, _), _) if *of != operation => false,
            (Column::Setting(_, path), _) if entry.is_within(path) => true,
            (Column::Setting(_, path), Change::Remove) => path.is_within(&entry),
            (Column::Setting(_, path), Change::Members(members)) => {
                path.is_within(&entry) && members.iter().any(|(named, _)| named == path.field())
            }
            _ => false,
        };
        self.named
            .of(org)
            .find(|column| excludes(&self.rules.columns[*column]))
            .map(|column| self.named.name(column))
    }
}

/// What a line does to its entry.
enum Change {
    Remove,
    Members(Vec<(Arc<Field>, Cell)>),
}

struct SideRules {
    operation: Arc<Operation>,
    table: Arc<SideTable>,
    columns: Vec<SideColumn>,
    org: Option<usize>,
    key: Option<usize>,
    remove: Option<usize>,
}

impl SideRules {
    fn of<R: Read>(
        operation: Arc<Operation>,
        which: Arc<SideTable>,
        table: &mut Table<R>,
        problems: &mut Problems<'_>,
    ) -> Self {
        let columns = table.classify(
            problems,
            &SideColumn::Refused,
            |name| name.into(),
            |name| SideColumn::of(&which, name),
        );
        table.set_shapes(columns.iter().map(SideColumn::shape).collect());
        let place = |wanted| columns.iter().position(|column| *column == wanted);
        let rules = Self {
            operation,
            org: place(SideColumn::OrgUuid),
            key: place(SideColumn::Key),
            remove: place(SideColumn::Remove),
            columns,
            table: which,
        };
        table.require(rules.org, "org_uuid", problems);
        table.require(rules.key, &rules.table.key_column, problems);
        table.set_org_column(rules.org);
        rules
    }
}

/// A line of a side table, under its rules.
struct SideLine<'a> {
    rules: &'a SideRules,
    file: &'a Arc<str>,
    cells: &'a Cells<'a>,
    names: &'a [String],
}

impl SideLine<'_> {
    /// Judges the line; gives its org, key and change if all of them could be read.
    fn read(&self, problems: &mut Problems<'_>) -> Option<(Ruuid, String, Change)> {
        let mut refuse = |index: usize, org: Option<Ruuid>, refusal: Refusal| {
            let found = if refusal.code == Code::CellMissing {
                "nothing".into()
            } else if self.is_hidden(index) {
                String::new()
            } else {
                quote(&self.cells.get(index))
            };
            self.report(problems, refusal.code, Some(index), org, refusal.expected, found);
        };
        let org = self.rules.org.and_then(|index| match read_id(&self.cells.get(index)) {
            Ok(Some(org)) => Some(org),
            Ok(None) => {
                refuse(index, None, Refusal::new(Code::CellMissing, "the RUUID of an org"));
                None
            }
            Err(refusal) => {
                refuse(index, None, refusal);
                None
            }
        });
        let key = self.rules.key.and_then(|index| match read_key(&self.cells.get(index)) {
            Ok(Some(key)) => Some(key),
            Ok(None) => {
                refuse(index, org, Refusal::new(Code::CellMissing, "the key of an entry"));
                None
            }
            Err(refusal) => {
                refuse(index, org, refusal);
                None
            }
        });
        let remove = self.rules.remove.map_or(Ok(false), |index| {
            read_flag(&self.cells.get(index)).map_err(|refusal| refuse(index, org, refusal))
        });
        if remove == Ok(true) {
            return Some((org?, key?, Change::Remove));
        }
        let mut whole = remove.is_ok();
        let mut members = Vec::new();
        let mut uncanonical = Vec::new();
        for (index, column) in self.rules.columns.iter().enumerate() {
            let SideColumn::Member(member) = column else { continue };
            match read_setting(&self.rules.operation, member, &self.cells.get(index)) {
                Ok(Cell::Blank) => {}
                Ok(cell) => {
                    if matches!(&cell, Cell::Set(value) if has_uncanonical_id(&member.kind, value)) {
                        uncanonical.push(index);
                    }
                    members.push((member.clone(), cell));
                }
                Err(refusal) => {
                    refuse(index, org, refusal);
                    whole = false;
                }
            }
        }
        if org.is_some_and(|org| !is_canonical(&org)) {
            uncanonical.extend(self.rules.org);
        }
        for index in uncanonical {
            let expected = "an RUUID as the vendor writes it, ending in A, Q, g or w";
            self.report(
                problems,
                Code::CellCanonical,
                Some(index),
                org,
                expected.into(),
                quote(&self.cells.get(index)),
            );
        }
        if whole && members.is_empty() && key.is_some() {
            let expected = "a value in at least one column, or TRUE in remove";
            self.report(
                problems,
                Code::SideIdle,
                self.rules.key,
                org,
                expected.into(),
                "a row that changes nothing".into(),
            );
        }
        whole.then_some((org?, key?, Change::Members(members)))
    }

    /// Whether a cell may not be shown: a secret's, and in a table that has secrets, what looks like one that slipped.
    fn is_hidden(&self, index: usize) -> bool {
        let is_secret = |column: &SideColumn| column.shape().secret;
        let columns = &self.rules.columns;
        is_secret(&columns[index]) || columns.iter().any(is_secret) && is_opaque(&self.cells.get(index))
    }

    fn report(
        &self,
        problems: &mut Problems<'_>,
        code: Code,
        column: Option<usize>,
        org: Option<Ruuid>,
        expected: std::borrow::Cow<'static, str>,
        found: String,
    ) {
        let mut problem = Problem::new(code, self.file, expected, found).at(self.cells.line);
        if let Some(index) = column {
            problem = problem.in_column(index, trim(&self.names[index]));
        }
        problems.report(problem.of(org.as_ref().map(Ruuid::as_str)));
    }
}

fn key_hash(key: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    digest[..8].iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// The columns of a manifest that a side table could name too.
pub(crate) fn is_in_a_map(column: &Column) -> bool {
    matches!(column, Column::Setting(_, path) if is_of_map(path))
}

/// Whether this is a map, or inside of one.
pub(crate) fn is_of_map(path: &Path) -> bool {
    !path.keys().is_empty() || matches!(path.kind(), Kind::Map(_))
}
