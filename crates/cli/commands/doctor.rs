//! `orgwave doctor`: what is in force, what is wrong, and how to fix it. It sends reads only, four at most.
//!
//! A line per check: `ok`, `warn` or `bad`, what was found, and behind an arrow what to do about it. It continues
//! after a check that failed, as far as the others don't depend on it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use orgwave_core::code::Code;
use orgwave_core::compare::{Ownership, check_owner};
use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::{Catalog, Operation};
use orgwave_core::org::Unread;
use orgwave_core::reply::{ClientList, Listed, Live, UnreadableClient};
use orgwave_core::run::{Exit, StopReason};
use orgwave_core::secret::is_masked;
use orgwave_core::settings::RawObject;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::limits::Limits;
use orgwave_executor::ports::ReadApi as _;
use orgwave_executor::survey::{client_list, read_one};
use orgwave_planner::clients::closed;
use orgwave_reporter::terminal::{clean, several};

use crate::args::{self, DoctorArgs, KeyArgs, RolloutLimits};
use crate::clock;
use crate::connect::{Identity, ReadPort, Session};
use crate::console;
use crate::failure::Failure;
use crate::locks::{Locks, Scope};
use crate::memory::Memory;

/// 2026-01-01: nothing of this was written before.
const EARLIEST: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Checks everything, and ends with the exit code of the worst.
pub async fn run(catalog: &Catalog, args: DoctorArgs) -> Result<Exit, Failure> {
    let limits = args::pace(&args.pace, &RolloutLimits::default());
    let mut chart = Chart::default();
    check_clock(&mut chart, clock::now());
    match Identity::of(&args.key, None) {
        Err(failure) => chart.bad("key", &failure, "see `orgwave doctor --help` for the ways to give a key"),
        Ok(identity) => check_api(catalog, &mut chart, &args.key, identity, limits).await?,
    }
    chart.ok("limits", &in_words(&limits));
    match Memory::place(args.key.state_dir.as_deref()) {
        Ok(folder) => check_folder(&mut chart, "state", &folder, true),
        Err(failure) => {
            chart.bad(
                "state",
                &failure,
                "set XDG_STATE_HOME (for systemd: StateDirectory=orgwave with Environment=XDG_STATE_HOME=%S)",
            );
        }
    }
    if let Ok(memory) = Memory::place(args.key.state_dir.as_deref()) {
        check_locks(&mut chart, &Locks::find(&memory));
    }
    check_folder(&mut chart, "reports", &args.reports, false);
    Ok(chart.exit())
}

/// What was found so far.
#[derive(Default)]
struct Chart {
    found: Vec<Exit>,
}

#[derive(Clone, Copy)]
enum Mark {
    Ok,
    Warn,
    Bad(Exit),
}

impl Chart {
    fn line(&mut self, mark: Mark, check: &str, what: &str, fix: &str) {
        let word = match mark {
            Mark::Ok => "ok",
            Mark::Warn => "warn",
            Mark::Bad(exit) => {
                self.found.push(exit);
                "bad"
            }
        };
        let arrow = if fix.is_empty() { "" } else { "  -> " };
        console::out(&format!("{word:<5} {check:<9} {what}{arrow}{fix}\n"));
    }

    fn ok(&mut self, check: &str, what: &str) {
        self.line(Mark::Ok, check, what, "");
    }

    fn warn(&mut self, check: &str, what: &str, fix: &str) {
        self.line(Mark::Warn, check, what, fix);
    }

    fn bad(&mut self, check: &str, failure: &Failure, fix: &str) {
        let fix = failure.hint.as_deref().unwrap_or(fix).to_owned();
        self.line(Mark::Bad(failure.exit), check, &failure.to_string(), &fix);
    }

    /// The first of the exit codes' table that fits.
    fn exit(&self) -> Exit {
        let order = [Exit::BadConfig, Exit::CannotWrite, Exit::KeyRefused, Exit::Unreachable];
        let first = order.into_iter().find(|exit| self.found.contains(exit));
        first.or(self.found.first().copied()).unwrap_or(Exit::Done)
    }
}

fn check_clock(chart: &mut Chart, now: Timestamp) {
    if now < EARLIEST {
        let what = format!("this machine's clock says {now}");
        chart.line(
            Mark::Bad(Exit::BadConfig),
            "clock",
            &what,
            "set the clock: plans expire by it (timedatectl set-ntp true)",
        );
    } else {
        chart.ok("clock", &now.to_string());
    }
}

