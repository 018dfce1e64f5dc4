//! Everything that is printed, by one printer for each stream.
//!
//! A pipe that is closed is a reader who has seen enough: never an error. Any other failure of stdout is reported once on
//! stderr, and remembered: whatever the command does next, a run included, the process [ends](settle) with 74. No caller
//! can forget that, since none of them is asked to handle it.
//!
//! Texts for people lose here what would act on a terminal or in the log of a CI job; see
//! [`orgwave_core::legible`].

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use orgwave_core::event::EVENT_VERSION;
use orgwave_core::legible::{self, is_hidden, one_line, without_commands};
use orgwave_core::run::Exit;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Why stdout was given up, if it was.
static GIVEN_UP: Mutex<Option<io::ErrorKind>> = Mutex::new(None);

/// Whether that was anything but a reader who has seen enough.
static IS_CUT: AtomicBool = AtomicBool::new(false);

/// Prints lines for people to stdout.
pub fn out(text: &str) {
    data(&harmless(text));
}

/// Prints a page to stdout that was made for a terminal: it may be coloured, and the texts in it are cleaned already.
pub fn page(text: &str) {
    data(&without_commands(text));
}

/// Prints to stdout, to the byte, what a program reads: JSON, CSV, scripts.
pub fn data(text: &str) {
    // What is to be said of it is said by then.
    let _ = Stdout.write_all(text.as_bytes());
}

/// Prints a line of `--json`: this event of this command. Nothing in it acts where it is printed.
pub fn event(name: &str, what: &impl Serialize) {
    #[derive(Serialize)]
    struct Line<'a, T> {
        v: u32,
        event: &'a str,
        #[serde(flatten)]
        what: &'a T,
    }
    if let Ok(line) = serde_json::to_string(&Line { v: EVENT_VERSION, event: name, what }) {
        data(&format!("{}\n", legible::json(&line)));
    }
}

/// Prints to stderr.
pub fn note(text: &str) {
    let _ = io::stderr().write_all(harmless(text).as_bytes());
}

/// Prints a page to stderr, as [`page`] does to stdout.
pub fn page_note(text: &str) {
    let _ = io::stderr().write_all(without_commands(text).as_bytes());
}

/// Says why a command ended.
pub fn error(failure: &Failure) {
    if !failure.what.is_empty() {
        note(&format!("orgwave: {failure}\n"));
    }
    if let Some(hint) = &failure.hint {
        note(&format!("hint: {hint}\n"));
    }
}

/// The exit code of a process that would end with this one: 74 if what it printed is not all there, unless it could
/// not begin at all.
pub fn settle(exit: Exit) -> Exit {
    match exit {
        Exit::Usage | Exit::BadInput | Exit::NoInput | Exit::BadConfig | Exit::Panic => exit,
        _ if IS_CUT.load(Ordering::Relaxed) => Exit::CannotWrite,
        _ => exit,
    }
}

/// Makes sure that all is printed that was to be, before it is built upon.
///
/// # Errors
/// 74, reported already.
pub fn whole() -> Result<(), Failure> {
    if IS_CUT.load(Ordering::Relaxed) { Err(Failure::reported(Exit::CannotWrite)) } else { Ok(()) }
}

/// Stdout. After its first failure nothing is written to it.
#[derive(Debug, Clone, Copy)]
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut given_up = GIVEN_UP.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(kind) = *given_up {
            return Err(kind.into());
        }
        // Flushed at once: what stays in the buffer could fail when its error is no longer looked at.
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).inspect_err(|error| {
            *given_up = Some(error.kind());
            if error.kind() != io::ErrorKind::BrokenPipe {
                IS_CUT.store(true, Ordering::Relaxed);
                note(&format!("orgwave: stdout can't be written: {error}\n"));
            }
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Stderr, as a writer of lines of text.
#[derive(Debug, Clone, Copy)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(harmless(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines of plain text in which nothing acts.
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| c != '\n' && is_hidden(c)) {
        return without_commands(text);
    }
    let lines: Vec<_> = text.split('\n').map(one_line).collect();
    Cow::Owned(without_commands(&lines.join("\n")).into_owned())
}

/// How wide stdout's terminal is; 100 where it is none.
pub fn width() -> usize {
    columns().unwrap_or(100)
}

/// How wide stdout's terminal is, if it is one.
pub fn columns() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// Diagnostics of the program itself, for `ORGWAVE_LOG=debug` and the like; nothing by default but errors.
pub fn set_up_log() {
    let filter = EnvFilter::builder()
        .with_env_var("ORGWAVE_LOG")
        .with_default_directive(tracing::level_filters::LevelFilter::ERROR.into())
        .from_env_lossy();
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Stderr).try_init();
}
