//! `retry.csv`, its side tables and `retry.toml`: a rollout of the rows that a retry may help.
//!
//! The rows are given back as typed, so that applying them means what it meant. Cells of settings and ids are
//! given back to the letter: our reader takes them literally, and what could be a formula there is written
//! with `\`. Literal cells (`org_name`, `note`, `skip`, `_*`) are guarded anew: what is typed unguarded reads
//! the same guarded, and what is typed guarded stays as it is.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use orgwave_core::formula::unguarded;
use orgwave_core::operation::{Operation, TableName};
use orgwave_core::plan::{GuardKind, Header};
use orgwave_core::run::RunHeader;
use orgwave_core::status::Status;
use serde_json::Value;

use super::table::Table;
use super::toml_text::section;
use crate::digest::RunDigest;
use crate::record::Record;
use crate::rendered::Rendered;
use crate::run_file::{Place, RunFile};
use crate::whole::WholeFile;

pub(super) struct Retry {
    rows: Rows,
    sides: Vec<(TableName, Rows)>,
    rollout: WholeFile,
    plan: Header,
    /// Whether one of the rows adds an entry: that was acknowledged with the plan, so the retry needs no other yes.
    adds: bool,
}

impl Retry {
    pub(super) const NAME: &str = "retry.csv";
    /// The rollout file: what `apply` is given.
    pub(super) const ROLLOUT: &str = "retry.toml";

    pub(super) fn begin(place: &Place<'_>, plan: &Header) -> io::Result<Self> {
        let mut sides = Vec::with_capacity(plan.sides.len());
        for side in &plan.sides {
            let rows = Rows::begin(place, &side_name(&side.table), &side.columns)?;
            sides.push((side.table.clone(), rows));
        }
        Ok(Self {
            rows: Rows::begin(place, Self::NAME, &plan.columns)?,
            sides,
            rollout: place.begin(Self::ROLLOUT)?,
            plan: plan.clone(),
            adds: false,
        })
    }
}

impl Retry {
    /// What the run has changed itself would not be as expected any more, and keep the other steps from being taken.
    fn forget_expects(&self, record: &Record, cells: &mut [String]) {
        let applied: Vec<&str> = record
            .steps()
            .filter(|(_, step)| matches!(step.outcome.status, Status::Applied | Status::AppliedWithWarnings))
            .map(|(planned, _)| &*planned.operation.name)
            .collect();
        if applied.is_empty() {
            return;
        }
        let default =
            self.plan.operation.clone().unwrap_or_else(|| Operation::default_one().name.to_string());
        for (column, cell) in self.plan.columns.iter().zip(cells) {
            let Some(path) = column.trim().strip_prefix("expect.") else { continue };
            let named = record.operations().iter().find(|(_, operation)| {
                path.strip_prefix(&*operation.name).is_some_and(|rest| rest.starts_with(':'))
            });
            if applied.contains(&named.map_or(&*default, |(_, operation)| &*operation.name)) {
                cell.clear();
            }
        }
    }
}

impl RunFile for Retry {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record, _: &Rendered) -> io::Result<()> {
        let line = &record.line;
        if !record.is_retryable() {
            return Ok(());
        }
        self.adds |= line.steps.iter().any(|step| !step.additions.is_empty());
        let mut typed = line.typed.read();
        self.forget_expects(record, &mut typed.row);
        self.rows.add(&typed.row)?;
        for (table, cells) in &typed.sides {
            if let Some((_, rows)) = self.sides.iter_mut().find(|(known, _)| known == table) {
                rows.add(cells)?;
            }
        }
        Ok(())
    }

    fn end(self: Box<Self>, _: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.push(self.rows.table.end()?);
        for (_, rows) in self.sides {
            done.push(rows.table.end()?);
        }
        let mut file = self.rollout;
        file.write_all(rollout(&self.plan, self.adds).as_bytes())?;
        done.push(file);
        Ok(())
    }
}

/// Rows as typed, under the columns that they were typed in.
struct Rows {
    table: Table<WholeFile>,
    literal: Vec<bool>,
}

impl Rows {
    fn begin(place: &Place<'_>, name: &str, columns: &[String]) -> io::Result<Self> {
        let mut table = Table::without_header(place.begin(name)?);
        // Their names are paths of settings, which read to the letter.
        columns.iter().try_for_each(|column| table.typed(column))?;
        table.end_row()?;
        Ok(Self { table, literal: columns.iter().map(|column| is_literal(column)).collect() })
    }

