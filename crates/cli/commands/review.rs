//! Showing a plan: its pages, its screen, and what must be said yes to.

use std::path::Path;

use orgwave_core::plan::{Footer, Guard};
use orgwave_core::policy::Percent;
use orgwave_core::run::Exit;
use orgwave_reporter::terminal::orgs;
use orgwave_reporter::{Expected, PlanReview};

use super::execution::say_page;
use crate::args::OutputArgs;
use crate::connect::Session;
use crate::console;
use crate::failure::Failure;
use crate::plans::{OpenPlan, Review, Wanted, header_of};

/// Makes a plan's pages, from the plan as it is on disk.
///
/// # Errors
/// 74: a page can't be written.
pub fn review(path: &Path, session: &Session) -> Result<PlanReview, Failure> {
    let header = header_of(path)?;
    let mut review = None;
    let plan = OpenPlan::read(
        path,
        |id| session.seal(id),
        Wanted::All,
        |line| {
            if review.is_none() {
                review = Some(Review::begin(path, &header)?);
            }
            review.as_mut().map_or(Ok(()), |review| review.line(line))
        },
    )?;
    let review = review.map_or_else(|| Review::begin(path, &header), Ok)?;
    review.finish(&plan.footer, session.expected())
}

/// Prints a review.
pub fn show(review: &PlanReview, output: &OutputArgs, expected: Expected) {
    let style = console::style(output.color, output.no_color.is_some());
    say_page(&review.render(console::width(), style, expected), output);
}

/// The flags that acknowledge these guards, a line each with its reason: what is copied from a terminal to be run holds
/// none of them, so that each is given by somebody who has read what it is for.
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
        number => format!(", in {} under another spelling of a live key", orgs(number)),
    };
    format!("{} in {}{respelled}", guard.kind, orgs(guard.orgs))
}

/// Whether too large a share of the orgs would change, with nobody watching.
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
        .hint("look at the plan; --max-changed allows a larger share"));
    }
    Ok(())
}
