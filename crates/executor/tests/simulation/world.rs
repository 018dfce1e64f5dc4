//! The vendor, in memory and in virtual time: orgs with settings, token buckets, scripted faults, and a ledger
//! of every request.
//!
//! It shares no code with what it judges: bodies are applied as plain JSON, and whether an org is as desired is
//! asked of its own state. It has no opinion on what a caller should do.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use orgwave_core::ids::{Ruuid, StepId};
use orgwave_core::operation::Operation;
use orgwave_core::reply::{
    Ack, Cause, ClientList, Listed, Live, Refusal, RefusalKind, Reply, Said as Confessed, Throttle, Unclear,
};
use orgwave_core::settings::RawObject;
use orgwave_executor::ports::{ReadApi, WriteApi};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use crate::objects::Object;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    List,
    Read,
    Write,
}

/// A request, as the problem-maker sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
    /// The org's place in the plan; `None` for the client list.
    pub(crate) org: Option<u32>,
    /// The place of the operation.
    pub(crate) place: u8,
    /// How many requests of this kind the org had before, of the operation.
    pub(crate) nth: u32,
    /// How many requests there were before, of all.
    pub(crate) number: usize,
}

/// When a write with an unclear reply takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Never,
    AtOnce,
    Late(Duration),
}

/// Trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttle(Option<Duration>),
    /// 403 of an intermediary.
    Block(Option<Duration>),
    /// A status that refuses.
    Refuse(u16),
    /// The same, though the write is applied: the answer is another request's.
    RefuseApplied(u16),
    /// The connection of a read is closed before any byte of a reply.
    Dropped,
    /// The org is gone from now on.
    Gone,
    /// 200 with `error: true`.
    Error,
    /// 401 or 403.
    Unauthorized(u16),
    /// A status, or none for a reset.
    Unclear(Option<u16>, Effect, Option<Duration>),
    Timeout(Effect),
    NotSent,
    NotConnected,
    OtherOrg,
    MaskedSecret,
    /// The task that makes the call panics, once it has been sent.
    Panic,
    /// A read shows what was there so long ago.
    Stale(Duration),
    Warned,
    /// The answer takes so much longer.
    Slow(Duration),
    /// Another writer sets a field, right after this request.
    EditAfter(&'static str, &'static str),
    /// The machine is suspended this long before the answer is heard, and another writer sets something unmanaged
    /// meanwhile.
    Sleep(Duration),
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// No answer yet, or the caller was gone.
    None,
    /// What was shown, for a read.
    Shown(Map<String, Value>),
    Acked,
    Listed,
    Throttled(Option<Duration>),
    Unclear(Option<Duration>),
    Other,
    NotSent,
}

/// A line of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) process: u32,
    /// It was made for the plan, before the run began.
    pub(crate) plans: bool,
    /// Of a write whose body shows it: the read that it was built on, by its place in the ledger.
    pub(crate) built_on: Option<usize>,
    pub(crate) at: Duration,
    pub(crate) until: Option<Duration>,
    pub(crate) kind: Kind,
    pub(crate) org: Option<u32>,
    /// The place of the operation.
    pub(crate) place: u8,
    pub(crate) answer: Answer,
    /// When it changed the org.
    pub(crate) applied: Option<Duration>,
}

impl Record {
    /// The step that it is about.
    pub(crate) fn step(&self) -> Option<StepId> {
        self.org.map(|org| StepId { org, place: self.place })
    }
}

/// What every read shows beside the settings: its place in the ledger. A write of the whole object sends that, too;
/// that it changes is no writer's doing.
const STAMP: &str = "readSequence";

/// A token bucket, full at first.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Duration,
}

