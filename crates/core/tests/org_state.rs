//! An org's state machine, driven by any inputs in any order, beside a model that shares nothing with it: the table of
//! the ways that there are, and everything else counted anew from the whole story.

use orgwave_core::org::{Input, OrgState, Phase};
use orgwave_core::status::Status;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

/// Where an org may stand, by name.
type Place = &'static str;

/// Every way that there is: from, by which input, to. `=` is whatever an accepted or found write comes to.
const WAYS: [(&[Place], &str, Place); 31] = [
    (&["planned", "ready"], "as desired", "="),
    (&["planned", "ready"], "differs", "ready"),
    (&["planned", "ready"], "conflicts", "conflict"),
    (&["planned", "ready"], "blocked", "blocked"),
    (&["planned", "ready", "intent"], "refused", "rejected"),
    (&["planned", "ready"], "reads spent", "failed"),
    (&["planned", "ready"], "parked", "not_attempted"),
    (&["planned", "ready"], "stopped", "not_attempted"),
    (&["ready"], "intent", "intent"),
    (&["intent"], "acked", "acked"),
    (&["intent"], "not applied", "ready"),
    (&["intent"], "lost", "in doubt"),
    (&["intent"], "denied", "denied"),
    (&["denied"], "live as desired", "="),
    (&["denied"], "live as before", "rejected"),
    (&["denied"], "refused", "rejected"),
    (&["denied"], "live as neither", "diverged"),
    (&["acked"], "trusted", "="),
    (&["acked", "in doubt"], "verify", "looking"),
    (&["looking", "looked once"], "live as desired", "="),
    (&["looking"], "live as before", "looked once"),
    (&["looked once"], "still as before, attempts left", "ready"),
    (&["looked once"], "still as before, none left", "failed"),
    (&["looking", "looked once"], "live as neither", "diverged"),
    (&["applied", "applied_with_warnings"], "overwritten", "diverged"),
    (&["acked", "denied", "in doubt", "looking", "looked once"], "reads spent", "unknown"),
    (&["acked", "denied", "in doubt", "looking", "looked once"], "parked", "unknown"),
    (&["acked", "denied", "in doubt", "looking", "looked once"], "stopped", "unknown"),
    (&["planned", "ready", "not_attempted"], "resumed", "planned"),
    (&["intent"], "resumed", "in doubt"),
    (&["acked", "denied", "in doubt", "looking", "looked once", "unknown"], "resumed", "in doubt"),
];

/// What happened so far: each input that had a way, and where it began.
#[derive(Debug, Clone)]
struct Story {
    place: Place,
    taken: Vec<(Place, Input)>,
    /// Whether the last input had a way.
    had_way: bool,
}

impl Story {
    fn count(&self, holds: impl Fn(Place, Input) -> bool) -> u32 {
        self.taken.iter().filter(|(place, input)| holds(place, *input)).map(|_| 1).sum()
    }

    fn is_accepted(&self) -> bool {
        self.count(|_, input| matches!(input, Input::Acked { .. })) > 0
    }

    fn is_denied(&self) -> bool {
        self.count(|_, input| input == Input::Denied) > 0
    }

    fn is_warned(&self) -> bool {
        self.count(|_, input| input == Input::Acked { warned: true }) > 0
    }

    /// Some send may have been applied, for all that was known at its end.
    fn was_doubted(&self) -> bool {
        self.count(|place, input| input == Input::Lost || (place, input) == ("intent", Input::Resumed)) > 0
    }

    /// Sends, but for those that were proven not applied and those that a process died with.
    fn spent(&self) -> u32 {
        self.count(|_, input| input == Input::Intent)
            - self.count(|_, input| input == Input::NotApplied)
            - self.count(|place, input| (place, input) == ("intent", Input::Resumed))
    }

    fn way(&self, input: Input) -> Option<Place> {
        let word = match input {
            Input::AsDesired => "as desired",
            Input::Differs => "differs",
            Input::Conflicts => "conflicts",
            Input::Blocked => "blocked",
            Input::Intent => "intent",
            Input::Acked { .. } => "acked",
            Input::Refused => "refused",
            Input::Denied => "denied",
            Input::NotApplied => "not applied",
            Input::Lost => "lost",
            Input::Verify => "verify",
            Input::LiveAsDesired => "live as desired",
            Input::LiveAsBefore => "live as before",
            Input::StillAsBefore { attempts_left: true } => "still as before, attempts left",
            Input::StillAsBefore { attempts_left: false } => "still as before, none left",
            Input::LiveAsNeither => "live as neither",
            Input::Trusted => "trusted",
            Input::Overwritten => "overwritten",
            Input::ReadsSpent => "reads spent",
            Input::Parked => "parked",
            Input::Stopped => "stopped",
            Input::Resumed => "resumed",
        };
        let (_, _, to) = WAYS.iter().find(|(from, by, _)| from.contains(&self.place) && *by == word)?;
        Some(match (*to, input) {
            ("=", Input::AsDesired) if !self.was_doubted() => "unchanged",
            ("=", _) if self.is_warned() => "applied_with_warnings",
            ("=", _) => "applied",
            // What was accepted is never sent again, and doubted no more.
            (_, Input::StillAsBefore { .. }) if self.is_accepted() => "diverged",
            ("in doubt", Input::Resumed) if self.is_accepted() => "acked",
            ("in doubt", Input::Resumed) if self.is_denied() => "denied",
            (to, _) => to,
        })
    }
}

