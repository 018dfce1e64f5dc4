//! A plan that isn't whole yet: lines as they come, then waves, guards and the seal.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use orgwave_core::durable::folder_synced;
use orgwave_core::plan::{
    Footer, Guard, GuardKind, Header, IdleRemovals, Places, PlanLine, PlanWriter, Sealed, Verdict, WaveCount,
};
use orgwave_core::policy::Waves;
use orgwave_core::secret::SealKey;
use orgwave_core::status::Status;

use super::open::{OpenPlan, OrgId};
use crate::error::Error;
use crate::spool::Spool;

/// The lines of a plan that are there so far, in any order.
#[derive(Debug)]
pub struct Draft {
    /// Without their waves, by the places of their orgs.
    spool: Spool<Mark>,
    /// Those that are to be written.
    orgs: Vec<OrgId>,
    /// How many orgs trip each guard.
    tripped: BTreeMap<GuardKind, u64>,
    /// How many orgs have an addition whose key is a live one under another spelling.
    respelled: u64,
    idle_removals: Option<IdleRemovals>,
    /// Why a line could not be kept.
    failed: Option<io::Error>,
}

/// What an org's wave depends on.
#[derive(Debug, Clone, Copy)]
struct Mark {
    verdict: Verdict,
    updates: Places,
    rest: Option<Status>,
    /// The manifest's own.
    wave: Option<u32>,
}

impl Draft {
    /// A draft whose lines are kept in this folder for a while.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        let spool =
            Spool::in_folder(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        Ok(Self {
            spool,
            orgs: Vec::new(),
            tripped: BTreeMap::new(),
            respelled: 0,
            idle_removals: None,
            failed: None,
        })
    }

    /// Takes in the line of the org with this place. What goes wrong comes out at the end.
    pub fn put(&mut self, index: u32, mut line: PlanLine) {
        if line.verdict == Verdict::Update {
            self.orgs.push(*line.org.as_bytes());
            for kind in GuardKind::tripped_by(&line) {
                *self.tripped.entry(kind).or_default() += 1;
            }
            let mut additions = line.steps.iter().flat_map(|step| &step.additions);
            self.respelled += u64::from(additions.any(|key| key.respelled));
        }
        self.idle(&line);
        let mark = Mark {
            verdict: line.verdict,
            updates: line.updates(),
            rest: line.rest(),
            wave: line.wave.take(),
        };
        if let Err(error) = self.spool.put(index.into(), &line, mark) {
            self.failed.get_or_insert(error);
        }
    }

    fn idle(&mut self, line: &PlanLine) {
        let removals = || line.steps.iter().flat_map(|step| &step.idle_removals);
        let Some(first) = removals().find(|key| key.respelled).or_else(|| removals().next()) else { return };
        let idle = self.idle_removals.get_or_insert_default();
        if idle.orgs == 0 || first.respelled && idle.respelled == 0 {
            idle.example = format!("line {}, {first}", line.line);
        }
        idle.orgs += 1;
        idle.respelled += u64::from(first.respelled);
    }

    /// Writes the plan to `path`, durably: its lines in the manifest's order, each with its wave.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(self, header: Header, seal: &SealKey, path: &Path) -> Result<OpenPlan, Error> {
        let plan = self
            .write(header, seal, path)
            .map_err(|source| Error::Write { path: path.to_owned(), source })?;
        sync_folder(folder_of(path))?;
        Ok(plan)
    }

    fn write(self, header: Header, seal: &SealKey, path: &Path) -> io::Result<OpenPlan> {
        let Self { mut spool, orgs, tripped, respelled, idle_removals, failed } = self;
        failed.map_or(Ok(()), Err)?;
        let guard = |(kind, orgs)| match kind {
            GuardKind::Additions => Guard { respelled, ..Guard::new(kind, orgs, seal) },
            _ => Guard::new(kind, orgs, seal),
        };
        let guards = tripped.into_iter().map(guard).collect();
        let mut footer = Footer { updates: orgs.len() as u64, guards, idle_removals, ..Footer::default() };
        let mut dealer = Dealer::new(header.waves.as_ref(), &spool);
        let mut counts: BTreeMap<u32, WaveCount> = BTreeMap::new();
        let out = BufWriter::with_capacity(1 << 16, create_private(path)?);
        let mut writer = PlanWriter::begin(out, &header, seal)?;
        let mut index = Vec::new();
        for line in spool.records()? {
            let (place, json, Mark { verdict, updates, rest, wave: pinned }) = line?;
            if place != footer.lines {
                return Err(io::Error::other("an org has no line"));
            }
            footer.lines += 1;
            footer.judged += u64::from(matches!(verdict, Verdict::Update | Verdict::Unchanged));
            let wave = (verdict == Verdict::Update).then(|| dealer.deal(pinned));
            if let Some(wave) = wave {
                let pinned = pinned.is_some();
                counts.entry(wave).or_insert(WaveCount { wave, orgs: 0, pinned }).orgs += 1;
            }
            index.push(writer.placed(&json, verdict, updates, rest, wave)?);
        }
        footer.waves = counts.into_values().collect();
        let Sealed { out, seal } = writer.finish(&footer)?;
        out.get_ref().sync_all()?;
        Ok(OpenPlan { header, footer, seal, index, orgs })
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
    fn new(waves: Option<&Waves>, lines: &Spool<Mark>) -> Self {
        let updates = || lines.marks().filter(|mark| mark.verdict == Verdict::Update).map(|mark| mark.wave);
        let unpinned = updates().filter(Option::is_none).count() as u64;
        let last_pinned = updates().flatten().max().unwrap_or(0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_orgs_keep_their_waves_and_the_others_share_those_after_the_last() {
        let mut lines = Spool::in_folder(&std::env::temp_dir()).unwrap();
        let rows = [
            (Verdict::Update, None),
            (Verdict::Unchanged, Some(9)),
            (Verdict::Update, Some(2)),
            (Verdict::Update, None),
            (Verdict::Blocked, None),
            (Verdict::Update, None),
        ];
        for (place, (verdict, wave)) in (0..).zip(rows) {
            lines
                .put(
                    place,
                    &(),
                    Mark { verdict, updates: Places::first(verdict), rest: verdict.status(), wave },
                )
                .unwrap();
        }
        let waves = "1,rest".parse().unwrap();
        let mut dealer = Dealer::new(Some(&waves), &lines);
        let updates = rows.into_iter().filter(|(verdict, _)| *verdict == Verdict::Update);
        assert_eq!(updates.map(|(_, pinned)| dealer.deal(pinned)).collect::<Vec<_>>(), [3, 2, 4, 4]);
    }
}
