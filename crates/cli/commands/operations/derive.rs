//! `orgwave operations derive`: a draft of a description, from the vendor's OpenAPI file.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use anyhow::anyhow;
use orgwave_core::legible::{ShowPath as _, one_line};
use orgwave_core::operation::Catalog;
use orgwave_core::operation::derive::{Read, Reads, Spec, Update, UpdateError, describe};
use orgwave_core::run::Exit;

use crate::args::{DeriveArgs, path_again};
use crate::console;
use crate::failure::Failure;
use crate::input;

/// How many reads are offered.
const OFFERED: usize = 5;

/// Writes a description of the operation that an update writes.
///
/// # Errors
/// 64: there is no such update, or it isn't clear which read shows what it writes. 65: the spec can't be used. 66: it
/// can't be read. 74: the description can't be written.
pub fn run(catalog: &Catalog, args: &DeriveArgs) -> Result<Exit, Failure> {
    let file = args.openapi.shown();
    let bytes = input::read_spec(&args.openapi).map_err(|error| Failure::no_input(&args.openapi, error))?;
    let spec = Spec::parse(&bytes)
        .map_err(|error| Failure::new(Exit::BadInput, format!("{file} can't be used")).because(error))?;
    let update = spec.update(&args.update).map_err(|error| {
        let exit = if matches!(error, UpdateError::Spec(_)) { Exit::BadInput } else { Exit::Usage };
        Failure::new(exit, format!("{file} can't be used for {:?}", args.update)).because(error)
    })?;
    let reads = Reads::of(&spec, &update, args.read.as_deref());
    let read = choose(&reads, &update, args.read.as_deref())?;
    let text = describe(&spec, &update, &reads, read, catalog);
    // What other commands would refuse is not worth a review.
    let described = catalog.clone().with(&text, "the description").map_err(|error| {
        Failure::new(Exit::BadInput, format!("{file} can't be used for {:?}", args.update)).because(error)
    })?;
    if let Some(known) = catalog.iter().find(|operation| *operation.write.path == *update.path) {
        console::note(&format!("warning: {} is known already, as {}\n", update.path, known.name));
    }
    let Some(path) = &args.output_file else {
        console::data(&text);
        return Ok(Exit::Done);
    };
    write(path, &text)?;
    let name = described.names().last().unwrap_or_default();
    console::out(&format!(
        "{} is a draft: check what its comments say, then: orgwave operations {name} --catalog {}\n",
        path.shown(),
        path_again(path),
    ));
    Ok(Exit::Done)
}

/// The read that shows what is written: the only one, or the one that the user names.
fn choose<'r, 's>(
    reads: &'r Reads<'s>,
    update: &Update<'_>,
    named: Option<&str>,
) -> Result<&'r Read<'s>, Failure> {
    match (&reads.all[..], named) {
        ([only], _) => Ok(only),
        ([], None) => Err(Failure::new(
            Exit::BadInput,
            format!("no read of the spec shows what {} writes", update.path),
        )
        .hint("what no read shows can't be compared, so it can't be rolled out")),
        ([], Some(named)) => Err(Failure::new(Exit::BadInput, format!("--read {named:?} can't be used")).because(anyhow!(
            "expected a read of the spec that shows what {} writes: the last part of its path begins with `get` or `find`",
            update.path
        ))),
        (several, _) => {
            let offered = &several[..several.len().min(OFFERED)];
            console::note(&offer(update, offered));
            ask(offered.len()).map(|place| &offered[place])
        }
    }
}

fn offer(update: &Update<'_>, reads: &[Read<'_>]) -> String {
    let mut text = format!("reads that may show what {} writes, the likeliest first:\n", update.path);
    for (place, read) in reads.iter().enumerate() {
        let at = if read.at.is_empty() { "the reply itself".into() } else { one_line(&read.at) };
        let same = if read.is_same { ", the same type" } else { "" };
        let _ = writeln!(
            text,
            "  {}  {}  {at}: {} of {} fields{same}",
            place + 1,
            read.path,
            read.shown,
            read.of
        );
        if !read.asks.is_empty() {
            let _ = writeln!(text, "     its request may have {}", one_line(&read.asks.join(", ")));
        }
    }
    text
}

/// Asks on the terminal, which neither a pipe nor a script answers by accident, for a number up to `count`.
fn ask(count: usize) -> Result<usize, Failure> {
    let no_terminal = |_: io::Error| {
        Failure::new(
            Exit::Usage,
            "several reads may show the settings, and there is no terminal for the prompt",
        )
        .hint("name one with --read PATH")
    };
    let mut terminal = File::options().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
    terminal.write_all(format!("number of the read (1 to {count}): ").as_bytes()).map_err(no_terminal)?;
    let mut answer = String::new();
    BufReader::new(terminal.take(64)).read_line(&mut answer).map_err(no_terminal)?;
    let number = answer.trim().parse::<usize>().ok().filter(|number| (1..=count).contains(number));
    number
        .map(|number| number - 1)
        .ok_or_else(|| Failure::new(Exit::Usage, "no read was chosen").hint("name one with --read PATH"))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(Exit::Usage, format!("{} already exists; nothing was overwritten", path.shown()))
                .hint("use another name: the file may have been reviewed")
        }
        _ => Failure::cannot_write(path, error),
    })
}
