//! How far it is: bars on a terminal, a heartbeat without one, or nothing.
//!
//! A run of thousands of orgs a second tells several events for each, so an event costs a few additions; what
//! is shown is made at most ten times a second, by the events' own clock.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orgwave_core::event::{Event, EventSink};
use orgwave_core::timestamp::Timestamp;

use super::heartbeat::Heartbeat;
use super::tracker::{Stage, Tracker};

const DRAWS_A_SECOND: u8 = 10;
const DRAW_EVERY: Duration = Duration::from_millis(1_000 / DRAWS_A_SECOND as u64);

/// How progress is shown.
pub enum ProgressMode {
    /// A bar on stderr, which is a terminal.
    Bar,
    /// A line every 30 seconds and at each new wave, to this.
    Heartbeat(Box<dyn Write + Send>),
    /// Not at all: `-q`, `--no-progress`.
    Quiet,
}

/// Shows how far it is.
pub struct Progress {
    tracker: Tracker,
    face: Face,
}

enum Face {
    Bar { bar: ProgressBar, drawn: Option<Timestamp> },
    Heartbeat(Heartbeat),
    Quiet,
}

impl Progress {
    /// Begins, showing nothing yet.
    pub fn new(mode: ProgressMode) -> Self {
        let face = match mode {
            ProgressMode::Bar => Face::on(ProgressDrawTarget::stderr_with_hz(DRAWS_A_SECOND)),
            ProgressMode::Heartbeat(out) => Face::Heartbeat(Heartbeat::new(out)),
            ProgressMode::Quiet => Face::Quiet,
        };
        Self { tracker: Tracker::new(), face }
    }

    /// Time has passed, whether or not something happened: a heartbeat continues beating while all orgs wait.
    pub fn tick(&mut self, at: Timestamp) {
        self.show(at, false);
    }

    /// Takes the bar off the screen, so that something else can be printed.
    pub fn clear(&mut self) {
        if let Face::Bar { bar, drawn } = &mut self.face {
            bar.finish_and_clear();
            *drawn = None;
        }
    }

    fn show(&mut self, at: Timestamp, at_once: bool) {
        match &mut self.face {
            Face::Quiet => {}
            Face::Heartbeat(heartbeat) => heartbeat.tell(at, &self.tracker, at_once),
            Face::Bar { bar, drawn } => {
                if self.tracker.stage == Stage::Nothing {
                    bar.finish_and_clear();
                    *drawn = None;
                    return;
                }
                match drawn {
                    None => {
                        bar.reset();
                        bar.set_length(self.tracker.total);
                    }
                    Some(last) if !at_once && at.since(*last) < DRAW_EVERY => return,
                    Some(_) => {}
                }
                *drawn = Some(at);
                bar.set_prefix(self.tracker.doing());
                bar.set_position(self.tracker.done);
                bar.set_message(self.tracker.details(at));
            }
        }
    }
}

impl Face {
    fn on(target: ProgressDrawTarget) -> Self {
        let style = ProgressStyle::with_template("{prefix} [{bar:20}] {human_pos}/{human_len} {wide_msg}")
            .expect("the template is a constant that a test draws")
            .progress_chars("=> ");
        Self::Bar { bar: ProgressBar::with_draw_target(None, target).with_style(style), drawn: None }
    }
}

