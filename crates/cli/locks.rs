//! Which runs never overlap: those with one key at one endpoint, and those that write one org with whatever key.
//!
//! Each run that writes has a file, locked by the kernel for as long as its process lives, however that ends. Its first
//! line says who holds it; the ids of the run's orgs follow, sorted. A run that starts takes the short lock of the
//! registry, compares itself with every file that is held, and is refused (11), or adds its own. A file without
//! a holder is left of a process that died, and is removed.
//!
//! The files are in a folder for the whole machine where there is one; else in the user's own memory.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;
use orgwave_reporter::terminal::clean;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::connect::Partner;
use crate::failure::Failure;

/// Made by packaging, or by the administrator.
const MACHINE: &str = "/var/lib/orgwave";
/// Who adds or looks at files holds its lock meanwhile.
const REGISTRY: &str = "registry.lock";
/// How the files of runs end.
const SUFFIX: &str = "run";
/// How often a lock that is waited for is tried.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// How long the registry's lock is waited for in any case: it is held while a few files are read.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first line of a file is no longer.
const LONGEST_LINE: u64 = 1 << 16;

/// The 16 bytes of an org's id.
pub type OrgId = [u8; 16];

/// The folder with the files of runs.
#[derive(Debug, Clone)]
pub struct Locks {
    folder: PathBuf,
    /// The machine's folder is there, and can't be used.
    unusable: Option<String>,
}

/// Whose runs are kept from overlapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of all users of this machine.
    Machine,
    /// Those of this user on this machine.
    User,
}

/// Who holds a file: its first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    user: String,
    /// Not known while a `resume` looks for its run.
    run: Option<String>,
    /// Key and endpoint, as a digest.
    partner: String,
    /// Where the ids of orgs mean the same orgs.
    realm: String,
}

/// The right to write for one key at one endpoint, and for the orgs that were claimed. Ends when dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    holder: Holder,
    endpoint: String,
    locks: Locks,
    wait: Duration,
}

/// Why a run can't start now.
enum Conflict {
    Registry,
    Key(Holder),
    Orgs { holder: Holder, count: usize },
    Unreadable(PathBuf),
}

impl Locks {
    /// The folder for all users of this machine if it is there and can be used, else one in the user's own memory.
    pub fn find(memory: &Path) -> Self {
        let machine = machine_folder();
        let own = memory.join("locks");
        if !machine.is_dir() {
            return Self { folder: own, unusable: None };
        }
        match tempfile::tempfile_in(&machine) {
            Ok(_) => Self { folder: machine, unusable: None },
            Err(error) => Self { folder: own, unusable: Some(format!("{}: {error}", machine.shown())) },
        }
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Why the machine's folder isn't used, though it is there.
    pub fn unusable(&self) -> Option<&str> {
        self.unusable.as_deref()
    }

    /// Whose runs are kept from overlapping: where only its owner can write into the folder, only the owner's.
    pub fn scope(&self) -> Scope {
        let is_shared =
            |folder: &Path| fs::metadata(folder).is_ok_and(|at| at.permissions().mode() & 0o022 != 0);
        if self.folder == machine_folder() && is_shared(&self.folder) { Scope::Machine } else { Scope::User }
    }

    /// Takes the right to write for this key and endpoint, waiting up to `wait` for it.
    ///
    /// # Errors
    /// 11: another run holds it. 74: the files can't be written.
    pub async fn take(&self, partner: Partner, run: Option<&str>, wait: Duration) -> Result<Lock, Failure> {
        let Partner { endpoint, digest, realm } = partner;
        let run = run.map(ToOwned::to_owned);
        let holder = Holder { pid: std::process::id(), user: user(), run, partner: digest, realm };
        let path = self.folder.join(format!("{:016x}.{SUFFIX}", fastrand::u64(..)));
        let file = self
            .when_free(&endpoint, wait, &path, &holder, &[], || {
                let options =
                    OpenOptions::new().read(true).write(true).create_new(true).mode(0o644).to_owned();
                let file = options.open(&path)?;
                file.try_lock()?;
                write_holder(&file, &holder, &[])?;
                Ok(file)
            })
            .await?;
        Ok(Lock { file, path, holder, endpoint, locks: self.clone(), wait })
    }

    /// Does something while no other run starts, as soon as no run that is in progress conflicts with this one.
    async fn when_free<T>(
        &self,
        endpoint: &str,
        wait: Duration,
        own: &Path,
        holder: &Holder,
        orgs: &[OrgId],
        done: impl Fn() -> io::Result<T>,
    ) -> Result<T, Failure> {
        let cannot_write = |error: io::Error| {
            let failure = Failure::cannot_write(&self.folder, error);
            failure
                .hint("locks need a local disk that this user may write to; --state-dir sets another folder")
        };
        let begun = Instant::now();
        loop {
            let conflict = match self.enter().map_err(cannot_write)? {
                None => Conflict::Registry,
                Some(_registry) => match self.conflict(own, holder, orgs).map_err(cannot_write)? {
                    None => return done().map_err(cannot_write),
                    Some(conflict) => conflict,
                },
            };
            let wait = if matches!(conflict, Conflict::Registry) { wait.max(PATIENCE) } else { wait };
            if begun.elapsed() >= wait {
                return Err(conflict.failure(endpoint));
            }
            sleep(TRY_EVERY).await;
        }
    }

    /// The registry's lock, unless it is held.
    fn enter(&self) -> io::Result<Option<File>> {
        let path = self.folder.join(REGISTRY);
        let file = match open_plain(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Whole, with its mode, or not at all: others must be able to open it.
                let made = tempfile::NamedTempFile::new_in(&self.folder)?;
                made.as_file().set_permissions(Permissions::from_mode(0o644))?;
                match made.persist_noclobber(&path) {
                    Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error.error);
                    }
                    _ => open_plain(&path)?,
                }
            }
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The first run in progress with which this one must not overlap. The caller holds the registry.
    fn conflict(&self, own: &Path, holder: &Holder, orgs: &[OrgId]) -> io::Result<Option<Conflict>> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path == own || path.extension().is_none_or(|extension| extension != SUFFIX) {
                continue;
            }
            let file = match open_plain(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => return Ok(Some(Conflict::Unreadable(path))),
            };
            match file.try_lock_shared() {
                Ok(()) => {
                    // Its process is gone. In a shared folder it may be another user's to remove.
                    let _ = fs::remove_file(&path);
                    continue;
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let mut input = BufReader::with_capacity(1 << 16, file);
            let Ok(other) = read_holder(&mut input) else { return Ok(Some(Conflict::Unreadable(path))) };
            if other.partner == holder.partner {
                return Ok(Some(Conflict::Key(other)));
            }
            if other.realm == holder.realm && !orgs.is_empty() {
                let count = in_common(orgs, input)?;
                if count > 0 {
                    return Ok(Some(Conflict::Orgs { holder: other, count }));
                }
            }
        }
        Ok(None)
    }
}

