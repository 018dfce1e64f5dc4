//! A user's desk: a folder with a key and files, the binary run in it, and what the run left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use tempfile::TempDir;

use orgwave_sandbox::Server;

use crate::org::Org;
use crate::vendor::{KEY, Vendor};

/// No limit and short waits: for tests that are not about time.
pub(crate) const FAST: &str =
    "--rate unlimited --org-rate unlimited --timeout 2s --quiet-period 200ms --no-progress";

/// One org first, then all others, whatever fails: for tests of faults, where a budget would hide the rest.
pub(crate) const ALL: &str = "--waves 1,rest --max-failures 100% --yes --allow additions";

/// The longest that a command may take.
const LONGEST: Duration = Duration::from_secs(90);

/// A row of a result, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// A folder, with a key in it.
pub(crate) struct Desk {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What came of a command.
pub(crate) struct Ended {
    /// The exit code.
    pub(crate) code: i32,
    /// What was printed.
    pub(crate) out: String,
    /// What was said on stderr.
    pub(crate) err: String,
    /// The run's folder, if the command made one.
    pub(crate) run: Option<PathBuf>,
    /// The plan's folder, if the command made one.
    pub(crate) plan: Option<PathBuf>,
}

/// A command in progress.
pub(crate) struct Running {
    child: Child,
    said: Arc<Said>,
    listener: std::thread::JoinHandle<()>,
    reports: PathBuf,
    before: BTreeSet<PathBuf>,
}

/// What a command has said on stderr so far.
#[derive(Default)]
struct Said {
    text: Mutex<Vec<u8>>,
    more: Condvar,
}

/// Every flag that acknowledges a guard, as a message says it.
pub(crate) fn acks(text: &str) -> String {
    let codes = text.split("--ack ").skip(1).filter_map(|rest| rest.split_whitespace().next());
    codes.filter(|code| code.contains('-')).map(|code| format!(" --ack {code}")).collect()
}

/// A desk whose manifest wants `saveClips` of this many orgs, and the vendor that has them.
pub(crate) fn saving_clips(server: Server, count: usize) -> (Desk, Vendor, Vec<Org>) {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..count).map(Org::new).collect();
    desk.manifest("saveClips", orgs.iter().map(|org| (org, "true".to_owned())));
    (desk, Vendor::start(server, orgs.clone()), orgs)
}

/// A desk with a manifest of one org, and the vendor that has it.
pub(crate) fn of_one(server: Server, org: &Org, columns: &str, cells: &str) -> (Desk, Vendor) {
    let desk = Desk::new();
    desk.manifest(columns, [(org, cells.to_owned())]);
    (desk, Vendor::start(server, [org.clone()]))
}

impl Desk {
    /// A fresh one.
    pub(crate) fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() };
        desk.write_private("key", KEY);
        desk
    }

    /// With a variable in the environment, which is otherwise empty.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where a file of this desk is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file there.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Puts a file there that only its owner can read.
    pub(crate) fn write_private(&self, name: &str, text: &str) {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Writes a manifest with these columns for these orgs.
    pub(crate) fn manifest<'a>(&self, columns: &str, rows: impl IntoIterator<Item = (&'a Org, String)>) {
        let mut text = format!("org_uuid,{columns}\n");
        for (org, cells) in rows {
            text.push_str(&format!("{},{cells}\n", org.uuid));
        }
        self.write("orgs.csv", text);
    }

    /// The binary, to be run here, with nothing of the outside's environment but where programs are.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgwave"));
        self.settle(&mut command);
        command
    }

    /// Makes a command one of this desk.
    pub(crate) fn settle(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.folder.path()).env("XDG_STATE_HOME", self.path("state"));
        command.envs(self.environment.iter().cloned());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
    }

    /// Runs a line, split at spaces, against a vendor.
    pub(crate) fn run(&self, vendor: &Vendor, line: &str) -> Ended {
        self.start(vendor, line).wait()
    }

    /// Starts a line against a vendor.
    pub(crate) fn start(&self, vendor: &Vendor, line: &str) -> Running {
        self.start_bare(&format!("{line} --endpoint {} --token-file key", vendor.url()))
    }

    /// Runs a line as it is.
    pub(crate) fn run_bare(&self, line: &str) -> Ended {
        self.start_bare(line).wait()
    }

    /// Starts a line as it is.
    pub(crate) fn start_bare(&self, line: &str) -> Running {
        let mut command = self.command();
        command.args(line.split_whitespace());
        self.spawn(command)
    }

    /// Starts a command.
    pub(crate) fn spawn(&self, mut command: Command) -> Running {
        let reports = self.path("reports");
        let before = folders(&reports);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Said::default());
        let (mut stderr, ear) = (child.stderr.take().unwrap(), said.clone());
        let listener = std::thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut block) {
                ear.text.lock().unwrap().extend_from_slice(&block[..count]);
                ear.more.notify_all();
            }
        });
        Running { child, said, listener, reports, before }
    }

    /// Every file below this desk.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        gather(self.folder.path(), &mut files);
        files
    }
}

