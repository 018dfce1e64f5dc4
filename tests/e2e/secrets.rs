//! That no secret is found in any file or stream, in whatever form.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Desk, Ended, FAST};
use crate::org::{Org, quoted};
use crate::vendor::{Fault, KEY, Vendor};

const SENT: &str = "sent-SECRET-\"q7\"\\Zk/ü-apiToken";
const REFRESH: &str = "sent-SECRET-refresh-9fX2";
const LIVE: &str = "live-SECRET-\"v3\"\\Wm-apiToken";
const LIVE_REFRESH: &str = "live-SECRET-refresh-4hT8";

/// Every form in which a secret would still be one.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let json = quoted(secret);
    let inner = json[1..json.len() - 1].to_owned();
    let mut forms =
        vec![secret.to_owned(), inner.clone(), secret.replace('"', "\"\""), inner.replace('\\', "\\\\")];
    forms.push(secret.replace('&', "&amp;").replace('"', "&quot;"));
    forms.push(secret.replace('"', "&#34;"));
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        forms.push(engine.encode(secret));
    }
    forms.into_iter().map(String::into_bytes).collect()
}

/// Searches what a command printed, and every file of the desk but those that hold the secrets themselves.
#[track_caller]
fn assert_nowhere(desk: &Desk, ended: &Ended) {
    let printed = [ended.out.clone(), ended.err.clone()];
    assert_none(desk, printed, [KEY, SENT, REFRESH, LIVE, LIVE_REFRESH]);
}

/// Searches these texts, and every file of the desk but those that hold the secrets themselves.
#[track_caller]
pub(crate) fn assert_none<'a>(
    desk: &Desk,
    texts: impl IntoIterator<Item = String>,
    secrets: impl IntoIterator<Item = &'a str>,
) {
    let texts = texts.into_iter().enumerate();
    let mut places: Vec<_> =
        texts.map(|(place, text)| (format!("text {place}"), text.into_bytes())).collect();
    for path in desk.files() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name != "key" && name != "secrets.toml" {
            places.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    assert!(places.len() > 2, "there is nothing to search");
    for secret in secrets {
        for form in forms(secret) {
            for (place, bytes) in &places {
                let found = memchr::memmem::find(bytes, &form);
                let around = found.map(|at| &bytes[at.saturating_sub(200)..bytes.len().min(at + 200)]);
                assert!(
                    around.is_none(),
                    "{secret:?} as {:?} in {place}:\n{}",
                    String::from_utf8_lossy(&form),
                    String::from_utf8_lossy(around.unwrap_or_default())
                );
            }
        }
    }
}

fn ready() -> (Desk, Vendor, Vec<Org>) {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..8)
        .map(|n| Org::new(n).with("apiToken", &quoted(LIVE)).with("refreshToken", &quoted(LIVE_REFRESH)))
        .collect();
    let cells = "true,<secret:ENVOY_TOKEN>,<secret:ENVOY_REFRESH>";
    desk.manifest("saveClips,apiToken,refreshToken", orgs.iter().map(|org| (org, cells.to_owned())));
    let line = |name: &str, value: &str| format!("{name} = {}\n", quoted(value));
    desk.write_private("secrets.toml", &(line("ENVOY_TOKEN", SENT) + &line("ENVOY_REFRESH", REFRESH)));
    let vendor = Vendor::start(Server::Replace, orgs.clone());
    (desk, vendor, orgs)
}

#[test]
fn a_run_that_sends_and_reads_secrets_writes_none_down() {
    let (desk, vendor, orgs) = ready();
    let everything = format!("you sent {KEY}, {SENT}, {REFRESH} over {LIVE} and {LIVE_REFRESH}");
    let message = quoted(&everything);
    // A vendor that says it all again, in every way that it can fail.
    for (org, answer) in orgs[1..].iter().zip([
        Fault::status(400, &[], &format!(r#"{{"error":"Bad","msg":{message}}}"#)),
        Fault::ok(&format!(r#"{{"error":true,"errorMsg":{message}}}"#)),
        Fault::ok(&format!(r#"{{"error":false,"warningMsg":{message},"failedGuids":[{message}]}}"#))
            .applied(),
        Fault::status(500, &[], &everything),
        Fault::ok(&everything),
        Fault::status(422, &[], &format!("<p>{everything}</p>")),
    ]) {
        vendor.on(answer.on(Route::Write).of(&org.uuid));
    }
    let stale = Fault::status(500, &[("x-echo", KEY)], &everything).on(Route::Read).of(&orgs[7].uuid);
    vendor.on(stale.from(2));
    let flags = format!("--secrets secrets.toml {ALL} {FAST}");
    let ended = desk.run(&vendor, &format!("apply orgs.csv --json {flags}")).expect(6);
    let statuses = ended.statuses();
    assert_eq!(statuses[0], "applied");
    assert_eq!(vendor.settings(&orgs[0].uuid)["apiToken"], quoted(SENT), "the secret itself was sent");
    assert!(statuses[1..].iter().all(|status| status != "applied"), "{statuses:?}");
    assert_nowhere(&desk, &ended);
}

#[test]
fn a_plan_and_a_run_of_people_write_none_down() {
    let (desk, vendor, _) = ready();
    let planned = desk.run(&vendor, &format!("plan orgs.csv --secrets secrets.toml {FAST}")).expect(0);
    assert_nowhere(&desk, &planned);
    let line = format!("apply {} --secrets secrets.toml --yes {FAST}", planned.plan_file());
    let applied = desk.run(&vendor, &line).expect(0);
    assert_nowhere(&desk, &applied);
    let again = desk.run(&vendor, &format!("apply orgs.csv --secrets secrets.toml {ALL} {FAST}")).expect(0);
    assert_nowhere(&desk, &again);
}

#[test]
fn a_list_that_echoes_the_key_is_not_repeated() {
    let (desk, vendor, _) = ready();
    let echo = quoted(&format!("bad key {KEY}"));
    for answer in [
        Fault::status(403, &[], &format!(r#"{{"status":403,"error":"Forbidden","msg":{echo}}}"#)),
        Fault::ok(&format!(r#"{{"error":true,"errorMsg":{echo}}}"#)),
        Fault::ok(&format!("<html>{KEY}</html>")),
        Fault::status(307, &[("Location", &format!("http://127.0.0.1:9/{KEY}?k={KEY}"))], ""),
    ] {
        vendor.behave();
        vendor.on(answer.on(Route::Clients));
        for command in ["orgs", "plan orgs.csv --secrets secrets.toml", "check orgs.csv --online"] {
            let ended = desk.run(&vendor, &format!("{command} --attempts 1"));
            assert!([69, 77].contains(&ended.code), "{command}: {} {}", ended.code, ended.err);
            assert_nowhere(&desk, &ended);
        }
    }
}

#[test]
fn a_raw_secret_in_a_manifest_is_refused_without_being_quoted() {
    let desk = Desk::new();
    let org = Org::new(0);
    desk.manifest("apiToken,apiToken2", [(&org, format!("{REFRESH},"))]);
    desk.manifest("apiToken", [(&org, REFRESH.to_owned())]);
    for line in ["check orgs.csv", "check orgs.csv --json", "plan orgs.csv --token-file key"] {
        let ended = desk.run_bare(line).expect(65);
        assert!(!ended.out.contains(REFRESH) && !ended.err.contains(REFRESH), "{line}");
    }
}
