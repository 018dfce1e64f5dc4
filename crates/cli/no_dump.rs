//! Memory holds the key and secrets: no core dump of this process is written, and no other process of the same user may
//! attach to it or read its memory.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids both. A system that refuses treats it as any other program.
pub fn set() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A program that takes core dumps through a pipe is not bound by the limit, but by this.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
