//! An org's driver, without a runtime: replies drawn at random, unrequested events, and a crash between any
//! two steps, held against a vendor of one org and a journal of its entries.

use std::time::Duration;

use orgwave_core::compare::{Context, diff};
use orgwave_core::desired::{Desired, DesiredValue, Expect, Managed, Origin};
use orgwave_core::ids::{Ruuid, StepId};
use orgwave_core::operation::Operation;
use orgwave_core::org::{Drive as _, Driver, Ended, Event, HeldRead, Input, OrgState, Phase, Rules, Step};
use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::plan::{PlannedStep, Precondition, Verdict};
use orgwave_core::policy::{RetryPolicy, VerifyPolicy, WriteMode};
use orgwave_core::reply::{Ack, Cause, ClientList, Live, Refusal, RefusalKind, Reply, Throttle, Unclear};
use orgwave_core::secret::{SealKey, SecretText, Secrets};
use orgwave_core::settings::RawObject;
use orgwave_core::status::{Status, Verified};
use orgwave_core::timestamp::Timestamp;
use proptest::prelude::*;

const ORG: [u8; 16] = [3; 16];

/// The vendor's settings of the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settings {
    Before,
    Desired,
    Another,
}

fn live(settings: Settings) -> RawObject {
    let enabled = settings == Settings::Desired;
    let clips = if settings == Settings::Another { "null" } else { "false" };
    let json =
        format!(r#"{{"orgUuid":"{}","enabled":{enabled},"saveClips":{clips}}}"#, Ruuid::from_bytes(ORG));
    RawObject::parse(&json).expect("an object")
}

/// What a plan holds of the org: `enabled` is to become true, and `saveClips` to stay false.
fn step(secrets: &Secrets, seal: &SealKey) -> PlannedStep {
    let managed = |path: &str, value: bool| Managed {
        path: Operation::default_one().path(path).expect("a path"),
        desired: DesiredValue::Set(value.into()),
        origin: Origin::Row,
    };
    let desired =
        Desired { managed: vec![managed("enabled", true), managed("saveClips", false)], expects: Vec::new() };
    let diff = diff(
        &desired,
        Some(&live(Settings::Before)),
        Context { operation: &Operation::default_one(), secrets, seal },
    )
    .expect("known shapes");
    PlannedStep { fields: diff.fields, ..PlannedStep::new(&Operation::default_one(), 0, Verdict::Update) }
}

/// What befalls a step.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It goes well.
    Well,
    /// The call has an effect, if it is one that has, and its reply is lost.
    Lost,
    /// It has none, and the reply is lost.
    Vanished,
    /// The call has its effect, and is refused by a status: another request's reply.
    Crossed,
    Refused,
    RefusedInBody,
    NotFound,
    Throttled(u32),
    Forbidden,
    NotSent,
    Stale,
    /// An unrequested event comes first.
    Astray(u8),
    /// Another writer writes first.
    Edited,
    /// Another writer first changes what is expected of another operation.
    Unexpected,
    Panics,
    /// The run stops.
    Stops(bool),
    /// The machine is suspended this many seconds.
    Sleeps(u32),
    /// The process dies; of what isn't durable, this many entries are lost.
    Dies(usize),
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Fate::Well),
        2 => Just(Fate::Lost),
        2 => Just(Fate::Vanished),
        1 => Just(Fate::Crossed),
        1 => Just(Fate::Refused),
        1 => Just(Fate::RefusedInBody),
        1 => Just(Fate::NotFound),
        1 => (0_u32..2000).prop_map(Fate::Throttled),
        1 => Just(Fate::Forbidden),
        1 => Just(Fate::NotSent),
        1 => Just(Fate::Stale),
        2 => any::<u8>().prop_map(Fate::Astray),
        1 => Just(Fate::Edited),
        1 => Just(Fate::Unexpected),
        1 => Just(Fate::Panics),
        1 => any::<bool>().prop_map(Fate::Stops),
        1 => (1_u32..200).prop_map(Fate::Sleeps),
        2 => (0_usize..4).prop_map(Fate::Dies),
    ]
}

