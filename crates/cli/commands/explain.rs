//! `orgwave explain NAME`: a code of a problem, an exit code, a field of an operation, or the code of a guard.

use anyhow::anyhow;
use orgwave_core::code::Code;
use orgwave_core::operation::{Catalog, nearest};
use orgwave_core::run::Exit;
use orgwave_reporter::operations::{find, names};
use orgwave_reporter::terminal::{Entry, listing};

use crate::console;
use crate::failure::Failure;

/// Prints the page of a code, or what is known of a field.
///
/// # Errors
/// Nothing has this name.
pub fn run(catalog: &Catalog, name: &str) -> Result<Exit, Failure> {
    if name.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() {
        console::out(&exit_page(name)?);
    } else if let Ok(code) = name.parse::<Code>() {
        console::out(code.page());
    } else {
        console::out(&field(catalog, name)?);
    }
    Ok(Exit::Done)
}

fn exit_page(code: &str) -> Result<String, Failure> {
    let exit = Exit::ALL.iter().find(|exit| exit.code().to_string() == code).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("unknown exit code {code}"))
            .hint("`orgwave help explain` lists them")
    })?;
    Ok(format!("# Exit code {}: {}\n\n## What to do\n\n{}\n", exit.code(), exit.meaning(), exit.advice()))
}

/// The page of the only field that a name means, or all of those that it may mean.
fn field(catalog: &Catalog, name: &str) -> Result<String, Failure> {
    match &find(catalog, name)[..] {
        [] => Err(unknown(catalog, name)),
        [only] => Ok(only.page()),
        several => {
            let entry = |found: &orgwave_reporter::operations::Found| Entry {
                id: found.name(),
                parts: vec![found.words().to_owned()],
            };
            let entries: Vec<Entry> = several.iter().map(entry).collect();
            Ok(listing(&entries, console::columns()))
        }
    }
}

fn unknown(catalog: &Catalog, name: &str) -> Failure {
    let fields = names(catalog);
    let codes = Code::ALL.iter().map(|code| code.as_str());
    // A code may be typed in any case, and is then no field.
    let near =
        nearest(&name.to_uppercase(), codes).or_else(|| nearest(name, fields.iter().map(String::as_str)));
    // Who knows a part of a name may not know the rest.
    let part = || {
        let part = name.to_lowercase();
        fields.iter().map(String::as_str).find(|field| part.len() > 2 && field.to_lowercase().contains(&part))
    };
    let near = near.or_else(part).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Failure::new(Exit::Usage, "give a code or a field to explain")
        .because(anyhow!("unknown name {name:?}{near}"))
        .hint("`orgwave operations NAME` lists the fields of an operation")
}
