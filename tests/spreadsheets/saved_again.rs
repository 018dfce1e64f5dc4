//! What a spreadsheet saved plans to the very same changes as before.

use std::fs;
use std::path::{Path, PathBuf};

use crate::made::Folder;
use crate::office::{AMERICAN, Desk, GERMAN, PLAIN};

/// A rollout file and the tables that it names, all in one folder.
struct Rollout {
    file: PathBuf,
    tables: Vec<&'static str>,
    planned: String,
}

impl Rollout {
    fn of(folder: &Folder, file: PathBuf, tables: &[&'static str]) -> Self {
        let planned = folder.planned(&file);
        Self { file, tables: tables.to_vec(), planned }
    }

    fn folder(&self) -> &Path {
        self.file.parent().unwrap()
    }
}

/// All rollouts that orgwave writes.
fn rollouts(folder: &Folder) -> Vec<Rollout> {
    folder.orgwave("export -o live rollout.toml --sandbox -q", 0);
    let exported = folder.path("live");
    let run = folder.run();
    fs::create_dir(folder.path("starter")).unwrap();
    fs::write(folder.path("starter/orgs.csv"), folder.orgwave("orgs --format csv rollout.toml --sandbox", 0))
        .unwrap();
    vec![
        Rollout::of(
            folder,
            exported.join("rollout.toml"),
            &["orgs.csv", "doors.csv", "locations.csv", "users.csv"],
        ),
        Rollout::of(folder, folder.path("starter/orgs.csv"), &["orgs.csv"]),
        Rollout::of(
            folder,
            run.join("retry.toml"),
            &["retry.csv", "retry-doors.csv", "retry-locations.csv", "retry-users.csv"],
        ),
    ]
}

#[test]
fn what_a_spreadsheet_saved_again_plans_to_the_same() {
    let folder = Folder::new();
    let rollouts = rollouts(&folder);
    let [exported, starter, retry] = &rollouts[..] else { panic!("three rollouts") };
    for rollout in [exported, starter] {
        assert!(!rollout.planned.contains(",update,"), "{}", rollout.planned);
    }
    assert!(exported.planned.contains("unchanged") && retry.planned.contains(",update,update,"));

    let files: Vec<PathBuf> = rollouts
        .iter()
        .flat_map(|rollout| rollout.tables.iter().map(|table| rollout.folder().join(table)))
        .collect();
    let originals: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for desk in [PLAIN, GERMAN, AMERICAN] {
        save(&folder, desk, &files, &originals);
        for rollout in &rollouts {
            let (before, after) = (access(&rollout.planned), access(&folder.planned(&rollout.file)));
            for (before, after) in before.lines().zip(after.lines()) {
                assert_eq!(before, after, "{desk:?}, {}", rollout.file.display());
            }
            assert_eq!(before, after, "{desk:?}, {}", rollout.file.display());
        }
    }
}

/// A spreadsheet writes the starter's `_clientAccessAllowed` and `_deactivated`, which nothing reads, in its own language.
fn access(planned: &str) -> String {
    [("TRUE", "true"), ("WAHR", "true"), ("FALSE", "false"), ("FALSCH", "false")]
        .iter()
        .fold(planned.to_owned(), |text, (theirs, ours)| {
            text.replace(&format!(",{theirs},"), &format!(",{ours},"))
        })
}

/// Puts the files as a spreadsheet saved them in the places of those that it opened.
fn save(folder: &Folder, desk: Desk, files: &[PathBuf], originals: &[Vec<u8>]) {
    for (file, original) in files.iter().zip(originals) {
        fs::write(file, original).unwrap();
    }
    let to = tempfile::tempdir_in(folder.path("")).unwrap();
    for (place, saved) in desk.save(files, to.path()).into_iter().enumerate() {
        let text = fs::read(saved).unwrap();
        assert_ne!(text, originals[place], "{desk:?} wrote it anew: no mark, or other ends of lines");
        fs::write(&files[place], text).unwrap();
    }
}
