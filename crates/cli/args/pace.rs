//! The flags of pace: how fast, how many at once, how often, how long.

use std::fmt::Display;
use std::num::ParseIntError;
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::Args;
use orgwave_core::policy::{PerSecond, Rate, RetryPolicy, Span};
use orgwave_executor::limits::Limits;

use super::limits::parsed;
use super::resolved::resolved;

/// How fast, how many at once, how often, how long. What isn't given here is left to who is asked next, and in the end to
/// what is built in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Calls a second: `8/s`, `auto` or `unlimited`.
    pub rate: Option<Rate>,
    /// Calls a second to one org.
    pub org_rate: Option<Rate>,
    /// Calls in progress at once.
    pub concurrency: Option<u16>,
    /// The most time a call may take.
    pub timeout: Option<Span>,
    /// Sends of one org, and tries of each read.
    pub attempts: Option<u32>,
    /// Between two reads that must agree before anything is sent again.
    pub quiet_period: Option<Span>,
    /// Stop starting new orgs after this long.
    pub max_duration: Option<Span>,
}

impl Pace {
    /// Their keys in `[limits]`.
    pub(super) const KEYS: [&str; 7] =
        ["attempts", "concurrency", "max_duration", "org_rate", "quiet_period", "rate", "timeout"];

    /// Takes the value of a key in `[limits]`, as its flag would. Returns whether it is one of these.
    pub(super) fn take(&mut self, key: &str, text: &str) -> Result<bool, String> {
        match key {
            "attempts" => self.attempts = Some(attempts(text)?),
            "concurrency" => self.concurrency = Some(concurrency(text)?),
            "max_duration" => self.max_duration = Some(parsed(text)?),
            "org_rate" => self.org_rate = Some(org_rate(text)?),
            "quiet_period" => self.quiet_period = Some(parsed(text)?),
            "rate" => self.rate = Some(parsed(text)?),
            "timeout" => self.timeout = Some(positive_span(text)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// With the defaults of what isn't given.
    pub(super) fn resolve(self) -> Limits {
        let retry = RetryPolicy::default();
        let timeout = self.timeout.map_or(Duration::from_secs(30), Span::get);
        Limits {
            rate: self.rate.unwrap_or(Rate::Auto),
            org_rate: self.org_rate.unwrap_or(Rate::PerSecond(PerSecond::clamped(5.0))),
            concurrency: usize::from(self.concurrency.unwrap_or(16)),
            timeout,
            retry: RetryPolicy {
                attempts: self.attempts.unwrap_or(retry.attempts),
                quiet_period: self.quiet_period.map_or((2 * timeout).max(retry.quiet_period), Span::get),
                seed: fastrand::u64(..),
                ..retry
            },
            max_duration: self.max_duration.map(Span::get),
        }
    }

    /// These, and of `other` what they leave open.
    pub fn over(&self, other: &Self) -> Self {
        Self {
            rate: self.rate.or(other.rate),
            org_rate: self.org_rate.or(other.org_rate),
            concurrency: self.concurrency.or(other.concurrency),
            timeout: self.timeout.or(other.timeout),
            attempts: self.attempts.or(other.attempts),
            quiet_period: self.quiet_period.or(other.quiet_period),
            max_duration: self.max_duration.or(other.max_duration),
        }
    }
}

/// The flags of [`Pace`].
#[derive(Debug, Args)]
#[command(next_help_heading = "Pace")]
struct PaceFlags {
    /// Calls per second: `8/s`, `auto` or `unlimited` [default: auto].
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    /// Calls per second per org [default: 5/s].
    #[arg(long, value_name = "RATE", value_parser = org_rate)]
    org_rate: Option<Rate>,
    /// Concurrent requests [default: 16].
    #[arg(long, value_name = "N", value_parser = concurrency)]
    concurrency: Option<u16>,
    /// Request timeout [default: 30s].
    #[arg(long, value_name = "TIME", value_parser = positive_span)]
    timeout: Option<Span>,
    /// Maximum sends per org, and attempts per read [default: 3].
    #[arg(long, value_name = "N", value_parser = attempts)]
    attempts: Option<u32>,
    /// Pause between the two reads that must agree before a write is re-sent [default: twice `--timeout`, at least 30s].
    #[arg(long, value_name = "TIME")]
    quiet_period: Option<Span>,
    /// Stop starting new orgs after this long.
    #[arg(long, value_name = "TIME")]
    max_duration: Option<Span>,
}

impl From<PaceFlags> for Pace {
    fn from(flags: PaceFlags) -> Self {
        let PaceFlags { rate, org_rate, concurrency, timeout, attempts, quiet_period, max_duration } = flags;
        Self { rate, org_rate, concurrency, timeout, attempts, quiet_period, max_duration }
    }
}

resolved!(Pace, PaceFlags);

fn org_rate(text: &str) -> Result<Rate, String> {
    match text.parse()? {
        Rate::Auto => Err("an org's rate is a number like `5/s`, or `unlimited`".to_owned()),
        rate => Ok(rate),
    }
}

fn positive_span(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if span.get().is_zero() { Err("must be longer than zero".to_owned()) } else { Ok(span) }
}

fn concurrency(text: &str) -> Result<u16, String> {
    number(text, 1..=4096)
}

fn attempts(text: &str) -> Result<u32, String> {
    number(text, 1..=100)
}

fn number<T>(text: &str, range: RangeInclusive<T>) -> Result<T, String>
where
    T: TryFrom<i64> + PartialOrd + Display,
{
    let number: i64 = text.parse().map_err(|error: ParseIntError| error.to_string())?;
    let fitting = T::try_from(number).ok().filter(|number| range.contains(number));
    fitting.ok_or_else(|| format!("{number} is not in {}..={}", range.start(), range.end()))
}
