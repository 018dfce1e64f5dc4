//! Who hears what happens: progress on the terminal, JSON lines on stdout, the run's log.

use std::io::{self, IsTerminal as _};

use orgwave_reporter::{EventLines, Fanout, Progress, ProgressMode, RunLog};

use crate::args::Output;
use crate::console;
use crate::failure::Failure;
use crate::hold;

/// The listeners of one command.
pub struct Listeners {
    progress: Progress,
    lines: Option<EventLines<console::Stdout>>,
    log: Option<RunLog>,
    hold: hold::OnEvents,
}

impl Listeners {
    /// As the flags want them, and the log of a run, if there is one.
    pub fn new(output: &Output, log: Option<RunLog>) -> Self {
        let mode = if !output.progress {
            ProgressMode::Quiet
        } else if io::stderr().is_terminal() {
            ProgressMode::Bar
        } else {
            ProgressMode::Heartbeat(Box::new(console::Stderr))
        };
        Self {
            progress: Progress::new(mode),
            lines: output.json.then(|| EventLines::new(console::Stdout)),
            log,
            hold: hold::OnEvents,
        }
    }

    /// One sink that tells all of them.
    pub fn sink(&mut self) -> Fanout<'_> {
        Fanout::new()
            .with(&mut self.progress)
            .with_some(self.lines.as_mut())
            .with_some(self.log.as_mut())
            .with(&mut self.hold)
    }

    /// Takes progress off the screen, before something is asked or said.
    pub fn clear(&mut self) {
        self.progress.clear();
    }

    /// Ends all of them.
    ///
    /// # Errors
    /// 74: the log could not be written. What is to be said of stdout, its printer says.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.progress.clear();
        if let Some(lines) = self.lines {
            let _ = lines.finish();
        }
        self.log.map_or(Ok(()), RunLog::finish).map_err(Failure::from)
    }
}