impl TokenBucket {
    pub(crate) fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, tokens: burst, at: Duration::ZERO }
    }

    /// Another client has just emptied it.
    pub(crate) fn empty(mut self) -> Self {
        self.tokens = 0.0;
        self
    }

    fn refill(&mut self, now: Duration) {
        self.tokens = (self.tokens + self.rate * now.saturating_sub(self.at).as_secs_f64()).min(self.burst);
        self.at = now;
    }

    pub(crate) fn set_rate(&mut self, rate: f64, now: Duration) {
        self.refill(now);
        self.rate = rate;
        self.burst = rate * 10.0;
        self.tokens = self.tokens.min(self.burst);
    }

    /// Takes a token, or says in how many whole seconds there is one.
    fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.refill(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(((1.0 - self.tokens) / self.rate).ceil().max(1.0)))
    }
}

/// An org at the vendor.
#[derive(Debug, Clone)]
pub(crate) struct Org {
    pub(crate) id: Ruuid,
    /// Its settings, by the places of the operations.
    pub(crate) objects: Vec<Settings>,
    pub(crate) bucket: Option<TokenBucket>,
    /// It isn't there any more.
    pub(crate) gone: bool,
}

/// One settings object of an org.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) live: Map<String, Value>,
    /// What was there before, and until when.
    past: Vec<(Duration, Map<String, Value>)>,
    /// Another writer wrote to it.
    pub(crate) edited: bool,
    calls: [u32; 3],
}

impl Settings {
    fn new(live: Map<String, Value>) -> Self {
        Self { live, past: Vec::new(), edited: false, calls: [0; 3] }
    }

    fn change(&mut self, now: Duration, settings: Map<String, Value>) {
        let before = std::mem::replace(&mut self.live, settings);
        self.past.push((now, before));
    }

    /// Another writer sets a member, a moment from now: the request that is being answered doesn't see it.
    fn edit(&mut self, now: Duration, (name, json): (&str, &str)) {
        self.edited = true;
        let mut settings = self.live.clone();
        settings.insert(name.into(), serde_json::from_str(json).expect("scripted as JSON"));
        self.change(now + Duration::from_nanos(1), settings);
    }

    fn at(&self, then: Duration) -> &Map<String, Value> {
        self.past.iter().find(|(until, _)| then < *until).map_or(&self.live, |(_, settings)| settings)
    }
}

type Trouble = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

pub(crate) struct State {
    pub(crate) orgs: Vec<Org>,
    pub(crate) ledger: Vec<Record>,
    pub(crate) partner: Option<TokenBucket>,
    /// A write replaces all settings, or only those that it names.
    pub(crate) replaces: bool,
    pub(crate) latency: std::ops::Range<Duration>,
    pub(crate) trouble: Trouble,
    /// How long the machine was suspended each time, which its timers don't count.
    pub(crate) sleeps: Vec<Duration>,
    rng: fastrand::Rng,
}

/// The vendor, shared by all who call it.
#[derive(Clone)]
pub(crate) struct World {
    /// What the orgs have, by the places of the operations.
    objects: Arc<[Object]>,
    state: Arc<Mutex<State>>,
    began: Instant,
    timeout: Duration,
}

