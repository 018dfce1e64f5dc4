//! Flags, then the rollout file's `[limits]`, then what is built in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Args, Command, FromArgMatches as _};
use orgwave_core::code::Code;
use orgwave_core::manifest::{Limit, LimitValue, Problem, quote};
use orgwave_core::policy::{PerSecond, Percent, Rate, RetryPolicy, VerifyPolicy, WriteMode};
use orgwave_core::run::Exit;
use orgwave_executor::limits::Limits;
use orgwave_planner::plan::PlanPolicy;

use super::commands::ApplyArgs;
use super::pace::PaceArgs;
use super::writing::{GuardArgs, WriteArgs};
use crate::failure::Failure;

/// Everything that `[limits]` may hold, as flags: a key is read by the parser of the flag of its name. A key is added
/// by its line in core's `LIMITS` and its flag in one of these.
#[derive(Debug, Clone, Default, Args)]
struct FileLimits {
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    guard: GuardArgs,
    /// Judged where the rollout file is read: no command has it as a flag.
    #[arg(long)]
    ignore: Vec<String>,
}

impl FileLimits {
    fn command() -> Command {
        let command = Self::augment_args(Command::new("limits").no_binary_name(true).disable_help_flag(true));
        // The environment is the flags' own business, and stands above the file.
        command.mut_args(|arg| arg.env(None::<&str>))
    }

    fn read<'a>(limits: impl IntoIterator<Item = (&'a String, &'a LimitValue)>) -> Result<Self, String> {
        let mut command = Self::command();
        let mut line = Vec::new();
        for (name, value) in limits {
            line.extend(as_flags(&command, name, value)?);
        }
        let read =
            command.try_get_matches_from_mut(line).and_then(|matches| Self::from_arg_matches(&matches));
        read.map_err(|error| reason(&error))
    }
}

/// A limit as words of a command line.
fn as_flags(command: &Command, name: &str, value: &LimitValue) -> Result<Vec<String>, String> {
    let flag = name.replace('_', "-");
    let Some(arg) = command.get_arguments().find(|arg| arg.get_long() == Some(&flag)) else {
        return Err(format!("--{flag} is no flag"));
    };
    let word = |text: &str| format!("--{flag}={text}");
    match (value, arg.get_action()) {
        (LimitValue::Flag(true), ArgAction::SetTrue) => Ok(vec![format!("--{flag}")]),
        (LimitValue::Flag(false), ArgAction::SetTrue) => Ok(Vec::new()),
        (_, ArgAction::SetTrue) => Err("it is true or false, without quotes".to_owned()),
        (LimitValue::Flag(_), _) => Err("it takes a value, not true or false".to_owned()),
        (LimitValue::Text(text), _) => Ok(vec![word(text)]),
        (LimitValue::List(parts), ArgAction::Append) => Ok(parts.iter().map(|part| word(part)).collect()),
        (LimitValue::List(parts), _) => Ok(vec![word(&parts.join(","))]),
    }
}

