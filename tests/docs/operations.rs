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
    let told = shell.orgwave("explain lifts-allowlist").with_code(0).out;
    assert!(told.starts_with("# `login-ip-allowlist:allowedLoginIpRanges`\n"), "{told}");
    for (wrong, near) in [
        ("saveClip", "saveClips"),
        ("org-mfa:mfaEnable", "org-mfa:mfaEnabled"),
        ("E-ROW-0003", "E-ROW-003"),
        ("e-cell-0001", "E-CELL-001"),
    ] {
        let told = shell.orgwave(&format!("explain {wrong}")).with_code(64).err;
        assert!(told.contains(&format!("did you mean `{near}")), "{wrong}: {told}");
    }
}
