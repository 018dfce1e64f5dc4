//! What the vendor does wrong, one fault at a time, on one org of several.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Desk, Ended, FAST, Row, of_one};
use crate::org::Org;
use crate::rollout::assert_proper;
use crate::vendor::{Fault, Vendor};

/// The place of the org with the fault; the canary and others are before it.
const FAULTY: usize = 3;
const ORGS: usize = 6;

/// A run in which one org met a fault, and all others are done as if nothing had happened.
struct Case {
    name: String,
    /// Where the run's files are.
    _desk: Desk,
    vendor: Vendor,
    ended: Ended,
    org: Org,
    row: Row,
}

/// Runs `saveClips = true` over several orgs, of which one meets these faults.
#[track_caller]
fn with(name: &str, rules: impl IntoIterator<Item = Fault>) -> Case {
    applying(name, "orgs.csv", rules)
}

/// The same, of a plan that another process has made: every org is read again before it is written.
#[track_caller]
fn with_plan(name: &str, rules: impl IntoIterator<Item = Fault>) -> Case {
    applying(name, "plan.jsonl", rules)
}

#[track_caller]
fn applying(name: &str, target: &str, rules: impl IntoIterator<Item = Fault>) -> Case {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..ORGS).map(Org::new).collect();
    let faulty = orgs[FAULTY].clone();
    desk.manifest("saveClips", orgs.iter().map(|org| (org, "true".to_owned())));
    let vendor = Vendor::start(Server::Replace, orgs.clone());
    for rule in rules {
        vendor.on(rule.of(&faulty.uuid));
    }
    let is_planned = target == "plan.jsonl";
    if is_planned {
        desk.run(&vendor, &format!("plan orgs.csv -o {target} {ALL} {FAST}")).expect(0);
    }
    let how = if is_planned { "--yes" } else { ALL };
    let ended = desk.run(&vendor, &format!("apply {target} {how} {FAST}"));

    // Where another writer was seen, what was written is read again at its wave's end.
    let least = if is_planned { 4 } else { 3 };
    let is_swept = matches!(ended.result(&faulty.uuid)["status"].as_str(), "conflict" | "diverged");
    for org in orgs.iter().filter(|org| org.uuid != faulty.uuid) {
        let row = ended.result(&org.uuid);
        let cells = ["status", "verified", "attempts"].map(|column| row[column].as_str());
        assert_eq!(cells, ["applied", "true", "1"], "{name}: an org without a fault; {}", ended.err);
        assert_eq!(vendor.settings(&org.uuid), org.clone().with("saveClips", "true").settings, "{name}");
        let requests = vendor.seen().iter().filter(|seen| seen.org() == Some(&org.uuid)).count();
        assert!(
            (least..=least + usize::from(is_swept)).contains(&requests),
            "{name}: {requests} requests to an org without a fault"
        );
    }
    assert_proper(&vendor.seen());
    let row = ended.result(&faulty.uuid);
    Case { name: name.to_owned(), _desk: desk, vendor, ended, org: faulty, row }
}

impl Case {
    /// The org's status, the exit code, and how often it was written to.
    #[track_caller]
    fn is(self, status: &str, code: i32, sends: usize) -> Self {
        assert_eq!(self.row["status"], status, "{}: {:?}", self.name, self.row);
        assert_eq!(self.ended.code, code, "{}: {}", self.name, self.ended.err);
        assert_eq!(self.vendor.writes_of(&self.org.uuid).len(), sends, "{}: writes", self.name);
        // What is reported is what the vendor holds.
        let is_wanted = self.vendor.settings(&self.org.uuid)["saveClips"] == "true";
        match status {
            "applied" | "applied_with_warnings" | "unchanged" => assert!(is_wanted, "{}", self.name),
            "failed" | "not_attempted" | "blocked" | "rejected" => assert!(!is_wanted, "{}", self.name),
            _ => {}
        }
        if self.row["verified"] == "true" {
            assert!(is_wanted, "{}", self.name);
        }
        let is_to_retry = ["failed", "unknown", "not_attempted", "conflict"].contains(&status);
        let retry = self.ended.rows("retry.csv");
        let retried: Vec<&String> = retry.iter().map(|row| &row["org_uuid"]).collect();
        let wanted: Vec<&String> = is_to_retry.then_some(&self.org.uuid).into_iter().collect();
        assert_eq!(retried, wanted, "{}: retry.csv", self.name);
        self
    }

    /// A cell of its result.
    #[track_caller]
    fn has(self, column: &str, value: &str) -> Self {
        assert_eq!(self.row[column], value, "{}: {column}", self.name);
        self
    }

