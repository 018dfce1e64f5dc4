//! The exported folder: its tables written from what was kept of each org, and all of it there or nothing.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Operation;
use orgwave_core::run::Exit;
use orgwave_planner::Spool;
use orgwave_planner::export::{OrgRow, columns};
use orgwave_reporter::files::table::Table;
use serde_json::Value;
use tempfile::TempDir;

use super::left_out;
use crate::durable::sync_folder;
use crate::failure::Failure;

/// A folder being made, beside or in the one that it becomes.
pub struct Staged {
    target: PathBuf,
    is_there: bool,
    staging: TempDir,
}

impl Staged {
    /// Begins one.
    ///
    /// # Errors
    /// 64: something is there already. 74: it can't be written.
    pub fn begin(target: &Path) -> Result<Self, Failure> {
        let cannot = |error: io::Error| Failure::cannot_write(target, error);
        let is_there = match std::fs::read_dir(target) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(Failure::new(
                        Exit::Usage,
                        format!("{} is not empty; nothing was overwritten", target.shown()),
                    )
                    .hint("use a new folder: orgwave export -o FOLDER"));
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(cannot(error)),
        };
        let parent = match target.parent() {
            _ if is_there => target,
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(parent).map_err(cannot)?;
        // What clients have set is nobody else's business on this machine.
        let private = Permissions::from_mode(0o700);
        let staging = tempfile::Builder::new()
            .prefix(".export-")
            .permissions(private)
            .tempdir_in(parent)
            .map_err(cannot)?;
        Ok(Self { target: target.to_owned(), is_there, staging })
    }

    /// Where it is being made.
    pub fn path(&self) -> &Path {
        self.staging.path()
    }

    /// Writes the tables and the rollout file, and gives the folder its name.
    ///
    /// # Errors
    /// 74.
    pub fn finish(
        self,
        operation: &Operation,
        kept: &mut Spool,
        sandbox: Option<&Value>,
    ) -> Result<(), Failure> {
        let cannot = |error: io::Error| Failure::cannot_write(&self.target, error);
        let mut names = write_tables(operation, self.path(), kept).map_err(cannot)?;
        let text = rollout_file(operation, sandbox).map_err(cannot)?;
        names.push("rollout.toml".to_owned());
        let mut file = File::create_new(self.path().join("rollout.toml")).map_err(cannot)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)?;
        sync_folder(self.path())?;
        if self.is_there {
            // Last the file that names the others.
            for name in names {
                std::fs::rename(self.path().join(&name), self.target.join(&name)).map_err(cannot)?;
            }
            sync_folder(&self.target)
        } else {
            std::fs::rename(self.path(), &self.target).map_err(cannot)?;
            sync_folder(self.target.parent().unwrap_or(Path::new("")))
        }
    }
}

fn write_tables(operation: &Operation, folder: &Path, kept: &mut Spool) -> io::Result<Vec<String>> {
    let mut names = vec!["orgs.csv".to_owned()];
    let fixed = ["org_uuid", "org_name"].into_iter();
    let settings = columns(&operation.fields);
    let header = fixed.chain(settings.iter().map(|(name, _)| &**name)).chain(["skip", "note"]);
    let mut orgs = Table::begin(File::create_new(folder.join("orgs.csv"))?, header)?;
    let mut sides = Vec::new();
    for table in &operation.tables {
        let name = format!("{}.csv", table.name);
        let members = table.entry().members().map(columns).unwrap_or_default();
        let members = members.iter().map(|(name, _)| &**name);
        let header = ["org_uuid", &*table.key_column].into_iter().chain(members).chain(["remove"]);
        sides.push((&table.name, Table::begin(File::create_new(folder.join(&name))?, header)?));
        names.push(name);
    }
    for row in kept.read()? {
        let (_, row) = row?;
        let note = left_out(&row);
        let OrgRow { org, name, skip, cells } = row;
        orgs.id(&org)?;
        orgs.text(&name)?;
        let blank = String::new();
        for place in 0..settings.len() {
            orgs.typed(cells.settings.get(place).unwrap_or(&blank))?;
        }
        orgs.text(&skip)?;
        orgs.text(&note)?;
        orgs.end_row()?;
        for entry in &cells.entries {
            let Some((_, side)) = sides.iter_mut().find(|(table, _)| **table == entry.table) else {
                continue;
            };
            side.id(&org)?;
            side.typed(&entry.key)?;
            for member in &entry.members {
                side.typed(member)?;
            }
            side.word("")?;
            side.end_row()?;
        }
    }
    orgs.end()?.sync_all()?;
    for (_, side) in sides {
        side.end()?.sync_all()?;
    }
    Ok(names)
}

fn rollout_file(operation: &Operation, sandbox: Option<&Value>) -> io::Result<String> {
    let mut text =
        "# The live settings of these orgs at the time of the export: a plan of this rollout changes nothing.\n\
         # Edit the tables, then: orgwave plan rollout.toml\n\
         \n\
         [rollout]\n\
         orgs = \"orgs.csv\"\n"
            .to_owned();
    if operation.name != Operation::default_one().name {
        text.extend(["operation = \"", &operation.name, "\"\n"]);
    }
    for table in &operation.tables {
        text.extend([&table.name, " = \"", &table.name, ".csv\"\n"]);
    }
    if let Some(sandbox) = sandbox {
        let section = std::collections::BTreeMap::from([("sandbox", sandbox)]);
        text.push('\n');
        text.push_str(&toml::to_string(&section).map_err(io::Error::other)?);
    }
    Ok(text)
}