fn refusal(http_status: u16, kind: RefusalKind) -> Refusal {
    Refusal { http_status, kind, message: "no".to_owned() }
}

fn lost<T>() -> Reply<T> {
    let message = "timed out".to_owned();
    Reply::Unclear(Unclear { cause: Cause::Timeout, http_status: None, retry_after: None, message })
}

fn throttled(seconds: u32) -> Throttle {
    Throttle { http_status: 429, retry_after: Some(Duration::from_secs(seconds.into())) }
}

/// The journal of one org, and how much of it would survive.
#[derive(Debug, Default)]
struct Journal {
    entries: Vec<Entry>,
    durable: usize,
}

impl Journal {
    /// Replayed, as a resume does: what doesn't fit is a defect.
    fn progress(&self) -> OrgProgress {
        let mut org = OrgProgress {
            id: StepId { org: 0, place: 0 },
            state: OrgState::new(),
            outcome: None,
            before: None,
            started_at: None,
            ack: Ack::default(),
        };
        let enter = |org: &mut OrgProgress, input| {
            org.state = org.state.next(input).expect("the journal is legal");
            org.outcome = None;
        };
        for entry in &self.entries {
            match entry {
                Entry::Intent { before, started_at, .. } => {
                    enter(&mut org, Input::Differs);
                    enter(&mut org, Input::Intent);
                    org.before = Some(before.clone());
                    org.started_at.get_or_insert(*started_at);
                }
                Entry::Step { inputs, ack, .. } => {
                    for input in inputs {
                        enter(&mut org, *input);
                    }
                    assert_eq!(org.state.status(), None, "its outcome was to say so");
                    if let Some(ack) = ack {
                        org.ack = ack.clone();
                    }
                }
                Entry::Outcome { inputs, outcome } => {
                    for input in inputs {
                        enter(&mut org, *input);
                    }
                    if org.before.is_some() {
                        assert_eq!(org.state.status(), Some(outcome.status));
                    }
                    org.outcome = Some(outcome.clone());
                }
                _ => {}
            }
        }
        org
    }

    fn proofs(&self) -> usize {
        let is_proof = |input: &&Input| matches!(input, Input::NotApplied | Input::StillAsBefore { .. });
        let inputs = self.entries.iter().flat_map(|entry| match entry {
            Entry::Step { inputs, .. } | Entry::Outcome { inputs, .. } => &inputs[..],
            _ => &[],
        });
        inputs.filter(is_proof).count()
    }
}

/// What a case is played with.
struct Play<'a> {
    rules: &'a Rules<'a>,
    step: PlannedStep,
    journal: Journal,
    settings: Settings,
    now: Timestamp,
    sends: usize,
    /// Sends whose end is unknown, since the process died.
    deaths: usize,
    effects: usize,
    is_edited: bool,
    /// What must be so of another operation before the first write, whether it is, and when this process has asked last.
    precondition: Option<Precondition>,
    is_expected: Option<bool>,
    looked: Option<Timestamp>,
    /// How old the reads are that the first process holds, if it does: of the org, and of the other operation.
    held: [Option<Duration>; 2],
    /// When this process has asked for the settings last, and nothing was sent since that may have been applied.
    read: Option<Timestamp>,
    reads: usize,
}

impl<'a> Play<'a> {
    fn driver(&self) -> (Driver<'a>, Event<Live>) {
        let driver =
            Driver::begin(self.rules, (0, Ruuid::from_bytes(ORG)), self.step.clone(), true, self.now, None);
        let driver = driver.after(self.precondition.clone());
        let driver = driver.holding(self.held());
        let progress = self.journal.progress();
        if progress.before.is_none() {
            return (driver, Event::Woken);
        }
        (driver.resume(progress), Event::Resumed)
    }

