//! Orgs a second as bars.

use std::fmt::Write as _;

use super::super::Race;

const ROW: usize = 26;
const LEFT: f64 = 250.0;
const WIDTH: f64 = 520.0;

/// A bar for each contender, as SVG.
pub(super) fn bars(race: &Race) -> String {
    let most = race.courses.iter().map(|course| race.speed(course)).fold(1.0, f64::max);
    let height = ROW * race.courses.len() + 16;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 850 {height}\" font-family=\"sans-serif\" \
         font-size=\"13\" role=\"img\"><title>Orgs a second</title>\n\
         <style>text {{ fill: #222 }} .ours {{ fill: #0b6e99 }} .peer {{ fill: #9a9a9a }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd }} }}</style>\n"
    );
    for (place, course) in race.courses.iter().enumerate() {
        let (top, speed) = (8 + ROW * place, race.speed(course));
        let class = if course.contender.is_ours() { "ours" } else { "peer" };
        let width = WIDTH * speed / most;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{top}\" width=\"{width:.0}\" height=\"18\"/>\
             <text x=\"{:.0}\" y=\"{}\">{speed:.0}</text>",
            LEFT - 8.0,
            top + 14,
            course.contender.name(),
            LEFT + width + 6.0,
            top + 14
        );
    }
    svg.push_str("</svg>\n");
    svg
}