impl World {
    pub(crate) fn new(
        objects: Vec<Object>,
        orgs: Vec<(Ruuid, Vec<Map<String, Value>>)>,
        timeout: Duration,
        seed: u64,
    ) -> Self {
        let org = |(id, settings): (Ruuid, Vec<Map<String, Value>>)| Org {
            id,
            objects: settings.into_iter().map(Settings::new).collect(),
            bucket: None,
            gone: false,
        };
        let state = State {
            orgs: orgs.into_iter().map(org).collect(),
            ledger: Vec::new(),
            partner: None,
            replaces: true,
            latency: Duration::from_millis(20)..Duration::from_millis(120),
            trouble: Box::new(|_| None),
            sleeps: Vec::new(),
            rng: fastrand::Rng::with_seed(seed),
        };
        Self { objects: objects.into(), state: Arc::new(Mutex::new(state)), began: Instant::now(), timeout }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the world")
    }

    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed() + self.slept()
    }

    /// How long the machine was suspended so far.
    pub(crate) fn slept(&self) -> Duration {
        self.lock().sleeps.iter().sum()
    }

    /// Makes this problem from now on.
    pub(crate) fn trouble(&self, trouble: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.lock().trouble = Box::new(trouble);
    }

    /// The vendor as a process sees it.
    pub(crate) fn transport(&self, process: u32) -> Transport {
        Transport { world: self.clone(), process, plans: false }
    }

    /// The same, while it makes the plan.
    pub(crate) fn planning(&self, process: u32) -> Transport {
        Transport { plans: true, ..self.transport(process) }
    }

    fn step(&self, operation: &Operation, org: &Ruuid) -> StepId {
        let index = self.lock().orgs.iter().position(|other| other.id == *org);
        let index = index.expect("only orgs of the world are called");
        let is_it = |object: &Object| object.operation.name == operation.name;
        let place = self.objects.iter().position(is_it).expect("only operations of the world are called");
        StepId {
            org: u32::try_from(index).expect("a few orgs"),
            place: u8::try_from(place).expect("a few operations"),
        }
    }

    fn apply(&self, number: usize, StepId { org, place }: StepId, body: &Map<String, Value>) {
        let now = self.now();
        let mut state = self.lock();
        let replaces = state.replaces;
        let object = &self.objects[usize::from(place)];
        let settings = &mut state.orgs[org as usize].objects[usize::from(place)];
        let mut live = settings.live.clone();
        if replaces {
            live.retain(|name, _| !object.may_write(name));
        }
        for (name, value) in body.iter().filter(|(name, _)| object.may_write(name)) {
            live.insert(name.clone(), value.clone());
        }
        settings.change(now, live);
        state.ledger[number].applied = Some(now);
    }
}

/// The vendor, as one process reaches it.
#[derive(Clone)]
pub(crate) struct Transport {
    world: World,
    process: u32,
    plans: bool,
}

/// What came back, before it is put into the words of one operation.
enum Said {
    Done(Answer, Ack),
    NotConnected,
    Refused(Refusal),
    Unauthorized(Refusal),
    Throttled(Throttle),
    NotSent,
    Unclear(Unclear),
}

impl Said {
    fn into_reply<T>(self, good: impl FnOnce(Answer, Ack) -> T) -> Reply<T> {
        match self {
            Self::Done(answer, ack) => Reply::Good(good(answer, ack)),
            Self::NotConnected => unreachable!("asked before"),
            Self::Refused(refusal) => Reply::Refused(refusal),
            Self::Unauthorized(refusal) => Reply::Unauthorized(refusal),
            Self::Throttled(throttle) => Reply::Throttled(throttle),
            Self::NotSent => Reply::NotSent("connection refused".into()),
            Self::Unclear(unclear) => Reply::Unclear(unclear),
        }
    }
}

fn refusal(http_status: u16, kind: RefusalKind) -> Refusal {
    Refusal { http_status, kind, message: "no".into() }
}

impl Transport {
    async fn call(&self, kind: Kind, step: Option<StepId>, body: Option<Map<String, Value>>) -> Said {
        let (number, fault, latency) = self.arrive(kind, step);
        match fault {
            Some(Fault::NotSent) => {
                sleep(latency / 8).await;
                return self.answer(number, Answer::NotSent, Said::NotSent);
            }
            Some(Fault::Throttle(wait) | Fault::Block(wait)) => {
                sleep(latency / 4).await;
                let http_status = if matches!(fault, Some(Fault::Block(_))) { 403 } else { 429 };
                let throttle = Throttle { http_status, retry_after: wait };
                return self.answer(number, Answer::Throttled(wait), Said::Throttled(throttle));
            }
            Some(Fault::Slow(more)) => sleep(latency / 2 + more).await,
            _ => sleep(latency / 2).await,
        }
        if let Some(read) = body.as_ref().and_then(|body| body.get(STAMP)?.as_u64()) {
            self.world.lock().ledger[number].built_on = usize::try_from(read).ok();
        }
        let said = self.handle(number, step, fault, body).await;
        sleep(latency / 2).await;
        let answer = match &said {
            Said::Done(answer, _) => answer.clone(),
            Said::Unclear(unclear) => Answer::Unclear(unclear.retry_after),
            _ => Answer::Other,
        };
        self.answer(number, answer, said)
    }

