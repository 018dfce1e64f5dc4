//! `orgwave init`: its folder works as it is, and it replaces nothing.

use crate::shell::Shell;

#[test]
fn the_folder_checks_plans_and_applies_as_it_is() {
    let shell = Shell::new();
    shell.orgwave("init spring").with_code(0);
    let checked = shell.orgwave("check spring/rollout.toml").with_code(0);
    assert!(checked.out.contains("4 orgs, doors, locations, users; no problems"), "{}", checked.out);
    shell.orgwave("plan spring/rollout.toml --sandbox --detailed-exitcode").with_code(2);
    let applied = shell.orgwave("apply spring/rollout.toml --sandbox --yes").with_code(0);
    assert!(applied.out.contains("3  applied"), "{}", applied.out);
    assert!(applied.out.contains("1  skipped"), "{}", applied.out);
}

#[test]
fn nothing_is_replaced_and_nothing_is_half_done() {
    let shell = Shell::new();
    shell.write("mine/users.csv", "mine");
    let refused = shell.orgwave("init mine").with_code(64);
    assert!(refused.err.contains("mine/users.csv already exists"), "{}", refused.err);
    assert_eq!(shell.read("mine/users.csv"), "mine");
    assert_eq!(std::fs::read_dir(shell.path("mine")).unwrap().count(), 1);

    shell.orgwave("init").with_code(0);
    let before = shell.read("rollout.toml");
    shell.orgwave("init").with_code(64);
    assert_eq!(shell.read("rollout.toml"), before);
}

/// Forgetting to put one's own orgs in does no harm: made-up orgs are in no client list.
#[test]
fn against_another_api_the_made_up_orgs_are_blocked() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    let api = shell.sandbox("--orgs 3");
    shell.orgwave("init").with_code(0);
    shell.orgwave(&format!("apply rollout.toml --yes --endpoint {}", api.url)).with_code(3);
    assert!(!shell.read("ledger.jsonl").contains("updateEnvoyIntegrationV2"));
}
