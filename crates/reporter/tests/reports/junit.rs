//! `junit.xml` as Jenkins and GitLab read it.

use std::fs;

use orgwave_reporter::files::{OrgFiles, write_files};
use roxmltree::{Document, Node};

use crate::fixture;

/// What the schema of Jenkins' xUnit plugin (its `junit-10.xsd`) says of the elements that we use: the name, what it
/// must have, what it may have, what may be in it, and whether text may.
type Rule = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], bool);

const SCHEMA: [Rule; 6] = [
    ("testsuites", &[], &["name", "time", "tests", "failures", "errors"], &["testsuite"], false),
    (
        "testsuite",
        &["name", "tests", "failures", "errors"],
        &["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
        &["testcase"],
        false,
    ),
    (
        "testcase",
        &["name"],
        &["time", "classname", "group"],
        &["skipped", "error", "failure", "system-out", "system-err"],
        false,
    ),
    ("failure", &[], &["type", "message"], &[], true),
    ("skipped", &[], &["type", "message"], &[], true),
    ("system-out", &[], &[], &[], true),
];

fn report() -> String {
    let folder = tempfile::tempdir().unwrap();
    write_files(&fixture::rich(), folder.path(), OrgFiles::Never).unwrap();
    fs::read_to_string(folder.path().join("junit.xml")).unwrap()
}

fn all<'a, 'input>(document: &'a Document<'input>, name: &'a str) -> impl Iterator<Item = Node<'a, 'input>> {
    document.descendants().filter(move |node| node.has_tag_name(name))
}

#[test]
fn it_is_what_the_schema_of_jenkins_allows() {
    let xml = report();
    let document = Document::parse(&xml).unwrap();
    assert!(document.root_element().has_tag_name("testsuites"));
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let (_, required, optional, children, text) =
            SCHEMA.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("<{name}> is unknown"));
        for attribute in *required {
            assert!(node.has_attribute(*attribute), "<{name}> lacks {attribute}");
        }
        for attribute in node.attributes() {
            let known = required.contains(&attribute.name()) || optional.contains(&attribute.name());
            assert!(known, "<{name}> may not have {}", attribute.name());
        }
        for child in node.children() {
            if child.is_element() {
                assert!(children.contains(&child.tag_name().name()), "{child:?} in <{name}>");
            } else if !*text {
                assert!(child.text().unwrap_or_default().trim().is_empty(), "{child:?} in <{name}>");
            }
        }
        if let Some(time) = node.attribute("time") {
            let (whole, parts) = time.split_once('.').unwrap();
            assert!(whole.bytes().chain(parts.bytes()).all(|byte| byte.is_ascii_digit()), "{time}");
        }
    }
}

#[test]
fn its_totals_are_those_of_its_cases() {
    let xml = report();
    let document = Document::parse(&xml).unwrap();
    let count = |name: &str| all(&document, name).count().to_string();
    for name in ["testsuites", "testsuite"] {
        let suite = all(&document, name).next().unwrap();
        assert_eq!(suite.attribute("tests"), Some(&*count("testcase")));
        assert_eq!(suite.attribute("failures"), Some(&*count("failure")));
        assert_eq!(suite.attribute("errors"), Some(&*count("error")));
    }
    let suite = all(&document, "testsuite").next().unwrap();
    assert_eq!(suite.attribute("skipped"), Some(&*count("skipped")));
    assert_eq!(count("testcase"), fixture::rich_lines().len().to_string());
}

/// GitLab shows the class as the suite, tells cases apart by class and name, and shows what is *in* an element.
#[test]
fn gitlab_finds_every_case_and_what_was_said() {
    let xml = report();
    let document = Document::parse(&xml).unwrap();
    let mut names: Vec<_> = all(&document, "testcase").map(|case| case.attribute("name").unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("<script>alert(1)</script> ")), "{names:?}");
    names.sort_unstable();
    let cases = names.len();
    names.dedup();
    assert_eq!(names.len(), cases, "no two cases have the same name");
    for case in all(&document, "testcase") {
        assert_eq!(case.attribute("classname"), Some("orgwave"));
    }
    for name in ["failure", "skipped"] {
        for node in all(&document, name) {
            let said = node.attribute("message").unwrap();
            assert!(!said.is_empty() && node.text().unwrap_or_default().starts_with(said), "{node:?}");
        }
    }
}