    fn arrive(&self, kind: Kind, step: Option<StepId>) -> (usize, Option<Fault>, Duration) {
        let at = self.world.now();
        let mut state = self.world.lock();
        let number = state.ledger.len();
        let (org, place) = (step.map(|step| step.org), step.map_or(0, |step| step.place));
        let nth = org.map_or(0, |org| {
            let calls = &mut state.orgs[org as usize].objects[usize::from(place)].calls[kind as usize];
            *calls += 1;
            *calls - 1
        });
        let mut fault = (state.trouble)(&Call { at, kind, org, place, nth, number });
        // A call that never came or that was refused for another reason takes nothing out of a bucket.
        if !matches!(fault, Some(Fault::NotSent | Fault::Throttle(_) | Fault::Block(_))) {
            let of_org = org.and_then(|org| state.orgs[org as usize].bucket.as_mut());
            let refused = of_org.and_then(|bucket| bucket.take(at).err());
            let refused = refused.or_else(|| state.partner.as_mut().and_then(|bucket| bucket.take(at).err()));
            if let Some(wait) = refused {
                fault = Some(Fault::Throttle(Some(wait)));
            }
        }
        if org.is_some_and(|org| state.orgs[org as usize].gone)
            && !matches!(fault, Some(Fault::NotSent | Fault::Throttle(_) | Fault::Block(_)))
        {
            fault = Some(Fault::Refuse(404));
        }
        let latency = state.latency.clone();
        let latency = latency.start + latency.end.saturating_sub(latency.start).mul_f64(state.rng.f64());
        state.ledger.push(Record {
            process: self.process,
            plans: self.plans,
            built_on: None,
            at,
            until: None,
            kind,
            org,
            place,
            answer: Answer::None,
            applied: None,
        });
        (number, fault, latency)
    }

    async fn handle(
        &self,
        number: usize,
        step: Option<StepId>,
        fault: Option<Fault>,
        body: Option<Map<String, Value>>,
    ) -> Said {
        let effect = match fault {
            None
            | Some(
                Fault::Warned
                | Fault::Slow(_)
                | Fault::EditAfter(..)
                | Fault::RefuseApplied(_)
                | Fault::Gone
                | Fault::Sleep(_),
            ) => Effect::AtOnce,
            Some(Fault::Unclear(_, effect, _) | Fault::Timeout(effect)) => effect,
            Some(_) => Effect::Never,
        };
        if let (Some(step), Some(body)) = (step, &body) {
            match effect {
                Effect::Never => {}
                Effect::AtOnce => self.world.apply(number, step, body),
                Effect::Late(delay) => {
                    let (world, body) = (self.world.clone(), body.clone());
                    tokio::spawn(async move {
                        sleep(delay).await;
                        world.apply(number, step, &body);
                    });
                }
            }
        }
        let message = "broken".to_owned();
        match fault {
            Some(Fault::Panic) => panic!("a defect of ours"),
            Some(Fault::Refuse(status) | Fault::RefuseApplied(status)) => {
                Said::Refused(refusal(status, RefusalKind::Status))
            }
            Some(Fault::Error) => Said::Refused(refusal(200, RefusalKind::Error)),
            Some(Fault::Unauthorized(status)) => Said::Unauthorized(refusal(status, RefusalKind::Status)),
            Some(Fault::Unclear(http_status, _, retry_after)) => {
                let cause = if http_status.is_some() { Cause::ServerError } else { Cause::Broken };
                Said::Unclear(Unclear { cause, http_status, retry_after, message })
            }
            Some(Fault::Dropped) => Said::Unclear(Unclear {
                cause: Cause::Dropped,
                http_status: None,
                retry_after: None,
                message,
            }),
            Some(Fault::Timeout(_)) => {
                sleep(self.world.timeout).await;
                Said::Unclear(Unclear {
                    cause: Cause::Timeout,
                    http_status: None,
                    retry_after: None,
                    message,
                })
            }
            Some(Fault::NotConnected) => Said::NotConnected,
            fault => self.good(number, step, fault.as_ref(), body.is_some()),
        }
    }

