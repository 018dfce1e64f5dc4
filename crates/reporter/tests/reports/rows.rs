//! Every row once and in order, whatever the run; sources and folders that are damaged.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use orgwave_core::change::Before;
use orgwave_core::org::OrgProgress;
use orgwave_core::plan::{PlanLine, Verdict};
use orgwave_core::status::{Counts, Status};
use orgwave_reporter::files::{ClientFiles, OrgFiles, results, write_files};
use orgwave_reporter::{ReportError, RunDigest};
use proptest::prelude::*;

use crate::fixture::{self, Run, line, outcome, plan_header, run_header, write_plan};
use crate::golden::files_in;

fn run_of(lines: &[PlanLine], orgs: Vec<OrgProgress>) -> Run {
    let header = run_header(u32::try_from(lines.len()).unwrap());
    Run { header, plan: write_plan(&plan_header(), lines), orgs, timeline: Vec::new() }
}

/// The rows of a table as a plain CSV reader sees them, header first.
fn read(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let bytes = fs::read(folder.join(name)).unwrap();
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").expect("a byte order mark");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// What a literal cell means to a manifest's reader: one `'` less, where quotes are before a formula, at the cell's
/// beginning and after each separator.
fn meaning(cell: &str) -> String {
    let part = |part: &str| {
        let bare = part.trim_start_matches('\'');
        let guarded = bare.len() < part.len() && bare.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if guarded { part[1..].to_owned() } else { part.to_owned() }
    };
    cell.split_inclusive([';', '|', '\t', '\n', '\r']).map(part).collect()
}

fn lines_name<'a>(lines: &'a [PlanLine], org: &str) -> &'a str {
    let line = lines.iter().find(|line| line.org.to_string() == org).unwrap();
    line.name.as_deref().unwrap_or("")
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        4 => Just(Verdict::Update),
        1 => Just(Verdict::Unchanged),
        1 => Just(Verdict::Skipped),
        1 => Just(Verdict::Blocked),
        1 => Just(Verdict::Failed),
        1 => Just(Verdict::NotAttempted),
    ]
}

