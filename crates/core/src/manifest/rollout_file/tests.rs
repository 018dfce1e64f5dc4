//! Rollout files that are read, and those that are refused.

use serde_json::json;

use super::*;
use crate::desired::DesiredValue;

fn parse(text: &str) -> (RolloutFile, Vec<(Code, u64)>) {
    let mut found = Vec::new();
    let mut sink = |problem: Problem| {
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
        found.push((problem.code, problem.line.unwrap_or(0)));
    };
    let rollout = RolloutFile::parse(
        &Catalog::built_in(),
        "rollout.toml",
        text.as_bytes(),
        &LIMITS,
        &mut Problems::new(&mut sink),
    );
    (rollout, found)
}

const LIMITS: [&str; 6] = ["concurrency", "ignore", "max_failures", "no_read", "rate", "waves"];

const WHOLE: &str = r#"
[rollout]
orgs = "orgs.csv"
doors = "doors.csv"
[settings]
saveClips = true
enabled = "<null>"
indexFaces = "<keep>"
badgeFaceVerificationMode = "OFF"
apiToken = "<secret:T>"
[limits]
rate = "8/s"
concurrency = 16
no_read = true
waves = ["1", 5, "rest"]
[sandbox]
latency = "5ms"
seed = 7
faults = [{ org = 1, p = 0.5 }]
"#;

#[test]
fn a_rollout_file_may_have_all_its_tables() {
    let (rollout, found) = parse(WHOLE);
    assert_eq!(found, []);
    assert_eq!(rollout.orgs.as_deref(), Some("orgs.csv"));
    let sides = rollout.sides.iter().map(|side| (&*side.table.name, &*side.path)).collect::<Vec<_>>();
    assert_eq!(sides, [("doors", "doors.csv")]);
    let mut defaults: Vec<_> = rollout
        .defaults
        .all
        .iter()
        .filter_map(|given| Some((given.path.to_string(), given.desired.clone()?)))
        .collect();
    defaults.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(
        defaults,
        [
            ("apiToken".into(), DesiredValue::Secret("T".parse().unwrap())),
            ("badgeFaceVerificationMode".into(), DesiredValue::Set(json!("OFF"))),
            ("enabled".into(), DesiredValue::Set(json!(null))),
            ("saveClips".into(), DesiredValue::Set(json!(true))),
        ]
    );
    let limit = |name: &str| rollout.limits[name].value.clone();
    assert_eq!(limit("rate"), Ok(json!("8/s")));
    assert_eq!(limit("concurrency"), Ok(json!("16")));
    assert_eq!(limit("no_read"), Ok(json!(true)));
    assert_eq!(limit("waves"), Ok(json!(["1", "5", "rest"])));
    assert_eq!(rollout.limits["rate"].line, 12);
    assert_eq!(rollout.sandbox, Some(json!({"latency": "5ms", "seed": 7, "faults": [{"org": 1, "p": 0.5}]})));
}

#[test]
fn a_limit_that_is_none_is_kept_as_what_it_is() {
    let (rollout, found) = parse("[rollout]\norgs = \"a\"\n[limits]\nrate = 8.5\nwaves = [[1]]");
    assert_eq!(found, []);
    assert_eq!(rollout.limits["rate"], Limit { line: 4, value: Err("a TOML float".to_owned()) });
    assert_eq!(rollout.limits["waves"], Limit { line: 5, value: Err("a TOML array".to_owned()) });
}

