//! `run.log.jsonl`: every event of a run, appended by each of its processes. It is for people who look for a
//! cause; nothing is decided or rebuilt from it, so it is synced once, at the end.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::event::{Event, EventSink};

use super::EventLines;
use crate::error::ReportError;

/// The log of a run.
#[derive(Debug)]
pub struct RunLog {
    lines: EventLines<File>,
    path: PathBuf,
}

impl RunLog {
    /// Its name in the run's folder.
    pub const NAME: &str = "run.log.jsonl";

    /// Opens the log in a run's folder, behind what stands there.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join(Self::NAME);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(ReportError::write(&path))?;
        Ok(Self { lines: EventLines::new(file), path })
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// It could not be written, now or earlier.
    pub fn finish(self) -> Result<(), ReportError> {
        self.lines.finish().and_then(|file| file.sync_data()).map_err(ReportError::write(&self.path))
    }
}

impl EventSink for RunLog {
    fn event(&mut self, event: &Event) {
        self.lines.event(event);
    }
}

#[cfg(test)]
mod tests {
    use orgwave_core::event::EventKind;
    use orgwave_core::timestamp::Timestamp;

    use super::*;

    #[test]
    fn each_process_appends() {
        let folder = tempfile::tempdir().unwrap();
        for millis in 0..2 {
            let mut log = RunLog::open(folder.path()).unwrap();
            log.event(&Event { at: Timestamp::from_millis(millis), kind: EventKind::Unpaused });
            log.finish().unwrap();
        }
        let text = std::fs::read_to_string(folder.path().join(RunLog::NAME)).unwrap();
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(RunLog::open(&folder.path().join("gone")), Err(ReportError::Write { .. })));
    }
}
