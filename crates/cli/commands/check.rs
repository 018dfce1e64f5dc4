//! `orgwave check`: validate the files Offline, unless asked.

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_reporter::terminal::orgs;

use crate::args::CheckArgs;
use crate::connect::unresolved;
use crate::console;
use crate::failure::Failure;
use crate::rollout::{self, ProblemFormat};

/// Checks a rollout.
pub async fn run(catalog: &Catalog, args: CheckArgs) -> Result<Exit, Failure> {
    let format = if args.output.json { ProblemFormat::Json } else { ProblemFormat::Text };
    let mut rollout = rollout::open(catalog, &args.rollout, &args.input, format)?;
    crate::connect::config_of(rollout.sandbox.as_ref())?;
    let header = rollout.manifest.header();
    let missing = unresolved(args.connect.key.secrets.as_deref(), header.secrets.keys())?;
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
        console::note(&format!("note: secrets without a value here: {}\n", names.join(", ")));
    }
    if args.online {
        return super::online::run(catalog, args, &mut rollout).await;
    }
    if !args.output.json && !args.output.quiet {
        let sides: String = header.sides.iter().map(|(table, _)| format!(", {table}")).collect();
        let names: Vec<&str> = header.operations.iter().map(|(_, operation)| &*operation.name).collect();
        let steps = if header.operations.are_several() {
            format!("; steps of an org: {}", names.join(", "))
        } else {
            String::new()
        };
        console::out(&format!(
            "{}: {}{sides}{steps}; no problems ({}, cells separated by {})\n",
            args.rollout.shown(),
            orgs(header.rows),
            header.encoding,
            header.delimiter,
        ));
    }
    Ok(Exit::Done)
}
