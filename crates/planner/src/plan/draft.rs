//! A plan in the making: lines as they come, written as soon as it is their turn; at the end waves, guards and the seal.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::durable::folder_synced;
use orgwave_core::plan::{
    Dealer, Footer, Guard, GuardKind, Header, IdleRemovals, IndexEntry, PlanLine, PlanWriter, Sealed,
    Verdict, WaveCount,
};
use orgwave_core::secret::SealKey;
use tempfile::NamedTempFile;

use super::open::{OpenPlan, OrgId};
use crate::error::Error;
use crate::spool::{SpoolFile, Spooled};

/// How many bytes of lines are held in memory until it is their turn. An org that has to wait, be it for a quarter of an
/// hour, makes those behind it wait, and these must not take more.
const MOST_HELD: usize = 4 << 20;

/// The lines of a plan that are there so far.
#[derive(Debug)]
pub struct Draft<'a> {
    path: PathBuf,
    seal: &'a SealKey,
    header: Header,
    writer: PlanWriter<NamedTempFile>,
    /// What is written. Waves are dealt at the end.
    index: Vec<IndexEntry>,
    /// The waves that the manifest pins orgs to, of those that are to be written.
    pins: Vec<Option<u32>>,
    /// What waits for its turn, by the places of the orgs.
    held: BTreeMap<u32, Held>,
    /// How many bytes of it are in memory ...
    held_bytes: usize,
    /// ... and where the others are.
    spool: Option<SpoolFile>,
    /// Those that are to be written.
    orgs: Vec<OrgId>,
    /// How many orgs trip each guard.
    tripped: BTreeMap<GuardKind, u64>,
    /// How many orgs have an addition whose key is a live one under another spelling.
    respelled: u64,
    idle_removals: Option<IdleRemovals>,
    /// Why a line could not be written.
    failed: Option<io::Error>,
}

/// A line that came before its turn.
#[derive(Debug)]
struct Held {
    entry: IndexEntry,
    pin: Option<u32>,
    json: Json,
}

#[derive(Debug)]
enum Json {
    Here(Box<[u8]>),
    Spooled(Spooled),
}

