//! The operations that are known: those that are built in, and those of the files that `--catalog` names. A rollout
//! can't name such a file: the author of a rollout must not decide which calls it makes.

use std::path::PathBuf;

use anyhow::anyhow;
use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;

use crate::failure::Failure;
use crate::input;

/// The operations that are known with these files.
///
/// # Errors
/// 66: a file can't be read. 65: it doesn't describe an operation, or one whose name is taken.
pub fn open(files: &[PathBuf]) -> Result<Catalog, Failure> {
    files.iter().try_fold(Catalog::built_in(), |catalog, path| {
        let file = path.shown();
        let bad =
            |error: anyhow::Error| Failure::new(Exit::BadInput, "--catalog can't be used").because(error);
        let bytes = input::read(path).map_err(|error| Failure::no_input(path, error))?;
        let text = String::from_utf8(bytes).map_err(|_| bad(anyhow!("{file} is not in UTF-8")))?;
        catalog.with(&text, &file).map_err(|error| bad(error.into()))
    })
}
