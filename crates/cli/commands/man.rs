//! `orgwave man`: the manual as man pages, made from the very definitions that `--help` prints.

use std::io::{self, Write as _};

use clap::Command;
use clap_mangen::Man;
use orgwave_core::run::Exit;

use crate::args::{self, ManArgs};
use crate::console;
use crate::failure::Failure;

/// Prints the main page, or writes a page per command into a folder.
pub fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let mut command = args::command();
    // Names the subcommands in full: `orgwave plan`, page orgwave-plan(1).
    command.build();
    let Some(folder) = &args.output else {
        let mut text = Vec::new();
        page(&command, "orgwave", &mut text)
            .map_err(|error| Failure::new(Exit::CannotWrite, "the page can't be written").because(error))?;
        console::data(&String::from_utf8_lossy(&text));
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(folder).map_err(|error| Failure::cannot_write(folder, error))?;
    let subcommands = command.get_subcommands().filter(|command| command.get_name() != "help");
    for command in std::iter::once(&command).chain(subcommands) {
        let name = match command.get_name() {
            "orgwave" => "orgwave".to_owned(),
            name => format!("orgwave-{name}"),
        };
        let path = folder.join(format!("{name}.1"));
        let mut text = Vec::new();
        page(command, &name, &mut text)
            .and_then(|()| std::fs::write(&path, &text))
            .map_err(|error| Failure::cannot_write(&path, error))?;
    }
    Ok(Exit::Done)
}

fn page(command: &Command, name: &str, out: &mut Vec<u8>) -> io::Result<()> {
    let examples = command.get_before_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command.clone().display_name(name)).title(name.to_uppercase());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    out.write_all(section_of_examples(&examples).as_bytes())?;
    man.render_description_section(out)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(out)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(out)?;
    }
    out.write_all(section_of_exits().as_bytes())?;
    if command.get_version().is_some() { man.render_version_section(out) } else { Ok(()) }
}

/// The exit codes, each with when it is given and what to do.
fn section_of_exits() -> String {
    let entry = |exit: &Exit| {
        format!(".TP\n\\fB{}\\fR\n{}.\n{}\n", exit.code(), roff(exit.meaning()), roff(exit.advice()))
    };
    format!(".SH \"EXIT STATUS\"\n{}", Exit::ALL.iter().map(entry).collect::<String>())
}

/// A line of text: `\&` keeps one that begins with a dot or a quote from being a request.
fn roff(text: &str) -> String {
    format!("\\&{}", text.replace('\\', "\\e").replace('-', "\\-"))
}

/// The examples as they are, line by line.
fn section_of_examples(examples: &str) -> String {
    let mut lines = String::new();
    for line in examples.lines().skip(1) {
        lines.extend([&roff(line), "\n"]);
    }
    if lines.is_empty() { lines } else { format!(".SH EXAMPLES\n.nf\n{lines}.fi\n") }
}