impl Lock {
    /// Claims the orgs that the run is going to write, waiting for them as long as for the key.
    ///
    /// # Errors
    /// 11: another run, with another key, writes one of them. 74: the file can't be written.
    pub async fn claim(&mut self, run: &str, mut orgs: Vec<OrgId>) -> Result<(), Failure> {
        orgs.sort_unstable();
        self.holder.run = Some(run.to_owned());
        let Self { file, path, holder, endpoint, locks, wait } = self;
        locks.when_free(endpoint, *wait, path, holder, &orgs, || write_holder(file, holder, &orgs)).await
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If it stays, the next run that starts removes it.
        let _ = fs::remove_file(&self.path);
    }
}

impl Conflict {
    fn failure(self, endpoint: &str) -> Failure {
        let what = match self {
            Self::Registry => "another process has been starting a run for too long".to_owned(),
            Self::Key(holder) => format!("another run with this key is in progress at {endpoint}: {holder}"),
            Self::Orgs { holder, count: 1 } => format!("1 org of this run is being written by {holder}"),
            Self::Orgs { holder, count } => format!("{count} orgs of this run are being written by {holder}"),
            Self::Unreadable(path) => {
                format!("another run holds a lock file that can't be read: {}", path.shown())
            }
        };
        Failure::new(Exit::Locked, what).hint("wait for it to end, or use --lock-wait TIME")
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // In a shared folder the file may be another user's.
        let run =
            self.run.as_deref().map_or_else(|| "a resume".to_owned(), |run| format!("run {}", clean(run)));
        write!(f, "{run} of {} (process {})", clean(&self.user), self.pid)
    }
}

/// The lock folder of the whole machine.
fn machine_folder() -> PathBuf {
    // Tests of this can't have the machine's own.
    #[cfg(debug_assertions)]
    if let Some(folder) = std::env::var_os("ORGWAVE_TEST_MACHINE_FOLDER") {
        return folder.into();
    }
    PathBuf::from(MACHINE)
}

