//! A run with everything that can befall it, drawn from a seed.

use std::sync::Arc;
use std::time::Duration;

use orgwave_core::operation::{Body, Catalog, Operation, Operations};
use orgwave_core::policy::{FailureBudget, Percent, Rate, VerifyPolicy, WriteMode};

use crate::objects::NAMES;
use crate::process::Ordeal;
use crate::stage::{self, Cells, Jumps, Part, Stage};
use crate::world::{Call, Effect, Fault, Kind, TokenBucket};

/// How often what happens, in a hundred calls, and what is wrong with single orgs.
#[derive(Debug, Clone)]
struct Weather {
    throttles: u8,
    unclear: u8,
    refusals: u8,
    drops: u8,
    gone: u8,
    stale: u8,
    edits: u8,
    warnings: u8,
    sleeps: u8,
    quiet_period: Duration,
    /// Orgs with something of their own, and what.
    odd: Vec<(u32, Oddity)>,
    /// What another writer does, by the places of the operations.
    hands: Vec<[(&'static str, &'static str); 3]>,
    /// The key is refused from this call on.
    key_dies: Option<usize>,
    outage: Option<std::ops::Range<Duration>>,
}

#[derive(Debug, Clone, Copy)]
enum Oddity {
    Forbidden,
    NotConnected,
    OtherOrg,
    Masked,
    AlwaysBroken,
    ThrottledForEver,
    LongWait,
}

/// A run and what befalls its processes.
pub(crate) struct Scenario {
    pub(crate) stage: Stage,
    pub(crate) ordeals: Vec<Ordeal>,
    pub(crate) journal_delay: Duration,
    pub(crate) faultless: bool,
    pub(crate) rng: fastrand::Rng,
    weather: Weather,
}

fn pick<T: Clone>(rng: &mut fastrand::Rng, items: &[T]) -> T {
    items[rng.usize(..items.len())].clone()
}

fn seconds(rng: &mut fastrand::Rng, most: f64) -> Duration {
    Duration::from_secs_f64(rng.f64() * most)
}

/// What is written: a single operation in half of the runs, else up to all that can be simulated. Without a read, what is
/// written must be described whole.
fn operations(rng: &mut fastrand::Rng, write: WriteMode) -> Operations {
    let catalog = Catalog::built_in();
    let named = NAMES.map(|name| catalog.get(name).expect("it is compiled in").clone());
    if rng.bool() {
        return Operations::one(named[0].clone());
    }
    let mut operations: Vec<Arc<Operation>> =
        named.into_iter().filter(|operation| write.reads() || operation.body == Body::Whole).collect();
    rng.shuffle(&mut operations);
    operations.truncate(rng.usize(1..=operations.len()));
    Operations::new(operations)
}

/// What a row has for one of several operations.
fn cells(rng: &mut fastrand::Rng) -> Cells {
    let step = match rng.u8(..10) {
        0 => Part::None,
        1 | 2 => Part::AsDesired,
        _ => Part::Write,
    };
    Cells { step, expects: rng.u8(..4) == 0 }
}

