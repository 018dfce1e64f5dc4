//! When nothing was sent, and that nothing is sent twice.

use std::collections::BTreeMap;

use bytes::Bytes;
use orgwave_client::{Reader, Writer};
use orgwave_core::reply::{Cause, Reply};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::server::{Server, Step, reply};
use crate::{LONG, SHORT, good, operation, org, setup, unclear, writer};

const BODY: Bytes = Bytes::from_static(b"{}");

fn body(n: usize) -> Bytes {
    Bytes::from(format!(r#"{{"n":{n}}}"#))
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let writer = Writer::new(&setup(&format!("http://{address}"), LONG)).unwrap();
    let reply = writer.update(&operation(), &org(1), BODY).await;
    assert!(matches!(&reply, Reply::NotSent(why) if why.contains("refused")), "{reply:?}");
}

#[tokio::test]
async fn a_name_that_resolves_to_nothing_proves_that_nothing_was_sent() {
    // Too long for DNS, so that the resolver says no without asking anyone.
    let endpoint = format!("https://{}.invalid", "a".repeat(64));
    let reply = Writer::new(&setup(&endpoint, LONG)).unwrap().update(&operation(), &org(1), BODY).await;
    assert!(matches!(reply, Reply::NotSent(_)), "{reply:?}");
}

#[tokio::test]
async fn a_failed_tls_handshake_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let reader = Reader::new(&setup(&format!("https://{address}"), LONG)).unwrap();
    let reply = reader.clients().await;
    assert!(matches!(reply, Reply::NotSent(_)), "{reply:?}");
}

#[tokio::test]
async fn a_handshake_that_never_ends_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let reader = Reader::new(&setup(&format!("https://{address}"), SHORT)).unwrap();
    let (reply, accepted) = tokio::join!(reader.clients(), listener.accept());
    assert!(matches!(reply, Reply::NotSent(_)), "{reply:?}");
    drop(accepted);
}

#[tokio::test]
async fn a_reset_after_the_request_was_read_is_unclear_and_sent_once() {
    for end in [Step::Reset, Step::Close] {
        let server = Server::start(move |_| vec![end.clone()]).await;
        unclear(writer(&server).update(&operation(), &org(1), BODY).await, Cause::Broken);
        assert_eq!((server.requests().len(), server.connections()), (1, 1));
    }
}

#[tokio::test]
async fn reused_connection_broken_at_the_start_is_sent_once() {
    for bytes in [1, 20, 200] {
        let server = Server::start(move |n| match n {
            0 => vec![Step::Send(reply(200, "", "{}")), Step::ResetAfterNextBytes(bytes)],
            _ => vec![Step::Send(reply(200, "", "{}"))],
        })
        .await;
        let writer = writer(&server);
        good(writer.update(&operation(), &org(0), body(0)).await);
        unclear(writer.update(&operation(), &org(1), body(1)).await, Cause::Broken);
        assert_eq!(server.connections(), 1, "no second connection for the same request");
        good(writer.update(&operation(), &org(2), body(2)).await);
        let whole: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
        assert_eq!(whole, [r#"{"n":0}"#, r#"{"n":2}"#]);
    }
}

/// The server closes every connection right after its reply, without a word. So each next request races with
/// the news of it: it may go over a fresh connection, or end in doubt, but never arrives twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closing_kept_connection_never_doubles_a_request() {
    const CALLS: usize = 400;
    for end in [Step::Close, Step::Reset] {
        let server = Server::start(move |_| vec![Step::Send(reply(200, "", "{}")), end.clone()]).await;
        let writer = writer(&server);
        let mut is_good = Vec::new();
        for n in 0..CALLS {
            match writer.update(&operation(), &org(1), body(n)).await {
                Reply::Good(_) => is_good.push(true),
                Reply::Unclear(unclear) if unclear.cause == Cause::Broken => is_good.push(false),
                other => panic!("{other:?}"),
            }
        }
        let mut ledger = BTreeMap::<String, usize>::new();
        for request in server.requests() {
            *ledger.entry(request.body).or_default() += 1;
        }
        for (n, is_good) in is_good.into_iter().enumerate() {
            let seen = ledger.get(format!(r#"{{"n":{n}}}"#).as_str()).copied().unwrap_or(0);
            assert!(seen == 1 || (seen == 0 && !is_good), "request {n}: good {is_good}, seen {seen} times");
        }
    }
}

/// What drops a connection that is kept: each serves one request, and is closed or reset when the next one comes.
#[tokio::test]
async fn a_read_on_a_dropped_connection_is_made_again_on_a_new_one() {
    for end in [Step::ResetAfterNextBytes(1), Step::ResetAfterNextBytes(200)] {
        let server = Server::start(move |_| vec![Step::Send(reply(200, "", "{}")), end.clone()]).await;
        let writer = writer(&server);
        let mut dropped = 0;
        for _ in 0..20 {
            let first = writer.reader().settings(&operation(), &org(1)).await;
            if let Reply::Unclear(unclear) = first {
                assert_eq!(unclear.cause, Cause::Dropped);
                dropped += 1;
                good(writer.reader().settings(&operation(), &org(1)).await);
            }
        }
        assert!(dropped >= 5, "{dropped}");
        // From the first drop on, writes meet no connection that was kept.
        for n in 0..20 {
            good(writer.update(&operation(), &org(1), body(n)).await);
        }
    }
}

#[tokio::test]
async fn a_read_that_a_new_connection_drops_too_is_a_failure() {
    for end in [Step::Close, Step::Reset] {
        let server = Server::start(move |_| vec![end.clone()]).await;
        let reader = Reader::new(&setup(&format!("http://{}", server.address), LONG)).unwrap();
        for cause in [Cause::Dropped, Cause::Broken, Cause::Dropped, Cause::Broken] {
            unclear(reader.settings(&operation(), &org(1)).await, cause);
        }
        assert_eq!(server.connections(), 4);
    }
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let server = Server::always(reply(200, "", "{}")).await;
    let writer = writer(&server);
    for n in 0..20 {
        good(writer.update(&operation(), &org(1), body(n)).await);
        good(writer.reader().settings(&operation(), &org(1)).await);
    }
    assert_eq!((server.requests().len(), server.connections()), (40, 1));
}
