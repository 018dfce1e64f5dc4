//! Every act and every effect by name: what the caller sees, and what is so on the server afterwards.

use std::io::{ErrorKind, Read as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use orgwave_sandbox::{LedgerEvent, Route, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::caller::{
    PATIENCE, call, faulty, headers, operation, org, read, receive, request, sandbox, send, toggle, until,
    write,
};

/// Whether the last write was applied, by the ledger and by the state, which must agree.
fn applied(sandbox: &Running, before: Option<&Value>) -> bool {
    let entry = sandbox.ledger().pop().unwrap();
    let changed = sandbox.state(&org(1)) != before.cloned();
    assert_eq!(entry.applied, Some(changed), "the ledger and the state disagree");
    changed
}

#[tokio::test]
async fn statuses_with_headers_and_bodies_applied_and_not() {
    for (line, status, was_applied) in [
        ("400 on write", 400, false),
        ("401 on write", 401, false),
        ("403 on write", 403, false),
        ("404 on write", 404, false),
        ("405 on write", 405, false),
        ("408 applied on write", 408, true),
        ("409 on write", 409, false),
        ("413 on write", 413, false),
        ("422 body='{\"msg\":\"no\"}' on write", 422, false),
        ("500 applied on write", 500, true),
        ("500 on write", 500, false),
        ("502 on write", 502, false),
        ("503 retry-after=3 on write", 503, false),
        ("504 applied on write", 504, true),
        ("204 applied body='' on write", 204, true),
        ("301 location=http://elsewhere.invalid/ on write", 301, false),
        ("302 location=http://elsewhere.invalid/ on write", 302, false),
        ("307 location=http://elsewhere.invalid/ on write", 307, false),
        ("308 location=http://elsewhere.invalid/ on write", 308, false),
    ] {
        let sandbox = faulty(line).await;
        let before = sandbox.state(&org(1));
        let reply = toggle(&sandbox, org(1)).await.unwrap();
        assert_eq!(reply.status, status, "{line}");
        assert_eq!(applied(&sandbox, before.as_ref()), was_applied, "{line}");
        assert_eq!(sandbox.ledger()[0].fault.as_deref(), Some(line));
        if line.contains("location=") {
            assert_eq!(reply.headers("location"), ["http://elsewhere.invalid/"]);
        }
    }
    let sandbox = faulty("401 on write").await;
    assert_eq!(toggle(&sandbox, org(1)).await.unwrap().json(), json!({"authenticationFailed": true}));
    let sandbox = faulty("422 body='{\"msg\":\"no\"}' on write").await;
    assert_eq!(toggle(&sandbox, org(1)).await.unwrap().text(), r#"{"msg":"no"}"#);
}

#[tokio::test]
async fn retry_after_in_any_form() {
    for (line, said) in [
        ("429", vec![]),
        ("429 retry-after=3", vec!["3"]),
        ("429 retry-after=abc", vec!["abc"]),
        ("429 retry-after=-1", vec!["-1"]),
        ("429 retry-after=1e20", vec!["1e20"]),
        ("429 retry-after=3 retry-after=7", vec!["3", "7"]),
        ("429 retry-after='Wed, 21 Oct 2026 07:28:00 GMT'", vec!["Wed, 21 Oct 2026 07:28:00 GMT"]),
        ("429 retry-after=86400", vec!["86400"]),
    ] {
        let sandbox = faulty(line).await;
        let reply = read(&sandbox, org(1)).await.unwrap();
        assert_eq!(reply.status, 429);
        assert_eq!(reply.headers("retry-after"), said, "{line}");
        assert_eq!(reply.text(), "Too many api requests. Enhance your calm.");
        let entered = sandbox.ledger()[0].retry_after.as_deref().map(str::to_owned);
        assert_eq!(entered, (!said.is_empty()).then(|| said.join(", ")));
    }
}

#[tokio::test]
async fn faults_give_every_odd_kind_of_200() {
    for (line, body) in
        [("empty", ""), ("null", "null"), ("array", "[]"), ("string", "\"ok\""), ("200 body=x", "x")]
    {
        let sandbox = faulty(&format!("{line} applied on write")).await;
        let before = sandbox.state(&org(1));
        let reply = toggle(&sandbox, org(1)).await.unwrap();
        assert_eq!((reply.status, reply.text()), (200, body), "{line}");
        assert!(applied(&sandbox, before.as_ref()));
    }
    let reply = read(&faulty("html").await, org(1)).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers("content-type"), ["text/html; charset=utf-8"]);
    assert!(reply.text().starts_with("<!doctype html>"));
}

#[tokio::test]
async fn errors_and_warnings_in_a_200() {
    let sandbox = faulty("error msg='no such door' on write").await;
    let before = sandbox.state(&org(1));
    let reply = toggle(&sandbox, org(1)).await.unwrap().json();
    assert_eq!((&reply["error"], &reply["errorMsg"]), (&json!(true), &json!("no such door")));
    assert!(!applied(&sandbox, before.as_ref()));

    let sandbox = faulty("auth-error on write").await;
    assert_eq!(toggle(&sandbox, org(1)).await.unwrap().json()["authError"], true);

    let sandbox = faulty("warning msg=careful failed-guids=a;b misconfigured-doors=Front").await;
    let before = sandbox.state(&org(1));
    let reply = toggle(&sandbox, org(1)).await.unwrap().json();
    assert_eq!(reply["error"], false);
    assert_eq!(reply["warningMsg"], "careful");
    assert_eq!(reply["failedGuids"], json!(["a", "b"]));
    assert_eq!(reply["misconfiguredDoors"], json!(["Front"]));
    assert!(applied(&sandbox, before.as_ref()));
}

#[tokio::test]
async fn bodies_shorter_and_longer_than_they_say() {
    let whole = read(&sandbox("").await, org(1)).await.unwrap().body;
    for (line, body, announced) in [
        ("truncate", whole.len() / 2, whole.len()),
        ("truncate at=7", 7, whole.len()),
        ("too-long", whole.len(), whole.len() + 10),
        ("too-short", whole.len(), whole.len() - 10),
    ] {
        let reply = read(&faulty(line).await, org(1)).await.unwrap();
        assert_eq!(reply.headers("content-length"), [announced.to_string()], "{line}");
        // The short one is over for the caller before all has come.
        assert!(whole.starts_with(&reply.body) && reply.body.len() >= body.min(announced), "{line}");
        assert!(reply.body.len() <= body, "{line}");
    }
}

#[tokio::test]
async fn drips_come_whole_and_slowly() {
    for line in ["drip-headers every=1ms", "drip-body every=1ms"] {
        let sandbox = faulty(&format!("{line} on tokens")).await;
        let started = Instant::now();
        let reply = call(&sandbox, Route::Tokens, None, "{}").await.unwrap();
        assert!(reply.json()["apiTokens"].is_array());
        assert!(started.elapsed() >= Duration::from_millis(50), "{line}");
    }
}

#[tokio::test]
async fn large_bodies_are_as_large_as_they_say() {
    let reply = read(&faulty("huge size=1M").await, org(1)).await.unwrap();
    assert!(reply.json()["padding"].as_str().unwrap().len() >= 1 << 20);
    let reply = read(&faulty("deep depth=1000").await, org(1)).await.unwrap();
    assert_eq!(reply.text().matches('[').count(), 1000);
}

#[tokio::test]
async fn a_gzip_bomb_decodes_to_what_it_says() {
    let size = 4 << 20;
    let reply = read(&faulty("gzip-bomb size=4M").await, org(1)).await.unwrap();
    assert_eq!(reply.headers("content-encoding"), ["gzip"]);
    assert!(reply.body.len() < size / 100, "{}", reply.body.len());
    assert_eq!(reply.body[..4], [0x1f, 0x8b, 8, 0]);
    // Cut off before its end, which never comes.
    let mut decoded = Vec::new();
    flate2::read::GzDecoder::new(&*reply.body).take(size as u64).read_to_end(&mut decoded).unwrap();
    assert_eq!(decoded.len(), size);
    assert!(decoded.starts_with(br#"{"padding":"aaaa"#));
    assert!(decoded[12..].iter().all(|byte| *byte == b'a'));
}

#[tokio::test]
async fn resets_and_closes_before_and_after_the_write() {
    for (line, kind, was_applied) in [
        ("reset on write", ErrorKind::ConnectionReset, false),
        ("reset applied on write", ErrorKind::ConnectionReset, true),
        ("close on write", ErrorKind::UnexpectedEof, false),
        ("close applied on write", ErrorKind::UnexpectedEof, true),
    ] {
        let sandbox = faulty(line).await;
        let before = sandbox.state(&org(1));
        assert_eq!(toggle(&sandbox, org(1)).await.unwrap_err().kind(), kind, "{line}");
        assert_eq!(applied(&sandbox, before.as_ref()), was_applied, "{line}");
        assert_eq!(sandbox.ledger()[0].status, None);
        assert_eq!(sandbox.ledger()[0].fault.as_deref(), Some(line));
    }
}

#[tokio::test]
async fn a_kept_connection_is_dropped_as_a_request_starts() {
    let sandbox = faulty("drop on write").await;
    let mut stream = TcpStream::connect(sandbox.addr()).await.unwrap();
    stream
        .write_all(request("POST", Route::Read.path(&operation()), &headers(Some(org(1))), "{}").as_bytes())
        .await
        .unwrap();
    assert_eq!(receive(&mut stream).await.unwrap().status, 200);
    // The head alone: the server doesn't wait for the body.
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\n{}content-length: 99\r\n\r\n",
        Route::Write.path(&operation()),
        headers(Some(org(1)))
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let end = timeout(PATIENCE, receive(&mut stream)).await.unwrap().unwrap_err();
    assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(sandbox.ledger()[1].applied, Some(false));
}

#[tokio::test]
async fn a_hang_lasts_until_the_caller_gives_up() {
    let sandbox = Arc::new(faulty("hang applied on write").await);
    let before = sandbox.state(&org(1));
    let caller = tokio::spawn({
        let sandbox = Arc::clone(&sandbox);
        async move { toggle(&sandbox, org(1)).await.map(|reply| reply.status) }
    });
    until("the write is entered", || !sandbox.ledger().is_empty()).await;
    assert!(applied(&sandbox, before.as_ref()));
    assert!(!caller.is_finished());
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    let sandbox = Arc::into_inner(sandbox).unwrap();
    timeout(PATIENCE, sandbox.shutdown()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refusing_port_is_closed_for_a_while() {
    let sandbox = faulty("refuse for=1s on read nth 1").await;
    let idle = TcpStream::connect(sandbox.addr()).await.unwrap();
    let started = Instant::now();
    assert_eq!(read(&sandbox, org(1)).await.unwrap().status, 200);
    let mut idle = idle;
    let ended = timeout(PATIENCE, idle.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "an open connection stays open");
    assert_eq!(TcpStream::connect(sandbox.addr()).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let back = async {
        loop {
            match read(&sandbox, org(1)).await {
                Ok(reply) => break reply,
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            }
        }
    };
    assert_eq!(timeout(PATIENCE, back).await.unwrap().status, 200);
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(sandbox.ledger().len(), 2);
}

#[tokio::test]
async fn a_delayed_reply_comes_after_the_write() {
    let sandbox = Arc::new(faulty("ok delay=200ms on write").await);
    let before = sandbox.state(&org(1));
    let started = Instant::now();
    let caller = tokio::spawn({
        let sandbox = Arc::clone(&sandbox);
        async move { toggle(&sandbox, org(1)).await.map(|reply| reply.status) }
    });
    until("the write is entered", || !sandbox.ledger().is_empty()).await;
    assert!(applied(&sandbox, before.as_ref()));
    assert_eq!(caller.await.unwrap().unwrap(), 200);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn latency_holds_for_every_call_even_if_the_caller_left() {
    let sandbox = sandbox("latency = \"60ms\"\nserver = \"merge\"").await;
    let started = Instant::now();
    read(&sandbox, org(1)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(60));
    let body = r#"{"envoySettings":{"left":true}}"#;
    let mut stream = TcpStream::connect(sandbox.addr()).await.unwrap();
    let request = request("POST", Route::Write.path(&operation()), &headers(Some(org(1))), body);
    stream.write_all(request.as_bytes()).await.unwrap();
    drop(stream);
    until("the write of a caller that left is applied", || sandbox.ledger().len() == 2).await;
    assert_eq!(sandbox.state(&org(1)).unwrap()["left"], true);
}

#[tokio::test]
async fn what_is_held_back_goes_when_the_faults_are_taken_away() {
    let sandbox = Arc::new(faulty("hold on write").await);
    let before = sandbox.state(&org(1));
    let caller = tokio::spawn({
        let sandbox = Arc::clone(&sandbox);
        async move { toggle(&sandbox, org(1)).await.map(|reply| reply.status) }
    });
    until("the write is entered", || !sandbox.ledger().is_empty()).await;
    assert!(applied(&sandbox, before.as_ref()));
    assert!(!caller.is_finished());
    assert_eq!(read(&sandbox, org(1)).await.unwrap().status, 200);
    sandbox.disarm();
    assert_eq!(caller.await.unwrap().unwrap(), 200);
    assert_eq!(sandbox.most_at_once(), 2);
}

#[tokio::test]
async fn garbage_is_no_http() {
    let sandbox = faulty("garbage").await;
    let mut stream = TcpStream::connect(sandbox.addr()).await.unwrap();
    let read = request("POST", Route::Read.path(&operation()), &headers(Some(org(1))), "{}");
    stream.write_all(read.as_bytes()).await.unwrap();
    let mut bytes = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(bytes, "SSH-2.0-OpenSSH_9.6\r\n");
}

#[tokio::test]
async fn a_stale_read_shows_the_past_and_the_ledger_the_present() {
    let sandbox = faulty("reset applied stale=200ms on write").await;
    let before = read(&sandbox, org(1)).await.unwrap().settings();
    let started = Instant::now();
    toggle(&sandbox, org(1)).await.unwrap_err();
    let stale = read(&sandbox, org(1)).await.unwrap().settings();
    if started.elapsed() < Duration::from_millis(200) {
        assert_eq!(stale, before);
        let entry = sandbox.ledger().pop().unwrap();
        assert_eq!(entry.seen().unwrap()["enabled"], before["enabled"]);
        assert_ne!(entry.state().unwrap()["enabled"], before["enabled"]);
    }
    let fresh = async {
        loop {
            let settings = read(&sandbox, org(1)).await.unwrap().settings();
            if settings != before {
                break settings;
            }
        }
    };
    assert_ne!(timeout(PATIENCE, fresh).await.unwrap()["enabled"], before["enabled"]);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_late_write_is_applied_after_the_reply() {
    let sandbox = faulty("500 applied=100ms on write nth 1").await;
    let before = sandbox.state(&org(1));
    assert_eq!(write(&sandbox, org(1), &json!({"late": true})).await.unwrap().status, 500);
    until("the late write is applied", || sandbox.state(&org(1)) != before).await;
    until("the late write is entered", || sandbox.ledger().len() == 2).await;
    let [request, late] = &sandbox.ledger()[..] else { panic!("two entries") };
    assert_eq!((request.event, request.applied), (LedgerEvent::Request, Some(false)));
    assert_eq!((late.event, late.applied), (LedgerEvent::LateApply, Some(true)));
    assert!(late.at_us - request.at_us >= 100_000);
    assert_eq!(late.request, request.request);
    assert_eq!(late.state().unwrap()["late"], true);
}

#[tokio::test]
async fn another_orgs_settings_come_back() {
    let sandbox = faulty("other-org of 'Acme 1'").await;
    let settings = read(&sandbox, org(1)).await.unwrap().settings();
    assert_eq!(settings["orgUuid"], json!(org(2)));
    assert_eq!(sandbox.ledger()[0].state().unwrap()["orgUuid"], json!(org(1)));
    assert_eq!(sandbox.ledger()[0].seen().unwrap()["orgUuid"], json!(org(2)));
    let named = faulty(&format!("other-org org={}", org(3))).await;
    assert_eq!(read(&named, org(1)).await.unwrap().settings()["orgUuid"], json!(org(3)));
    // The last of the list gets the first; the org itself is never shown, even when it is named.
    let round = faulty("other-org").await;
    assert_eq!(read(&round, org(3)).await.unwrap().settings()["orgUuid"], json!(org(1)));
    assert_ne!(read(&named, org(3)).await.unwrap().settings()["orgUuid"], json!(org(3)));
}

#[tokio::test]
async fn settings_null_absent_masked_and_reshaped() {
    let null = read(&faulty("settings-null").await, org(1)).await.unwrap().json();
    assert_eq!(null.get("orgIntegrationV2"), Some(&Value::Null));
    let absent = read(&faulty("settings-absent").await, org(1)).await.unwrap().json();
    assert_eq!(absent.get("orgIntegrationV2"), None);
    let masked = read(&faulty("masked").await, org(1)).await.unwrap().settings();
    assert_eq!((&masked["apiToken"], &masked["refreshToken"]), (&json!("***"), &json!("***")));
    let sandbox = faulty("reshaped").await;
    let reshaped = read(&sandbox, org(1)).await.unwrap();
    assert_eq!(reshaped.settings(), sandbox.state(&org(1)).unwrap());
    assert!(!reshaped.text().contains(&sandbox.state_json(&org(1)).unwrap()));
}

#[tokio::test]
async fn flips_and_edits_happen_around_the_call_they_name() {
    let sandbox = faulty("flip=indexFaces on write").await;
    let before = sandbox.state(&org(1)).unwrap();
    toggle(&sandbox, org(1)).await.unwrap();
    let after = sandbox.state(&org(1)).unwrap();
    assert_ne!(after["indexFaces"], before["indexFaces"]);
    let [wrote, edited] = &sandbox.ledger()[..] else { panic!("a write and an edit") };
    assert_eq!(wrote.state().unwrap()["indexFaces"], before["indexFaces"]);
    assert_eq!(
        (edited.event, edited.state().unwrap()["indexFaces"].clone()),
        (LedgerEvent::Edit, after["indexFaces"].clone())
    );

    // Between two reads: the second already shows it.
    let sandbox = faulty(r#"ok edit='{"saveClips":null}' on read nth 2"#).await;
    assert_ne!(read(&sandbox, org(1)).await.unwrap().settings()["saveClips"], Value::Null);
    assert_eq!(read(&sandbox, org(1)).await.unwrap().settings()["saveClips"], Value::Null);
}

#[tokio::test]
async fn a_write_that_is_acknowledged_but_not_applied() {
    let sandbox = faulty("unapplied on write").await;
    let before = sandbox.state(&org(1));
    assert_eq!(toggle(&sandbox, org(1)).await.unwrap().json()["error"], false);
    assert!(!applied(&sandbox, before.as_ref()));
}

#[tokio::test]
async fn a_client_list_of_an_unknown_shape() {
    let sandbox = faulty("unknown-shape").await;
    let list = call(&sandbox, Route::Clients, None, "{}").await.unwrap().json();
    assert!(list.get("clients").is_none() && list["partnerClients"].is_array());
    assert_eq!(read(&sandbox, org(1)).await.unwrap().status, 200);
}

#[tokio::test]
async fn faults_strike_the_calls_they_name_and_no_others() {
    let sandbox = faulty("500 on write of 'Acme 1' nth 2").await;
    let statuses = async |place| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(toggle(&sandbox, org(place)).await.unwrap().status);
            assert_eq!(read(&sandbox, org(place)).await.unwrap().status, 200);
        }
        statuses
    };
    assert_eq!(statuses(1).await, [200, 500, 200]);
    assert_eq!(statuses(2).await, [200, 200, 200]);
}

#[tokio::test]
async fn from_a_request_on_everything_fails() {
    let sandbox = faulty("401 from-request 3").await;
    let mut statuses = Vec::new();
    for place in [1, 2, 3] {
        statuses.push(read(&sandbox, org(place)).await.unwrap().status);
    }
    statuses.push(call(&sandbox, Route::Clients, None, "{}").await.unwrap().status);
    assert_eq!(statuses, [200, 200, 401, 401]);
}

#[tokio::test]
async fn another_process_arms_and_disarms() {
    let sandbox = sandbox("").await;
    let admin = async |method: &str, body: &str| {
        send(sandbox.addr(), &request(method, "/admin/faults", "", body)).await.unwrap()
    };
    assert_eq!(admin("POST", "500 on read\n\n429 on write\n").await.status, 200);
    assert_eq!(admin("GET", "").await.text(), "500 on read\n429 on write");
    assert_eq!(read(&sandbox, org(1)).await.unwrap().status, 500);
    let wrong = admin("POST", "404 on read\nrest").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("unknown fault \"rest\""));
    assert_eq!(admin("GET", "").await.text(), "500 on read\n429 on write", "all or none");
    assert_eq!(admin("DELETE", "").await.status, 200);
    assert_eq!(read(&sandbox, org(1)).await.unwrap().status, 200);
}
