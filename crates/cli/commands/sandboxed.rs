//! The sandbox of a command with `--sandbox`: the sandbox API with the very orgs that the command is about.

use std::path::Path;

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Catalog;
use orgwave_core::plan::Header;
use orgwave_core::run::Exit;
use orgwave_planner::plan::PlanFile;
use orgwave_sandbox::OrgSeed;

use crate::args::ConnectArgs;
use crate::connect::{InProcess, serve};
use crate::failure::Failure;
use crate::rollout::Rollout;

/// Starts the sandbox with the orgs of a rollout, if it is wanted.
///
/// # Errors
/// 65: the rollout changed, or its `[sandbox]` is wrong. 74: the ledger can't be written.
pub async fn of_rollout(
    catalog: &Catalog,
    connect: &ConnectArgs,
    rollout: &mut Rollout,
    folder: Option<&Path>,
) -> Result<Option<InProcess>, Failure> {
    if !connect.sandbox {
        return Ok(None);
    }
    let mut orgs = Vec::new();
    for row in rollout.manifest.rows()? {
        let row = row?;
        orgs.push(seed(orgs.len(), row.org, row.name));
    }
    serve(catalog, rollout.sandbox.as_ref(), orgs, folder).await.map(Some)
}

/// Starts the sandbox with the orgs of a plan, if it is wanted.
///
/// # Errors
/// 12: the plan is for a real API.
pub async fn of_plan(
    catalog: &Catalog,
    connect: &ConnectArgs,
    plan: &PlanFile,
    header: &Header,
    folder: &Path,
) -> Result<Option<InProcess>, Failure> {
    if !connect.sandbox {
        return Ok(None);
    }
    if header.sandbox.is_none() {
        return Err(Failure::new(
            Exit::PlanRefused,
            format!("the plan is for {}, not for the sandbox", header.endpoint),
        ));
    }
    let mut orgs = Vec::new();
    plan.each_line(|line| orgs.push(seed(orgs.len(), line.org, line.name)))?;
    serve(catalog, header.sandbox.as_ref(), orgs, Some(folder)).await.map(Some)
}

/// An org as the sandbox knows it: by the name that the row asserts, else by its place.
pub fn seed(place: usize, org: Ruuid, name: Option<String>) -> OrgSeed {
    OrgSeed { org, name: name.map_or_else(|| format!("Org {}", place + 1), |name| name.trim().to_owned()) }
}
