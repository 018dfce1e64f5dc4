//! Medians and ratios, as a table and a chart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::contender::Contender;
use super::measured::Measured;
use super::{Checked, Course, Safety, Scale};

/// Between these lines of RESULTS.md is what this program writes; the rest is people's.
const BEGIN: &str = "<!-- written by `cargo bench --bench peers`: begin -->";
const END: &str = "<!-- written by `cargo bench --bench peers`: end -->";
const CHART: &str = "peers.svg";

/// The tables.
pub(crate) fn text(
    prompt: &[Course],
    delayed: &[Course],
    safety: &[Safety],
    scale: &[Scale],
    checked: &Checked,
    rounds: usize,
) -> String {
    let mut text = format!(
        "Medians of {rounds} rounds in turns, one server process, client and server on the same {} cores. `x bare` is \
         the median over the rounds of the ratio to the bare loop's orgs a second in the same round; `x fair` the same \
         times the calls that each org takes. The processor time is that of the client; its ratio is per call.\n",
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get)
    );
    text.push_str("\n### A server that answers at once\n\n");
    table(&mut text, prompt);
    if !delayed.is_empty() {
        text.push_str("\n### A server that takes 50 ms\n\n");
        let orgs = delayed.first().map_or(0, |course| course.orgs);
        let floor = floor(orgs);
        let _ = writeln!(
            text,
            "The floor is orgs / 64 x 50 ms for each call an org takes: {:.2} s for one call and {orgs} orgs.\n",
            floor.as_secs_f64()
        );
        delayed_table(&mut text, delayed);
    }
    text.push_str("\n### What safety costs\n\n");
    text.push_str(
        "The engine alone, default mode, 64 in flight: its journal in memory, and on the disk, where every intent is \
         durable before its write is sent.\n\n| latency | in memory, s | on the disk, s | ratio |\n|--:|--:|--:|--:|\n",
    );
    for Safety { latency, rounds } in safety {
        let memory = median(rounds.iter().map(|(memory, _)| memory.as_secs_f64()));
        let disk = median(rounds.iter().map(|(_, disk)| disk.as_secs_f64()));
        let ratio = median(rounds.iter().map(|(memory, disk)| disk.as_secs_f64() / memory.as_secs_f64()));
        let _ = writeln!(text, "| {latency} | {memory:.2} | {disk:.2} | {ratio:.2} |");
    }
    text.push_str("\n### More and more orgs\n\n");
    text.push_str(
        "| orgs | plan, us/org | MiB | apply PLAN, us/org | MiB | --no-read, us/org | MiB | all files again, us/org | MiB |\n",
    );
    text.push_str("|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for Scale { orgs, plan, apply, unread, report } in scale {
        let cells = [plan, apply, unread, report]
            .map(|measured| format!("{:.0} | {}", micros_per(measured.wall, *orgs), measured.memory));
        let _ = writeln!(text, "| {orgs} | {} |", cells.join(" | "));
    }
    let Checked { rows, bytes, rounds } = checked;
    let speed = median(rounds.iter().map(|round| *bytes as f64 / 1e6 / round.wall.as_secs_f64()));
    let memory = rounds.iter().map(|round| round.memory).max().unwrap_or(0);
    let _ = writeln!(
        text,
        "\n`check` of a manifest of {rows} rows and {} MB: {speed:.0} MB/s, {memory} MiB.",
        bytes / 1_000_000
    );
    text
}

fn table(text: &mut String, courses: &[Course]) {
    text.push_str(
        "| | orgs/s | x bare | x fair | processor, us/org | x bare, per call | MiB | does not do |\n",
    );
    text.push_str("|---|--:|--:|--:|--:|--:|--:|---|\n");
    let Some(bare) = courses.iter().find(|course| course.contender == Contender::Bare) else { return };
    for course in courses {
        let ratio = ratio(course, bare);
        let cpu = median(course.rounds.iter().map(|round| micros_per(round.cpu, course.orgs)));
        let bare_cpu = median(bare.rounds.iter().map(|round| micros_per(round.cpu, bare.orgs)));
        let _ = writeln!(
            text,
            "| {} | {:.0} | {ratio:.3} | {:.2} | {cpu:.0} | {:.1} | {} | {} |",
            course.contender.name(),
            speed(course),
            ratio * f64::from(course.contender.calls()),
            cpu / bare_cpu / f64::from(course.contender.calls()),
            course.rounds.iter().map(|round| round.memory).max().unwrap_or(0),
            course.contender.lacks()
        );
    }
}

