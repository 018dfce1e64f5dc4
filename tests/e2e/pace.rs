//! How fast, as the vendor counts it.

use std::time::{Duration, Instant};

use orgwave_sandbox::{Route, Server};

use crate::desk::{Desk, FAST, saving_clips};
use crate::org::Org;
use crate::vendor::Fault;

/// The most arrivals in any half-open stretch of this length.
fn most_within(arrivals: &[Instant], stretch: Duration) -> usize {
    let mut most = 0;
    let mut first = 0;
    for (last, at) in arrivals.iter().enumerate() {
        while *at - arrivals[first] >= stretch {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// Measures how late this machine runs what is due: by so much an arrival may be noted later than it came.
struct Lateness {
    task: tokio::task::JoinHandle<()>,
    worst: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Lateness {
    fn measure(runtime: &tokio::runtime::Runtime) -> Self {
        let worst = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let noted = worst.clone();
        let task = runtime.spawn(async move {
            loop {
                let due = tokio::time::Instant::now() + Duration::from_millis(2);
                tokio::time::sleep_until(due).await;
                let late = u64::try_from(due.elapsed().as_micros()).unwrap();
                noted.fetch_max(late, std::sync::atomic::Ordering::Relaxed);
            }
        });
        Self { task, worst }
    }

    fn end(self) -> Duration {
        self.task.abort();
        Duration::from_micros(self.worst.load(std::sync::atomic::Ordering::Relaxed))
    }
}

#[test]
fn every_second_holds_at_most_the_rate_and_hardly_less() {
    // A run of 300 orgs takes 24 s: for those who have the time.
    let count =
        std::env::var_os("ORGWAVE_E2E_ORGS").map_or(60, |count| count.to_str().unwrap().parse().unwrap());
    let (desk, vendor, orgs) = saving_clips(Server::Merge, count);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let lateness = Lateness::measure(&runtime);
    let line =
        format!("apply orgs.csv --yes --waves 1,rest {}", FAST.replace("--rate unlimited", "--rate 50/s"));
    desk.run(&vendor, &line).expect(0);
    let late = lateness.end();

    let arrivals: Vec<Instant> = vendor.seen().iter().map(|seen| seen.at).collect();
    assert_eq!(arrivals.len(), 1 + 3 * orgs.len());
    let stretch = Duration::from_secs(1).saturating_sub(late);
    let most = most_within(&arrivals, stretch);
    assert!(most <= 50, "{most} calls within {stretch:?}");
    let took = *arrivals.last().unwrap() - arrivals[0];
    let allowed = Duration::from_secs_f64(f64::from(u32::try_from(arrivals.len()).unwrap()) / 50.0);
    assert!(took <= allowed.mul_f64(1.15) + late, "{took:?} for what takes {allowed:?} at the allowed rate");
}

#[test]
fn no_org_is_called_more_often_than_its_own_rate() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 8);
    // Two calls a second and org: three calls take more than one.
    let line = format!(
        "apply orgs.csv --yes --waves rest {}",
        FAST.replace("--org-rate unlimited", "--org-rate 2/s")
    );
    desk.run(&vendor, &line).expect(0);
    for org in &orgs {
        let seen = vendor.seen();
        let calls: Vec<Instant> =
            seen.iter().filter(|seen| seen.org() == Some(&org.uuid)).map(|seen| seen.at).collect();
        assert_eq!(calls.len(), 3);
        assert!(most_within(&calls, Duration::from_millis(900)) <= 2, "{:?}", org.uuid);
    }
}

#[test]
fn calls_under_way_are_no_more_than_allowed_and_no_org_has_two() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 30);
    // With every write held back, as many calls arrive as may be in progress, and no more.
    vendor.on(Fault::held().on(Route::Write));
    let line = format!("apply orgs.csv --yes --waves rest --concurrency 7 {}", FAST.replace("2s", "20s"));
    let run = desk.start(&vendor, &line);
    vendor.until_seen(7, Route::Write);
    vendor.behave();
    run.wait().expect(0);
    assert_eq!(vendor.most_under_way(), 7);
}

#[test]
fn an_empty_bucket_is_given_time_and_all_gets_done() {
    let (desk, vendor, orgs) = saving_clips(Server::Merge, 20);
    // Several orgs at once: that is the bucket which all calls share.
    for org in &orgs[3..7] {
        vendor.on(Fault::throttled(&["1"]).on(Route::Write).of(&org.uuid).times(1));
    }
    let line =
        format!("apply orgs.csv --yes --waves rest {}", FAST.replace("--rate unlimited", "--rate 50/s"));
    let ended = desk.run(&vendor, &line).expect(0);
    assert_eq!(ended.statuses(), vec!["applied"; 20]);
    assert!(ended.results().iter().all(|row| row["attempts"] == "1"));
    assert_eq!(vendor.of(Route::Write).len(), 24);
}

#[test]
fn an_unknown_limit_is_found_with_hardly_a_refused_call() {
    const LIMIT: f64 = 50.0;
    // With 400 orgs and three calls each, the bucket is empty after some seconds, and there are ten more to judge by.
    let count =
        std::env::var_os("ORGWAVE_E2E_ORGS").map_or(400, |count| count.to_str().unwrap().parse().unwrap());
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..count).map(Org::new).collect();
    desk.manifest("saveClips", orgs.iter().map(|org| (org, "true".to_owned())));
    desk.write(
        "rollout.toml",
        format!(
            "[rollout]\norgs = \"orgs.csv\"\n[sandbox]\nlatency = \"10ms..40ms\"\nspend = \"partner\"\n\
             settings = {{ saveClips = false }}\npartner_bucket = {{ rate = {LIMIT} }}\n"
        ),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let lateness = Lateness::measure(&runtime);
    let line = "apply rollout.toml --sandbox --yes --waves rest --rate auto --concurrency 64 --no-progress";
    let ended = desk.run_bare(line).expect(0);
    let late = lateness.end();
    assert!(ended.statuses().iter().all(|status| status == "applied"));

    // When each call came in, in seconds, and whether it was refused: by the ledger of who refused it.
    let ledger = std::fs::read_to_string(ended.file("sandbox-ledger.jsonl")).unwrap();
    let calls: Vec<(f64, bool)> = ledger
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|entry| entry["request"].as_u64() > Some(0))
        .map(|entry| (entry["at_us"].as_f64().unwrap() / 1e6, entry["status"].as_u64() == Some(429)))
        .collect();
    let refused: Vec<f64> = calls.iter().filter(|(_, refused)| *refused).map(|(at, _)| *at).collect();
    let empty = refused.iter().copied().fold(f64::MAX, f64::min);
    let last = calls.iter().map(|(at, _)| *at).fold(0.0, f64::max);
    let passed = calls.iter().filter(|(at, refused)| !refused && *at > empty).count();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let (passed, price) = (passed as f64, refused.len() as f64 / calls.len() as f64);
    // From an empty bucket, only what flows in comes through; half a second of it may be left there at the end. A
    // machine that is late loses its own time.
    let granted = LIMIT * (last - empty - 0.5 - 2.0 * late.as_secs_f64());
    assert!(passed >= 0.95 * granted, "{passed} of {granted:.0}, in {:.1} s", last - empty);
    assert!(price <= 0.02, "{} of {} refused", refused.len(), calls.len());
}
