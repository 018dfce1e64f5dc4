//! What can be set, as commands and `docs/operations/` say it.

use orgwave_core::operation::Catalog;

use crate::shell::Shell;

#[test]
fn every_operation_is_listed_and_has_its_page() {
    let shell = Shell::new();
    let list = shell.orgwave("operations").with_code(0).out;
    for operation in Catalog::built_in().iter() {
        let name = &operation.name;
        assert!(list.lines().any(|line| line.starts_with(&format!("{name}  "))), "{name}: {list}");
        let page = shell.orgwave(&format!("operations {name}")).with_code(0).out;
        let file = format!("{}/docs/operations/{name}.md", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(page, std::fs::read_to_string(file).unwrap(), "{name}");
    }
    let printed = shell.orgwave("operations org-mfaa").with_code(64).err;
    assert!(printed.contains("did you mean `org-mfa`?"), "{printed}");
}

/// A person starts from these files, so they are valid as they are.
#[test]
fn every_example_is_a_valid_rollout() {
    for operation in Catalog::built_in().iter() {
        let shell = Shell::new();
        let name = &operation.name;
        let page = shell.orgwave(&format!("operations {name}")).with_code(0).out;
        let mut target = "orgs.csv";
        for (file, text) in files(&page) {
            shell.write(file, &text);
            if file == "rollout.toml" {
                target = file;
            }
        }
        let ran = shell.orgwave(&format!("check {target}"));
        let is_valid = ran.err.lines().all(|line| line.starts_with("note: secrets without a value here: "));
        assert!(ran.code == 0 && is_valid, "{name}: {ran:?}\n{page}");
    }
}

/// The files of a page: each name stands before its text.
fn files(page: &str) -> Vec<(&str, String)> {
    let mut files = Vec::new();
    let mut lines = page.lines().skip_while(|line| *line != "## Example");
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:")) {
            let text = lines.by_ref().skip_while(|line| !line.starts_with("```")).skip(1);
            let text = text.take_while(|line| *line != "```").map(|line| format!("{line}\n"));
            files.push((name, text.collect()));
        }
    }
    files
}

#[test]
fn fields_are_explained_and_what_has_several_is_listed() {
    let shell = Shell::new();
    let printed = shell.orgwave("explain org-mfa:mfaEnabled").with_code(0).out;
    for part in ["# `org-mfa:mfaEnabled`\n", "Guard `weakens-sign-in`", "Column: `org-mfa:mfaEnabled`"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert_eq!(shell.orgwave("explain mfaEnabled").with_code(0).out, printed);
    let printed = shell.orgwave("explain saveClips").with_code(0).out;
    for name in ["envoy:saveClips ", "brivo:saveClips ", "kisi:placeToSettingsMap.<key>.saveClips "] {
        assert!(printed.contains(name), "{name}: {printed}");
    }
    let printed = shell.orgwave("explain lifts-allowlist").with_code(0).out;
    assert!(printed.starts_with("# `login-ip-allowlist:allowedLoginIpRanges`\n"), "{printed}");
    for (wrong, near) in [
        ("saveClip", "saveClips"),
        ("mfa", "mfaEnabled"),
        ("org-mfa:mfaEnable", "org-mfa:mfaEnabled"),
        ("E-ROW-0003", "E-ROW-003"),
        ("e-cell-0001", "E-CELL-001"),
    ] {
        let printed = shell.orgwave(&format!("explain {wrong}")).with_code(64).err;
        assert!(printed.contains(&format!("did you mean `{near}")), "{wrong}: {printed}");
    }
}
