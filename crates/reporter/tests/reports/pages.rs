//! What must hold for every page, whatever the plan or the run: sizes, policies, well-formedness.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use orgwave_core::org::OrgProgress;
use orgwave_core::plan::{PlanLine, Verdict};
use orgwave_core::status::Status;
use orgwave_reporter::files::{OrgFiles, write_files};
use orgwave_reporter::{Expected, PlanPages};
use sha2::{Digest as _, Sha256};

use crate::fixture::{self, Run, footer, line, outcome, plan_header, retype, run_header, write_plan};

/// This many bytes may a page have.
const MOST: u64 = 3_400_000;

fn many(orgs: u32) -> impl Iterator<Item = PlanLine> {
    (0..orgs).map(|number| {
        let mut id = [9; 16];
        id[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
        let mut line = line(1, &format!("Client {number} of many, limited"), Verdict::Update);
        line.org = orgwave_core::ids::Ruuid::from_bytes(id);
        line.line = u64::from(number) + 2;
        let org = line.org.to_string();
        retype(&mut line, |typed| typed.row[0] = org);
        line
    })
}

fn plan_page(folder: &Path, lines: &[PlanLine]) -> String {
    let mut pages = PlanPages::begin(&fixture::operations(), folder, "plan", &plan_header());
    for line in lines {
        pages.line(line);
    }
    pages.finish(&footer(lines), Expected::Unlimited).unwrap();
    fs::read_to_string(folder.join("plan.html")).unwrap()
}

fn rich_pages() -> [String; 2] {
    let folder = tempfile::tempdir().unwrap();
    write_files(&fixture::rich(), folder.path(), OrgFiles::Auto).unwrap();
    let report = fs::read_to_string(folder.path().join("report.html")).unwrap();
    [plan_page(folder.path(), &fixture::rich_lines()), report]
}

/// What is between two marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = &text[text.find(from).unwrap() + from.len()..];
    &rest[..rest.find(to).unwrap()]
}

#[test]
fn twenty_thousand_orgs_fit_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<PlanLine> = many(20_000).collect();
    let page = plan_page(folder.path(), &lines);
    assert!((page.len() as u64) < MOST, "{}", page.len());
    assert!(!page.contains("are only in <a"), "every org is on the page");
    let data: serde_json::Value =
        serde_json::from_str(between(&page, r#"<script type="application/json" id="data">"#, "</script>"))
            .unwrap();
    assert_eq!(data["rows"].as_array().unwrap().len(), 20_000);
}

#[test]
fn orgs_that_do_not_fit_are_counted_and_those_to_look_at_stay() {
    let lines: Vec<PlanLine> = many(60_000).collect();
    let mut orgs: Vec<OrgProgress> =
        (0..60_000).map(|index| fixture::said(outcome(index, Status::Applied))).collect();
    orgs[59_999] = fixture::said(outcome(59_999, Status::Failed));
    let run = Run {
        header: run_header(60_000),
        plan: write_plan(&plan_header(), &lines),
        orgs,
        timeline: Vec::new(),
    };
    let folder = tempfile::tempdir().unwrap();
    write_files(&run, folder.path(), OrgFiles::Never).unwrap();
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!((page.len() as u64) < MOST, "{}", page.len());
    let data: serde_json::Value =
        serde_json::from_str(between(&page, r#"<script type="application/json" id="data">"#, "</script>"))
            .unwrap();
    let rows = data["rows"].as_array().unwrap();
    assert!(rows.iter().any(|row| row[0] == 60_001), "the one that failed is there");
    let pushed_out: u64 =
        between(&page, "need attention first. ", " orgs are only in").replace(',', "").parse().unwrap();
    assert_eq!(rows.len() as u64 + pushed_out, 60_000);
}

#[test]
fn the_policy_names_the_digests_of_the_pages_scripts() {
    for page in rich_pages() {
        let policy = between(&page, r#"Content-Security-Policy" content=""#, "\">").replace("&#39;", "'");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for (kind, text) in [
            ("style-src", between(&page, "<style>", "</style>")),
            ("script-src", between(&page, "</script>\n<script>", "</script>")),
        ] {
            let digest = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(text));
            assert!(policy.contains(&format!("{kind} 'sha256-{digest}';")), "{kind}: {policy}");
        }
        assert!(!page.contains(" style=\"") && !page.contains(" onclick"), "the policy would stop it");
    }
}

#[test]
fn no_foreign_text_is_markup() {
    for page in rich_pages() {
        assert!(!page.contains("<script>alert"));
        assert!(!page.contains(['\u{202e}', '\u{1b}']));
        assert!(page.matches("<script").count() == 2, "the data and our own");
    }
}

#[test]
fn a_page_makes_no_request() {
    for page in rich_pages() {
        for word in ["src=", "@import", "url(h", "href=\"http", "href=\"//"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
