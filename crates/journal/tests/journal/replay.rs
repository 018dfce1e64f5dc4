use std::time::Duration;

use orgwave_core::org::Entry;
use orgwave_core::org::{Input, OrgState};
use orgwave_core::policy::Pause;
use orgwave_core::status::Status;
use orgwave_journal::replay;
use proptest::prelude::*;

use crate::story;

const ORGS: usize = 3;
const PLACES: usize = 2;

/// A step: an org, and the place of an operation.
type Step = (u32, u8);

/// What an executor knows of a step: it drives the machine, and says what the journal asks it to say.
#[derive(Default)]
struct Model {
    state: OrgState,
    had_intent: bool,
    /// The inputs that the next entry holds.
    untold: Vec<Input>,
    /// The last outcome, unless something happened since.
    outcome: Option<Status>,
}

impl Model {
    fn tell(&mut self, (index, place): Step, input: Input, gathers: bool, journal: &mut Vec<Entry>) {
        if input == Input::NotApplied {
            // Whatever became of the org, in any process: a pause moves nothing.
            let pause = Pause::new(story::at(5), Duration::from_secs(3));
            journal.push(Entry::Pause { index: Some(index), pause });
            journal.push(Entry::Pause { index: None, pause });
        }
        let Ok(next) = self.state.next(input) else { return };
        self.state = next;
        if input == Input::Intent {
            self.flush((index, place), journal);
            self.had_intent = true;
            self.outcome = None;
            journal.push(story::at_place(place, story::intent(index)));
        } else if self.had_intent {
            self.outcome = None;
            self.untold.push(input);
        }
        if let Some(status) = next.status() {
            self.outcome = Some(status);
            let inputs = std::mem::take(&mut self.untold);
            journal.push(story::at_place(place, story::outcome(index, inputs, status)));
        } else if !gathers {
            self.flush((index, place), journal);
        }
    }

    fn flush(&mut self, (index, place): Step, journal: &mut Vec<Entry>) {
        let inputs = std::mem::take(&mut self.untold);
        if !inputs.is_empty() {
            journal.push(story::at_place(place, story::step(index, inputs)));
        }
    }

    fn resume(&mut self) {
        if !self.state.status().is_some_and(Status::is_settled) {
            self.state = self.state.next(Input::Resumed).unwrap();
        }
    }
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        1 => Just(Input::AsDesired),
        1 => Just(Input::Conflicts),
        1 => Just(Input::Blocked),
        4 => Just(Input::Differs),
        8 => Just(Input::Intent),
        2 => any::<bool>().prop_map(|warned| Input::Acked { warned }),
        1 => Just(Input::Refused),
        2 => Just(Input::NotApplied),
        4 => Just(Input::Lost),
        6 => Just(Input::Verify),
        1 => Just(Input::LiveAsDesired),
        4 => Just(Input::LiveAsBefore),
        4 => any::<bool>().prop_map(|attempts_left| Input::StillAsBefore { attempts_left }),
        1 => Just(Input::LiveAsNeither),
        1 => Just(Input::Trusted),
        1 => Just(Input::ReadsSpent),
        1 => Just(Input::Parked),
        2 => Just(Input::Stopped),
    ]
}

/// An input to a step, or (`None`) the death of the process and the beginning of another.
fn any_event() -> impl Strategy<Value = Option<(usize, Input)>> {
    prop::option::weighted(0.95, (0..ORGS * PLACES, any_input()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn replayed_entries_match_the_recorded_ones(
        events in prop::collection::vec(any_event(), 0..150),
        says_resumed: bool,
        gathers: bool,
    ) {
        let mut journal = Vec::new();
        let mut models: [Model; ORGS * PLACES] = Default::default();
        let id = |step: usize| {
            (u32::try_from(step / PLACES).unwrap(), u8::try_from(step % PLACES).unwrap())
        };
        journal.push(Entry::Began { at: story::at(0) });
        for event in events {
            if let Some((step, input)) = event {
                models[step].tell(id(step), input, gathers, &mut journal);
                continue;
            }
            for (step, model) in models.iter_mut().enumerate() {
                model.flush(id(step), &mut journal);
            }
            journal.push(Entry::Began { at: story::at(0) });
            for (step, model) in models.iter_mut().enumerate() {
                let goes_on = !model.state.status().is_some_and(Status::is_settled);
                model.resume();
                if says_resumed && model.had_intent && goes_on {
                    let (index, place) = id(step);
                    journal.push(story::at_place(place, story::step(index, [Input::Resumed])));
                }
            }
        }
        for (step, model) in models.iter_mut().enumerate() {
            model.flush(id(step), &mut journal);
        }
        let records = replay(u32::try_from(ORGS).unwrap(), u8::try_from(PLACES).unwrap(), &journal).unwrap();
        for ((_, record), model) in records.iter().zip(&models) {
            prop_assert_eq!(record.had_intent(), model.had_intent);
            prop_assert_eq!(record.outcome, model.outcome);
            if model.had_intent {
                prop_assert_eq!(record.state, model.state);
            } else {
                prop_assert_eq!(record.state, OrgState::new());
            }
        }
    }
}

#[test]
fn a_story_that_cannot_be_is_damage() {
    let acked = Input::Acked { warned: false };
    for (entries, says) in [
        (vec![story::step(0, [acked])], "entry 1 doesn't fit what org 0 did before"),
        (vec![story::intent(1), story::intent(1)], "entry 2 doesn't fit what org 1 did before"),
        (vec![story::intent(7)], "entry 1 is of org 7, and the run has 2"),
        (
            vec![story::outcome(0, [], Status::Skipped), story::intent(0)],
            "entry 2 continues org 0, which was skipped",
        ),
        (
            vec![story::outcome(0, [], Status::Applied)],
            "entry 1 says that org 0 is applied, which doesn't follow from its earlier entries",
        ),
        (
            vec![story::intent(0), story::outcome(0, [], Status::NotAttempted)],
            "entry 2 says that org 0 is not_attempted, which doesn't follow from its earlier entries",
        ),
        (
            vec![story::intent(0), story::outcome(0, [acked, Input::Trusted], Status::Failed)],
            "entry 2 says that org 0 is failed, which doesn't follow from its earlier entries",
        ),
        (
            vec![story::intent(0), story::step(0, [acked, Input::Trusted])],
            "entry 2 makes org 0 applied, and isn't its outcome",
        ),
    ] {
        assert_eq!(
            replay(2, 1, &entries).unwrap_err().to_string(),
            format!("the journal is damaged: {says}")
        );
    }
}

#[test]
fn a_record_is_small() {
    assert!(size_of::<orgwave_journal::OrgRecord>() <= 96, "100,000 of them are kept at once");
}
