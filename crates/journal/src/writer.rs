//! The one thread that writes: groups what is queued, commits each group once, and answers.
//!
//! A group is what came in while the one before was being synced, so groups grow by themselves with the load: alone,
//! an intent waits for one sync; among 64 others, for its share of one or two. Entries that aren't waited for stay in
//! the open group until one comes that is, or [`LINGER`] has passed.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use orgwave_core::org::Entry;

use crate::error::WriteError;
use crate::store::Store;

/// How long an entry that isn't waited for may stay undurable. A kill in this time costs a read of its org.
const LINGER: Duration = Duration::from_millis(20);

/// The longest that a group waits for more to join it.
const PATIENCE: Duration = Duration::from_millis(1);

/// How many entries a group may have: bounds the wait of those behind it.
const GROUP: usize = 4096;

/// Called once with whether what it waits for is durable. It is called on the writer's thread, so it hands the answer on
/// (to a channel, say) and returns. One that is dropped uncalled means that the writer is gone: a failure.
pub type Done = Box<dyn FnOnce(Result<(), WriteError>) + Send>;

/// An entry to keep, and who waits until it, and all before it, are durable.
struct Message {
    entry: Option<Entry>,
    done: Option<Done>,
}

/// The handle on the thread. Dropping it commits what is queued and waits for the end.
#[derive(Debug)]
pub(crate) struct Writer {
    inbox: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(store: impl Store) -> io::Result<Self> {
        let (inbox, messages) = channel();
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || Loop::new(store).run(&messages))?;
        Ok(Self { inbox: Some(inbox), thread: Some(thread) })
    }

    pub(crate) fn keep(&self, entry: Option<Entry>, done: Option<Done>) {
        let Some(inbox) = &self.inbox else { return };
        if let Err(returned) = inbox.send(Message { entry, done })
            && let Some(done) = returned.0.done
        {
            done(Err(WriteError::writer_ended()));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.inbox.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported there, and every acknowledgement it owed is dropped: a failure.
            let _ = thread.join();
        }
    }
}

/// What is not committed yet.
#[derive(Default)]
struct Group {
    /// When its first entry came; `None` while the store has nothing open.
    opened: Option<Instant>,
    entries: usize,
    waiting: Vec<Done>,
}

struct Loop<S> {
    store: S,
    group: Group,
    /// The first error. After it nothing is tried again: see the crate's documentation.
    failure: Option<WriteError>,
    /// How many the last commit answered.
    last_answered: usize,
    /// How long they may be waited for: a quarter of what that commit took, so that a fast disk is hardly waited for.
    patience: Duration,
}

impl<S: Store> Loop<S> {
    fn new(store: S) -> Self {
        Self { store, group: Group::default(), failure: None, last_answered: 0, patience: Duration::ZERO }
    }

    fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let message = match self.group.opened {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(opened) => messages.recv_timeout(LINGER.saturating_sub(opened.elapsed())),
            };
            match message {
                Ok(message) => {
                    self.take(message);
                    self.gather(messages);
                    if !self.group.waiting.is_empty() || self.is_due() {
                        self.commit();
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.commit(),
                Err(RecvTimeoutError::Disconnected) => return self.commit(),
            }
        }
    }

    /// Takes what is queued, and waits a little for those whom the last commit answered: they are likely to come
    /// back at once, and without this the first of them would have a sync to itself, over and over.
    fn gather(&mut self, messages: &Receiver<Message>) {
        let begun = Instant::now();
        while self.group.entries < GROUP {
            let message = match messages.try_recv() {
                Ok(message) => message,
                Err(_) if (1..self.last_answered).contains(&self.group.waiting.len()) => {
                    match messages.recv_timeout(self.patience.saturating_sub(begun.elapsed())) {
                        Ok(message) => message,
                        Err(_) => return,
                    }
                }
                Err(_) => return,
            };
            self.take(message);
        }
    }

    fn is_due(&self) -> bool {
        self.group.entries >= GROUP || self.group.opened.is_some_and(|opened| opened.elapsed() >= LINGER)
    }

    fn take(&mut self, message: Message) {
        if let Some(entry) = &message.entry {
            self.append(entry);
        }
        self.group.waiting.extend(message.done);
    }

    fn append(&mut self, entry: &Entry) {
        if self.failure.is_some() {
            return;
        }
        let begun = if self.group.opened.is_some() { Ok(()) } else { self.store.begin() };
        self.group.opened.get_or_insert_with(Instant::now);
        self.group.entries += 1;
        if let Err(error) = begun.and_then(|()| self.store.append(entry)) {
            self.fail(error);
        }
    }

    /// Commits the group, answers everyone who waits for it, and only then tidies up.
    fn commit(&mut self) {
        let group = std::mem::take(&mut self.group);
        let begun = Instant::now();
        if group.opened.is_some()
            && self.failure.is_none()
            && let Err(error) = self.store.commit()
        {
            self.fail(error);
        }
        self.last_answered = group.waiting.len();
        self.patience = (begun.elapsed() / 4).min(PATIENCE);
        for done in group.waiting {
            done(self.failure.clone().map_or(Ok(()), Err));
        }
        if self.failure.is_none()
            && let Err(error) = self.store.tidy()
        {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: WriteError) {
        self.store.abandon();
        self.failure = Some(error);
    }
}
