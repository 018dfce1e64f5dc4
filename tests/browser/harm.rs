//! Names that mean harm are only text, and the policy is one that the browser enforces.

use crate::chromium::Page;
use crate::made::plan_of;

#[test]
fn names_that_mean_harm_are_only_text() {
    let names = [
        "<script>alert(1)</script>",
        "</script><script>document.title='owned'</script>",
        "<img src=x onerror=\"document.title='owned'\">",
        "\u{202e}gnp.exe\u{2066}",
        "<!--",
        "]]>&lt;b&gt;",
        "\"'`${1}\\",
        "\u{2028}\u{2029}line",
    ];
    let long = "Wide".repeat(75);
    let folder = tempfile::tempdir().unwrap();
    let all = names.iter().map(|name| (*name).to_owned()).chain([long.clone()]);
    let page = Page::open(&plan_of(folder.path(), all), 1280);
    assert_eq!(page.found(), "9 orgs");
    let shown =
        page.text("[...document.querySelectorAll('.name bdi')].map((n) => n.textContent).join('\\n')");
    let shown: Vec<&str> = shown.split('\n').collect();
    for place in [0, 1, 2, 4, 5, 6] {
        assert_eq!(shown[place], names[place]);
    }
    assert_eq!(shown[3], "<U+202E>gnp.exe<U+2066>");
    assert_eq!(shown[7], "line");
    assert_eq!(shown[8], long);
    assert!(!page.text("document.title").contains("owned"));
    assert_eq!(page.text("document.querySelectorAll('img, #list script').length"), "0");
    page.click("#fold");
    page.until("document.querySelectorAll('#list details[open]').length === 9");
    let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(page.text(overflow), "0", "nothing is wider than the page");
    page.is_quiet();
}

#[test]
fn a_foreign_script_does_not_run_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(&plan_of(folder.path(), ["one".to_owned()]), 1280);
    page.is_quiet();
    page.tab
        .evaluate(
            "window.broken = 0; addEventListener('securitypolicyviolation', () => window.broken += 1); \
             { const own = document.createElement('script'); own.textContent = 'window.ran = 1'; \
             document.body.append(own); }",
            false,
        )
        .unwrap();
    page.until("window.broken === 1");
    assert_eq!(page.text("window.ran"), "undefined");
}
