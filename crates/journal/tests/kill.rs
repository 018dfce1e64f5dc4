//! Processes that are killed while they write: what they had acknowledged is there, and the rest is sound.
//!
//! This binary starts itself in the role of the writer, so it has a main of its own. A kill leaves the kernel's page
//! cache alone: that syncs come before acknowledgements is the order of the code, and is tested by failing them.

#![expect(clippy::print_stdout, reason = "the writer reports on stdout, and so does a test's main")]

#[expect(dead_code, reason = "the story has more to tell than is needed here")]
mod story;

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use orgwave_core::org::Entry;
use orgwave_journal::{FILE_NAME, SqliteJournal, Stored};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// How often each of the two is killed.
const KILLS: u32 = 20;
/// Orgs that a writer gets through if it isn't killed: enough for the log to be folded in on the way.
const ORGS: u32 = 5_000;
/// Intents that wait for their acknowledgement at any time.
const IN_FLIGHT: u32 = 64;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", path, first] => write(Path::new(path), first.parse()?),
        ["publish", dir] => publish(Path::new(dir)),
        // As the standard harness does with names that don't fit its filter.
        [filter, ..] if !filter.starts_with('-') && !"kill".contains(filter) => Ok(()),
        _ => {
            let mut seed = [7; 32];
            seed[0] = 1;
            let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
            what_was_acknowledged_survives(&mut random)?;
            println!("what was acknowledged survives {KILLS} kills: ok");
            a_journal_has_its_name_or_is_none(&mut random)?;
            println!("a journal has its name, or is none, after {KILLS} kills: ok");
            Ok(())
        }
    }
}

/// The writer: resumes a journal, reports each org whose intent is acknowledged, and applies it.
fn write(path: &Path, first: u32) -> Result<()> {
    let journal = SqliteJournal::open(path)?;
    journal.record(Entry::Began { at: story::at(0) });
    let (sender, acknowledged) = mpsc::channel();
    let applied = |index: u32| -> Result<()> {
        report(index)?;
        let [_, rest @ ..] = story::applied(index);
        story::tell(&journal, rest);
        Ok(())
    };
    let mut waiting = 0;
    for index in first..first + ORGS {
        let sender = sender.clone();
        let done = move |result: std::result::Result<(), _>| {
            // The receiver lives as long as the loop.
            let _ = sender.send(result.map(|()| index));
        };
        journal.record_durably(story::intent(index), Box::new(done));
        waiting += 1;
        while waiting >= IN_FLIGHT {
            applied(acknowledged.recv()??)?;
            waiting -= 1;
        }
    }
    for _ in 0..waiting {
        applied(acknowledged.recv()??)?;
    }
    Ok(())
}

/// The publisher: makes one run's folder after the other, and reports each whose journal has its name.
fn publish(dir: &Path) -> Result<()> {
    for run in 0.. {
        let folder = dir.join(run.to_string());
        std::fs::create_dir(&folder)?;
        let journal = SqliteJournal::create(&folder, &story::header(run))?.publish()?;
        report(run)?;
        drop(journal);
    }
    Ok(())
}

fn report(number: u32) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{number}")?;
    Ok(out.flush()?)
}

fn start(role: &[&str]) -> Result<(Child, BufReader<ChildStdout>)> {
    let mut child = Command::new(std::env::current_exe()?).args(role).stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().ok_or("a child without stdout")?;
    Ok((child, BufReader::new(out)))
}

/// Kills a child once it has reported so often, and gives all that it had reported when it died.
fn kill_after(reports: u32, role: &[&str]) -> Result<BTreeSet<u32>> {
    let (mut child, out) = start(role)?;
    let mut reported = BTreeSet::new();
    for line in out.lines() {
        reported.insert(line?.parse()?);
        if reported.len() == reports as usize {
            child.kill()?;
        }
    }
    let status = child.wait()?;
    if !status.success() && reported.len() < reports as usize {
        return Err(format!("the child died by itself: {status}").into());
    }
    Ok(reported)
}

fn what_was_acknowledged_survives(random: &mut TestRng) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join(FILE_NAME);
    drop(story::publish(dir.path(), KILLS * ORGS));
    let path_text = path.to_str().ok_or("a folder that is no text")?;
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        let reports = 1 + random.next_u32() % ORGS;
        let first = (kill * ORGS).to_string();
        acknowledged.extend(kill_after(reports, &["write", path_text, &first])?);

        let stored = Stored::open_read_only(&path)?;
        let records = stored.records()?;
        let found: BTreeSet<u32> =
            records.iter().filter(|(_, record)| record.had_intent()).map(|(id, _)| id.org).collect();
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "kill {kill} after {reports} reports lost {lost:?}");
    }
    Ok(())
}

fn a_journal_has_its_name_or_is_none(random: &mut TestRng) -> Result<()> {
    for kill in 0..KILLS {
        let dir = tempfile::tempdir()?;
        let dir_text = dir.path().to_str().ok_or("a folder that is no text")?;
        let published = kill_after(1 + random.next_u32() % 8, &["publish", dir_text])?;
        let mut named = BTreeSet::new();
        for folder in std::fs::read_dir(dir.path())? {
            let folder: PathBuf = folder?.path();
            let run: u32 =
                folder.file_name().and_then(|name| name.to_str()).ok_or("a strange name")?.parse()?;
            let path = folder.join(FILE_NAME);
            if path.exists() {
                assert_eq!(Stored::open_read_only(&path)?.header(), &story::header(run), "kill {kill}");
                SqliteJournal::open(&path)?.flush()?;
                named.insert(run);
            }
        }
        assert!(
            published.is_subset(&named),
            "kill {kill}: {published:?} were published, {named:?} are there"
        );
    }
    Ok(())
}
