//! What a child process took.

use std::fmt;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Nothing here takes longer; what does is stuck.
const LONGEST: Duration = Duration::from_secs(300);
/// The kernel's high-water mark is read so often; it is gone when the process is.
const GLANCE: Duration = Duration::from_millis(5);

/// What one run of a child took, and its children.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// From start to end of the process.
    pub(crate) wall: Duration,
    /// Processor time, in hundredths of a second.
    pub(crate) cpu: Duration,
    /// The most memory that it held, in MiB.
    pub(crate) memory: u64,
    /// Bytes that it read and wrote by the calls for files. Who reads and writes sockets by the same calls has them in here.
    pub(crate) traffic: u64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wall, cpu) = (self.wall.as_secs_f64(), self.cpu.as_secs_f64());
        write!(f, "{wall:.2} s, {cpu:.2} s of processor, {} MiB", self.memory)
    }
}

/// Runs a command to its end. It must succeed.
pub(crate) fn run(command: &mut Command) -> Result<Measured, String> {
    let name = format!("{command:?}");
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("{name:.80} can't be started: {error}"))?;
    let (process, memory, is_stuck) = (child.id(), AtomicU64::new(0), AtomicBool::new(false));
    // It is left to be waited for, so that the kernel's numbers about it are still there.
    let (ended, wall) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            loop {
                memory.fetch_max(high_water(process), Ordering::Relaxed);
                std::thread::park_timeout(GLANCE);
                if begun.elapsed() > LONGEST {
                    is_stuck.store(true, Ordering::Relaxed);
                    let _ =
                        rustix::process::kill_process(Pid::from_child(&child), rustix::process::Signal::KILL);
                    return;
                }
                if has_ended(process) {
                    return;
                }
            }
        });
        let ended =
            waitid(WaitId::Pid(Pid::from_child(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let wall = begun.elapsed();
        watcher.thread().unpark();
        (ended, wall)
    });
    ended.map_err(|error| format!("{name:.80} can't be waited for: {error}"))?;
    let (cpu, traffic) = (cpu(process), traffic(process));
    let status = child.wait().map_err(|error| error.to_string())?;
    if is_stuck.into_inner() {
        return Err(format!("{name:.200} took longer than {LONGEST:?}"));
    }
    if !status.success() {
        return Err(format!("{name:.400} ended with {status}"));
    }
    let (cpu, traffic) = cpu.zip(traffic).ok_or("this bench needs Linux's /proc")?;
    Ok(Measured { wall, cpu, memory: memory.into_inner(), traffic })
}

/// The fields of `/proc/PID/stat` behind the name, of which the first is the third.
fn stat(process: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

fn has_ended(process: u32) -> bool {
    stat(process).is_none_or(|fields| fields[0] == "Z")
}

/// Its own time and that of the children that it has waited for: fields 14 to 17, in ticks of 10 ms.
fn cpu(process: u32) -> Option<Duration> {
    let ticks = stat(process)?[11..15].iter().map(|field| field.parse::<u64>()).sum::<Result<u64, _>>();
    Some(Duration::from_millis(10 * ticks.ok()?))
}

/// `rchar` and `wchar`, with those of the children that it has waited for.
fn traffic(process: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    let count = |name: &str| io.lines().find_map(|line| line.strip_prefix(name))?.trim().parse::<u64>().ok();
    Some(count("rchar:")? + count("wchar:")?)
}

/// Its own mark, and those of its children.
fn high_water(process: u32) -> u64 {
    let read = |name: &str| fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default();
    let status = read("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let children = read(&format!("task/{process}/children"));
    let children = children.split_whitespace().filter_map(|child| child.parse().ok()).map(high_water);
    kibibytes.unwrap_or(0) / 1024 + children.sum::<u64>()
}

/// The bytes of all files below a folder.
pub(crate) fn size_of(folder: &std::path::Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(metadata, path)| if metadata.is_dir() { size_of(&path) } else { metadata.len() })
        .sum()
}
