//! What a child process took.

use std::fmt;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes longer; what does is stuck.
const LONGEST: Duration = Duration::from_secs(300);
/// The kernel's high-water mark is read so often; it is gone when the process is.
const GLANCE: Duration = Duration::from_millis(5);

/// What one run of a child took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// From start to end of the process.
    pub(crate) wall: Duration,
    /// Processor time of it and its children, in hundredths of a second.
    pub(crate) cpu: Duration,
    /// The most memory that it held, in MiB; not that of its children.
    pub(crate) memory: u64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} s, {:.2} s of processor, {} MiB",
            self.wall.as_secs_f64(),
            self.cpu.as_secs_f64(),
            self.memory
        )
    }
}

/// Runs a command to its end. It must succeed.
pub(crate) fn run(command: &mut Command) -> Result<Measured, String> {
    let name = format!("{command:?}");
    let cpu = cpu_of_children();
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("{name:.80} can't be started: {error}"))?;
    let mut memory = 0;
    let status = loop {
        memory = memory.max(high_water(child.id()));
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if begun.elapsed() > LONGEST => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name:.200} took longer than {LONGEST:?}"));
            }
            None => std::thread::park_timeout(GLANCE),
        }
    };
    let wall = begun.elapsed();
    if !status.success() {
        return Err(format!("{name:.400} ended with {status}"));
    }
    Ok(Measured { wall, cpu: cpu_of_children().saturating_sub(cpu), memory })
}

/// What all children that have ended took: fields 16 and 17 of `/proc/self/stat`, in ticks of 10 ms.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 =
        behind_name.split(' ').skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

fn high_water(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) / 1024
}
