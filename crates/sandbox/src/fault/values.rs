//! The values of a fault's table. Each may be written as text, since that is all that a line has.

use std::num::NonZeroU64;
use std::str::FromStr;

use hyper::header::{HeaderName, HeaderValue};
use orgwave_core::ids::Ruuid;
use orgwave_core::policy::Span;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::{Map, Value};

use crate::route::Route;

/// A value that may be written as text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Typed<T>(pub(crate) T);

/// One such value, or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Many<T>(pub(crate) Vec<T>);

/// A status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) u16);

/// A header line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header(pub(crate) HeaderName, pub(crate) HeaderValue);

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Probability(pub(crate) f64);

/// A number of bytes; powers of 1024 are `K`, `M` and `G`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

/// Fields of an org.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Patch(pub(crate) Map<String, Value>);

/// Whether and when a write is applied: true, false, or a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Before the reply.
    Now,
    /// This long after the request came in, whatever became of the reply.
    After(Span),
    /// Not at all.
    Never,
}

/// What can be read from a text, and what the text should be.
pub(crate) trait Readable: Sized {
    const EXPECTED: &str;
    fn read(text: &str) -> Option<Self>;
}

macro_rules! readable {
    ($($kind:ty, $expected:literal, $read:expr;)*) => {
        $(impl Readable for $kind {
            const EXPECTED: &str = $expected;
            fn read(text: &str) -> Option<Self> {
                $read(text)
            }
        })*
    };
}

/// By the standard way.
fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

readable! {
    usize, "whole number", parsed;
    NonZeroU64, "whole number from 1", parsed;
    HeaderValue, "value that a header can have", parsed;
    Ruuid, "RUUID", parsed;
    Span, "duration such as 500ms, 3s or 2m", parsed;
    Route, "operation", Route::of_word;
    Patch, "JSON object", |text| serde_json::from_str(text).ok().map(Patch);
    Status, "status from 200 to 599", |text| parsed(text).filter(|code| (200..=599).contains(code)).map(Status);
    Probability, "number from 0 to 1", |text| parsed(text).filter(|p| (0.0..=1.0).contains(p)).map(Probability);
    Applied, "duration such as 500ms, 3s or 2m", |text| match text {
        "true" => Some(Applied::Now),
        "false" => Some(Applied::Never),
        _ => parsed(text).map(Applied::After),
    };
    Size, "size such as 500, 10K, 64M or 1G", |text: &str| {
        let unit = text.find(['K', 'M', 'G']).unwrap_or(text.len());
        let shift = match &text[unit..] { "" => 0, "K" => 10, "M" => 20, "G" => 30, _ => return None };
        parsed::<u32>(&text[..unit]).map(|number| Size(u64::from(number) << shift))
    };
    Header, "header line, `Name: value`", |text: &str| {
        let (name, value) = text.split_once(':')?;
        Some(Header(parsed(name.trim())?, parsed(value.trim())?))
    };
}

fn typed<T: Readable, E: Error>(value: Value) -> Result<T, E> {
    let text = match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    T::read(&text).ok_or_else(|| E::custom(format_args!("{text:?} is not a valid {}", T::EXPECTED)))
}

impl<'de, T: Readable> Deserialize<'de> for Typed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        typed(Value::deserialize(deserializer)?).map(Self)
    }
}

impl<'de, T: Readable> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Array(values) => values.into_iter().map(typed).collect::<Result<_, _>>().map(Self),
            value => Ok(Self(vec![typed(value)?])),
        }
    }
}
