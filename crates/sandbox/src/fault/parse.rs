//! From a line to a fault; the grammar stands in the header of the module above.

use std::str::FromStr;
use std::time::Duration;

use super::spec::{Act, Applied, Effects, Fault, Scope, When};
use super::words;
use crate::duration::{self, ParseDurationError};
use crate::glob::Glob;
use crate::route::Route;

/// Why a line is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFaultError {
    /// A quote was opened and not closed.
    #[error("a quote is never closed")]
    Quote,
    /// The first word is neither an act nor an effect.
    #[error("{0:?} is no fault: expected a status, or a word such as `ok`, `reset`, `hang`, `truncate`")]
    Act(String),
    /// A word that nothing knows, or that this act has no use for.
    #[error("{0:?} has no meaning here")]
    Word(String),
    /// A word that needs another behind it.
    #[error("`{0}` needs a value")]
    Value(String),
    /// A value of the wrong form.
    #[error("{value:?} is no {expected}, which `{word}` needs")]
    Form {
        /// The key or the word before the value.
        word: String,
        /// The value as written.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A duration of the wrong form.
    #[error("`{word}` needs a duration")]
    Duration {
        /// The key.
        word: String,
        /// What is wrong with its value.
        source: ParseDurationError,
    },
    /// The act is about one operation, and the line names another.
    #[error("this happens only on {0}")]
    Route(&'static str),
}

/// The keys and flags of a line, each taken out once by what understands it; whatever is left is an error.
struct Options(Vec<(String, Option<String>)>);

impl Options {
    fn flag(&mut self, name: &str) -> bool {
        let place = self.0.iter().position(|(key, value)| key == name && value.is_none());
        place.map(|place| self.0.remove(place)).is_some()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(key, value)| key == name && value.is_some())?;
        self.0.remove(place).1
    }

    fn all(&mut self, name: &str) -> Vec<String> {
        std::iter::from_fn(|| self.text(name)).collect()
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn duration(&mut self, name: &str) -> Result<Option<Duration>, ParseFaultError> {
        self.text(name)
            .map(|text| duration::parse(&text))
            .transpose()
            .map_err(|source| ParseFaultError::Duration { word: name.to_owned(), source })
    }

    fn parsed<T: FromStr>(
        &mut self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, ParseFaultError> {
        self.text(name).map(|value| form(name, &value, expected)).transpose()
    }
}

fn form<T: FromStr>(word: &str, value: &str, expected: &'static str) -> Result<T, ParseFaultError> {
    value.parse().map_err(|_| ParseFaultError::Form {
        word: word.to_owned(),
        value: value.to_owned(),
        expected,
    })
}

fn probability(word: &str, value: &str) -> Result<f64, ParseFaultError> {
    const EXPECTED: &str = "number from 0 to 1";
    let number: f64 = form(word, value, EXPECTED)?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(ParseFaultError::Form { word: word.to_owned(), value: value.to_owned(), expected: EXPECTED })
    }
}

/// A count from 1.
fn count(word: &str, value: &str) -> Result<u64, ParseFaultError> {
    form::<std::num::NonZeroU64>(word, value, "whole number from 1").map(std::num::NonZeroU64::get)
}

/// `1G`, `64M`, `10K`, `500`.
fn size(options: &mut Options) -> Result<u64, ParseFaultError> {
    let Some(text) = options.text("size") else { return Ok(1 << 30) };
    let (digits, shift) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(digits) if text.ends_with('K') => (digits, 10),
        Some(digits) if text.ends_with('M') => (digits, 20),
        Some(digits) => (digits, 30),
        None => (text.as_str(), 0),
    };
    let number: u32 = form("size", digits, "size such as 500, 10K, 64M or 1G")?;
    Ok(u64::from(number) << shift)
}

