//! Flags, then the rollout file's `[limits]`, then what is built in.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Command;
use orgwave_core::manifest::LimitValue;
use orgwave_core::policy::{FailureBudget, PerSecond, Percent, Rate, VerifyPolicy, Waves, WriteMode};
use orgwave_core::run::Exit;
use orgwave_executor::limits::Limits;

use super::commands::ApplyArgs;
use super::pace::PaceArgs;
use super::writing::{GuardArgs, WriteArgs};
use crate::failure::Failure;

/// What a plan lays down about its execution.
#[derive(Debug, Clone)]
pub struct PlanPolicy {
    /// How orgs are written.
    pub write: WriteMode,
    /// Which accepted writes are read back.
    pub verify: VerifyPolicy,
    /// Sizes of the waves, if they were given.
    pub waves: Option<Waves>,
    /// Whether they were given as a flag.
    pub waves_by_flag: bool,
    /// When too many failures stop the run.
    pub max_failures: FailureBudget,
    /// With `--unattended`: the largest share that may change.
    pub max_changed: Percent,
    /// How long the plan may be applied.
    pub expires: Duration,
}

/// `[limits]` as a command line, read by the very parsers of the flags.
fn typed_limits<T: clap::Args>(limits: &BTreeMap<String, LimitValue>) -> Result<T, Failure> {
    let command = T::augment_args(Command::new("limits").no_binary_name(true).disable_help_flag(true));
    let known: Vec<String> =
        command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
    let mut line = Vec::new();
    for (name, value) in limits {
        let flag = name.replace('_', "-");
        if !known.contains(&flag) {
            continue;
        }
        match value {
            LimitValue::Flag(true) => line.push(format!("--{flag}")),
            LimitValue::Flag(false) => {}
            LimitValue::Text(text) => line.push(format!("--{flag}={text}")),
            LimitValue::List(parts) => line.push(format!("--{flag}={}", parts.join(","))),
        }
    }
    let bad = |error: clap::Error| {
        let said = error.to_string();
        let first = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Failure::new(Exit::BadInput, format!("[limits] of the rollout file: {first}"))
    };
    let matches = command.try_get_matches_from(line).map_err(bad)?;
    T::from_arg_matches(&matches).map_err(bad)
}

/// How fast, how many at once, how often, how long.
pub fn pace(flags: &PaceArgs, limits: &BTreeMap<String, LimitValue>) -> Result<Limits, Failure> {
    let file: PaceArgs = typed_limits(limits)?;
    let timeout =
        flags.timeout.or(file.timeout).map_or(Duration::from_secs(30), orgwave_core::policy::Span::get);
    Ok(Limits {
        rate: flags.rate.or(file.rate).unwrap_or(Rate::Auto),
        org_rate: flags.org_rate.or(file.org_rate).unwrap_or(Rate::PerSecond(PerSecond::clamped(5.0))),
        concurrency: usize::from(flags.concurrency.or(file.concurrency).unwrap_or(16)),
        timeout,
        attempts: flags.attempts.or(file.attempts).unwrap_or(3),
        quiet_period: flags
            .quiet_period
            .or(file.quiet_period)
            .map_or((2 * timeout).max(Duration::from_secs(30)), orgwave_core::policy::Span::get),
        max_duration: flags.max_duration.or(file.max_duration).map(orgwave_core::policy::Span::get),
    })
}

/// What the plan lays down.
pub fn plan_policy(
    flags: &WriteArgs,
    guard: &GuardArgs,
    limits: &BTreeMap<String, LimitValue>,
) -> Result<PlanPolicy, Failure> {
    let file: WriteArgs = typed_limits(limits)?;
    let file_guard: GuardArgs = typed_limits(limits)?;
    let no_read = flags.no_read || file.no_read && flags.write.is_none();
    let write = flags.write.or(file.write).unwrap_or(WriteMode::Merge);
    let verify = flags.verify.or(file.verify).unwrap_or(VerifyPolicy::All);
    if flags.no_read && flags.write == Some(WriteMode::Merge) {
        return Err(Failure::usage("--no-read implies --write patch: nothing is read that could be merged"));
    }
    if flags.no_read && flags.verify == Some(VerifyPolicy::All) {
        return Err(Failure::usage("--no-read implies --verify none"));
    }
    Ok(PlanPolicy {
        write: if no_read { WriteMode::NoRead } else { write },
        verify: if no_read { VerifyPolicy::None } else { verify },
        waves_by_flag: flags.waves.is_some(),
        waves: flags.waves.clone().or(file.waves),
        max_failures: flags.max_failures.or(file.max_failures).unwrap_or_default(),
        max_changed: guard.max_changed.or(file_guard.max_changed).unwrap_or(Percent::of(30)),
        expires: flags.expires.map_or(Duration::from_secs(7 * 86_400), orgwave_core::policy::Span::get),
    })
}

/// A plan lays down how it is carried out and to which orgs, so these flags go with a rollout only.
pub fn refuse_rollout_flags(args: &ApplyArgs) -> Result<(), Failure> {
    let ApplyArgs { input, write, select, dry_run, .. } = args;
    let given = [
        ("--dry-run", *dry_run),
        ("--allow-outside", input.allow_outside),
        ("--write", write.write.is_some()),
        ("--no-read", write.no_read),
        ("--verify", write.verify.is_some()),
        ("--waves", write.waves.is_some()),
        ("--max-failures", write.max_failures.is_some()),
        ("--expires", write.expires.is_some()),
        ("--only", !select.only.is_empty()),
        ("--skip", !select.skip.is_empty()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(Failure::usage(format!(
            "{flag} goes with a rollout: what a plan says was reviewed, and binds"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn parse<T: FromStr>(text: &str) -> T
    where
        T::Err: std::fmt::Debug,
    {
        text.parse().unwrap()
    }

    fn text(text: &str) -> LimitValue {
        LimitValue::Text(text.to_owned())
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_what_is_built_in() {
        let limits = BTreeMap::from([("rate".to_owned(), text("20/s")), ("attempts".to_owned(), text("5"))]);
        let flags = PaceArgs { rate: Some(parse("9/s")), ..PaceArgs::default() };
        let pace = pace(&flags, &limits).unwrap();
        assert_eq!(pace.rate, parse("9/s"));
        assert_eq!(pace.attempts, 5);
        assert_eq!(pace.concurrency, 16);
        assert_eq!(pace.quiet_period, Duration::from_secs(60));
    }

    #[test]
    fn lists_are_joined_and_bad_values_name_their_place() {
        let waves = LimitValue::List(vec!["1".into(), "10%".into(), "rest".into()]);
        let limits = BTreeMap::from([("waves".to_owned(), waves)]);
        let policy = plan_policy(&WriteArgs::default(), &GuardArgs::default(), &limits).unwrap();
        assert_eq!(policy.waves, Some(parse("1,10%,rest")));
        let bad = BTreeMap::from([("rate".to_owned(), text("fast"))]);
        let failure = pace(&PaceArgs::default(), &bad).unwrap_err();
        assert_eq!(failure.exit, Exit::BadInput);
        assert!(failure.what.contains("fast"), "{failure}");
    }
}
