//! A fault's line as words: parted by spaces, quoted as in a shell.

/// Splits a line into words; `None` where a quote is never closed.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => word.push(chars.next()?),
                        c => word.push(c),
                    }
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (line, words) in [
            ("", Some(vec![])),
            ("  a  b ", Some(vec!["a", "b"])),
            ("body='a b' c", Some(vec!["body=a b", "c"])),
            (r#"body="a \"b\" \\" c"#, Some(vec![r#"body=a "b" \"#, "c"])),
            ("body=''", Some(vec!["body="])),
            ("'' x", Some(vec!["", "x"])),
            ("'open", None),
            (r#""open\"#, None),
        ] {
            let words = words.map(|words| words.into_iter().map(String::from).collect());
            assert_eq!(split(line), words, "{line:?}");
        }
    }
}
