use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use orgwave_core::policy::Span;

use super::values::{Many, Probability, Size, Status, Typed};
use super::*;
use crate::pattern::Pattern;
use crate::route::Route;

fn parse(line: &str) -> Fault {
    line.parse().unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn a_fault_line_may_have_every_part() {
    let fault = parse(
        r"429 retry-after=3 retry-after='Wed, 21 Oct 2026 07:28:00 GMT' header='X-A: b c' body=no delay=2s
          on write of 'Acme *' share=0.5 times 2",
    );
    let text = |value: &'static str| HeaderValue::from_static(value);
    assert_eq!((fault.act, fault.code), (Act::Status, Some(Typed(Status(429)))));
    assert_eq!(fault.body.as_deref(), Some("no"));
    assert_eq!(fault.retry_after, Some(Many(vec![text("3"), text("Wed, 21 Oct 2026 07:28:00 GMT")])));
    assert_eq!(fault.header, Some(Many(vec![Header(HeaderName::from_static("x-a"), text("b c"))])));
    assert_eq!(fault.delay, Some(Typed(Span::new(Duration::from_secs(2)))));
    assert_eq!(fault.applied(), Applied::Never);
    assert_eq!(fault.on, Some(Typed(Route::Write)));
    assert_eq!(fault.of, Some(Pattern::from("Acme *".to_owned())));
    assert_eq!(fault.share, Some(Typed(Probability(0.5))));
    assert_eq!(fault.times.map(|times| times.0.get()), Some(2));
}

#[test]
fn a_table_says_what_a_line_says() {
    for (table, line) in [
        (
            r#"{"act":429,"retry-after":[3,"abc"],"on":"write","of":"Acme*","times":2}"#,
            "429 retry-after=3 retry-after=abc on write of Acme* times 2",
        ),
        (r#"{"stale":"10s","unapplied":true,"on":"write","nth":1}"#, "stale=10s unapplied on write nth 1"),
        (
            r#"{"act":"html","applied":"2s","share":0.5,"from-request":4}"#,
            "html applied=2s share=0.5 from-request 4",
        ),
        (r#"{"edit":{"saveClips":null},"hold":true,"on":"any"}"#, r#"edit='{"saveClips":null}' hold on any"#),
        (r#"{"act":"huge","size":"1K","from":2,"times":1}"#, "huge size=1K nth 2"),
    ] {
        let (of_table, of_line) = (parse(table), parse(line));
        assert_eq!(*of_table, *of_line, "{line}");
        let of_json: Fault = serde_json::from_str(table).unwrap();
        assert_eq!(parse(&of_json.to_string()), of_json);
    }
}

#[test]
fn what_is_applied_unless_said() {
    for (line, applied) in [
        ("500 on write", Applied::Never),
        ("500 applied on write", Applied::Now),
        ("reset applied=2s on write", Applied::After(Span::new(Duration::from_secs(2)))),
        ("stale=10s on write", Applied::Now),
        ("warning msg=w", Applied::Now),
        ("ok unapplied on write", Applied::Never),
        ("hang", Applied::Never),
    ] {
        assert_eq!(parse(line).applied(), applied, "{line}");
    }
}

#[test]
fn acts_bring_their_operation() {
    assert_eq!(parse("masked").on, Some(Typed(Route::Read)));
    assert_eq!(parse("unknown-shape").on, Some(Typed(Route::Clients)));
    let error = "masked on write".parse::<Fault>().unwrap_err().to_string();
    assert_eq!(error, "this happens only on read");
}

#[test]
fn sizes_of_bodies_are_parsed_or_refused() {
    assert_eq!(parse("huge").size, None);
    assert_eq!(parse("huge size=10K").size, Some(Typed(Size(10 << 10))));
    assert_eq!(parse("gzip-bomb size=64M").size, Some(Typed(Size(64 << 20))));
}

#[test]
fn errors_say_what_is_wrong() {
    for (line, message) in [
        ("", "unknown fault \"\": expected a status, or a word such as `ok`, `reset`, `hang`, `truncate`"),
        (
            "rest",
            "unknown fault \"rest\": expected a status, or a word such as `ok`, `reset`, `hang`, `truncate`; did you mean `reset`?",
        ),
        ("199", "\"199\" is not a valid status from 200 to 599, which `act` needs"),
        ("500 aplied", "\"aplied\" is not allowed here; did you mean `applied`?"),
        ("reset msg=x", "\"msg\" is not allowed here"),
        ("500 on", "`on` needs a value"),
        ("500 on wirte", "\"wirte\" is not a valid operation, which `on` needs"),
        ("500 times 0", "\"0\" is not a valid whole number from 1, which `times` needs"),
        ("500 p=2", "\"2\" is not a valid number from 0 to 1, which `p` needs"),
        ("ok delay=5", "\"5\" is not a valid duration such as 500ms, 3s or 2m, which `delay` needs"),
        ("hang quiet=5", "\"quiet\" is not allowed here"),
        ("ok edit=[]", "\"[]\" is not a valid JSON object, which `edit` needs"),
        ("500 header=x", "\"x\" is not a valid header line, `Name: value`, which `header` needs"),
        ("500 body='x", "an unclosed quote"),
        ("other-org org=x", "\"x\" is not a valid RUUID, which `org` needs"),
        ("huge size=1T", "\"1T\" is not a valid size such as 500, 10K, 64M or 1G, which `size` needs"),
    ] {
        assert_eq!(line.parse::<Fault>().unwrap_err().to_string(), message, "{line:?}");
    }
}

#[test]
fn a_fault_shows_its_line_and_reads_it_again() {
    let fault = parse("429 retry-after=3 on write times 2");
    assert_eq!(fault.to_string(), "429 retry-after=3 on write times 2");
    assert_eq!(parse(&fault.to_string()), fault);
}
