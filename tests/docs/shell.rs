//! The binary in a new folder, with an environment of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A folder in which commands run; it is their home too.
pub(crate) struct Shell {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code.
    pub(crate) code: i32,
    /// All of stdout.
    pub(crate) out: String,
    /// All of stderr.
    pub(crate) err: String,
}

impl Shell {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// With this variable set for every command.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The text of a file in the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes a file in the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs `orgwave` with these words.
    pub(crate) fn orgwave(&self, words: &str) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_orgwave"));
        command.args(words.split_whitespace());
        ended(command)
    }

    /// Runs a line of a shell, with `orgwave` on its path.
    pub(crate) fn line(&self, line: &str) -> Ended {
        let mut command = self.command("sh");
        command.args(["-e", "-u", "-c", line]);
        ended(command)
    }

    /// Starts the sandbox API, with its ledger in the folder.
    pub(crate) fn sandbox(&self, words: &str) -> Api {
        let mut command = self.command(env!("CARGO_BIN_EXE_orgwave"));
        command.args(["sandbox", "--ledger", "ledger.jsonl"]).args(words.split_whitespace());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let url = first.split_whitespace().find_map(|word| word.strip_suffix(';')).unwrap().to_owned();
        Api { child, url }
    }

    fn command(&self, program: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_orgwave")).parent().unwrap();
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }
}

fn ended(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ended {
    /// It ended so, or the test shows all that it said.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// The stand-in API in a process of its own.
pub(crate) struct Api {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
