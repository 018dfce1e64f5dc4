//! A line that a page says before anything else: words of ours, and behind them what may be foreign text.

use orgwave_core::plan::{GuardKind, Header};

use crate::terminal::clean;

/// The line, before a medium renders it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    ours: String,
    theirs: String,
}

impl Note {
    pub(crate) const fn own(ours: String) -> Self {
        Self { ours, theirs: String::new() }
    }

    pub(crate) const fn quoting(ours: String, theirs: String) -> Self {
        Self { ours, theirs }
    }

    /// What a rollout allows in advance, which weakens what an approver relies on: guards without a code, and changes that
    /// don't stop the canary.
    pub(crate) fn of_plan(plan: &Header) -> Vec<Self> {
        let mut notes = Vec::new();
        if !plan.allow.is_empty() {
            let but = if plan.allow.contains(&GuardKind::Additions) {
                " (never a key that is another spelling of a live one)"
            } else {
                ""
            };
            let kinds: Vec<_> = plan.allow.iter().map(GuardKind::name).collect();
            let ours = format!("Allowed without a code if apply makes the plan{but}: ");
            notes.push(Self::quoting(ours, kinds.join(", ")));
        }
        let ignored: Vec<&str> = plan.ignored_places().collect();
        if !ignored.is_empty() {
            let ours = "Ignored in the canary's read-back: ".to_owned();
            notes.push(Self::quoting(ours, ignored.join(", ")));
        }
        notes
    }

    /// Lines for a page.
    pub(crate) fn clean(notes: &[Self]) -> Vec<String> {
        notes.iter().map(|note| note.render(|text| clean(text).into_owned())).collect()
    }

    /// The line, with foreign text as this medium takes it.
    pub(crate) fn render(&self, foreign: impl Fn(&str) -> String) -> String {
        format!("{}{}", self.ours, foreign(&self.theirs))
    }
}
