//! Where a plan goes.

use std::io;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;
use orgwave_reporter::files::target_of;

use super::{NewFolder, PLAN_FILE, must_be_folder, used};
use crate::failure::Failure;

/// The place of a plan that isn't made yet.
pub struct Place {
    /// The plan's file.
    pub path: PathBuf,
    /// The folder that was made for it, if one was.
    pub folder: Option<NewFolder>,
}

impl Place {
    /// The file that was named, else one in a new folder of this name below `reports/plans`.
    ///
    /// # Errors
    /// 64: the file, or one of its pages, is there already. 74: the folder can't be made. 78: no file can be there.
    pub fn find(file: Option<&Path>, reports: &Path, name: String) -> Result<Self, Failure> {
        match file {
            Some(path) => {
                // Its pages go beside it, and what has their names may be the user's, or the very manifest.
                let special =
                    |path: &Path| path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir());
                if special(path) {
                    let what = format!("{} is a device, a pipe or a socket, not a file", path.shown());
                    return Err(Failure::new(Exit::BadConfig, what));
                }
                // A link to where nothing is leads to the plan, and its pages lie beside that.
                let target = target_of(path).map_err(|error| Failure::no_file_for("a plan", path, error))?;
                let pages = ["html", "md", "csv"].map(|extension| target.with_extension(extension));
                match std::iter::once(path.to_owned()).chain(pages).find(|path| path.exists()) {
                    Some(there) => Err(Failure::usage(format!(
                        "{} already exists: a plan and its pages overwrite no file",
                        there.shown()
                    ))),
                    None => {
                        // Of a plan that had this name before.
                        let mark = used::mark_of(&target);
                        match std::fs::remove_file(&mark) {
                            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                                Err(Failure::cannot_write(&mark, error))
                            }
                            _ => Ok(Self { path: target, folder: None }),
                        }
                    }
                }
            }
            None => {
                must_be_folder(reports)?;
                let folder = NewFolder::make(&reports.join("plans"), name)?;
                Ok(Self { path: folder.path.join(PLAN_FILE), folder: Some(folder) })
            }
        }
    }

    /// The plan could not be made: nothing half done is left behind.
    pub fn discard(self) {
        if let Some(folder) = self.folder {
            folder.discard();
        }
    }
}