async fn check_api(
    catalog: &Catalog,
    chart: &mut Chart,
    args: &KeyArgs,
    identity: Identity,
    limits: Limits,
) -> Result<(), Failure> {
    let fingerprint = identity.key_fingerprint();
    let digits = fingerprint.as_str().get(..12).unwrap_or_default();
    chart.ok("key", &format!("from {}, fingerprint {digits}", identity.key_source()));
    let region = match (&args.endpoint, args.region) {
        (Some(_), _) => String::new(),
        (None, Some(_)) => ", set by --region".to_owned(),
        (None, None) => ", the default without --region".to_owned(),
    };
    chart.ok("endpoint", &format!("{}{region}", identity.endpoint()));
    for (check, what) in identity.network().lines() {
        chart.ok(check, &what);
    }
    let opened = Session::open(catalog, identity, args, limits, &BTreeMap::new(), None, None);
    let (mut session, api) = match opened.and_then(|session| session.reader().map(|api| (session, api))) {
        Ok(opened) => opened,
        Err(failure) => {
            chart.bad("api", &failure, "");
            return Ok(());
        }
    };
    let ClientList { clients, unreadable } =
        match client_list(&api, &mut session.gate, &mut session.control).await {
            Ok(list) => list,
            Err(reason @ (StopReason::Interrupted | StopReason::Terminated | StopReason::HungUp)) => {
                return Err(reason.into());
            }
            Err(reason) => {
                chart.bad(
                    "api",
                    &Failure::from(reason),
                    "check the network and the endpoint (--region, --endpoint)",
                );
                return Ok(());
            }
        };
    chart.ok(
        "api",
        &format!(
            "answers; the key is valid for {}",
            several(clients.len() as u64, "client org", "client orgs")
        ),
    );
    check_clients(chart, &clients, &unreadable);
    check_rate(chart, &api, &mut session).await?;
    if let Some(org) = clients
        .iter()
        .filter(|listed| closed(listed).is_none())
        .min_by(|left, right| left.name.cmp(&right.name))
    {
        return check_org(chart, &api, &mut session, org).await;
    }
    if !clients.is_empty() {
        return Ok(());
    }
    chart.warn("probe", "no client org to check", "check that this is a partner's key");
    Ok(())
}

/// The orgs that a plan blocks by what the list says of them, or doesn't say.
fn check_clients(chart: &mut Chart, clients: &[Listed], unreadable: &[UnreadableClient]) {
    let blocked = |code| clients.iter().filter_map(closed).filter(|(found, _)| *found == code).count();
    let (shut, deactivated) = (blocked(Code::OrgNoAccess), blocked(Code::OrgDeactivated));
    if shut + deactivated > 0 {
        chart.warn(
            "clients",
            &format!("{shut} without partner access, {deactivated} deactivated: a plan blocks them"),
            "`orgwave orgs` names them; the client can allow access in the vendor's console",
        );
    }
    if let Some(first) = unreadable.first() {
        chart.warn(
            "clients",
            &format!("{} in the list can't be read: {}", unreadable.len(), clean(&first.to_string())),
            "a plan blocks orgs that are missing for this reason; ask the vendor to correct the record",
        );
    }
}

/// What the vendor says of the rate, which it may well not.
async fn check_rate(chart: &mut Chart, api: &ReadPort, session: &mut Session) -> Result<(), Failure> {
    let call = || {
        let api = api.clone();
        async move { api.client().api_tokens().await }
    };
    let read = read_one(&mut session.gate, &mut session.control, call).await;
    match read.map_err(Failure::from)? {
        Ok(tokens) => {
            let rates: Vec<String> = tokens
                .iter()
                .filter_map(|token| token.allowed_requests_per_second)
                .map(|rate| format!("{rate}/s"))
                .collect();
            if rates.is_empty() {
                chart.ok("rate", "not published by the vendor; --rate auto measures it");
            } else {
                chart.ok("rate", &format!("the vendor allows {} (by token)", rates.join(", ")));
            }
        }
        _ => chart.ok("rate", "not available to this key; --rate auto measures it"),
    }
    Ok(())
}

/// One org's settings, as a rollout would read them.
async fn check_org(
    chart: &mut Chart,
    api: &ReadPort,
    session: &mut Session,
    listed: &Listed,
) -> Result<(), Failure> {
    let who = format!("{} {}", listed.org, clean(listed.name.as_deref().unwrap_or("")));
    let call = || {
        let (api, org, operation) = (api.clone(), listed.org, Arc::clone(session.catalog.default_one()));
        async move { api.settings(&operation, org).await }
    };
    let read = read_one(&mut session.gate, &mut session.control, call).await;
    match read.map_err(Failure::from)? {
        Ok(Live::Connected(settings, _)) => {
            check_settings(chart, session.catalog.default_one(), &who, listed, &settings);
        }
        Ok(Live::NotConnected(_)) => chart.warn(
            "probe",
            &format!(
                "{who}: never connected {}, so a rollout blocks it",
                session.catalog.default_one().title
            ),
            "connect it in the vendor's console, once per org",
        ),
        Err(Unread::Refused(refusal)) => chart.warn(
            "probe",
            &format!("{who}: HTTP {} {}", refusal.http_status, refusal.message),
            "check the partner's access to this org: such orgs end as rejected",
        ),
        Err(Unread::Throttled(throttle)) => {
            let what = format!("{who}: HTTP {}", throttle.http_status);
            chart.warn("probe", &what, "use a lower --rate, or try later");
        }
        Err(Unread::Panicked(why)) => chart.warn("probe", &format!("{who}: {why}"), "please report this"),
        Err(Unread::NotReached) => return Err(StopReason::Interrupted.into()),
        Err(Unread::Failed(unclear)) => {
            chart.warn("probe", &format!("{who}: {}", unclear.message), "try again later");
        }
    }
    Ok(())
}

