//! What people meet first, and what they read: the binary as the documents show it.
//!
//! * [`guide`]: every command in the README and in `docs/guide/` runs.
//! * [`errors`]: the index of the error codes has them all.
//! * [`faults`]: each fault has tests, and they are there.
//! * [`init`], [`export`], [`doctor`], [`manual`]: the commands of the first five minutes.
//! * [`operations`]: what can be set, as commands and pages say it. [`derive`]: what a user describes.
//! * [`events`]: what `--json` prints is as its schema says.
//! * [`review`]: a plan as it is reviewed. [`cron`]: unattended runs.
//! * [`terminal`]: widths and colours. [`damage`]: what isn't as it was left.
//! * [`words`]: what people type and read.
//! * [`shell`]: how these tests call the binary, and the sandbox API beside it.

#![expect(clippy::unwrap_used, reason = "in a test, what isn't there is a failure")]
#![expect(clippy::disallowed_methods, reason = "a test knows the names of its own paths")]

mod cron;
mod damage;
mod derive;
mod doctor;
mod errors;
mod events;
mod export;
mod faults;
mod guide;
mod init;
mod manual;
mod operations;
mod review;
mod rooms;
mod shell;
mod terminal;
mod words;
