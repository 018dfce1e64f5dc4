//! Ctrl-C, SIGTERM and SIGHUP: the first drains, a second stops at once.
//!
//! A terminal that closes takes its processes along with SIGHUP, from the kernel and from the shell alike. So one of
//! these never counts as the second signal; and where it is ignored from the beginning (`nohup`), it stays ignored.

use std::future::pending;

use orgwave_core::run::StopReason;
use orgwave_executor::pump::Control;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::console;

/// Listens from now on. What was asked comes out of the receiver, once each.
pub fn listen() -> mpsc::Receiver<Control> {
    // A file that may not grow any more (`ulimit -f`, `LimitFSIZE=`) ends a process without a handler; with
    // one, the write fails like one on a full disk. What is listened to stays so when the listener is dropped.
    drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())));
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        let mut hangup = if is_hangup_ours() { signal(SignalKind::hangup()).ok() } else { None };
        let reason = tokio::select! {
            _ = interrupt.recv() => StopReason::Interrupted,
            _ = terminate.recv() => StopReason::Terminated,
            () = hung_up(hangup.as_mut()) => StopReason::HungUp,
        };
        console::note("orgwave: finishing the requests in flight; press Ctrl-C again to abort\n");
        let _ = sender.send(Control::Drain(reason)).await;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        let _ = sender.send(Control::Abort).await;
    });
    receiver
}

async fn hung_up(hangup: Option<&mut Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => pending().await,
    }
}

/// Whether SIGHUP may be listened to: listening to it would undo `nohup`. Only Linux says without unsafe code; where
/// nothing is said, the signal ends the process as it always did, and a resume continues.
fn is_hangup_ours() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| !is_hangup_ignored(&status))
}

/// Reads the set of ignored signals: hexadecimal, the lowest bit is signal 1.
fn is_hangup_ignored(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_none_or(|set| set & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::is_hangup_ignored;

    #[test]
    fn what_is_ignored_is_read_from_the_status() {
        for (set, ignored) in [
            ("0000000000001000", false),
            ("0000000000001001", true),
            ("0000000000000001", true),
            ("fffffffe7ffbfeff", true),
            ("fffffffe7ffbfefe", false),
            ("what", true),
        ] {
            let status = format!("Name:\torgwave\nSigBlk:\t0000000000000000\nSigIgn:\t{set}\nSigCgt:\t0\n");
            assert_eq!(is_hangup_ignored(&status), ignored, "{set}");
        }
        assert!(is_hangup_ignored("Name:\torgwave\n"));
    }
}
