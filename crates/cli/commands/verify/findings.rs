//! How what `verify` found is shown: in words, as JSON lines, and as a table (`-o FILE`).

use std::borrow::Cow;

use orgwave_core::operation::Operations;
use orgwave_core::outcome::StoredValue;
use orgwave_core::run::Exit;
use orgwave_planner::verify::{Drift, Findings, Found};
use orgwave_reporter::files::drift::{DriftCsv, OrgCells};
use orgwave_reporter::terminal::{clean, orgs, several};
use serde_json::json;

use super::super::execution::say;
use crate::args::VerifyArgs;
use crate::console;
use crate::failure::Failure;

/// Fields that are listed one by one on the terminal.
const SHOWN: usize = 50;
/// Orgs that could not be checked, the same.
const SHOWN_UNCHECKED: usize = 20;

/// An org's name or id, for the terminal.
fn shown<T>(found: &Found<T>) -> String {
    clean(found.name.as_deref().unwrap_or(found.org.as_str())).into_owned()
}

fn cells<T>(line: u64, found: &Found<T>) -> OrgCells<'_> {
    OrgCells { line, org: &found.org, name: found.name.as_deref() }
}

/// Shows all of it, and writes the table that was asked for.
///
/// # Errors
/// 74: the table can't be written, or a finding could not be noted.
pub(super) fn tell(mut findings: Findings, args: &VerifyArgs) -> Result<Exit, Failure> {
    let exit = findings.exit();
    if args.output.json {
        as_json(&mut findings)?;
    } else if !(args.output.quiet && exit == Exit::Done) {
        in_words(&mut findings, args)?;
    }
    if let Some(path) = &args.output_file {
        let files = as_table(&mut findings, DriftCsv::begin(path)?)?;
        if files.len() > 1 && !args.output.quiet {
            say(&format!("the table is in {}\n", clean(&files.join(", "))), &args.output);
        }
    }
    Ok(exit)
}

/// Where a drift is, as a manifest's column names it.
fn name_of<'a>(drift: &'a Drift, operations: &Operations) -> Cow<'a, str> {
    match operations.get(drift.place) {
        Some(operation) => operations.path_text(operation, &drift.path),
        None => drift.path.text(),
    }
}

fn as_json(findings: &mut Findings) -> Result<(), Failure> {
    let operations = findings.operations().clone();
    for found in findings.each_drifted() {
        let (line, found) = found?;
        let drift: Vec<_> = found
            .what
            .iter()
            .map(|drift| {
                json!({ "path": name_of(drift, &operations), "before": drift.live, "after": drift.wanted })
            })
            .collect();
        let drifted = json!({
            "line": line, "org_uuid": found.org, "org_name": found.name, "drift": drift,
        });
        console::event("org_drifted", &drifted);
    }
    for found in findings.each_unchecked() {
        let (line, found) = found?;
        let (status, org_error) = &found.what;
        let unchecked = json!({
            "line": line, "org_uuid": found.org, "org_name": found.name,
            "status": status, "error": org_error,
        });
        console::event("org_not_checked", &unchecked);
    }
    let counts = json!({
        "in_sync": findings.in_sync(), "drifted": findings.drifted(), "not_checked": findings.unchecked(),
    });
    console::event("verify_finished", &counts);
    Ok(())
}

/// Returns the names of the table's files.
fn as_table(findings: &mut Findings, mut table: DriftCsv) -> Result<Vec<String>, Failure> {
    let operations = findings.operations().clone();
    for found in findings.each_drifted() {
        let (line, found) = found?;
        for drift in &found.what {
            let name = name_of(drift, &operations);
            table.drifted(&cells(line, &found), (&name, &drift.path), &drift.wanted, &drift.live)?;
        }
    }
    for found in findings.each_unchecked() {
        let (line, found) = found?;
        let (status, org_error) = &found.what;
        table.unchecked(&cells(line, &found), *status, org_error.as_ref())?;
    }
    Ok(table.end()?)
}

fn in_words(findings: &mut Findings, args: &VerifyArgs) -> Result<(), Failure> {
    let say = |text: &str| say(text, &args.output);
    let all_in = if args.output_file.is_some() { "the file has" } else { "-o FILE writes" };
    let operations = findings.operations().clone();
    let mut left = SHOWN;
    for found in findings.each_drifted().take(SHOWN) {
        let (line, found) = found?;
        for drift in found.what.iter().take(left) {
            left -= 1;
            say(&format!(
                "line {line}, {}: {} is {}, desired {}\n",
                shown(&found),
                clean(&name_of(drift, &operations)),
                shown_as(&drift.live),
                shown_as(&drift.wanted),
            ));
        }
    }
    if findings.fields() > SHOWN as u64 {
        let more = several(findings.fields() - SHOWN as u64, "field", "fields");
        say(&format!("... and {more} more; {all_in} all\n"));
    }
    for found in findings.each_unchecked().take(SHOWN_UNCHECKED) {
        let (line, found) = found?;
        let (status, org_error) = &found.what;
        let why = org_error.as_ref().map_or_else(String::new, |org_error| {
            format!(": {} {}", org_error.code, clean(&org_error.message))
        });
        say(&format!("line {line}, {}: not checked, {status}{why}\n", shown(&found)));
    }
    if findings.unchecked() > SHOWN_UNCHECKED as u64 {
        let more = findings.unchecked() - SHOWN_UNCHECKED as u64;
        say(&format!("... and {} not checked; {all_in} all\n", orgs(more)));
    }
    say(&format!(
        "{} in sync, {} drifted, {} not checked\n",
        orgs(findings.in_sync()),
        findings.drifted(),
        findings.unchecked(),
    ));
    Ok(())
}

fn shown_as(stored: &StoredValue) -> String {
    match stored {
        StoredValue::Absent => "absent".to_owned(),
        StoredValue::Json(value) => {
            let text = value.to_string();
            let text = clean(&text);
            if text.chars().count() > 80 {
                format!("{}…", text.chars().take(80).collect::<String>())
            } else {
                text.into_owned()
            }
        }
        StoredValue::Secret(_) | StoredValue::Hidden => "a secret".to_owned(),
    }
}
