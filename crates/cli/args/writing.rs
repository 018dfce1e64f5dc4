//! The flags of `plan` and `apply`: how orgs are written, which of them, and what must be said yes to.

use std::str::FromStr as _;

use clap::Args;
use orgwave_core::ids::Ruuid;
use orgwave_core::plan::GuardKind;
use orgwave_core::policy::{FailureBudget, Percent, Span, VerifyPolicy, Waves, WriteMode};

/// How orgs are written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Writing")]
pub struct WriteArgs {
    /// Write mode: merge sends the whole object as read with the changes, patch only the managed fields [default: merge].
    #[arg(long, value_name = "merge|patch")]
    pub write: Option<WriteMode>,
    /// Plan without reading the orgs, and write them without a read; implies --write patch and --verify none.
    #[arg(long)]
    pub no_read: bool,
    /// Which accepted writes are read back; settled: all, and again at the end of their wave; sample=N%: those of about
    /// N% of the orgs, and always the canary's [default: all].
    #[arg(long, value_name = "all|settled|sample=N%|none")]
    pub verify: Option<VerifyPolicy>,
    /// Wave sizes for the orgs that the column `wave` doesn't pin; pinned orgs come first [default: 1,5%,25%,rest].
    #[arg(long, value_name = "SIZES")]
    pub waves: Option<Waves>,
    /// Failure budget: stop the run after more than N failures, or N% of a wave [default: 10%].
    #[arg(long, value_name = "N|N%")]
    pub max_failures: Option<FailureBudget>,
    /// Take the other steps of an org where one is blocked or did not end well.
    #[arg(long)]
    pub keep_going: bool,
    /// Lifetime of the plan [default: 7d].
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Span>,
}

/// Guards and confirmation.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Guards")]
pub struct GuardArgs {
    /// Acknowledge a guard by its code from the plan; can be repeated.
    #[arg(long, value_name = "CODE")]
    pub ack: Vec<String>,
    /// Acknowledge every guard of this kind in the plans that `apply ROLLOUT` makes: additions, clears, removals, disarms,
    /// unproven. An addition whose key is another spelling of a live one still needs its code.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub allow: Vec<GuardKind>,
    /// With --unattended: maximum share of orgs that may change [default: 30%].
    #[arg(long, value_name = "N%")]
    pub max_changed: Option<Percent>,
    /// Never prompt, and refuse a plan that changes more than --max-changed.
    #[arg(long)]
    pub unattended: bool,
    /// Apply without a prompt.
    #[arg(long)]
    pub yes: bool,
    /// Exit with 3 on warnings too; with `plan`: if any row is blocked.
    #[arg(long)]
    pub strict: bool,
    /// Wait up to this long for another run to end.
    #[arg(long, value_name = "TIME")]
    pub lock_wait: Option<Span>,
}

/// Which rows.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Select orgs whose id or name matches, or `@FILE` with one pattern per line; the others are skipped.
    #[arg(long, value_name = "GLOB", allow_hyphen_values = true, value_parser = glob)]
    pub only: Vec<String>,
    /// Skip orgs whose id or name matches, or `@FILE` with one pattern per line.
    #[arg(long, value_name = "GLOB", allow_hyphen_values = true, value_parser = glob)]
    pub skip: Vec<String>,
}

/// What is matched against ids and names. An id may begin with `-`, as a flag does; what is a flag by its looks and no
/// id was most likely left behind by a forgotten value.
fn glob(text: &str) -> Result<String, String> {
    let name = text.split('=').next().unwrap_or_default();
    let is_lower = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let is_flag = is_lower && (name.starts_with("--") || name.starts_with('-') && name.len() == 2);
    if is_flag && Ruuid::from_str(text).is_err() {
        return Err("an org's id or name is expected here, not a flag".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn flags_are_distinguished_from_ids_and_every_id_is_taken() {
        for command in crate::args::Cli::command().get_subcommands() {
            for arg in command.get_arguments() {
                let long = arg.get_long().map(|name| format!("--{name}"));
                let short = arg.get_short().map(|name| format!("-{name}"));
                for flag in long.into_iter().chain(short) {
                    assert!(glob(&flag).is_err(), "{flag}");
                    assert!(glob(&format!("{flag}=x")).is_err(), "{flag}=x");
                }
            }
        }
        for text in
            ["-_e2eAAAAAAAAAAAAAAAAw", "--abcdefghijklmnopqrsA", "-*", "--A*", "-acme", "Acme --x", "*", ""]
        {
            assert_eq!(glob(text).as_deref(), Ok(text));
        }
    }
}