    /// A cell of its result holds this.
    #[track_caller]
    fn mentions(self, column: &str, part: &str) -> Self {
        assert!(self.row[column].contains(part), "{}: no {part:?} in {:?}", self.name, self.row[column]);
        self
    }

    /// When the org was called.
    fn calls(&self) -> Vec<(Route, std::time::Instant)> {
        let seen = self.vendor.seen();
        seen.iter()
            .filter(|seen| seen.org() == Some(&self.org.uuid))
            .map(|seen| (seen.route.unwrap(), seen.at))
            .collect()
    }
}

/// Tries cases side by side: each waits more than it works.
fn side_by_side<C: Sync>(cases: &[C], try_one: impl Fn(&C) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    try_one(case);
                }
            });
        }
    });
}

fn write(answer: Fault) -> Fault {
    answer.on(Route::Write).times(1)
}

/// From the read-back on: what planning has read serves the write.
fn read_back(answer: Fault) -> Fault {
    answer.on(Route::Read).from(2)
}

#[test]
fn a_4xx_rejects_one_org_with_what_the_vendor_said() {
    side_by_side(&[400, 402, 404, 405, 409, 410, 413, 415, 422, 451], |&status| {
        let body = "{\"error\":\"Bad Request\",\"msg\":\"no\\u001b[31m such\\nthing\"}";
        with(&format!("{status}"), [write(Fault::status(status, &[], body))])
            .is("rejected", 3, 1)
            .has("http_status", &status.to_string())
            .has("error_code", "E-ORG-020")
            .mentions("error_message", "such")
            .has("verified", "false");
    });
}

#[test]
fn control_characters_of_the_vendor_reach_no_cell() {
    let body = "{\"error\":true,\"errorMsg\":\"a\\u001b]0;x\\u0007\\u202eb\\r\\nc\\u0000\"}";
    let case = with("control characters", [write(Fault::ok(body))]).is("rejected", 3, 1);
    let message = &case.row["error_message"];
    assert!(!message.chars().any(|c| c.is_control() || c == '\u{202e}'), "{message:?}");
    assert!(
        !case.ended.out.contains('\u{1b}') && !case.ended.out.contains('\u{202e}'),
        "{:?}",
        case.ended.out
    );
}

