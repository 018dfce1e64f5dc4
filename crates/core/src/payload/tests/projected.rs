//! Bodies by descriptions of every kind: what is sent of what was read.

use serde_json::{Value, json};

use super::super::*;
use crate::compare::{Context, diff, masked_secret};
use crate::desired::{Desired, DesiredValue, Managed, Origin};
use crate::ids::Ruuid;
use crate::operation::fixture;
use crate::outcome::StoredValue;
use crate::plan::{PlanLine, PlannedStep, Verdict};
use crate::secret::{SealKey, SecretText};
use crate::settings::secrets_in;

const FIELDS: &str = r#"
    [fields]
    name = { type = "text", class = "keep" }
    on = "bool"
    uuid = { type = "ruuid", class = "identity" }
    live = { type = "bool", class = "server" }
    deleted = { type = "bool", class = "omit" }
    token = { type = "text", class = "secret" }
    keys = { type = "list of text", class = "secret", as = "set" }
    keysOf = { type = "map of list of text", class = "secret" }
    policy = { object = "policy" }
    rules = { list = "rule" }
    sites = { map = "site" }
    byToken = { map = "site", keys = "secret", class = "keep" }
    [maps.site]
    note = "text"
    secret = { type = "text", class = "secret" }
    gone = { type = "bool", class = "omit" }
    [objects.policy]
    text = "text"
    most = "int64"
    seen = { type = "bool", class = "server" }
    [objects.rule]
    start = "int32"
"#;

fn operation(body: &str) -> std::sync::Arc<Operation> {
    fixture::with_body(body, FIELDS)
}

fn live() -> Value {
    json!({
        "name": "Acme", "on": false, "uuid": "AAAAAAAAAAAAAAAAAAAAAA", "live": true, "deleted": false,
        "token": null, "keys": ["k2", "k1"], "keysOf": {"a": ["k3"]},
        "policy": {"text": "t", "most": 9_007_199_254_740_993_i64, "seen": true, "new": 1},
        "rules": [{"start": 1, "new": 2}],
        "sites": {"s": {"note": "n", "secret": null, "gone": true, "new": 3}},
        "byToken": {"tok-1": {"note": "x", "secret": "hunter2", "new": 4}},
        "unheardOf": {"a": 1},
    })
}

fn secrets() -> Secrets {
    ["A", "B"].map(|name| (name.parse().unwrap(), SecretText::new(format!("value of {name}")))).into()
}

fn seal() -> SealKey {
    SealKey::derive(&SecretText::new("k".into()), "p")
}

fn desired(operation: &Operation, values: &[(&str, DesiredValue)]) -> Desired {
    let managed = values.iter().map(|(path, value)| Managed {
        path: operation.path(path).unwrap(),
        desired: value.clone(),
        origin: Origin::Row,
    });
    let mut managed: Vec<_> = managed.collect();
    managed.sort_by(|left, right| left.path.cmp(&right.path));
    Desired { managed, expects: Vec::new() }
}

fn planned(operation: &Operation, values: &[(&str, DesiredValue)], live: &RawObject) -> Vec<PlannedField> {
    let (secrets, seal) = (secrets(), seal());
    let context = Context { operation, secrets: &secrets, seal: &seal };
    diff(&desired(operation, values), Some(live), context).unwrap().fields
}

