//! What `verify` found, and how it is shown: in words, as JSON lines, and as a table (`-o FILE`).

use std::path::PathBuf;

use orgwave_core::ids::Ruuid;
use orgwave_core::outcome::{Complaint, Image};
use orgwave_core::plan::{PlanLine, PlannedField};
use orgwave_core::run::Exit;
use orgwave_core::settings::Path as SettingPath;
use orgwave_core::status::Status;
use orgwave_reporter::files::drift::{DriftCsv, OrgCells};
use orgwave_reporter::terminal::{clean, orgs, several};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::execution::say;
use super::noted::Noted;
use crate::args::VerifyArgs;
use crate::console;
use crate::failure::Failure;

/// Fields that are listed one by one on the terminal.
const SHOWN: usize = 50;
/// Orgs that could not be checked, the same.
const SHOWN_UNCHECKED: usize = 20;

/// A managed path whose live value is not the desired one.
#[derive(Serialize, Deserialize)]
pub(super) struct Drift {
    path: SettingPath,
    /// The live value.
    #[serde(rename = "before")]
    live: Image,
    /// The desired value.
    #[serde(rename = "after")]
    wanted: Image,
}

impl Drift {
    pub(super) fn of(field: &PlannedField, live: &Image) -> Self {
        Self { path: field.path.clone(), live: live.clone(), wanted: field.after_image() }
    }
}

/// An org of the manifest, and what was found of it.
#[derive(Serialize, Deserialize)]
struct Found<T> {
    org: Ruuid,
    name: Option<String>,
    what: T,
}

impl<T> Found<T> {
    fn new(line: &PlanLine, what: T) -> Self {
        Self { org: line.org, name: line.name.clone(), what }
    }

    /// Name or id, for the terminal.
    fn shown(&self) -> String {
        clean(self.name.as_deref().unwrap_or(self.org.as_str())).into_owned()
    }

    fn cells(&self, line: u64) -> OrgCells<'_> {
        OrgCells { line, org: &self.org, name: self.name.as_deref() }
    }
}

/// What was found, by the manifest's lines.
#[derive(Default)]
pub(super) struct Findings {
    in_sync: u64,
    drifted: Noted<Found<Vec<Drift>>>,
    /// Of all that drifted.
    fields: u64,
    unchecked: Noted<Found<(Status, Option<Complaint>)>>,
    /// Whether one of them is refused for good.
    refused: bool,
    /// Why a finding could not be noted.
    failed: Option<Failure>,
    /// `--state-dir`, where it is given.
    state_dir: Option<PathBuf>,
}

impl Findings {
    pub(super) fn new(args: &VerifyArgs) -> Self {
        Self { state_dir: args.key.state_dir.clone(), ..Self::default() }
    }

    pub(super) fn judged(&mut self, line: &PlanLine, drifts: Vec<Drift>) {
        if drifts.is_empty() {
            self.in_sync += 1;
            return;
        }
        self.fields += drifts.len() as u64;
        let noted = self.drifted.put(line.line, &Found::new(line, drifts), self.state_dir.as_deref());
        self.keep(noted);
    }

    pub(super) fn unjudged(&mut self, line: &PlanLine, status: Status, complaint: Option<Complaint>) {
        self.refused |= matches!(status, Status::Blocked | Status::Rejected);
        let noted =
            self.unchecked.put(line.line, &Found::new(line, (status, complaint)), self.state_dir.as_deref());
        self.keep(noted);
    }

    fn keep(&mut self, noted: Result<(), Failure>) {
        self.failed = self.failed.take().or(noted.err());
    }

    fn exit(&self) -> Exit {
        if self.refused {
            Exit::SomeRefused
        } else if self.unchecked.len() > 0 {
            Exit::TryAgain
        } else if self.drifted.len() > 0 {
            Exit::Changes
        } else {
            Exit::Done
        }
    }

