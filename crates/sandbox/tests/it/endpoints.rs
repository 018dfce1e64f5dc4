//! Every operation as the vendor answers it, refusals included.

use std::sync::{Arc, Mutex};

use orgwave_core::operation::Catalog;
use orgwave_sandbox::{
    Estate, OrgSeed, Received, Route, SANDBOX_KEY, Sandbox, partner_org, starting_settings,
};
use serde_json::{Value, json};

use crate::caller::{call, headers, operation, org, read, request, sandbox, send, toggle, write};

#[tokio::test]
async fn the_client_list_has_every_listed_org_and_needs_no_org_header() {
    let sandbox = sandbox(
        "[[orgs]]\nmatch = \"Acme 2\"\nlisted = false\n[[orgs]]\nmatch = \"Acme 3\"\nname = \"Renamed\"\naccess = false",
    )
    .await;
    let reply = call(&sandbox, Route::Clients, None, "{}").await.unwrap();
    let clients = reply.json()["clients"].as_array().unwrap().clone();
    assert_eq!(clients.len(), 2);
    assert_eq!(clients[0]["clientOrgUuid"], json!(org(1)));
    assert_eq!(clients[0]["clientOrgName"], "Acme 1");
    assert_eq!(clients[1]["clientOrgName"], "Renamed");
    assert_eq!(clients[1]["clientAccessAllowed"], false);
    assert_eq!(read(&sandbox, org(2)).await.unwrap().status, 200);
    assert_eq!(read(&sandbox, org(3)).await.unwrap().status, 403);
}