    fn good(&self, number: usize, step: Option<StepId>, fault: Option<&Fault>, is_write: bool) -> Said {
        let now = self.world.now();
        let Some(StepId { org, place }) = step else { return Said::Done(Answer::Listed, Ack::default()) };
        let object = &self.world.objects[usize::from(place)];
        let mut state = self.world.lock();
        if let Some(Fault::Sleep(time)) = fault {
            state.sleeps.push(*time);
        }
        let org = &mut state.orgs[org as usize];
        let settings = &mut org.objects[usize::from(place)];
        let then = match fault {
            Some(Fault::Stale(age)) => now.saturating_sub(*age),
            _ => now,
        };
        let mut shown = settings.at(then).clone();
        shown.insert(STAMP.into(), number.into());
        let mut ack = Ack::default();
        match fault {
            Some(Fault::OtherOrg) => {
                let other = Ruuid::from_bytes([0xFF; 16]).to_string();
                shown.entry("orgUuid").and_modify(|owner| *owner = Value::String(other));
            }
            Some(Fault::MaskedSecret) => {
                shown.extend(object.secret.map(|secret| (secret.into(), Value::String("***".into()))));
            }
            Some(Fault::Gone) => {
                org.gone = true;
                org.objects.iter_mut().for_each(|settings| settings.edited = true);
            }
            Some(Fault::Warned) => {
                ack.push("warning", Confessed::Text("one door is in two locations".into()));
            }
            Some(Fault::Sleep(_)) => settings.edit(now, object.edits[0]),
            Some(Fault::EditAfter(field, json)) => settings.edit(now, (field, json)),
            _ => {}
        }
        Said::Done(if is_write { Answer::Acked } else { Answer::Shown(shown) }, ack)
    }

    fn answer(&self, number: usize, answer: Answer, said: Said) -> Said {
        let now = self.world.now();
        let mut state = self.world.lock();
        state.ledger[number].until = Some(now);
        state.ledger[number].answer = answer;
        said
    }
}

impl ReadApi for Transport {
    async fn clients(&self) -> Reply<ClientList> {
        let said = self.call(Kind::List, None, None).await;
        let listed = |org: Ruuid| Listed { org, name: None, access_allowed: None, deactivated: None };
        let orgs = || {
            let world = self.world.lock();
            let there = world.orgs.iter().filter(|org| !org.gone);
            ClientList { clients: there.map(|org| listed(org.id)).collect(), unreadable: Vec::new() }
        };
        said.into_reply(|_, _| orgs())
    }

    async fn shared(&self, operations: &[Arc<Operation>], org: Ruuid) -> Reply<Vec<Live>> {
        let [operation] = operations else { unreachable!("reads here are of one operation") };
        self.settings(operation, org).await.map(|live| vec![live])
    }

    async fn settings(&self, operation: &Arc<Operation>, org: Ruuid) -> Reply<Live> {
        let step = self.world.step(operation, &org);
        match self.call(Kind::Read, Some(step), None).await {
            Said::NotConnected => Reply::Good(Live::NotConnected(None)),
            said => said.into_reply(|answer, _| match answer {
                Answer::Shown(settings) => {
                    let text = Value::Object(settings).to_string();
                    Live::Connected(RawObject::parse(&text).expect("an object"), None)
                }
                other => unreachable!("a read is answered with settings, not {other:?}"),
            }),
        }
    }
}

impl WriteApi for Transport {
    async fn update(&self, operation: &Arc<Operation>, org: Ruuid, body: Bytes) -> Reply<Ack> {
        let step = self.world.step(operation, &org);
        let body: Value = serde_json::from_slice(&body).expect("bodies are JSON");
        let wrap = self.world.objects[usize::from(step.place)].wrap;
        let settings = wrap.map_or(&body, |wrap| &body[wrap]);
        let settings = settings.as_object().expect("the settings of an update").clone();
        self.call(Kind::Write, Some(step), Some(settings)).await.into_reply(|_, ack| ack)
    }
}