impl EventSink for Progress {
    fn event(&mut self, event: &Event) {
        if matches!(self.face, Face::Quiet) {
            return;
        }
        let at_once = self.tracker.take(event.at, &event.kind);
        self.show(event.at, at_once);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;
    use orgwave_core::event::{Answer, Call, EventKind};
    use orgwave_core::ids::Ruuid;
    use orgwave_core::status::{Action, Counts, Status, Verified};

    use super::*;

    /// Keeps what is written; a terminal of 80 columns.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl Paper {
        fn text(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            let mut paper = self.0.lock().unwrap();
            paper.push_str(text.trim_end());
            paper.push('\n');
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn run_of(orgs: u64) -> EventKind {
        resumed_run_of(orgs, 0)
    }

    fn resumed_run_of(orgs: u64, done: u64) -> EventKind {
        let (run_id, plan_id) = ("r".into(), "p".into());
        EventKind::RunStarted { run_id, plan_id, orgs, updates: orgs, done, resumed: done > 0 }
    }

    fn finished(index: u32, wave: u32, status: Status) -> EventKind {
        EventKind::OrgFinished {
            index,
            org: Ruuid::from_bytes([1; 16]),
            wave,
            status,
            action: Action::Update,
            verified: Verified::True,
            attempts: 1,
            code: None,
            message: None,
        }
    }

    fn throttled() -> EventKind {
        EventKind::Called {
            org: None,
            call: Call::Write,
            answer: Answer::Throttled,
            http_status: Some(429),
            millis: 5,
        }
    }

    fn tell(progress: &mut Progress, millis: i64, kind: EventKind) {
        progress.event(&Event { at: Timestamp::from_millis(millis), kind });
    }

    #[test]
    fn a_heartbeat_every_thirty_seconds_and_at_each_wave() {
        let paper = Paper::default();
        let mut progress = Progress::new(ProgressMode::Heartbeat(Box::new(paper.clone())));
        tell(&mut progress, 0, run_of(1_000));
        tell(&mut progress, 10, EventKind::WaveStarted { wave: 1, orgs: 1_000, canary: true });
        for index in 0..=300 {
            let status = if index % 100 == 99 { Status::Failed } else { Status::Applied };
            tell(&mut progress, i64::from(index) * 200, finished(index, 1, status));
        }
        tell(&mut progress, 60_050, throttled());
        progress.tick(Timestamp::from_millis(90_100));
        tell(&mut progress, 90_200, EventKind::Draining { why: "inter\u{1b}rupted".into() });
        tell(&mut progress, 90_300, EventKind::RunFinished { counts: Counts::default(), stop: None });
        progress.tick(Timestamp::from_millis(200_000));
        assert_eq!(
            paper.text(),
            "1970-01-01T00:00:00.000Z applying 0/1,000 orgs\n\
             1970-01-01T00:00:00.010Z applying 0/1,000 orgs, wave 1\n\
             1970-01-01T00:00:30.200Z applying 152/1,000 orgs, wave 1, 1 failed, 5.1/s, 2 min 46 s left\n\
             1970-01-01T00:01:30.100Z applying 301/1,000 orgs, wave 1, 3 failed, 1 rate-limited\n\
             1970-01-01T00:01:30.200Z applying 301/1,000 orgs, wave 1, 3 failed, 1 rate-limited, \
             ending: inter<U+001B>rupted\n"
        );
    }

    #[test]
    fn a_resumed_run_counts_from_what_is_done_at_its_own_pace() {
        let paper = Paper::default();
        let mut progress = Progress::new(ProgressMode::Heartbeat(Box::new(paper.clone())));
        tell(&mut progress, 0, resumed_run_of(1_000, 600));
        for index in 0..=150 {
            tell(&mut progress, i64::from(index) * 200, finished(index, 1, Status::Applied));
        }
        assert_eq!(
            paper.text(),
            "1970-01-01T00:00:00.000Z applying 600/1,000 orgs\n\
             1970-01-01T00:00:30.000Z applying 751/1,000 orgs, 5.1/s, 48.8 s left\n"
        );
    }

    #[test]
    fn bars_are_drawn_ten_times_a_second_at_most_and_end_clear() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let mut progress = Progress { tracker: Tracker::new(), face: Face::on(target) };
        tell(&mut progress, 0, run_of(20_000));
        for index in 0..10_000u32 {
            tell(&mut progress, i64::from(index) / 10, finished(index, 1, Status::Applied));
        }
        let draws = paper.text().lines().filter(|line| line.starts_with("applying [")).count();
        assert!((1..=60).contains(&draws), "{draws} lines for a second of 10,000 orgs");
        assert!(paper.text().contains("/20,000"), "{}", paper.text());
        tell(&mut progress, 1_000, EventKind::RunFinished { counts: Counts::default(), stop: None });
        let Face::Bar { bar, .. } = &progress.face else { panic!("a bar") };
        assert!(bar.is_finished());
    }

    #[test]
    fn a_closed_output_is_no_harm_and_quiet_is_quiet() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for mode in [ProgressMode::Heartbeat(Box::new(Closed)), ProgressMode::Quiet] {
            let mut progress = Progress::new(mode);
            tell(&mut progress, 0, run_of(10));
            tell(&mut progress, 40_000, finished(0, 1, Status::Applied));
            assert_eq!(progress.tracker.done, u64::from(!matches!(progress.face, Face::Quiet)));
        }
    }
}