impl<'a> Draft<'a> {
    /// A draft of the plan that will be at this path: until it is whole, it has another name beside it.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn begin(path: &Path, header: Header, seal: &'a SealKey) -> Result<Self, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let begun = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".tmp")
            .tempfile_in(folder_of(path))
            .and_then(|file| PlanWriter::begin(file, &header, seal));
        let writer = begun.map_err(|source| Error::Write { path: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            seal,
            header,
            writer,
            index: Vec::new(),
            pins: Vec::new(),
            held: BTreeMap::new(),
            held_bytes: 0,
            spool: None,
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
        } else {
            line.wave = None;
        }
        self.idle(&line);
        if self.failed.is_none() {
            self.failed = self.place(index, &line).err();
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

    /// Writes a line and those that waited for it, or lets it wait.
    fn place(&mut self, index: u32, line: &PlanLine) -> io::Result<()> {
        if index as usize != self.index.len() {
            return self.hold(index, line);
        }
        let entry = self.writer.line(line)?;
        self.placed(entry, line.wave);
        while let Some(next) = self.held.first_entry().filter(|next| *next.key() as usize == self.index.len())
        {
            let Held { entry, pin, json } = next.remove();
            let json = match json {
                Json::Here(json) => {
                    self.held_bytes -= json.len();
                    json
                }
                Json::Spooled(place) => {
                    let spool = self.spool.as_mut().expect("what was spooled is in a spool");
                    spool.get(place)?.into()
                }
            };
            let entry = self.writer.written(&json, entry)?;
            self.placed(entry, pin);
        }
        Ok(())
    }

    fn hold(&mut self, index: u32, line: &PlanLine) -> io::Result<()> {
        let mut json = Vec::new();
        line.write_json(&mut json);
        let json = if self.held_bytes + json.len() <= MOST_HELD {
            self.held_bytes += json.len();
            Json::Here(json.into())
        } else {
            if self.spool.is_none() {
                self.spool = Some(SpoolFile::in_folder(folder_of(&self.path))?);
            }
            Json::Spooled(self.spool.as_mut().expect("it was just made").put(&json)?)
        };
        let held = Held { entry: IndexEntry::of(line), pin: line.wave, json };
        match self.held.insert(index, held) {
            None if index as usize > self.index.len() => Ok(()),
            _ => Err(io::Error::other("an org has two lines")),
        }
    }

    fn placed(&mut self, entry: IndexEntry, pin: Option<u32>) {
        if entry.verdict == Verdict::Update {
            self.pins.push(pin);
        }
        self.index.push(entry);
    }

    /// Ends the plan, and gives it its name, durably.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(self) -> Result<OpenPlan, Error> {
        let path = self.path.clone();
        let plan = self.end().map_err(|source| Error::Write { path: path.clone(), source })?;
        sync_folder(folder_of(&path))?;
        Ok(plan)
    }

    fn end(self) -> io::Result<OpenPlan> {
        let Self { path, seal, header, writer, mut index, pins, held, orgs, tripped, respelled, .. } = self;
        self.failed.map_or(Ok(()), Err)?;
        if !held.is_empty() {
            return Err(io::Error::other("an org has no line"));
        }
        let guard = |(kind, orgs)| match kind {
            GuardKind::Additions => Guard { respelled, ..Guard::new(kind, orgs, seal) },
            _ => Guard::new(kind, orgs, seal),
        };
        let is_judged = |entry: &&IndexEntry| matches!(entry.verdict, Verdict::Update | Verdict::Unchanged);
        let waves = WaveCount::all(pins.iter().copied(), &header.waves.clone().unwrap_or_default());
        let footer = Footer {
            lines: index.len() as u64,
            updates: orgs.len() as u64,
            judged: index.iter().filter(is_judged).count() as u64,
            waves,
            guards: tripped.into_iter().map(guard).collect(),
            idle_removals: self.idle_removals,
        };
        let mut dealer = Dealer::new(&footer.waves);
        let updates = index.iter_mut().filter(|entry| entry.verdict == Verdict::Update);
        for (entry, pin) in updates.zip(pins) {
            entry.wave = dealer.deal(pin).ok_or_else(|| io::Error::other("an org has no wave"))?;
        }
        let Sealed { out, seal } = writer.finish(&footer)?;
        out.as_file().sync_all()?;
        out.persist_noclobber(path).map_err(|error| error.error)?;
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

#[cfg(test)]
mod tests {
    use orgwave_core::ids::Ruuid;
    use orgwave_core::operation::{Catalog, Operation, Operations};
    use orgwave_core::plan::{FORMAT, PlanReader, PlannedStep};
    use orgwave_core::policy::{FailureBudget, VerifyPolicy, WriteMode};
    use orgwave_core::secret::{SecretText, key_fingerprint};
    use orgwave_core::timestamp::Timestamp;

    use super::*;

    const PIN: u32 = 3;

    fn seal() -> SealKey {
        SealKey::derive(&SecretText::new("the key".into()), "p1")
    }

    fn header() -> Header {
        Header {
            format: FORMAT,
            plan_id: "p1".into(),
            created: Timestamp::from_millis(1),
            expires: Timestamp::from_millis(2),
            tool: "orgwave 0".into(),
            endpoint: "sandbox".into(),
            key_fingerprint: key_fingerprint(&SecretText::new("the key".into())),
            inputs: Vec::new(),
            operations: Operations::one(Operation::default_one()).digests(),
            keep_going: false,
            write: WriteMode::Merge,
            verify: VerifyPolicy::All,
            waves: Some("1,rest".parse().unwrap()),
            max_failures: FailureBudget::default(),
            columns: Vec::new(),
            carried: Vec::new(),
            sides: Vec::new(),
            settings: [].into(),
            defaults: [].into(),
            operation: None,
            limits: [].into(),
            allow: Vec::new(),
            undoes: None,
            sandbox: None,
        }
    }

    /// One in four isn't to be written, and one in four is pinned; each is as long as is said.
    fn line(index: u32, length: usize) -> PlanLine {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&index.to_be_bytes());
        let verdict = if index % 4 == 1 { Verdict::Blocked } else { Verdict::Update };
        let steps = vec![PlannedStep::new(&Operation::default_one(), 0, verdict)];
        PlanLine {
            wave: (index % 4 < 2).then_some(PIN),
            note: Some("x".repeat(length)),
            steps,
            ..PlanLine::new(u64::from(index) + 2, Ruuid::from_bytes(id), verdict)
        }
    }

    /// The plan of lines that come in this order, and whether some of them had to be spooled.
    fn made(order: &[u32], length: usize) -> (Vec<u8>, OpenPlan, bool) {
        let (folder, seal) = (tempfile::tempdir().unwrap(), seal());
        let path = folder.path().join("p.jsonl");
        let mut draft = Draft::begin(&path, header(), &seal).unwrap();
        for index in order {
            draft.put(*index, line(*index, length));
            assert!(draft.held_bytes <= MOST_HELD);
        }
        let is_spooled = draft.spool.is_some();
        let plan = draft.finish().unwrap();
        let names: Vec<_> =
            folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["p.jsonl"]);
        (std::fs::read(path).unwrap(), plan, is_spooled)
    }

    #[test]
    fn lines_have_the_manifests_order_in_whatever_order_they_come() {
        let in_order: Vec<u32> = (0..200).collect();
        let (bytes, plan, is_spooled) = made(&in_order, 9);
        assert!(!is_spooled, "nothing had to wait");
        let mut reader =
            PlanReader::open_sealed(io::Cursor::new(&bytes), &Catalog::built_in(), |_| seal()).unwrap();
        let mut waves = BTreeMap::new();
        for (index, known) in (0..).zip(&plan.index) {
            let (entry, read) = reader.next_org().unwrap().unwrap();
            assert_eq!(entry, *known);
            let wave = Some(entry.wave).filter(|_| read.verdict == Verdict::Update);
            assert_eq!(read, PlanLine { wave, ..line(index, 9) });
            *waves.entry(wave).or_insert(0) += 1;
        }
        assert!(reader.next_org().unwrap().is_none());
        assert_eq!(waves, [(None, 50), (Some(PIN), 50), (Some(4), 1), (Some(5), 99)].into());

        let late: Vec<u32> = (1..200).chain([0]).collect();
        let swapped: Vec<u32> = (0..100).flat_map(|pair| [2 * pair + 1, 2 * pair]).collect();
        let backwards: Vec<u32> = (0..200).rev().collect();
        for order in [late, swapped, backwards] {
            let (other, others, is_spooled) = made(&order, 9);
            assert!(other == bytes && others.index == plan.index && others.seal == plan.seal);
            assert!(!is_spooled, "what waits is short");
        }
    }

    #[test]
    fn lines_that_wait_for_a_late_org_take_bounded_memory() {
        let length = MOST_HELD / 50;
        let in_order: Vec<u32> = (0..200).collect();
        // The first is late, and another that comes while those behind it wait.
        let late: Vec<u32> = (1..60).chain(61..200).chain([0, 60]).collect();
        let (other, _, is_spooled) = made(&late, length);
        assert!(is_spooled);
        assert!(other == made(&in_order, length).0);
    }

    #[test]
    fn a_plan_with_a_missing_or_repeated_org_leaves_nothing() {
        let seal = seal();
        for order in [&[0, 2][..], &[0, 1, 1], &[0, 2, 2, 1]] {
            let folder = tempfile::tempdir().unwrap();
            let mut draft = Draft::begin(&folder.path().join("p.jsonl"), header(), &seal).unwrap();
            for index in order {
                draft.put(*index, line(*index, 9));
            }
            assert!(draft.finish().is_err(), "{order:?}");
            assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        }
    }

    #[test]
    fn a_plan_takes_no_other_files_name() {
        let (folder, seal) = (tempfile::tempdir().unwrap(), seal());
        let path = folder.path().join("p.jsonl");
        let draft = Draft::begin(&path, header(), &seal).unwrap();
        std::fs::write(&path, "a plan that came first").unwrap();
        assert!(draft.finish().is_err());
        assert_eq!(std::fs::read_to_string(path).unwrap(), "a plan that came first");
    }
}