struct Model;

impl ReferenceStateMachine for Model {
    type State = Story;
    type Transition = Input;

    fn init_state() -> BoxedStrategy<Story> {
        Just(Story { place: "planned", taken: Vec::new(), had_way: true }).boxed()
    }

    fn transitions(story: &Story) -> BoxedStrategy<Input> {
        // Mostly what continues, so that stories get long; now and then what ends them, and anything at all.
        let is_final = |place: Place| Status::ALL.iter().any(|status| status.as_str() == place);
        let ways = |wanted: bool| -> Vec<Input> {
            let goes = |input: &Input| story.way(*input).is_some_and(|to| is_final(to) == wanted);
            all().into_iter().filter(goes).collect()
        };
        let or_any =
            |inputs: Vec<Input>| prop::sample::select(if inputs.is_empty() { all() } else { inputs });
        prop_oneof![8 => or_any(ways(false)), 1 => or_any(ways(true)), 1 => prop::sample::select(all())]
            .boxed()
    }

    fn apply(mut story: Story, input: &Input) -> Story {
        let way = story.way(*input);
        story.had_way = way.is_some();
        if let Some(to) = way {
            story.taken.push((story.place, *input));
            story.place = to;
        }
        story
    }
}

fn all() -> Vec<Input> {
    vec![
        Input::AsDesired,
        Input::Differs,
        Input::Conflicts,
        Input::Blocked,
        Input::Intent,
        Input::Acked { warned: false },
        Input::Acked { warned: true },
        Input::Refused,
        Input::Denied,
        Input::NotApplied,
        Input::Lost,
        Input::Verify,
        Input::LiveAsDesired,
        Input::LiveAsBefore,
        Input::StillAsBefore { attempts_left: true },
        Input::StillAsBefore { attempts_left: false },
        Input::LiveAsNeither,
        Input::Trusted,
        Input::Overwritten,
        Input::ReadsSpent,
        Input::Parked,
        Input::Stopped,
        Input::Resumed,
    ]
}

struct Machine;

impl StateMachineTest for Machine {
    type SystemUnderTest = OrgState;
    type Reference = Model;

    fn init_test(_: &Story) -> OrgState {
        OrgState::new()
    }

    fn apply(state: OrgState, story: &Story, input: Input) -> OrgState {
        let next = state.next(input);
        assert_eq!(next.is_ok(), story.had_way, "{input:?} from {:?}", state.phase());
        next.unwrap_or(state)
    }

    fn check_invariants(state: &OrgState, story: &Story) {
        let place = match state.phase() {
            Phase::Planned => "planned",
            Phase::Ready => "ready",
            Phase::Intent => "intent",
            Phase::Acked => "acked",
            Phase::Denied => "denied",
            Phase::InDoubt => "in doubt",
            Phase::Verifying { as_before: false } => "looking",
            Phase::Verifying { as_before: true } => "looked once",
            Phase::Done(status) => status.as_str(),
        };
        assert_eq!(place, story.place);
        assert_eq!(state.spent(), story.spent());
        assert_eq!(state.is_acked(), story.is_accepted());
        let is_open =
            ["intent", "acked", "denied", "in doubt", "looking", "looked once"].contains(&story.place);
        assert_eq!(state.is_open(), is_open);
        assert_eq!(state.status().map(Status::as_str), state.status().map(|_| story.place));
        // A second send takes a proof that the first did nothing.
        let sends = story.count(|_, input| input == Input::Intent);
        let proofs = story.count(|_, input| {
            matches!(input, Input::NotApplied | Input::StillAsBefore { attempts_left: true })
        });
        assert!(sends <= 1 + proofs, "{sends} sends after {proofs} proofs");
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 1_024, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_goes_the_ways_of_the_table(sequential 1..60 => Machine);
}
