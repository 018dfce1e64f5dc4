//! `orgwave init`: a commented rollout folder to start from. It asks no API, and replaces no file.
//!
//! The orgs in it are made up: against the real API a plan blocks all of them, since they are not in its list.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;

use crate::args::InitArgs;
use crate::console;
use crate::durable::sync_folder;
use crate::failure::Failure;

const FILES: [(&str, &str); 5] = [
    ("orgs.csv", include_str!("init/orgs.csv")),
    ("doors.csv", include_str!("init/doors.csv")),
    ("locations.csv", include_str!("init/locations.csv")),
    ("users.csv", include_str!("init/users.csv")),
    // Last: a folder that has it has all that it names.
    ("rollout.toml", include_str!("init/rollout.toml")),
];

/// Writes the folder.
pub fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let folder = &args.folder;
    if let Some((name, _)) = FILES.iter().find(|(name, _)| folder.join(name).symlink_metadata().is_ok()) {
        return Err(Failure::new(
            Exit::Usage,
            format!("{} already exists; nothing was overwritten", folder.join(name).shown()),
        )
        .hint("use a new folder: orgwave init FOLDER"));
    }
    DirBuilder::new().recursive(true).create(folder).map_err(|error| Failure::cannot_write(folder, error))?;
    write_all(folder)?;
    let rollout = folder.join("rollout.toml");
    console::out(&format!(
        "{} has four example orgs and their side tables. Try it, without a key:\n\
         \x20 orgwave check {0}\n\
         \x20 orgwave plan {0} --sandbox\n\
         then put your own orgs into {} (`orgwave orgs --format csv` lists them)\n",
        rollout.shown(),
        folder.join("orgs.csv").shown(),
    ));
    Ok(Exit::Done)
}

/// All of the files, or none.
fn write_all(folder: &Path) -> Result<(), Failure> {
    for (place, (name, text)) in FILES.iter().enumerate() {
        let path = folder.join(name);
        // If another process makes such a file just now, it isn't overwritten.
        let mut is_ours = false;
        let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
            is_ours = true;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        if let Err(error) = written {
            for (name, _) in &FILES[..place + usize::from(is_ours)] {
                let _ = std::fs::remove_file(folder.join(name));
            }
            return Err(Failure::cannot_write(&path, error));
        }
    }
    sync_folder(folder)
}
