//! `docs/errors/README.md` lists every code with the title of its page, and `explain` prints each page.

use std::path::Path;

use crate::shell::Shell;

#[test]
fn the_index_has_every_page_and_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let mut pages = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if code == "README" {
            continue;
        }
        let page = std::fs::read_to_string(&path).unwrap();
        let title = page.lines().next().unwrap().strip_prefix(&format!("# {code}: ")).unwrap();
        assert!(index.contains(&format!("| [{code}]({code}.md) | {title} |\n")), "{code}: {title}");
        pages += 1;
    }
    assert_eq!(index.matches("\n| [").count(), pages);
}

#[test]
fn a_code_is_explained_and_an_unknown_one_is_a_mistake() {
    let shell = Shell::new();
    let page = shell.orgwave("explain E-ROW-003").with_code(0).out;
    assert!(page.starts_with("# E-ROW-003: an org has two rows\n"), "{page}");
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors")).unwrap() {
        let path = entry.unwrap().path();
        let code = path.file_stem().unwrap().to_str().unwrap();
        if code != "README" {
            let printed = shell.orgwave(&format!("explain {code}")).with_code(0).out;
            assert_eq!(printed, std::fs::read_to_string(&path).unwrap(), "{code}");
        }
    }
    shell.orgwave("explain E-ROW-999").with_code(64);
}