#[test]
fn a_rollout_file_with_a_mistake_is_refused() {
    for (name, text, expected) in [
        ("no TOML", "[rollout]\norgs = \n", vec![(Code::RollSyntax, 2)]),
        ("a key twice", "[rollout]\norgs = \"a\"\norgs = \"b\"", vec![(Code::RollSyntax, 3)]),
        ("nothing", "", vec![(Code::RollOrgs, 1)]),
        ("no orgs", "[rollout]\ndoors = \"d.csv\"", vec![(Code::RollOrgs, 1)]),
        ("orgs is no text", "[rollout]\norgs = 5", vec![(Code::RollValue, 2)]),
        ("unknown table", "[rollout]\norgs = \"a\"\n[setings]\n", vec![(Code::RollUnknown, 3)]),
        ("unknown key", "[rollout]\norgs = \"a\"\ndoor = \"b\"", vec![(Code::RollUnknown, 3)]),
        (
            "unknown limit",
            "[rollout]\norgs = \"a\"\n[limits]\nrates = 1\nmax-failures = 1",
            vec![(Code::RollUnknown, 4), (Code::RollUnknown, 5)],
        ),
        (
            "what can't be ignored",
            "[rollout]\norgs = \"a\"\n[limits]\nignore = [\"saveClips\", \"new\", \"doorInfoMap\"]",
            vec![(Code::RollValue, 4), (Code::RollValue, 4)],
        ),
        (
            "what is ignored is a list",
            "[rollout]\norgs = \"a\"\n[limits]\nignore = \"new\"",
            vec![(Code::RollValue, 4)],
        ),
        (
            "unknown setting",
            "[rollout]\norgs = \"a\"\n[settings]\nsaveclips = true",
            vec![(Code::RollUnknown, 4)],
        ),
        (
            "server state",
            "[rollout]\norgs = \"a\"\n[settings]\ntokenValid = true",
            vec![(Code::ColUnsettable, 4)],
        ),
        (
            "a map",
            "[rollout]\norgs = \"a\"\n[settings]\ndoorInfoMap = \"<null>\"\nlocationInfoMap.k.locationName = \"x\"\n\"doorInfoMap.k\" = \"x\"",
            vec![(Code::RollScalar, 4), (Code::RollScalar, 5), (Code::RollScalar, 6)],
        ),
        (
            "values of other types",
            "[rollout]\norgs = \"a\"\n[settings]\nenabled = \"true\"\nsaveClips = 1\nindexFaces = [true]",
            vec![(Code::CellBool, 4), (Code::CellBool, 5), (Code::RollScalar, 6)],
        ),
        (
            "an enum",
            "[rollout]\norgs = \"a\"\n[settings]\nbadgeFaceVerificationMode = \"off\"",
            vec![(Code::CellEnum, 4)],
        ),
        (
            "a blank",
            "[rollout]\norgs = \"a\"\n[settings]\nbadgeFaceVerificationMode = \" \"",
            vec![(Code::RollValue, 4)],
        ),
        (
            "raw secrets",
            "[rollout]\norgs = \"a\"\n[settings]\napiToken = \"hunter2\"\nrefreshToken = \"<secret:hunter2>\"",
            vec![(Code::CellSecret, 4), (Code::CellSecret, 5)],
        ),
        (
            "a raw secret in broken TOML",
            "[rollout]\norgs = \"a\"\n[settings]\napiToken = hunter2",
            vec![(Code::RollSyntax, 4)],
        ),
        ("a table that is none", "rollout = 5", vec![(Code::RollValue, 1), (Code::RollOrgs, 1)]),
    ] {
        assert_eq!(parse(text).1, expected, "{name}");
    }
}

#[test]
fn a_bad_setting_does_not_hide_the_manifest() {
    let (rollout, _) = parse("[settings]\nsaveclips = 1\n[rollout]\norgs = \"a.csv\"");
    assert_eq!(rollout.orgs.as_deref(), Some("a.csv"));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, text in "[\\[\\]a-z=\"\n.{}0-9<> -]{0,60}") {
        let mut sink = |_| {};
        let mut problems = Problems::new(&mut sink);
        let catalog = Catalog::built_in();
        RolloutFile::parse(&catalog, "f", &bytes, &LIMITS, &mut problems);
        RolloutFile::parse(&catalog, "f", text.as_bytes(), &LIMITS, &mut problems);
    }
}
