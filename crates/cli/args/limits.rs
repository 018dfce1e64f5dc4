//! Flags, then the rollout file's `[limits]`, then what is built in.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use orgwave_core::code::Code;
use orgwave_core::manifest::{Limit, Problem, quote};
use orgwave_core::plan::GuardKind;
use orgwave_core::policy::{FailureBudget, Percent, Span, VerifyPolicy, Waves, WriteMode};
use orgwave_core::run::Exit;
use orgwave_executor::limits::Limits;
use orgwave_planner::plan::PlanPolicy;
use serde_json::Value;

use super::commands::ApplyArgs;
use super::pace::Pace;
use super::writing::{GuardArgs, WriteArgs};
use crate::failure::Failure;

/// `[limits]` of a rollout, read: a key is read as the flag of its name is.
#[derive(Debug, Clone, Default)]
pub struct RolloutLimits {
    pace: Pace,
    allow: Vec<GuardKind>,
    keep_going: bool,
    max_changed: Option<Percent>,
    max_failures: Option<FailureBudget>,
    no_read: bool,
    verify: Option<VerifyPolicy>,
    waves: Option<Waves>,
    write: Option<WriteMode>,
}

impl RolloutLimits {
    /// The keys: flags of pacing, waves and budget by their long names with `_`, and what the canary's read-back ignores.
    pub fn keys() -> Vec<&'static str> {
        let own = [
            "allow",
            "ignore",
            "keep_going",
            "max_changed",
            "max_failures",
            "no_read",
            "verify",
            "waves",
            "write",
        ];
        let mut keys: Vec<&str> = own.into_iter().chain(Pace::KEYS).collect();
        keys.sort_unstable();
        keys
    }

    /// What these hold: of a rollout file that was checked, or of a plan.
    ///
    /// # Errors
    /// 65: a value is none.
    pub fn of(limits: &BTreeMap<String, Value>) -> Result<Self, Failure> {
        let mut read = Self::default();
        for (key, value) in limits {
            read.take(key, value).map_err(|reason| {
                Failure::new(Exit::BadInput, format!("[limits] of the rollout file: {reason}"))
            })?;
        }
        Ok(read)
    }

    fn take(&mut self, key: &str, value: &Value) -> Result<(), String> {
        match key {
            "allow" => self.allow = text(value)?.split(',').map(parsed).collect::<Result<_, _>>()?,
            // Judged where the rollout file is read.
            "ignore" => {}
            "max_changed" => self.max_changed = Some(parsed(&text(value)?)?),
            "max_failures" => self.max_failures = Some(parsed(&text(value)?)?),
            "keep_going" => self.keep_going = flag(value)?,
            "no_read" => self.no_read = flag(value)?,
            "verify" => self.verify = Some(parsed(&text(value)?)?),
            "waves" => self.waves = Some(parsed(&text(value)?)?),
            "write" => self.write = Some(parsed(&text(value)?)?),
            _ if self.pace.take(key, &text(value)?)? => {}
            _ => return Err(format!("--{} is not a flag", flag_of(key))),
        }
        Ok(())
    }
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "it is true or false, without quotes".to_owned())
}

fn flag_of(key: &str) -> String {
    key.replace('_', "-")
}

/// What would be typed behind the flag: a list is what it takes with commas.
fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Bool(_) => Err("it takes a value, not true or false".to_owned()),
        value => Ok(written(value)),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(written).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

pub(super) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Every limit that its flag would refuse, where it is written.
pub fn limit_problems(file: &Arc<str>, limits: &BTreeMap<String, Limit>) -> Vec<Problem> {
    let problem = |(key, limit): (&String, &Limit)| {
        let flag = format!("a value for the flag --{}", flag_of(key));
        let (expected, found) = match &limit.value {
            Ok(value) => {
                let reason = RolloutLimits::default().take(key, value).err()?;
                (flag, format!("{}: {reason}", quote(&written(value))))
            }
            Err(found) => (format!("{flag}, in quotes or as a whole number"), found.clone()),
        };
        Some(Problem::new(Code::RollValue, file, expected, found).at(limit.line).under(key))
    };
    limits.iter().filter_map(problem).collect()
}

