//! `--only` and `--skip`, resolved: the patterns themselves, whether they were typed or are in a file.

use std::io::Read as _;
use std::path::Path;

use orgwave_core::legible::one_line;
use orgwave_core::run::Exit;
use orgwave_planner::selection::{Pattern, Select};

use super::writing::SelectArgs;
use crate::failure::Failure;
use crate::input::Input;

/// Bytes of a file of patterns.
const LARGEST: u64 = 16 << 20;

/// The patterns of the flags and of the files that these name.
///
/// # Errors
/// 66: a file isn't there. 65: it can't be read. 64: there is no pattern in it.
pub fn select(args: &SelectArgs) -> Result<Select, Failure> {
    Ok(Select { only: patterns("--only", &args.only)?, skip: patterns("--skip", &args.skip)? })
}

fn patterns(flag: &str, values: &[String]) -> Result<Vec<Pattern>, Failure> {
    let mut patterns = Vec::new();
    for value in values {
        let Some(file) = value.strip_prefix('@') else {
            patterns.push(Pattern { typed: value.clone(), place: None });
            continue;
        };
        let text = read(flag, file)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let before = patterns.len();
        patterns.extend(lines.map(|(line, pattern)| Pattern {
            typed: pattern.to_owned(),
            place: Some((file.to_owned(), line + 1)),
        }));
        if patterns.len() == before {
            let what = format!("{flag} @{}: no pattern in the file", one_line(file));
            return Err(Failure::new(Exit::Usage, what).hint("write an org's id or name per line"));
        }
    }
    Ok(patterns)
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
        failure(Exit::BadInput, "the file is not UTF-8").hint("save it as UTF-8, one pattern per line")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

#[cfg(test)]
mod tests {
    use orgwave_core::ids::Ruuid;
    use orgwave_core::legible::ShowPath as _;
    use orgwave_planner::selection::Selection;

    use super::*;

    const ORG: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_file_holds_a_pattern_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orgs.txt");
        let value = format!("@{}", path.shown());
        let only = |value: &str| {
            select(&SelectArgs { only: vec![value.to_owned()], skip: Vec::new() }).map(Selection::of)
        };
        let at = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            only(&value)
        };
        let selection = at("\u{feff}Acme\r\n\r\n  Beta *  \nGamma".as_bytes()).unwrap();
        let org: Ruuid = ORG.parse().unwrap();
        for (name, is_selected) in [("Acme", true), ("Beta Ltd", true), ("Gamma", true), ("Delta", false)] {
            assert_eq!(selection.skips((&org, [Some(name), None])).is_none(), is_selected, "{name}");
        }
        let error = at(b"A\r\n\r\nBeta").unwrap().must_match(|_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("line 3: matches no org"), "{error}");
        assert_eq!(at(b"\r\n \n").err().unwrap().exit, Exit::Usage);
        assert_eq!(at(b"\xff\xfeA\0").err().unwrap().exit, Exit::BadInput);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(only(&value).err().unwrap().exit, Exit::NoInput);
        assert_eq!(only("@/dev/zero").err().unwrap().exit, Exit::NoInput);
    }
}