fn delayed_table(text: &mut String, courses: &[Course]) {
    text.push_str("| | orgs | rounds | s | x floor |\n|---|--:|--:|--:|--:|\n");
    for course in courses {
        let wall = median(course.rounds.iter().map(|round| round.wall.as_secs_f64()));
        let floor = floor(course.orgs).as_secs_f64() * f64::from(course.contender.calls());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {wall:.2} | {:.2} |",
            course.contender.name(),
            course.orgs,
            course.rounds.len(),
            wall / floor
        );
    }
}

fn floor(orgs: usize) -> Duration {
    Duration::from_millis(50).mul_f64(orgs.div_ceil(64).max(1) as f64)
}

fn speed(course: &Course) -> f64 {
    median(course.rounds.iter().map(|round| orgs_a_second(round, course.orgs)))
}

fn ratio(course: &Course, bare: &Course) -> f64 {
    let rounds = course.rounds.iter().zip(&bare.rounds);
    median(rounds.map(|(ours, bares)| orgs_a_second(ours, course.orgs) / orgs_a_second(bares, bare.orgs)))
}

fn orgs_a_second(measured: &Measured, orgs: usize) -> f64 {
    orgs as f64 / measured.wall.as_secs_f64()
}

fn micros_per(time: Duration, orgs: usize) -> f64 {
    time.as_secs_f64() * 1e6 / orgs as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// Puts text and chart into the results' folder.
pub(crate) fn write(folder: &Path, text: &str, courses: &[Course]) -> Result<(), String> {
    let path = folder.join("RESULTS.md");
    let whole = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (before, rest) = whole.split_once(BEGIN).ok_or("RESULTS.md has no place for the peers")?;
    let (_, after) = rest.split_once(END).ok_or("RESULTS.md has no end of the peers' place")?;
    let alt = "Orgs a second of each contender, as bars on a logarithmic scale";
    let whole = format!("{before}{BEGIN}\n\n{text}\n![{alt}]({CHART})\n\n{END}{after}");
    fs::write(&path, whole).map_err(|error| format!("{}: {error}", path.display()))?;
    fs::write(folder.join(CHART), chart(courses)).map_err(|error| error.to_string())
}

/// Bars on a logarithmic scale: contenders are a factor of a hundred apart.
fn chart(courses: &[Course]) -> String {
    const ROW: usize = 26;
    const LEFT: f64 = 230.0;
    const WIDTH: f64 = 520.0;
    let most = courses.iter().map(speed).fold(100.0, f64::max).log10().ceil();
    let x = |speed: f64| LEFT + WIDTH * ((speed.max(10.0).log10() - 1.0) / (most - 1.0));
    let height = ROW * courses.len() + 56;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 850 {height}\" font-family=\"sans-serif\" \
         font-size=\"13\" role=\"img\"><title>Orgs a second, logarithmic</title>\n\
         <style>text {{ fill: #222 }} line {{ stroke: #bbb }} .ours {{ fill: #0b6e99 }} .peer {{ fill: #9a9a9a }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd }} line {{ stroke: #555 }} }}</style>\n"
    );
    let mut tick = 10.0;
    while f64::log10(tick) <= most {
        let at = x(tick);
        let bottom = height - 30;
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.0}\" y1=\"8\" x2=\"{at:.0}\" y2=\"{bottom}\"/>\
             <text x=\"{at:.0}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>",
            height - 14
        );
        tick *= 10.0;
    }
    for (place, course) in courses.iter().enumerate() {
        let (top, speed) = (12 + ROW * place, speed(course));
        let class = if course.contender.is_ours() { "ours" } else { "peer" };
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{top}\" width=\"{:.0}\" height=\"18\"/>\
             <text x=\"{:.0}\" y=\"{}\">{speed:.0}</text>",
            LEFT - 8.0,
            top + 14,
            course.contender.name(),
            x(speed) - LEFT,
            x(speed) + 6.0,
            top + 14
        );
    }
    svg.push_str("</svg>\n");
    svg
}
