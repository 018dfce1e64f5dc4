//! The ledger tells what happened, and no secret.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Catalog;
use orgwave_sandbox::{
    Keep, KeyCheck, LedgerEvent, OrgSeed, Route, SANDBOX_KEY, Sandbox, secret_fingerprint,
};
use serde_json::{Map, Value, json};

use crate::caller::{call, headers, operation, org, read, request, sandbox, send, write};

/// A writer that a test can look into.
#[derive(Clone, Default)]
struct Copy(Arc<Mutex<Vec<u8>>>);

impl Write for Copy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn entries_say_what_was_asked_answered_and_left() {
    let sandbox = sandbox("server = \"merge\"").await;
    read(&sandbox, org(1)).await.unwrap();
    write(&sandbox, org(1), &json!({"enabled": true, "apiToken": "planted"})).await.unwrap();
    read(&sandbox, org(1)).await.unwrap();
    let [first, wrote, second] = &sandbox.ledger()[..] else { panic!("three requests") };
    assert_eq!([first.seq, wrote.seq, second.seq], [1, 2, 3]);
    assert_eq!([first.request, wrote.request, second.request], [1, 2, 3]);
    assert_eq!(wrote.operation, Some(Route::Write));
    assert_eq!(wrote.org.as_deref(), Some(org(1).to_string().as_str()));
    assert_eq!((wrote.scheme, wrote.key), (Some("partner-api-token"), KeyCheck::Ok));
    assert_eq!((wrote.status, wrote.applied), (Some(200), Some(true)));
    assert_eq!((first.applied, &first.fault), (None, &None));
    assert_eq!(wrote.state().unwrap()["enabled"], true);
    assert_eq!(wrote.state().unwrap()["apiToken"], secret_fingerprint("planted"));
    assert_eq!(wrote.sent().unwrap(), json!({"enabled": true, "apiToken": secret_fingerprint("planted")}));
    assert_ne!(first.digest(), wrote.digest());
    assert_eq!(wrote.digest(), second.digest());
    assert!(first.at_us <= first.done_us && first.done_us <= wrote.at_us);
    assert_eq!(second.seen(), None);
}

#[tokio::test]
async fn no_key_and_no_secret_is_in_it() {
    let key = "planted-key-4711";
    let copy = Copy::default();
    let orgs = vec![OrgSeed { org: org(1), name: "Acme".to_owned() }];
    let sandbox = Sandbox::new(&Catalog::built_in(), toml::from_str("").unwrap(), orgs).unwrap();
    let sandbox = sandbox.expecting_key(key).copying_ledger_to(copy.clone());
    let sandbox = sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let good = headers(Some(org(1))).replace(&format!("apikey: {SANDBOX_KEY}"), &format!("apikey: {key}"));
    let body = json!({"envoySettings": {"apiToken": "planted-token", "refreshToken": "planted-refresh"}});
    for headers in [
        good.clone(),
        good.replace("scheme: partner-api-token", &format!("scheme: {key}")),
        good.replace(&format!("org: {}", org(1)), &format!("org: {key}")),
        good.replace(&format!("apikey: {key}"), &format!("apikey: {key}-wrong")),
    ] {
        send(sandbox.addr(), &request("POST", Route::Write.path(&operation()), &headers, &body.to_string()))
            .await
            .unwrap();
    }
    let served = send(sandbox.addr(), &request("GET", "/ledger", "", "")).await.unwrap();
    let state = send(sandbox.addr(), &request("GET", &format!("/state/{}", org(1)), "", "")).await.unwrap();
    assert_eq!(sandbox.state(&org(1)).unwrap()["apiToken"], "planted-token");
    assert_eq!(state.json()["apiToken"], secret_fingerprint("planted-token"));
    sandbox.shutdown().await.unwrap();
    let copied = String::from_utf8(copy.0.lock().unwrap().clone()).unwrap();
    assert_eq!(copied, served.text());
    assert_eq!(lines(&copied).len(), 4);
    for text in [&copied, state.text()] {
        assert!(!text.contains("planted"), "{text}");
    }
}

#[tokio::test]
async fn a_copy_that_cannot_be_written_is_an_error_in_the_end() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let sandbox = Sandbox::new(&Catalog::built_in(), toml::from_str("").unwrap(), vec![])
        .unwrap()
        .copying_ledger_to(Full);
    let sandbox = sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap();
    call(&sandbox, Route::Clients, None, "{}").await.unwrap();
    assert_eq!(sandbox.ledger().len(), 1);
    assert_eq!(sandbox.shutdown().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn another_process_reads_it_from_any_place_on() {
    let sandbox = sandbox("").await;
    for place in 1..=3 {
        read(&sandbox, org(place)).await.unwrap();
    }
    let get = async |path: &str| send(sandbox.addr(), &request("GET", path, "", "")).await.unwrap();
    assert_eq!(lines(get("/ledger").await.text()).len(), 3);
    let rest = lines(get("/ledger?since=2&states=no").await.text());
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["seq"], 3);
    assert_eq!(rest[0].get("state"), None);
    assert!(rest[0]["digest"].is_string());
    assert_eq!(get("/ledger?since=x").await.status, 400);
    assert_eq!(get("/ledger?sicne=1").await.status, 400);
    assert_eq!(get("/totals").await.json()["by_operation"], json!({"read": {"200": 3}}));
    assert_eq!(get("/state/nonsense").await.status, 404);
}

