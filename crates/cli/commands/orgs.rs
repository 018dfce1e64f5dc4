//! `orgwave orgs`: the partner's client orgs, for people or as a starter manifest.

use std::collections::BTreeMap;

use orgwave_core::operation::{Catalog, Operations};
use orgwave_core::reply::Listed;
use orgwave_core::run::Exit;
use orgwave_planner::clients::{self, closed, name_in_a_cell};
use orgwave_reporter::Fanout;
use orgwave_reporter::files::table::Table;
use orgwave_reporter::terminal::{self as words, Entry, listing};

use super::sandboxed;
use crate::args::{self, OrgsArgs, OrgsFormat, RolloutLimits};
use crate::connect::{Identity, Session, serve};
use crate::console;
use crate::failure::Failure;
use crate::planning::reads;
use crate::rollout::{self, ProblemFormat};

/// Lists the client orgs.
pub async fn run(catalog: &Catalog, args: OrgsArgs) -> Result<Exit, Failure> {
    let limits = args::pace(&args.pace, &RolloutLimits::default());
    let sandbox = match (&args.rollout, args.connect.sandbox) {
        (Some(path), true) => {
            let mut rollout = rollout::open(catalog, path, &args.input, ProblemFormat::Text)?;
            sandboxed::of_rollout(catalog, &args.connect, &mut rollout, None).await?
        }
        (None, true) => Some(serve(catalog, None, super::sandbox::made_up(50, 0), None).await?),
        (Some(_), false) => {
            return Err(Failure::usage(
                "a rollout requires --sandbox: otherwise the list comes from the API",
            ));
        }
        (None, false) => None,
    };
    let identity = Identity::of(&args.connect.key, sandbox.as_ref())?;
    let mut session =
        Session::open(catalog, identity, &args.connect.key, limits, &BTreeMap::new(), sandbox, None)?;
    let api = session.reader()?;
    let operations = Operations::one(catalog.default_one().clone());
    let mut orgs =
        clients::ask(&mut reads(&operations, &mut session, &api, &mut Fanout::new())).await?.clients;
    orgs.sort_by(|left, right| left.name.cmp(&right.name).then(left.org.cmp(&right.org)));
    match args.format {
        OrgsFormat::Csv => console::data(&starter(&orgs)?),
        OrgsFormat::Table => {
            let entry = |listed: &Listed| {
                let name = listed.name.clone().unwrap_or_default();
                let closed = closed(listed).map(|(code, _)| code.title().to_owned());
                Entry { id: listed.org.to_string(), parts: std::iter::once(name).chain(closed).collect() }
            };
            let entries: Vec<Entry> = orgs.iter().map(entry).collect();
            let total = words::orgs(orgs.len() as u64);
            console::out(&format!("{}{total}\n", listing(&entries, console::columns())));
        }
    }
    Ok(Exit::Done)
}

/// The columns of the starter. The list's own words come last: a manifest carries them and sends nothing of them.
const STARTER: [&str; 4] = ["org_uuid", "org_name", "_clientAccessAllowed", "_deactivated"];

/// A manifest with a row per org, and no setting yet.
fn starter(orgs: &[Listed]) -> Result<String, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::new(Exit::CannotWrite, "the manifest can't be written").because(error)
    };
    let mut table = Table::begin(Vec::new(), STARTER).map_err(cannot)?;
    for listed in orgs {
        table.id(&listed.org).map_err(cannot)?;
        let name = name_in_a_cell(listed);
        if name.is_none() {
            console::note(&format!(
                "note: the name of {} has control characters or a command for CI systems, and is omitted\n",
                listed.org
            ));
        }
        table.text(name.unwrap_or("")).map_err(cannot)?;
        for said in [listed.access_allowed, listed.deactivated] {
            table.word(said.map_or("", |said| if said { "true" } else { "false" })).map_err(cannot)?;
        }
        table.end_row().map_err(cannot)?;
    }
    let bytes = table.end().map_err(cannot)?;
    String::from_utf8(bytes)
        .map_err(|error| Failure::new(Exit::CannotWrite, "the manifest can't be written").because(error))
}
