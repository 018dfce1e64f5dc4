//! Operations beside Envoy: documents that several share, and what an update of each does.

use std::sync::Arc;

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Body, Catalog, Class, Operation, Owner};
use orgwave_sandbox::{Running, secret_fingerprint};
use serde_json::{Map, Value, json};

use crate::caller::{Reply, headers, org, request, sandbox, send};

fn operation(name: &str) -> Arc<Operation> {
    Catalog::built_in().get(name).unwrap().clone()
}

async fn post(sandbox: &Running, path: &str, org: Ruuid, body: &Value) -> Reply {
    send(sandbox.addr(), &request("POST", path, &headers(Some(org)), &body.to_string())).await.unwrap()
}

/// What the read of an operation answers.
async fn document(sandbox: &Running, name: &str) -> Value {
    post(sandbox, &operation(name).read.path, org(1), &json!({})).await.json()
}

/// Its settings there.
async fn settings(sandbox: &Running, name: &str) -> Value {
    at(&document(sandbox, name).await, &operation(name).at).clone()
}

fn at<'a>(document: &'a Value, place: &str) -> &'a Value {
    place.split('.').filter(|name| !name.is_empty()).fold(document, |value, name| &value[name])
}

async fn update(sandbox: &Running, name: &str, settings: Value) -> Reply {
    let operation = operation(name);
    let body = match &operation.wrap {
        Some(wrap) => json!({&**wrap: settings}),
        None => settings,
    };
    post(sandbox, &operation.write.path, org(1), &body).await
}

#[tokio::test]
async fn every_operation_takes_back_what_it_shows_and_changes_nothing() {
    let sandbox = sandbox("strict = true\nblank_absent = true\nunaudited = true").await;
    for operation in Catalog::built_in().iter() {
        let name = &*operation.name;
        let before = document(&sandbox, name).await;
        match &operation.owner {
            Owner::Inside(owner) => {
                assert_eq!(*at(at(&before, &operation.at), owner), json!(org(1)), "{name}");
            }
            Owner::Beside(owner) => assert_eq!(*at(&before, owner), json!(org(1)), "{name}"),
            Owner::Unproven => {}
        }
        let mut sent = at(&before, &operation.at).as_object().unwrap().clone();
        sent.retain(|member, _| {
            match (operation.body, operation.fields.get(member).map(|field| field.class)) {
                (_, Some(Class::Omit)) => false,
                (Body::Whole, _) | (_, Some(Class::Setting | Class::Secret | Class::Keep)) => true,
                _ => false,
            }
        });
        let reply = update(&sandbox, name, sent.into()).await;
        assert_eq!((reply.status, &reply.json()["error"]), (200, &json!(false)), "{name}: {reply:?}");
        let entry = sandbox.ledger().pop().unwrap();
        assert_eq!((entry.operation_name.as_deref(), entry.applied), (Some(name), Some(true)));
        assert_eq!(document(&sandbox, name).await, before, "{name}");
    }
}

