//! Reads orgs, each once, and writes none: what plans, verifications and exports are made from.
//!
//! What is read is handed to a closure while it is fresh, and then forgotten; so a survey holds the settings of
//! the orgs that are in progress and of no other. It takes a [`ReadApi`], which has no way to write.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orgwave_core::code::Code;
use orgwave_core::event::EventSink;
use orgwave_core::ids::Ruuid;
use orgwave_core::org::Entry;
use orgwave_core::org::{Event, Reader, Unread};
use orgwave_core::outcome::OrgError;
use orgwave_core::policy::RetryPolicy;
use orgwave_core::reply::{ClientList, Live, Reply, Throttle};
use orgwave_core::run::StopReason;
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use tokio::sync::mpsc;

use crate::gate::Gate;
use crate::ports::{Clock, Journal, ReadApi};
use crate::pump::{Context, Control, Request, Work, pump, what_panicked};

/// What a survey found of an org.
#[derive(Debug)]
pub enum Finding {
    /// What is live.
    Live(Live),
    /// It could not be read: the status that an org which can't be read has, and why.
    Unread(Status, OrgError),
    /// The survey stopped before its turn.
    NotReached,
}

impl Finding {
    fn new(read: Result<Live, Unread>, retry: &RetryPolicy) -> Self {
        let parked = |throttle: Throttle| {
            let message = throttle.parked(retry.longest_wait);
            let http_status = Some(throttle.http_status);
            Self::Unread(Status::NotAttempted, OrgError { code: Code::OrgParked, message, http_status })
        };
        match read {
            Ok(live) => Self::Live(live),
            Err(Unread::Refused(refusal)) => Self::Unread(Status::Rejected, OrgError::refused(&refusal)),
            Err(Unread::Throttled(throttle)) => parked(throttle),
            Err(Unread::Failed(unclear)) => match unclear.retry_after {
                Some(wait) if retry.is_too_long(wait) => parked(Throttle {
                    http_status: unclear.http_status.unwrap_or(0),
                    retry_after: Some(wait),
                }),
                _ => {
                    let (message, http_status) = (unclear.message, unclear.http_status);
                    Self::Unread(Status::Failed, OrgError { code: Code::OrgReadsSpent, message, http_status })
                }
            },
            Err(Unread::Panicked(message)) => {
                Self::Unread(Status::Failed, OrgError { code: Code::OrgPanic, message, http_status: None })
            }
            Err(Unread::NotReached) => Self::NotReached,
        }
    }
}

/// Reads every org of `items` and hands each, with what was found, to `found`, in the order of the replies.
/// Returns why it stopped early.
pub async fn survey<C: Clock, A: ReadApi, T>(
    items: impl Iterator<Item = (Ruuid, T)>,
    api: &A,
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
    sink: &mut dyn EventSink,
    mut found: impl FnMut(&T, Finding, &mut Context<'_>),
) -> Option<StopReason> {
    let retry = gate.limits().retry;
    let readers = items.zip(0..).map(|((org, item), index)| Reader::settings((org, item), org, index, retry));
    let mut work = Reads {
        readers,
        call: |(org, _): &(Ruuid, T)| {
            let (api, org) = (api.clone(), *org);
            async move { api.settings(org).await }
        },
        found: |(_, item): &(Ruuid, T), read, cx: &mut Context<'_>| {
            found(item, Finding::new(read, &retry), cx);
        },
        fed: 0,
    };
    let stop = pump(&mut work, Some(api), &NoJournal, gate, control, sink).await.stop;
    let Reads { readers, .. } = work;
    let mut cx = Context::new(gate.clock().now(), sink);
    for reader in readers {
        found(&reader.item.1, Finding::NotReached, &mut cx);
    }
    stop
}

/// Reads of lists of one kind, one for each of `items`, which are of the orgs that `org` says: each is made as `call` does, and
/// every one that has an end goes to `found`, in the order of their ends. Returns why it stopped early.
///
/// A refusal with 401 or 403 is the read's own.
pub async fn read_each<C: Clock, I, R, F>(
    items: impl Iterator<Item = (Option<Ruuid>, I)>,
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
    call: impl Fn(&I) -> F,
    mut found: impl FnMut(&I, Result<R, Unread>),
) -> Option<StopReason>
where
    R: Send + 'static,
    F: Future<Output = Reply<R>> + Send + 'static,
{
    let retry = gate.limits().retry;
    let readers = items.zip(0..).map(|((org, item), index)| Reader::list(item, org, index, retry));
    let found = |item: &I, read, _: &mut Context<'_>| found(item, read);
    let mut work = Reads { readers, call, found, fed: 0 };
    pump(&mut work, None::<&NoApi>, &NoJournal, gate, control, &mut |_: &_| {}).await.stop
}