fn sent(body: &str, values: &[(&str, DesiredValue)]) -> Value {
    let operation = operation(body);
    let live = RawObject::parse(&live().to_string()).unwrap();
    let fields = planned(&operation, values, &live);
    let body = update_body(&operation, WriteMode::Merge, &fields, Some(&live), &secrets()).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn set(value: Value) -> DesiredValue {
    DesiredValue::Set(value)
}

#[test]
fn a_projected_body_has_what_can_be_written_as_it_was_read() {
    assert_eq!(
        sent("projected", &[("on", set(json!(true))), ("policy.text", set(json!("u")))]),
        json!({
            "name": "Acme", "on": true, "keys": ["k2", "k1"], "keysOf": {"a": ["k3"]},
            "policy": {"text": "u", "most": 9_007_199_254_740_993_i64},
            "rules": [{"start": 1}],
            "sites": {"s": {"note": "n"}},
            "byToken": {"tok-1": {"note": "x", "secret": "hunter2"}},
        })
    );
}

#[test]
fn a_whole_body_has_undescribed_fields_but_none_never_sent() {
    let mut expected = live();
    expected["on"] = json!(true);
    expected["sites"]["s"]["note"] = json!("m");
    for name in ["deleted", "token"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    for name in ["gone", "secret"] {
        expected["sites"]["s"].as_object_mut().unwrap().remove(name);
    }
    assert_eq!(sent("whole", &[("on", set(json!(true))), ("sites.s.note", set(json!("m")))]), expected);
}

#[test]
fn a_list_of_secrets_is_sent_in_order_and_compared_as_described() {
    let names = |text: &str| {
        let operation = operation("whole");
        let path = operation.path("keys").unwrap();
        match crate::manifest::read_setting(&operation, path.field(), text).unwrap() {
            crate::manifest::Cell::Secret(names) => DesiredValue::Secret(names),
            other => panic!("{other:?}"),
        }
    };
    let both = names("<secret:A>;<secret:B>");
    assert_eq!(sent("whole", &[("keys", both.clone())])["keys"], json!(["value of A", "value of B"]));
    let operation = operation("whole");
    let differs = |keys: Value| {
        let mut live = live();
        live["keys"] = keys;
        let live = RawObject::parse(&live.to_string()).unwrap();
        let context = Context { operation: &operation, secrets: &secrets(), seal: &seal() };
        diff(&desired(&operation, &[("keys", both.clone())]), Some(&live), context).unwrap().differs
    };
    assert!(!differs(json!(["value of B", "value of A"])));
    assert!(differs(json!(["value of A"])) && differs(json!(["***", "value of A"])) && differs(json!(null)));
}

#[test]
fn secrets_are_found_wherever_they_are_and_written_down_nowhere() {
    let operation = operation("whole");
    let mut settings = live();
    settings["sites"]["s"]["secret"] = json!("hunter3");
    let object = RawObject::parse(&settings.to_string()).unwrap();
    let mut found: Vec<_> =
        secrets_in(&operation, &object).map(|secret| secret.expose().to_owned()).collect();
    found.sort();
    assert_eq!(found, ["hunter2", "hunter3", "k1", "k2", "k3", "tok-1"]);
    let fields = planned(
        &operation,
        &[
            ("sites.s", DesiredValue::Remove),
            ("keysOf", set(json!(null))),
            ("keys", "A".parse().map(DesiredValue::Secret).unwrap()),
        ],
        &object,
    );
    let step = PlannedStep { fields: fields.clone(), ..PlannedStep::new(&operation, 0, Verdict::Update) };
    let line =
        PlanLine { steps: vec![step], ..PlanLine::new(2, Ruuid::from_bytes([1; 16]), Verdict::Update) };
    let mut written = Vec::new();
    line.write_json(&mut written);
    let written = String::from_utf8(written).unwrap();
    assert!(!["hunter", "k1", "k2", "k3"].iter().any(|secret| written.contains(secret)), "{written}");
    assert!(written.contains("\"secret\":\"<secret "), "{written}");
    assert!(fields.iter().all(|field| field.before != StoredValue::Absent));
    assert_eq!(
        planned(&operation, &[("sites.s", DesiredValue::Remove)], &object)[0].before,
        fields[2].before
    );
}

#[test]
fn a_masked_secret_blocks_at_any_depth_unless_it_is_set_or_goes() {
    let operation = operation("whole");
    let blocked = |place: &[&str], masked: Value, managed: &[&str]| {
        let mut settings = live();
        let mut at = &mut settings;
        for part in place {
            at = &mut at[part];
        }
        *at = masked;
        let object = RawObject::parse(&settings.to_string()).unwrap();
        let managed: Vec<_> = managed.iter().map(|path| operation.path(path).unwrap()).collect();
        masked_secret(&operation, &object, managed.iter()).map(|error| error.message)
    };
    let said = blocked(&["sites", "s", "secret"], json!("***"), &[]).unwrap();
    assert!(said.starts_with("sites.s.secret was returned masked"), "{said}");
    assert_eq!(blocked(&["sites", "s", "secret"], json!("***"), &["sites.s.secret"]), None);
    assert_eq!(blocked(&["sites", "s", "secret"], json!("***"), &["sites.s"]), None);
    assert!(blocked(&["sites", "s", "secret"], json!("***"), &["sites.s.note"]).is_some());
    assert!(blocked(&["keys"], json!(["***"]), &[]).is_some());
    let said = blocked(&["byToken", "tok-1", "secret"], json!("***"), &[]).unwrap();
    assert!(said.starts_with("byToken.***.secret was") && !said.contains("tok-1"), "{said}");
}

#[test]
fn what_the_read_does_not_show_is_named() {
    let operation = operation("projected");
    let named = |settings: Value, managed: &[&str]| {
        let object = RawObject::parse(&settings.to_string()).unwrap();
        let managed: Vec<_> = managed.iter().map(|path| operation.path(path).unwrap()).collect();
        let found = unreadable(&operation, &object, managed.iter());
        found.into_iter().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(named(live(), &[]), ["token"]);
    assert_eq!(named(live(), &["token"]), [""; 0]);
    let mut less = live();
    for name in ["on", "sites", "live", "deleted", "unheardOf"] {
        less.as_object_mut().unwrap().remove(name);
    }
    less["policy"].as_object_mut().unwrap().remove("most");
    assert_eq!(named(less.clone(), &["token"]), ["on", "policy.most", "sites"]);
    assert_eq!(named(less, &["on", "policy.most", "sites.a.note", "token"]), [""; 0]);
    assert_eq!(named(json!({}), &[]), [""; 0], "what isn't there yet is written as new");
}

#[test]
fn fields_keyed_by_secrets_or_inside_kept_ones_cannot_be_set() {
    let operation = operation("whole");
    let unsettable = |path: &str| operation.path(path).unwrap().field().unsettable();
    for path in ["byToken", "byToken.x", "byToken.x.note", "name"] {
        assert_eq!(unsettable(path), Some(Class::Keep), "{path}");
    }
    assert_eq!(unsettable("policy.seen"), Some(Class::ServerState));
    assert_eq!(unsettable("sites.s.note"), None);
}
