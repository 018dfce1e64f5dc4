//! Things that are named by an id, one after the other. The id is there to be copied: it is never cut.

use super::clean::{clean, cut, pad, width};
use super::layout::Page;
use super::style::{Style, Tone};

/// What is shown of one thing.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is called by commands.
    pub id: String,
    /// What is shown of it, the most important first.
    pub parts: Vec<String>,
}

/// The entries in a terminal of this width: each on a line, or its parts below its id where they don't fit beside
/// it. `None`: there is no terminal, and scripts want one line each.
pub fn listing(entries: &[Entry], columns: Option<usize>) -> String {
    let widest = |place: usize| {
        let parts = entries.iter().filter_map(|entry| entry.parts.get(place));
        parts.map(|part| width(&clean(part))).max().unwrap_or(0)
    };
    let most = entries.iter().map(|entry| entry.parts.len()).max().unwrap_or(0);
    // The last part isn't padded.
    let widths: Vec<usize> = (0..most.saturating_sub(1)).map(widest).collect();
    let widest_id = entries.iter().map(|entry| width(&clean(&entry.id))).max().unwrap_or(0);
    let mut all = String::new();
    for Entry { id, parts } in entries {
        let mut line = pad(&clean(id), widest_id);
        for (place, part) in parts.iter().enumerate() {
            let part = clean(part);
            let missing = widths.get(place).map_or(0, |most| most.saturating_sub(width(&part)));
            line.extend(["  ", &part]);
            line.extend(std::iter::repeat_n(' ', missing));
        }
        let line = line.trim_end();
        match columns {
            Some(columns) if width(line) > columns => all.push_str(&folded(id, parts, columns)),
            _ => all.extend([line, "\n"]),
        }
    }
    all
}

fn folded(id: &str, parts: &[String], columns: usize) -> String {
    let mut page = Page::new(columns, Style::Plain);
    let beside = columns.saturating_sub(width(id) + 2);
    match parts {
        // A name may well be cut: the id says which one it is.
        [only] if beside >= 12 => page.uncut(Tone::Plain, 0, &format!("{id}  {}", cut(only, beside))),
        _ => {
            page.uncut(Tone::Plain, 0, id);
            page.paragraph(Tone::Plain, 2, 2, &parts.join("  "));
        }
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, parts: &[&str]) -> Entry {
        Entry { id: id.to_owned(), parts: parts.iter().map(|part| (*part).to_owned()).collect() }
    }

    #[test]
    fn parts_stand_below_each_other_and_fold_where_they_do_not_fit() {
        let entries =
            [entry("run-1", &["exit 0", "sandbox", "52 applied"]), entry("run-2", &["died", "https://x"])];
        assert_eq!(
            listing(&entries, None),
            "run-1  exit 0  sandbox    52 applied\nrun-2  died    https://x\n"
        );
        assert_eq!(
            listing(&entries, Some(20)),
            "run-1\n  exit 0  sandbox\n    52 applied\nrun-2\n  died  https://x\n"
        );
    }

    #[test]
    fn a_long_name_is_cut_and_its_id_is_not() {
        let entries = [entry("Hp7YW6y2ztaa4ssOe7u6yw", &[&"Wide".repeat(75)])];
        assert_eq!(listing(&entries, Some(40)), "Hp7YW6y2ztaa4ssOe7u6yw  WideWideWideWid…\n");
        assert_eq!(listing(&entries, Some(20)).lines().next(), Some("Hp7YW6y2ztaa4ssOe7u6yw"));
        assert_eq!(listing(&entries, None).len(), 22 + 2 + 300 + 1);
    }
}
