//! A bar of parts of a whole, each with its own pattern, so that it can be read without colours.

use askama::Template;

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

struct Part<'a> {
    class: &'static str,
    x: String,
    width: String,
    count: String,
    label: &'a str,
}

/// Solid, hatched, crossed, dotted. A pattern takes its colour from where it is defined, so each has its class.
#[derive(Template)]
#[template(path = "strip.html")]
struct Strip<'a> {
    words: String,
    parts: Vec<Part<'a>>,
}

/// The bar with its legend, as HTML.
pub(crate) fn strip(segments: &[Segment]) -> String {
    let segments: Vec<&Segment> = segments.iter().filter(|segment| segment.number > 0).collect();
    let total: u64 = segments.iter().map(|segment| segment.number).sum();
    if total == 0 {
        return String::new();
    }
    let mut x = 0.0;
    let mut parts = Vec::new();
    for segment in &segments {
        #[expect(clippy::cast_precision_loss, reason = "shares of a picture")]
        let width = {
            let spare = WIDTH - (NARROWEST + GAP) * segments.len() as f64;
            NARROWEST + spare * segment.number as f64 / total as f64
        };
        parts.push(Part {
            class: tone_class(segment.tone),
            x: format!("{x:.1}"),
            width: format!("{width:.1}"),
            count: count(segment.number),
            label: &segment.label,
        });
        x += width + GAP;
    }
    let words: Vec<String> = parts.iter().map(|part| format!("{} {}", part.count, part.label)).collect();
    let html = Strip { words: words.join(", "), parts };
    html.render().expect("writing to a string can't fail, and no filter of the template can")
}

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
