//! Ctrl-C and SIGTERM: the first drains, the second stops at once.

use orgwave_core::run::StopReason;
use orgwave_executor::dispatch::Control;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::console;

/// Listens from now on. What was asked comes out of the receiver, once each.
pub fn listen() -> mpsc::Receiver<Control> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        let reason = tokio::select! {
            _ = interrupt.recv() => StopReason::Interrupted,
            _ = terminate.recv() => StopReason::Terminated,
        };
        console::note("orgwave: ending what is under way; once more stops at once\n");
        let _ = sender.send(Control::Drain(reason)).await;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        let _ = sender.send(Control::Abort).await;
    });
    receiver
}
