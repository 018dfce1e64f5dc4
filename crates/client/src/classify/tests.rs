use std::sync::Arc;
use std::time::Duration;

use orgwave_core::ids::Ruuid;
use orgwave_core::org::{Drive as _, Event, Reader, Step};
use orgwave_core::policy::RetryPolicy;
use orgwave_core::reply::{Ack, ClientList, Listed, Live};
use orgwave_core::secret::SecretText;
use orgwave_core::timestamp::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::bodies::{ApiToken, Camera, Location};
use orgwave_core::operation::Operation;
use orgwave_core::redactor::Redactor;

const A: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const B: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

/// An answer with what it takes to read one.
trait Known: ReplyBody {
    fn of() -> Arc<Self::Of>;
}

macro_rules! known {
    ($of:ty = $make:expr; $($answer:ty),*) => {
        $(impl Known for $answer {
            fn of() -> Arc<$of> {
                $make
            }
        })*
    };
}

known!(Operation = Operation::default_one(); Ack, Live);
known!(() = Arc::new(()); ClientList, Vec<Location>, Vec<Camera>, Vec<ApiToken>);

fn reply<A: Known>(status: u16, body: &str) -> Reply<A> {
    let redactor = Redactor::new([SecretText::new("hunter2".to_owned())]);
    classify(Head::of_status(status), body.as_bytes(), Words(&redactor), &*A::of())
}

/// A meaning in short, without its message.
fn brief<T>(reply: &Reply<T>) -> String {
    match reply {
        Reply::Good(_) => "good".to_owned(),
        Reply::Refused(refusal) => format!("refused ({:?})", refusal.kind),
        Reply::Unauthorized(_) => "unauthorized".to_owned(),
        Reply::Throttled(_) => "throttled".to_owned(),
        Reply::NotSent(_) => "not sent".to_owned(),
        Reply::Unclear(unclear) => format!("unclear ({:?})", unclear.cause),
    }
}

fn good<A: Known>(body: &str) -> A {
    match reply(200, body) {
        Reply::Good(answer) => answer,
        other => panic!("{body}: {}", brief(&other)),
    }
}

#[track_caller]
fn unreadable<A: Known>(body: &str) -> String {
    match reply::<A>(200, body) {
        Reply::Unclear(Unclear { cause: Cause::Unreadable, http_status: Some(200), message, .. }) => message,
        other => panic!("{body}: {}", brief(&other)),
    }
}

#[track_caller]
fn refused<A: Known>(status: u16, body: &str) -> Refusal {
    match reply::<A>(status, body) {
        Reply::Refused(refusal) | Reply::Unauthorized(refusal) => refusal,
        other => panic!("{body}: {}", brief(&other)),
    }
}

/// Every status through the function, runs of the same meaning in one line.
fn table<A: Known>(body: &str) -> String {
    table_of(|status| brief(&reply::<A>(status, body)))
}

fn table_of(meaning: impl Fn(u16) -> String) -> String {
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    for status in 100..=599 {
        let meaning = meaning(status);
        match runs.last_mut() {
            Some((_, last, same)) if *same == meaning => *last = status,
            _ => runs.push((status, status, meaning)),
        }
    }
    let line = |(first, last, meaning): (u16, u16, String)| {
        if first == last {
            format!("{first}      {meaning}\n")
        } else {
            format!("{first}..{last} {meaning}\n")
        }
    };
    runs.into_iter().map(line).collect()
}

