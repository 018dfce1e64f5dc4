//! The values on one side of a cluster: which one, where there is one, else how many.

use std::borrow::Cow;
use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashSet};

use crate::terminal::{count, cut};

/// Different values that are counted.
const COUNTED: usize = 10_000;

/// Letters of a value that are shown.
const SHOWN: usize = 60;

/// Values, of which nothing but the first is kept.
#[derive(Debug, Default)]
pub(super) struct Values {
    first: Option<String>,
    /// Hashes of all others, up to a number.
    others: HashSet<u64>,
    hasher: DefaultHashBuilder,
}

impl Values {
    pub(super) fn add(&mut self, value: &str) {
        match &self.first {
            None => self.first = Some(value.to_owned()),
            Some(first) if first == value => {}
            Some(_) => {
                if self.others.len() < COUNTED {
                    self.others.insert(self.hasher.hash_one(value));
                }
            }
        }
    }

    pub(super) fn show(&self) -> Cow<'_, str> {
        match self.others.len() {
            0 => Cow::Owned(cut(self.first.as_deref().unwrap_or("<absent>"), SHOWN)),
            COUNTED => Cow::Owned(format!("more than {} different values", count(COUNTED as u64))),
            others => Cow::Owned(format!("{} different values", count(others as u64 + 1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
        let mut all = Values::default();
        values.into_iter().for_each(|value| all.add(value));
        all.show().into_owned()
    }

    #[test]
    fn one_value_is_shown_and_different_ones_are_counted() {
        assert_eq!(shown(["Lobby", "Lobby"]), "Lobby");
        assert_eq!(shown(["Lobby", "Yard", "Lobby", "Yard", "Stairs"]), "3 different values");
        let many: Vec<String> = (0..12_000).map(|number| number.to_string()).collect();
        assert_eq!(shown(many[..12].iter().map(String::as_str)), "12 different values");
        assert_eq!(shown(many.iter().map(String::as_str)), "more than 10,000 different values");
    }
}
