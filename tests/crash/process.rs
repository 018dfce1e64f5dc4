//! A process of the binary: started, watched, killed, waited for.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::leaks;

/// Longer than anything here may take, however busy the machine is.
const LONGEST: Duration = Duration::from_secs(60);

/// A process that is in progress.
pub struct Live {
    child: Child,
    /// The lines of stderr as they come; closed when the process has ended.
    lines: Receiver<String>,
    seen: Vec<String>,
    stdout: JoinHandle<String>,
}

/// A process that has ended.
pub struct Ran {
    /// None if a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Live {
    pub fn start(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut out = child.stdout.take().unwrap();
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, lines, seen: Vec::new(), stdout }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it continue for a while. Whether it still does.
    pub fn survives_for(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Waits until it says something that holds this. Whether it did, before it ended.
    pub fn says(&mut self, part: &str) -> bool {
        let until = Instant::now() + LONGEST;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line);
                    if self.seen.last().is_some_and(|line| line.contains(part)) {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("never said {part:?}: {:?}", self.give_up());
                }
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Waits until something holds. Whether it did, before the process ended.
    pub fn until(&mut self, holds: impl Fn() -> bool) -> bool {
        let last = Instant::now() + LONGEST;
        while !holds() {
            if !self.survives_for(Duration::from_millis(1)) {
                return holds();
            }
            assert!(Instant::now() < last, "never came to it: {:?}", self.give_up());
        }
        true
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGKILL.
    pub fn kill(mut self) -> Ran {
        self.child.kill().unwrap();
        self.finish()
    }

    fn give_up(&mut self) -> &[String] {
        let _ = self.child.kill();
        &self.seen
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Ran {
        let goes_on = self.survives_for(LONGEST);
        assert!(!goes_on, "never ended: {:?}", self.give_up());
        let status = self.child.wait().unwrap();
        let ran = Ran {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.join().unwrap(),
            stderr: self.seen.join("\n"),
        };
        leaks::assert_none_said(&ran);
        ran
    }
}

impl Ran {
    /// Whether SIGKILL ended it.
    pub fn was_killed(&self) -> bool {
        self.signal == Some(9)
    }
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {:?}, signal {:?}\n{}\n{}", self.code, self.signal, self.stdout, self.stderr)
    }
}