proptest! {
    #[test]
    fn only_a_200_is_good_and_no_message_quotes_a_secret(
        status in 0_u16..1000,
        body in prop_oneof![
            vec(any::<u8>(), 0..200),
            "[\\[\\]{}\",:a-z0-9]{0,60}".prop_map(String::into_bytes),
            "(error|msg|errorMsg|clients|failedGuids)".prop_map(|name| format!(r#"{{"{name}":"x hunter2 y"}}"#).into_bytes()),
        ],
    ) {
        let redactor = Redactor::new([SecretText::new("hunter2".to_owned())]);
        let words = Words(&redactor);
        let head = Head::of_status(status);
        let ack = classify::<Ack>(head, &body, words, &Ack::of());
        prop_assert!(status == 200 || !matches!(ack, Reply::Good(_)));
        let debug = format!("{ack:?}");
        prop_assert!(!debug.contains("hunter2"), "{debug}");
        let list = classify::<ClientList>(head, &body, words, &());
        prop_assert!(!matches!(list, Reply::Good(_)), "none of these is a client list");
        let _ = classify::<Live>(head, &body, words, &Live::of());
        let _ = classify::<Vec<Location>>(head, &body, words, &());
    }
}

#[test]
fn every_status_of_a_write_and_of_a_read() {
    let write = table::<Ack>("{}");
    insta::assert_snapshot!(write, @r"
    100..199 unclear (Unreadable)
    200      good
    201..299 unclear (Unreadable)
    300..399 unclear (Redirect)
    400      refused (Status)
    401      unauthorized
    402      refused (Status)
    403      throttled
    404..407 refused (Status)
    408      unclear (ServerError)
    409..428 refused (Status)
    429      throttled
    430..498 refused (Status)
    499..599 unclear (ServerError)
    ");
    assert_eq!(table::<Live>("{}"), write);
    assert_eq!(table::<ClientList>(r#"{"clients":[]}"#), write);
}

/// What the retry policy makes of it: a read that is tried again says when, at most.
#[test]
fn every_status_of_a_read_has_its_delay_or_none() {
    let retry = RetryPolicy::default();
    let now = Timestamp::from_millis(0);
    let table = table_of(|status| {
        let mut reader = Reader::settings((), Ruuid::from_bytes([1; 16]), 0, retry);
        let event = match reply::<Live>(status, "{}") {
            Reply::Throttled(throttle) => Event::Throttled { throttle, shared: false },
            reply => Event::ReadReply { reply, requested: now },
        };
        assert!(matches!(reader.handle(Event::Woken, now), Step::Read));
        match reader.handle(event, now) {
            Step::Done(Ok(_)) => "ends with what it brings".to_owned(),
            Step::Done(Err(_)) => "ends".to_owned(),
            Step::Wait { until, why } => {
                assert!(until.since(now) <= Duration::from_millis(1001), "the first backoff");
                format!("again, after {why:?}")
            }
            other => panic!("{other:?}"),
        }
    });
    insta::assert_snapshot!(table, @r"
    100..199 again, after Backoff
    200      ends with what it brings
    201..399 again, after Backoff
    400..402 ends
    403      again, after RetryAfter
    404..407 ends
    408      again, after Backoff
    409..428 ends
    429      again, after RetryAfter
    430..498 ends
    499..599 again, after Backoff
    ");
}

#[test]
fn a_body_that_is_no_answer_never_makes_another_status_good() {
    for status in (100..=599).filter(|status| *status != 200) {
        let meaning = brief(&reply::<Ack>(status, r#"{"error":false}"#));
        assert_eq!(meaning, brief(&reply::<Ack>(status, "<html>")), "{status}");
        assert_ne!(meaning, "good", "{status}");
    }
}

#[test]
fn a_200_that_is_no_object_is_unclear() {
    for body in [
        "",
        " ",
        "null",
        "[]",
        "[{}]",
        "\"ok\"",
        "true",
        "0",
        "<html>",
        "OK",
        "{",
        "{}{}",
        "{\"error\":fal",
        "\u{feff}{}",
    ] {
        assert!(unreadable::<Ack>(body).starts_with("expected the answer to an update, "), "{body}");
        unreadable::<Live>(body);
        unreadable::<ClientList>(body);
        unreadable::<Vec<Location>>(body);
        unreadable::<Vec<Camera>>(body);
        unreadable::<Vec<ApiToken>>(body);
    }
}

#[test]
fn a_200_with_error_is_refused() {
    let refusal = refused::<Ack>(200, r#"{"error":true,"errorMsg":"Door\nnot found"}"#);
    assert_eq!(
        refusal,
        Refusal { http_status: 200, kind: RefusalKind::Error, message: "Door not found".to_owned() }
    );
    assert_eq!(refused::<ClientList>(200, r#"{"error":true,"clients":null}"#).message, "");
    assert_eq!(refused::<Vec<Camera>>(200, r#"{"error":true,"errorMsg":7}"#).kind, RefusalKind::Error);
}

#[test]
fn a_200_with_auth_error_is_refused_and_says_so() {
    for body in
        [r#"{"authError":true}"#, r#"{"authError":true,"error":true}"#, r#"{"error":false,"authError":true}"#]
    {
        assert_eq!(refused::<Ack>(200, body).kind, RefusalKind::AuthError, "{body}");
        assert_eq!(refused::<Live>(200, body).kind, RefusalKind::AuthError, "{body}");
        assert_eq!(refused::<Vec<Camera>>(200, body).kind, RefusalKind::AuthError, "{body}");
    }
}

#[test]
fn errors_that_are_false_or_null_are_none() {
    assert_eq!(
        good::<Ack>(r#"{"error":false,"authError":null,"errorMsg":null,"warningMsg":""}"#),
        Ack::default()
    );
    assert_eq!(good::<Ack>("{}"), Ack::default());
}

#[test]
fn an_ack_brings_the_warning_and_the_lists_without_nulls() {
    let ack: Ack = good(
        r#"{"warningMsg":"half\u0007 done","failedGuids":["g1",null,"g2"],"misconfiguredDoors":["Front"],"new":{"x":1}}"#,
    );
    assert_eq!(ack.text("warning"), "half done");
    assert_eq!(ack.items("failed_guids"), ["g1", "g2"]);
    assert_eq!(ack.items("misconfigured_doors"), ["Front"]);
    assert!(ack.is_warned());
    assert!(!good::<Ack>(r#"{"failedGuids":null,"misconfiguredDoors":[]}"#).is_warned());
}

#[test]
fn a_wrongly_typed_member_of_an_ack_is_unclear_and_not_quoted() {
    for (body, named) in [
        (r#"{"error":"hunter3"}"#, "`error`"),
        (r#"{"error":0}"#, "`error`"),
        (r#"{"authError":"hunter3"}"#, "`authError`"),
        (r#"{"failedGuids":"hunter3"}"#, "`failedGuids`"),
        (r#"{"failedGuids":["a",1]}"#, "`failedGuids`"),
        (r#"{"misconfiguredDoors":{"hunter3":1}}"#, "`misconfiguredDoors`"),
        (r#"{"warningMsg":["hunter3"]}"#, "`warningMsg`"),
    ] {
        let said = unreadable::<Ack>(body);
        assert!(said.contains(named) && !said.contains("hunter3"), "{body}: {said}");
    }
}

#[test]
fn an_object_that_speaks_of_other_things_is_no_answer() {
    assert!(
        unreadable::<Ack>(r#"{"authenticationFailed":true}"#)
            .ends_with("an object with `authenticationFailed`")
    );
    unreadable::<Ack>(r#"{"status":403,"msg":"Access Denied"}"#);
    unreadable::<Live>(r#"{"message":"welcome"}"#);
}

#[test]
fn messages_of_error_statuses() {
    let refusal =
        refused::<Ack>(403, r#"{"status":403,"error":"Forbidden","timestamp":1,"msg":"Access Denied"}"#);
    assert_eq!((refusal.http_status, refusal.message.as_str()), (403, "Forbidden: Access Denied"));
    assert_eq!(refused::<Ack>(401, r#"{"authenticationFailed": true}"#).message, "authentication failed");
    assert_eq!(refused::<Ack>(400, r#"{"msg":"bad key hunter2"}"#).message, "bad key ***");
    assert_eq!(refused::<Live>(404, "<html>").message, "an HTML page");
}

#[test]
fn waits_are_passed_on() {
    let redactor = Redactor::default();
    let wait = Some(Duration::from_secs(3));
    let reply = |status: u16, body: &[u8]| {
        let head = Head { retry_after: wait, asks_to_wait: true, ..Head::of_status(status) };
        classify::<Ack>(head, body, Words(&redactor), &Ack::of())
    };
    for (status, body) in [(429, b"calm".as_slice()), (403, br#"{"msg":"Access Denied"}"#)] {
        assert!(matches!(reply(status, body), Reply::Throttled(Throttle { http_status, retry_after })
                if (http_status, retry_after) == (status, wait)));
    }
    assert!(matches!(reply(503, b""), Reply::Unclear(unclear) if unclear.retry_after == wait));
}

#[test]
fn settings_come_back_to_the_last_byte() {
    let settings =
        r#"{"integration":"ENVOY","new":1.50,"apiToken":"t\u00e9","doorInfoMap":{"b":1,"a":[ 2]}}"#;
    let Live::Connected(object, _) =
        good(&format!(r#"{{"error":false,"orgIntegrationV2":{settings},"more":1}}"#))
    else {
        panic!("connected");
    };
    assert_eq!(object.text(), settings);
}

#[test]
fn an_org_that_never_connected() {
    for body in ["{}", r#"{"orgIntegrationV2":null}"#, r#"{"error":false}"#] {
        assert!(matches!(good(body), Live::NotConnected(None)), "{body}");
    }
    let body = r#"{"error":true,"errorMsg":"no integration"}"#;
    assert!(matches!(good(body), Live::NotConnected(Some(message)) if message == "no integration"));
    assert!(matches!(good(r#"{"error":true}"#), Live::NotConnected(None)));
}

#[test]
fn settings_of_another_shape_are_unclear_and_not_quoted() {
    for body in
        [r#"{"orgIntegrationV2":"hunter3"}"#, r#"{"orgIntegrationV2":[]}"#, r#"{"orgIntegrationV2":true}"#]
    {
        assert!(!unreadable::<Live>(body).contains("hunter3"));
    }
}

#[test]
fn deep_json_neither_overflows_nor_counts_as_a_read() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(matches!(good(&format!(r#"{{"orgIntegrationV2":{{"new":{deep}}}}}"#)), Live::Connected(..)));
    unreadable::<Live>(&format!(r#"{{"orgIntegrationV2":{deep}}}"#));
    unreadable::<Ack>(&format!(r#"{{"failedGuids":{deep}}}"#));
    let open = format!(r#"{{"uuid":"{A}","subLocations":["#).repeat(50_000);
    unreadable::<Vec<Location>>(&format!(r#"{{"locations":[{open}{}]}}"#, "]}".repeat(50_000)));
}

#[test]
fn client_lists_are_read_with_optional_members() {
    let list: Vec<Listed> = good::<ClientList>(&format!(
        r#"{{"clients":[
            {{"clientOrgUuid":"{A}","clientOrgName":"Ärzte","clientAccessAllowed":true,"totalCameras":4}},
            {{"clientOrgName":null,"clientOrgUuid":"{B}"}}],"error":null}}"#
    ))
    .clients;
    assert_eq!(list[0].org, A.parse::<Ruuid>().unwrap());
    assert_eq!(list[0].name.as_deref(), Some("Ärzte"));
    assert_eq!(list[0].access_allowed, Some(true));
    assert_eq!((list[1].org, &list[1].name, list[1].access_allowed), (B.parse().unwrap(), &None, None));
    assert!(good::<ClientList>(r#"{"clients":[]}"#) == ClientList::default());
}

#[test]
fn a_client_list_of_unknown_shape_is_an_error_not_no_orgs() {
    for (body, found) in [
        ("{}", "an empty object"),
        (r#"{"partnerClients":[],"total":3}"#, "an object with `partnerClients`, `total`"),
        (r#"{"clients":null}"#, "a `clients` that is null"),
        (r#"{"clients":{}}"#, "a `clients` of another shape"),
        (r#"{"clients":[["x"]]}"#, "a `clients` of another shape"),
        (r#"{"clients":[null]}"#, "a `clients` of another shape"),
        (r#"{"clients":[{"orgUuid":"AAAAAAAAAAAAAAAAAAAAAA"}]}"#, "a `clients` of another shape"),
        (r#"{"clients":[{"clientOrgUuid":null}]}"#, "a `clients` of another shape"),
        (r#"{"clients":[{"clientOrgUuid":"short"}]}"#, "a `clients` of another shape"),
        (r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}"#, "`h`, 2 more"),
    ] {
        let said = unreadable::<ClientList>(body);
        assert!(said.contains("a list `clients` of objects with `clientOrgUuid`"), "{body}: {said}");
        assert!(said.contains(found), "{body}: {said}");
    }
}

#[test]
fn an_unreadable_client_record_is_named_and_others_are_kept() {
    for (record, org, name, why) in [
        (r#"{"clientOrgUuid":null,"clientOrgName":"New"}"#, false, Some("New"), "no `clientOrgUuid`"),
        (r#"{"clientOrgName":"New"}"#, false, Some("New"), "no `clientOrgUuid`"),
        (r#"{"clientOrgUuid":"pending"}"#, false, None, "a `clientOrgUuid` of another shape"),
        (
            r#"{"clientOrgUuid":"BBBBBBBBBBBBBBBBBBBBBA","clientOrgName":42}"#,
            true,
            None,
            "a `clientOrgName` of",
        ),
        (
            r#"{"clientOrgUuid":"BBBBBBBBBBBBBBBBBBBBBA","clientOrgName":"x\ud800"}"#,
            true,
            None,
            "a `clientOrgName` of",
        ),
        (
            "{\"clientOrgUuid\":\"BBBBBBBBBBBBBBBBBBBBBA\",\"clientOrgName\":\"\u{0}\"}",
            true,
            None,
            "a `clientOrgName` of",
        ),
        (
            r#"{"clientOrgUuid":"BBBBBBBBBBBBBBBBBBBBBA","clientAccessAllowed":"no"}"#,
            true,
            None,
            "a `clientAccessAllowed` of",
        ),
        (r#"{"clientOrgUuid":"BBBBBBBBBBBBBBBBBBBBBA","deactivated":1}"#, true, None, "a `deactivated` of"),
        (r#"["x"]"#, false, None, "a list instead of an object"),
        ("null", false, None, "null instead of an object"),
        ("7", false, None, "a single value instead of an object"),
    ] {
        let body = format!(r#"{{"clients":[{{"clientOrgUuid":"{A}"}},{record}]}}"#);
        // A control character that JSON doesn't allow ends the reading of all: the bytes are no UTF-8 in its place.
        let body: Vec<u8> = body.bytes().map(|byte| if byte == 0 { 0xe9 } else { byte }).collect();
        let Reply::Good(list) =
            classify::<ClientList>(Head::of_status(200), &body, Words(&Redactor::default()), &())
        else {
            panic!("{record}");
        };
        assert_eq!(list.clients.len(), 1, "{record}");
        let unreadable = &list.unreadable[0];
        assert_eq!((list.unreadable.len(), unreadable.place), (1, 2), "{record}");
        assert_eq!((unreadable.org.is_some(), unreadable.name.as_deref()), (org, name), "{record}");
        assert!(unreadable.why.starts_with(why), "{record}: {unreadable}");
    }
}

#[test]
fn a_hundred_thousand_clients() {
    let mut bytes = [0; 16];
    let ids = (0..100_000_u32).map(|n| {
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        Ruuid::from_bytes(bytes)
    });
    let ids: Vec<Ruuid> = ids.collect();
    let items: Vec<_> =
        ids.iter().map(|id| format!(r#"{{"clientOrgUuid":"{id}","clientOrgName":"Org {id}"}}"#)).collect();
    let list: ClientList = good(&format!(r#"{{"clients":[{}]}}"#, items.join(",")));
    assert!(list.clients.iter().map(|client| client.org).eq(ids));
}

#[test]
fn the_tree_of_locations_is_flattened_in_order() {
    let id = |n: u8| Ruuid::from_bytes([n; 16]);
    let list: Vec<Location> = good(&format!(
        r#"{{"locations":[
            {{"uuid":"{}","name":"HQ","subLocations":[
                {{"uuid":"{}","name":"Floor","subLocations":[{{"uuid":"{}"}}]}},
                {{"uuid":"{}","subLocations":null}}]}},
            {{"uuid":"{}","subLocations":[]}}]}}"#,
        id(1),
        id(2),
        id(3),
        id(4),
        id(5)
    ));
    let seen: Vec<_> = list.iter().map(|location| (location.id, location.parent)).collect();
    assert_eq!(
        seen,
        [(id(1), None), (id(2), Some(id(1))), (id(3), Some(id(2))), (id(4), Some(id(1))), (id(5), None)]
    );
    assert_eq!(list[0].name.as_deref(), Some("HQ"));
    unreadable::<Vec<Location>>(r#"{"locations":null}"#);
}

#[test]
fn lists_of_cameras_and_tokens_are_read() {
    let cameras: Vec<Camera> = good(&format!(
        r#"{{"cameraStates":[{{"uuid":"{A}","name":"Door","mummified":true}},{{"uuid":"{B}","connectionStatus":"GREEN"}}]}}"#
    ));
    assert_eq!(cameras.iter().map(|camera| camera.is_mummified).collect::<Vec<_>>(), [true, false]);
    let tokens: Vec<ApiToken> =
        good(r#"{"apiTokens":[{"allowedRequetsPerSecond":10,"token":"hunter3"},{}]}"#);
    assert_eq!(tokens[0].allowed_requests_per_second, Some(10.0));
    assert_eq!(tokens[1].allowed_requests_per_second, None);
}