/// Opens a file to lock and read it, following no link and waiting for no pipe.
fn open_plain(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("flags of open are an int");
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn write_holder(mut file: &File, holder: &Holder, orgs: &[OrgId]) -> io::Result<()> {
    // Whatever the umask: other users' runs must be able to read whom they would meet.
    file.set_permissions(Permissions::from_mode(0o644))?;
    let mut text = serde_json::to_vec(holder)?;
    text.push(b'\n');
    text.extend_from_slice(orgs.as_flattened());
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

fn read_holder(input: &mut BufReader<File>) -> io::Result<Holder> {
    let mut line = Vec::new();
    io::Read::take(&mut *input, LONGEST_LINE).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

/// How many of these sorted ids are also among those that follow in a file, sorted too.
fn in_common(ours: &[OrgId], mut theirs: impl io::Read) -> io::Result<usize> {
    let (mut count, mut place, mut id) = (0, 0, OrgId::default());
    loop {
        match theirs.read_exact(&mut id) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(count),
            Err(error) => return Err(error),
        }
        while ours.get(place).is_some_and(|our| *our < id) {
            place += 1;
        }
        count += usize::from(ours.get(place) == Some(&id));
    }
}

/// The user's name, as the machine has it.
fn user() -> String {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut fields = users.lines().map(|line| line.split(':'));
    let name = fields.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locks() -> (tempfile::TempDir, Locks) {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = Locks { folder: folder.path().to_owned(), unusable: None };
        (folder, locks)
    }

    fn partner(key: &str, realm: &str) -> Partner {
        Partner { endpoint: "https://one".into(), digest: format!("{key} {realm}"), realm: realm.into() }
    }

    fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<OrgId> {
        let id = |number: u32| std::array::from_fn(|place| number.to_be_bytes()[place % 4]);
        numbers.into_iter().map(id).collect()
    }

    async fn start(locks: &Locks, key: &str, orgs: Vec<OrgId>) -> Result<Lock, Failure> {
        let mut lock = locks.take(partner(key, ""), Some(key), Duration::ZERO).await?;
        lock.claim(key, orgs).await?;
        Ok(lock)
    }

    #[tokio::test]
    async fn runs_of_one_key_or_of_one_org_never_overlap_and_others_do() {
        let (_folder, locks) = locks();
        let first = start(&locks, "a", ids(0..1000)).await.expect("the first");
        let refused = start(&locks, "a", ids(5000..5001)).await.expect_err("one key");
        assert_eq!(refused.exit, Exit::Locked);
        assert!(refused.what.contains("run a of "), "{refused}");
        let refused = start(&locks, "b", ids([4000, 999])).await.expect_err("one org");
        assert!(refused.what.starts_with("1 org of this run is being written by run a of "), "{refused}");
        let apart = start(&locks, "b", ids([1000, 4000])).await.expect("no org in common");
        let mut elsewhere =
            locks.take(partner("c", "localhost:1"), None, Duration::ZERO).await.expect("another key");
        elsewhere.claim("c", ids(0..1000)).await.expect("the ids are of another place's orgs");
        drop(first);
        start(&locks, "c", ids([999])).await.expect("it has ended");
        drop((apart, elsewhere));
        let left = fs::read_dir(locks.folder()).expect("a folder").count();
        assert_eq!(left, 1, "the registry alone");
    }

    #[tokio::test]
    async fn unowned_lock_is_removed_and_unreadable_lock_counts_as_a_run() {
        let (folder, locks) = locks();
        let path = folder.path().join("0.run");
        fs::write(&path, "{}").expect("written");
        start(&locks, "a", ids([1])).await.expect("no process holds it");
        assert!(!path.exists());
        fs::write(&path, "{}").expect("written");
        let held = File::open(&path).expect("opened");
        held.lock().expect("locked");
        let refused = start(&locks, "a", ids([1])).await.expect_err("it is held");
        assert!(refused.what.contains("0.run"), "{refused}");
    }

    #[tokio::test]
    async fn of_many_that_start_at_once_one_begins() {
        let (_folder, locks) = locks();
        let starts = (0..8).map(|number| {
            let locks = locks.clone();
            tokio::spawn(
                async move { start(&locks, &format!("key {number}"), ids(number..number + 20)).await },
            )
        });
        let mut begun = Vec::new();
        for start in starts.collect::<Vec<_>>() {
            begun.extend(start.await.expect("no panic"));
        }
        assert_eq!(begun.len(), 1);
    }

    #[tokio::test]
    async fn comparing_100_000_orgs_does_not_read_them_one_by_one() {
        let (_folder, locks) = locks();
        let _first = start(&locks, "a", ids((0..100_000).map(|number| 2 * number))).await.expect("the first");
        let second = start(&locks, "b", ids((0..100_000).map(|number| 2 * number + 1))).await.expect("apart");
        drop(second);
        let refused = start(&locks, "b", ids(0..100_000)).await.expect_err("half of them");
        assert!(refused.what.starts_with("50000 orgs"), "{refused}");
    }
}
