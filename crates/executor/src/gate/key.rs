//! Whether the key is good: one org's 401 or 403 may be the key's, and one call to the client list shows it.

use std::time::Duration;

use orgwave_core::reply::Refusal;

/// For how long the list's good answer is taken for the key's.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// What is known of the key.
#[derive(Debug, Default)]
pub(super) struct KeyState {
    /// Orgs whose 401 or 403 waits for the answer.
    suspects: Vec<(u32, Refusal)>,
    good_until: Option<Duration>,
    question: Question,
    /// Times that the list was asked in vain.
    pub(super) failures: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// None.
    #[default]
    None,
    /// To be asked at this reading of the clock.
    Due(Duration),
    /// Under way.
    Asked,
}

impl KeyState {
    /// An org was refused. Returns whether the key is known to be good, so that the refusal is the org's own.
    pub(super) fn suspect(&mut self, index: u32, refusal: &Refusal, now: Duration) -> bool {
        if self.good_until.is_some_and(|until| now < until) {
            return true;
        }
        self.suspects.push((index, refusal.clone()));
        if self.question == Question::None {
            self.question = Question::Due(now);
            self.failures = 0;
        }
        false
    }

    /// Whether the list is to be asked; until its answer is there, nothing else may be sent.
    pub(super) const fn question(&self) -> Question {
        self.question
    }

    pub(super) const fn asked(&mut self) {
        self.question = Question::Asked;
    }

    /// The list didn't answer: to be asked again.
    pub(super) const fn ask_again(&mut self, at: Duration) {
        self.question = Question::Due(at);
    }

    /// The list answered well: the suspects are refused themselves.
    pub(super) fn is_good(&mut self, now: Duration) -> Vec<(u32, Refusal)> {
        self.good_until = Some(now + GOOD_FOR);
        self.release()
    }

    /// The list will not be asked for any more: the suspects, as they are.
    pub(super) fn release(&mut self) -> Vec<(u32, Refusal)> {
        self.question = Question::None;
        std::mem::take(&mut self.suspects)
    }
}