#[tokio::test]
async fn one_read_shows_several_and_each_update_changes_its_own() {
    let sandbox = sandbox("").await;
    let mut expected = document(&sandbox, "org-mfa").await;
    assert_eq!(expected["org"]["name"], "Acme 1");
    update(&sandbox, "org-mfa", json!({"mfaEnabled": true, "name": "x", "uuid": org(2)})).await;
    update(&sandbox, "data-retention", json!({"faceEventRetentionDays": 7})).await;
    update(&sandbox, "login-ip-allowlist", json!({"allowedLoginIpRanges": ["192.0.2.1"]})).await;
    expected["org"]["mfaEnabled"] = true.into();
    expected["org"]["dataRetentionSettings"] = json!({"faceEventRetentionDays": 7});
    expected["org"]["allowedLoginIpRanges"] = json!(["192.0.2.1"]);
    assert_eq!(document(&sandbox, "data-retention").await, expected);
    let entry = sandbox.ledger().pop().unwrap();
    assert_eq!(entry.operation_name, None, "the read is of nine");
    assert_eq!(entry.state().unwrap()["org"], expected["org"]);
    let days = sandbox.state_json_of(&org(1), "data-retention");
    assert_eq!(days.as_deref(), Some(r#"{"faceEventRetentionDays":7}"#));
    assert!(sandbox.edit_of(
        &org(1),
        "org-llm",
        &Map::from_iter([("llmUsageEnabled".to_owned(), false.into())])
    ));
    assert_eq!(settings(&sandbox, "org-mfa").await["llmUsageEnabled"], false);
}

#[tokio::test]
async fn what_a_projected_body_leaves_out_stays_or_is_blanked() {
    for (config, days) in [("", false), ("blank_absent = true", true)] {
        let sandbox = sandbox(config).await;
        let others = settings(&sandbox, "org-general").await;
        update(&sandbox, "org-mfa", json!({"mfaEnabled": true})).await;
        let live = settings(&sandbox, "org-mfa").await;
        assert_eq!(live["v3AuthNumDaysSkip2FAForTrustedDevices"].is_null(), days, "{config}");
        assert_eq!(live["accountOwnerEmail"], others["accountOwnerEmail"], "{config}");
        assert_eq!(live["unlistedPolicy"], others["unlistedPolicy"], "{config}");
    }
    // A name that doesn't go back is gone.
    let sandbox = sandbox("blank_absent = true").await;
    update(&sandbox, "org-general", json!({"inactivityTimeout": 5})).await;
    assert_eq!(settings(&sandbox, "org-general").await["name"], Value::Null);
}

#[tokio::test]
async fn orgs_start_with_the_configured_settings() {
    let sandbox = sandbox(
        "operation.org-mfa.settings = { mfaEnabled = false }\n\
         [[orgs]]\nmatch = \"Acme 1\"\nnot_connected = [\"toast\", \"email\"]\n\
         operation.data-retention.settings = { faceEventRetentionDays = \"<null>\" }\n\
         [[orgs]]\nmatch = \"Acme 2\"\noperation.org-mfa.settings.mfaEnabled = true",
    )
    .await;
    assert_eq!(settings(&sandbox, "org-mfa").await["mfaEnabled"], false);
    assert_eq!(settings(&sandbox, "data-retention").await["faceEventRetentionDays"], Value::Null);
    assert!(sandbox.state_json_of(&org(2), "org-mfa").unwrap().contains(r#""mfaEnabled":true"#));
    // What must be connected by hand can't be written; what needs no connection is made by the first write.
    assert_eq!(settings(&sandbox, "toast").await, Value::Null);
    assert_eq!(update(&sandbox, "toast", json!({"enabled": true})).await.json()["error"], true);
    assert_eq!(settings(&sandbox, "email").await, Value::Null);
    assert_eq!(update(&sandbox, "email", json!({"enabled": true})).await.json()["error"], false);
    assert_eq!(settings(&sandbox, "email").await["enabled"], true);
    assert_eq!(settings(&sandbox, "envoy").await["orgUuid"], json!(org(1)));
}

#[tokio::test]
async fn a_fault_may_be_of_one_operation() {
    let sandbox = sandbox(
        "faults = [\"500 on write operation=org-mfa times 1\", \"settings-null operation=slack\", \
         { act = \"ok\", operation = \"org-llm\", on = \"read\", flip = \"llmUsageEnabled\", times = 1 }]\n\
         operation.org-llm.settings = { llmUsageEnabled = true }",
    )
    .await;
    assert_eq!(update(&sandbox, "org-ai-training", json!({})).await.status, 200);
    assert_eq!(update(&sandbox, "org-mfa", json!({})).await.status, 500);
    assert_eq!(update(&sandbox, "org-mfa", json!({})).await.status, 200);
    let integrations = document(&sandbox, "email").await;
    assert_eq!(integrations["orgIntegrations"]["slackSettings"], Value::Null);
    assert!(integrations["orgIntegrations"]["emailSettings"].is_object());
    assert_eq!(settings(&sandbox, "org-mfa").await["llmUsageEnabled"], false);
}

#[tokio::test]
async fn secrets_are_covered_at_any_depth() {
    let console = json!({"consoleToSettingsMap": {"c": {"apiKey": "planted", "skyTunnelSN": "S"}}});
    for (config, shown) in [
        ("", json!("planted")),
        ("masked_secrets = true", json!("***")),
        ("hidden_secrets = true", Value::Null),
    ] {
        let sandbox = sandbox(&format!("[[orgs]]\n{config}")).await;
        update(&sandbox, "inner-range", console.clone()).await;
        let key = |settings: &Value| settings["consoleToSettingsMap"]["c"]["apiKey"].clone();
        assert_eq!(key(&settings(&sandbox, "inner-range").await), shown, "{config}");
        for entry in sandbox.ledger() {
            assert!(!entry.to_json().contains("planted"), "{config}");
            assert_eq!(key(&entry.state().unwrap()), secret_fingerprint("planted"), "{config}");
        }
        // Where reads don't show it, a caller can't send it back, and the server keeps it.
        update(&sandbox, "inner-range", json!({"consoleToSettingsMap": {"c": {"skyTunnelSN": "T"}}})).await;
        let live: Value =
            serde_json::from_str(&sandbox.state_json_of(&org(1), "inner-range").unwrap()).unwrap();
        assert_eq!(live["consoleToSettingsMap"]["c"]["skyTunnelSN"], "T", "{config}");
        assert_eq!(key(&live).is_null(), config.is_empty(), "{config}");
    }
}

#[tokio::test]
async fn what_is_not_the_callers_is_ignored_or_refused() {
    for (config, status) in [("", 200), ("strict = true", 400)] {
        let sandbox = sandbox(config).await;
        let before = settings(&sandbox, "org-firmware").await;
        for sent in [json!({"firmwareSettings": {}}), json!({"unlistedPolicy": 1}), json!({"uuid": org(2)})] {
            assert_eq!(update(&sandbox, "org-firmware", sent).await.status, status, "{config}");
        }
        assert_eq!(settings(&sandbox, "org-firmware").await, before, "{config}");
    }
}

#[tokio::test]
async fn a_wrong_shape_may_be_ignored_without_a_word() {
    let sandbox = sandbox("ignore_wrong_shape = true").await;
    let before = settings(&sandbox, "org-mfa").await;
    let reply = update(&sandbox, "org-mfa", json!({"mfaEnabled": "yes"})).await;
    assert_eq!((reply.status, &reply.json()["error"]), (200, &json!(false)));
    assert_eq!(sandbox.ledger().pop().unwrap().applied, Some(false));
    assert_eq!(settings(&sandbox, "org-mfa").await, before);
}

#[tokio::test]
async fn replies_to_updates_may_hold_more_than_a_verdict() {
    let sandbox = sandbox("").await;
    let reply = update(&sandbox, "org-mfa", json!({"mfaEnabled": true})).await.json();
    assert_eq!((&reply["org"]["mfaEnabled"], reply.get("failedGuids")), (&json!(true), None));
    let token = settings(&sandbox, "omnialert").await["webhookToken"].clone();
    let reply = update(&sandbox, "omnialert", json!({"webhookToken": token})).await.json();
    assert_eq!((&reply["webhookToken"], &reply["failedGuids"]), (&token, &json!([])));
    sandbox.arm("echo on write".parse().unwrap());
    let reply = update(&sandbox, "email", json!({"enabled": true})).await.json();
    assert_eq!(reply["emailSettings"]["enabled"], true);
}

#[tokio::test]
async fn deactivated_orgs_are_listed_for_who_asks() {
    let sandbox = sandbox(
        "[[orgs]]\nmatch = \"Acme 2\"\ndeactivated = true\n[[orgs]]\nmatch = \"Acme 3\"\nmanaged_by_msp = true",
    )
    .await;
    let list = async |body| {
        let path = "/api/partner/getClientsV2";
        let reply = send(sandbox.addr(), &request("POST", path, &headers(None), body)).await.unwrap();
        reply.json()["clients"].as_array().unwrap().clone()
    };
    let listed = list("{}").await;
    assert_eq!((listed.len(), listed[0].get("deactivated")), (2, None));
    assert_eq!(listed[1]["managedByMsp"], true);
    let all = list(r#"{"includeDeactivated":true}"#).await;
    assert_eq!((all.len(), &all[1]["deactivated"]), (3, &json!(true)));
}

#[tokio::test]
async fn an_unknown_operation_is_refused() {
    let error = |config: &str| {
        orgwave_sandbox::Sandbox::new(&Catalog::built_in(), toml::from_str(config).unwrap(), vec![])
            .err()
            .map(|error| error.to_string())
    };
    for config in [
        "operation.org-maf.settings = {}",
        "[[orgs]]\nnot_connected = [\"org-maf\"]",
        "[[orgs]]\noperation.org-maf.settings = {}",
        "faults = [\"500 operation=org-maf\"]",
    ] {
        assert_eq!(error(config).as_deref(), Some("there is no operation \"org-maf\""), "{config}");
    }
    assert!(error("operation.org-mfa.settings = { mfaEnabled = 1 }").unwrap().contains("mfaEnabled"));
}

#[tokio::test]
async fn another_process_sees_and_edits_any_operation() {
    let sandbox = sandbox("").await;
    let path = |kind: &str, query: &str| format!("/{kind}/{}{query}", org(1));
    let edit = request("POST", &path("admin/edit", "?operation=org-mfa"), "", r#"{"mfaEnabled":null}"#);
    assert_eq!(send(sandbox.addr(), &edit).await.unwrap().status, 200);
    let get =
        async |query| send(sandbox.addr(), &request("GET", &path("state", query), "", "")).await.unwrap();
    assert_eq!(get("?operation=org-mfa").await.json()["mfaEnabled"], Value::Null);
    assert_eq!(get("?operation=org-maf").await.status, 400);
}
