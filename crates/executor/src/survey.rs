//! Reads orgs, each once, and writes none: what plans, verifications and exports are made from.
//!
//! What is read is handed to a closure while it is fresh, and then forgotten; so a survey holds the settings of
//! the orgs that are under way and of no other. It takes a [`ReadApi`], which has no way to write.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use orgwave_core::code::Code;
use orgwave_core::event::{Call, EventSink, WaitReason};
use orgwave_core::ids::Ruuid;
use orgwave_core::outcome::Complaint;
use orgwave_core::reply::{Cause, ClientList, Live, Refusal, RefusalKind, Reply, Throttle, Unclear};
use orgwave_core::run::{Entry, Sample, StopReason};
use orgwave_core::status::Status;
use tokio::sync::mpsc;

use crate::dispatch::{Context, Control, Need, OrgReply, Work, dispatch};
use crate::gate::Gate;
use crate::gate::link::Outage;
use crate::limits::LONGEST_WAIT;
use crate::ports::{Clock, Journal, ReadApi};

/// What a survey found of an org.
#[derive(Debug)]
pub enum Finding {
    /// What is live.
    Live(Live),
    /// It could not be read: the status that an org which can't be read has, and why.
    Unread(Status, Complaint),
    /// The survey stopped before its turn.
    NotReached,
}

/// Reads every org of `items` and hands each, with what was found, to `found`, in the order of the replies.
/// Returns why it stopped early.
pub async fn survey<C: Clock, A: ReadApi, T>(
    items: impl Iterator<Item = (Ruuid, T)>,
    api: &A,
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
    sink: &mut dyn EventSink,
    found: impl FnMut(&T, Finding, &mut Context<'_, C>),
) -> Option<StopReason> {
    let mut work = Survey { items, api: api.clone(), found, under_way: HashMap::new(), fed: 0 };
    let stop = dispatch(&mut work, api, &NoJournal, gate, control, sink).await;
    let Survey { items, mut found, .. } = work;
    let mut cx = Context::new(gate, sink);
    for (_, item) in items {
        found(&item, Finding::NotReached, &mut cx);
    }
    stop
}

/// The partner's client list, with as many tries as a read has.
///
/// # Errors
/// The run can't go on: the key is refused, or the list can't be had.
pub async fn client_list<C: Clock, A: ReadApi>(
    api: &A,
    gate: &mut Gate<C>,
) -> Result<ClientList, StopReason> {
    let said = |why: String| format!("the client list: {why}");
    let unusable = |why| Err(StopReason::Unusable(said(why)));
    let unreachable = |why| Err(StopReason::Unreachable(said(why)));
    match patiently(gate, || api.clients()).await? {
        Reply::Good(clients) => Ok(clients),
        Reply::Unauthorized(_) => Err(StopReason::KeyRefused),
        Reply::Refused(refusal) => unusable(in_words(&refusal)),
        Reply::Throttled(throttle) => unusable(parked_message(throttle)),
        Reply::Unclear(unclear) if unclear.http_status.is_some() => unusable(unclear.message),
        Reply::NotSent(why) => unreachable(why),
        Reply::Unclear(unclear) => unreachable(unclear.message),
    }
}

/// One call that no fan-out makes, at the run's pace and with as many tries as a read has. A 429 is waited
/// out, and so is an outage. What comes back is the last reply: unclear only when the tries are spent.
///
/// # Errors
/// The vendor can't be reached, or redirects.
pub async fn patiently<C: Clock, T, F: Future<Output = Reply<T>>>(
    gate: &mut Gate<C>,
    call: impl Fn() -> F,
) -> Result<Reply<T>, StopReason> {
    patiently_at(&RefCell::new(gate), call).await
}

/// Calls that no fan-out makes, one for each of `items`: each as [`patiently`], and as many at once as the limits allow.
/// Every reply goes to `found`, in the order of the replies. Returns why it stopped early.
pub async fn patiently_each<C: Clock, I, T, F: Future<Output = Reply<T>>>(
    mut items: impl Iterator<Item = I>,
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
    call: impl Fn(&I) -> F,
    mut found: impl FnMut(I, Reply<T>),
) -> Option<StopReason> {
    let (most, until) = (gate.limits().concurrency, gate.limits().max_duration);
    let gate = RefCell::new(gate);
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < most
            && let Some(item) = items.next()
        {
            under_way.push(async {
                let reply = patiently_at(&gate, || call(&item)).await;
                (item, reply)
            });
        }
        if until.is_some_and(|until| gate.borrow().clock().elapsed() >= until) && !under_way.is_empty() {
            return Some(StopReason::MaxDuration);
        }
        tokio::select! {
            // Reads: there is nothing that would have to be waited for.
            Some(asked) = control.recv() => return Some(match asked {
                Control::Drain(reason) => reason,
                Control::Abort => StopReason::Interrupted,
            }),
            next = under_way.next() => match next {
                None => return None,
                Some((item, Ok(reply))) => found(item, reply),
                Some((_, Err(reason))) => return Some(reason),
            },
        }
    }
}

