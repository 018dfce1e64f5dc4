//! Lines that fit a width.

use std::fmt::Write as _;

use super::clean::{clean, width};
use super::style::{Style, Tone};
use super::{NARROWEST, cut, pad};

/// A page being filled.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    width: usize,
    style: Style,
}

/// One column of a table: its head, and whether it is for numbers.
pub(crate) struct Column {
    pub(crate) head: &'static str,
    pub(crate) right: bool,
    /// Fewer columns than this, and it is omitted.
    pub(crate) least: usize,
    /// It is omitted when the width is short, those with the higher number first; 0 never is.
    pub(crate) spare: u8,
}

impl Page {
    pub(crate) fn new(width: usize, style: Style) -> Self {
        Self { text: String::new(), width: width.max(NARROWEST), style }
    }

    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// An empty line, unless nothing is above it or one does already.
    pub(crate) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A paragraph, wrapped; lines after the first are indented by `hang` more.
    pub(crate) fn paragraph(&mut self, tone: Tone, indent: usize, hang: usize, text: &str) {
        let text = clean(text);
        let first = self.width.saturating_sub(indent).max(1);
        let later = self.width.saturating_sub(indent + hang).max(1);
        for (number, line) in wrap(&text, first, later).into_iter().enumerate() {
            let indent = if number == 0 { indent } else { indent + hang };
            self.push(tone, indent, line);
        }
    }

    /// A line that is there to be copied: never cut, never wrapped.
    pub(crate) fn uncut(&mut self, tone: Tone, indent: usize, text: &str) {
        self.push(tone, indent, &clean(text));
    }

    /// A line that is cut where it is too long.
    pub(crate) fn line(&mut self, tone: Tone, indent: usize, text: &str) {
        let text = cut(text, self.width.saturating_sub(indent));
        self.push(tone, indent, &text);
    }

    fn push(&mut self, tone: Tone, indent: usize, text: &str) {
        let (begin, end) = (self.style.begin(tone), self.style.end(tone));
        let _ = writeln!(self.text, "{:indent$}{begin}{}{end}", "", text.trim_end());
    }

    /// A table. Columns share what room there is; those that may be spared go when there is too little.
    pub(crate) fn table(&mut self, columns: &[Column], rows: &[(Tone, Vec<String>)]) {
        const SPACE: usize = 2;
        let natural: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let cells = rows.iter().map(|(_, cells)| width(&clean(&cells[place])));
                cells.chain([width(column.head)]).max().unwrap_or(0)
            })
            .collect();
        let mut shown: Vec<usize> = (0..columns.len()).collect();
        let least = |shown: &[usize]| {
            let widths = shown.iter().map(|place| natural[*place].min(columns[*place].least));
            widths.sum::<usize>() + SPACE * shown.len().saturating_sub(1)
        };
        while least(&shown) > self.width {
            let Some(spare) = shown
                .iter()
                .copied()
                .filter(|place| columns[*place].spare > 0)
                .max_by_key(|p| columns[*p].spare)
            else {
                break;
            };
            shown.retain(|place| *place != spare);
        }
        // Each gets its least, and then the rest goes to those that need more, from the left.
        let mut widths: Vec<usize> =
            shown.iter().map(|place| natural[*place].min(columns[*place].least)).collect();
        let mut left = self.width.saturating_sub(least(&shown));
        for (width, place) in widths.iter_mut().zip(&shown) {
            let more = (natural[*place] - *width).min(left);
            *width += more;
            left -= more;
        }
        let render = |cells: &dyn Fn(usize) -> String| {
            let mut line = String::new();
            for (width, place) in widths.iter().zip(&shown) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let cell = cut(&cells(*place), *width);
                if columns[*place].right {
                    let missing = width.saturating_sub(super::clean::width(&cell));
                    line.extend(std::iter::repeat_n(' ', missing));
                    line.push_str(&cell);
                } else {
                    line.push_str(&pad(&cell, *width));
                }
            }
            line
        };
        let head = render(&|place| columns[place].head.to_owned());
        self.line(Tone::Faint, 0, &head);
        for (tone, cells) in rows {
            let line = render(&|place| cells[place].clone());
            self.line(*tone, 0, &line);
        }
    }
}

/// A clean text in lines of at most `first`, then `later` columns: broken at spaces, and within words that are
/// longer than a line.
fn wrap(text: &str, first: usize, later: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    loop {
        let room = if lines.is_empty() { first } else { later };
        let (mut used, mut space, mut end) = (0, None, rest.len());
        for (place, c) in rest.char_indices() {
            used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
            if used > room {
                end = place;
                break;
            }
            if c == ' ' {
                space = Some(place);
            }
        }
        if end == rest.len() {
            lines.push(rest);
            return lines;
        }
        // A wide character in a line of one column has to be somewhere.
        let stop = match space {
            _ if rest[end..].starts_with(' ') => end,
            Some(space) if space > 0 => space,
            _ if end == 0 => rest.chars().next().map_or(rest.len(), char::len_utf8),
            _ => end,
        };
        lines.push(&rest[..stop]);
        rest = rest[stop..].trim_start();
        if rest.is_empty() {
            return lines;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wraps_at_spaces_and_within_long_words() {
        assert_eq!(wrap("one two three", 7, 5), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3, 4), ["abc", "defg", "h ij"]);
        assert_eq!(wrap("", 5, 5), [""]);
    }

    proptest! {
        #[test]
        fn wrapping_loses_nothing_but_spaces(text in "[a-z日 ]{0,60}", first in 2usize..20, later in 2usize..20) {
            let lines = wrap(&text, first, later);
            for (number, line) in lines.iter().enumerate() {
                let room = if number == 0 { first } else { later };
                prop_assert!(width(line) <= room, "{:?}", line);
            }
            let bare = |text: &str| text.replace(' ', "");
            prop_assert_eq!(bare(&lines.concat()), bare(&text));
        }
    }
}