#[tokio::test]
async fn edits_by_another_writer_are_in_the_ledger() {
    let sandbox = sandbox("").await;
    let patch = Map::from_iter([("saveClips".to_owned(), Value::Null)]);
    assert!(sandbox.edit(&org(1), &patch));
    assert!(!sandbox.edit(&org(9), &patch));
    let edit = request("POST", &format!("/admin/edit/{}", org(1)), "", r#"{"elsewhere":[1]}"#);
    assert_eq!(send(sandbox.addr(), &edit).await.unwrap().status, 200);
    let live = sandbox.state(&org(1)).unwrap();
    assert_eq!((&live["saveClips"], &live["elsewhere"]), (&Value::Null, &json!([1])));
    let events: Vec<LedgerEvent> = sandbox.ledger().iter().map(|entry| entry.event).collect();
    assert_eq!(events, [LedgerEvent::Edit, LedgerEvent::Edit]);
    assert_eq!(sandbox.totals().requests, 0);
}

#[tokio::test]
async fn totals_alone_can_be_kept() {
    let sandbox = sandbox("ledger = \"counts\"").await;
    read(&sandbox, org(1)).await.unwrap();
    write(&sandbox, org(1), &json!({"enabled": true})).await.unwrap();
    read(&sandbox, org(9)).await.unwrap();
    assert!(sandbox.ledger().is_empty());
    let totals = sandbox.totals();
    assert_eq!((totals.requests, totals.applied), (3, 1));
    assert_eq!(totals.by_operation["read"]["403"], 1);
    assert_eq!(Keep::default(), Keep::Full);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_concurrent_writes_its_order_is_the_order_of_the_states() {
    let sandbox = Arc::new(sandbox("server = \"merge\"").await);
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let sandbox = Arc::clone(&sandbox);
            tokio::spawn(
                async move { write(&sandbox, org(1), &json!({"number": number})).await.unwrap().status },
            )
        })
        .collect();
    for writer in writers {
        assert_eq!(writer.await.unwrap(), 200);
    }
    let ledger = sandbox.ledger();
    assert_eq!(ledger.len(), 20);
    for entry in &ledger {
        assert_eq!(entry.state().unwrap()["number"], entry.sent().unwrap()["number"]);
    }
    let last = ledger.last().unwrap().sent().unwrap()["number"].clone();
    assert_eq!(sandbox.state(&org(1)).unwrap()["number"], last);
}

#[tokio::test]
async fn the_last_body_of_each_org_can_be_all_that_is_kept() {
    let sandbox = sandbox("ledger = \"sent\"").await;
    write(&sandbox, org(1), &json!({"enabled": true})).await.unwrap();
    write(&sandbox, org(2), &json!({"enabled": true, "apiToken": "planted"})).await.unwrap();
    read(&sandbox, org(1)).await.unwrap();
    write(&sandbox, org(1), &json!({"enabled": false})).await.unwrap();
    let served = send(sandbox.addr(), &request("GET", "/ledger?since=1", "", "")).await.unwrap();
    let sent: Vec<Value> = lines(served.text()).iter().map(|entry| entry["sent"].clone()).collect();
    let token = secret_fingerprint("planted");
    assert_eq!(sent, [json!({"enabled": true, "apiToken": token}), json!({"enabled": false})]);
    assert_eq!(sandbox.totals().applied, 3);
    let none = send(sandbox.addr(), &request("GET", "/ledger?since=4", "", "")).await.unwrap();
    assert_eq!(none.text(), "");
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world() {
    let (one, two) = (sandbox("seed = 9").await, sandbox("seed = 9").await);
    let other = sandbox("seed = 10").await;
    let state = |sandbox: &orgwave_sandbox::Running, org: Ruuid| sandbox.state_json(&org);
    assert_eq!(state(&one, org(1)), state(&two, org(1)));
    assert_ne!(state(&one, org(1)), state(&other, org(1)));
    let list = async |sandbox| call(sandbox, Route::Clients, None, "{}").await.unwrap().json();
    assert_eq!(list(&one).await, list(&two).await);
}