/// Why a parser refused, without clap's frame around it.
fn reason(error: &clap::Error) -> String {
    if let Some(source) = std::error::Error::source(error) {
        return source.to_string();
    }
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// Every limit that its flag would refuse, where it is written.
pub fn limit_problems(file: &Arc<str>, limits: &BTreeMap<String, Limit>) -> Vec<Problem> {
    let problem = |(name, limit): (&String, &Limit)| {
        let reason = FileLimits::read([(name, &limit.value)]).err()?;
        let expected = format!("what the flag --{} takes", name.replace('_', "-"));
        let found = format!("{}: {reason}", quote(&limit.value.to_string()));
        Some(Problem::new(Code::RollValue, file, expected, found).at(limit.line).under(name))
    };
    limits.iter().filter_map(problem).collect()
}

fn typed(limits: &BTreeMap<String, LimitValue>) -> Result<FileLimits, Failure> {
    FileLimits::read(limits)
        .map_err(|reason| Failure::new(Exit::BadInput, format!("[limits] of the rollout file: {reason}")))
}

/// How fast, how many at once, how often, how long.
pub fn pace(flags: &PaceArgs, limits: &BTreeMap<String, LimitValue>) -> Result<Limits, Failure> {
    let file = typed(limits)?.pace;
    let timeout =
        flags.timeout.or(file.timeout).map_or(Duration::from_secs(30), orgwave_core::policy::Span::get);
    Ok(Limits {
        rate: flags.rate.or(file.rate).unwrap_or(Rate::Auto),
        org_rate: flags.org_rate.or(file.org_rate).unwrap_or(Rate::PerSecond(PerSecond::clamped(5.0))),
        concurrency: usize::from(flags.concurrency.or(file.concurrency).unwrap_or(16)),
        timeout,
        retry: RetryPolicy {
            attempts: flags.attempts.or(file.attempts).unwrap_or(3),
            quiet_period: flags
                .quiet_period
                .or(file.quiet_period)
                .map_or((2 * timeout).max(Duration::from_secs(30)), orgwave_core::policy::Span::get),
            seed: fastrand::u64(..),
            ..RetryPolicy::default()
        },
        max_duration: flags.max_duration.or(file.max_duration).map(orgwave_core::policy::Span::get),
    })
}

/// What the plan lays down.
pub fn plan_policy(
    flags: &WriteArgs,
    guard: &GuardArgs,
    limits: &BTreeMap<String, LimitValue>,
) -> Result<PlanPolicy, Failure> {
    let FileLimits { write: file, guard: file_guard, .. } = typed(limits)?;
    let no_read = flags.no_read || file.no_read && flags.write.is_none();
    let write = flags.write.or(file.write).unwrap_or(WriteMode::Merge);
    let verify = flags.verify.or(file.verify).unwrap_or(VerifyPolicy::All);
    if flags.no_read && flags.write == Some(WriteMode::Merge) {
        return Err(Failure::usage("--no-read implies --write patch: nothing is read that could be merged"));
    }
    if flags.no_read && flags.verify.is_some_and(VerifyPolicy::reads_all) {
        return Err(Failure::usage("--no-read implies --verify none"));
    }
    Ok(PlanPolicy {
        write: if no_read { WriteMode::NoRead } else { write },
        verify: if no_read { VerifyPolicy::None } else { verify },
        waves_by_flag: flags.waves.is_some(),
        waves: flags.waves.clone().or(file.waves),
        max_failures: flags.max_failures.or(file.max_failures).unwrap_or_default(),
        max_changed: guard.max_changed.or(file_guard.max_changed).unwrap_or(Percent::of(30)),
        allow: if guard.allow.is_empty() { file_guard.allow } else { guard.allow.clone() },
        expires: flags.expires.map_or(Duration::from_secs(7 * 86_400), orgwave_core::policy::Span::get),
    })
}

/// A plan lays down how it is carried out and to which orgs, so these flags go with a rollout only.
pub fn refuse_rollout_flags(args: &ApplyArgs) -> Result<(), Failure> {
    let ApplyArgs { input, write, select, guard, dry_run, .. } = args;
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
        ("--allow", !guard.allow.is_empty()),
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

    use orgwave_core::manifest::LIMITS;

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
        assert_eq!(pace.retry.attempts, 5);
        assert_eq!(pace.concurrency, 16);
        assert_eq!(pace.retry.quiet_period, Duration::from_secs(60));
    }

    #[test]
    fn a_list_is_what_the_flag_takes_with_commas() {
        let waves = LimitValue::List(vec!["1".into(), "10%".into(), "rest".into()]);
        let limits = BTreeMap::from([("waves".to_owned(), waves)]);
        let policy = plan_policy(&WriteArgs::default(), &GuardArgs::default(), &limits).unwrap();
        assert_eq!(policy.waves, Some(parse("1,10%,rest")));
    }

    #[test]
    fn every_limit_has_its_flag_and_every_flag_of_pace_its_limit() {
        let flags: Vec<String> = FileLimits::command()
            .get_arguments()
            .filter_map(|arg| Some(arg.get_long()?.replace('-', "_")))
            .collect();
        for name in LIMITS {
            assert!(flags.iter().any(|flag| flag == name), "{name} is no flag");
        }
        for arg in PaceArgs::augment_args(Command::new("pace")).get_arguments() {
            let name = arg.get_long().unwrap().replace('-', "_");
            assert!(LIMITS.contains(&name.as_str()), "{name} is no limit");
        }
    }

    #[test]
    fn every_limit_that_its_flag_refuses_is_a_problem_of_its_own() {
        let bad = [
            ("attempts", text("0")),
            ("concurrency", text("many")),
            ("max_changed", text("130%")),
            ("max_failures", text("-")),
            ("no_read", text("yes")),
            ("org_rate", text("auto")),
            ("rate", LimitValue::Flag(false)),
            ("timeout", text("0s")),
            ("verify", text("some")),
            ("waves", LimitValue::List(vec!["rest".into(), "1".into()])),
            ("write", text("replace")),
        ];
        let limits: BTreeMap<String, Limit> =
            (5..).zip(bad).map(|(line, (name, value))| (name.to_owned(), Limit { line, value })).collect();
        let problems = limit_problems(&"r.toml".into(), &limits);
        let places: Vec<_> = problems.iter().map(|problem| problem.line.unwrap()).collect();
        assert_eq!(places, (5..16).collect::<Vec<_>>());
        let shown = problems[6].to_string();
        assert!(
            shown.starts_with(
                "r.toml:11: E-ROLL-003 rate: expected what the flag --rate takes, found \"false\""
            ),
            "{shown}"
        );
    }
}