async fn patiently_at<C: Clock, T, F: Future<Output = Reply<T>>>(
    gate: &RefCell<&mut Gate<C>>,
    call: impl Fn() -> F,
) -> Result<Reply<T>, StopReason> {
    let attempts = gate.borrow().limits().attempts;
    let clock = gate.borrow().clock().clone();
    let (mut failures, mut throttles) = (0, 0);
    loop {
        loop {
            let turn = gate.borrow_mut().take_turn();
            let Err(until) = turn else { break };
            sleep_until(&clock, until).await;
        }
        let sent = gate.borrow().latest();
        let reply = call().await;
        // Nothing is waited for while the gate is borrowed.
        let again = {
            let gate = &mut **gate.borrow_mut();
            if !matches!(reply, Reply::NotSent(_)) {
                gate.link.is_up();
                gate.answered(sent, matches!(reply, Reply::Throttled(_)));
            }
            let now = gate.clock().elapsed();
            match &reply {
                Reply::Throttled(throttle) => {
                    throttles += 1;
                    let wait = throttle.retry_after.unwrap_or_else(|| gate.backoff.delay(throttles - 1));
                    gate.throttled(None, sent, wait);
                    if throttles >= 10 || wait > LONGEST_WAIT {
                        return Ok(reply);
                    }
                    now + wait
                }
                Reply::NotSent(why) => match gate.link.is_down(now, attempts, &mut gate.backoff) {
                    Outage::PauseUntil(until) => until,
                    Outage::GivenUp => return Err(StopReason::Unreachable(why.clone())),
                },
                Reply::Unclear(unclear) if unclear.cause == Cause::Redirect => {
                    return Err(StopReason::Redirected(unclear.message.clone()));
                }
                Reply::Unclear(unclear) if unclear.cause == Cause::Dropped => continue,
                Reply::Unclear(unclear) => {
                    failures += 1;
                    let least = unclear.retry_after.unwrap_or_default();
                    // What has an unknown shape will have it the next time too.
                    let has_its_shape = unclear.http_status == Some(200)
                        && matches!(unclear.cause, Cause::Unreadable | Cause::TooLarge);
                    if failures >= attempts || has_its_shape || least > LONGEST_WAIT {
                        return Ok(reply);
                    }
                    now + gate.backoff.delay(failures - 1).max(least)
                }
                Reply::Good(_) | Reply::Refused(_) | Reply::Unauthorized(_) => return Ok(reply),
            }
        };
        sleep_until(&clock, again).await;
    }
}

async fn sleep_until<C: Clock>(clock: &C, until: Duration) {
    tokio::time::sleep(until.saturating_sub(clock.elapsed())).await;
}

/// What the vendor said, or at least its status.
pub(crate) fn in_words(refusal: &Refusal) -> String {
    let what = match refusal.kind {
        RefusalKind::Status => format!("HTTP {}", refusal.http_status),
        RefusalKind::Error => "error".to_owned(),
        RefusalKind::AuthError => "authError".to_owned(),
    };
    match refusal.message.as_str() {
        "" => format!("{what}, without a message"),
        said => format!("{what}: {said}"),
    }
}