fn act(word: &str, options: &mut Options) -> Result<Act, ParseFaultError> {
    const JSON: &str = "application/json";
    const DRIP: Duration = Duration::from_millis(100);
    Ok(match word {
        "ok" => Act::Ok,
        "error" => Act::Error { message: options.text("msg") },
        "auth-error" => Act::AuthError { message: options.text("msg") },
        "warning" => Act::Warning {
            message: options.text("msg"),
            failed_guids: options.list("failed-guids"),
            misconfigured_doors: options.list("misconfigured-doors"),
        },
        "html" => Act::Odd {
            content_type: "text/html; charset=utf-8",
            body: "<!doctype html><title>Sign in</title><p>You have been signed out.</p>",
        },
        "empty" => Act::Odd { content_type: JSON, body: "" },
        "null" => Act::Odd { content_type: JSON, body: "null" },
        "array" => Act::Odd { content_type: JSON, body: "[]" },
        "string" => Act::Odd { content_type: JSON, body: "\"ok\"" },
        "truncate" => Act::Truncate { at: options.parsed("at", "number of bytes")? },
        "too-long" => Act::TooLong,
        "too-short" => Act::TooShort,
        "drip-headers" => Act::DripHeaders { every: options.duration("every")?.unwrap_or(DRIP) },
        "drip-body" => Act::DripBody { every: options.duration("every")?.unwrap_or(DRIP) },
        "gzip-bomb" => Act::GzipBomb { size: size(options)? },
        "huge" => Act::Huge { size: size(options)? },
        "deep" => Act::Deep { depth: options.parsed("depth", "number of levels")?.unwrap_or(100_000) },
        "reset" => Act::Reset,
        "close" => Act::Close,
        "drop" => Act::Drop,
        "hang" => Act::Hang,
        "refuse" => Act::Refuse { pause: options.duration("for")?.unwrap_or(Duration::from_secs(2)) },
        "other-org" => Act::OtherOrg { org: options.parsed("org", "RUUID")? },
        "settings-null" => Act::SettingsNull,
        "settings-absent" => Act::SettingsAbsent,
        "masked" => Act::Masked,
        "reshaped" => Act::Reshaped,
        "unknown-shape" => Act::UnknownShape,
        _ => match word.parse() {
            Ok(code @ 200..=599) => {
                Act::Status { code, headers: headers(options)?, body: options.text("body") }
            }
            _ => return Err(ParseFaultError::Act(word.to_owned())),
        },
    })
}

