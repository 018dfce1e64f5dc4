//! What is held at once: it must not grow with rows, nor with what orgs hold.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::process::Command;

use orgwave_sandbox::Server;

use crate::desk::{Desk, FAST};
use crate::org::Org;
use crate::vendor::Vendor;

/// What each of these commands held at once for this many orgs of 31 settings, in KiB.
fn peaks(orgs: usize) -> Vec<(&'static str, u64)> {
    let desk = Desk::new();
    let orgs: Vec<Org> = (0..orgs).map(Org::new).collect();
    // A map of six entries, of four settings each, and seven settings beside it.
    let manifest = |key: &str, name: &str, seconds: &str| {
        let mut columns = "enabled,saveClips,indexFaces,createSeekPoints,alertUnauthorizedFaces,\
                           identifyFacesFromBadge,createAccessAnomalyAlerts"
            .to_owned();
        let mut cells = "true,true,true,true,true,true,true".to_owned();
        for door in 0..6 {
            for setting in ["doorName", "clipDuration", "leadingSeconds", "remoteUnlock"] {
                columns.push_str(&format!(",doorInfoMap.{key}{door}.{setting}"));
            }
            cells.push_str(&format!(",{name} {door} of the north wing,{seconds},false"));
        }
        desk.manifest(&columns, orgs.iter().map(|org| (org, cells.clone())));
        std::fs::rename(desk.path("orgs.csv"), desk.path(&format!("{name}.csv"))).unwrap();
    };
    manifest("door", "Entrance", "30,5");
    manifest("door", "Gate", "20,4");
    manifest("new", "Exit", "30,5");
    let vendor = Vendor::start(Server::Merge, orgs.iter().cloned());
    let apply = format!("apply Entrance.csv --yes --allow additions --verify none --org-files never {FAST}");
    let run = desk.run(&vendor, &apply).expect(0).run.unwrap();
    let pace = "--rate unlimited --org-rate unlimited --no-progress";
    let export = format!(
        "export -o out -q --rate unlimited --org-rate unlimited --endpoint {} --token-file key",
        vendor.url()
    );
    [
        ("plan", "plan Gate.csv -q".to_owned(), 0),
        ("verify RUN", format!("verify {}", run.display()), 0),
        ("verify ROLLOUT, all of it drifted", "verify Gate.csv -o drift.csv".to_owned(), 2),
        ("undo RUN", format!("undo {} -q", run.display()), 0),
        ("resume RUN", format!("resume {} -q", run.display()), 0),
        ("check --online, all of it new", "check Exit.csv --online -q".to_owned(), 0),
    ]
    .into_iter()
    .map(|(name, line, code)| {
        let line = format!("{line} {pace} --endpoint {} --token-file key", vendor.url());
        (name, peak_of(&desk, &line, code))
    })
    .chain([
        ("export", peak_of(&desk, &export, 0)),
        ("report RUN", peak_of(&desk, &format!("report {} --org-files never", run.display()), 0)),
        ("runs", peak_of(&desk, "runs", 0)),
    ])
    .collect()
}

#[test]
fn memory_of_plans_does_not_grow_with_what_orgs_hold() {
    let (few, many) = (peaks(300), peaks(3_300));
    for ((name, few), (_, many)) in few.into_iter().zip(many) {
        // The lines of these orgs, collected, were 23 MiB.
        assert!(many <= few + 6 * 1024, "{name}: {many} KiB for 3,300 orgs, {few} KiB for 300");
    }
}

/// Writes a manifest of this many orgs, all different.
fn write(desk: &Desk, name: &str, rows: u32) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut file = BufWriter::new(File::create(desk.path(name)).unwrap());
    file.write_all(b"org_uuid,org_name,saveClips,doorInfoMap.d1.doorName,note\n").unwrap();
    for row in 0..rows {
        let mut id = *b"AAAAAAAAAAAAAAAAAAAAAA";
        for (place, letter) in id[..6].iter_mut().enumerate() {
            *letter = ALPHABET[(row >> (6 * place)) as usize % 64];
        }
        let id = std::str::from_utf8(&id).unwrap();
        writeln!(file, "{id},Org number {row},true,Front door,\"said, and done\"").unwrap();
    }
    file.flush().unwrap();
}

/// The most memory that a command held at once, in KiB. It must end with this code.
fn peak_of(desk: &Desk, line: &str, code: i32) -> u64 {
    // A process that has ended tells nothing; one whose reader has not come yet waits in its last write.
    let mut command = Command::new("sh");
    desk.settle(&mut command);
    // `ulimit -v` would bound what is reserved; what counts is what was resident, which the kernel keeps per process.
    let script = format!(
        "{} {line} & pid=$!; peak=0; \
         while line=$(grep VmHWM /proc/$pid/status 2>/dev/null) && [ -n \"$line\" ]; do peak=$line; done; \
         wait $pid; code=$?; echo \"peak $peak\"; exit $code",
        env!("CARGO_BIN_EXE_orgwave")
    );
    command.arg("-c").arg(script);
    let ended = desk.spawn(command).wait().expect(code);
    let peak = ended.out.lines().find(|line| line.starts_with("peak ")).unwrap();
    peak.split_whitespace().find_map(|word| word.parse().ok()).expect("the process was seen at least once")
}

#[test]
fn a_million_rows_take_hardly_more_memory_than_ten_thousand() {
    let desk = Desk::new();
    write(&desk, "small.csv", 10_000);
    write(&desk, "large.csv", 1_000_000);
    let (small, large) = (peak_of(&desk, "check small.csv", 0), peak_of(&desk, "check large.csv", 0));
    assert!(large <= 3 * small + 64 * 1024, "{large} KiB for a million rows, {small} KiB for ten thousand");
}