/// The complaint about an org that the vendor refuses.
pub(crate) fn refused(refusal: &Refusal) -> Complaint {
    let code = match refusal.kind {
        RefusalKind::Status if matches!(refusal.http_status, 401 | 403) => Code::OrgForbidden,
        RefusalKind::Status => Code::OrgRefused,
        RefusalKind::Error => Code::OrgError,
        RefusalKind::AuthError => Code::OrgAuthError,
    };
    Complaint { code, message: in_words(refusal), http_status: Some(refusal.http_status) }
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

struct Survey<I, T, A, F> {
    items: I,
    api: A,
    found: F,
    under_way: HashMap<u32, Reading<T>>,
    fed: u32,
}

struct Reading<T> {
    org: Ruuid,
    item: Option<T>,
    failures: u32,
    wait_until: Option<Duration>,
}

impl<I, T, A, F> Survey<I, T, A, F> {
    fn find<C: Clock>(&mut self, index: u32, finding: Finding, cx: &mut Context<'_, C>)
    where
        F: FnMut(&T, Finding, &mut Context<'_, C>),
    {
        let Some(reading) = self.under_way.get_mut(&index) else { return };
        if let Some(item) = &reading.item {
            (self.found)(item, finding, cx);
            // Only now: if that panicked, the item is still there to be told so.
            reading.item = None;
        }
    }
}

impl<C, I, T, A, F> Work<C> for Survey<I, T, A, F>
where
    C: Clock,
    I: Iterator<Item = (Ruuid, T)>,
    A: ReadApi,
    F: FnMut(&T, Finding, &mut Context<'_, C>),
{
    fn feed(&mut self, _: &mut Context<'_, C>) -> Option<u32> {
        let (org, item) = self.items.next()?;
        let index = self.fed;
        self.fed += 1;
        self.under_way.insert(index, Reading { org, item: Some(item), failures: 0, wait_until: None });
        Some(index)
    }

    fn need(&mut self, index: u32, _: &mut Context<'_, C>) -> Need {
        let Some(reading) = self.under_way.get_mut(&index) else { return Need::Nothing };
        if reading.item.is_none() {
            self.under_way.remove(&index);
            return Need::Nothing;
        }
        match reading.wait_until.take() {
            Some(until) => Need::Wait(until, WaitReason::Backoff),
            None => Need::Call(Call::Read),
        }
    }

    fn call(&mut self, index: u32, _: &Context<'_, C>) -> BoxFuture<'static, OrgReply> {
        let (api, org) = (self.api.clone(), self.org(index));
        async move { OrgReply::Read(api.settings(org).await) }.boxed()
    }

    fn durable(&mut self, _: u32) {}

    fn replied(&mut self, index: u32, reply: OrgReply, cx: &mut Context<'_, C>) {
        let OrgReply::Read(reply) = reply else { return };
        match reply {
            Reply::Good(live) => self.find(index, Finding::Live(live), cx),
            Reply::Refused(refusal) | Reply::Unauthorized(refusal) => {
                self.find(index, Finding::Unread(Status::Rejected, refused(&refusal)), cx);
            }
            Reply::Unclear(unclear) => self.unclear(index, unclear, cx),
            Reply::Throttled(_) | Reply::NotSent(_) => {}
        }
    }

    fn withdrawn(&mut self, _: u32) {}

    fn forbidden(&mut self, index: u32, refusal: Refusal, cx: &mut Context<'_, C>) {
        self.find(index, Finding::Unread(Status::Rejected, refused(&refusal)), cx);
    }

    fn parked(&mut self, index: u32, throttle: Throttle, cx: &mut Context<'_, C>) {
        let complaint = Complaint {
            code: Code::OrgParked,
            message: parked_message(throttle),
            http_status: Some(throttle.http_status),
        };
        self.find(index, Finding::Unread(Status::NotAttempted, complaint), cx);
    }

    fn stop(&mut self, index: u32, _: bool, cx: &mut Context<'_, C>) {
        self.find(index, Finding::NotReached, cx);
    }

    fn panicked(&mut self, index: u32, what: &str, cx: &mut Context<'_, C>) {
        let complaint = Complaint { code: Code::OrgPanic, message: what.to_owned(), http_status: None };
        self.find(index, Finding::Unread(Status::Failed, complaint), cx);
    }

    fn wants_stop(&self) -> Option<StopReason> {
        None
    }

    fn org(&self, index: u32) -> Ruuid {
        self.under_way.get(&index).map(|reading| reading.org).expect("asked of orgs that are under way")
    }

    fn sample(&mut self, _: Sample) {}
}

impl<I, T, A, F> Survey<I, T, A, F> {
    fn unclear<C: Clock>(&mut self, index: u32, unclear: Unclear, cx: &mut Context<'_, C>)
    where
        F: FnMut(&T, Finding, &mut Context<'_, C>),
    {
        let Some(reading) = self.under_way.get_mut(&index) else { return };
        reading.failures += 1;
        if reading.failures >= cx.gate.limits().attempts {
            let complaint = Complaint {
                code: Code::OrgReadsSpent,
                message: unclear.message,
                http_status: unclear.http_status,
            };
            return self.find(index, Finding::Unread(Status::Failed, complaint), cx);
        }
        let delay = cx.gate.backoff.delay(reading.failures - 1);
        reading.wait_until = Some(cx.gate.clock().elapsed() + delay);
    }
}

/// Why an org was parked.
pub(crate) fn parked_message(throttle: Throttle) -> String {
    match throttle {
        Throttle { retry_after: Some(wait), .. } if wait > LONGEST_WAIT => {
            format!("the vendor asks to wait {} min more for this org", wait.as_secs().div_ceil(60))
        }
        Throttle { http_status: 403, .. } => {
            "answered 403 ten times in a row, and not in the vendor's form: a firewall or a limiter in between"
                .to_owned()
        }
        Throttle { http_status, .. } => format!("answered {http_status} ten times in a row"),
    }
}
