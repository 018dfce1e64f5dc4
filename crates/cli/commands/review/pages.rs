//! What is made of a plan beside the plan itself, for people: two pages, a table, and what the terminal shows.

use std::path::Path;

use orgwave_core::operation::Operations;
use orgwave_core::plan::{Footer, Header, PlanLine};
use orgwave_reporter::files::plan::PlanCsv;
use orgwave_reporter::{Expected, PlanPages, PlanReview};

use crate::failure::Failure;

/// What is made of a plan beside the plan itself.
pub struct Review {
    /// For the terminal, `plan.html` and `plan.md`.
    pages: PlanPages,
    /// `plan.csv`.
    csv: PlanCsv,
}

impl Review {
    /// Begins the review of a plan whose pages go beside `plan`.
    ///
    /// # Errors
    /// 74.
    pub fn begin(operations: &Operations, plan: &Path, header: &Header) -> Result<Self, Failure> {
        let folder = plan.parent().unwrap_or(Path::new("."));
        let stem =
            plan.file_stem().map_or_else(|| "plan".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let csv = PlanCsv::begin(folder, &format!("{stem}.csv"), header)?;
        Ok(Self { pages: PlanPages::begin(operations, folder, &stem, header), csv })
    }

    /// Takes the next line in.
    ///
    /// # Errors
    /// 74.
    pub fn line(&mut self, line: &PlanLine) -> Result<(), Failure> {
        self.pages.line(line);
        Ok(self.csv.line(line)?)
    }

    /// Takes in what the row at a line names and its org doesn't have.
    pub fn absent(&mut self, line: u64, name: &str, what: &[String]) {
        self.pages.absent(line, name, what);
    }

    /// Ends the pages, which tell the cost at this pace.
    ///
    /// # Errors
    /// 74.
    pub fn finish(mut self, footer: &Footer, expected: Expected) -> Result<PlanReview, Failure> {
        self.pages.tables(self.csv.end()?);
        Ok(self.pages.finish(footer, expected)?)
    }
}
