//! A fault as a table: what the caller sees, what happens on the server, and in which calls.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::Deref;

use hyper::header::HeaderValue;
use orgwave_core::ids::Ruuid;
use orgwave_core::policy::Span;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::values::{Applied, Header, Many, Patch, Probability, Size, Status, Typed};
use crate::pattern::Pattern;
use crate::route::Route;

/// One fault; the module above has its words. It shows itself as the line or the table that it was read from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Fault {
    line: String,
    table: Table,
}

/// All that a fault may say; the module above explains it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Table {
    pub(crate) act: Act,
    // What the acts take.
    pub(crate) code: Option<Typed<Status>>,
    pub(crate) body: Option<String>,
    pub(crate) retry_after: Option<Many<HeaderValue>>,
    pub(crate) location: Option<Many<HeaderValue>>,
    pub(crate) header: Option<Many<Header>>,
    pub(crate) msg: Option<String>,
    pub(crate) failed_guids: Option<String>,
    pub(crate) misconfigured_doors: Option<String>,
    pub(crate) at: Option<Typed<usize>>,
    pub(crate) every: Option<Typed<Span>>,
    pub(crate) size: Option<Typed<Size>>,
    pub(crate) depth: Option<Typed<usize>>,
    pub(crate) r#for: Option<Typed<Span>>,
    pub(crate) org: Option<Typed<Ruuid>>,
    // What happens on the server.
    applied: Option<Typed<Applied>>,
    pub(crate) delay: Option<Typed<Span>>,
    #[serde(default)]
    pub(crate) hold: bool,
    pub(crate) stale: Option<Typed<Span>>,
    pub(crate) flip: Option<String>,
    pub(crate) edit: Option<Typed<Patch>>,
    // In which calls: those for which all holds that is said.
    pub(crate) on: Option<Typed<Route>>,
    pub(crate) operation: Option<String>,
    pub(crate) of: Option<Pattern>,
    pub(crate) share: Option<Typed<Probability>>,
    pub(crate) from: Option<Typed<NonZeroU64>>,
    pub(crate) times: Option<Typed<NonZeroU64>>,
    pub(crate) from_request: Option<Typed<NonZeroU64>>,
    pub(crate) p: Option<Typed<Probability>>,
}

/// What the caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Act {
    Ok,
    Status,
    Error,
    AuthError,
    Warning,
    Echo,
    Truncate,
    TooLong,
    TooShort,
    DripHeaders,
    DripBody,
    GzipBomb,
    Huge,
    Deep,
    Garbage,
    Reset,
    Close,
    Drop,
    Hang,
    Refuse,
    OtherOrg,
    SettingsNull,
    SettingsAbsent,
    Masked,
    Reshaped,
    UnknownShape,
}

/// Keys that only these acts take.
const TAKEN_BY: [(&str, &[Act]); 9] = [
    ("code body retry-after location header", &[Act::Status]),
    ("msg", &[Act::Error, Act::AuthError, Act::Warning]),
    ("failed-guids misconfigured-doors", &[Act::Warning]),
    ("at", &[Act::Truncate]),
    ("every", &[Act::DripHeaders, Act::DripBody]),
    ("size", &[Act::GzipBomb, Act::Huge]),
    ("depth", &[Act::Deep]),
    ("for", &[Act::Refuse]),
    ("org", &[Act::OtherOrg]),
];

/// Replies with a status of 200 and a body that is no answer: name, type and body.
const ODD: [(&str, &str, &str); 5] = [
    (
        "html",
        "text/html; charset=utf-8",
        "<!doctype html><title>Sign in</title><p>You have been signed out.</p>",
    ),
    ("empty", "application/json", ""),
    ("null", "application/json", "null"),
    ("array", "application/json", "[]"),
    ("string", "application/json", "\"ok\""),
];

/// Why a line or a table is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseFaultError(pub(super) String);