/// How fast, how many at once, how often, how long.
pub fn pace(flags: &Pace, file: &RolloutLimits) -> Limits {
    flags.over(&file.pace).resolve()
}

/// What the plan lays down.
pub fn plan_policy(
    flags: &WriteArgs,
    guard: &GuardArgs,
    file: &RolloutLimits,
) -> Result<PlanPolicy, Failure> {
    let no_read = flags.no_read || file.no_read && flags.write.is_none();
    let write = flags.write.or(file.write).unwrap_or(WriteMode::Merge);
    let verify = flags.verify.or(file.verify).unwrap_or(VerifyPolicy::All);
    if flags.no_read && flags.write == Some(WriteMode::Merge) {
        return Err(Failure::usage("--no-read implies --write patch: nothing is read that could be merged"));
    }
    if flags.no_read && flags.verify.is_some_and(|verify| verify != VerifyPolicy::None) {
        return Err(Failure::usage("--no-read implies --verify none"));
    }
    Ok(PlanPolicy {
        write: if no_read { WriteMode::NoRead } else { write },
        verify: if no_read { VerifyPolicy::None } else { verify },
        waves_by_flag: flags.waves.is_some(),
        waves: flags.waves.clone().or_else(|| file.waves.clone()),
        max_failures: flags.max_failures.or(file.max_failures).unwrap_or_default(),
        keep_going: flags.keep_going || file.keep_going,
        max_changed: guard.max_changed.or(file.max_changed).unwrap_or(Percent::of(30)),
        allow: if guard.allow.is_empty() { file.allow.clone() } else { guard.allow.clone() },
        expires: flags.expires.map_or(Duration::from_secs(7 * 86_400), Span::get),
    })
}

/// What a plan would lay down that is only compared with.
pub fn reading_policy(file: &RolloutLimits) -> Result<PlanPolicy, Failure> {
    Ok(plan_policy(&WriteArgs::default(), &GuardArgs::default(), file)?.reading())
}

