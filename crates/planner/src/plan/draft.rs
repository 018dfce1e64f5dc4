//! A plan that isn't whole yet: lines as they come, then waves, guards and the seal.
//!
//! A thread of its own takes the lines down, so that the next can be made meanwhile.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use orgwave_core::durable::folder_synced;
use orgwave_core::plan::{
    Footer, Guard, GuardKind, Header, IdleRemovals, PlanLine, PlanWriter, Sealed, Verdict, WaveCount,
};
use orgwave_core::policy::Waves;
use orgwave_core::secret::SealKey;

use super::open::{OpenPlan, OrgId};
use super::spool::{Spool, Spooled};
use crate::error::Error;

/// How many lines are handed on together, fewer where they have many fields: a thread that is woken for each line is
/// slower than none, and one that is behind by many long ones holds them all.
const BATCH: usize = 16;
const FIELDS: usize = 1_000;
/// How many batches may wait.
const WAITING: usize = 1;

/// Lines, each with the place of its org.
type Batch = Vec<(u32, PlanLine)>;

/// The lines of a plan that are there so far, in any order.
pub struct Draft {
    batch: Batch,
    /// Those that are to be written.
    orgs: Vec<OrgId>,
    /// In the batch.
    fields: usize,
    lines: SyncSender<Batch>,
    thread: JoinHandle<io::Result<TakenDown>>,
}

/// The lines as they lie in the spool.
struct TakenDown {
    spool: Spool,
    /// How many orgs trip each guard.
    tripped: BTreeMap<GuardKind, u64>,
    /// How many orgs have an addition whose key is a live one under another spelling.
    respelled: u64,
    idle_removals: Option<IdleRemovals>,
}

impl TakenDown {
    fn all(mut self, lines: &Receiver<Batch>) -> io::Result<Self> {
        for (index, line) in lines.iter().flatten() {
            if line.verdict == Verdict::Update {
                for kind in GuardKind::ALL.into_iter().filter(|kind| kind.trips(&line)) {
                    *self.tripped.entry(kind).or_default() += 1;
                }
                self.respelled += u64::from(line.additions.iter().any(|key| key.respelled));
            }
            self.idle(&line);
            self.spool.put(index, line)?;
        }
        Ok(self)
    }
}

impl TakenDown {
    fn idle(&mut self, line: &PlanLine) {
        let Some(first) = line.idle_removals.iter().find(|key| key.respelled).or(line.idle_removals.first())
        else {
            return;
        };
        let idle = self.idle_removals.get_or_insert_default();
        if idle.orgs == 0 || first.respelled && idle.respelled == 0 {
            idle.example = format!("line {}, {first}", line.line);
        }
        idle.orgs += 1;
        idle.respelled += u64::from(first.respelled);
    }
}

impl Draft {
    /// A draft whose lines are kept in this folder for a while.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        let begun = Spool::in_folder(folder).and_then(|spool| {
            let (lines, taken) = sync_channel(WAITING);
            let down = TakenDown { spool, tripped: BTreeMap::new(), respelled: 0, idle_removals: None };
            let thread = thread::Builder::new().name("draft".to_owned()).spawn(move || down.all(&taken))?;
            Ok(Self { batch: Vec::with_capacity(BATCH), orgs: Vec::new(), fields: 0, lines, thread })
        });
        begun.map_err(|source| Error::Write { path: folder.to_owned(), source })
    }

    /// Takes in the line of the org with this place. What goes wrong comes out at the end.
    pub fn put(&mut self, index: u32, line: PlanLine) {
        self.fields += line.fields.len();
        if line.verdict == Verdict::Update {
            self.orgs.push(*line.org.as_bytes());
        }
        self.batch.push((index, line));
        if self.batch.len() == BATCH || self.fields >= FIELDS {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        self.fields = 0;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        // A thread that is gone has met an error, which `finish` tells.
        let _ = self.lines.send(batch);
    }

    /// Writes the plan to `path`, durably: its lines in the manifest's order, each with its wave.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(mut self, header: Header, seal: &SealKey, path: &Path) -> Result<OpenPlan, Error> {
        let cannot_write = |source| Error::Write { path: path.to_owned(), source };
        self.hand_on();
        drop(self.lines);
        let taken = self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let TakenDown { spool, tripped, respelled, idle_removals } = taken.map_err(cannot_write)?;
        let guards = tripped
            .into_iter()
            .map(|(kind, orgs)| match kind {
                GuardKind::Additions => Guard { respelled, ..Guard::new(kind, orgs, seal) },
                _ => Guard::new(kind, orgs, seal),
            })
            .collect();
        let spooled = spool.finish().map_err(cannot_write)?;
        let footer = Footer { guards, idle_removals, ..Footer::default() };
        let plan = write(&spooled, header, footer, path, seal).map_err(cannot_write)?;
        sync_folder(folder_of(path))?;
        Ok(OpenPlan { orgs: self.orgs, ..plan })
    }
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names in a folder durable.
fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|folder| folder_synced(folder.sync_all()))
        .map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Creates a file that only its owner can read.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Writes the lines in the manifest's order, each with its wave.
fn write(
    spooled: &Spooled,
    header: Header,
    mut footer: Footer,
    path: &Path,
    seal: &SealKey,
) -> io::Result<OpenPlan> {
    let updates = spooled.updates().count() as u64;
    let mut dealer = Dealer::new(header.waves.as_ref(), spooled);
    footer.updates = updates;
    let mut counts: BTreeMap<u32, WaveCount> = BTreeMap::new();
    let out = BufWriter::with_capacity(1 << 16, create_private(path)?);
    let mut writer = PlanWriter::begin(out, &header, seal)?;
    let mut index = Vec::new();
    spooled.each_line(|line| {
        footer.lines += 1;
        footer.judged += u64::from(matches!(line.verdict, Verdict::Update | Verdict::Unchanged));
        let wave = (line.verdict == Verdict::Update).then(|| dealer.deal(line.wave));
        if let Some(wave) = wave {
            let pinned = line.wave.is_some();
            counts.entry(wave).or_insert(WaveCount { wave, orgs: 0, pinned }).orgs += 1;
        }
        index.push(writer.placed(line.json, line.verdict, wave)?);
        Ok(())
    })?;
    footer.waves = counts.into_values().collect();
    let Sealed { out, seal } = writer.finish(&footer)?;
    out.get_ref().sync_all()?;
    Ok(OpenPlan { header, footer, seal, index, orgs: Vec::new() })
}

/// Deals waves out to the orgs that are to be written, in the manifest's order: pinned orgs keep the wave that the
/// manifest gives them, and the others share the waves after the last pinned one.
struct Dealer {
    /// The sizes of the waves that haven't begun.
    sizes: std::vec::IntoIter<u64>,
    /// The current wave, and how many orgs it still takes.
    wave: u32,
    left: u64,
}

impl Dealer {
    fn new(waves: Option<&Waves>, spooled: &Spooled) -> Self {
        let unpinned = spooled.updates().filter(Option::is_none).count() as u64;
        let last_pinned = spooled.updates().flatten().max().unwrap_or(0);
        let waves = waves.cloned().unwrap_or_default();
        Self { sizes: waves.split(unpinned).into_iter(), wave: last_pinned, left: 0 }
    }

    fn deal(&mut self, pinned: Option<u32>) -> u32 {
        if let Some(wave) = pinned {
            return wave;
        }
        if self.left == 0 {
            self.wave += 1;
            self.left = self.sizes.next().unwrap_or(u64::MAX);
        }
        self.left -= 1;
        self.wave
    }
}
