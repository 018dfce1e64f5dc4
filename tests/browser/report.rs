//! A reader's way through `report.html`.

use crate::chromium::Page;
use crate::made::demo_report;

#[test]
fn a_report_has_its_pictures_and_every_org_with_its_own_record() {
    let folder = tempfile::tempdir().unwrap();
    let file = demo_report(folder.path());
    let page = Page::open(&file, 1280);
    assert_eq!(page.found(), "60 orgs");
    assert!(page.text("document.querySelector('h1').textContent").contains("53 orgs written"));
    assert!(page.number("document.querySelectorAll('figure .wide svg').length") >= 2.0);
    let words = page.text("document.querySelector('figure .wide').textContent");
    assert!(words.contains("wave 1") && words.contains("rate-limited"), "{words}");

    page.choose("#word", "applied_with_warnings");
    assert_eq!(page.found(), "1 of 60 orgs");
    page.click("#list summary");
    page.until("document.querySelector('#list .body a') !== null");
    let link = page.text("document.querySelector('#list .body a').getAttribute('href')");
    assert!(file.parent().unwrap().join(&link).is_file(), "{link}");
    assert!(page.text("document.querySelector('#list .body').textContent").contains("Loading dock"));
    page.is_quiet();
}
