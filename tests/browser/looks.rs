//! Whether it can be read: in the light, in the dark, and on paper that is printed from the dark.

use headless_chrome::protocol::cdp::Emulation;

use crate::chromium::Page;
use crate::made::{demo_plan, demo_report};

/// What stands out too little from what it is on, with how much it does; by WCAG 2's formula. Texts of 24 pixels
/// need 3, others 4.5 (level AA). Colours of pictures are those of their fill.
const TOO_FAINT: &str = r#"
(() => {
  const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    if (!walker.currentNode.data.trim() || !box.width || node.closest("script, style, noscript, .hidden, .skip, option")) continue;
    seen += 1;
    const front = light(rgb(node.closest("svg") ? style.fill : style.color).slice(0, 3)), back = light(behind(node));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) faint.add(`${walker.currentNode.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return seen < 100 ? `only ${seen} texts` : [...faint].slice(0, 10).join("; ");
})()"#;

fn look(page: &Page, scheme: &str, medium: &str) {
    page.tab
        .call_method(Emulation::SetEmulatedMedia {
            media: Some(medium.to_owned()),
            features: Some(vec![Emulation::MediaFeature {
                name: "prefers-color-scheme".to_owned(),
                value: scheme.to_owned(),
            }]),
        })
        .unwrap();
    let dark = format!("matchMedia('(prefers-color-scheme: dark)').matches === {}", scheme == "dark");
    page.until(&dark);
}

#[test]
fn every_text_has_contrast_in_light_in_dark_and_on_paper() {
    let (folder, runs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for file in [demo_plan(folder.path()), demo_report(runs.path())] {
        let page = Page::open(&file, 1280);
        page.click("#fold");
        page.until("document.querySelectorAll('#list details[open]').length > 10");
        let mut papers = Vec::new();
        for (scheme, medium) in [("light", "screen"), ("dark", "screen"), ("dark", "print")] {
            look(&page, scheme, medium);
            assert_eq!(page.text(TOO_FAINT), "", "{}, {scheme}, {medium}", file.display());
            papers.push(page.text("getComputedStyle(document.body).backgroundColor"));
        }
        assert_ne!(papers[0], papers[1], "the dark is another");
        assert_eq!(papers[2], "rgb(255, 255, 255)", "paper is white");
        assert_eq!(page.text("getComputedStyle(document.querySelector('.filters')).display"), "none");
        page.is_quiet();
    }
}
