//! What is on the terminal, at several widths.

use std::fmt::Write as _;
use std::path::Path;

use orgwave_core::org::Entry;
use orgwave_core::plan::PlanLine;
use orgwave_core::run::{Finish, StopReason};
use orgwave_core::status::Status;
use orgwave_reporter::files::ClientFiles;
use orgwave_reporter::terminal::Style;
use orgwave_reporter::{Expected, PlanReview, RunDigest, Summary};
use unicode_width::UnicodeWidthStr as _;

use crate::fixture::{self, Run};

const WIDTHS: [usize; 3] = [20, 80, 120];

/// The same screen at every width, with a ruler above each.
fn screens(render: impl Fn(usize) -> String) -> String {
    WIDTHS.into_iter().fold(String::new(), |mut all, width| {
        let _ = writeln!(all, "{:-<width$}\n{}", "", render(width));
        all
    })
}

/// Lines that are too wide and aren't there to be copied.
fn too_wide(text: &str, width: usize) -> Vec<&str> {
    let to_copy = |line: &str| {
        ["orgwave ", "reports/", "--ack "].iter().any(|start| line.trim_start().starts_with(start))
    };
    text.lines().filter(|line| line.width() > width && !to_copy(line)).collect()
}

fn review(lines: &[PlanLine]) -> PlanReview {
    let mut review = PlanReview::begin(&fixture::operations(), &fixture::plan_header(), "plan");
    for line in lines {
        review.line(line);
    }
    review.finish(&fixture::footer(lines));
    review
}

fn summary(run: &Run, width: usize, style: Style) -> String {
    let digest = RunDigest::of(run).unwrap();
    let folder = Path::new("reports/20261124T073032Z-c0de");
    Summary::of_files(&digest, folder, ClientFiles::All).render(width, style)
}

#[test]
fn the_end_of_a_rich_run() {
    insta::assert_snapshot!(
        "end_of_a_rich_run",
        screens(|width| summary(&fixture::rich(), width, Style::Plain))
    );
}

#[test]
fn the_end_of_a_run_in_which_all_went_well_asks_for_nothing() {
    let mut run = fixture::rich();
    let lines: Vec<PlanLine> = fixture::rich_lines().into_iter().take(1).collect();
    run.plan = fixture::write_plan(&fixture::plan_header(), &lines);
    run.orgs = vec![fixture::said(fixture::outcome(0, Status::Applied))];
    insta::assert_snapshot!("end_of_a_good_run", screens(|width| summary(&run, width, Style::Plain)));
}

#[test]
fn the_review_of_a_rich_plan() {
    let review = review(&fixture::rich_lines());
    insta::assert_snapshot!(
        "review_of_a_rich_plan",
        screens(|width| review.render(width, Style::Plain, Expected::Reached(8.0)))
    );
}

#[test]
fn every_line_fits_at_every_width_and_means_no_harm() {
    let review = review(&fixture::rich_lines());
    for width in 20..=130 {
        for text in [
            summary(&fixture::rich(), width, Style::Plain),
            review.render(width, Style::Plain, Expected::Unlimited),
        ] {
            assert_eq!(too_wide(&text, width), Vec::<&str>::new(), "at {width} columns");
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "at {width} columns");
            assert!(!text.contains('\u{202e}'));
            assert!(!text.contains(fixture::SECRET));
        }
    }
}

#[test]
fn a_narrower_terminal_is_taken_for_the_narrowest() {
    let run = fixture::rich();
    assert_eq!(summary(&run, 0, Style::Plain), summary(&run, 20, Style::Plain));
}

#[test]
fn colours_only_add_themselves() {
    let coloured = summary(&fixture::rich(), 80, Style::Coloured);
    assert!(coloured.contains("\x1b[31m"));
    let bare = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"]
        .into_iter()
        .fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(bare, summary(&fixture::rich(), 80, Style::Plain));
}

#[test]
fn the_next_command_fits_how_the_run_ended() {
    let next = |run: &Run| {
        Summary::of_files(&RunDigest::of(run).unwrap(), Path::new("reports/r 1"), ClientFiles::All)
            .next_command()
    };
    let stopped = |stop| Entry::Finished(Finish { at: fixture::at(1), stop, wrote: true });
    let mut run = fixture::rich();
    assert_eq!(next(&run).as_deref(), Some("orgwave resume 'reports/r 1'"));

    run.timeline.push(stopped(Some(StopReason::Expired)));
    assert_eq!(next(&run).as_deref(), Some("orgwave apply 'reports/r 1/retry.toml'"));

    run.timeline.push(stopped(None));
    run.header.endpoint = "sandbox".into();
    assert_eq!(next(&run).as_deref(), Some("orgwave apply 'reports/r 1/retry.toml' --sandbox"));

    run.timeline.push(stopped(Some(StopReason::KeyRefused)));
    run.header.endpoint = "https://api2.rhombussystems.com".into();
    let text = summary(&run, 80, Style::Plain);
    assert!(text.contains("orgwave resume reports/") && text.contains("orgwave apply reports/"), "{text}");
}

#[test]
fn unwritable_files_are_reported_with_the_way_to_get_them() {
    let digest = RunDigest::of(&fixture::rich()).unwrap();
    let text = Summary::without_files(&digest, Path::new("reports/r1")).render(80, Style::Plain);
    assert!(text.contains("  orgwave report reports/r1\n"), "{text}");
}
