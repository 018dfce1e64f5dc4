//! The pictures of a run, as SVG. Colours are stand-ins that the page's style replaces, so that one picture
//! serves light and dark; everything that matters is also said by place, shape or label.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::timeline::{Bin, Timeline};
use crate::digest::Course;
use crate::pages::Chart;
use crate::terminal::{count, pace};

// The style knows these by their values.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const FILL: RGBColor = RGBColor(3, 3, 3);
const SOFT: RGBColor = RGBColor(4, 4, 4);
const ALERT: RGBColor = RGBColor(5, 5, 5);

/// Bars of how long calls took: up to 32 s, each twice as long as the one before, and beyond.
const BARS: usize = 17;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A size, and how much detail fits it.
#[derive(Clone, Copy)]
struct Canvas {
    width: u32,
    height: u32,
    bins: usize,
    ticks: usize,
    is_narrow: bool,
}

const WIDE: Canvas = Canvas { width: 960, height: 300, bins: 240, ticks: 9, is_narrow: false };
const NARROW: Canvas = Canvas { width: 360, height: 260, bins: 90, ticks: 4, is_narrow: true };

/// Calls a second, 429s and waves over the time of the run.
pub(super) fn course(timeline: &Timeline) -> Option<Chart> {
    let draw = |canvas: Canvas| {
        let bins = timeline.bins(canvas.bins);
        picture(canvas, |area| draw_course(area, timeline, &bins, canvas))
    };
    let bins = timeline.bins(WIDE.bins);
    let peak = bins.iter().map(|bin| bin.pace).fold(0.0, f64::max);
    let throttled: u32 = bins.iter().map(|bin| bin.throttled).sum();
    if peak == 0.0 {
        return None;
    }
    let mut words = format!("Calls per second during the run; at most {}.", pace(peak));
    if bins.iter().any(|bin| bin.rate.is_some()) {
        words.push_str(" The dashed line is the allowed rate.");
    }
    if throttled > 0 {
        let _ = write!(words, " Below it, the {} rate-limited calls.", count(u64::from(throttled)));
    } else {
        words.push_str(" None was rate-limited.");
    }
    if timeline.waves.len() > 1 {
        words.push_str(" Vertical lines mark the start of a wave.");
    }
    Some(Chart { words, wide: draw(WIDE)?, narrow: draw(NARROW)? })
}

/// How long calls took.
pub(super) fn latency(course: &Course) -> Option<Chart> {
    if course.took.is_empty() {
        return None;
    }
    let draw = |canvas: Canvas| {
        let canvas = Canvas { height: canvas.height - 40, ..canvas };
        picture(canvas, |area| draw_latency(area, course, canvas))
    };
    let within = |percent| format!("up to {}", millis(course.took.within(percent).unwrap_or(0.0)));
    let words = format!(
        "Call times; each bar covers twice the time of the one before. Half of the calls took {}, 95% {}, 99% {}.",
        within(50),
        within(95),
        within(99)
    );
    Some(Chart { words, wide: draw(WIDE)?, narrow: draw(NARROW)? })
}

/// A picture that can't be drawn is omitted: its numbers are beside it in words.
fn picture(canvas: Canvas, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Option<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (canvas.width, canvas.height)).into_drawing_area();
        draw(&area).ok()?;
        area.present().ok()?;
    }
    Some(svg)
}

fn label(colour: RGBColor, across: HPos, down: VPos) -> TextStyle<'static> {
    ("sans-serif", 13).into_font().color(&colour).pos(Pos::new(across, down))
}

