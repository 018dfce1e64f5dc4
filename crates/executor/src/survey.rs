//! Reads orgs, each once, and writes none: what plans, verifications and exports are made from.
//!
//! What is read is handed to a closure while it is fresh, and then forgotten; so a survey holds the settings of
//! the orgs that are in progress and of no other. It takes a [`ReadApi`], which has no way to write.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orgwave_core::code::Code;
use orgwave_core::event::EventSink;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use orgwave_core::org::Entry;
use orgwave_core::org::{Drive, Event, OrgReader, OrgReads, Reader, SharedRead, Unread};
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
    /// What is live, and when that was asked.
    Live(Live, Timestamp),
    /// It could not be read: the status that an org which can't be read has, and why.
    Unread(Status, OrgError),
    /// The survey stopped before its turn.
    NotReached,
}

impl Finding {
    /// When what is live was asked for.
    pub const fn requested(&self) -> Option<Timestamp> {
        if let Self::Live(_, requested) = self { Some(*requested) } else { None }
    }

    fn unread(unread: Unread, retry: &RetryPolicy) -> Self {
        let parked = |throttle: Throttle| {
            let message = throttle.parked(retry.longest_wait);
            let http_status = Some(throttle.http_status);
            Self::Unread(Status::NotAttempted, OrgError { code: Code::OrgParked, message, http_status })
        };
        match unread {
            Unread::Refused(refusal) => Self::Unread(Status::Rejected, OrgError::refused(&refusal)),
            Unread::Throttled(throttle) => parked(throttle),
            Unread::Failed(unclear) => match unclear.retry_after {
                Some(wait) if retry.is_too_long(wait) => parked(Throttle {
                    http_status: unclear.http_status.unwrap_or(0),
                    retry_after: Some(wait),
                }),
                _ => {
                    let (message, http_status) = (unclear.message, unclear.http_status);
                    Self::Unread(Status::Failed, OrgError { code: Code::OrgReadsSpent, message, http_status })
                }
            },
            Unread::Panicked(message) => {
                Self::Unread(Status::Failed, OrgError { code: Code::OrgPanic, message, http_status: None })
            }
            Unread::NotReached => Self::NotReached,
        }
    }
}

/// What a survey found of an org, by operation.
#[derive(Debug, Default)]
pub struct Findings(Vec<(Arc<Operation>, Finding)>);

impl Findings {
    fn of(reads: OrgReads, retry: &RetryPolicy) -> Self {
        let mut findings = Vec::new();
        for (operations, end) in reads {
            match end {
                Ok((lives, requested)) => {
                    let live = |live| Finding::Live(live, requested);
                    findings.extend(operations.into_iter().zip(lives.into_iter().map(live)));
                }
                Err(unread) => findings.extend(
                    operations
                        .into_iter()
                        .map(|operation| (operation, Finding::unread(unread.clone(), retry))),
                ),
            }
        }
        Self(findings)
    }

    fn panicked(&mut self, what: &str, retry: &RetryPolicy) {
        for (_, finding) in &mut self.0 {
            *finding = Finding::unread(Unread::Panicked(what.to_owned()), retry);
        }
    }

    /// What was found of an operation.
    pub fn take(&mut self, operation: &Operation) -> Finding {
        let place = self.0.iter().position(|(found, _)| **found == *operation);
        place.map_or(Finding::NotReached, |place| self.0.swap_remove(place).1)
    }
}

/// Reads every org of `items`, each by the reads that are named, and hands it, with what was found, to `found`, in the order
/// of the replies. Each has a number that is its own, by which the gate knows its pace: where a rollout follows, its place in
/// the plan. Returns why it stopped early.
pub async fn survey<C: Clock, A: ReadApi, T>(
    items: impl Iterator<Item = (u32, Ruuid, Vec<SharedRead>, T)>,
    api: &A,
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
    sink: &mut dyn EventSink,
    mut found: impl FnMut(&T, Findings, &mut Context<'_>),
) -> Option<StopReason> {
    let retry = gate.limits().retry;
    let readers =
        items.map(|(index, org, reads, item)| (index, OrgReader::new(item, org, index, reads, retry)));
    let call = |reader: &OrgReader<T>| {
        let (api, operations) = (api.clone(), reader.to_read().clone());
        let org = reader.org().expect("it is of an org");
        async move { api.shared(&operations, org).await }
    };
    let ended = |reader: OrgReader<T>, reads: OrgReads, cx: &mut Context<'_>| {
        let operations = reads.iter().flat_map(|(operations, _)| operations).cloned();
        let mut unread = Findings(operations.map(|operation| (operation, Finding::NotReached)).collect());
        let (findings, item) = (Findings::of(reads, &retry), &reader.item);
        // A panic over one org's settings concerns that org alone.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| found(item, findings, cx))) {
            let what = what_panicked(&*panic);
            tracing::error!(what, "looking at what was read panicked");
            unread.panicked(&what, &retry);
            found(item, unread, cx);
        }
    };
    let mut work = Reads { readers, call, ended };
    let stop = pump(&mut work, Some(api), &NoJournal, gate, control, sink).await.stop;
    let Reads { readers, .. } = work;
    let mut cx = Context::new(gate.clock().now(), sink);
    for (_, reader) in readers {
        found(&reader.item, Findings::default(), &mut cx);
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
    let readers = (0..).zip(items).map(|(index, (org, item))| (index, Reader::list(item, org, index, retry)));
    let call = |reader: &Reader<I, R>| call(&reader.item);
    let ended = |reader: Reader<I, R>, read, _: &mut Context<'_>| found(&reader.item, read);
    let mut work = Reads { readers, call, ended };
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

    fn record_durably(&self, _: Entry, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        done(Ok(()));
    }
}

/// No API: it isn't asked whether the key is good.
#[derive(Debug, Clone, Copy)]
struct NoApi(Infallible);

impl ReadApi for NoApi {
    async fn clients(&self) -> Reply<ClientList> {
        match self.0 {}
    }

    async fn settings(&self, _: &Arc<Operation>, _: Ruuid) -> Reply<Live> {
        match self.0 {}
    }

    async fn shared(&self, _: &[Arc<Operation>], _: Ruuid) -> Reply<Vec<Live>> {
        match self.0 {}
    }
}

/// Reads in the order of `readers`, each driven to its end.
struct Reads<I, F, G> {
    readers: I,
    call: F,
    ended: G,
}

impl<I, D, F, Fut, G> Work for Reads<I, F, G>
where
    I: Iterator<Item = (u32, D)>,
    D: Drive<Read: Send + 'static>,
    F: Fn(&D) -> Fut,
    Fut: Future<Output = Reply<D::Read>> + Send + 'static,
    G: FnMut(D, D::Outcome, &mut Context<'_>),
{
    type Driver = D;

    fn next(&mut self, _: &mut Context<'_>) -> Option<(u32, D, Event<D::Read>)> {
        let (index, reader) = self.readers.next()?;
        Some((index, reader, Event::Woken))
    }

    fn call(&self, reader: &D, _: Request, requested: Timestamp) -> BoxFuture<'static, Event<D::Read>> {
        let reply = (self.call)(reader);
        async move { Event::ReadReply { reply: reply.await, requested } }.boxed()
    }

    fn done(&mut self, reader: D, outcome: D::Outcome, cx: &mut Context<'_>) {
        (self.ended)(reader, outcome, cx);
    }

    fn wants_stop(&self) -> Option<StopReason> {
        None
    }

    fn wave(&self) -> u32 {
        0
    }
}
