//! `orgwave doctor`: what it says when all is well, and of each thing that is not.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use crate::shell::Shell;

#[test]
fn all_is_well() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    let api = shell.sandbox("--orgs 7");
    let ran = shell.orgwave(&format!("doctor --endpoint {}", api.url)).with_code(0);
    for line in
        ["from RHOMBUS_API_KEY, fingerprint ", "valid for 7 client orgs", "name this org", "rate auto"]
    {
        assert!(ran.out.contains(line), "{line:?} isn't in {}", ran.out);
    }
    assert!(ran.out.lines().all(|line| line.starts_with("ok ")), "{}", ran.out);
    assert!(!shell.read("ledger.jsonl").contains("updateEnvoyIntegrationV2"));
    assert!(!shell.path("reports").exists(), "it makes no folder");
}

#[test]
fn a_key_that_is_refused_is_77_and_says_which_region_to_try() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "planted-key-5150");
    let api = shell.sandbox("--orgs 1");
    let ran = shell.orgwave(&format!("doctor --endpoint {}", api.url)).with_code(77);
    let line = ran.out.lines().find(|line| line.starts_with("bad ")).unwrap();
    assert!(line.contains("-> ") && line.contains("--region us|eu"), "{line}");
    assert!(!ran.out.contains("planted-key") && !ran.err.contains("planted-key"));
}

#[test]
fn without_a_key_it_is_78_and_the_other_checks_go_on() {
    let shell = Shell::new();
    let ran = shell.orgwave("doctor").with_code(78);
    assert!(ran.out.contains("no key found  -> use --token-file"), "{}", ran.out);
    assert!(ran.out.contains("ok    reports"), "{}", ran.out);
}

#[test]
fn a_key_file_that_others_can_read_is_78() {
    let shell = Shell::new();
    shell.write("key", "sandbox\n");
    std::fs::set_permissions(shell.path("key"), Permissions::from_mode(0o644)).unwrap();
    let ran = shell.orgwave("doctor --token-file key").with_code(78);
    assert!(ran.out.contains("-> chmod 600 key"), "{}", ran.out);
}

/// Something is in the way of both folders: each line says which folder, and a harmless fix.
#[test]
fn folders_that_cannot_be_written_are_78_or_74() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    let api = shell.sandbox("--orgs 1");
    shell.write("file", "");
    let line =
        format!("XDG_STATE_HOME=$HOME/file orgwave doctor --reports file/reports --endpoint {}", api.url);
    let ran = shell.line(&line).with_code(74);
    let bad: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("bad ")).collect();
    let [state, reports] = bad[..] else { panic!("{}", ran.out) };
    assert!(
        state.contains("file/orgwave can't be written") && state.contains("-> set XDG_STATE_HOME"),
        "{state}"
    );
    assert!(
        reports.contains("file/reports can't be written") && reports.contains("-> use a writable folder"),
        "{reports}"
    );
    assert!(!ran.out.contains("chmod"), "{}", ran.out);
}

#[test]
fn where_nothing_answers_is_69() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    let api = shell.sandbox("--orgs 1");
    let url = api.url.clone();
    drop(api);
    let ran = shell.orgwave(&format!("doctor --endpoint {url} --attempts 1")).with_code(69);
    assert!(ran.out.contains("bad   api"), "{}", ran.out);
}

#[test]
fn an_org_that_a_rollout_would_block_is_worth_a_warning() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    shell.write("orgs.csv", "org_uuid,org_name\nHp7YW6y2ztaa4ssOe7u6yw,Only\n");
    for (how, said) in [
        ("connected = false", "never connected Envoy"),
        ("masked_secrets = true", "apiToken, refreshToken are returned masked"),
        ("org_uuid_absent = true", "don't name their org"),
        ("access = false", "1 without partner access"),
    ] {
        shell.write("r.toml", &format!("[rollout]\norgs = \"orgs.csv\"\n[[sandbox.orgs]]\n{how}\n"));
        let api = shell.sandbox("r.toml");
        let ran = shell.orgwave(&format!("doctor --endpoint {}", api.url)).with_code(0);
        let warned = ran.out.lines().filter(|line| line.starts_with("warn ")).collect::<Vec<_>>();
        assert!(warned.len() == 1 && warned[0].contains(said), "{how}: {}", ran.out);
    }
}

#[test]
fn the_sandbox_needs_none() {
    Shell::new().orgwave("doctor --sandbox").with_code(64);
}
