//! The lines of an open plan, one at a time, for the executor.
//!
//! A fast run waits for the one loop that asks for them, so that they are read and parsed ahead by a thread of their
//! own, in the order in which orgs usually begin. What is asked for out of this order is read at once.

use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use orgwave_core::desired::Wish;
use orgwave_core::plan::{IndexEntry, PlanLine};
use orgwave_core::run::Exit;
use orgwave_core::secret::{SealKey, Secrets};
use orgwave_executor::ports::PlanSource;

use crate::failure::Failure;

/// Lines that lie ready at most.
const AHEAD: usize = 16;

/// The lines of the plan that is executed.
#[derive(Debug)]
pub struct PlanLines {
    file: Arc<File>,
    index: Arc<[IndexEntry]>,
    ahead: Mutex<Ahead>,
}

/// What the thread has parsed.
#[derive(Debug)]
struct Ahead {
    lines: Receiver<Parsed>,
    /// Taken from there, and not asked for yet.
    next: Option<Parsed>,
}

#[derive(Debug)]
struct Parsed {
    org: u32,
    line: io::Result<PlanLine>,
}

impl PlanLines {
    /// The lines of the plan in this file, at these places. Those of orgs that are done aren't prepared.
    ///
    /// # Errors
    /// 66: the file can't be opened. 74: there is no thread to be had.
    pub fn open(path: &Path, index: Vec<IndexEntry>, is_done: impl Fn(u32) -> bool) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| {
            Failure::new(Exit::NoInput, format!("{} can't be opened", path.display())).because(error)
        })?;
        let (file, index) = (Arc::new(file), Arc::<[IndexEntry]>::from(index));
        let mut orgs: Vec<u32> = (0u32..)
            .zip(index.iter())
            .filter(|(org, entry)| entry.verdict.status().is_none() && !is_done(*org))
            .map(|(org, _)| org)
            .collect();
        orgs.sort_by_key(|org| index[*org as usize].wave);
        let (out, lines) = sync_channel(AHEAD);
        let (from, places) = (file.clone(), index.clone());
        thread::Builder::new()
            .name("plan".to_owned())
            .spawn(move || {
                for org in orgs {
                    // Nobody listens any more: the run has ended.
                    if out.send(Parsed { org, line: parse(&from, places[org as usize]) }).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| {
                Failure::new(Exit::CannotWrite, "no thread to read the plan with").because(error)
            })?;
        Ok(Self { file, index, ahead: Mutex::new(Ahead { lines, next: None }) })
    }

    /// Where the orgs are.
    pub fn index(&self) -> &[IndexEntry] {
        &self.index
    }

    /// Whether every secret is the one that the plan was made with.
    ///
    /// # Errors
    /// 12: a secret changed since.
    pub fn check_secrets(line: &PlanLine, secrets: &Secrets, seal: &SealKey) -> Result<(), Failure> {
        for field in &line.fields {
            let Wish::Secret(name) = &field.after else { continue };
            let now =
                secrets.get(name).map(|secret| seal.fingerprint(field.path.field().name, secret.expose()));
            if now != field.fingerprint {
                return Err(Failure::new(
                    Exit::PlanRefused,
                    format!("the secret {name} isn't the one that the plan was made with"),
                )
                .hint("plan again with the secret as it is now"));
            }
        }
        Ok(())
    }

    /// Which of two orgs the thread comes to first.
    fn order(&self, left: u32, right: u32) -> Ordering {
        let place = |org: u32| (self.index[org as usize].wave, org);
        place(left).cmp(&place(right))
    }
}

impl PlanSource for PlanLines {
    fn load(&self, org: u32) -> io::Result<PlanLine> {
        let entry = *self.index.get(org as usize).ok_or_else(|| io::Error::other("beyond the plan"))?;
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(parsed) = ahead.next.take().or_else(|| ahead.lines.recv().ok()) {
            match self.order(parsed.org, org) {
                Ordering::Less => {}
                Ordering::Equal => return parsed.line,
                Ordering::Greater => {
                    ahead.next = Some(parsed);
                    break;
                }
            }
        }
        parse(&self.file, entry)
    }
}

/// Reads a line where it stands.
fn parse(file: &File, entry: IndexEntry) -> io::Result<PlanLine> {
    let mut buffer = vec![0; entry.length as usize];
    file.read_exact_at(&mut buffer, entry.offset)?;
    let line = std::str::from_utf8(&buffer).map_err(io::Error::other)?;
    Ok(serde_json::from_str(line)?)
}

#[cfg(test)]
mod tests {
    use orgwave_core::ids::Ruuid;
    use orgwave_core::plan::Verdict;
    use serde_json::json;

    use super::*;

    /// A file of lines, one for each wave given; those of wave 0 aren't to be written.
    fn lines(waves: &[u32]) -> (tempfile::NamedTempFile, Vec<IndexEntry>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut index = Vec::new();
        let mut text = String::new();
        for (number, wave) in (0u8..).zip(waves) {
            let verdict = if *wave == 0 { Verdict::Unchanged } else { Verdict::Update };
            let org = Ruuid::from_bytes([number; 16]);
            let json = json!({"line": number, "org": org, "verdict": verdict, "action": verdict.action(),
                "typed": {"row": [org]}});
            let json = format!("{json}\n");
            let (offset, length) = (text.len() as u64, u32::try_from(json.len()).unwrap());
            index.push(IndexEntry { offset, length, wave: *wave, verdict });
            text += &json;
        }
        std::fs::write(file.path(), text).unwrap();
        (file, index)
    }

    fn load(plan: &PlanLines, orgs: &[u32]) {
        for org in orgs {
            assert_eq!(plan.load(*org).unwrap().line, u64::from(*org));
        }
    }

    #[test]
    fn whatever_is_asked_for_in_whatever_order_is_found() {
        let waves: Vec<u32> = (0..60).map(|org| [2, 1, 0, 3, 1][org % 5]).collect();
        let (file, index) = lines(&waves);
        let all: Vec<u32> = (0..60).collect();
        let mut usual: Vec<u32> = all.iter().copied().filter(|org| waves[*org as usize] > 0).collect();
        usual.sort_by_key(|org| waves[*org as usize]);
        let backwards: Vec<u32> = all.iter().copied().rev().collect();
        let with_doubt_first: Vec<u32> = [50, 3].iter().chain(&usual).copied().collect();
        for order in [&usual, &all, &backwards, &with_doubt_first] {
            let plan = PlanLines::open(file.path(), index.clone(), |_| false).unwrap();
            load(&plan, order);
        }
        let resumed = PlanLines::open(file.path(), index.clone(), |org| org % 3 == 0).unwrap();
        load(&resumed, &usual.iter().copied().filter(|org| org % 3 != 0).collect::<Vec<_>>());
        load(&resumed, &all);
    }

    #[test]
    fn a_line_that_is_none_is_told_when_it_is_asked_for() {
        let (file, mut index) = lines(&[1, 1, 1]);
        index[1].length -= 3;
        let plan = PlanLines::open(file.path(), index, |_| false).unwrap();
        load(&plan, &[0]);
        assert!(plan.load(1).is_err());
        load(&plan, &[2]);
        assert!(plan.load(3).is_err());
    }
}
