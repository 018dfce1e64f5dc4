//! A bar of parts of a whole, each with its own pattern, so that it can be read without colours.

use std::fmt::Write as _;

use super::tone_class;
use crate::terminal::{Tone, count};

/// A part.
pub(crate) struct Segment {
    pub(crate) label: String,
    pub(crate) number: u64,
    pub(crate) tone: Tone,
}

const WIDTH: f64 = 1_000.0;
/// A part that is there is seen, however small.
const NARROWEST: f64 = 5.0;
const GAP: f64 = 2.0;

/// The bar with its legend, as HTML. Labels are ours: words, no markup.
pub(crate) fn strip(segments: &[Segment]) -> String {
    let segments: Vec<&Segment> = segments.iter().filter(|segment| segment.number > 0).collect();
    let total: u64 = segments.iter().map(|segment| segment.number).sum();
    let mut html = String::new();
    if total == 0 {
        return html;
    }
    #[expect(clippy::cast_precision_loss, reason = "shares of a picture")]
    let spare = WIDTH - (NARROWEST + GAP) * segments.len() as f64;
    let words: Vec<String> =
        segments.iter().map(|segment| format!("{} {}", count(segment.number), segment.label)).collect();
    let _ = write!(
        html,
        "<svg class=\"strip\" viewBox=\"0 0 {WIDTH} 32\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        words.join(", ")
    );
    html.push_str(PATTERNS);
    let mut x = 0.0;
    for segment in &segments {
        #[expect(clippy::cast_precision_loss, reason = "shares of a picture")]
        let width = NARROWEST + spare * segment.number as f64 / total as f64;
        let class = tone_class(segment.tone);
        let _ = write!(
            html,
            "<rect class=\"{class}\" x=\"{x:.1}\" width=\"{width:.1}\" height=\"32\" fill=\"url(#p-{class})\"/>"
        );
        x += width + GAP;
    }
    html.push_str("</svg><ul class=\"legend\">");
    for segment in &segments {
        let class = tone_class(segment.tone);
        let _ = write!(
            html,
            "<li><svg class=\"{class}\" viewBox=\"0 0 22 18\" aria-hidden=\"true\"><rect width=\"22\" height=\"18\" \
             fill=\"url(#p-{class})\"/></svg><b>{}</b> <span>{}</span></li>",
            count(segment.number),
            segment.label
        );
    }
    html.push_str("</ul>");
    html
}

/// Solid, hatched, crossed, dotted. A pattern takes its colour from where it is defined, so each has its class.
const PATTERNS: &str = "<defs>\
<pattern id=\"p-good\" class=\"good\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"8\" height=\"8\" fill=\"currentColor\"/></pattern>\
<pattern id=\"p-warn\" class=\"warn\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"8\" height=\"8\" fill=\"currentColor\" fill-opacity=\".25\"/>\
<rect width=\"4\" height=\"8\" fill=\"currentColor\"/></pattern>\
<pattern id=\"p-bad\" class=\"bad\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"8\" height=\"8\" fill=\"currentColor\" fill-opacity=\".3\"/>\
<path d=\"M0 0H8M0 0V8\" stroke=\"currentColor\" stroke-width=\"4\"/></pattern>\
<pattern id=\"p-rest\" class=\"rest\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"8\" height=\"8\" fill=\"currentColor\" fill-opacity=\".2\"/>\
<circle cx=\"4\" cy=\"4\" r=\"1.4\" fill=\"currentColor\"/></pattern></defs>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_part_is_seen_and_an_empty_one_is_not() {
        let part = |label: &str, number, tone| Segment { label: label.to_owned(), number, tone };
        let html = strip(&[
            part("applied", 99_999, Tone::Good),
            part("failed", 1, Tone::Bad),
            part("unknown", 0, Tone::Bad),
        ]);
        assert!(html.contains("99,999 applied, 1 failed\""));
        assert!(html.contains("url(#p-bad)") && !html.contains("unknown"));
        assert_eq!(strip(&[]), "");
    }
}