    /// What this process has read before the org's turn.
    fn held(&self) -> Vec<HeldRead> {
        let at = |age: Duration| {
            let age = i64::try_from(age.as_millis()).expect("minutes at most");
            Timestamp::from_millis(self.now.as_millis() - age)
        };
        let own =
            self.held[0].map(|age| HeldRead { place: 0, settings: live(self.settings), requested: at(age) });
        let is_so = self.is_expected == Some(true);
        let other = RawObject::parse(&format!(r#"{{"mfaEnabled":{is_so}}}"#)).expect("an object");
        let other = self.held[1].map(|age| HeldRead { place: 1, settings: other, requested: at(age) });
        other.into_iter().chain(own).collect()
    }

    /// Before the first write, another operation is to be so.
    fn expect(&mut self, is_so: bool) {
        let operation = Operation::named("org-mfa").expect("it is compiled in");
        let expect = Expect { path: operation.path("mfaEnabled").expect("a path"), value: true.into() };
        self.precondition = Some(Precondition { operation, place: 1, expects: vec![expect] });
        self.is_expected = Some(is_so);
    }

    fn read(&mut self, fate: Fate, operation: &Operation) -> Event<Live> {
        let requested = self.now;
        let is_other = operation.name != self.step.operation.name;
        let reply = match fate {
            Fate::Lost | Fate::Vanished => lost(),
            Fate::Refused | Fate::Crossed | Fate::RefusedInBody => {
                Reply::Refused(refusal(400, RefusalKind::Status))
            }
            Fate::NotFound => Reply::Refused(refusal(404, RefusalKind::Status)),
            _ if is_other && self.is_expected == Some(true) => {
                self.looked = Some(requested);
                let object = RawObject::parse(r#"{"mfaEnabled":true}"#).expect("an object");
                Reply::Good(Live::Connected(object, None))
            }
            _ if is_other => Reply::Good(Live::NotConnected(None)),
            _ => {
                self.read = Some(requested);
                Reply::Good(Live::Connected(live(self.settings), None))
            }
        };
        self.reads += 1;
        Event::ReadReply { reply, requested }
    }

    fn write(&mut self, fate: Fate, body: &[u8]) -> Event<Live> {
        assert!(String::from_utf8_lossy(body).contains(r#""enabled":true"#));
        let is_first = self.sends == 0;
        let is_fresh =
            |read: Option<Timestamp>| read.is_some_and(|read| self.now < read.plus(Duration::from_secs(60)));
        let reads = self.rules.write.reads();
        assert!(is_fresh(self.looked) || !is_first || self.precondition.is_none(), "sent without a look");
        assert!(is_fresh(self.read) || !reads, "built on what was read at {:?}", self.read);
        self.read = None;
        self.sends += 1;
        let state = self.journal.progress().state;
        assert_eq!(state.phase(), Phase::Intent, "sent without a durable intent");
        assert_eq!(self.journal.durable, self.journal.entries.len());
        assert!(!state.is_acked(), "sent again after it was accepted");
        let takes_effect =
            !matches!(fate, Fate::Vanished | Fate::Refused | Fate::RefusedInBody | Fate::NotFound);
        if takes_effect {
            self.effects += usize::from(self.settings != Settings::Desired);
            self.settings = Settings::Desired;
        }
        Event::WriteReply(match fate {
            Fate::Lost | Fate::Vanished => lost(),
            Fate::Refused | Fate::Crossed | Fate::NotFound => {
                Reply::Refused(refusal(400, RefusalKind::Status))
            }
            Fate::RefusedInBody => Reply::Refused(refusal(200, RefusalKind::Error)),
            _ => Reply::Good(Ack::default()),
        })
    }

    /// Plays one process. Returns what it ended with; none, if it died.
    fn process(&mut self, fates: &mut impl Iterator<Item = Fate>) -> Option<Ended> {
        let held = self.held();
        let (mut driver, mut event) = self.driver();
        let requested = |place| held.iter().find(|read| read.place == place).map(|read| read.requested);
        (self.read, self.looked) = (requested(0), requested(1));
        // The next process holds nothing.
        self.held = [None; 2];
        let mut is_stopped = false;
        for _ in 0..2000 {
            let asked = self.now;
            let step = driver.handle(event, asked);
            self.now = self.now.plus(Duration::from_millis(3));
            if let Step::Done(ended) = step {
                self.journal.durable = self.journal.entries.len();
                return Some(ended);
            }
            let fate = fates.next().unwrap_or(Fate::Well);
            match fate {
                Fate::Dies(keeps) => {
                    let kept = self.journal.durable + keeps;
                    self.journal
                        .entries
                        .truncate(kept.min(self.journal.entries.len()).max(self.journal.durable));
                    self.journal.durable = self.journal.entries.len();
                    self.deaths += 1;
                    // A send that was on its way may still arrive.
                    if let (Step::Send { .. }, 1) = (&step, keeps) {
                        self.sends += 1;
                        self.effects += usize::from(self.settings != Settings::Desired);
                        self.settings = Settings::Desired;
                    }
                    return None;
                }
                Fate::Panics if !matches!(step, Step::Record { .. }) => {
                    event = Event::Panicked("oops".into());
                    continue;
                }
                Fate::Stops(may_read)
                    if !is_stopped && !matches!(step, Step::Record { durably: false, .. }) =>
                {
                    is_stopped = true;
                    event = Event::Stop { why: "interrupted".into(), may_read };
                    continue;
                }
                Fate::Sleeps(seconds) => self.now = self.now.plus(Duration::from_secs(seconds.into())),
                Fate::Unexpected => self.is_expected = self.is_expected.map(|_| false),
                Fate::Edited if !matches!(step, Step::Record { .. }) => {
                    self.settings = Settings::Another;
                    self.is_edited = true;
                }
                Fate::Astray(which) if !matches!(step, Step::Record { .. }) => {
                    // Whatever isn't the answer to this step leaves it as it is.
                    let astray = match (which % 5, &step) {
                        (0, _) => Event::Recorded,
                        (1, Step::Send { .. }) | (2, Step::Read | Step::ReadBack) => Event::Resumed,
                        (1, _) => Event::WriteReply(Reply::Good(Ack::default())),
                        (2, _) => Event::ReadReply {
                            reply: Reply::Good(Live::Connected(live(Settings::Desired), None)),
                            requested: self.now,
                        },
                        (3, Step::List) => Event::Recorded,
                        (3, _) => Event::ListReply(Reply::Good(ClientList::default())),
                        _ => Event::Resumed,
                    };
                    let again = driver.handle(astray, asked);
                    assert_eq!(again, step);
                }
                _ => {}
            }
            event = match step {
                Step::Record { entries, durably } => {
                    self.journal.entries.extend(entries);
                    if durably {
                        self.journal.durable = self.journal.entries.len();
                    }
                    self.journal.progress();
                    Event::Recorded
                }
                Step::Wait { until, .. } => {
                    assert!(until > asked, "a wait that is over");
                    self.now = self.now.max(until);
                    Event::Woken
                }
                Step::Read | Step::ReadBack | Step::List | Step::Send { .. } => match fate {
                    Fate::Throttled(seconds) => {
                        Event::Throttled { throttle: throttled(seconds), shared: seconds % 2 == 0 }
                    }
                    Fate::Forbidden => Event::Forbidden(refusal(403, RefusalKind::Status)),
                    Fate::NotSent => Event::NotSent,
                    Fate::Stale if matches!(step, Step::Send { .. }) => Event::Stale,
                    _ => match step {
                        Step::Send { body, until } => {
                            if self.now < until {
                                self.write(fate, &body)
                            } else {
                                Event::Stale
                            }
                        }
                        Step::List => Event::ListReply(Reply::Good(ClientList::default())),
                        _ => self.read(fate, &driver.to_read().clone()),
                    },
                },
                Step::Done(_) => unreachable!("returned before"),
            };
        }
        panic!("a process ends in bounded time")
    }
}

fn with_play<T>(write: WriteMode, verify: VerifyPolicy, seed: u64, play: impl FnOnce(Play<'_>) -> T) -> T {
    let (secrets, seal) = (Secrets::new(), SealKey::derive(&SecretText::new("key".into()), "plan"));
    let rules = Rules {
        write,
        verify,
        plan_id: "plan",
        ignored: &[],
        secrets: &secrets,
        seal: &seal,
        retry: RetryPolicy { seed, ..RetryPolicy::default() },
        settle_only: false,
    };
    play(Play {
        rules: &rules,
        step: step(&secrets, &seal),
        journal: Journal::default(),
        settings: Settings::Before,
        now: Timestamp::from_millis(1_700_000_000_000),
        sends: 0,
        deaths: 0,
        effects: 0,
        is_edited: false,
        precondition: None,
        is_expected: None,
        looked: None,
        held: [None; 2],
        read: None,
        reads: 0,
    })
}

fn ends_with(fates: &[Fate]) -> (Ended, Settings, usize) {
    with_play(WriteMode::Merge, VerifyPolicy::All, 1, |mut play| {
        let ended = play.process(&mut fates.iter().copied()).expect("no process dies");
        (ended, play.settings, play.sends)
    })
}

#[test]
fn an_org_is_read_recorded_written_and_read_back() {
    let (ended, settings, sends) = ends_with(&[]);
    assert_eq!((ended.outcome.status, ended.outcome.verified), (Status::Applied, Verified::True));
    assert_eq!((settings, sends), (Settings::Desired, 1));
}

#[test]
fn lost_write_is_resent_only_after_two_reads_show_the_old_state() {
    // Read, intent, send.
    let (ended, _, sends) = ends_with(&[Fate::Well, Fate::Well, Fate::Lost]);
    assert_eq!((ended.outcome.status, sends), (Status::Applied, 1));
    let (ended, settings, sends) = ends_with(&[Fate::Well, Fate::Well, Fate::Vanished]);
    assert_eq!((ended.outcome.status, settings, sends), (Status::Applied, Settings::Desired, 2));
}

#[test]
fn a_refusal_by_status_is_believed_only_after_a_read() {
    let (ended, ..) = ends_with(&[Fate::Well, Fate::Well, Fate::Crossed]);
    assert_eq!(ended.outcome.status, Status::Applied);
    let (ended, settings, sends) = ends_with(&[Fate::Well, Fate::Well, Fate::Refused]);
    assert_eq!((ended.outcome.status, settings, sends), (Status::Rejected, Settings::Before, 1));
    assert!(!ended.outcome.may_be_live);
}

#[test]
fn a_write_that_is_stale_is_built_on_a_new_read() {
    let (ended, _, sends) = ends_with(&[Fate::Well, Fate::Well, Fate::Stale]);
    assert_eq!((ended.outcome.status, sends), (Status::Applied, 1));
}

#[test]
fn a_stop_instead_of_a_send_leaves_the_org_for_later() {
    let (ended, settings, sends) = ends_with(&[Fate::Well, Fate::Well, Fate::Stops(true)]);
    assert_eq!((ended.outcome.status, settings, sends), (Status::NotAttempted, Settings::Before, 0));
}

#[test]
fn suspended_time_does_not_count_as_waiting_for_429s() {
    with_play(WriteMode::Merge, VerifyPolicy::All, 1, |play| {
        let (mut driver, _) = play.driver();
        driver.handle(Event::Woken, play.now);
        let mut now = play.now;
        for _ in 0..2 {
            let mut step = driver.handle(Event::Throttled { throttle: throttled(5), shared: true }, now);
            while matches!(step, Step::Record { durably: false, .. }) {
                step = driver.handle(Event::Recorded, now);
            }
            assert!(matches!(step, Step::Wait { .. }), "{step:?}");
            now = now.plus(Duration::from_secs(8 * 3600));
            assert_eq!(driver.handle(Event::Woken, now), Step::Read);
        }
    });
}

#[test]
fn an_expectation_of_another_operation_is_read_first() {
    for (expected, fates, status, sends) in [
        (true, vec![], Status::Applied, 1),
        (false, vec![], Status::Blocked, 0),
        (true, vec![Fate::Refused], Status::Rejected, 0),
        (true, vec![Fate::Throttled(3), Fate::Well, Fate::Lost], Status::Applied, 1),
        (true, vec![Fate::Stops(true)], Status::NotAttempted, 0),
    ] {
        with_play(WriteMode::Merge, VerifyPolicy::All, 1, |mut play| {
            play.expect(expected);
            let ended = play.process(&mut fates.iter().copied()).expect("no process dies");
            assert_eq!((ended.outcome.status, play.sends), (status, sends), "{fates:?}");
        });
    }
}

#[test]
fn a_read_before_the_turn_is_used_as_long_as_it_is_fresh() {
    let age = |seconds| Some(Duration::from_secs(seconds));
    // With the read-back.
    for (held, reads) in [
        ([age(0), age(0)], 1),
        ([age(59), age(59)], 1),
        ([age(60), age(59)], 2),
        ([age(59), age(60)], 2),
        ([age(60), age(61)], 3),
        ([None, age(1)], 2),
        ([age(1), None], 2),
    ] {
        with_play(WriteMode::Merge, VerifyPolicy::All, 1, |mut play| {
            play.expect(true);
            play.held = held;
            let ended = play.process(&mut std::iter::empty()).expect("no process dies");
            assert_eq!(
                (ended.outcome.status, play.sends, play.reads),
                (Status::Applied, 1, reads),
                "{held:?}"
            );
        });
    }
}

#[test]
fn what_was_read_before_the_turn_is_judged_as_any_other_read() {
    for (settings, expected, status) in [
        (Settings::Another, true, Status::Conflict),
        (Settings::Desired, true, Status::Unchanged),
        (Settings::Before, false, Status::Blocked),
    ] {
        with_play(WriteMode::Merge, VerifyPolicy::All, 1, |mut play| {
            play.expect(expected);
            play.settings = settings;
            play.held = [Some(Duration::from_secs(1)); 2];
            let ended = play.process(&mut std::iter::empty()).expect("no process dies");
            assert_eq!((ended.outcome.status, play.reads, play.sends), (status, 0, 0));
        });
    }
}

#[test]
fn a_read_that_ages_while_a_write_waits_is_made_again() {
    // The intent becomes durable, and the send waits for its turn for 50 s.
    let fates = [Fate::Well, Fate::Sleeps(50)];
    with_play(WriteMode::Merge, VerifyPolicy::All, 1, |mut play| {
        play.expect(true);
        play.held = [Some(Duration::from_secs(5)), Some(Duration::from_secs(20))];
        let ended = play.process(&mut fates.into_iter()).expect("no process dies");
        assert_eq!((ended.outcome.status, play.sends, play.reads), (Status::Applied, 1, 2));
    });
}

#[test]
fn a_later_process_looks_again_at_what_is_expected() {
    // Reads, the intent, and no more: whether it was sent isn't known.
    let dies = [Fate::Well, Fate::Well, Fate::Well, Fate::Dies(0)];
    // Reads, the intent, and the send takes its turn, when the run stops.
    let stops = [Fate::Well, Fate::Well, Fate::Well, Fate::Stops(true)];
    for fates in [dies, stops] {
        with_play(WriteMode::Merge, VerifyPolicy::All, 1, |mut play| {
            play.expect(true);
            play.process(&mut fates.into_iter());
            play.is_expected = Some(false);
            let ended = play.process(&mut std::iter::empty()).expect("no process dies");
            assert_eq!((ended.outcome.status, play.sends), (Status::Blocked, 0), "{fates:?}");
        });
    }
}

#[test]
fn a_pause_that_is_over_is_not_waited_for() {
    with_play(WriteMode::Merge, VerifyPolicy::All, 1, |play| {
        let (step, over) = (play.step.clone(), play.now);
        let mut driver =
            Driver::begin(play.rules, (0, Ruuid::from_bytes(ORG)), step, false, play.now, Some(over));
        assert_eq!(driver.handle(Event::Woken, play.now), Step::Read);
    });
}

/// The step after a send, by what came of it. None sends again at once: that takes another durable intent, or proof.
#[test]
fn what_came_of_a_send_decides_the_next_step() {
    let refused = |status, kind| Event::WriteReply(Reply::Refused(refusal(status, kind)));
    let table = [
        (Event::WriteReply(Reply::Good(Ack::default())), "read back"),
        (refused(400, RefusalKind::Status), "read back"),
        (refused(200, RefusalKind::Error), "read back"),
        (refused(200, RefusalKind::AuthError), "read back"),
        (Event::Forbidden(refusal(403, RefusalKind::Status)), "read back"),
        (Event::WriteReply(lost()), "read back"),
        (Event::Panicked("oops".into()), "done"),
        (Event::Throttled { throttle: throttled(5), shared: false }, "wait"),
        (Event::Throttled { throttle: throttled(901), shared: false }, "done"),
        (Event::NotSent, "record an intent"),
        (Event::Stale, "read"),
        (Event::Stop { why: "interrupted".into(), may_read: true }, "done"),
    ];
    for (event, expected) in table {
        let is_stale = matches!(event, Event::Stale);
        let shown = format!("{event:?}");
        let next = with_play(WriteMode::Merge, VerifyPolicy::All, 1, |play| {
            let (mut driver, _) = play.driver();
            driver.handle(Event::Woken, play.now);
            let read = Live::Connected(live(Settings::Before), None);
            driver.handle(Event::ReadReply { reply: Reply::Good(read), requested: play.now }, play.now);
            let Step::Send { until, .. } = driver.handle(Event::Recorded, play.now) else {
                panic!("no send")
            };
            let now = if is_stale { until } else { play.now };
            let mut step = driver.handle(event, now);
            while matches!(step, Step::Record { durably: false, .. }) {
                step = driver.handle(Event::Recorded, now);
            }
            match step {
                Step::ReadBack => "read back",
                Step::Read => "read",
                Step::Wait { .. } => "wait",
                Step::Record { .. } => "record an intent",
                Step::Done(_) => "done",
                Step::List | Step::Send { .. } => "something else",
            }
        });
        assert_eq!(next, expected, "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any replies, any unrequested events, a stop or a crash between any two steps, through as many
    /// processes as it takes.
    #[test]
    fn writes_have_durable_intents_and_repeat_only_after_proof(
        fates in prop::collection::vec(any_fate(), 0..60),
        write in prop_oneof![
            3 => Just(WriteMode::Merge), 2 => Just(WriteMode::Patch), 1 => Just(WriteMode::NoRead),
        ],
        verify in prop_oneof![Just(VerifyPolicy::All), Just(VerifyPolicy::None)],
        expected in prop_oneof![3 => Just(None), 2 => Just(Some(true)), 1 => Just(Some(false))],
        held in prop::array::uniform2(prop::option::of((0_u64..80_000).prop_map(Duration::from_millis))),
        seed in any::<u64>(),
    ) {
        with_play(write, verify, seed, |mut play| {
            play.held = held;
            if let Some(expected) = expected.filter(|_| write.reads()) {
                play.expect(expected);
            }
            let mut fates = fates.into_iter();
            let mut last = None;
            for _ in 0..100 {
                let progress = play.journal.progress();
                if progress.outcome.as_ref().is_some_and(|outcome| outcome.status.is_settled()) {
                    break;
                }
                last = play.process(&mut fates).or(last);
            }
            let progress = play.journal.progress();
            let outcome = progress.outcome.expect("some process ends the org");
            let last = last.expect("and says so");
            prop_assert_eq!(&outcome, &last.outcome);
            prop_assert!(play.sends <= 1 + play.journal.proofs() + play.deaths, "{} sends", play.sends);
            prop_assert!(play.effects <= 1 || play.is_edited, "changed {} times", play.effects);
            if expected == Some(false) && write.reads() {
                prop_assert_eq!(play.sends, 0, "what was expected was never there");
            }
            if !play.is_edited && outcome.verified == Verified::True {
                prop_assert_eq!(play.settings, Settings::Desired);
            }
            if outcome.status == Status::Applied && !play.is_edited {
                prop_assert_eq!(play.settings, Settings::Desired);
            }
            if !outcome.may_be_live && play.effects > 0 {
                let is_own = outcome.status.is_settled() && outcome.status != Status::Unchanged;
                prop_assert!(!is_own || play.is_edited || outcome.status == Status::Applied, "{outcome:?}");
            }
            Ok(())
        })?;
    }
}