    /// Shows all of it, and writes the table that was asked for.
    ///
    /// # Errors
    /// 74: the table can't be written, or a finding could not be noted.
    pub(super) fn tell(mut self, args: &VerifyArgs) -> Result<Exit, Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        let exit = self.exit();
        if args.output.json {
            self.as_json()?;
        } else if !(args.output.quiet && exit == Exit::Done) {
            self.in_words(args)?;
        }
        if let Some(path) = &args.output_file {
            self.as_table(DriftCsv::begin(path)?)?;
        }
        Ok(exit)
    }

    fn as_json(&mut self) -> Result<(), Failure> {
        self.drifted.each(usize::MAX, |line, found| {
            let drifted = json!({
                "line": line, "org_uuid": found.org, "org_name": found.name, "drift": found.what,
            });
            console::event("org_drifted", &drifted);
            Ok(())
        })?;
        self.unchecked.each(usize::MAX, |line, found| {
            let (status, complaint) = &found.what;
            let unchecked = json!({
                "line": line, "org_uuid": found.org, "org_name": found.name,
                "status": status, "error": complaint,
            });
            console::event("org_not_checked", &unchecked);
            Ok(())
        })?;
        let counts = json!({
            "in_sync": self.in_sync, "drifted": self.drifted.len(), "not_checked": self.unchecked.len(),
        });
        console::event("verify_finished", &counts);
        Ok(())
    }

    fn as_table(&mut self, mut table: DriftCsv) -> Result<(), Failure> {
        self.drifted.each(usize::MAX, |line, found| {
            for drift in &found.what {
                table.drifted(&found.cells(line), &drift.path, &drift.wanted, &drift.live)?;
            }
            Ok(())
        })?;
        self.unchecked.each(usize::MAX, |line, found| {
            let (status, complaint) = &found.what;
            Ok(table.unchecked(&found.cells(line), *status, complaint.as_ref())?)
        })?;
        Ok(table.end()?)
    }

    fn in_words(&mut self, args: &VerifyArgs) -> Result<(), Failure> {
        let say = |text: &str| say(text, &args.output);
        let all_in = if args.output_file.is_some() { "the file has" } else { "-o FILE writes" };
        let mut left = SHOWN;
        self.drifted.each(SHOWN, |line, found| {
            for drift in found.what.iter().take(left) {
                left -= 1;
                say(&format!(
                    "line {line}, {}: {} is {}, wanted {}\n",
                    found.shown(),
                    clean(&drift.path.to_string()),
                    shown_as(&drift.live),
                    shown_as(&drift.wanted),
                ));
            }
            Ok(())
        })?;
        if self.fields > SHOWN as u64 {
            let more = several(self.fields - SHOWN as u64, "field", "fields");
            say(&format!("... and {more} more; {all_in} all\n"));
        }
        self.unchecked.each(SHOWN_UNCHECKED, |line, found| {
            let (status, complaint) = &found.what;
            let why = complaint.as_ref().map_or_else(String::new, |complaint| {
                format!(": {} {}", complaint.code, clean(&complaint.message))
            });
            say(&format!("line {line}, {}: not checked, {status}{why}\n", found.shown()));
            Ok(())
        })?;
        if self.unchecked.len() > SHOWN_UNCHECKED as u64 {
            let more = self.unchecked.len() - SHOWN_UNCHECKED as u64;
            say(&format!("... and {} not checked; {all_in} all\n", orgs(more)));
        }
        say(&format!(
            "{} in sync, {} drifted, {} not checked\n",
            orgs(self.in_sync),
            self.drifted.len(),
            self.unchecked.len(),
        ));
        Ok(())
    }
}

fn shown_as(image: &Image) -> String {
    match image {
        Image::Absent => "absent".to_owned(),
        Image::Json(value) => {
            let text = value.to_string();
            let text = clean(&text);
            if text.chars().count() > 80 {
                format!("{}…", text.chars().take(80).collect::<String>())
            } else {
                text.into_owned()
            }
        }
        Image::Secret(_) | Image::Hidden => "a secret".to_owned(),
    }
}
