//! A reviewer's way through `plan.html`.

use crate::chromium::Page;
use crate::made::demo_plan;

#[test]
fn a_plan_is_searched_filtered_and_unfolded() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(&demo_plan(folder.path()), 1280);
    assert_eq!(page.found(), "60 orgs");
    assert!(page.text("document.querySelector('h1').textContent").contains("53 of 60 orgs"));

    page.click("#q");
    page.tab.type_str("DENTAL").unwrap();
    page.until("document.getElementById('found').textContent !== '60 orgs'");
    let names = page.text("[...document.querySelectorAll('.name')].map((n) => n.textContent).join('|')");
    assert!(!names.is_empty() && names.split('|').all(|name| name.contains("Dental")), "{names}");
    page.tab.evaluate("document.getElementById('q').value = ''", false).unwrap();

    page.choose("#word", "unchanged");
    assert_eq!(page.found(), "6 of 60 orgs");
    page.choose("#word", "");
    page.choose("#wave", "2");
    assert_eq!(page.found(), "6 of 60 orgs");
    page.choose("#wave", "");
    page.choose("#place", "badgeFaceVerificationMode");
    assert_eq!(page.found(), "6 of 60 orgs");
    page.choose("#place", "");
    assert_eq!(page.found(), "60 orgs");
    page.is_quiet();
}

#[test]
fn an_org_unfolds_by_mouse_and_key_with_each_values_origin() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(&demo_plan(folder.path()), 1280);
    assert_eq!(page.text("document.querySelectorAll('#list .body').length"), "0", "made when asked for");
    page.click("#list summary");
    page.until("document.querySelector('#list details').open");
    page.until("document.querySelector('#list .body td') !== null");
    assert!(page.text("document.querySelector('#list .body').textContent").contains("rollout default"));

    page.tab.evaluate("document.querySelector('#list summary').focus()", false).unwrap();
    page.tab.press_key("Enter").unwrap();
    page.until("!document.querySelector('#list details').open");

    page.click("#fold");
    page.until("[...document.querySelectorAll('#list details')].every((details) => details.open)");
    let origins = page.text("document.getElementById('list').textContent");
    assert!(origins.contains("doors, line ") && origins.contains("row, line "));
    page.click("#fold");
    page.until("[...document.querySelectorAll('#list details')].every((details) => !details.open)");
    page.is_quiet();
}

#[test]
fn a_kind_of_change_shows_its_orgs() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(&demo_plan(folder.path()), 1280);
    let orgs = page.text("document.querySelector('td.n').textContent");
    page.click("button[data-kind]");
    page.until("!document.getElementById('kind').hidden");
    assert_eq!(page.found(), format!("{orgs} of 60 orgs"));
    page.click("#kind");
    page.until("document.getElementById('kind').hidden");
    assert_eq!(page.found(), "60 orgs");
    page.is_quiet();
}
