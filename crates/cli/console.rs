//! Everything that is printed. A stream that is closed is a reader who has seen enough: never an error, and
//! never the end of a run.

use std::io::{self, IsTerminal as _, Write as _};

use orgwave_core::event::EVENT_VERSION;
use orgwave_reporter::terminal::Style;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::args::ColorChoice;
use crate::failure::Failure;

/// Prints to stdout.
pub fn out(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
}

/// Prints a line of `--json`: this event of this command.
pub fn event(name: &str, what: &impl Serialize) {
    #[derive(Serialize)]
    struct Line<'a, T> {
        v: u32,
        event: &'a str,
        #[serde(flatten)]
        what: &'a T,
    }
    if let Ok(line) = serde_json::to_string(&Line { v: EVENT_VERSION, event: name, what }) {
        out(&format!("{line}\n"));
    }
}

/// Prints to stderr.
pub fn note(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Says why a command ended.
pub fn error(failure: &Failure) {
    if !failure.what.is_empty() {
        note(&format!("orgwave: {failure}\n"));
    }
    if let Some(hint) = &failure.hint {
        note(&format!("  {hint}\n"));
    }
}

/// How wide stdout's terminal is; 100 where it is none.
pub fn width() -> usize {
    columns().unwrap_or(100)
}

/// How wide stdout's terminal is, if it is one.
pub fn columns() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// Whether text on stdout is coloured.
pub fn style(color: ColorChoice, no_color: bool) -> Style {
    let coloured = match color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => io::stdout().is_terminal() && !no_color,
    };
    if coloured { Style::Coloured } else { Style::Plain }
}

/// Diagnostics of the program itself, for `ORGWAVE_LOG=debug` and the like; nothing by default but errors.
pub fn set_up_log() {
    let filter = EnvFilter::builder()
        .with_env_var("ORGWAVE_LOG")
        .with_default_directive(tracing::level_filters::LevelFilter::ERROR.into())
        .from_env_lossy();
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init();
}
