//! `--only` and `--skip`: which orgs a command is about.
//!
//! A pattern that matches no org is a mistake, and one that would go unnoticed: the org that was not to be called would
//! be written. So every pattern has to match before anything is read or sent.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use orgwave_core::ids::Ruuid;
use orgwave_core::legible::quoted;
use orgwave_core::names::{comparable, distance};
use wildmatch::WildMatch;

use crate::error::Error;

/// Patterns that are named one by one where they match nothing.
const SHOWN: usize = 20;

/// The patterns of `--only` and `--skip`.
#[derive(Debug, Clone, Default)]
pub struct Select {
    /// Without any, every org is selected.
    pub only: Vec<Pattern>,
    /// What they match is not.
    pub skip: Vec<Pattern>,
}

/// A pattern, and where it was given.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As it was typed.
    pub typed: String,
    /// The file and the line, unless it was the flag's own value.
    pub place: Option<(String, usize)>,
}

/// The orgs that `--only` and `--skip` leave.
pub struct Selection {
    only: Patterns,
    skip: Patterns,
}

/// An org, as patterns see it: its id, and the names it is known by.
pub type Known<'a> = (&'a Ruuid, [Option<&'a str>; 2]);

impl Selection {
    /// What these patterns leave.
    pub fn of(select: Select) -> Self {
        Self { only: Patterns::of("--only", select.only), skip: Patterns::of("--skip", select.skip) }
    }

    /// Checks that every pattern matches an org of those that `each_org` hands out.
    ///
    /// # Errors
    /// [`Error::Unmatched`]: one matches none. And what `each_org` fails with.
    pub fn must_match(
        &self,
        mut each_org: impl FnMut(&mut dyn FnMut(Known<'_>)) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.only.is_empty() && self.skip.is_empty() {
            return Ok(());
        }
        each_org(&mut |org| {
            self.only.matches(org);
            self.skip.matches(org);
        })?;
        let mut unmatched: Vec<Unmatched<'_>> = self.only.unmatched().chain(self.skip.unmatched()).collect();
        if unmatched.is_empty() {
            return Ok(());
        }
        let total = unmatched.len();
        unmatched.truncate(SHOWN);
        // Only now, since this takes longer than matching does.
        each_org(&mut |org| unmatched.iter_mut().for_each(|pattern| pattern.compare(org)))?;
        let lines: Vec<String> = unmatched.iter().map(ToString::to_string).collect();
        Err(Error::Unmatched(lines, total - unmatched.len()))
    }

    /// Why an org is omitted, if it is.
    pub fn skips(&self, org: Known<'_>) -> Option<&'static str> {
        // Skipping wins, whatever --only says.
        if self.skip.matches(org) {
            return Some("by --skip");
        }
        (!self.only.is_empty() && !self.only.matches(org)).then_some("not matched by --only")
    }
}

/// The patterns of a flag. Those without a wildcard are found at once, however many a file holds.
struct Patterns {
    flag: &'static str,
    all: Vec<(Pattern, Cell<bool>)>,
    exact: HashMap<String, Vec<usize>>,
    globs: Vec<(WildMatch, usize)>,
}

impl Patterns {
    fn of(flag: &'static str, patterns: Vec<Pattern>) -> Self {
        let mut all = Self { flag, all: Vec::new(), exact: HashMap::new(), globs: Vec::new() };
        for pattern in patterns {
            all.add(pattern);
        }
        all
    }

    fn add(&mut self, pattern: Pattern) {
        let text = comparable(&pattern.typed);
        let index = self.all.len();
        if text.contains(['*', '?']) {
            self.globs.push((WildMatch::new(&text), index));
        } else {
            self.exact.entry(text.into_owned()).or_default().push(index);
        }
        self.all.push((pattern, Cell::new(false)));
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether any matches; all that do are marked.
    fn matches(&self, (org, names): Known<'_>) -> bool {
        let mut matched = false;
        let mut mark = |index: usize| {
            self.all[index].1.set(true);
            matched = true;
        };
        for text in texts(org, names) {
            if text.is_empty() {
                continue;
            }
            let exact = self.exact.get(text.as_ref()).into_iter().flatten();
            exact.for_each(|index| mark(*index));
            let globs = self.globs.iter().filter(|(glob, _)| glob.matches(&text));
            globs.for_each(|(_, index)| mark(*index));
        }
        matched
    }

    fn unmatched(&self) -> impl Iterator<Item = Unmatched<'_>> {
        let unmatched = self.all.iter().filter(|(_, matched)| !matched.get());
        unmatched.map(|(pattern, _)| Unmatched {
            flag: self.flag,
            pattern,
            parts: pattern.typed.split([',', ';']).map(|part| comparable(part).into_owned()).collect(),
            ignoring_case: WildMatch::new_case_insensitive(&comparable(&pattern.typed)),
            listed: 0,
            near: None,
        })
    }
}

fn texts<'a>(org: &'a Ruuid, names: [Option<&'a str>; 2]) -> impl Iterator<Item = Cow<'a, str>> {
    std::iter::once(org.as_str()).chain(names.into_iter().flatten()).map(comparable)
}

/// A pattern that matches no org, and what may have been meant.
struct Unmatched<'a> {
    flag: &'static str,
    pattern: &'a Pattern,
    ignoring_case: WildMatch,
    /// The pattern as a list, which it isn't.
    parts: Vec<String>,
    /// How many orgs the list names.
    listed: usize,
    /// The nearest name or id, and how far it is.
    near: Option<(usize, String)>,
}

impl Unmatched<'_> {
    fn compare(&mut self, (org, names): Known<'_>) {
        let typed = comparable(&self.pattern.typed);
        let is_part = |text: &str| self.parts.len() > 1 && self.parts.iter().any(|part| part == text);
        self.listed += usize::from(texts(org, names).any(|text| is_part(&text)));
        for text in texts(org, names).filter(|text| !text.is_empty()) {
            let distance = if self.ignoring_case.matches(&text) { Some(0) } else { distance(&typed, &text) };
            if let Some(distance) = distance
                && self.near.as_ref().is_none_or(|(nearest, _)| distance < *nearest)
            {
                self.near = Some((distance, text.into_owned()));
            }
        }
    }
}

impl std::fmt::Display for Unmatched<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { flag, pattern: Pattern { typed, place }, listed, near, .. } = self;
        match place {
            // The file may be anything, a key as well: what is like no org is not quoted.
            Some((file, line)) if near.is_none() && *listed == 0 => {
                write!(f, "{flag} @{file}, line {line}:")?;
            }
            Some((file, line)) => write!(f, "{flag} {} ({file}, line {line})", quoted(typed))?,
            None => write!(f, "{flag} {}", quoted(typed))?,
        }
        f.write_str(" matches no org")?;
        match near {
            _ if *listed > 0 => {
                write!(f, ": it is one pattern; give {flag} once for each org, or {flag} @FILE")
            }
            _ if typed.trim().is_empty() => f.write_str(": it is empty"),
            Some((_, near)) => write!(f, "; did you mean {}?", quoted(near)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    fn select(only: &[&str], skip: &[&str]) -> Selection {
        let pattern = |text: &&str| Pattern { typed: (*text).to_owned(), place: None };
        let patterns = |texts: &[&str]| texts.iter().map(pattern).collect();
        Selection::of(Select { only: patterns(only), skip: patterns(skip) })
    }

    fn refusal(only: &[&str], skip: &[&str], orgs: &[(&str, &str)]) -> Option<String> {
        let orgs: Vec<(Ruuid, &str)> = orgs.iter().map(|(org, name)| (org.parse().unwrap(), *name)).collect();
        let each = |see: &mut dyn FnMut(Known<'_>)| {
            for (org, name) in &orgs {
                see((org, [Some(name), None]));
            }
            Ok(())
        };
        let error = select(only, skip).must_match(each).err()?;
        Some(error.to_string())
    }

    #[test]
    fn what_looks_like_the_org_matches_it() {
        for (pattern, name) in [
            ("Acme", "Acme"),
            (" Acme ", "Acme"),
            ("Zoe\u{308}", "Zo\u{eb}"),
            ("Zo\u{eb}*", "Zoe\u{308} Ltd"),
            ("A\u{a0}B", "A B"),
            ("A,B", "A,B"),
            ("A?m*", "Acme"),
            (ORG, "whatever"),
        ] {
            assert_eq!(refusal(&[pattern], &[pattern], &[(ORG, name)]), None, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_matches_no_org_says_what_may_have_been_meant() {
        let orgs = [(ORG, "Acme"), ("BBBBBBBBBBBBBBBBBBBBBA", "Beta Ltd")];
        for (pattern, said) in [
            ("Acem", "--skip \"Acem\" matches no org; did you mean \"Acme\"?"),
            ("acme", "--skip \"acme\" matches no org; did you mean \"Acme\"?"),
            ("beta*", "--skip \"beta*\" matches no org; did you mean \"Beta Ltd\"?"),
            (
                "Acme,Beta Ltd",
                "--skip \"Acme,Beta Ltd\" matches no org: it is one pattern; give --skip once for each org, or --skip @FILE",
            ),
            ("", "--skip \"\" matches no org: it is empty"),
            (
                "AAAAAAAAAAAAAAAAAAAAAa",
                "--skip \"AAAAAAAAAAAAAAAAAAAAAa\" matches no org; did you mean \"AAAAAAAAAAAAAAAAAAAAAA\"?",
            ),
            ("Something else", "--skip \"Something else\" matches no org"),
        ] {
            assert_eq!(refusal(&["*"], &[pattern], &orgs).as_deref(), Some(said));
        }
        let both = refusal(&["x"], &["Acme", "y"], &orgs).unwrap();
        assert_eq!(both, "--only \"x\" matches no org\n--skip \"y\" matches no org");
        let many: Vec<String> = (0..25).map(|n| format!("nothing {n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let each = |see: &mut dyn FnMut(Known<'_>)| {
            see((&ORG.parse().unwrap(), [None; 2]));
            Ok(())
        };
        let error = select(&many, &[]).must_match(each).err();
        assert!(matches!(error, Some(Error::Unmatched(shown, 5)) if shown.len() == SHOWN));
    }

    #[test]
    fn an_org_without_a_name_matches_no_empty_pattern() {
        assert!(refusal(&[""], &[], &[(ORG, "")]).is_some());
    }

    #[test]
    fn skip_wins_over_only() {
        let org: Ruuid = ORG.parse().unwrap();
        let skips = |only: &[&str], skip: &[&str]| select(only, skip).skips((&org, [Some("Acme"), None]));
        assert_eq!(skips(&[], &[]), None);
        assert_eq!(skips(&["A*"], &[]), None);
        assert_eq!(skips(&["B*"], &[]), Some("not matched by --only"));
        assert_eq!(skips(&["A*"], &["Acme"]), Some("by --skip"));
    }
}
