//! `orgwave report RUN`: every file of a run, made anew from its journal and its plan.

use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_reporter::files::write_files_watched;

use super::execution::say_page;
use crate::args::ReportArgs;
use crate::console;
use crate::failure::Failure;
use crate::hold::{self, Step};
use crate::runs::{RunFiles, find, take};

/// Makes a run's files anew.
pub fn run(catalog: &Catalog, args: &ReportArgs) -> Result<Exit, Failure> {
    let folder = find(catalog, &args.run, &args.output.reports)?;
    let _lock = take(&folder.path)?;
    let source = RunFiles::open(catalog, &folder.path)?;
    let written =
        write_files_watched(&source, &folder.path, args.output.org_files, || hold::at(Step::BeforeName))?;
    if !args.output.quiet {
        let style = args.output.style;
        say_page(&written.summary().render(console::width(), style), &args.output);
    }
    Ok(Exit::Done)
}
