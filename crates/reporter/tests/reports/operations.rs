//! `docs/operations/` is what the descriptions say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orgwave_core::operation::Catalog;
use orgwave_reporter::operations::{index, page};

#[test]
fn the_pages_say_what_the_descriptions_say() {
    let catalog = Catalog::built_in();
    let mut pages: BTreeMap<String, String> =
        catalog.iter().map(|operation| (format!("{}.md", operation.name), page(operation))).collect();
    pages.insert("README.md".to_owned(), index(&catalog));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations");
    if option_env!("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, page) in &pages {
            fs::write(folder.join(name), page).unwrap();
        }
    }
    let written = fs::read_dir(&folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    let written: BTreeMap<String, String> = written.collect();
    assert!(written.keys().eq(pages.keys()), "{:?}", written.keys());
    for (name, page) in &pages {
        assert_eq!(written[name], *page, "{name}: run with UPDATE_GOLDEN=1");
    }
}