impl Scenario {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let rng = &mut rng;
        let orgs = if rng.u8(..20) == 0 { rng.usize(100..400) } else { rng.usize(1..40) };
        let waves = rng.u32(1..5);
        let mut waves: Vec<u32> = (0..orgs)
            .map(|_| if rng.u8(..10) == 0 { 0 } else { rng.u32(1..=waves).max(rng.u32(1..=waves)) })
            .collect();
        waves[0] = 1;
        let mut limits = stage::limits();
        limits.rate = pick(
            rng,
            &["auto", "unlimited", "20/s", "50/s", "200/s"].map(|text| text.parse::<Rate>().expect("a rate")),
        );
        limits.org_rate = pick(rng, &["1/s", "5/s", "unlimited"].map(|text| text.parse().expect("a rate")));
        limits.concurrency = pick(rng, &[1, 4, 16, 64]);
        limits.retry.attempts = pick(rng, &[1, 2, 3, 5]);
        let mut policy = stage::policy();
        policy.write = pick(rng, &[WriteMode::Merge, WriteMode::Merge, WriteMode::Patch, WriteMode::NoRead]);
        policy.operations = operations(rng, policy.write);
        policy.keep_going = rng.u8(..4) == 0;
        policy.verify = pick(
            rng,
            &[
                VerifyPolicy::All,
                VerifyPolicy::Settled,
                VerifyPolicy::Sample(Percent::of(40)),
                VerifyPolicy::None,
            ],
        );
        policy.has_canary = rng.u8(..4) > 0;
        policy.max_failures = pick(
            rng,
            &[
                FailureBudget::default(),
                FailureBudget::Orgs(3),
                FailureBudget::Share(Percent::of(50)),
                FailureBudget::Share(Percent::of(100)),
            ],
        );
        let faultless = rng.u8(..20) == 0;
        let mut weather =
            if faultless { Weather::fair(limits.retry.quiet_period) } else { Weather::draw(rng, orgs) };
        let world_seed = rng.u64(..);
        let mut stage = if policy.operations.are_several() {
            let cells = |_, _| cells(rng);
            Stage::of(&waves, limits, policy, world_seed, cells)
        } else {
            Stage::new(&waves, limits, policy, world_seed)
        };
        weather.hands = stage.objects.iter().map(|object| object.edits).collect();
        {
            let mut world = stage.world.lock();
            // Without a read, only a merging server keeps what isn't named.
            world.replaces = stage.policy.write == WriteMode::Merge && rng.bool();
            if !faultless && rng.u8(..4) == 0 {
                let rate = pick(rng, &[5.0, 20.0, 60.0]);
                world.partner = Some(TokenBucket::new(rate, rate * 2.0));
            }
            if !faultless && rng.u8(..4) == 0 {
                world.orgs.iter_mut().for_each(|org| org.bucket = Some(TokenBucket::new(0.5, 2.0)));
            }
        }
        let ordeals = if faultless {
            vec![Ordeal::Nothing]
        } else {
            (0..rng.usize(1..6)).map(|_| ordeal(rng)).collect()
        };
        if rng.u8(..6) == 0 {
            stage.clock_jumps = pick(rng, &[Jumps::Forward, Jumps::Back]);
        }
        if rng.bool() {
            stage.plans = Some(pick(rng, &[0, 0, 5, 40, 58, 90].map(Duration::from_secs)));
        }
        let journal_delay = if rng.bool() { Duration::ZERO } else { Duration::from_millis(rng.u64(1..40)) };
        let mut scenario = Self { stage, ordeals, journal_delay, faultless, rng: rng.clone(), weather };
        scenario.blow();
        scenario
    }

    /// Lets the faults begin.
    fn blow(&mut self) {
        let (weather, mut rng) = (self.weather.clone(), self.rng.fork());
        self.stage.world.trouble(move |call| weather.strikes(call, &mut rng));
    }

    /// Only orgs that no write gets through to are left; every org can be read.
    pub(crate) fn calm(&mut self) {
        let mut weather = Weather::fair(self.weather.quiet_period);
        weather.odd.clone_from(&self.weather.odd);
        weather.hands.clone_from(&self.weather.hands);
        weather.odd.retain(|(_, oddity)| matches!(oddity, Oddity::AlwaysBroken));
        self.weather = weather;
        self.stage.policy.max_failures = FailureBudget::Share(Percent::of(100));
        self.stage.world.lock().partner = None;
        self.blow();
    }
}

fn ordeal(rng: &mut fastrand::Rng) -> Ordeal {
    let soon = if rng.bool() { 4.0 } else { 90.0 };
    match rng.u8(..10) {
        0 => Ordeal::Drain(seconds(rng, soon)),
        1 => Ordeal::Abort(seconds(rng, soon)),
        2 => Ordeal::DrainAndAbort(seconds(rng, soon), seconds(rng, 10.0)),
        3 => Ordeal::MaxDuration(seconds(rng, soon)),
        4 | 5 => Ordeal::Dies(seconds(rng, soon)),
        6 | 7 => Ordeal::DiesAtIntent(rng.u32(..30), rng.bool()),
        8 => Ordeal::JournalFails(rng.u32(..30)),
        _ => Ordeal::Nothing,
    }
}

impl Weather {
    fn fair(quiet_period: Duration) -> Self {
        Self {
            throttles: 0,
            unclear: 0,
            refusals: 0,
            drops: 0,
            gone: 0,
            stale: 0,
            edits: 0,
            warnings: 0,
            sleeps: 0,
            quiet_period,
            odd: Vec::new(),
            hands: Vec::new(),
            key_dies: None,
            outage: None,
        }
    }

