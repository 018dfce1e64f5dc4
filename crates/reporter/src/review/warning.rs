//! What is no guard and should still be known before somebody says yes.

use crate::terminal::cut;

/// Orgs that are told by name.
const EXAMPLES: usize = 10;

/// Orgs with one thing to be told of: how many, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) orgs: u64,
    /// Line, name, and what it is about.
    pub(super) examples: Vec<(u64, String, Vec<String>)>,
}

impl Told {
    /// Takes an org in, if there is anything to tell of it.
    pub(super) fn add(&mut self, line: u64, name: &str, what: Vec<String>) {
        if what.is_empty() {
            return;
        }
        self.orgs += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push((line, cut(name, 80), what));
        }
    }
}

/// Something to know before saying yes.
pub(super) struct Warning<'a> {
    pub(super) what: &'static str,
    pub(super) todo: &'static str,
    pub(super) told: &'a Told,
}
