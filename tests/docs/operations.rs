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
    let told = shell.orgwave("operations org-mfaa").with_code(64).err;
    assert!(told.contains("did you mean `org-mfa`?"), "{told}");
}

/// A person starts from these files, so they are valid as they are.
#[test]
fn every_example_is_a_valid_rollout() {
    for operation in Catalog::built_in().iter() {
        let shell = Shell::new()
            .with("ORGWAVE_SECRET_NAME", "s3cret-value")
            .with("ORGWAVE_SECRET_ONE", "first-value")
            .with("ORGWAVE_SECRET_OTHER", "second-value");
        let name = &operation.name;
        let page = shell.orgwave(&format!("operations {name}")).with_code(0).out;
        let mut target = None;
        for block in page.split("\n`").skip(1) {
            // `orgs.csv`: and its text between fences.
            let Some((file, rest)) = block.split_once("`:\n\n```") else { continue };
            let (_, text) = rest.split_once('\n').unwrap();
            shell.write(file, text.split_once("```").unwrap().0);
            if target != Some("rollout.toml") {
                target = Some(if file == "rollout.toml" { "rollout.toml" } else { "orgs.csv" });
            }
        }
        let told = shell.orgwave(&format!("check {}", target.unwrap()));
        assert!(told.code == 0 && told.err.is_empty(), "{name}: {told:?}\n{page}");
    }
}

#[test]
fn fields_are_explained_and_what_has_several_is_listed() {
    let shell = Shell::new();
    let told = shell.orgwave("explain org-mfa:mfaEnabled").with_code(0).out;
    for part in ["# `org-mfa:mfaEnabled`\n", "Guard `weakens-sign-in`", "Column: `org-mfa:mfaEnabled`"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(shell.orgwave("explain mfaEnabled").with_code(0).out, told);
    let told = shell.orgwave("explain saveClips").with_code(0).out;
    for name in ["envoy:saveClips ", "brivo:saveClips ", "kisi:placeToSettingsMap.<key>.saveClips "] {
        assert!(told.contains(name), "{name}: {told}");
    }
    for (wrong, near) in [
        ("saveClip", "saveClips"),
        ("org-mfa:mfaEnable", "org-mfa:mfaEnabled"),
        ("E-ROW-999", "E-ROW-00"),
        ("e-cel-001", "E-CELL-001"),
    ] {
        let told = shell.orgwave(&format!("explain {wrong}")).with_code(64).err;
        assert!(told.contains(&format!("did you mean `{near}")), "{wrong}: {told}");
    }
}