fn draw_course(area: &Area<'_>, timeline: &Timeline, bins: &[Bin], canvas: Canvas) -> Drawn {
    let has_throttled = bins.iter().any(|bin| bin.throttled > 0);
    let (upper, lower) =
        area.split_vertically(if has_throttled { canvas.height - 70 } else { canvas.height });
    let rates = bins.iter().filter_map(|bin| bin.rate);
    let paces = bins.iter().map(|bin| bin.pace);
    let top = paces.chain(rates).fold(1.0, f64::max) * 1.12;
    let length = timeline.length.max(1.0);

    let mut chart = ChartBuilder::on(&upper)
        .margin_top(22)
        .margin_right(14)
        .x_label_area_size(24)
        .y_label_area_size(40)
        .build_cartesian_2d(0.0..length, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(canvas.ticks)
        .y_labels(5)
        .x_label_formatter(&|seconds| clock(*seconds))
        .y_label_formatter(&|pace| format!("{pace:.0}/s"))
        .label_style(label(SOFT, HPos::Center, VPos::Center))
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()?;
    let steps: Vec<(f64, f64)> =
        bins.iter().flat_map(|bin| [(bin.from, bin.pace), (bin.to, bin.pace)]).collect();
    chart.draw_series(AreaSeries::new(steps, 0.0, FILL.mix(0.28)).border_style(FILL.stroke_width(2)))?;

    let allowed: Vec<(f64, f64)> =
        bins.iter().filter_map(|bin| bin.rate.map(|rate| (f64::midpoint(bin.from, bin.to), rate))).collect();
    if let Some(end) = allowed.last().copied() {
        chart.draw_series(DashedLineSeries::new(allowed, 5, 4, INK.stroke_width(1)))?;
        let text = format!("allowed {}", pace(end.1));
        chart.draw_series([Text::new(text, (length, end.1), label(INK, HPos::Right, VPos::Bottom))])?;
    }
    for at in &timeline.resumed {
        chart.draw_series([PathElement::new([(*at, 0.0), (*at, top)], ALERT.stroke_width(1))])?;
        chart.draw_series([Text::new("resumed", (*at, top * 0.93), label(ALERT, HPos::Left, VPos::Top))])?;
    }
    draw_waves(&upper, &mut chart, timeline, top, canvas)?;
    if has_throttled { draw_throttled(&lower, bins, length) } else { Ok(()) }
}

type Plane<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// The beginning of each wave. Names that would be on each other are omitted, lines never.
fn draw_waves(
    area: &Area<'_>,
    chart: &mut Plane<'_, '_>,
    timeline: &Timeline,
    top: f64,
    canvas: Canvas,
) -> Drawn {
    let length = timeline.length.max(1.0);
    let width = if canvas.is_narrow { 24.0 } else { 56.0 };
    let room = length * width / f64::from(canvas.width);
    let mut free_from = f64::NEG_INFINITY;
    for (at, wave) in &timeline.waves {
        chart.draw_series([PathElement::new([(*at, 0.0), (*at, top)], SOFT.stroke_width(1))])?;
        if *at >= free_from {
            let text = if canvas.is_narrow { format!("w{wave}") } else { format!("wave {wave}") };
            let (x, y) = chart.backend_coord(&(*at, top));
            area.draw(&Text::new(text, (x, y - 4), label(INK, HPos::Left, VPos::Bottom)))?;
            free_from = at + room;
        }
    }
    Ok(())
}

fn draw_throttled(area: &Area<'_>, bins: &[Bin], length: f64) -> Drawn {
    let most = bins.iter().map(|bin| bin.throttled).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(area)
        .margin_right(14)
        .margin_top(20)
        .margin_bottom(6)
        .y_label_area_size(40)
        .build_cartesian_2d(0.0..length, 0.0..f64::from(most))?;
    chart
        .configure_mesh()
        .disable_mesh()
        .y_labels(2)
        .x_labels(0)
        .y_label_formatter(&|calls| format!("{calls:.0}"))
        .label_style(label(SOFT, HPos::Center, VPos::Center))
        .axis_style(GRID)
        .draw()?;
    let bars = bins.iter().filter(|bin| bin.throttled > 0).map(|bin| {
        let corners = [(bin.from, 0.0), (bin.to, f64::from(bin.throttled))];
        Rectangle::new(corners, ALERT.filled())
    });
    chart.draw_series(bars)?;
    area.draw(&Text::new("rate-limited", (46, 14), label(ALERT, HPos::Left, VPos::Bottom)))?;
    Ok(())
}

fn draw_latency(area: &Area<'_>, course: &Course, canvas: Canvas) -> Drawn {
    let calls_of: [u64; BARS] = course.took.by_powers();
    let used: Vec<usize> = (0..BARS).filter(|place| calls_of[*place] > 0).collect();
    let (first, last) = (used.first().copied().unwrap_or(0), used.last().copied().unwrap_or(0));
    #[expect(clippy::cast_precision_loss, reason = "heights of a picture")]
    let share = |calls: u64| calls as f64;
    let top = share(calls_of.iter().copied().max().unwrap_or(1));
    #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
    let x = |place: usize| (place - first) as f64;
    // A few bars shall not be as wide as the page.
    let places = (last - first + 1).max(if canvas.is_narrow { 5 } else { 8 });
    let mut chart = ChartBuilder::on(area)
        .margin(4)
        .margin_top(36)
        .margin_bottom(24)
        .margin_right(24)
        .build_cartesian_2d(0.0..x(first + places), 0.0..top)?;
    chart.draw_series([PathElement::new([(0.0, 0.0), (x(first + places), 0.0)], GRID.stroke_width(1))])?;
    for (place, calls) in calls_of.into_iter().enumerate().take(last + 1).skip(first) {
        let (left, right) = (x(place) + 0.03, x(place) + 0.97);
        let bar = Rectangle::new([(left, 0.0), (right, share(calls))], FILL.mix(0.55).filled());
        chart.draw_series([bar])?;
        let middle = chart.backend_coord(&(x(place) + 0.5, share(calls)));
        let style = label(INK, HPos::Center, VPos::Bottom);
        if calls == 0 {
            continue;
        }
        area.draw(&Text::new(count(calls), (middle.0, middle.1 - 3), style))?;
        let marks: Vec<&str> = [(50, "half"), (95, "95%"), (99, "99%")]
            .into_iter()
            .filter(|(percent, _)| course.took.within(*percent).is_some_and(|millis| bar_of(millis) == place))
            .map(|(_, mark)| mark)
            .collect();
        let style = label(SOFT, HPos::Center, VPos::Bottom);
        area.draw(&Text::new(marks.join(", "), (middle.0, middle.1 - 18), style))?;
    }
    for place in first..=last {
        let edge = chart.backend_coord(&(x(place) + 1.0, 0.0));
        let text = if place + 1 < BARS { span(1 << place) } else { "more".to_owned() };
        area.draw(&Text::new(text, (edge.0, edge.1 + 5), label(SOFT, HPos::Center, VPos::Top)))?;
    }
    Ok(())
}

/// The bar of a time: the first whose bound is no shorter, or the last.
fn bar_of(millis: f64) -> usize {
    (0..BARS - 1).find(|place| millis <= f64::from(1 << place)).unwrap_or(BARS - 1)
}

/// `0.42 ms`, `61 ms`, `1.5 s`.
fn millis(millis: f64) -> String {
    match millis {
        ..10.0 => format!("{millis:.2} ms"),
        ..1_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1_000.0),
    }
}

/// `250 ms`, `16 s`: a bound of the scale.
fn span(millis: u64) -> String {
    if millis < 1_000 { format!("{millis} ms") } else { format!("{} s", millis / 1_000) }
}

/// `45 s`, `12 min`, `3.5 h`: a place on the axis of time.
fn clock(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7_200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3_600.0)
    }
}
