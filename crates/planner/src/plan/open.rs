//! A plan whose seal fits.

use std::collections::BTreeMap;

use orgwave_core::plan::{Footer, Guard, Header, IndexEntry, Verdict};
use orgwave_core::run::Exit;

use crate::warning::Warning;

/// The bytes of an org's id.
pub type OrgId = [u8; 16];

/// A plan whose seal fits: proved, or just made by this process.
#[derive(Debug)]
pub struct OpenPlan {
    /// Its first line.
    pub header: Header,
    /// Its last line.
    pub footer: Footer,
    /// Its seal.
    pub seal: String,
    /// Where its orgs are.
    pub index: Vec<IndexEntry>,
    /// Those that are to be written.
    pub orgs: Vec<OrgId>,
}

impl OpenPlan {
    /// Whether no row of the plan was compared: from outside it looks like one that has nothing to change.
    pub fn idle(&self) -> Option<Warning> {
        idle(self.index.iter().map(|entry| entry.verdict))
    }

    /// The guards that weren't acknowledged: by their codes, or, where the plan is carried out by the command that made it,
    /// by allowing their kinds.
    pub fn missing<'a>(&'a self, acks: &'a [String], fresh: bool) -> impl Iterator<Item = &'a Guard> {
        let is_allowed = move |guard: &Guard| fresh && guard.is_allowed(&self.header.allow);
        self.footer.guards.iter().filter(move |guard| !is_allowed(guard) && !acks.contains(&guard.ack))
    }

    /// What `plan` ends with. Rows that could not be judged come first: all of them, or with `detailed` and `strict` any.
    pub fn exit(&self, detailed: bool, strict: bool) -> Exit {
        // Of an org with several steps, one may be stopped and others not.
        let any = |verdicts: [Verdict; 2]| {
            let of_rest = |status| verdicts.iter().any(|verdict| verdict.status() == Some(status));
            self.index
                .iter()
                .any(|entry| verdicts.contains(&entry.verdict) || entry.rest.is_some_and(of_rest))
        };
        let unjudged_counts = detailed || strict || self.footer.judged == 0;
        if unjudged_counts && any([Verdict::Blocked, Verdict::Rejected]) {
            Exit::SomeRefused
        } else if unjudged_counts && any([Verdict::Failed, Verdict::NotAttempted]) {
            Exit::TryAgain
        } else if detailed && self.footer.updates > 0 {
            Exit::Changes
        } else {
            Exit::Done
        }
    }
}

fn idle(verdicts: impl Iterator<Item = Verdict>) -> Option<Warning> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for verdict in verdicts {
        let word = match verdict {
            Verdict::Update | Verdict::Unchanged => return None,
            Verdict::Skipped => "skipped",
            Verdict::Blocked => "blocked",
            Verdict::Rejected => "rejected",
            Verdict::Failed | Verdict::NotAttempted => "not read",
        };
        *counts.entry(word).or_default() += 1;
    }
    (!counts.is_empty()).then_some(Warning::Idle(counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plan_without_a_compared_row_is_idle() {
        let found = |verdicts: &[Verdict]| idle(verdicts.iter().copied());
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[Verdict::Skipped, Verdict::Unchanged]), None);
        assert_eq!(found(&[Verdict::Blocked, Verdict::Update]), None);
        assert_eq!(
            found(&[Verdict::Skipped, Verdict::Blocked, Verdict::Skipped]),
            Some(Warning::Idle([("blocked", 1), ("skipped", 2)].into()))
        );
    }
}