    fn draw(rng: &mut fastrand::Rng, orgs: usize) -> Self {
        let mut weather = Self::fair(stage::limits().retry.quiet_period);
        for share in [&mut weather.throttles, &mut weather.unclear] {
            *share = pick(rng, &[0, 3, 10, 40]);
        }
        for share in [&mut weather.refusals, &mut weather.edits, &mut weather.warnings] {
            *share = pick(rng, &[0, 0, 2, 10]);
        }
        weather.stale = pick(rng, &[0, 0, 10, 50]);
        weather.drops = pick(rng, &[0, 0, 5, 60]);
        weather.gone = pick(rng, &[0, 0, 0, 5]);
        for _ in 0..pick(rng, &[0, 0, 1, 3]) {
            let oddity = pick(
                rng,
                &[
                    Oddity::Forbidden,
                    Oddity::NotConnected,
                    Oddity::OtherOrg,
                    Oddity::Masked,
                    Oddity::AlwaysBroken,
                    Oddity::ThrottledForEver,
                    Oddity::LongWait,
                ],
            );
            weather.odd.push((u32::try_from(rng.usize(..orgs)).expect("a few orgs"), oddity));
        }
        if rng.u8(..8) == 0 {
            weather.key_dies = Some(rng.usize(..100));
        }
        if rng.u8(..6) == 0 {
            let from = seconds(rng, 20.0);
            weather.outage = Some(from..from + seconds(rng, 200.0));
        }
        weather.sleeps = pick(rng, &[0, 0, 0, 2]);
        weather
    }

    fn strikes(&self, call: &Call, rng: &mut fastrand::Rng) -> Option<Fault> {
        if self.outage.as_ref().is_some_and(|outage| outage.contains(&call.at)) {
            return Some(Fault::NotSent);
        }
        if self.key_dies.is_some_and(|dies| call.number >= dies) {
            return Some(Fault::Unauthorized(pick(rng, &[401, 403])));
        }
        if let Some((_, oddity)) = self.odd.iter().find(|(org, _)| Some(*org) == call.org)
            && let Some(fault) = oddity.fault(call)
        {
            return Some(fault);
        }
        let is_write = call.kind == Kind::Write;
        let hits = |rng: &mut fastrand::Rng, share: u8| rng.u8(..100) < share;
        if hits(rng, self.throttles) {
            let wait = pick(rng, &[None, Some(1), Some(3), Some(30)]).map(Duration::from_secs);
            return Some(if rng.u8(..4) == 0 { Fault::Block(wait) } else { Fault::Throttle(wait) });
        }
        if !is_write && hits(rng, self.drops) {
            return Some(Fault::Dropped);
        }
        if hits(rng, self.unclear) {
            return Some(self.unclear_fault(rng));
        }
        if hits(rng, self.refusals) && call.kind != Kind::List {
            return Some(match (is_write, rng.u8(..3)) {
                (true, 0) => Fault::Error,
                (true, 1) if rng.bool() => Fault::RefuseApplied(pick(rng, &[400, 404, 409])),
                _ => Fault::Refuse(pick(rng, &[400, 404, 409, 422])),
            });
        }
        if call.kind != Kind::List && hits(rng, self.sleeps) {
            return Some(Fault::Sleep(Duration::from_secs(rng.u64(1..8 * 3600))));
        }
        if is_write && hits(rng, self.gone) {
            return Some(Fault::Gone);
        }
        if is_write {
            return hits(rng, self.warnings).then_some(Fault::Warned);
        }
        if call.kind == Kind::List {
            return None;
        }
        if hits(rng, self.stale) {
            return Some(Fault::Stale(self.quiet_period.mul_f64(0.45 * rng.f64())));
        }
        hits(rng, self.edits).then(|| {
            let (field, json) = pick(rng, &self.hands[usize::from(call.place)]);
            Fault::EditAfter(field, json)
        })
    }

    fn unclear_fault(&self, rng: &mut fastrand::Rng) -> Fault {
        let effect = match rng.u8(..3) {
            0 => Effect::Never,
            1 => Effect::AtOnce,
            _ => Effect::Late(self.quiet_period.mul_f64(0.45 * rng.f64())),
        };
        match rng.u8(..6) {
            0 => Fault::Timeout(effect),
            1 => Fault::Unclear(None, effect, None),
            2 => Fault::Unclear(Some(503), effect, Some(Duration::from_secs(rng.u64(1..20)))),
            _ => Fault::Unclear(Some(pick(rng, &[500, 502, 504])), effect, None),
        }
    }
}

impl Oddity {
    fn fault(self, call: &Call) -> Option<Fault> {
        let is_write = call.kind == Kind::Write;
        match self {
            Self::Forbidden => Some(Fault::Unauthorized(403)),
            Self::NotConnected => (!is_write).then_some(Fault::NotConnected),
            Self::OtherOrg => (!is_write).then_some(Fault::OtherOrg),
            Self::Masked => (!is_write).then_some(Fault::MaskedSecret),
            Self::AlwaysBroken => is_write.then_some(Fault::Unclear(Some(500), Effect::Never, None)),
            Self::ThrottledForEver => Some(Fault::Throttle(Some(Duration::from_secs(1)))),
            Self::LongWait => Some(Fault::Throttle(Some(Duration::from_secs(3600)))),
        }
    }
}
