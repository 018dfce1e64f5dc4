//! The latch of the key: one org's 401 or 403 may be the key's, and one call to the client list tells.

use std::time::Duration;

use orgwave_core::reply::Refusal;

/// How long the list's good answer stands.
const STANDS: Duration = Duration::from_secs(60);

/// What is known of the key.
#[derive(Debug, Default)]
pub(super) struct Latch {
    /// Orgs whose 401 or 403 waits for the answer.
    suspects: Vec<(u32, Refusal)>,
    good_until: Option<Duration>,
    question: Question,
    pub(super) failures: u32,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Question {
    #[default]
    None,
    /// To be asked at this reading of the clock.
    Due(Duration),
    /// Under way.
    Asked,
}

impl Latch {
    /// An org was refused. Returns the refusal if the key is known to be good, so that it is the org's own.
    pub(super) fn suspect(&mut self, index: u32, refusal: Refusal, now: Duration) -> Option<Refusal> {
        if self.good_until.is_some_and(|until| now < until) {
            return Some(refusal);
        }
        self.suspects.push((index, refusal));
        if self.question == Question::None {
            self.question = Question::Due(now);
            self.failures = 0;
        }
        None
    }

    /// Whether nothing may be sent until the answer is there.
    pub(super) const fn is_closed(&self) -> bool {
        !matches!(self.question, Question::None)
    }

    /// When the list is to be asked, if it is and isn't being asked.
    pub(super) const fn due(&self) -> Option<Duration> {
        match self.question {
            Question::Due(at) => Some(at),
            Question::None | Question::Asked => None,
        }
    }

    pub(super) const fn asked(&mut self) {
        self.question = Question::Asked;
    }

    /// The list didn't answer: to be asked again.
    pub(super) const fn ask_again(&mut self, at: Duration) {
        self.question = Question::Due(at);
    }

    /// The list answered well: the suspects are refused themselves.
    pub(super) fn key_is_good(&mut self, now: Duration) -> Vec<(u32, Refusal)> {
        self.good_until = Some(now + STANDS);
        self.release()
    }

    /// Nobody will ask any more: the suspects, as they are.
    pub(super) fn release(&mut self) -> Vec<(u32, Refusal)> {
        self.question = Question::None;
        std::mem::take(&mut self.suspects)
    }
}
