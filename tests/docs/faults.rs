//! `docs/faults.md` names for each fault the tests that bring it about: they are there, and those that are about one
//! fault each are all named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files whose every test is about a fault.
const ABOUT_FAULTS: [&str; 5] = [
    "tests/crash/disk.rs",
    "tests/crash/faults.rs",
    "tests/crash/steps.rs",
    "crates/executor/tests/simulation/faults.rs",
    "crates/executor/tests/simulation/pauses.rs",
];

/// The tests of the sources: what each is called, and the texts of the files that have one of this name.
struct Tests(BTreeMap<String, Vec<String>>);

impl Tests {
    fn of(root: &Path) -> Self {
        let mut tests = BTreeMap::<String, Vec<String>>::new();
        let mut folders = vec![root.join("crates"), root.join("tests")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let source = fs::read_to_string(&path).unwrap();
                    for test in tests_in(&source) {
                        tests.entry(test).or_default().push(source.clone());
                    }
                }
            }
        }
        Self(tests)
    }
}

/// The names of the functions that follow `#[test]` or another runtime's, in `proptest!` as well.
fn tests_in(source: &str) -> Vec<String> {
    let marks = ["#[test]", "#[tokio::test"].into_iter().flat_map(|mark| source.match_indices(mark));
    let names = marks.filter_map(|(at, _)| source[at..].split_once("fn ")?.1.split_once('('));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

/// The tests that a cell names, each with its cases.
fn named(cell: &str) -> Vec<(String, Vec<String>)> {
    let mut parts = cell.split('`').skip(1);
    let mut named = Vec::new();
    while let Some(name) = parts.next() {
        let after = parts.next().unwrap_or("").trim();
        let cases = after.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or("");
        // Cases are parted by commas, or, where one has a comma of its own, by semicolons.
        let mark = if cases.contains(';') { ';' } else { ',' };
        let cases = cases.split(mark).map(|case| case.trim().to_owned()).filter(|case| !case.is_empty());
        named.push((name.to_owned(), cases.collect()));
    }
    named
}

#[test]
fn every_fault_has_tests_and_every_fault_test_is_listed() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/faults.md")).unwrap();
    let tests = Tests::of(&root);
    let mut mentioned = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut faults = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault ")) {
        let cell = row.trim_end_matches(['|', ' ']).rsplit(" | ").next().unwrap();
        let named = named(cell);
        if named.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
        for (name, cases) in named {
            match tests.0.get(&name) {
                None => wrong.push(format!("no such test: {name}")),
                Some(sources) => {
                    let is_there = |case: &&String| {
                        let quoted = format!("\"{case}\"");
                        !sources.iter().any(|source| source.contains(&quoted))
                    };
                    wrong.extend(
                        cases.iter().filter(is_there).map(|case| format!("{name} has no case {case:?}")),
                    );
                }
            }
            mentioned.insert(name);
        }
        faults += 1;
    }
    for file in ABOUT_FAULTS {
        let source = fs::read_to_string(root.join(file)).unwrap();
        let left_out = tests_in(&source).into_iter().filter(|test| !mentioned.contains(test));
        wrong.extend(left_out.map(|test| format!("{file}: {test} is not named")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(faults > 60, "{faults}");
}
