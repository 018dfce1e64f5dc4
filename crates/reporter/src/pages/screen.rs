//! Findings as a terminal shows them.

use crate::digest::{Cause, Finding};
use crate::terminal::{Page, Tone, cut, orgs};

/// Orgs that are named for one finding.
const NAMED: usize = 3;

/// Why orgs failed, with one of them, and what to do.
pub(crate) fn say_cause(page: &mut Page, tone: Tone, Cause { code, todo, finding }: &Cause<'_>) {
    let (title, example) = (code.title(), &finding.examples[0]);
    page.gap();
    page.paragraph(tone, 0, 2, &format!("{code}  {}: {title}", orgs(finding.orgs)));
    let said = match example.detail.as_str() {
        said if said.is_empty() || said == title => String::new(),
        said => format!(": {}", cut(said, 120)),
    };
    page.paragraph(Tone::Plain, 2, 2, &format!("e.g. {}{said}", example.place()));
    page.paragraph(Tone::Plain, 2, 2, &format!("do:  {todo}"));
}

/// The first orgs of a finding, and how many more are in the CSV.
pub(crate) fn say_examples(page: &mut Page, finding: &Finding, csv: &str) {
    for example in finding.examples.iter().take(NAMED) {
        let text = format!("{}: {}", example.place(), cut(&example.detail, 160));
        page.paragraph(Tone::Plain, 2, 2, &text);
    }
    if let Some(more) =
        finding.more(finding.examples.len().min(NAMED)).filter(|_| !finding.examples.is_empty())
    {
        page.paragraph(Tone::Faint, 2, 2, &format!("{more}: see {csv}"));
    }
}