    fn add(&mut self, cells: &[String]) -> io::Result<()> {
        for (column, literal) in self.literal.iter().enumerate() {
            let cell = cells.get(column).map_or("", String::as_str);
            if *literal { self.table.text(&unguarded(cell))? } else { self.table.typed(cell)? }
        }
        self.table.end_row()
    }
}

/// Whether our reader takes the guard off the cells of a column.
fn is_literal(column: &str) -> bool {
    let name = column.trim();
    matches!(name, "org_name" | "note" | "skip") || name.starts_with('_')
}

/// Whether a file is called as the retry of some side table is.
pub(super) fn is_side_name(name: &str) -> bool {
    let table = name.strip_prefix("retry-").and_then(|name| name.strip_suffix(".csv"));
    table.is_some_and(|table| {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        !table.is_empty() && table.bytes().all(is_part)
    })
}

fn side_name(table: &str) -> String {
    format!("retry-{}.csv", table.replace(':', "-"))
}

/// The rollout file: the tables beside it, and the sections of the rollout that the plan was made from.
fn rollout(plan: &Header, adds: bool) -> String {
    if let Some(run) = &plan.undoes {
        // Its rows name no settings: applied, they would change nothing, and call that done.
        return format!("# Do not apply this. To undo the rest: orgwave undo {run}\n");
    }
    let mut files = vec![("orgs".to_owned(), Value::from(Retry::NAME))];
    files.extend(plan.operation.iter().map(|name| ("operation".to_owned(), name.as_str().into())));
    let default = default_of(plan);
    let is_plain = plan.operations.iter().all(|operation| operation.name == default)
        && !plan.defaults.contains_key("operation");
    if is_plain {
        files.extend(plan.sides.iter().map(|side| (side.table.to_string(), side_name(&side.table).into())));
    }
    let mut text = format!(
        "# The rows of plan {} that can be retried: orgwave apply retry.toml{}\n",
        plan.plan_id,
        mode_again(plan)
    );
    let limits = limits(plan, adds);
    section(&mut text, "rollout", files.iter().map(|(name, value)| (name, value)));
    if !is_plain {
        // A table of each, in the order of the steps, makes those of the retry follow each other as these did.
        for operation in &plan.operations {
            section(
                &mut text,
                &format!("operation.{}", operation.name),
                &of_operation(plan, &operation.name),
            );
        }
    }
    let groups = plan.defaults.get("group").and_then(Value::as_object).into_iter().flatten();
    let groups = groups.map(|(name, group)| (name.clone(), group.clone())).collect();
    for (name, entries) in [("settings", &plan.settings), ("group", &groups), ("limits", &limits)] {
        if !entries.is_empty() {
            section(&mut text, name, entries);
        }
    }
    if let Some(Value::Object(sandbox)) = &plan.sandbox {
        section(&mut text, "sandbox", sandbox);
    }
    text
}

/// The operation of columns without a prefix.
fn default_of(plan: &Header) -> String {
    plan.operation.clone().unwrap_or_else(|| Operation::default_one().name.to_string())
}

/// The side tables of an operation, and what the rollout sets of it for all orgs under its name.
fn of_operation(plan: &Header, name: &str) -> BTreeMap<String, Value> {
    let default = default_of(plan);
    let sides = plan.sides.iter().filter_map(|side| {
        let (operation, table) = side.table.split_once(':').unwrap_or((&default, &side.table));
        (operation == name).then(|| (table.to_owned(), side_name(&side.table).into()))
    });
    let typed = plan.defaults.get("operation").and_then(|operations| operations.get(name)?.as_object());
    let typed = typed.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
    typed.chain(sides).collect()
}

/// The flags under which the retry writes as the run did.
fn mode_again(plan: &Header) -> String {
    RunHeader::mode_flags(plan.write, plan.verify)
}

/// The limits of the rollout, with the waves, the budget and what was allowed as the plan has them, whether typed or of the rollout.
fn limits(plan: &Header, adds: bool) -> BTreeMap<String, Value> {
    let mut limits = plan.limits.clone();
    let mut allow = plan.allow.clone();
    if adds && !allow.contains(&GuardKind::Additions) {
        allow.push(GuardKind::Additions);
    }
    if !allow.is_empty() {
        limits.insert("allow".to_owned(), allow.iter().map(GuardKind::name).collect());
    }
    if let Some(waves) = &plan.waves {
        limits.insert("waves".to_owned(), waves.to_string().split(',').map(Value::from).collect());
    }
    limits.insert("max_failures".to_owned(), plan.max_failures.to_string().into());
    limits
}
