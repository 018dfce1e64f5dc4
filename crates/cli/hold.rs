//! Named steps at which a test makes this process pause, to kill it there. Release builds have none of it.
//!
//! `ORGWAVE_HOLD_AT=STEP:N` holds the thread that comes to that step for the N-th time, for good, and says so on
//! stderr. Nothing is reported, undone or flushed, so a kill at that moment finds what a power cut would.

use orgwave_core::event::{Event, EventKind, EventSink};

/// What a run goes through, where dying matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An org was looked at for the plan.
    OrgPlanned,
    /// The plan is on the disk.
    PlanWritten,
    /// The journal has its header, and no name.
    JournalDrafted,
    /// The plan is marked as used, and the journal has no name.
    PlanMarked,
    /// The journal has its name, and the plan's id isn't remembered.
    JournalPublished,
    /// The plan's id is remembered, and nothing was sent.
    PlanRemembered,
    /// An intent is about to be handed to the journal.
    BeforeIntent,
    /// An intent is durable, and not yet acknowledged.
    IntentDurable,
    /// A write is about to be sent.
    BeforeSend,
    /// A write was answered, and the reply not yet handed on.
    AfterReply,
    /// Every outcome is durable, and no file was begun.
    JournalFlushed,
    /// A file of the run is durable, and about to get its name.
    BeforeName,
}

/// Comes to the steps that events tell of.
#[derive(Debug, Default)]
pub struct OnEvents;

impl EventSink for OnEvents {
    fn event(&mut self, event: &Event) {
        if let EventKind::OrgPlanned { .. } = event.kind {
            at(Step::OrgPlanned);
        }
    }
}

/// Pauses here, if a test asked for it.
#[cfg(debug_assertions)]
pub fn at(step: Step) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ASKED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let asked = std::env::var_os("ORGWAVE_HOLD_AT")?.into_string().ok()?;
        let (step, count) = asked.split_once(':')?;
        Some((step.to_owned(), count.parse().ok()?))
    });
    static PASSED: AtomicU32 = AtomicU32::new(0);

    let Some((asked, count)) = &*ASKED else { return };
    if *asked != format!("{step:?}") || PASSED.fetch_add(1, Ordering::Relaxed) + 1 != *count {
        return;
    }
    crate::console::note(&format!("held at {asked}:{count}\n"));
    loop {
        std::thread::park();
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub const fn at(_: Step) {}