/// What a journal may say of an org: nothing, an outcome, or an intent.
fn words() -> impl Strategy<Value = Option<Option<Status>>> {
    proptest::option::of(proptest::option::of(proptest::sample::select(Status::ALL)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_row_once_in_order_with_one_status(
        orgs in proptest::collection::vec((verdicts(), words(), "['=+@\\-a,\"\n ]{0,5}"), 0..30),
    ) {
        let mut lines = Vec::new();
        let mut words = Vec::new();
        let mut expected = Vec::new();
        for ((verdict, word, name), number) in orgs.iter().zip(1u8..) {
            let index = u32::from(number) - 1;
            lines.push(line(number, name, *verdict));
            let status = match (verdict, word) {
                (Verdict::Update, Some(Some(status))) => {
                    words.push(fixture::said(outcome(index, *status)));
                    *status
                }
                (Verdict::Update, Some(None)) => {
                    words.push(fixture::begun(index, Before::AsPlanned));
                    Status::Unknown
                }
                (Verdict::Update, None) => Status::NotAttempted,
                (settled, _) => settled.status().unwrap(),
            };
            expected.push((lines[index as usize].org.to_string(), status));
        }
        let run = run_of(&lines, words);
        let folder = tempfile::tempdir().unwrap();
        let written = write_files(&run, folder.path(), OrgFiles::Never).unwrap();

        let rows = read(folder.path(), "results.csv");
        let operations = fixture::operations();
        let names: Vec<_> = results::columns(&operations).into_iter().map(|(name, _)| name).collect();
        prop_assert_eq!(&rows[0][..names.len()], &names[..]);
        let seen: Vec<(String, String)> = rows[1..].iter().map(|row| (row[1].clone(), row[4].clone())).collect();
        let wanted: Vec<(String, String)> =
            expected.iter().map(|(org, status)| (org.clone(), status.to_string())).collect();
        prop_assert_eq!(seen, wanted);
        let counts: Counts = expected.iter().map(|(_, status)| *status).collect();
        prop_assert_eq!(written.digest.counts, counts);

        // What may be tried again is given back, in the same order, and no cell can be a formula.
        let retry = read(folder.path(), "retry.csv");
        let retried: Vec<String> = retry[1..].iter().map(|row| row[0].clone()).collect();
        let retryable: Vec<String> = expected
            .iter()
            .filter(|(_, status)| status.is_retryable())
            .map(|(org, _)| org.clone())
            .collect();
        prop_assert_eq!(retried, retryable);
        for row in &retry[1..] {
            let typed = lines.iter().find(|line| line.org.to_string() == row[0]).unwrap().typed.read().row;
            prop_assert_eq!(meaning(&row[1]), meaning(&typed[1]));
            prop_assert_eq!(&row[2], &typed[2]);
            prop_assert!(!row[1].starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
        for row in &rows[1..] {
            prop_assert_eq!(meaning(&row[2]), lines_name(&lines, &row[1]));
            prop_assert!(!row[2].starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}

#[test]
fn a_record_beyond_the_plan_or_out_of_order_writes_nothing() {
    let lines = [line(1, "a", Verdict::Update), line(2, "b", Verdict::Update)];
    let word = |index| fixture::said(outcome(index, Status::Applied));
    for orgs in [vec![word(2)], vec![word(1), word(0)], vec![word(0), word(0)]] {
        let run = run_of(&lines, orgs);
        let folder = tempfile::tempdir().unwrap();
        let error = write_files(&run, folder.path(), OrgFiles::Never).unwrap_err();
        assert!(matches!(error, ReportError::Stray { .. }), "{error}");
        assert_eq!(files_in(folder.path()).len(), 0);
    }
}

#[test]
fn a_cut_plan_is_an_error_and_leaves_what_was_there() {
    let mut run = fixture::rich();
    let folder = tempfile::tempdir().unwrap();
    write_files(&run, folder.path(), OrgFiles::Never).unwrap();
    let before = files_in(folder.path());
    run.plan.truncate(run.plan.len() / 2);
    assert!(matches!(write_files(&run, folder.path(), OrgFiles::Never), Err(ReportError::Plan(_))));
    assert!(matches!(RunDigest::of(&run), Err(ReportError::Plan(_))));
    assert_eq!(files_in(folder.path()), before);
}

#[test]
fn a_name_taken_by_a_folder_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("results.csv")).unwrap();
    let error = write_files(&fixture::rich(), folder.path(), OrgFiles::Never).unwrap_err();
    assert!(matches!(&error, ReportError::Write { path, .. } if path.ends_with("results.csv")), "{error}");
    assert_eq!(files_in(folder.path()).len(), 0, "no temporary is left");
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = write_files(&fixture::rich(), &folder.path().join("gone"), OrgFiles::Auto).unwrap_err();
    assert!(matches!(error, ReportError::Write { .. }), "{error}");
}

#[test]
fn files_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    write_files(&fixture::rich(), folder.path(), OrgFiles::Auto).unwrap();
    for name in files_in(folder.path()).keys() {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", name.display());
    }
}

#[test]
fn obsolete_org_files_are_removed_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let written = write_files(&fixture::rich(), folder.path(), OrgFiles::Always).unwrap();
    assert_eq!(written.org_files, ClientFiles::All);
    fs::write(folder.path().join("orgs/mine.txt"), "mine").unwrap();
    write_files(&fixture::rich(), folder.path(), OrgFiles::Never).unwrap();
    let left: Vec<_> = files_in(folder.path()).into_keys().filter(|name| name.starts_with("orgs")).collect();
    assert_eq!(left, [Path::new("orgs/mine.txt")]);
}

#[test]
fn org_files_are_for_clients_of_up_to_a_thousand_by_themselves() {
    for (orgs, unattended, asked, written) in [
        (1_000, false, "auto", ClientFiles::All),
        (1_001, false, "auto", ClientFiles::None),
        (1_001, true, "always", ClientFiles::All),
        (1, false, "never", ClientFiles::None),
        (1_000, true, "auto", ClientFiles::Changed),
        (1_001, true, "auto", ClientFiles::None),
    ] {
        let mut run = run_of(&[line(1, "a", Verdict::Update)], Vec::new());
        run.header.orgs = orgs;
        run.header.unattended = unattended;
        let folder = tempfile::tempdir().unwrap();
        let asked: OrgFiles = asked.parse().unwrap();
        assert_eq!(write_files(&run, folder.path(), asked).unwrap().org_files, written, "{orgs} {asked}");
        // Of this org, nothing was written.
        assert_eq!(folder.path().join("orgs").exists(), written == ClientFiles::All, "{orgs} {asked}");
    }
    assert!("sometimes".parse::<OrgFiles>().is_err());
}

#[test]
fn an_earlier_plan_verifies_nothing_that_it_left_unchanged() {
    let lines = [line(1, "a", Verdict::Unchanged)];
    let mut run = run_of(&lines, Vec::new());
    for (fresh, verified) in [(true, "true"), (false, "false")] {
        run.header.fresh_plan = fresh;
        let folder = tempfile::tempdir().unwrap();
        write_files(&run, folder.path(), OrgFiles::Never).unwrap();
        assert_eq!(read(folder.path(), "results.csv")[1][14], verified);
    }
}