impl Running {
    /// Waits until it says this on stderr.
    pub(crate) fn until_it_says(&self, text: &str) {
        let heard = |said: &Vec<u8>| String::from_utf8_lossy(said).contains(text);
        let said = self.said.text.lock().unwrap();
        let (_said, timeout) = self.said.more.wait_timeout_while(said, LONGEST, |said| !heard(said)).unwrap();
        assert!(!timeout.timed_out(), "it never said {text:?}");
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(status.success(), "the process has ended before the signal {name}");
    }

    /// Waits for its end.
    pub(crate) fn wait(self) -> Ended {
        let id = self.child.id();
        let (sender, receiver) = mpsc::channel();
        let child = self.child;
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(LONGEST) else {
            let _ = Command::new("sh").arg("-c").arg(format!("kill -KILL {id}")).status();
            panic!("the command didn't end within {LONGEST:?}");
        };
        let Output { status, stdout, .. } = output.unwrap();
        self.listener.join().unwrap();
        let stderr = self.said.text.lock().unwrap().clone();
        let new: Vec<PathBuf> = folders(&self.reports).difference(&self.before).cloned().collect();
        let is_plan = |folder: &&PathBuf| folder.parent().is_some_and(|parent| parent.ends_with("plans"));
        Ended {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
            run: new.iter().find(|folder| !is_plan(folder)).cloned(),
            plan: new.iter().find(is_plan).cloned(),
        }
    }
}

impl Ended {
    /// Fails unless it ended so; shows what it said.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// Fails unless this was said on stderr.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no {text:?} in:\n{}", self.err);
        self
    }

    /// A file of the run.
    #[track_caller]
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.run.as_ref().expect("a run has a folder").join(name)
    }

    /// The path of the plan that was made.
    #[track_caller]
    pub(crate) fn plan_file(&self) -> String {
        self.plan.as_ref().expect("a plan has a folder").join("plan.jsonl").display().to_string()
    }

    /// The rows of a CSV of the run.
    #[track_caller]
    pub(crate) fn rows(&self, name: &str) -> Vec<Row> {
        rows(&self.file(name))
    }

    /// `results.csv`.
    #[track_caller]
    pub(crate) fn results(&self) -> Vec<Row> {
        self.rows("results.csv")
    }

    /// The one result of an org.
    #[track_caller]
    pub(crate) fn result(&self, org: &str) -> Row {
        let mut results = self.results();
        results.retain(|row| row["org_uuid"] == org);
        assert_eq!(results.len(), 1, "results of {org}");
        results.remove(0)
    }

    /// The statuses, in order.
    #[track_caller]
    pub(crate) fn statuses(&self) -> Vec<String> {
        self.results().into_iter().map(|row| row["status"].clone()).collect()
    }
}

/// The rows of a CSV, by column.
#[track_caller]
pub(crate) fn rows(path: &Path) -> Vec<Row> {
    let bytes = fs::read(path).unwrap();
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").expect("a CSV of ours begins with a byte order mark");
    parsed(text)
}

/// The same of a CSV that isn't ours.
#[track_caller]
pub(crate) fn plain_rows(path: &Path) -> Vec<Row> {
    parsed(&fs::read(path).unwrap())
}

fn parsed(text: &[u8]) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            header.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
        })
        .collect()
}

/// The folders of runs and plans.
fn folders(reports: &Path) -> BTreeSet<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    };
    let plans = reports.join("plans");
    below(reports).into_iter().filter(|folder| *folder != plans).chain(below(&plans)).collect()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { gather(&path, files) } else { files.push(path) }
    }
}