#[tokio::test]
async fn lists_show_the_estate_of_the_org() {
    let sandbox = sandbox("seed = 4").await;
    let estate = Estate::generate(4, org(1));
    let list = |operation, body| call(&sandbox, operation, Some(org(1)), body);

    let locations = list(Route::Locations, r#"{"subLocationsIncluded":true}"#).await.unwrap().json();
    assert_eq!(locations["locations"], json!(estate.locations));
    let flat = list(Route::Locations, "{}").await.unwrap().json();
    assert_eq!(flat["locations"][0]["subLocations"], json!([]));

    let cameras = list(Route::Cameras, r#"{"includeMummified":true}"#).await.unwrap().json();
    assert_eq!(cameras["cameraStates"], json!(estate.cameras));
    let alive = list(Route::Cameras, r#"{"includeMummified":false}"#).await.unwrap().json();
    assert_eq!(alive["cameraStates"].as_array().unwrap().len(), estate.cameras.len() - 1);

    let tokens = call(&sandbox, Route::Tokens, None, "{}").await.unwrap().json();
    assert_eq!(tokens["apiTokens"][0]["allowedRequetsPerSecond"], Value::Null);
    assert_eq!(list(Route::Cameras, "[]").await.unwrap().status, 400);
}

#[tokio::test]
async fn a_read_serves_the_generated_settings_to_the_last_digit() {
    let sandbox = sandbox("seed = 4").await;
    let reply = read(&sandbox, org(1)).await.unwrap();
    assert!(reply.text().contains(&starting_settings(&operation(), 4, org(1))));
    assert_eq!(sandbox.state_json(&org(1)).unwrap(), starting_settings(&operation(), 4, org(1)));
    assert!(reply.text().contains("123456789012345678901234567890"));
    assert_eq!(sandbox.state(&org(9)), None);
}

#[tokio::test]
async fn starting_settings_are_laid_over_the_generated_ones() {
    let sandbox = sandbox(
        "settings = { saveClips = true, badgeFaceVerificationMode = \"<null>\" }\n\
         [[orgs]]\nevery = 2\nsettings = { saveClips = false, tomorrow = 1 }",
    )
    .await;
    assert_eq!(sandbox.state(&org(1)).unwrap()["saveClips"], true);
    assert_eq!(sandbox.state(&org(1)).unwrap()["badgeFaceVerificationMode"], Value::Null);
    assert_eq!(sandbox.state(&org(2)).unwrap()["saveClips"], false);
    assert_eq!(sandbox.state(&org(2)).unwrap()["tomorrow"], 1);
}

#[tokio::test]
async fn starting_settings_keep_raw_json_and_watchers_see_requests() {
    let seen = Arc::<Mutex<Vec<Received>>>::default();
    let record = Arc::clone(&seen);
    let orgs = vec![OrgSeed { org: org(1), name: "Acme".to_owned() }];
    let config = toml::from_str("unaudited = true\nserver = \"merge\"").unwrap();
    let sandbox =
        Sandbox::new(&Catalog::built_in(), config, orgs).unwrap().expecting_keys(["one", SANDBOX_KEY]);
    let sandbox = sandbox.starting_with(&org(1), r#"{"big":1e400,"integrationAuditMap":null}"#);
    let sandbox = sandbox.watched_by(move |received| record.lock().unwrap().push(received));
    let sandbox = sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let body = r#"{"envoySettings":{"enabled":true}}"#;
    let other_key = headers(Some(org(1))).replace(&format!("apikey: {SANDBOX_KEY}"), "apikey: one");
    let write = request("POST", Route::Write.path(&operation()), &other_key, body);
    assert_eq!(send(sandbox.addr(), &write).await.unwrap().status, 200);
    assert_eq!(
        sandbox.state_json(&org(1)).unwrap(),
        r#"{"big":1e400,"enabled":true,"integrationAuditMap":null}"#
    );
    send(sandbox.addr(), &request("GET", "/nowhere", "x-auth-apikey: none\r\n", "")).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.iter().map(|seen| seen.route).collect::<Vec<_>>(), [Some(Route::Write), None]);
    assert_eq!(seen[0].line, format!("POST {}", Route::Write.path(&operation())));
    assert_eq!(seen[0].body, body);
    assert!(seen[0].headers.contains(&("x-auth-apikey".to_owned(), "one".to_owned())));
}

#[tokio::test]
async fn an_update_changes_its_org_alone() {
    for server in ["merge", "deep-merge", "replace"] {
        let sandbox = sandbox(&format!("server = \"{server}\"")).await;
        let others = [sandbox.state(&org(2)), sandbox.state(&org(3)), sandbox.state(&partner_org(0))];
        let mut whole = sandbox.state(&org(1)).unwrap();
        whole["clipsOfTomorrow"] = json!({"a": [1]});
        whole["tokenValid"] = json!(false);
        let reply = write(&sandbox, org(1), &whole).await.unwrap();
        assert_eq!(reply.json()["error"], false);
        let live = read(&sandbox, org(1)).await.unwrap().settings();
        assert_eq!(live["clipsOfTomorrow"], json!({"a": [1]}), "{server}");
        assert_eq!(live["tokenValid"], true, "{server}");
        assert_eq!(live["integrationAuditMap"].as_object().unwrap().len(), 2, "{server}");
        assert_eq!(live["doorInfoMap"], whole["doorInfoMap"], "{server}");
        let after = [sandbox.state(&org(2)), sandbox.state(&org(3)), sandbox.state(&partner_org(0))];
        assert_eq!(after, others, "{server}");
    }
}

#[tokio::test]
async fn fields_omitted_by_an_update_vanish_from_a_replacing_server() {
    for (server, kept) in [("merge", true), ("deep-merge", true), ("replace", false)] {
        let sandbox = sandbox(&format!("server = \"{server}\"")).await;
        write(&sandbox, org(1), &json!({"enabled": true})).await.unwrap();
        let live = sandbox.state(&org(1)).unwrap();
        assert_eq!(live["enabled"], true, "{server}");
        assert_eq!(live.get("visitorHostPolicy").is_some(), kept, "{server}");
        assert_eq!(live.get("saveClips").is_some(), kept, "{server}");
        assert_eq!(live["orgUuid"], json!(org(1)), "{server}");
    }
}

#[tokio::test]
async fn a_call_without_an_org_header_is_for_the_partners_own_org() {
    let sandbox = sandbox("server = \"merge\"").await;
    let settings = call(&sandbox, Route::Read, None, "{}").await.unwrap().settings();
    assert_eq!(settings["orgUuid"], json!(partner_org(0)));
    let body = json!({"envoySettings": {"enabled": true, "lost": 1}}).to_string();
    assert_eq!(call(&sandbox, Route::Write, None, &body).await.unwrap().status, 200);
    assert_eq!(sandbox.state(&partner_org(0)).unwrap()["lost"], 1);
    let entry = sandbox.ledger().pop().unwrap();
    assert_eq!(entry.org, None);
    assert_eq!(entry.applied, Some(true));
    assert_eq!(entry.state().unwrap()["orgUuid"], json!(partner_org(0)));
}

#[tokio::test]
async fn doors_in_two_locations_are_warned_of() {
    let sandbox = sandbox("server = \"merge\"").await;
    let doors = json!({"doorInfoMap": {
        "a": {"doorName": "Front", "locationUuid": org(7)},
        "b": {"doorName": "Front", "locationUuid": org(8)},
    }});
    let reply = write(&sandbox, org(1), &doors).await.unwrap().json();
    assert_eq!(reply["misconfiguredDoors"], json!(["Front"]));
    assert_eq!(reply["warningMsg"], "doors in more than one location: Front");
    assert_eq!(sandbox.state(&org(1)).unwrap()["misconfiguredDoors"], json!(["Front"]));
}

#[tokio::test]
async fn updates_that_make_no_sense_are_refused_and_change_nothing() {
    let sandbox = sandbox("").await;
    let before = sandbox.state(&org(1));
    for body in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"envoySettings":null}"#,
        r#"{"envoySettings":[]}"#,
        r#"{"envoySettings":{"enabled":"true"}}"#,
        r#"{"envoySettings":{"orgUuid":""}}"#,
        r#"{"envoySettings":{"doorInfoMap":{"a":{"locationUuid":""}}}}"#,
        r#"{"envoySettings":{"enabled":true}"#,
        &json!({"envoySettings": {"enabled": true, "orgUuid": org(2)}}).to_string(),
    ] {
        let reply = call(&sandbox, Route::Write, Some(org(1)), body).await.unwrap();
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.json()["error"].is_string() && reply.json()["msg"].is_string(), "{body}");
        assert_eq!(sandbox.ledger().pop().unwrap().applied, Some(false), "{body}");
    }
    assert_eq!(sandbox.state(&org(1)), before);
}

