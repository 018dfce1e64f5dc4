//! What the files of a table are called: `changes.csv`, and where that is full `changes-2.csv` and so on.

/// What a later part of a table is called.
pub(crate) fn numbered(name: &str, part: usize) -> String {
    let (stem, extension) = name.split_at(name.rfind('.').unwrap_or(name.len()));
    format!("{stem}-{part}{extension}")
}

/// Whether a file is called as a later part of the table with this name.
pub(crate) fn is_part(file: &str, name: &str) -> bool {
    let (stem, extension) = name.split_at(name.rfind('.').unwrap_or(name.len()));
    let number = file.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(extension));
    let part = number.and_then(|number| number.parse::<usize>().ok()).filter(|part| *part > 1);
    part.is_some_and(|part| numbered(name, part) == file)
}

/// Which of these files are the table's, in their order.
pub(crate) fn parts(files: impl IntoIterator<Item = String>, name: &str) -> Vec<String> {
    files.into_iter().filter(|file| file == name || is_part(file, name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_from_two_on_are_parts() {
        for (file, wanted) in [
            ("t-2.csv", true),
            ("t-10.csv", true),
            ("t-1.csv", false),
            ("t-02.csv", false),
            ("t-+2.csv", false),
            ("t.csv", false),
            ("t-2", false),
            ("u-2.csv", false),
        ] {
            assert_eq!(is_part(file, "t.csv"), wanted, "{file}");
        }
        assert!(is_part("table-2", "table"));
    }
}
