//! `--only` and `--skip`: which orgs a command is about.
//!
//! A pattern that matches no org is a mistake, and one that would go unnoticed: the org that was to be left alone would
//! be written. So every pattern has to match before anything is read or sent.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

use orgwave_core::ids::Ruuid;
use orgwave_core::legible::{one_line, quoted};
use orgwave_core::names::{comparable, distance};
use orgwave_core::run::Exit;
use orgwave_reporter::terminal::several;
use wildmatch::WildMatch;

use crate::args::SelectArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::plans::each_line;

/// Bytes of a file of patterns.
const LARGEST: u64 = 16 << 20;
/// Patterns that are named one by one where they match nothing.
const SHOWN: usize = 20;

/// The orgs that `--only` and `--skip` leave.
pub struct Selection {
    only: Patterns,
    skip: Patterns,
}

/// An org, as patterns see it: its id, and the names it is known by.
pub type Known<'a> = (&'a Ruuid, [Option<&'a str>; 2]);

impl Selection {
    /// The patterns of the flags and of the files that these name.
    ///
    /// # Errors
    /// 66: a file isn't there. 65: it can't be read. 64: there is no pattern in it.
    pub fn of(select: &SelectArgs) -> Result<Self, Failure> {
        Ok(Self { only: Patterns::of("--only", &select.only)?, skip: Patterns::of("--skip", &select.skip)? })
    }

    /// Checks that every pattern matches an org of those that `each_org` hands out.
    ///
    /// # Errors
    /// 64: one matches none. And what `each_org` fails with.
    pub fn must_match(
        &self,
        mut each_org: impl FnMut(&mut dyn FnMut(Known<'_>)) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
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
        let mut lines: Vec<String> = unmatched.iter().map(ToString::to_string).collect();
        if total > SHOWN {
            let more = several((total - SHOWN) as u64, "more pattern matches", "more patterns match");
            lines.push(format!("and {more} no org"));
        }
        Err(Failure::new(Exit::Usage, lines.join("\n")).hint(
            "a pattern is an org's id or its whole name, `*` any characters and `?` one; nothing was sent",
        ))
    }

    /// The same for the orgs of a run, by its plan.
    ///
    /// # Errors
    /// As [`must_match`](Self::must_match), and where the plan can't be read.
    pub fn must_match_in(&self, plan: &Path) -> Result<(), Failure> {
        self.must_match(|see| each_line(plan, |line| see((&line.org, [line.name.as_deref(), None]))))
    }

    /// Why an org is left out, if it is.
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
    all: Vec<Pattern>,
    exact: HashMap<String, Vec<usize>>,
    globs: Vec<(WildMatch, usize)>,
}

/// A pattern, and where it was given.
struct Pattern {
    typed: String,
    /// The file and the line, unless it was the flag's own value.
    place: Option<(String, usize)>,
    matched: Cell<bool>,
}

impl Patterns {
    fn of(flag: &'static str, values: &[String]) -> Result<Self, Failure> {
        let mut patterns = Self { flag, all: Vec::new(), exact: HashMap::new(), globs: Vec::new() };
        for value in values {
            match value.strip_prefix('@') {
                None => patterns.add(value, None),
                Some(file) => {
                    let text = read(flag, file)?;
                    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
                    let before = patterns.all.len();
                    for (line, pattern) in lines {
                        patterns.add(pattern, Some((file.to_owned(), line + 1)));
                    }
                    if patterns.all.len() == before {
                        return Err(Failure::new(
                            Exit::Usage,
                            format!("{flag} @{}: no pattern is in the file", one_line(file)),
                        )
                        .hint("write an org's id or name on each line"));
                    }
                }
            }
        }
        Ok(patterns)
    }

    fn add(&mut self, typed: &str, place: Option<(String, usize)>) {
        let pattern = comparable(typed);
        let index = self.all.len();
        if pattern.contains(['*', '?']) {
            self.globs.push((WildMatch::new(&pattern), index));
        } else {
            self.exact.entry(pattern.into_owned()).or_default().push(index);
        }
        self.all.push(Pattern { typed: typed.to_owned(), place, matched: Cell::new(false) });
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether any matches; all that do are marked.
    fn matches(&self, (org, names): Known<'_>) -> bool {
        let mut matched = false;
        let mut mark = |index: usize| {
            self.all[index].matched.set(true);
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
        let unmatched = self.all.iter().filter(|pattern| !pattern.matched.get());
        unmatched.map(|pattern| Unmatched {
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
        let Self { flag, pattern: Pattern { typed, place, .. }, listed, near, .. } = self;
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

/// The text of a file of patterns.
fn read(flag: &str, file: &str) -> Result<String, Failure> {
    let failure = |exit, what: &str| Failure::new(exit, format!("{flag} @{}: {what}", one_line(file)));
    let mut bytes = Vec::new();
    Input::open(Path::new(file))
        .and_then(|file| file.into_file().take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| failure(Exit::NoInput, "the file can't be read").because(error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failure(Exit::BadInput, "the file is larger than 16 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        failure(Exit::BadInput, "the file is not UTF-8").hint("save it as UTF-8, a pattern on each line")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

#[cfg(test)]
mod tests {
    use orgwave_core::legible::ShowPath as _;

    use super::*;

    const ORG: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    fn select(only: &[&str], skip: &[&str]) -> Selection {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Selection::of(&SelectArgs { only: owned(only), skip: owned(skip) }).unwrap()
    }

    fn refusal(only: &[&str], skip: &[&str], orgs: &[(&str, &str)]) -> Option<String> {
        let orgs: Vec<(Ruuid, &str)> = orgs.iter().map(|(org, name)| (org.parse().unwrap(), *name)).collect();
        let each = |see: &mut dyn FnMut(Known<'_>)| {
            for (org, name) in &orgs {
                see((org, [Some(name), None]));
            }
            Ok(())
        };
        let failure = select(only, skip).must_match(each).err()?;
        assert_eq!(failure.exit, Exit::Usage);
        Some(failure.what)
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
        let said = refusal(&many, &[], &orgs).unwrap();
        assert!(said.ends_with("\nand 5 more patterns match no org"), "{said}");
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

    #[test]
    fn a_file_holds_a_pattern_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orgs.txt");
        let value = format!("@{}", path.shown());
        let at = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            Selection::of(&SelectArgs { only: vec![value.clone()], skip: Vec::new() })
        };
        let selection = at("\u{feff}Acme\r\n\r\n  Beta *  \nGamma".as_bytes()).unwrap();
        let org: Ruuid = ORG.parse().unwrap();
        for (name, is_selected) in [("Acme", true), ("Beta Ltd", true), ("Gamma", true), ("Delta", false)] {
            assert_eq!(selection.skips((&org, [Some(name), None])).is_none(), is_selected, "{name}");
        }
        let failure = at(b"A\r\n\r\nBeta").unwrap().must_match(|_| Ok(())).unwrap_err();
        assert!(failure.what.contains("line 3: matches no org"), "{failure}");
        assert_eq!(at(b"\r\n \n").err().unwrap().exit, Exit::Usage);
        assert_eq!(at(b"\xff\xfeA\0").err().unwrap().exit, Exit::BadInput);
        std::fs::remove_file(&path).unwrap();
        let gone = Selection::of(&SelectArgs { only: vec![value], skip: Vec::new() });
        assert_eq!(gone.err().unwrap().exit, Exit::NoInput);
        let endless = Selection::of(&SelectArgs { only: vec!["@/dev/zero".to_owned()], skip: Vec::new() });
        assert_eq!(endless.err().unwrap().exit, Exit::NoInput);
    }
}
