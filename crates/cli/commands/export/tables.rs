//! What an exported folder holds: its tables, and the rollout file that names them.
//!
//! Columns of the rollout's default operation have no prefix: the only one of the export, or the built-in default. Values that
//! all orgs share may become defaults of the rollout; an org without the operation then keeps what it has by `<keep>`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use orgwave_core::operation::{Field, Kind, Operation, Operations, SideTable};
use orgwave_planner::Spool;
use orgwave_planner::export::{Exported, OrgRow, columns};
use orgwave_reporter::files::table::Table;
use serde_json::Value;

use super::note;

/// The file that names the others.
const ROLLOUT: &str = "rollout.toml";

/// An operation of the export.
struct Part<'a> {
    operation: &'a Operation,
    /// Whether its columns have no prefix.
    is_default: bool,
    columns: Vec<Column<'a>>,
    /// Whether an org that isn't skipped has nothing of it.
    is_lacked: bool,
}

/// A column of `orgs.csv`.
struct Column<'a> {
    name: String,
    field: &'a Arc<Field>,
    shared: Shared,
}

/// What the orgs have of a setting.
enum Shared {
    /// None has such settings.
    Nothing,
    /// All that have such settings have this cell.
    Cell(String),
    /// One has no value, or another one, or no default can be the value, or none is asked for.
    No,
}

impl<'a> Part<'a> {
    fn new(operation: &'a Operation, is_alone: bool, as_defaults: bool) -> Self {
        let shared = || if as_defaults { Shared::Nothing } else { Shared::No };
        let column = |(name, field)| Column { name, field, shared: shared() };
        Self {
            operation,
            is_default: is_alone || operation.name == Operation::default_one().name,
            columns: columns(&operation.fields).into_iter().map(column).collect(),
            is_lacked: false,
        }
    }

    /// Takes in what an org has, to see what all have.
    fn look(&mut self, exported: &Exported) {
        let Some(cells) = exported.cells() else {
            self.is_lacked = true;
            return;
        };
        for (column, cell) in self.columns.iter_mut().zip(&cells.settings) {
            match &column.shared {
                Shared::Nothing if in_toml(column.field, cell).is_some() => {
                    column.shared = Shared::Cell(cell.clone());
                }
                Shared::Cell(shared) if shared == cell => {}
                _ => column.shared = Shared::No,
            }
        }
    }

    /// The name of a column in `orgs.csv`.
    fn column(&self, column: &Column<'_>) -> String {
        if self.is_default { column.name.clone() } else { format!("{}:{}", self.operation.name, column.name) }
    }

    /// The file of a side table.
    fn file(&self, table: &SideTable) -> String {
        if self.is_default {
            format!("{}.csv", table.name)
        } else {
            format!("{}-{}.csv", self.operation.name, table.name)
        }
    }

    /// The columns that are in `orgs.csv`, with their places among all.
    fn written(&self) -> impl Iterator<Item = (usize, &Column<'a>)> {
        let is_written = |column: &Column<'_>| match column.shared {
            Shared::Nothing => false,
            Shared::Cell(_) => self.is_lacked,
            Shared::No => true,
        };
        self.columns.iter().enumerate().filter(move |(_, column)| is_written(column))
    }

    /// The lines of `[settings]`.
    fn defaults(&self) -> String {
        let line = |column: &Column<'_>| match &column.shared {
            Shared::Cell(cell) => Some(format!("{} = {}\n", column.name, in_toml(column.field, cell)?)),
            Shared::Nothing | Shared::No => None,
        };
        self.columns.iter().filter_map(line).collect()
    }
}

/// A cell as a default of a rollout file says it; `None` where none can.
fn in_toml(field: &Field, cell: &str) -> Option<String> {
    let is_token = cell.starts_with('<');
    match field.kind {
        _ if cell.is_empty() => None,
        Kind::Bool if !is_token => Some(cell.to_owned()),
        Kind::Int32 | Kind::Int64 | Kind::Number if !is_token => {
            let number = cell.strip_prefix('\\').unwrap_or(cell);
            let value = number.parse::<i64>().map(toml::Value::from);
            let value = value.or_else(|_| number.parse::<f64>().map(toml::Value::from)).ok()?;
            // What isn't the same number there stays in its cell.
            (value.to_string() == number).then(|| number.to_owned())
        }
        _ => Some(toml::Value::from(cell).to_string()),
    }
}

