//! The log beside the file, looked through before SQLite opens it.
//!
//! SQLite reads its log up to the first frame that doesn't verify, and believes that the rest never was. After a power
//! cut that is right: each commit is synced before the next one begins, so one transaction at most is torn. Where more
//! commits lie behind the first bad frame, they were durable once, and someone may have acted on them: damage.
//!
//! Only the format that SQLite documents is read here, and nothing is written or locked. A lost end can't be found; that
//! the whole log is lost can, since the file itself says whether its run has ended: see [`holds_frames`].

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::JournalError;

/// The log's header: magic, version, page size, checkpoints, two salts, two checksums; 32 bits each, big-endian.
const HEADER: usize = 32;
/// A frame's own header: page, commit size, two salts, two checksums. The page follows.
const FRAME_HEADER: usize = 24;
/// The magic; its last bit says that checksums are over big-endian words.
const MAGIC: u32 = 0x377f_0682;
/// The page size that SQLite gives a file by itself: walks a log whose header can't be believed.
const PAGE: usize = 4096;
/// How often a log is looked through that changes meanwhile.
const LOOKS: usize = 5;

/// Where the log of a journal is.
fn beside(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Whether there is a log with more than a header. As long as the newest entry isn't the end of a process there must be:
/// the store folds a process's first commit into the file at once, and the log away only after its end is durable.
///
/// A reader makes an empty log where there is none, so that one that is there proves nothing.
pub(crate) fn holds_frames(journal: &Path) -> Result<bool, JournalError> {
    match fs::metadata(beside(journal)) {
        Ok(log) => Ok(log.len() > HEADER as u64),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(JournalError::io("look for the journal's log")(error)),
    }
}

/// Makes sure that no commit of the log is lost behind a bad frame.
///
/// A writer may append or begin the log anew meanwhile. What is appended was written before what lies behind it, so a
/// second look finds it whole; a log begun anew has another header. Only what stays as bad as it was is damage.
pub(crate) fn check(journal: &Path) -> Result<(), JournalError> {
    let log = beside(journal);
    let mut before = None;
    for _ in 0..LOOKS {
        let found = match File::open(&log).and_then(|file| look(BufReader::with_capacity(1 << 18, file))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found.map_err(JournalError::io("read the journal's log"))?,
        };
        let Some(bad) = found else { return Ok(()) };
        if before.as_ref().is_some_and(|before| bad.is_where(before)) {
            return Err(JournalError::damaged(bad.to_string()));
        }
        before = Some(bad);
    }
    Ok(())
}

/// Where a log is damaged.
struct Bad {
    header: [u8; HEADER],
    /// Counted from 1; 0 is the header.
    frame: usize,
    /// Commits from there on.
    commits: usize,
}

impl Bad {
    fn is_where(&self, other: &Self) -> bool {
        (self.header, self.frame) == (other.header, other.frame)
    }
}

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let commits = self.commits;
        match self.frame {
            0 => write!(f, "its log, run.db-wal, has a bad header, and {commits} commits behind it"),
            frame => write!(f, "its log, run.db-wal, is bad at frame {frame}, with {commits} commits lost"),
        }
    }
}

/// Looks a log through, once.
fn look(mut log: impl Read) -> io::Result<Option<Bad>> {
    let mut header = [0; HEADER];
    if !fill(&mut log, &mut header)? {
        return Ok(None);
    }
    let big_endian = word(&header, 0) & 1 == 1;
    let mut sum = Sum { big_endian, sums: (0, 0) };
    sum.add(&header[..24]);
    let page = word(&header, 8) as usize;
    let verifies = word(&header, 0) & !1 == MAGIC
        && sum.is(&header[24..])
        && (512..=65_536).contains(&page)
        && page.is_power_of_two();
    let mut salts = verifies.then(|| header[16..24].to_owned());
    let mut bad = (!verifies).then_some(0);
    let mut commits = 0;
    let mut frame = vec![0; FRAME_HEADER + if verifies { page } else { PAGE }];
    let mut number = 0;
    while fill(&mut log, &mut frame)? {
        number += 1;
        let (head, page) = frame.split_at(FRAME_HEADER);
        // Without a header to be believed, the first frame says what the others must have.
        let is_current = *salts.get_or_insert_with(|| head[8..16].to_owned()) == head[8..16];
        if bad.is_none() {
            sum.add(&head[..8]);
            sum.add(page);
            if !is_current || word(head, 0) == 0 || !sum.is(&head[16..]) {
                bad = Some(number);
            }
        }
        if bad.is_some() && is_current && word(head, 4) != 0 {
            commits += 1;
        }
    }
    Ok(bad.filter(|_| commits >= 2).map(|frame| Bad { header, frame, commits }))
}

/// Fills a buffer. Whether there was enough.
fn fill(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes are four bytes"))
}

/// SQLite's checksum over all that came so far.
struct Sum {
    big_endian: bool,
    sums: (u32, u32),
}

impl Sum {
    /// Adds pairs of words.
    fn add(&mut self, bytes: &[u8]) {
        let word = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let (mut first, mut second) = self.sums;
        for &[a, b, c, d, e, f, g, h] in bytes.as_chunks().0 {
            first = first.wrapping_add(word([a, b, c, d])).wrapping_add(second);
            second = second.wrapping_add(word([e, f, g, h])).wrapping_add(first);
        }
        self.sums = (first, second);
    }

    /// Whether it is what is here.
    fn is(&self, stored: &[u8]) -> bool {
        self.sums == (word(stored, 0), word(stored, 4))
    }
}