#[test]
fn a_401_or_403_of_one_org_is_that_orgs_alone() {
    for (status, body) in
        [(401, r#"{"authenticationFailed":true}"#), (403, r#"{"status":403,"msg":"Access Denied"}"#)]
    {
        for op in [Route::Read, Route::Write] {
            let rule = Fault::status(status, &[], body).on(op);
            let case = with(&format!("{status} on {op:?}"), [rule]);
            let sends = usize::from(op == Route::Write);
            let case = case.is("rejected", 3, sends);
            assert!(case.vendor.of(Route::Clients).len() >= 2, "the list was not asked");
        }
    }
}

#[test]
fn a_429_is_waited_out_and_spends_no_attempt() {
    let date = "Fri, 01 Jan 1999 00:00:00 GMT";
    let cases = [
        ("one second", &["1"][..], 1000),
        ("of several the largest", &["1", "2"], 2000),
        ("zero is a second", &["0"], 1000),
        ("a date in the past is a second", &[date], 1000),
    ];
    side_by_side(&cases, |&(name, wait, least)| {
        let case = with(name, [Fault::throttled(wait).on(Route::Write).times(2)])
            .is("applied", 0, 3)
            .has("attempts", "1");
        let calls = case.calls();
        let first = calls.iter().position(|(op, _)| *op == Route::Write).unwrap();
        // Nothing at all goes to the org before its time.
        for pair in [(first, first + 1), (first + 1, first + 2)] {
            let apart = calls[pair.1].1 - calls[pair.0].1;
            assert!(apart >= Duration::from_millis(least), "{name}: {apart:?}");
            assert!(apart <= Duration::from_millis(least + 4000), "{name}: {apart:?}");
        }
    });
}

#[test]
fn a_429_with_nonsense_for_a_wait_is_backed_off_from() {
    let cases = [
        ("none", &[][..]),
        ("abc", &["abc"]),
        ("-1", &["-1"]),
        ("1e20", &["1e20"]),
        ("1.5", &["1.5"]),
        ("", &[""]),
    ];
    side_by_side(&cases, |&(name, wait)| {
        with(name, [Fault::throttled(wait).on(Route::Write).times(2)])
            .is("applied", 0, 3)
            .has("attempts", "1");
    });
}

#[test]
fn a_429_of_a_read_is_waited_out() {
    let rule = Fault::throttled(&["1"]).on(Route::Read).times(1);
    with("planning", [rule.clone()]).is("applied", 0, 1);
    with_plan("before the write", [rule.clone().from(2)]).is("applied", 0, 1);
    with("reading back", [rule.from(2)]).is("applied", 0, 1).has("verified", "true");
}

#[test]
fn a_429_for_ever_parks_the_org_after_ten() {
    with("for ever", [Fault::throttled(&["1"]).on(Route::Write)])
        .is("not_attempted", 5, 10)
        .has("error_code", "E-ORG-061");
}

#[test]
fn a_wait_of_more_than_a_quarter_of_an_hour_parks_the_org() {
    with("901", [Fault::throttled(&["901"]).on(Route::Write)])
        .is("not_attempted", 5, 1)
        .has("error_code", "E-ORG-061");
    // An accepted write whose read-back has to wait as long isn't called applied.
    with("reading back", [read_back(Fault::throttled(&["901"]))])
        .is("unknown", 6, 1)
        .has("error_code", "E-ORG-051");
}

/// Everything that leaves open whether a write was applied.
fn doubts() -> Vec<(&'static str, Fault)> {
    let status = |code| Fault::status(code, &[], r#"{"error":"Oops"}"#);
    vec![
        ("408", status(408)),
        ("500", status(500)),
        ("502", status(502)),
        ("503", Fault::status(503, &[("Retry-After", "1")], "")),
        ("504", status(504)),
        ("599", status(599)),
        ("201", Fault::status(201, &[], "{}")),
        ("204", Fault::status(204, &[], "")),
        ("html", Fault::ok("<html><body>Welcome to the proxy</body></html>")),
        ("nothing", Fault::ok("")),
        ("null", Fault::ok("null")),
        ("list", Fault::ok("[]")),
        ("string", Fault::ok("\"error:false\"")),
        ("error is a string", Fault::ok(r#"{"error":"true"}"#)),
        ("truncated", Fault::act("truncate")),
        ("overlong", Fault::act("too-short")),
        ("garbage", Fault::act("garbage")),
        ("bomb", Fault::act("gzip-bomb")),
        ("drip", Fault::act("drip-body")),
        ("hang", Fault::act("hang")),
        ("reset", Fault::act("reset")),
        ("close", Fault::act("close")),
    ]
}

#[test]
fn in_doubt_write_that_was_applied_is_resolved_by_reading() {
    side_by_side(&doubts(), |(name, answer)| {
        with(name, [write(answer.clone().applied())]).is("applied", 0, 1).has("verified", "true");
    });
}

#[test]
fn in_doubt_write_that_was_not_applied_is_resent() {
    side_by_side(&doubts(), |(name, answer)| {
        let case = with(name, [write(answer.clone())])
            .is("applied", 0, 2)
            .has("verified", "true")
            .has("attempts", "2");
        // Two reads, a quiet period apart, stand between the two writes.
        let calls = case.calls();
        let ops: Vec<Route> = calls.iter().map(|(op, _)| *op).collect();
        assert_eq!(ops[1..5], [Route::Write, Route::Read, Route::Read, Route::Write], "{name}");
        assert!(
            calls[3].1 - calls[2].1 >= Duration::from_millis(195),
            "{name}: {:?}",
            calls[3].1 - calls[2].1
        );
    });
}

#[test]
fn three_sends_that_were_not_applied_are_the_end() {
    let oops = || Fault::status(500, &[], "oops");
    with("twice", [oops().on(Route::Write).times(2)]).is("applied", 0, 3).has("attempts", "3");
    with("always", [oops().on(Route::Write)]).is("failed", 5, 3).has("error_code", "E-ORG-031");
}

#[test]
fn a_200_that_says_no_is_no_success() {
    for (name, body, code) in [
        ("error", r#"{"error":true,"errorMsg":"no such door"}"#, "E-ORG-021"),
        ("auth", r#"{"authError":true,"errorMsg":"reconnect"}"#, "E-ORG-022"),
    ] {
        let said = if name == "error" { "no such door" } else { "reconnect" };
        let case = with(name, [write(Fault::ok(body))])
            .is("rejected", 3, 1)
            .has("error_code", code)
            .has("http_status", "200")
            .mentions("error_message", said);
        assert_eq!(case.calls().last().unwrap().0, Route::Read, "what is live is looked at");
    }
    // Even one that was applied all the same: what the vendor refused is not called done.
    let desk_case =
        with("applied all the same", [write(Fault::ok(r#"{"error":true,"errorMsg":"no"}"#).applied())]);
    assert_eq!((desk_case.row["status"].as_str(), desk_case.ended.code), ("rejected", 3));
}

#[test]
fn a_partial_success_is_a_warning_with_its_lists() {
    let body = r#"{"error":false,"warningMsg":"two doors","failedGuids":["g1","g2"],"misconfiguredDoors":["Front","Back"]}"#;
    with("warning", [write(Fault::ok(body).applied())])
        .is("applied_with_warnings", 0, 1)
        .has("failed_guids", "g1;g2")
        .has("misconfigured_doors", "Front;Back")
        .has("warning", "two doors")
        .has("verified", "true");
}

#[test]
fn an_accepted_write_is_never_sent_again_whatever_is_read() {
    let lost = with("accepted and forgotten", [write(Fault::ok(r#"{"error":false}"#))]);
    lost.is("diverged", 3, 1).has("error_code", "E-ORG-040").has("verified", "false");

    // A read-back that lags behind is read again.
    let old = format!(r#"{{"orgIntegrationV2":{}}}"#, Org::new(FAULTY).object());
    with("stale once", [read_back(Fault::ok(&old)).times(1)]).is("applied", 0, 1).has("verified", "true");
    // Doubt, and a read that lags behind.
    with(
        "doubt, and stale once",
        [write(Fault::status(504, &[], "").applied()), read_back(Fault::ok(&old)).times(1)],
    )
    .is("applied", 0, 1)
    .has("verified", "true");
}

#[test]
fn a_read_back_that_fails_leaves_the_outcome_unknown() {
    for (name, answer) in [
        ("500", Fault::status(500, &[], "")),
        ("hang", Fault::act("hang")),
        ("html", Fault::ok("<html>")),
        ("bomb", Fault::act("gzip-bomb")),
    ] {
        with(name, [read_back(answer)])
            .is("unknown", 6, 1)
            .has("verified", "false")
            .has("error_code", "E-ORG-050");
    }
    with("403", [read_back(Fault::status(403, &[], r#"{"msg":"Access Denied"}"#))]).is("unknown", 6, 1);
}

#[test]
fn an_org_unreadable_at_plan_time_keeps_no_other_waiting() {
    for (name, answer, status, code) in [
        ("500", Fault::status(500, &[], ""), "failed", 5),
        ("bomb", Fault::act("gzip-bomb"), "failed", 5),
        ("truncated", Fault::act("truncate"), "failed", 5),
        ("400", Fault::status(400, &[], r#"{"msg":"no"}"#), "rejected", 3),
    ] {
        let case = with(name, [answer.on(Route::Read)]).is(status, code, 0);
        let tries = if status == "failed" { 3 } else { 1 };
        assert_eq!(case.calls().len(), tries, "{name}");
    }
    // Two bad replies are within what a read may take.
    with("500 twice", [Fault::status(500, &[], "").on(Route::Read).times(2)]).is("applied", 0, 1);
}

#[test]
fn someone_else_between_plan_and_write_is_a_conflict() {
    let edited = Org::new(FAULTY).with("saveClips", "null").object();
    let rule = Fault::ok(&format!(r#"{{"orgIntegrationV2":{edited}}}"#)).on(Route::Read).from(2);
    with_plan("before the write", [rule]).is("conflict", 3, 0).has("error_code", "E-ORG-010");

    let rule = read_back(Fault::ok(&format!(r#"{{"orgIntegrationV2":{edited}}}"#)));
    with("after the write", [rule.clone()]).is("diverged", 3, 1);
    with("in doubt", [write(Fault::status(500, &[], "")), rule])
        .is("diverged", 3, 1)
        .has("error_code", "E-ORG-041");
    // Another writer that set the desired value is no conflict.
    let done = Org::new(FAULTY).with("saveClips", "true").object();
    let rule = Fault::ok(&format!(r#"{{"orgIntegrationV2":{done}}}"#)).on(Route::Read).from(2);
    let case = with_plan("done already", [rule]);
    assert_eq!((case.row["status"].as_str(), case.ended.code), ("unchanged", 0));
}

#[test]
fn another_org_that_comes_back_is_never_written_over() {
    let other = format!(r#"{{"orgIntegrationV2":{}}}"#, Org::new(1).object());
    let rule = |nth| [Fault::ok(&other).on(Route::Read).from(nth)];
    with("planning", rule(1)).is("blocked", 3, 0).has("error_code", "E-ORG-006");
    with_plan("before the write", rule(2)).is("blocked", 3, 0).has("error_code", "E-ORG-006");
}

#[test]
fn null_for_absent_and_reordered_maps_are_no_difference() {
    let org = Org::new(0).without("createSeekPoints").with("indexFaces", "null");
    let (desk, vendor) = of_one(Server::Merge, &org, "createSeekPoints,indexFaces", "<null>,<null>");
    let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}")).expect(0);
    assert_eq!(ended.statuses(), ["unchanged"]);
    assert_eq!(vendor.of(Route::Write).len(), 0);
}