impl Fault {
    /// Reads a table; `line` is how the fault shows itself.
    pub(super) fn read(mut words: Map<String, Value>, line: String) -> Result<Self, ParseFaultError> {
        shorthands(&mut words);
        let read = |words: &Map<String, Value>| serde_json::from_value::<Table>(words.clone().into());
        let mut table = read(&words).map_err(|error| {
            let message = error.to_string();
            // serde doesn't say whose value is wrong: that of the key without which it says something else.
            let is_wrong = |key: &&String| {
                let mut others = words.clone();
                others.remove(*key);
                read(&others).err().is_none_or(|error| error.to_string() != message)
            };
            explain(&message, words.keys().find(is_wrong))
        })?;
        let foreign = TAKEN_BY.iter().filter(|(_, acts)| !acts.contains(&table.act));
        if let Some(key) = foreign.flat_map(|(keys, _)| keys.split(' ')).find(|key| words.contains_key(*key))
        {
            return Err(ParseFaultError(format!("{key:?} is not allowed here")));
        }
        if let Some(only) = table.act.only_on()
            && table.on.replace(Typed(only)).is_some_and(|on| on != Typed(only))
        {
            return Err(ParseFaultError(format!("this happens only on {}", only.word())));
        }
        Ok(Self { line, table })
    }

    /// Whether and when a write is applied.
    pub(crate) fn applied(&self) -> Applied {
        let applies = matches!(self.act, Act::Ok | Act::Warning | Act::Echo | Act::Refuse);
        self.applied.map_or(if applies { Applied::Now } else { Applied::Never }, |applied| applied.0)
    }
}

/// Writes out what may be said shorter: a status or an odd reply as an act, `unapplied`, `nth`, `on any`.
fn shorthands(table: &mut Map<String, Value>) {
    let act = match table.remove("act") {
        None => "ok".to_owned(),
        Some(Value::String(act)) => act,
        Some(other) => other.to_string(),
    };
    let mut set = |key: &str, value: Value| drop(table.insert(key.to_owned(), value));
    if let Some((_, kind, body)) = ODD.iter().find(|(odd, ..)| *odd == act) {
        set("act", "status".into());
        set("code", 200.into());
        set("body", (*body).into());
        set("header", format!("content-type: {kind}").into());
    } else if act.parse::<u16>().is_ok() {
        set("act", "status".into());
        set("code", act.into());
    } else {
        set("act", act.into());
    }
    if let Some(nth) = table.remove("nth") {
        table.insert("from".to_owned(), nth);
        table.insert("times".to_owned(), 1.into());
    }
    if let Some(Value::Bool(unapplied)) = table.get("unapplied") {
        let applied = !unapplied;
        table.remove("unapplied");
        table.insert("applied".to_owned(), applied.into());
    }
    if table.get("on").is_some_and(|on| on == "any") {
        table.remove("on");
    }
}

/// serde's message in the words of faults; `key` is the one whose value is wrong.
fn explain(message: &str, key: Option<&String>) -> ParseFaultError {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (word, known) = quoted.split_first().map_or(("", &quoted[..]), |(word, known)| (*word, known));
    let what = if message.starts_with("unknown variant") {
        format!(
            "unknown fault {word:?}: expected a status, or a word such as `ok`, `reset`, `hang`, `truncate`"
        )
    } else if message.starts_with("unknown field") {
        format!("{word:?} is not allowed here")
    } else {
        return ParseFaultError(match key {
            Some(key) => format!("{message}, which `{}` needs", if key == "code" { "act" } else { key }),
            None => message.to_owned(),
        });
    };
    let near = known.iter().map(|known| (strsim::osa_distance(word, known), known));
    let near = near.filter(|(distance, _)| 2 * distance < word.len());
    ParseFaultError(match near.min() {
        Some((_, near)) => format!("{what}; did you mean `{near}`?"),
        None => what,
    })
}

impl Act {
    /// The one operation that the act makes sense for.
    const fn only_on(self) -> Option<Route> {
        match self {
            Self::OtherOrg | Self::SettingsNull | Self::SettingsAbsent | Self::Masked | Self::Reshaped => {
                Some(Route::Read)
            }
            Self::UnknownShape => Some(Route::Clients),
            Self::Warning | Self::Echo => Some(Route::Write),
            _ => None,
        }
    }
}

impl Deref for Fault {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.table
    }
}

impl TryFrom<Value> for Fault {
    type Error = ParseFaultError;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::String(line) => line.parse(),
            Value::Object(table) => {
                let line = Value::from(table.clone()).to_string();
                Self::read(table, line)
            }
            other => Err(ParseFaultError(format!("{other} is not a fault: expected a line or a table"))),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}
