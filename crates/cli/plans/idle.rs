//! A plan in which no row was compared: from outside it looks like one that has nothing to change.

use std::collections::BTreeMap;

use orgwave_core::plan::Verdict;
use orgwave_reporter::terminal::several;

use super::open::OpenPlan;
use crate::console;

/// Says, however quiet the command is, that every row of the plan is skipped or blocked.
pub fn warn_if_idle(plan: &OpenPlan) {
    if let Some(text) = idle(plan.index.iter().map(|entry| entry.verdict)) {
        console::note(&format!("warning: {text}\n"));
    }
}

fn idle(verdicts: impl Iterator<Item = Verdict>) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
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
    let parts: Vec<String> = counts.iter().map(|(word, rows)| several(*rows, word, word)).collect();
    let rows: u64 = counts.values().sum();
    match rows {
        0 => None,
        1 => Some(format!("nothing can be applied: the only row is {}", counts.keys().next().unwrap_or(&""))),
        _ => {
            let rows = several(rows, "row", "rows");
            Some(format!("nothing can be applied: of {rows} {}", parts.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plan_without_a_compared_row_is_idle() {
        let said = |verdicts: &[Verdict]| idle(verdicts.iter().copied());
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[Verdict::Skipped, Verdict::Unchanged]), None);
        assert_eq!(said(&[Verdict::Blocked, Verdict::Update]), None);
        assert_eq!(
            said(&[Verdict::Skipped, Verdict::Blocked, Verdict::Skipped]).as_deref(),
            Some("nothing can be applied: of 3 rows 1 blocked, 2 skipped")
        );
        assert_eq!(
            said(&[Verdict::Skipped; 12_000]).as_deref(),
            Some("nothing can be applied: of 12,000 rows 12,000 skipped")
        );
        assert_eq!(
            said(&[Verdict::Skipped]).as_deref(),
            Some("nothing can be applied: the only row is skipped")
        );
    }
}