/// Writes the files, and returns their names, last that of the rollout file.
///
/// # Errors
/// One can't be written.
pub(super) fn write(
    folder: &Path,
    operations: &Operations,
    kept: &mut Spool,
    as_defaults: bool,
    sandbox: Option<&Value>,
) -> io::Result<Vec<String>> {
    let is_alone = !operations.are_several();
    let mut parts: Vec<Part<'_>> =
        operations.iter().map(|(_, operation)| Part::new(operation, is_alone, as_defaults)).collect();
    if as_defaults {
        for row in kept.read::<OrgRow>() {
            for (part, exported) in parts.iter_mut().zip(&row?.1.operations) {
                part.look(exported);
            }
        }
    }
    let mut names = write_tables(folder, operations, &parts, kept)?;
    let text = rollout_file(&parts, sandbox)?;
    let mut file = File::create_new(folder.join(ROLLOUT))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    names.push(ROLLOUT.to_owned());
    Ok(names)
}

fn write_tables(
    folder: &Path,
    operations: &Operations,
    parts: &[Part<'_>],
    kept: &mut Spool,
) -> io::Result<Vec<String>> {
    let mut names = vec!["orgs.csv".to_owned()];
    let settings: Vec<String> =
        parts.iter().flat_map(|part| part.written().map(|(_, column)| part.column(column))).collect();
    let header = ["org_uuid", "org_name"].into_iter().chain(settings.iter().map(String::as_str));
    let mut orgs = Table::begin(File::create_new(folder.join("orgs.csv"))?, header.chain(["skip", "note"]))?;
    let mut sides = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        for table in &part.operation.tables {
            let name = part.file(table);
            let members = table.entry().members().map(columns).unwrap_or_default();
            let members = members.iter().map(|(name, _)| &**name);
            let header = ["org_uuid", &*table.key_column].into_iter().chain(members).chain(["remove"]);
            let side = Table::begin(File::create_new(folder.join(&name))?, header)?;
            sides.push((place, &table.name, side));
            names.push(name);
        }
    }
    for row in kept.read() {
        let (_, row): (u64, OrgRow) = row?;
        orgs.id(&row.org)?;
        orgs.text(&row.name)?;
        for (place, part) in parts.iter().enumerate() {
            let exported = row.operations.get(place);
            for (at, column) in part.written() {
                let is_shared = matches!(column.shared, Shared::Cell(_));
                orgs.typed(match exported.map(Exported::cells) {
                    // Skipped: it takes no default either.
                    None => "",
                    Some(None) if is_shared => "<keep>",
                    Some(Some(cells)) if !is_shared => cells.settings.get(at).map_or("", String::as_str),
                    Some(_) => "",
                })?;
            }
        }
        orgs.text(&row.skip)?;
        orgs.text(&note(operations, &row))?;
        orgs.end_row()?;
        let cells = row.operations.iter().enumerate().filter_map(|(at, part)| Some((at, part.cells()?)));
        for (place, entry) in cells.flat_map(|(at, cells)| cells.entries.iter().map(move |entry| (at, entry)))
        {
            let is_its = |(at, table): (usize, &str)| at == place && *table == *entry.table;
            let Some((.., side)) = sides.iter_mut().find(|(at, table, _)| is_its((*at, table))) else {
                continue;
            };
            side.id(&row.org)?;
            side.typed(&entry.key)?;
            for member in &entry.members {
                side.typed(member)?;
            }
            side.word("")?;
            side.end_row()?;
        }
    }
    orgs.end()?.sync_all()?;
    for (.., side) in sides {
        side.end()?.sync_all()?;
    }
    Ok(names)
}

fn rollout_file(parts: &[Part<'_>], sandbox: Option<&Value>) -> io::Result<String> {
    let mut text =
        "# The live settings of these orgs at the time of the export: a plan of this rollout changes nothing.\n\
         # Edit the tables, then: orgwave plan rollout.toml\n\
         \n\
         [rollout]\n\
         orgs = \"orgs.csv\"\n"
            .to_owned();
    let tables = |part: &Part<'_>| {
        let line = |table: &Arc<SideTable>| format!("{} = \"{}\"\n", table.name, part.file(table));
        part.operation.tables.iter().map(line).collect::<String>()
    };
    let mut sections = Vec::new();
    for part in parts {
        let name = &part.operation.name;
        if part.is_default {
            if *name != Operation::default_one().name {
                text.extend(["operation = \"", name, "\"\n"]);
            }
            text.push_str(&tables(part));
            sections.push(("settings".to_owned(), part.defaults()));
        } else {
            sections.push((format!("operation.{name}"), tables(part)));
            sections.push((format!("operation.{name}.settings"), part.defaults()));
        }
    }
    for (name, lines) in sections.iter().filter(|(_, lines)| !lines.is_empty()) {
        text.extend(["\n[", name, "]\n", lines]);
    }
    if let Some(sandbox) = sandbox {
        let section = std::collections::BTreeMap::from([("sandbox", sandbox)]);
        text.push('\n');
        text.push_str(&toml::to_string(&section).map_err(io::Error::other)?);
    }
    Ok(text)
}
