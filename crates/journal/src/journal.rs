//! What an executor needs of a journal, whatever it is kept in.

use std::sync::mpsc;

use orgwave_core::run::Entry;

use crate::error::WriteError;

/// Told once whether what it waits for is durable. It is called on the writer's thread, so it hands the answer on
/// (to a channel, say) and returns. One that is dropped uncalled means that the writer is gone: a failure.
pub type Done = Box<dyn FnOnce(Result<(), WriteError>) + Send>;

/// A run's record. None of these waits for a disk but [`flush`](Self::flush); what is said is kept in the order in
/// which it was said.
///
/// There is no limit on what may be queued: the loop that calls this must not be held up, and what it can say
/// before it hears of an intent is bounded by the orgs that it has in flight.
pub trait RunJournal: Send + Sync {
    /// Keeps an entry. It becomes durable with the next one that must be, or a moment later.
    fn record(&self, entry: Entry);

    /// Keeps several entries, of which a crash leaves all or none: the input that made an org final, and its
    /// outcome.
    fn record_together(&self, entries: Vec<Entry>);

    /// Keeps an entry and says when it, and everything said before it, is durable.
    fn record_durably(&self, entry: Entry, done: Done);

    /// Says when everything said so far is durable.
    fn when_durable(&self, done: Done);

    /// Waits until everything said so far is durable. Not for async code: that has
    /// [`when_durable`](Self::when_durable).
    ///
    /// # Errors
    /// Something could not be written, now or at any time before.
    fn flush(&self) -> Result<(), WriteError> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.when_durable(Box::new(move |result| {
            // The receiver waits below, in this very call.
            let _ = sender.send(result);
        }));
        answer.recv().unwrap_or_else(|mpsc::RecvError| Err(WriteError::writer_ended()))
    }
}
