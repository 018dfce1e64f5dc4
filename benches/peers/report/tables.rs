//! The tables.

use std::fmt::Write as _;

use super::super::contender::Contender;
use super::super::estate::Work;
use super::super::scale::{COMMANDS, Scale};
use super::super::{Race, Results, Safety};
use super::figures::{median, wall};

/// All contenders on rows of a kind.
pub(super) fn race(race: &Race) -> String {
    let (orgs, bytes) = (race.estate.orgs, race.estate.body_bytes());
    let mut text = format!("{orgs} orgs; what is sent to each is {bytes} bytes.\n\n");
    text.push_str("| | orgs/s | x bare | us/org | x bare | calls | traffic | kept | MiB |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for course in &race.courses {
        let (Some(speed), Some(processor)) = (
            race.times_as_fast(course.contender, Contender::Bare),
            race.times_the_processor(course.contender, Contender::Bare),
        ) else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.2} ({:.2} to {:.2}) | {:.0} | {processor:.1} | {:.1} | {:.1} | {:.1} | {} |",
            course.contender.name(),
            race.speed(course),
            speed.median,
            speed.least,
            speed.most,
            race.micros(course),
            race.calls(course),
            race.traffic(course),
            race.kept(course),
            course.rounds.iter().map(|round| round.measured.memory).max().unwrap_or(0)
        );
    }
    missing(&mut text, race, 8);
    text
}

fn missing(text: &mut String, race: &Race, columns: usize) {
    for (contender, what) in &race.missing {
        let _ =
            writeln!(text, "| {} (not measured: no {what}) |{}", contender.name(), " - |".repeat(columns));
    }
}

/// In words: each script against orgwave that doesn't read, which is the one that makes the calls that a script makes.
pub(super) fn faster(results: &Results) -> String {
    let mut text = String::from("Against `apply ROLLOUT --no-read`, which makes the same calls:\n\n");
    for contender in [Contender::Reading, Contender::Undici, Contender::Aiohttp, Contender::Shell] {
        let clauses: Vec<String> = results
            .prompt
            .iter()
            .filter_map(|race| {
                let speed = race.times_as_fast(contender, Contender::Unread)?.median;
                let processor = race.times_the_processor(contender, Contender::Unread)?;
                let rows = match race.estate.work {
                    Work::Narrow => "narrow rows",
                    Work::Wide => "wide rows",
                    Work::Steps => "five steps",
                };
                let word = if speed > 1.0 { "**faster**" } else { "slower" };
                Some(format!(
                    "{word} on {rows} ({speed:.2} times the speed, {processor:.2} times the processor time)"
                ))
            })
            .collect();
        if !clauses.is_empty() {
            let _ = writeln!(text, "* {}: {}.", contender.name(), clauses.join("; "));
        }
    }
    let slow = results.delayed.times_as_fast(Contender::Reading, Contender::Unread);
    if let Some(slow) = slow {
        let _ = writeln!(
            text,
            "\nWhere the server takes 50 ms a call, the Rust loop has {:.2} times the speed of orgwave. What the scripts leave out \
             is what is missing when one of them stops half-way: which orgs were written, whether a lost reply was \
             applied, what was there before, and which 200s were failures.",
            slow.median
        );
    }
    text
}

pub(super) fn delayed(race: &Race) -> String {
    let mut text =
        String::from("| | rounds | calls | s | x floor | s over it |\n|---|--:|--:|--:|--:|--:|\n");
    for course in &race.courses {
        let (wall, floor) = (wall(course), race.floor(course));
        let _ = writeln!(
            text,
            "| {} | {} | {:.1} | {wall:.2} | {:.3} | {:.2} |",
            course.contender.name(),
            course.rounds.len(),
            race.calls(course),
            wall / floor,
            wall - floor
        );
    }
    missing(&mut text, race, 5);
    text
}

pub(super) fn safety(safety: &[Safety]) -> String {
    let mut text = String::from("| latency | in memory, s | on the disk, s | ratio |\n|--:|--:|--:|--:|\n");
    for Safety { latency, rounds } in safety {
        let memory = median(rounds.iter().map(|(memory, _)| memory.as_secs_f64()));
        let disk = median(rounds.iter().map(|(_, disk)| disk.as_secs_f64()));
        let ratio = median(rounds.iter().map(|(memory, disk)| disk.as_secs_f64() / memory.as_secs_f64()));
        let _ = writeln!(text, "| {latency} | {memory:.2} | {disk:.2} | {ratio:.2} |");
    }
    text
}

/// A row a command, two columns a size.
pub(super) fn scale(scale: &[Scale]) -> String {
    let mut text = String::from("|");
    for Scale { orgs, .. } in scale {
        let _ = write!(text, " | {orgs} orgs, us/org | MiB");
    }
    let _ = writeln!(text, " |\n|---{}|", "|--:|--:".repeat(scale.len()));
    for (place, command) in COMMANDS.iter().enumerate() {
        let _ = write!(text, "| `{command}`");
        for Scale { orgs, commands } in scale {
            let cells = commands[place].map_or("- | -".to_owned(), |measured| {
                format!("{:.1} | {}", measured.wall.as_secs_f64() * 1e6 / *orgs as f64, measured.memory)
            });
            let _ = write!(text, " | {cells}");
        }
        text.push_str(" |\n");
    }
    text
}