fn headers(options: &mut Options) -> Result<Vec<(String, String)>, ParseFaultError> {
    let mut headers: Vec<(String, String)> = Vec::new();
    headers.extend(options.all("retry-after").into_iter().map(|value| ("retry-after".to_owned(), value)));
    headers.extend(options.all("location").into_iter().map(|value| ("location".to_owned(), value)));
    for header in options.all("header") {
        let (name, value) = header.split_once(':').ok_or_else(|| ParseFaultError::Form {
            word: "header".to_owned(),
            value: header.clone(),
            expected: "header line, `Name: value`",
        })?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let sound = |(name, value): &(String, String)| {
        hyper::header::HeaderName::try_from(name.as_str()).is_ok()
            && hyper::header::HeaderValue::try_from(value.as_str()).is_ok()
    };
    match headers.iter().find(|header| !sound(header)) {
        Some((name, value)) => Err(ParseFaultError::Form {
            word: name.clone(),
            value: value.clone(),
            expected: "header that HTTP can carry",
        }),
        None => Ok(headers),
    }
}

fn effects(act: &Act, options: &mut Options) -> Result<Effects, ParseFaultError> {
    let applied = if options.flag("applied") {
        Applied::Now
    } else if options.flag("unapplied") {
        Applied::Never
    } else if let Some(late) = options.duration("applied")? {
        Applied::After(late)
    } else if act.applies() {
        Applied::Now
    } else {
        Applied::Never
    };
    let edit = options.text("edit").map(|json| {
        serde_json::from_str(&json).map_err(|_| ParseFaultError::Form {
            word: "edit".to_owned(),
            value: json,
            expected: "JSON object",
        })
    });
    Ok(Effects {
        applied,
        delay: options.duration("delay")?.unwrap_or_default(),
        stale: options.duration("stale")?,
        flip: options.text("flip"),
        edit: edit.transpose()?,
    })
}

/// Whether a word may stand first for `ok`.
fn is_effect(word: &str) -> bool {
    ["applied=", "delay=", "stale=", "flip=", "edit="].iter().any(|start| word.starts_with(start))
        || word == "unapplied"
}

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let mut words = words::split(line).ok_or(ParseFaultError::Quote)?.into_iter().peekable();
        let name = match words.peek() {
            None => return Err(ParseFaultError::Act(String::new())),
            Some(first) if is_effect(first) => "ok".to_owned(),
            Some(_) => words.next().unwrap_or_default(),
        };
        let mut options = Options(Vec::new());
        let mut scope = Scope { operation: None, org: None, share: None, when: When::Always };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| ParseFaultError::Value(word.clone()));
            match word.as_str() {
                "on" => {
                    let value = value()?;
                    scope.operation = match value.as_str() {
                        "any" => None,
                        name => Some(Route::of_word(name).ok_or_else(|| ParseFaultError::Form {
                            word: "on".to_owned(),
                            value: value.clone(),
                            expected: "operation",
                        })?),
                    };
                }
                "of" => scope.org = Some(Glob::from(value()?.as_str())),
                "times" => scope.when = When::Times(count("times", &value()?)?),
                "nth" => scope.when = When::Nth(count("nth", &value()?)?),
                "from" => scope.when = When::From(count("from", &value()?)?),
                "from-request" => scope.when = When::FromRequest(count("from-request", &value()?)?),
                _ => options.0.push(match word.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (word, None),
                }),
            }
        }
        if let Some(value) = options.text("p") {
            scope.when = When::Probability(probability("p", &value)?);
        }
        scope.share = options.text("share").map(|value| probability("share", &value)).transpose()?;
        let act = act(&name, &mut options)?;
        let effects = effects(&act, &mut options)?;
        if let Some((key, _)) = options.0.into_iter().next() {
            return Err(ParseFaultError::Word(key));
        }
        if let Some(only) = act.only_on() {
            match scope.operation {
                None => scope.operation = Some(only),
                Some(operation) if operation == only => {}
                Some(_) => return Err(ParseFaultError::Route(only.word())),
            }
        }
        Ok(Self { line: line.trim().to_owned(), act, effects, scope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Fault {
        line.parse().unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn a_line_with_everything() {
        let fault = parse(
            r"429 retry-after=3 retry-after='Wed, 21 Oct 2026 07:28:00 GMT' header='X-A: b c' body=no delay=2s
              on write of 'Acme *' share=0.5 times 2",
        );
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fault.act,
            Act::Status {
                code: 429,
                headers: vec![
                    header("retry-after", "3"),
                    header("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),
                    header("x-a", "b c"),
                ],
                body: Some("no".to_owned()),
            }
        );
        assert_eq!(fault.effects.delay, Duration::from_secs(2));
        assert_eq!(fault.effects.applied, Applied::Never);
        assert_eq!(fault.scope.operation, Some(Route::Write));
        assert_eq!(fault.scope.org, Some(Glob::from("Acme *")));
        assert_eq!(fault.scope.share, Some(0.5));
        assert_eq!(fault.scope.when, When::Times(2));
    }

    #[test]
    fn what_is_applied_unless_said() {
        for (line, applied) in [
            ("500 on write", Applied::Never),
            ("500 applied on write", Applied::Now),
            ("reset applied=2s on write", Applied::After(Duration::from_secs(2))),
            ("stale=10s on write", Applied::Now),
            ("warning msg=w", Applied::Now),
            ("ok unapplied on write", Applied::Never),
            ("hang", Applied::Never),
        ] {
            assert_eq!(parse(line).effects.applied, applied, "{line}");
        }
    }

    #[test]
    fn acts_bring_their_operation() {
        assert_eq!(parse("masked").scope.operation, Some(Route::Read));
        assert_eq!(parse("unknown-shape").scope.operation, Some(Route::Clients));
        assert_eq!("masked on write".parse::<Fault>(), Err(ParseFaultError::Route("read")));
    }

    #[test]
    fn sizes() {
        assert_eq!(parse("huge").act, Act::Huge { size: 1 << 30 });
        assert_eq!(parse("huge size=10K").act, Act::Huge { size: 10 << 10 });
        assert_eq!(parse("gzip-bomb size=64M").act, Act::GzipBomb { size: 64 << 20 });
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (line, message) in [
            ("", "\"\" is no fault: expected a status, or a word such as `ok`, `reset`, `hang`, `truncate`"),
            (
                "rest",
                "\"rest\" is no fault: expected a status, or a word such as `ok`, `reset`, `hang`, `truncate`",
            ),
            (
                "199",
                "\"199\" is no fault: expected a status, or a word such as `ok`, `reset`, `hang`, `truncate`",
            ),
            ("500 aplied", "\"aplied\" has no meaning here"),
            ("reset msg=x", "\"msg\" has no meaning here"),
            ("500 on", "`on` needs a value"),
            ("500 on wirte", "\"wirte\" is no operation, which `on` needs"),
            ("500 times 0", "\"0\" is no whole number from 1, which `times` needs"),
            ("500 p=2", "\"2\" is no number from 0 to 1, which `p` needs"),
            ("ok delay=5", "`delay` needs a duration"),
            ("ok edit=[]", "\"[]\" is no JSON object, which `edit` needs"),
            ("500 header=x", "\"x\" is no header line, `Name: value`, which `header` needs"),
            ("500 body='x", "a quote is never closed"),
            ("other-org org=x", "\"x\" is no RUUID, which `org` needs"),
            ("huge size=1T", "\"1T\" is no size such as 500, 10K, 64M or 1G, which `size` needs"),
        ] {
            assert_eq!(line.parse::<Fault>().unwrap_err().to_string(), message, "{line:?}");
        }
    }

    #[test]
    fn a_fault_shows_its_line_and_reads_it_again() {
        let fault = parse("429 retry-after=3 on write times 2");
        let json = serde_json::to_string(&fault).unwrap();
        assert_eq!(json, r#""429 retry-after=3 on write times 2""#);
        assert_eq!(serde_json::from_str::<Fault>(&json).unwrap(), fault);
    }
}
