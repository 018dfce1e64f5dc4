//! Size, time, and bodies that end too early.

use std::io::Write as _;
use std::time::Instant;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use orgwave_core::reply::{Cause, Live, Reply};
use tokio::task::JoinSet;

use crate::server::{Server, Step, reply};
use crate::{LONG, good, hasty_writer, operation, org, reader, unclear, writer};

const BODY: Bytes = Bytes::from_static(b"{}");

fn gzip(chunk: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..times {
        encoder.write_all(chunk).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn gzip_is_decompressed() {
    let settings = format!(r#"{{"integration":"ENVOY","long":"{}"}}"#, "x".repeat(100_000));
    let body = gzip(format!(r#"{{"orgIntegrationV2":{settings}}}"#).as_bytes(), 1);
    let server = Server::always(reply(200, "content-encoding: gzip\r\n", body)).await;
    let Live::Connected(object, _) = good(reader(&server).settings(&operation(), &org(1)).await) else {
        panic!("connected")
    };
    assert_eq!(object.text(), settings);
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_at_the_cap() {
    // 64 MiB of spaces in some 64 KiB: far over the cap of an update and of settings.
    let bomb = gzip(&vec![b' '; 1 << 20], 64);
    assert!(bomb.len() < 100_000);
    let server = Server::always(reply(200, "content-encoding: gzip\r\n", bomb)).await;
    let said = unclear(writer(&server).update(&operation(), &org(1), BODY).await, Cause::TooLarge);
    assert_eq!(said.message, "the reply is larger than 1048576 bytes");
    unclear(reader(&server).settings(&operation(), &org(1)).await, Cause::TooLarge);
}

#[tokio::test]
async fn damaged_gzip_is_unreadable() {
    let mut body = gzip(br#"{"error":false}"#, 100);
    body.truncate(20);
    let server = Server::always(reply(200, "content-encoding: gzip\r\n", body)).await;
    unclear(writer(&server).update(&operation(), &org(1), BODY).await, Cause::Unreadable);
    let server = Server::always(reply(200, "content-encoding: gzip\r\n", "{}")).await;
    unclear(writer(&server).update(&operation(), &org(1), BODY).await, Cause::Unreadable);
}

#[tokio::test]
async fn a_body_that_announces_too_much_isnt_read() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n".to_vec();
    let server = Server::start(move |_| vec![Step::Send(head.clone()), Step::Hang]).await;
    unclear(writer(&server).update(&operation(), &org(1), BODY).await, Cause::TooLarge);
    unclear(reader(&server).clients().await, Cause::TooLarge);
}

#[tokio::test]
async fn a_body_without_end_is_cut_at_the_cap() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    let server = Server::start(move |_| vec![Step::Send(head.clone()), Step::Flood(chunk.clone())]).await;
    unclear(writer(&server).update(&operation(), &org(1), BODY).await, Cause::TooLarge);
    unclear(reader(&server).settings(&operation(), &org(1)).await, Cause::TooLarge);
}

#[tokio::test]
async fn a_large_body_within_the_cap_is_whole() {
    let long = "y".repeat(7 << 20);
    let body = format!(r#"{{"orgIntegrationV2":{{"long":"{long}"}}}}"#);
    let server = Server::always(reply(200, "", body)).await;
    let Live::Connected(object, _) = good(reader(&server).settings(&operation(), &org(1)).await) else {
        panic!("connected")
    };
    assert_eq!(object.get("long").unwrap().get().len(), long.len() + 2);
}

#[tokio::test]
async fn the_total_time_ends_drips_and_silence() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    let mut cases = JoinSet::new();
    for (steps, status) in [
        (vec![Step::Hang], None),
        (vec![Step::Send(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Step::Drip(b"y".to_vec())], None),
        (vec![Step::Send(head.clone()), Step::Hang], Some(200)),
        (vec![Step::Send(head), Step::Drip(b" ".to_vec())], Some(200)),
    ] {
        cases.spawn(async move {
            let server = Server::start(move |_| steps.clone()).await;
            let start = Instant::now();
            let said =
                unclear(hasty_writer(&server).update(&operation(), &org(1), BODY).await, Cause::Timeout);
            assert_eq!((said.http_status, said.message.as_str()), (status, "no whole reply within 900ms"));
            assert!(start.elapsed() < LONG / 2);
        });
    }
    cases.join_all().await;
}

#[tokio::test]
async fn where_the_status_decides_a_bad_body_makes_no_doubt() {
    let mut cases = JoinSet::new();
    for end in [Step::Hang, Step::Close, Step::Drip(b"x".to_vec())] {
        for status in [429, 400, 401, 503] {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 1000000\r\n\r\nno such hunt");
            let steps = vec![Step::Send(head.into_bytes()), end.clone()];
            cases.spawn(async move {
                let server = Server::start(move |_| steps.clone()).await;
                let reply = hasty_writer(&server).update(&operation(), &org(1), BODY).await;
                // The last word may be half a secret, so it goes.
                match (status, &reply) {
                    (429, Reply::Throttled(throttle)) if throttle.retry_after.is_none() => {}
                    (400, Reply::Refused(refusal)) | (401, Reply::Unauthorized(refusal)) => {
                        assert_eq!(refusal.message, "no such");
                    }
                    (503, Reply::Unclear(unclear)) => {
                        assert_eq!(
                            (unclear.cause, unclear.message.as_str()),
                            (Cause::ServerError, "no such")
                        );
                    }
                    _ => panic!("{status}: {reply:?}"),
                }
            });
        }
    }
    cases.join_all().await;
}

#[tokio::test]
async fn a_truncated_body_is_unclear_and_drops_its_connection() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"error\":false}".to_vec();
    let server = Server::start(move |n| match n {
        0 => vec![Step::Send(short.clone()), Step::Close],
        _ => vec![Step::Send(reply(200, "", "{}"))],
    })
    .await;
    let writer = writer(&server);
    assert_eq!(
        unclear(writer.update(&operation(), &org(1), BODY).await, Cause::Broken).http_status,
        Some(200)
    );
    good(writer.update(&operation(), &org(2), BODY).await);
    assert_eq!(server.requests().iter().map(|request| request.connection).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn an_overlong_body_is_unclear_and_drops_its_connection() {
    let long = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{\"error\":true}".to_vec();
    let server = Server::start(move |n| match n {
        0 => vec![Step::Send(long.clone())],
        _ => vec![Step::Send(reply(200, "", "{}"))],
    })
    .await;
    let writer = writer(&server);
    unclear(writer.update(&operation(), &org(1), BODY).await, Cause::Unreadable);
    server.until_ended(1).await;
    good(writer.update(&operation(), &org(2), BODY).await);
    assert_eq!(server.requests().iter().map(|request| request.connection).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn a_connection_given_up_on_is_closed_and_isnt_used_again() {
    let server = Server::start(move |n| match n {
        0 => vec![Step::Hang],
        _ => vec![Step::Send(reply(200, "", "{}"))],
    })
    .await;
    let writer = hasty_writer(&server);
    unclear(writer.update(&operation(), &org(1), BODY).await, Cause::Timeout);
    server.until_ended(1).await;
    good(writer.update(&operation(), &org(2), BODY).await);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn what_is_no_http_is_unclear() {
    for garbage in ["\0\0\0", "SSH-2.0-x\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", ""] {
        let server = Server::start(move |_| vec![Step::Send(garbage.as_bytes().to_vec()), Step::Close]).await;
        unclear(writer(&server).update(&operation(), &org(1), BODY).await, Cause::Broken);
    }
}

#[tokio::test]
async fn a_200_of_another_kind_is_unclear() {
    for body in ["<html>", "", "null", "[]", "\"ok\""] {
        let server = Server::always(reply(200, "", body)).await;
        unclear(writer(&server).update(&operation(), &org(1), BODY).await, Cause::Unreadable);
        unclear(reader(&server).clients().await, Cause::Unreadable);
    }
}
