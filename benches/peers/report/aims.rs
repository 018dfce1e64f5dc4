//! What is aimed at, and how far it is met: the page judges itself.

use std::fmt::Write as _;

use super::super::contender::Contender;
use super::super::estate::Work;
use super::super::scale::COMMANDS;
use super::super::{Race, Results};
use super::check_speed;
use super::figures::wall;

/// Something that is aimed at.
struct Aim {
    what: String,
    /// What is at least to be reached, or at most.
    limit: Limit,
    /// What was measured; `None` where a contender is missing.
    measured: Option<f64>,
    unit: &'static str,
}

#[derive(Clone, Copy)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Aim {
    /// `met`, or by how much it isn't.
    fn verdict(&self) -> String {
        let Some(measured) = self.measured else { return "not measured".to_owned() };
        let short = match self.limit {
            Limit::AtLeast(least) => 1.0 - measured / least,
            Limit::AtMost(most) => measured / most - 1.0,
        };
        // NaN is no success.
        if short <= 0.0 { "met".to_owned() } else { format!("**falls short by {:.1} %**", 100.0 * short) }
    }

    fn line(&self) -> String {
        let (word, limit) = match self.limit {
            Limit::AtLeast(least) => ("at least", least),
            Limit::AtMost(most) => ("at most", most),
        };
        let measured = self.measured.map_or("-".to_owned(), number);
        format!("| {} | {word} {}{} | {measured} | {} |", self.what, number(limit), self.unit, self.verdict())
    }
}

fn number(number: f64) -> String {
    if number.abs() < 20.0 { format!("{number:.2}") } else { format!("{number:.0}") }
}

pub(super) fn table(results: &Results) -> String {
    let mut aims = Vec::new();
    for race in &results.prompt {
        match race.estate.work {
            Work::Narrow => speeds(&mut aims, race, "narrow", 0.70),
            Work::Wide => {
                speeds(&mut aims, race, "wide", 0.35);
                costs(&mut aims, race);
            }
            // Nothing is promised for several steps yet.
            Work::Steps => {}
        }
    }
    slow(&mut aims, &results.delayed);
    scale(&mut aims, results);
    let met = aims.iter().filter(|aim| aim.verdict() == "met").count();
    let mut text = format!("{met} of {} are met.\n\n| | aim | measured | |\n|---|---|--:|---|\n", aims.len());
    for aim in &aims {
        let _ = writeln!(text, "{}", aim.line());
    }
    text
}

/// Ratios of speeds on rows of a kind.
fn speeds(aims: &mut Vec<Aim>, race: &Race, rows: &str, unread: f64) {
    let mut aim = |what: String, least: f64, measured: Option<f64>| {
        let what = format!("{rows}: {what}");
        aims.push(Aim { what, limit: Limit::AtLeast(least), measured, unit: "" });
    };
    let ratio = |one, other| race.times_as_fast(one, other).map(|spread| spread.median);
    let bare = |one| ratio(one, Contender::Bare);
    aim("`--no-read`, orgs/s to the bare loop's".to_owned(), unread, bare(Contender::Unread));
    for contender in [Contender::Plan, Contender::Rollout] {
        let calls = race.course(contender).map_or(f64::NAN, |course| race.calls(course).round());
        let name = contender.name().trim_start_matches("orgwave ");
        aim(
            format!("`{name}`, {calls:.0} calls an org, the same: 0.8 / {calls:.0}"),
            0.8 / calls,
            bare(contender),
        );
    }
    for (other, name, least) in [
        (Contender::Curl, "curl's, config prebuilt", 1.0),
        (Contender::Undici, "Node's", 1.7),
        (Contender::Aiohttp, "Python's", 2.5),
    ] {
        aim(format!("`--no-read`, orgs/s to {name}"), least, ratio(Contender::Unread, other));
    }
}

/// What wide rows cost.
fn costs(aims: &mut Vec<Aim>, race: &Race) {
    aims.push(Aim {
        what: "wide: `--no-read`, processor time to the bare loop's".to_owned(),
        limit: Limit::AtMost(3.5),
        measured: race.times_the_processor(Contender::Unread, Contender::Bare),
        unit: "",
    });
    for course in race.courses.iter().filter(|course| course.contender.is_ours()) {
        let name = course.contender.name().trim_start_matches("orgwave ");
        for (what, most, measured) in
            [("file traffic", 16.0, race.traffic(course)), ("kept", 7.0, race.kept(course))]
        {
            aims.push(Aim {
                what: format!("wide: `{name}`, {what} an org"),
                limit: Limit::AtMost(most),
                measured: Some(measured),
                unit: " kB",
            });
        }
    }
}

/// Where the server takes 50 ms.
fn slow(aims: &mut Vec<Aim>, race: &Race) {
    for course in race.courses.iter().filter(|course| course.contender.is_ours()) {
        let name = course.contender.name().trim_start_matches("orgwave ");
        aims.push(Aim {
            what: format!("50 ms: `{name}`, 1.06 of the floor and 0.15 s"),
            limit: Limit::AtMost(1.06 * race.floor(course) + 0.15),
            measured: Some(wall(course)),
            unit: " s",
        });
    }
}

/// Memory below 80 MB, and no more time an org for more orgs.
fn scale(aims: &mut Vec<Aim>, results: &Results) {
    let Some(largest) = results.scale.last() else { return };
    for (place, command) in COMMANDS.iter().enumerate() {
        let Some(measured) = largest.commands[place] else { continue };
        aims.push(Aim {
            what: format!("`{command}` of {} orgs, memory", largest.orgs),
            limit: Limit::AtMost(80.0),
            measured: Some(measured.memory as f64 * 1.048_576),
            unit: " MB",
        });
    }
    if let [.., smaller, larger] = &results.scale[..] {
        for (place, command) in COMMANDS.iter().enumerate() {
            let (Some(few), Some(many)) = (smaller.commands[place], larger.commands[place]) else { continue };
            let times = larger.orgs as f64 / smaller.orgs as f64;
            aims.push(Aim {
                what: format!("`{command}`, time of {} orgs to that of {}", larger.orgs, smaller.orgs),
                // A fifth more an org is within the noise of a single run.
                limit: Limit::AtMost(1.2 * times),
                measured: Some(many.wall.as_secs_f64() / few.wall.as_secs_f64()),
                unit: "",
            });
        }
    }
    aims.push(Aim {
        what: format!("`check` of {} rows", results.checked.rows),
        limit: Limit::AtLeast(140.0),
        measured: Some(check_speed(results)),
        unit: " MB/s",
    });
}
