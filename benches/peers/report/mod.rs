//! What was measured, as the part of RESULTS.md that this program writes.

mod aims;
mod chart;
mod figures;
mod tables;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use figures::{floor, median};

use super::Results;
use super::contender::Contender;
use super::estate::Work;

/// Between these lines of RESULTS.md is what this program writes; the rest is people's.
const BEGIN: &str = "<!-- written by `cargo bench --bench peers`: begin -->";
const END: &str = "<!-- written by `cargo bench --bench peers`: end -->";
const CHART: &str = "peers.svg";

/// The tables, and how far the aims are met.
pub(crate) fn text(results: &Results) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let rounds = results.checked.rounds.len();
    let mut text = format!(
        "{rounds} rounds in turns; server and client share {cores} cores. Every contender sends the same updates: the server counts \
         them, and in the first round each body is compared with what its row says.\n\n\
         * **orgs/s**: the median. **x bare**: the median over the rounds of its ratio to the bare loop in the same round, \
         and the least and the most of it: so far apart is what noise makes.\n\
         * **us/org**: the client's processor time, of all rounds; **x bare**: its ratio to the bare loop's.\n\
         * **calls**: to the API, an org. **traffic**: what it read and wrote by the calls for files, kB an org; Node and \
         Rust write to sockets by the same calls, so their requests are in it. **kept**: what is on the disk in the end, \
         kB an org. **MiB**: peak memory, of all processes of it.\n"
    );
    for race in &results.prompt {
        let name = race.estate.work.name();
        let _ = write!(text, "\n### {name}\n\n{}", tables::race(race));
    }
    text.push_str("\n### What each doesn't do\n\n");
    for alike in Contender::ALL.chunk_by(|one, next| one.lacks() == next.lacks()) {
        let names: Vec<&str> = alike.iter().map(|contender| contender.name()).collect();
        let _ = writeln!(text, "* **{}**: {}.", names.join("**, **"), alike[0].lacks());
    }
    text.push_str("\n### Where a script is faster\n\n");
    text.push_str(&tables::faster(results));
    let orgs = results.delayed.estate.orgs;
    let _ = write!(
        text,
        "\n### A server that takes 50 ms\n\nWide rows. The floor is orgs / 64 x 50 ms for each call that an org takes: {:.2} s for \
         one call and {orgs} orgs.\n\n{}",
        floor(orgs),
        tables::delayed(&results.delayed)
    );
    let _ = write!(
        text,
        "\n### What safety costs\n\nThe engine alone, default mode, 64 in flight: its journal in memory, and on the disk, where \
         every intent is durable before its write is sent.\n\n{}",
        tables::safety(&results.safety)
    );
    let _ = write!(
        text,
        "\n### More and more orgs\n\nWide rows, a server that answers at once; us an org, and peak MiB.\n\n{}",
        tables::scale(&results.scale)
    );
    let checked = &results.checked;
    let memory = checked.rounds.iter().map(|round| round.memory).max().unwrap_or(0);
    let _ = writeln!(
        text,
        "\n`check` of a manifest of {} rows and {} MB: {:.0} MB/s, {memory} MiB.",
        checked.rows,
        checked.bytes / 1_000_000,
        check_speed(results)
    );
    let _ = write!(text, "\n### Aims\n\n{}", aims::table(results));
    text
}

/// MB a second, of the long manifest.
fn check_speed(results: &Results) -> f64 {
    let checked = &results.checked;
    median(checked.rounds.iter().map(|round| checked.bytes as f64 / 1e6 / round.wall.as_secs_f64()))
}

/// Puts text and chart into the folder of results.
pub(crate) fn write(results: &Results) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    let path = folder.join("RESULTS.md");
    let shown = |error| format!("RESULTS.md: {error}");
    let whole = fs::read_to_string(&path).map_err(shown)?;
    let (before, rest) = whole.split_once(BEGIN).ok_or("RESULTS.md has no place for the peers")?;
    let (_, after) = rest.split_once(END).ok_or("RESULTS.md has no end of the peers' place")?;
    let wide = results.prompt.iter().find(|race| race.estate.work == Work::Wide).ok_or("no wide rows")?;
    let (text, alt) = (text(results), "Orgs a second of each contender on wide rows, as bars");
    let whole = format!("{before}{BEGIN}\n\n{text}\n![{alt}]({CHART})\n\n{END}{after}");
    fs::write(&path, whole).map_err(shown)?;
    fs::write(folder.join(CHART), chart::bars(wide)).map_err(|error| format!("{CHART}: {error}"))
}
