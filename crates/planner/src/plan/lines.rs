//! The lines of an open plan, one at a time, for the executor.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

use orgwave_core::operation::Operations;
use orgwave_core::plan::{IndexEntry, LineParser, PlanLine, Verdict};
use orgwave_executor::ports::PlanSource;

/// The lines of the plan that is executed.
#[derive(Debug)]
pub struct PlanLines {
    operations: Operations,
    /// One line is read at a time.
    parser: Mutex<LineParser>,
    file: File,
    index: Vec<IndexEntry>,
}

impl PlanLines {
    /// The lines of the plan of these operations in this open file, at these places.
    pub fn new(operations: Operations, file: File, index: Vec<IndexEntry>) -> Self {
        let parser = Mutex::new(LineParser::new(operations.clone()));
        Self { operations, parser, file, index }
    }

    /// What the plan is of.
    pub const fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Where the orgs are.
    pub fn index(&self) -> &[IndexEntry] {
        &self.index
    }
}

impl PlanSource for PlanLines {
    fn load(&self, org: u32) -> io::Result<PlanLine> {
        let entry = self.index.get(org as usize).ok_or_else(|| io::Error::other("beyond the plan"))?;
        let mut buffer = vec![0; entry.length as usize];
        self.file.read_exact_at(&mut buffer, entry.offset)?;
        let json = std::str::from_utf8(&buffer).map_err(io::Error::other)?;
        let mut parser = self.parser.lock().unwrap_or_else(PoisonError::into_inner);
        let line = parser.read(json)?;
        Ok(PlanLine { wave: Some(entry.wave).filter(|_| line.verdict == Verdict::Update), ..line })
    }
}
