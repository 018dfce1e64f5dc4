//! What the journal costs on this machine: the price of a sync, and entries a second at several concurrencies.
//!
//! `cargo run --release -p orgwave-journal --example throughput [FOLDER]`. Each org is an intent that is waited
//! for, a step and an outcome that ride along; as many intents are outstanding as the line says. Nothing is
//! sent anywhere, so this is the journal alone.

#![expect(clippy::print_stdout, reason = "an example prints what it measured")]

#[expect(dead_code, reason = "the story has more to tell than is needed here")]
#[path = "../tests/story/mod.rs"]
mod story;

use std::collections::VecDeque;
use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use orgwave_journal::Stored;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = Path::new(&folder);
    let each = sync_cost(folder)?;
    println!("write 4 KiB and sync: {:.0} us", each * 1e6);
    for (in_flight, orgs) in [(1, 500), (16, 5_000), (64, 20_000), (256, 20_000)] {
        let dir = tempfile::tempdir_in(folder)?;
        let seconds = run(dir.path(), in_flight, orgs)?;
        println!(
            "{in_flight:>4} in flight: {:>7.0} orgs/s, {:>7.0} entries/s, {:>6.1} orgs in the time of one sync",
            f64::from(orgs) / seconds,
            f64::from(3 * orgs) / seconds,
            each * f64::from(orgs) / seconds,
        );
        let begun = Instant::now();
        let stored = Stored::open_read_only(&dir.path().join(orgwave_journal::FILE_NAME))?;
        let settled = stored.records()?.iter().filter(|(_, record)| record.is_settled()).count();
        println!("      replay of {settled} orgs: {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

fn sync_cost(folder: &Path) -> Result<f64, Box<dyn Error>> {
    const SYNCS: u32 = 200;
    let mut file: File = tempfile::tempfile_in(folder)?;
    let begun = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
    }
    Ok(begun.elapsed().as_secs_f64() / f64::from(SYNCS))
}

/// Seconds until all is durable.
fn run(dir: &Path, in_flight: usize, orgs: u32) -> Result<f64, Box<dyn Error>> {
    let journal = story::publish(dir, orgs);
    // Made beforehand: an executor has them from the plan.
    let mut ready: VecDeque<_> = (0..orgs).map(story::applied).collect();
    let (sender, acknowledged) = mpsc::channel();
    let mut waiting = VecDeque::new();
    let begun = Instant::now();
    while !(ready.is_empty() && waiting.is_empty()) {
        while waiting.len() < in_flight
            && let Some([intent, rest @ ..]) = ready.pop_front()
        {
            let sender = sender.clone();
            // The receiver lives as long as the loop.
            journal.record_durably(intent, Box::new(move |result| drop(sender.send(result))));
            waiting.push_back(rest);
        }
        let mut answer = Some(acknowledged.recv()?);
        while let Some(result) = answer {
            result?;
            for entry in waiting.pop_front().into_iter().flatten() {
                journal.record(entry);
            }
            answer = acknowledged.try_recv().ok();
        }
    }
    journal.flush()?;
    Ok(begun.elapsed().as_secs_f64())
}