#[tokio::test]
async fn orgs_can_be_special() {
    let sandbox = sandbox(
        "[[orgs]]\nmatch = \"Acme 1\"\nconnected = false\n[[orgs]]\nmatch = \"Acme 2\"\nmasked_secrets = true\n\
         [[orgs]]\nmatch = \"Acme 3\"\nhidden_secrets = true\norg_uuid_absent = true",
    )
    .await;
    assert_eq!(read(&sandbox, org(1)).await.unwrap().settings(), Value::Null);
    assert_eq!(toggle(&sandbox, org(1)).await.unwrap().json()["error"], true);
    let masked = read(&sandbox, org(2)).await.unwrap().settings();
    assert_eq!(masked["apiToken"], "***");
    let hidden = read(&sandbox, org(3)).await.unwrap().settings();
    assert_eq!(hidden["apiToken"], Value::Null);
    assert_eq!(hidden.get("orgUuid"), None);
    // No caller could have sent it back, so a replacing server keeps it.
    let token = sandbox.state(&org(3)).unwrap()["apiToken"].clone();
    toggle(&sandbox, org(3)).await.unwrap();
    assert_eq!(sandbox.state(&org(3)).unwrap()["apiToken"], token);
}

#[tokio::test]
async fn calls_with_the_wrong_headers_are_refused() {
    let sandbox = sandbox("").await;
    let good = headers(Some(org(1)));
    for (headers, status) in [
        (good.clone(), 200),
        (good.replace("apikey: sandbox", "apikey: other"), 401),
        (good.replace("x-auth-apikey: sandbox\r\n", ""), 401),
        (good.replace("partner-api-token", "api-token"), 401),
        (good.replace("x-auth-scheme: partner-api-token\r\n", ""), 401),
        (good.replace("application/json", "text/plain"), 415),
        (headers(Some(org(9))), 403),
        (good.replace(&org(1).to_string(), "nonsense"), 403),
        (format!("{good}x-auth-org: {}\r\n", org(2)), 403),
    ] {
        let reply = send(sandbox.addr(), &request("POST", Route::Read.path(&operation()), &headers, "{}"))
            .await
            .unwrap();
        assert_eq!(reply.status, status, "{headers}");
        match status {
            401 => assert_eq!(reply.json(), json!({"authenticationFailed": true})),
            403 => assert_eq!(reply.json()["msg"], "Access Denied"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn wrong_methods_and_paths_are_refused_and_entered() {
    let sandbox = sandbox("").await;
    let get = request("GET", Route::Read.path(&operation()), &headers(None), "");
    assert_eq!(send(sandbox.addr(), &get).await.unwrap().status, 405);
    let lost = request("POST", "/api/nowhere", &headers(None), "{}");
    assert_eq!(send(sandbox.addr(), &lost).await.unwrap().status, 404);
    let statuses: Vec<_> = sandbox.ledger().into_iter().map(|e| (e.path.to_string(), e.status)).collect();
    assert_eq!(
        statuses,
        [(Route::Read.path(&operation()).to_owned(), Some(405)), ("/api/nowhere".to_owned(), Some(404))]
    );
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_refused() {
    let sandbox = sandbox("").await;
    let body = " ".repeat((16 << 20) + 1);
    // The refusal may cut the upload short; the ledger knows in any case.
    let _ = call(&sandbox, Route::Write, Some(org(1)), &body).await;
    assert_eq!(sandbox.ledger().pop().unwrap().status, Some(413));
}

#[tokio::test]
async fn an_empty_bucket_says_when_to_come_back() {
    for (spend, buckets, second) in [
        ("client", "org_bucket = { rate = 0.01, burst = 1 }", 200),
        ("partner", "partner_bucket = { rate = 0.01, burst = 1 }", 429),
        ("both", "org_bucket = { rate = 0.01, burst = 1 }\npartner_bucket = { rate = 0.01, burst = 1 }", 429),
    ] {
        let sandbox = sandbox(&format!("spend = \"{spend}\"\n{buckets}")).await;
        assert_eq!(read(&sandbox, org(1)).await.unwrap().status, 200, "{spend}");
        let refused = read(&sandbox, org(1)).await.unwrap();
        assert_eq!(refused.status, 429, "{spend}");
        assert_eq!(refused.text(), "Too many api requests. Enhance your calm.");
        let wait: u64 = refused.headers("retry-after")[0].parse().unwrap();
        assert!((80..=100).contains(&wait), "{wait}");
        assert_eq!(read(&sandbox, org(2)).await.unwrap().status, second, "{spend}");
        assert_eq!(sandbox.ledger()[1].retry_after.as_deref(), Some(wait.to_string().as_str()));
    }
}

#[tokio::test]
async fn a_sandbox_that_cannot_be_is_refused() {
    let acme = || OrgSeed { org: org(1), name: "Acme".to_owned() };
    let error = |config: &str, orgs| {
        Sandbox::new(&Catalog::built_in(), toml::from_str(config).unwrap(), orgs)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(error("", vec![acme()]), None);
    assert!(error("", vec![acme(), acme()]).unwrap().ends_with("is listed twice"));
    assert!(error("settings = { enabled = 5 }", vec![]).unwrap().contains("enabled"));
    assert!(error("org_bucket = { rate = 0.0 }", vec![]).unwrap().contains("rate"));
    let open = Sandbox::new(&Catalog::built_in(), toml::from_str("").unwrap(), vec![])
        .unwrap()
        .start(([0, 0, 0, 0], 0).into())
        .await;
    assert!(open.is_err());
}

#[tokio::test]
async fn another_key_can_be_expected() {
    let sandbox = Sandbox::new(&Catalog::built_in(), toml::from_str("").unwrap(), vec![])
        .unwrap()
        .expecting_key("planted");
    let sandbox = sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap();
    assert_eq!(call(&sandbox, Route::Clients, None, "{}").await.unwrap().status, 401);
    let headers = headers(None).replace("apikey: sandbox", "apikey: planted");
    let request = request("POST", Route::Clients.path(&operation()), &headers, "{}");
    assert_eq!(send(sandbox.addr(), &request).await.unwrap().status, 200);
}
