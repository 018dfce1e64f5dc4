//! Prints the tables of docs/guide/limits.md, and draws its picture: `cargo run -p orgwave-executor --example limits`.

#[path = "../tests/contest/arena.rs"]
mod arena;
#[path = "../tests/contest/contenders.rs"]
mod contenders;
#[path = "../tests/contest/distant.rs"]
mod distant;
#[path = "../tests/contest/ours.rs"]
mod ours;
#[path = "../tests/contest/rivals/mod.rs"]
mod rivals;
#[path = "../tests/contest/score.rs"]
mod score;
#[path = "../tests/contest/unseen.rs"]
mod unseen;

use std::error::Error;
use std::time::Duration;

use arena::Vendor;
use contenders::Contender;
use plotters::prelude::*;

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/images/limits.svg");
const LENGTH: u32 = 180;
/// Calls are counted in stretches of this many seconds.
const STRETCH: u32 = 3;
const MOST: f64 = 45.0;

fn main() -> Result<(), Box<dyn Error>> {
    draw()?;
    println!("{}", score::table());
    println!("{}", unseen::tables());
    print!("{}", distant::tables());
    Ok(())
}

/// What comes through over time, of a limit of 20/s that is halved after a minute and doubled after another.
fn draw() -> Result<(), Box<dyn Error>> {
    let vendor = Vendor::of(20.0).then(seconds(60), 10.0).then(seconds(120), 20.0);
    let root = SVGBackend::new(PICTURE, (760, 760)).into_drawing_area();
    root.fill(&WHITE)?;
    for (panel, contender) in root.split_evenly((Contender::ALL.len(), 1)).iter().zip(Contender::ALL) {
        let played = contender.plays(&vendor, seconds(LENGTH), 1);
        let (passed, refused) = played.calls(&vendor, Duration::ZERO, seconds(LENGTH));
        let name = contender.name().replace('`', "");
        let title = format!("{name}: {:.1} % of its calls refused", 100.0 * refused / (passed + refused));
        let mut chart = ChartBuilder::on(panel)
            .caption(title, ("sans-serif", 15))
            .margin(6)
            .x_label_area_size(22)
            .y_label_area_size(40)
            .build_cartesian_2d(0.0..f64::from(LENGTH), 0.0..MOST)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|at| format!("{at:.0} s"))
            .y_label_formatter(&|rate| format!("{rate:.0}/s"))
            .x_labels(7)
            .y_labels(4)
            .draw()?;
        let stretches: Vec<(f64, f64, f64)> = (0..LENGTH / STRETCH)
            .map(|number| {
                let (from, to) = (seconds(number * STRETCH), seconds((number + 1) * STRETCH));
                let (passed, refused) = played.calls(&vendor, from, to);
                (from.as_secs_f64(), passed / f64::from(STRETCH), (passed + refused) / f64::from(STRETCH))
            })
            .collect();
        let bar = |at: f64, from: f64, to: f64, colour: RGBColor| {
            Rectangle::new([(at, from), (at + f64::from(STRETCH) - 0.4, to.min(MOST))], colour.filled())
        };
        chart.draw_series(
            stretches.iter().map(|(at, passed, _)| bar(*at, 0.0, *passed, RGBColor(47, 111, 159))),
        )?;
        chart.draw_series(
            stretches
                .iter()
                .map(|(at, passed, sent)| bar(*at, passed.min(MOST), *sent, RGBColor(181, 86, 42))),
        )?;
        let limit = [(0.0, 20.0), (60.0, 20.0), (60.0, 10.0), (120.0, 10.0), (120.0, 20.0), (180.0, 20.0)];
        chart.draw_series(LineSeries::new(limit, BLACK.stroke_width(2)))?;
    }
    root.present()?;
    Ok(())
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}