fn check_settings(
    chart: &mut Chart,
    operation: &Operation,
    who: &str,
    listed: &Listed,
    settings: &RawObject,
) {
    match check_owner(operation, &listed.org, settings) {
        Err(org_error) => chart.line(
            Mark::Bad(Exit::Unreachable),
            "probe",
            &format!("{who}: {}", org_error.message),
            "check whether a proxy drops the header x-auth-org",
        ),
        Ok(Ownership::Unproven) => chart.warn(
            "probe",
            &format!("{who}: its settings don't name their org"),
            "a plan has a guard for it: check it, then use --ack with the code",
        ),
        Ok(Ownership::Proven) => {
            chart.ok(
                "probe",
                &format!(
                    "{who}: {}, and they name this org",
                    several(settings.len() as u64, "setting", "settings")
                ),
            );
        }
    }
    let secrets = operation.fields.secrets().map(|field| &*field.name);
    let masked: Vec<&str> =
        secrets.filter(|name| settings.get(name).is_some_and(|raw| is_masked(raw.get()))).collect();
    if !masked.is_empty() {
        chart.warn(
            "secrets",
            &format!("{} are returned masked, so a merge write would destroy them", masked.join(", ")),
            "set them as <secret:NAME>, or use --write patch",
        );
    }
    if settings.get("tokenValid").is_some_and(|raw| raw.get() == "false") {
        chart.warn("probe", &format!("{who}: tokenValid is false"), "reconnect it in the vendor's console");
    }
}

/// Where runs are kept from overlapping, and whose.
fn check_locks(chart: &mut Chart, locks: &Locks) {
    let apart = match locks.scope() {
        Scope::Machine => "locks for all users of this machine who can write there",
        Scope::User => "locks for this user on this machine",
    };
    let what = format!("{} {apart}; not for other machines", locks.folder().shown());
    match locks.unusable() {
        Some(why) => chart.warn(
            "locks",
            &format!("{what}, not for other users ({why})"),
            "make it writable for everyone who runs orgwave: chmod 1777 /var/lib/orgwave",
        ),
        None => chart.ok("locks", &what),
    }
}

fn in_words(limits: &Limits) -> String {
    format!(
        "rate {}, {} per org, {} at once, {:?} a call, {}, quiet period {:?}",
        limits.rate,
        limits.org_rate,
        limits.concurrency,
        limits.timeout,
        several(limits.retry.attempts.into(), "attempt", "attempts"),
        limits.retry.quiet_period,
    )
}

/// Whether files can be made in a folder, or the folder itself in what is there of its parents.
fn check_folder(chart: &mut Chart, check: &str, folder: &Path, private: bool) {
    let there = folder.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists());
    let there = there.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let probed = tempfile::tempfile_in(there).and_then(|_| {
        let mode = there.metadata()?.permissions().mode();
        if private && there == folder && mode & 0o077 != 0 {
            return Err(io::Error::other(format!("others can access it (mode {:03o})", mode & 0o777)));
        }
        Ok(())
    });
    match probed {
        Ok(()) if there == folder => chart.ok(check, &folder.shown()),
        Ok(()) => chart.ok(check, &format!("{}, which will be created", folder.shown())),
        Err(error) => {
            let shut = private && there == folder && error.kind() == io::ErrorKind::Other;
            let fix = if shut {
                format!(
                    "restrict it (chmod 700 {there}); if it isn't yours, use a folder in it: --state-dir {there}/orgwave",
                    there = there.shown()
                )
            } else if private {
                "set XDG_STATE_HOME or --state-dir to a writable folder (for systemd: StateDirectory=orgwave \
                 with Environment=XDG_STATE_HOME=%S)"
                    .to_owned()
            } else {
                "use a writable folder: --reports DIR".to_owned()
            };
            let said = format!("{} can't be written, in {}: {error}", folder.shown(), there.shown());
            let said = if shut { format!("{}: {error}", folder.shown()) } else { said };
            chart.line(Mark::Bad(Exit::CannotWrite), check, &said, &fix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_in_the_order_of_the_exit_codes() {
        let mut chart = Chart::default();
        assert_eq!(chart.exit(), Exit::Done);
        chart.found = vec![Exit::Unreachable, Exit::KeyRefused];
        assert_eq!(chart.exit(), Exit::KeyRefused);
        chart.found.push(Exit::BadConfig);
        assert_eq!(chart.exit(), Exit::BadConfig);
    }

    #[test]
    fn a_clock_of_another_age_is_bad() {
        let mut chart = Chart::default();
        check_clock(&mut chart, Timestamp::from_millis(0));
        assert_eq!(chart.exit(), Exit::BadConfig);
    }
}