/// One read that is no org's, or of the one org that is looked at.
///
/// # Errors
/// The vendor can't be reached, redirects, or a signal came.
pub async fn read_one<C: Clock, R, F>(
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
    call: impl Fn() -> F,
) -> Result<Result<R, Unread>, StopReason>
where
    R: Send + 'static,
    F: Future<Output = Reply<R>> + Send + 'static,
{
    let mut read = Err(Unread::NotReached);
    let item = std::iter::once((None, ()));
    let stop = read_each(item, gate, control, |()| call(), |(), end| read = end).await;
    stop.map_or(Ok(read), Err)
}

/// The partner's client list, with as many tries as a read has.
///
/// # Errors
/// The run can't continue: the key is refused, or the list can't be had.
pub async fn client_list<C: Clock, A: ReadApi>(
    api: &A,
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
) -> Result<ClientList, StopReason> {
    let call = || {
        let api = api.clone();
        async move { api.clients().await }
    };
    let longest = gate.limits().retry.longest_wait;
    let said = |why: &dyn std::fmt::Display| format!("the client list: {why}");
    Err(match read_one(gate, control, call).await? {
        Ok(clients) => return Ok(clients),
        Err(Unread::Refused(refusal)) if matches!(refusal.http_status, 401 | 403) => StopReason::KeyRefused,
        Err(Unread::Refused(refusal)) => StopReason::Unusable(said(&refusal)),
        Err(Unread::Throttled(throttle)) => StopReason::Unusable(said(&throttle.parked(longest))),
        Err(Unread::Failed(unclear)) if unclear.http_status.is_some() => {
            StopReason::Unusable(said(&unclear.message))
        }
        Err(Unread::Failed(unclear)) => StopReason::Unreachable(said(&unclear.message)),
        Err(Unread::Panicked(what)) => StopReason::Unusable(said(&what)),
        Err(Unread::NotReached) => StopReason::Interrupted,
    })
}

/// A journal for works that need nothing durable.
#[derive(Debug, Clone, Copy)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn record(&self, _: Entry) {}

    fn record_together(&self, _: Vec<Entry>) {}

    fn record_durably(&self, _: Entry, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        done(Ok(()));
    }
}

/// No API: nobody asks it whether the key is good.
#[derive(Debug, Clone, Copy)]
struct NoApi(Infallible);

impl ReadApi for NoApi {
    async fn clients(&self) -> Reply<ClientList> {
        match self.0 {}
    }

    async fn settings(&self, _: Ruuid) -> Reply<Live> {
        match self.0 {}
    }
}

struct Reads<I, F, G> {
    readers: I,
    call: F,
    found: G,
    fed: u32,
}

impl<I, T, R, F, Fut, G> Work for Reads<I, F, G>
where
    I: Iterator<Item = Reader<T, R>>,
    F: Fn(&T) -> Fut,
    Fut: Future<Output = Reply<R>> + Send + 'static,
    G: FnMut(&T, Result<R, Unread>, &mut Context<'_>),
    R: Send + 'static,
{
    type Driver = Reader<T, R>;

    fn next(&mut self, _: &mut Context<'_>) -> Option<(u32, Reader<T, R>, Event<R>)> {
        let (reader, index) = (self.readers.next()?, self.fed);
        self.fed += 1;
        Some((index, reader, Event::Woken))
    }

    fn call(&self, driver: &Reader<T, R>, _: Request, requested: Timestamp) -> BoxFuture<'static, Event<R>> {
        let reply = (self.call)(&driver.item);
        async move { Event::ReadReply { reply: reply.await, requested } }.boxed()
    }

    fn done(&mut self, driver: Reader<T, R>, read: Result<R, Unread>, cx: &mut Context<'_>) {
        let (found, item) = (&mut self.found, &driver.item);
        // What one org's settings do to whoever looks at them is that org's affair alone.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| found(item, read, cx))) {
            let what = what_panicked(&*panic);
            tracing::error!(what, "looking at what was read panicked");
            found(item, Err(Unread::Panicked(what)), cx);
        }
    }

    fn wants_stop(&self) -> Option<StopReason> {
        None
    }

    fn wave(&self) -> u32 {
        0
    }
}
