//! `orgwave export`: a rollout that plans to no change, without a secret, without a write.

use std::path::Path;

use crate::shell::Shell;

/// Odd in every way that a client's settings may be: names like formulas and tokens, keys with dots and dashes,
/// nulls, a word that no enum knows, orgs that can't be read.
const ODD: &str = r#"
[rollout]
orgs = "orgs.csv"

[sandbox]
seed = 3

[[sandbox.orgs]]
match = "Formulas"
[sandbox.orgs.settings]
enabled = "<null>"
locationInfoMap = {}
envoyUserSettingsMap = "<null>"
[sandbox.orgs.settings.doorInfoMap]
"-AbCdEfGhIjKlMnOpQrStA" = { doorName = "=1+1", clipDuration = -5, remoteUnlock = true }
"a.b\\c" = { doorName = "<b>" }
"@home" = { doorName = "  \\ #N/A; \"quoted\", and more " }
"plus" = { doorName = "+1 ÄÖ 門" }
"quote" = { doorName = "'-x" }
"empty" = { doorName = "" }
"nothing" = {}
"null" = { doorName = "<null>", remoteUnlock = "<null>" }
"007" = { doorName = "1/2" }

[[sandbox.orgs]]
match = "Unwritable"
[sandbox.orgs.settings]
badgeFaceVerificationMode = "TOMORROW"
[sandbox.orgs.settings.doorInfoMap]
"k" = { doorName = "two\nlines", remoteUnlock = false }

[[sandbox.orgs]]
match = "Never connected"
connected = false

[[sandbox.orgs]]
match = "No access"
access = false

[[sandbox.orgs]]
match = "Masked"
masked_secrets = true

[[sandbox.orgs]]
match = "'=odd*"
org_uuid_absent = true
"#;

const ODD_ORGS: &str = "org_uuid,org_name\n\
    Hp7YW6y2ztaa4ssOe7u6yw,Formulas\n\
    p7LwiLtoP9jlVcU4OoXtJA,Unwritable\n\
    pJneB9mMo-HaPRD4Hjcl5Q,Never connected\n\
    51p-OwjhmZV5mMecuv-QQA,No access\n\
    -S1GklJhT86tNIb9VfVxMA,Masked\n\
    PgtcnY8ReB34px84C5ixAQ,''=odd \"name\"\n";

fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_demo_exported_plans_to_no_change_and_holds_no_secret() {
    let shell = Shell::new();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/inputs/demo/rollout.toml");
    shell
        .orgwave(&format!("export -o live {demo} --sandbox --rate unlimited --org-rate unlimited"))
        .with_code(0);
    let names: Vec<_> = files(&shell.path("live")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["doors.csv", "locations.csv", "orgs.csv", "rollout.toml", "users.csv"]);
    for (name, text) in files(&shell.path("live")) {
        for secret in ["envoy-api-", "envoy-refresh-", "apiToken", "refreshToken"] {
            assert!(!text.contains(secret), "{name} holds {secret}");
        }
    }
    assert_eq!(shell.read("live/orgs.csv").lines().count(), 61);
    let planned = shell
        .orgwave("plan live/rollout.toml --sandbox --detailed-exitcode --rate unlimited --org-rate unlimited")
        .with_code(0);
    assert!(planned.out.contains("60 orgs: nothing to write"), "{}", planned.out);
    // Again, it is the same byte for byte, whatever the order of the replies.
    shell
        .orgwave(&format!("export -o again {demo} --sandbox --rate unlimited --org-rate unlimited"))
        .with_code(0);
    assert_eq!(files(&shell.path("again")), files(&shell.path("live")));
}

#[test]
fn odd_values_come_through_or_are_named() {
    let shell = Shell::new();
    shell.write("rollout.toml", ODD);
    shell.write("orgs.csv", ODD_ORGS);
    let exported = shell.orgwave("export -o live rollout.toml --sandbox").with_code(0);
    assert!(exported.out.contains("6 orgs in live, 2 of them skipped"), "{}", exported.out);
    for said in
        ["Unwritable: omitted", "doorInfoMap.k.doorName", "badgeFaceVerificationMode", "not connected"]
    {
        assert!(exported.err.contains(said), "{said:?} isn't in {}", exported.err);
    }
    let orgs = shell.read("live/orgs.csv");
    assert!(
        orgs.contains("not exported: the client list says that the client doesn't allow partner access"),
        "{orgs}"
    );
    assert!(orgs.contains(r#""''=odd ""name""""#), "{orgs}");
    let doors = shell.read("live/doors.csv");
    for cell in [r"\=1+1", r"\-AbCdEfGhIjKlMnOpQrStA", r"\@home", r"\+1 ÄÖ 門", r"\'-x", "<empty>", ",-5,"]
    {
        assert!(doors.contains(cell), "{cell:?} isn't in {doors}");
    }
    let planned = shell.orgwave("plan live/rollout.toml --sandbox --detailed-exitcode").with_code(0);
    assert!(planned.out.contains("nothing to write"), "{}", planned.out);
    assert!(planned.out.contains("4 unchanged") && planned.out.contains("2 skipped"), "{}", planned.out);
}

#[test]
fn it_only_reads_and_takes_the_orgs_that_were_asked_for() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    let api = shell.sandbox("--orgs 12");
    std::fs::create_dir(shell.path("empty")).unwrap();
    shell
        .orgwave(&format!("export -o empty --endpoint {} --only Org*1* --skip Org*11 -q", api.url))
        .with_code(0);
    let orgs = shell.read("empty/orgs.csv");
    let names: Vec<_> = orgs.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(names, ["Org 1", "Org 10", "Org 12"]);
    let ledger = shell.read("ledger.jsonl");
    assert!(ledger.contains("getEnvoyIntegration") && !ledger.contains("updateEnvoyIntegrationV2"));
    shell.orgwave(&format!("export -o none --endpoint {} --only stranger", api.url)).with_code(64);
    assert!(!shell.path("none").exists());
}

#[test]
fn what_is_there_is_never_replaced_and_a_failure_leaves_nothing() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "wrong");
    shell.write("full/orgs.csv", "mine");
    shell.orgwave("export -o full --sandbox").with_code(64);
    assert_eq!(files(&shell.path("full")), [("orgs.csv".to_owned(), "mine".to_owned())]);
    let api = shell.sandbox("--orgs 2");
    std::fs::create_dir(shell.path("empty")).unwrap();
    for folder in ["empty", "absent"] {
        shell.orgwave(&format!("export -o {folder} --endpoint {}", api.url)).with_code(77);
    }
    assert_eq!(files(&shell.path("empty")), []);
    assert!(!shell.path("absent").exists());
}
