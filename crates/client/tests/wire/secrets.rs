//! That the key appears nowhere.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use orgwave_client::{Reader, Writer};
use orgwave_core::redactor::Redactor;
use orgwave_core::reply::Reply;
use orgwave_core::secret::SecretText;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::server::{Server, reply};
use crate::{KEY, LONG, operation, org, setup};

#[tokio::test]
async fn no_debug_text_holds_the_key_or_a_secret() {
    let mut setup = setup("http://127.0.0.1:1", LONG);
    setup.secrets = vec![SecretText::new("envoy-token-9".to_owned())];
    let texts = [
        format!("{setup:?}"),
        format!("{:?}", setup.key),
        format!("{:?}", Reader::new(&setup).unwrap()),
        format!("{:#?}", Writer::new(&setup).unwrap()),
        format!("{:?}", Redactor::new([setup.key.secret().clone()])),
        format!(
            "{:?}",
            Writer::new(&setup).unwrap().update(&operation(), &org(1), Bytes::from_static(b"{}")).await
        ),
    ];
    for text in texts {
        assert!(!text.contains(KEY) && !text.contains("envoy-token-9"), "{text}");
    }
}

#[tokio::test]
async fn what_the_vendor_quotes_is_masked_in_every_kind_of_reply() {
    let quoted = format!(r#""the key {KEY} and the token envoy-token-9""#);
    for (status, body) in [
        (200, format!(r#"{{"error":true,"errorMsg":{quoted}}}"#)),
        (
            200,
            format!(r#"{{"warningMsg":{quoted},"failedGuids":[{quoted}],"misconfiguredDoors":[{quoted}]}}"#),
        ),
        (200, format!(r#"{{"error":{quoted}}}"#)),
        (200, format!("{{{quoted}:1}}")),
        (200, quoted.clone()),
        (400, format!(r#"{{"msg":{quoted}}}"#)),
        (400, format!(r#"{{"error":{quoted}}}"#)),
        (403, format!("the key {KEY} and the token envoy-token-9")),
        (500, format!("the key {KEY} and the token envoy-token-9")),
    ] {
        let server = Server::always(reply(status, "", &body)).await;
        let mut setup = setup(&format!("http://{}", server.address), LONG);
        setup.secrets = vec![SecretText::new("envoy-token-9".to_owned())];
        let writer = Writer::new(&setup).unwrap();
        let replies = [
            format!("{:?}", writer.update(&operation(), &org(1), Bytes::from_static(b"{}")).await),
            format!("{:?}", writer.reader().settings(&operation(), &org(1)).await),
            format!("{:?}", writer.reader().clients().await),
        ];
        for said in replies {
            assert!(!said.contains(KEY) && !said.contains("envoy-token-9"), "{body}: {said}");
        }
    }
}

#[tokio::test]
async fn what_the_vendor_quotes_is_masked_however_it_is_escaped() {
    for quoted in [r"tok+en\\/9qZ==", "tok%2Ben%2F9qZ%3D%3D", r"tok+en/9qZ\\u003d=", "dG9rK2VuLzlxWj09"] {
        let quoted = format!(r#""token {quoted}.""#);
        for (status, body) in [
            (
                200,
                format!(
                    r#"{{"warningMsg":{quoted},"failedGuids":[{quoted}],"misconfiguredDoors":[{quoted}]}}"#
                ),
            ),
            (400, format!(r#"{{"msg":{quoted}}}"#)),
        ] {
            let server = Server::always(reply(status, "", &body)).await;
            let mut setup = setup(&format!("http://{}", server.address), LONG);
            setup.secrets = vec![SecretText::new("tok+en/9qZ==".to_owned())];
            let said =
                Writer::new(&setup).unwrap().update(&operation(), &org(1), Bytes::from_static(b"{}")).await;
            let texts = match said {
                Reply::Good(ack) => {
                    let lists = [ack.items("failed_guids"), ack.items("misconfigured_doors")].concat();
                    [vec![ack.text("warning").to_owned()], lists].concat()
                }
                Reply::Refused(refusal) => vec![refusal.message],
                other => panic!("{other:?}"),
            };
            assert!(texts.iter().all(|text| text == "token ***."), "{body}: {texts:?}");
        }
    }
}

#[tokio::test]
async fn a_failed_connection_names_no_more_than_its_cause() {
    let reply = Reader::new(&setup("http://127.0.0.1:1/secret-path", LONG)).unwrap().clients().await;
    let Reply::NotSent(why) = reply else { panic!("{reply:?}") };
    assert!(!why.contains("secret-path"), "{why}");
}

/// Keeps every field of every span and event, at every level.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Visit for Everything {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = self.0.lock().unwrap();
        writeln!(text, "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn logs_hold_no_secret_and_no_body() {
    let logs = Everything::default();
    let _guard = tracing::subscriber::set_default(logs.clone());
    let server = Server::always(reply(200, "", r#"{"orgIntegrationV2":{"apiToken":"reply-secret"}}"#)).await;
    let writer = Writer::new(&setup(&format!("http://{}", server.address), LONG)).unwrap();
    writer
        .update(&operation(), &org(1), Bytes::from_static(br#"{"envoySettings":{"apiToken":"body-secret"}}"#))
        .await;
    let live = writer.reader().settings(&operation(), &org(1)).await;
    let logged = format!("{live:?} {}", logs.0.lock().unwrap());
    assert!(logged.starts_with("Good(Connected(1 members))"), "{logged}");
    assert!(logged.contains("updateEnvoyIntegrationV2") && logged.contains(org(1).as_str()), "{logged}");
    for secret in [KEY, "reply-secret", "body-secret"] {
        assert!(!logged.contains(secret), "{logged}");
    }
}
