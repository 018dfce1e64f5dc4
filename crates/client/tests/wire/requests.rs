//! The exact requests, and where they never go.

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::reply::{Cause, Live, Reply};

use crate::server::{Received, Server, Step, reply};
use crate::{KEY, LONG, good, operation, org, reader, setup, unclear, writer};

/// Every header but the length and the host, which differ.
fn fixed_headers(request: &Received) -> Vec<(&str, &str)> {
    let pairs = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    pairs.filter(|(name, _)| !["content-length", "host"].contains(name)).collect()
}

const COMMON: [(&str, &str); 6] = [
    ("accept", "application/json"),
    ("accept-encoding", "gzip"),
    ("content-type", "application/json"),
    ("user-agent", concat!("orgwave/", env!("CARGO_PKG_VERSION"))),
    ("x-auth-apikey", KEY),
    ("x-auth-scheme", "partner-api-token"),
];

fn with_org(id: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut headers = COMMON.to_vec();
    headers.insert(5, ("x-auth-org", id));
    headers
}

#[tokio::test]
async fn a_call_to_an_org_names_the_org_as_typed() {
    // Not canonical, and it begins like an option: it is sent as it is.
    const TYPED: &str = "-_AAAAAAAAAAAAAAAAAAAB";
    let org: Ruuid = TYPED.parse().unwrap();
    let server = Server::always(reply(200, "", r#"{"locations":[],"cameraStates":[]}"#)).await;
    let writer = writer(&server);
    good(writer.reader().locations(&org).await);
    good(writer.reader().cameras(&org).await);

    let server_of_settings = Server::always(reply(200, "", "{}")).await;
    let writer = crate::writer(&server_of_settings);
    good(writer.reader().settings(&operation(), &org).await);
    good(
        writer.update(&operation(), &org, Bytes::from_static(br#"{"envoySettings":{"enabled":true}}"#)).await,
    );

    let requests = [server.requests(), server_of_settings.requests()].concat();
    let sent: Vec<_> =
        requests.iter().map(|request| (request.line.as_str(), request.body.as_str())).collect();
    assert_eq!(
        sent,
        [
            ("POST /api/location/getLocations", r#"{"subLocationsIncluded":true}"#),
            ("POST /api/camera/getMinimalCameraStateList", r#"{"includeMummified":true}"#),
            ("POST /api/integrations/serviceManagement/getEnvoyIntegration", "{}"),
            (
                "POST /api/integrations/serviceManagement/updateEnvoyIntegrationV2",
                r#"{"envoySettings":{"enabled":true}}"#
            ),
        ]
    );
    for request in &requests {
        assert_eq!(fixed_headers(request), with_org(TYPED), "{}", request.line);
        assert_eq!(request.header("content-length"), Some(request.body.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn a_call_to_the_partner_names_no_org() {
    let server = Server::always(reply(200, "", r#"{"clients":[],"apiTokens":[]}"#)).await;
    let reader = reader(&server);
    good(reader.clients().await);
    good(reader.api_tokens().await);
    let requests = server.requests();
    assert_eq!(requests[0].line, "POST /api/partner/getClientsV2");
    assert_eq!(requests[1].line, "POST /api/partner/getApiTokens");
    for request in &requests {
        assert_eq!(fixed_headers(request), COMMON);
        assert_eq!(request.body, "{}");
    }
}

#[tokio::test]
async fn orgs_are_never_mixed_up_on_shared_connections() {
    let server = Server::always(reply(200, "", "{}")).await;
    let writer = writer(&server);
    let calls = (0..100_u8).map(|n| {
        let writer = writer.clone();
        tokio::spawn(async move {
            good(
                writer.update(&operation(), &org(n), Bytes::from(format!(r#"{{"for":"{}"}}"#, org(n)))).await,
            );
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 100);
    for request in requests {
        assert_eq!(request.body, format!(r#"{{"for":"{}"}}"#, request.header("x-auth-org").unwrap()));
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed_and_the_key_stays() {
    let elsewhere = Server::always(reply(200, "", "{}")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: http://{}/api\r\n", elsewhere.address);
        let server = Server::always(reply(status, &location, "")).await;
        let said = unclear(
            writer(&server).update(&operation(), &org(1), Bytes::from_static(b"{}")).await,
            Cause::Redirect,
        );
        assert_eq!(said.http_status, Some(status));
        unclear(reader(&server).clients().await, Cause::Redirect);
        assert_eq!(server.requests().len(), 2);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn localhost_is_this_machine_and_paths_join_below_the_endpoint() {
    let server = Server::always(reply(200, "", r#"{"clients":[]}"#)).await;
    let endpoint = format!("http://localhost:{}/gateway/", server.address.port());
    good(orgwave_client::Reader::new(&setup(&endpoint, LONG)).unwrap().clients().await);
    assert_eq!(server.requests()[0].line, "POST /gateway/api/partner/getClientsV2");
}

#[tokio::test]
async fn interim_replies_are_passed_over() {
    let interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".to_vec();
    let server = Server::start(move |_| {
        vec![
            Step::Send(interim.clone()),
            Step::Send(reply(200, "", r#"{"orgIntegrationV2":{"integration":"ENVOY"}}"#)),
        ]
    })
    .await;
    let live = good(reader(&server).settings(&operation(), &org(1)).await);
    assert!(matches!(live, Live::Connected(settings, _) if settings.len() == 1));
}

#[tokio::test]
async fn a_429_says_how_long() {
    for (headers, seconds) in [
        ("retry-after: 3\r\n", Some(3)),
        ("retry-after: 3\r\nretry-after: 5\r\n", Some(5)),
        ("retry-after: Sun, 06 Nov 1994 08:49:57 GMT\r\n", Some(20)),
        // By the server's own clock, which is an hour ahead.
        ("date: Sun, 06 Nov 1994 09:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 09:49:57 GMT\r\n", Some(20)),
        ("date: Sat, 28 Nov 2026 15:00:00 GMT\r\nretry-after: 1795878060\r\n", Some(60)),
        ("date: Sat, 28 Nov 2026 15:00:00 GMT\r\nretry-after: 2026-11-28T15:00:30Z\r\n", Some(30)),
        ("retry-after: 299.997\r\n", Some(300)),
        ("ratelimit-reset: 7\r\n", Some(7)),
        ("ratelimit-reset: 7\r\nretry-after: 3\r\n", Some(3)),
        ("ratelimit-reset: 7\r\nretry-after: 100000\r\n", Some(7)),
        ("retry-after: 100000\r\n", None),
        ("retry-after: abc\r\n", None),
        ("", None),
    ] {
        let server = Server::always(reply(429, headers, "Too many api requests. Enhance your calm.")).await;
        let reply = writer(&server).update(&operation(), &org(1), Bytes::from_static(b"{}")).await;
        let Reply::Throttled(throttle) = reply else { panic!("{headers}: {reply:?}") };
        assert_eq!(throttle.http_status, 429);
        assert_eq!(throttle.retry_after.map(|wait| wait.as_secs()), seconds, "{headers}");
    }
}

#[tokio::test]
async fn a_403_that_isnt_the_vendors_is_a_block_that_is_waited_out() {
    fn judge<T: std::fmt::Debug>(reply: &Reply<T>, is_block: bool, body: &str) {
        match reply {
            Reply::Throttled(throttle) => assert!(is_block && throttle.http_status == 403, "{body}"),
            Reply::Unauthorized(_) => assert!(!is_block, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }

    let own = r#"{"status":403,"error":"Forbidden","timestamp":1,"msg":"Access Denied"}"#;
    for (headers, body, is_block) in [
        ("", own, false),
        ("ratelimit-reset: 7\r\n", own, false),
        ("retry-after: 9\r\n", own, true),
        ("", "<html>Request blocked</html>", true),
        ("", r#"{"status":403,"error":"Forbidden","msg":"rateLimitExceeded"}"#, true),
    ] {
        let server = Server::always(reply(403, headers, body)).await;
        let writer = writer(&server);
        judge(&writer.update(&operation(), &org(1), Bytes::from_static(b"{}")).await, is_block, body);
        judge(&writer.reader().settings(&operation(), &org(1)).await, is_block, body);
        judge(&writer.reader().clients().await, is_block, body);
    }
}
