//! A program that a test needs and cargo can't bring: found, or installed where that may be done.
//!
//! As root on Debian and its kind it is installed by apt-get; elsewhere nothing is done to the machine, and the
//! test fails and says what to install. No test is passed over silently.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDERS: [&str; 5] =
    ["/usr/bin", "/usr/local/bin", "/snap/bin", "/opt/homebrew/bin", "/opt/libreoffice/program"];

/// The program by one of its names; the package is what Debian calls it.
pub(crate) fn program(names: &[&str], package: &str) -> PathBuf {
    // One test at a time, in whichever process: a program that is being installed is there before it works.
    let turn = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("installing")).unwrap();
    turn.lock().unwrap();
    found(names).unwrap_or_else(|| {
        let tried = install(package);
        found(names)
            .unwrap_or_else(|| panic!("this test needs {}, and {tried}: apt-get install {package}", names[0]))
    })
}

fn found(names: &[&str]) -> Option<PathBuf> {
    let paths = FOLDERS.iter().flat_map(|folder| names.iter().map(move |name| Path::new(folder).join(name)));
    paths.into_iter().find(|path| path.is_file())
}

/// Tries to; returns what became of it, for a reader who has to do it by hand.
fn install(package: &str) -> String {
    let lists = apt(&["update"]);
    match apt(&["install", "--yes", "--no-install-recommends", package]) {
        Ok(()) => "it was installed somewhere else than expected".to_owned(),
        // Stale lists are a reason for a failed installation, and no reason by themselves.
        Err(error) => format!("apt-get could not install it ({error}{})", lists.err().unwrap_or_default()),
    }
}

fn apt(args: &[&str]) -> Result<(), String> {
    // Another process may be installing something.
    let output = Command::new("apt-get")
        .args(["--option", "DPkg::Lock::Timeout=600"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given").to_owned())
}