/// A plan lays down how it is carried out and to which orgs, so these flags go with a rollout only.
pub fn refuse_rollout_flags(args: &ApplyArgs) -> Result<(), Failure> {
    let ApplyArgs { input, write, select, guard, dry_run, .. } = args;
    let given = [
        ("--dry-run", *dry_run),
        ("--operation", input.operation.is_some()),
        ("--allow-outside", input.files.allow_outside),
        ("--write", write.write.is_some()),
        ("--no-read", write.no_read),
        ("--keep-going", write.keep_going),
        ("--verify", write.verify.is_some()),
        ("--waves", write.waves.is_some()),
        ("--max-failures", write.max_failures.is_some()),
        ("--expires", write.expires.is_some()),
        ("--only", !select.only.is_empty()),
        ("--skip", !select.skip.is_empty()),
        ("--allow", !guard.allow.is_empty()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => {
            Err(Failure::usage(format!("{flag} requires a rollout: a plan is applied as reviewed")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};
    use serde_json::json;

    use super::*;
    use crate::args::Cli;

    fn limits(limits: &[(&str, Value)]) -> RolloutLimits {
        let limits = limits.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        RolloutLimits::of(&limits).unwrap()
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_what_is_built_in() {
        let file = limits(&[("rate", json!("20/s")), ("attempts", json!("5"))]);
        let flags = Pace { rate: Some("9/s".parse().unwrap()), ..Pace::default() };
        let pace = pace(&flags, &file);
        assert_eq!(pace.rate, "9/s".parse().unwrap());
        assert_eq!(pace.retry.attempts, 5);
        assert_eq!(pace.concurrency, 16);
        assert_eq!(pace.retry.quiet_period, Duration::from_secs(60));
    }

    #[test]
    fn a_list_is_what_the_flag_takes_with_commas() {
        let file = limits(&[
            ("waves", json!(["1", "10%", "rest"])),
            ("allow", json!(["clears,removals", "disarms"])),
        ]);
        let policy = plan_policy(&WriteArgs::default(), &GuardArgs::default(), &file).unwrap();
        assert_eq!(policy.waves, Some("1,10%,rest".parse().unwrap()));
        assert_eq!(policy.allow, [GuardKind::Clears, GuardKind::Removals, "disarms".parse().unwrap()]);
    }

    #[test]
    fn every_limit_is_read_and_every_flag_of_pace_has_its_limit() {
        for key in RolloutLimits::keys() {
            let refused = RolloutLimits::default().take(key, &json!("?")).err();
            assert!(refused.is_none_or(|reason| !reason.ends_with("is not a flag")), "{key}");
        }
        let pace = Pace::augment_args(Command::new("pace"));
        for arg in pace.get_arguments() {
            let key = arg.get_long().unwrap().replace('-', "_");
            assert!(RolloutLimits::keys().contains(&key.as_str()), "{key} is no limit");
        }
    }

    /// What a flag and a limit refuse, they refuse in the same words.
    #[test]
    fn a_limit_is_refused_as_its_flag_is() {
        use clap::Parser as _;
        let refused = [
            ("attempts", "0"),
            ("attempts", "101"),
            ("attempts", "x"),
            ("attempts", ""),
            ("concurrency", "-1"),
            ("concurrency", "99999999999999999999"),
            ("max_changed", "130%"),
            ("max_duration", "1"),
            ("max_failures", "-"),
            ("org_rate", "auto"),
            ("quiet_period", "soon"),
            ("rate", "8"),
            ("timeout", "0s"),
            ("verify", "some"),
            ("waves", "rest,1"),
            ("write", "replace"),
            ("allow", "clears,all"),
        ];
        for (key, text) in refused {
            let flag = format!("--{}={text}", flag_of(key));
            let error = Cli::try_parse_from(["orgwave", "plan", "r.toml", &flag]).unwrap_err();
            let by_flag = std::error::Error::source(&error).map(ToString::to_string);
            assert_eq!(RolloutLimits::default().take(key, &json!(text)).err(), by_flag, "{flag}");
            assert!(by_flag.is_some(), "{flag}");
        }
    }

    #[test]
    fn every_limit_that_its_flag_refuses_is_a_problem_of_its_own() {
        let bad = [
            ("attempts", Ok(json!("0"))),
            ("concurrency", Ok(json!("many"))),
            ("max_changed", Ok(json!("130%"))),
            ("max_failures", Ok(json!("-"))),
            ("no_read", Ok(json!("yes"))),
            ("org_rate", Ok(json!("auto"))),
            ("rate", Ok(json!(false))),
            ("timeout", Ok(json!("0s"))),
            ("verify", Err("a TOML float".to_owned())),
            ("waves", Ok(json!(["rest", "1"]))),
            ("write", Ok(json!("replace"))),
        ];
        let limits: BTreeMap<String, Limit> =
            (5..).zip(bad).map(|(line, (name, value))| (name.to_owned(), Limit { line, value })).collect();
        let problems = limit_problems(&"r.toml".into(), &limits);
        let places: Vec<_> = problems.iter().map(|problem| problem.line.unwrap()).collect();
        assert_eq!(places, (5..16).collect::<Vec<_>>());
        let shown = problems[6].to_string();
        assert!(
            shown.starts_with(
                "r.toml:11: E-ROLL-003 rate: expected a value for the flag --rate, found \"false\""
            ),
            "{shown}"
        );
        let shown = problems[8].to_string();
        let expected = "r.toml:13: E-ROLL-003 verify: expected a value for the flag --verify, in quotes or as a whole \
                        number, found a TOML float";
        assert!(shown.starts_with(expected), "{shown}");
    }
}
