//! The files of the rich run, byte for byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use orgwave_core::org::Entry;
use orgwave_core::run::{Finish, StopReason};
use orgwave_reporter::files::plan::PlanCsv;
use orgwave_reporter::files::results;
use orgwave_reporter::files::{ClientFiles, OrgFiles, write_files};
use orgwave_reporter::{Expected, PlanPages, Summary};

use crate::fixture;

/// Every file below a folder, by its name relative to it.
pub(crate) fn files_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn write_all(folder: &Path) {
    write_files(&fixture::rich(), folder, OrgFiles::Auto).unwrap();
    let mut plan = PlanCsv::begin(folder, "plan.csv", &fixture::plan_header()).unwrap();
    for line in fixture::rich_lines() {
        plan.line(&line).unwrap();
    }
    plan.end().unwrap();
    let mut pages = PlanPages::begin(&fixture::operations(), folder, "plan", &fixture::plan_header());
    for line in fixture::rich_lines() {
        pages.line(&line);
    }
    pages.finish(&fixture::footer(&fixture::rich_lines()), Expected::Wanted(8.0)).unwrap();
}

#[test]
fn the_files_are_as_they_were() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    if option_env!("UPDATE_GOLDEN").is_some() {
        write_all(&golden);
    }
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path());
    let (written, expected) = (files_in(folder.path()), files_in(&golden));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&written), names(&expected));
    for (name, bytes) in &written {
        assert_eq!(
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&expected[name]),
            "{} differs; if that is meant, run with UPDATE_GOLDEN=1",
            name.display()
        );
    }
}

#[test]
fn the_page_of_the_columns_has_every_column_of_the_results() {
    let mut page = "# The columns of results.csv\n\nOne row per row of the manifest, in its order; then the manifest's own \
                    `_*` columns.\n\n| column | what it says |\n| --- | --- |\n"
        .to_owned();
    let rows = |page: &mut String, columns: Vec<(&str, &str)>| {
        for (name, about) in columns {
            writeln!(page, "| `{name}` | {about} |").unwrap();
        }
    };
    rows(&mut page, results::columns(&fixture::operations()));
    page += "\nIn a run of several operations an org's row shows the worst of its steps, attempts are added up, the paths of \
             `changed_fields` have their operation in front, and before `note` there is `operations`: those of the row, separated by \
             `;`.\n\n## The columns of steps.csv\n\nOnly in runs of several operations: one row per step, in the order in which an \
             org's steps are taken, and one of an org without any.\n\n| column | what it says |\n| --- | --- |\n";
    rows(&mut page, results::step_columns());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results.md");
    if option_env!("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), page, "run with UPDATE_GOLDEN=1");
}

#[test]
fn made_again_they_are_the_same_and_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path());
    let once = files_in(folder.path());
    write_all(folder.path());
    assert_eq!(files_in(folder.path()), once);
}

#[test]
fn no_byte_of_a_secret_is_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path());
    for (name, bytes) in files_in(folder.path()) {
        assert!(!String::from_utf8_lossy(&bytes).contains(fixture::SECRET), "{}", name.display());
    }
}

#[test]
fn the_retry_rollout_is_toml_and_names_files_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path());
    let text = fs::read_to_string(folder.path().join("retry.toml")).unwrap();
    let rollout: toml::Table = text.parse().unwrap();
    for file in rollout["rollout"].as_table().unwrap().values() {
        assert!(folder.path().join(file.as_str().unwrap()).is_file(), "{file:?}");
    }
    assert_eq!(rollout["settings"]["apiToken"].as_str(), Some("<secret:ENVOY_TOKEN>"));
    assert_eq!(rollout["limits"]["attempts"].as_integer(), Some(3));
}

#[test]
fn rows_left_by_an_undo_are_not_retried() {
    let mut run = fixture::rich();
    let mut plan = fixture::plan_header();
    plan.inputs.truncate(1);
    plan.undoes = Some("r 0".to_owned());
    plan.settings.clear();
    plan.sides.clear();
    run.plan = fixture::write_plan(&plan, &fixture::rich_lines());
    run.timeline.push(Entry::Finished(Finish {
        at: fixture::at(1),
        stop: Some(StopReason::Expired),
        wrote: true,
    }));
    let folder = tempfile::tempdir().unwrap();
    let written = write_files(&run, folder.path(), OrgFiles::Never).unwrap();
    let text = fs::read_to_string(folder.path().join("retry.toml")).unwrap();
    assert!(text.contains("orgwave undo r 0"), "{text}");
    assert!(text.parse::<toml::Table>().unwrap().is_empty(), "applied, it is refused: {text}");
    let next = Summary::of_files(&written.digest, Path::new("reports/r 1"), ClientFiles::All).next_command();
    assert_eq!(next.as_deref(), Some("orgwave undo 'reports/r 0'"));
    let results = fs::read_to_string(folder.path().join("results.csv")).unwrap();
    assert!(results.contains("undo the first run again") && !results.contains("retry.toml"), "{results}");
}
