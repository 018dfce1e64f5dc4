//! A million rows.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::process::Command;

use crate::desk::Desk;

/// Writes a manifest of so many orgs, all different.
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

/// The most memory that a check of a manifest held at once, in KiB.
fn peak_of_check(desk: &Desk, name: &str) -> u64 {
    // A process that has ended tells nothing; one whose reader has not come yet waits in its last write.
    let mut command = Command::new("sh");
    desk.settle(&mut command);
    // `ulimit -v` would bound what is reserved; what counts is what was resident, which the kernel keeps per process.
    let script = format!(
        "{} check {name} & pid=$!; peak=0; \
         while line=$(grep VmHWM /proc/$pid/status 2>/dev/null) && [ -n \"$line\" ]; do peak=$line; done; \
         wait $pid || exit; echo \"peak $peak\"",
        env!("CARGO_BIN_EXE_orgwave")
    );
    command.arg("-c").arg(script);
    let ended = desk.spawn(command).wait().expect(0);
    assert!(ended.out.contains("nothing is wrong"), "{}", ended.out);
    let peak = ended.out.lines().find(|line| line.starts_with("peak ")).unwrap();
    peak.split_whitespace().find_map(|word| word.parse().ok()).expect("the process was seen at least once")
}

#[test]
fn checking_a_million_rows_takes_hardly_more_memory_than_ten_thousand() {
    let desk = Desk::new();
    write(&desk, "small.csv", 10_000);
    write(&desk, "large.csv", 1_000_000);
    let (small, large) = (peak_of_check(&desk, "small.csv"), peak_of_check(&desk, "large.csv"));
    assert!(large <= 3 * small + 64 * 1024, "{large} KiB for a million rows, {small} KiB for ten thousand");
}
