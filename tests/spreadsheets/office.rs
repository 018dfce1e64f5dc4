//! LibreOffice: many files in one process, as one person opens and saves them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::debian::program;

/// How a spreadsheet is set up: how it reads a CSV, and what it writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk {
    /// Separator, quote, encoding, first line; language; texts that are quoted stay texts; numbers and dates
    /// are looked for. The tokens are in LibreOffice's help under "CSV filter parameters".
    reads: &'static str,
    writes: &'static str,
}

/// Commas, UTF-8, as read: what the import's dialog offers.
pub(crate) const PLAIN: Desk =
    Desk { reads: "CSV:44,34,76,1", writes: "csv:Text - txt - csv (StarCalc):44,34,76,1" };
/// In Germany: dates and numbers are looked for, semicolons between the cells, every text in quotes.
pub(crate) const GERMAN: Desk = Desk {
    reads: "CSV:44,34,76,1,,1031,false,true",
    writes: "csv:Text - txt - csv (StarCalc):59,34,76,1,,1031,true,true",
};
/// In the United States, in an older program: UTF-16, tabs.
pub(crate) const AMERICAN: Desk = Desk {
    reads: "CSV:44,34,76,1,,1033,false,true",
    writes: "csv:Text - txt - csv (StarCalc):9,34,65535,1,,1033,false,true",
};
/// As [`AMERICAN`], saved as a workbook, in which every cell tells its type.
pub(crate) const WORKBOOK: Desk = Desk { reads: "CSV:44,34,76,1,,1033,false,true", writes: "fods" };

impl Desk {
    /// Opens every file and saves it into `to`, under its number: by one process, since starting it is most of
    /// what it costs.
    pub(crate) fn save(self, files: &[PathBuf], to: &Path) -> Vec<PathBuf> {
        let profile = tempfile::tempdir().unwrap();
        let inputs = tempfile::tempdir().unwrap();
        let mut command = Command::new(program(&["soffice", "libreoffice"], "libreoffice-calc"));
        command
            .args(["--headless", "--norestore", "--nologo"])
            .arg(format!("-env:UserInstallation=file://{}", profile.path().display()))
            .arg(format!("--infilter={}", self.reads))
            .args(["--convert-to", self.writes, "--outdir"])
            .arg(to)
            .env("HOME", profile.path())
            .stdin(Stdio::null());
        let ending = if self.writes == "fods" { "fods" } else { "csv" };
        let mut saved = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let input = inputs.path().join(format!("{number}.csv"));
            fs::copy(file, &input).unwrap();
            command.arg(&input);
            saved.push(to.join(format!("{number}.{ending}")));
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
        for file in &saved {
            assert!(file.is_file(), "{} wasn't saved: {said}", file.display());
        }
        saved
    }
}
