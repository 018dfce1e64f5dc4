//! `run.log.jsonl`: every event of a run, appended by each of its processes. It is for people who look for a
//! cause; nothing is decided or rebuilt from it, so it is synced once, at the end.
//!
//! With `--unattended` it leaves out the reads of orgs that were found as desired: night after night they would be most
//! of it, and the plan names these orgs. A read that failed is in it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::event::{Answer, Call, Event, EventKind, EventSink};
use orgwave_core::plan::Verdict;

use super::EventLines;
use crate::error::ReportError;

/// The log of a run.
#[derive(Debug)]
pub struct RunLog {
    lines: EventLines<File>,
    path: PathBuf,
    is_brief: bool,
    /// A good read, until the next event says what was found.
    read: Option<Event>,
}

impl RunLog {
    /// Its name in the run's folder.
    pub const NAME: &str = "run.log.jsonl";

    /// Opens the log in a run's folder, behind what is there. A brief one is without the orgs of which there is
    /// nothing to say.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn open(folder: &Path, is_brief: bool) -> Result<Self, ReportError> {
        let path = folder.join(Self::NAME);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(ReportError::write(&path))?;
        Ok(Self { lines: EventLines::new(file), path, is_brief, read: None })
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// It could not be written, now or earlier.
    pub fn finish(mut self) -> Result<(), ReportError> {
        self.write_read();
        self.lines.finish().and_then(|file| file.sync_data()).map_err(ReportError::write(&self.path))
    }
}

impl RunLog {
    fn write_read(&mut self) {
        if let Some(read) = self.read.take() {
            self.lines.event(&read);
        }
    }
}

impl EventSink for RunLog {
    fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Called { call: Call::Read, answer: Answer::Good, .. } if self.is_brief => {
                self.write_read();
                self.read = Some(event.clone());
            }
            EventKind::OrgPlanned { org, verdict: Verdict::Unchanged, code: None, .. } if self.is_brief => {
                let is_its = matches!(&self.read, Some(Event { kind: EventKind::Called { org: read, .. }, .. })
                    if read.as_ref() == Some(org));
                if is_its {
                    self.read = None;
                }
            }
            _ => {
                self.write_read();
                self.lines.event(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use orgwave_core::ids::Ruuid;
    use orgwave_core::timestamp::Timestamp;

    use super::*;

    #[test]
    fn each_process_appends() {
        let folder = tempfile::tempdir().unwrap();
        for millis in 0..2 {
            let mut log = RunLog::open(folder.path(), false).unwrap();
            log.event(&Event { at: Timestamp::from_millis(millis), kind: EventKind::Unpaused });
            log.finish().unwrap();
        }
        let text = std::fs::read_to_string(folder.path().join(RunLog::NAME)).unwrap();
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_brief_log_has_all_but_good_reads_of_orgs_in_sync() {
        let folder = tempfile::tempdir().unwrap();
        let read = |number: u8, answer| EventKind::Called {
            org: Some(Ruuid::from_bytes([number; 16])),
            call: Call::Read,
            answer,
            http_status: Some(200),
            millis: 1,
        };
        let planned = |number: u8, verdict| EventKind::OrgPlanned {
            index: u32::from(number),
            org: Ruuid::from_bytes([number; 16]),
            verdict,
            changes: 0,
            code: None,
        };
        let events = [
            EventKind::PlanStarted { orgs: 3 },
            read(0, Answer::Good),
            planned(0, Verdict::Unchanged),
            read(1, Answer::Unclear),
            read(2, Answer::Good),
            planned(2, Verdict::Update),
            read(1, Answer::Good),
            planned(1, Verdict::Unchanged),
            read(3, Answer::Good),
        ];
        let lines = |is_brief| {
            let mut log = RunLog::open(folder.path(), is_brief).unwrap();
            for kind in &events {
                log.event(&Event { at: Timestamp::from_millis(1), kind: kind.clone() });
            }
            log.finish().unwrap();
            let path = folder.path().join(RunLog::NAME);
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::remove_file(path).unwrap();
            let event = |line| serde_json::from_str::<Event>(line).unwrap().kind;
            text.lines().map(event).collect::<Vec<_>>()
        };
        assert_eq!(lines(false), events);
        let brief: Vec<_> = [0, 3, 4, 5, 8].into_iter().map(|place: usize| events[place].clone()).collect();
        assert_eq!(lines(true), brief);
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(RunLog::open(&folder.path().join("gone"), false), Err(ReportError::Write { .. })));
    }
}
