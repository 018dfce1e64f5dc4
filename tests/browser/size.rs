//! Many orgs, and narrow screens.

use std::fs;

use crate::chromium::Page;
use crate::made::{demo_plan, demo_report, plan_of};

#[test]
fn a_page_of_20_000_orgs_opens_within_two_seconds_and_5_mb() {
    let folder = tempfile::tempdir().unwrap();
    let file = plan_of(folder.path(), (0..20_000).map(|number| format!("Client number {number} of many")));
    assert!(fs::metadata(&file).unwrap().len() < 5_000_000);
    let page = Page::open(&file, 1280);
    let millis = page.number("performance.getEntriesByName('rows')[0].startTime");
    assert!(millis < 2_000.0, "the first rows stood after {millis:.0} ms");
    assert_eq!(page.found(), "20,000 orgs");
    assert!(page.number("document.querySelectorAll('#list li').length") < 500.0, "only a screenful is drawn");

    // Twenty orgs go the other way, and the page says so at its top.
    assert!(page.text("document.querySelector('main').textContent").contains("against the majority"));

    page.click("#q");
    page.tab.type_str("number 19999 of").unwrap();
    page.until("document.getElementById('found').textContent === '1 of 20,000 orgs'");
    page.is_quiet();
}

#[test]
fn nothing_is_wider_than_a_phone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = demo_plan(folder.path());
    let runs = tempfile::tempdir().unwrap();
    for file in [plan, demo_report(runs.path())] {
        let page = Page::open(&file, 390);
        page.click("#fold");
        page.until("document.querySelectorAll('#list details[open]').length > 10");
        assert_eq!(page.text("document.documentElement.scrollWidth"), "390", "{}", file.display());
        page.is_quiet();
    }
}
