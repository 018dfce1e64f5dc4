//! `plan.html` and `plan.md`: a plan to be reviewed, beside the plan itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use orgwave_core::operation::Operations;
use orgwave_core::plan::{Footer, Header, PlanLine};

use super::{Expected, PlanReview, markdown, page};
use crate::error::ReportError;
use crate::pages::Rows;
use crate::whole::{WholeFile, sync_folder};

/// The pages of a plan, while its lines stream by. Nothing is written before the [end](Self::finish).
#[derive(Debug)]
pub struct PlanPages {
    header: Header,
    review: PlanReview,
    rows: Rows,
    folder: PathBuf,
    stem: String,
}

impl PlanPages {
    /// Begins the pages `<stem>.html` and `<stem>.md` in a folder that is there.
    pub fn begin(operations: &Operations, folder: &Path, stem: &str, header: &Header) -> Self {
        Self {
            header: header.clone(),
            review: PlanReview::begin(operations, header, stem),
            rows: Rows::new(),
            folder: folder.to_owned(),
            stem: stem.to_owned(),
        }
    }

    /// Takes the next line in.
    pub fn line(&mut self, line: &PlanLine) {
        self.review.line(line);
        page::add(&mut self.rows, line, &self.review);
    }

    /// The plan's table is in these files, which the pages name.
    pub fn tables(&mut self, names: Vec<String>) {
        self.review.tables = names;
    }

    /// Takes in what a row names and its org doesn't have.
    pub fn absent(&mut self, line: u64, name: &str, what: &[String]) {
        self.review.absent(line, name, what);
    }

    /// Takes the plan's end in and writes the pages. `expected` is the pace that the cost assumes.
    ///
    /// # Errors
    /// A page can't be written; what had its name has it still.
    pub fn finish(mut self, footer: &Footer, expected: Expected) -> Result<PlanReview, ReportError> {
        self.review.finish(footer);
        let text = markdown::page(&self.review, &self.header, &self.stem, expected);
        let html = page::page(&self.review, &self.header, self.rows, expected);
        let pages = [("html", html), ("md", text)];
        let mut done = Vec::new();
        for (extension, text) in &pages {
            let name = format!("{}.{extension}", self.stem);
            let file = WholeFile::begin(&self.folder, &name).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.end()
            });
            done.push(file.map_err(ReportError::write(&self.folder.join(&name)))?);
        }
        for file in done {
            file.name()?;
        }
        sync_folder(&self.folder)?;
        Ok(self.review)
    }
}
