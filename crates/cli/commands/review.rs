//! Showing a plan: its pages, its screen, and what must be acknowledged.

mod pages;

use std::collections::BTreeMap;
use std::path::Path;

use orgwave_core::code::Code;
use orgwave_core::plan::{Footer, Guard};
use orgwave_core::policy::Percent;
use orgwave_core::run::Exit;
use orgwave_planner::existence::Absent;
use orgwave_reporter::terminal::orgs;
use orgwave_reporter::{Expected, PlanReview};

use self::pages::Review;
use super::execution::say_page;
use crate::args::Output;
use crate::connect::Session;
use crate::console;
use crate::failure::Failure;
use crate::planning::open_plan;

/// Makes a plan's pages, from the plan as it is on disk, and with what its rows name and their orgs don't have.
///
/// # Errors
/// 74: a page can't be written.
pub fn review(path: &Path, session: &Session, absent: BTreeMap<u64, Absent>) -> Result<PlanReview, Failure> {
    let plan = open_plan(&session.catalog, path)?;
    let mut review = Review::begin(&plan.operations()?, path, &plan.header()?)?;
    let plan = plan.prove_each(|id| session.seal(id), |line| review.line(line))?;
    for (line, Absent { name, problems }) in absent {
        let what: Vec<String> = problems
            .iter()
            .map(|problem| match problem.code {
                Code::LiveCamera => format!("camera {}", problem.found),
                Code::LiveLocation => format!("location {}", problem.found),
                _ => format!("{} could not be read: {}", problem.expected, problem.found),
            })
            .collect();
        review.absent(line, &name, &what);
    }
    review.finish(&plan.footer, session.expected())
}

/// Prints a review.
pub fn show(review: &PlanReview, output: &Output, expected: Expected) {
    let style = output.style;
    say_page(&review.render(console::width(), style, expected), output);
}

/// The flags that acknowledge these guards, a line each with its reason: what is copied from a terminal to be run holds
/// none of them, so that each is given by a user who has read what it is for.
pub fn acks<'a>(guards: impl IntoIterator<Item = &'a Guard>) -> String {
    guards.into_iter().map(|guard| format!("\n  {}: --ack {}", reason(guard), guard.ack)).collect()
}

/// What is said below a command that applies a plan with these guards.
pub fn to_acknowledge(guards: &[Guard]) -> String {
    if guards.is_empty() { String::new() } else { format!("each guard needs its code:{}\n", acks(guards)) }
}

fn reason(guard: &Guard) -> String {
    let respelled = match guard.respelled {
        0 => String::new(),
        number => format!(", in {} another spelling of a live key", orgs(number)),
    };
    format!("{} in {}{respelled}", guard.kind, orgs(guard.orgs))
}

/// Whether too large a share of the orgs would change unattended.
///
/// # Errors
/// 13.
pub fn max_changed(footer: &Footer, most: Percent) -> Result<(), Failure> {
    if most.is_exceeded_by(footer.updates, footer.judged) {
        return Err(Failure::new(
            Exit::Guarded,
            format!(
                "{} of {} would change, more than {most}; nothing was sent",
                footer.updates,
                orgs(footer.judged)
            ),
        )
        .hint("review the plan; --max-changed allows a larger share"));
    }
    Ok(())
}
