//! The rooms of `docs/ARCHITECTURE.md`: no circle of modules inside a crate, and nothing of a crate that it must not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: [(&str, &str); 8] = [
    ("core", "crates/core/src"),
    ("client", "crates/client/src"),
    ("executor", "crates/executor/src"),
    ("planner", "crates/planner/src"),
    ("journal", "crates/journal/src"),
    ("reporter", "crates/reporter/src"),
    ("sandbox", "crates/sandbox/src"),
    ("cli", "crates/cli"),
];

/// The modules below a crate's root, each with those that its code outside of tests names.
fn imports(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(root).unwrap();
            let module = below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            if !is_source || below.ends_with("tests.rs") || ["lib", "main", "mod"].contains(&module.as_str())
            {
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let named = lines.flat_map(|line| line.split("crate::").skip(1)).map(|rest| {
                rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect::<String>()
            });
            imports.entry(module.clone()).or_default().extend(named.filter(|name| *name != module));
        }
    }
    imports
}

/// A way from a module back to itself, if there is one.
fn circle(imports: &BTreeMap<String, BTreeSet<String>>, from: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in imports.get(way.last()?).into_iter().flatten() {
            let mut longer = way.clone();
            longer.push(next.clone());
            if next == from {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

#[test]
fn no_modules_of_a_crate_import_each_other_in_a_circle() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for (name, folder) in CRATES {
        let imports = imports(&root.join(folder));
        assert!(imports.len() > 3, "{name}: {imports:?}");
        for module in imports.keys() {
            let found = circle(&imports, module);
            assert!(found.is_none(), "{name}: {}", found.unwrap().join(" -> "));
        }
    }
}

#[test]
fn a_circle_is_found() {
    let imports = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]
        .map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])));
    let imports = BTreeMap::from(imports);
    assert_eq!(circle(&imports, "a").map(|way| way.join(" ")), Some("a b c a".to_owned()));
    assert_eq!(circle(&imports, "d"), None);
}

#[test]
fn no_room_but_cli_names_a_flag_parser_and_core_names_no_io() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let dependencies = |name: &str| {
        let manifest = fs::read_to_string(root.join("crates").join(name).join("Cargo.toml")).unwrap();
        let section = manifest.split("[dependencies]").nth(1).unwrap();
        let section = section.split("\n[").next().unwrap();
        section
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for name in ["core", "client", "executor", "planner", "journal", "reporter"] {
        assert!(!dependencies(name).iter().any(|crate_| crate_.starts_with("clap")), "{name}");
    }
    let of_core = dependencies("core");
    for io in ["tokio", "reqwest", "rusqlite", "tempfile", "rustix"] {
        assert!(!of_core.contains(&io.to_owned()), "{io}");
    }
    for (name, must_not) in [
        ("executor", ["orgwave-client", "orgwave-journal", "orgwave-reporter"]),
        ("planner", ["orgwave-client", "orgwave-journal", "orgwave-reporter"]),
        ("reporter", ["orgwave-executor", "orgwave-client", "orgwave-planner"]),
    ] {
        let found = dependencies(name);
        assert!(must_not.iter().all(|room| !found.contains(&(*room).to_owned())), "{name}: {found:?}");
    }
}
