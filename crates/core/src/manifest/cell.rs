//! The text of a setting's cell -> what it asks for.
//!
//! Tokens in angle brackets, a backslash before what shall be literal, and refusals of what spreadsheets break:
//! formulas, error values, long numbers in scientific notation. Literal columns, such as `note`, are none of this
//! module's business.

use std::borrow::Cow;

use serde_json::{Number, Value, json};

use super::problem::{is_mark, quote};
use super::spreadsheet::{is_error_value, is_exponent, is_formula, visible_start, whole_number};
use crate::code::Code;
use crate::ids::{AddressRange, HierarchyKey, Ruuid};
use crate::operation::{Field, Kind, Operation, Thing};
use crate::secret::{SecretName, SecretNames};

/// The highest wave that a row can be pinned to.
const MAX_WAVE: u32 = 1_000_000_000;

/// What a cell asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Blank,
    /// Leave it as it is, though a default exists.
    Keep,
    /// Take the map's entry out.
    Remove,
    /// This value; null clears.
    Set(Value),
    /// The value of a secret, or of several in a list.
    Secret(SecretNames),
}

/// Why a cell is refused. The text itself is not in here: the caller knows whether it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub code: Code,
    /// What should have been there.
    pub expected: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(code: Code, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { code, expected: expected.into() }
    }
}

/// Reads a cell that sets the value of a field of an operation.
///
/// # Errors
/// When it breaks a rule.
pub fn read_setting(operation: &Operation, field: &Field, text: &str) -> Result<Cell, Refusal> {
    if field.is_entry() && trim(text) == "<remove>" {
        return Ok(Cell::Remove);
    }
    if field.is_secret() {
        return read_secret(&field.kind, text);
    }
    if !field.is_entry() || has_own_value(field) {
        return read_value(operation, &field.kind, text);
    }
    match Token::of(text)? {
        Token::Blank => Ok(Cell::Blank),
        Token::Keep => Ok(Cell::Keep),
        _ => {
            Err(Refusal::new(Code::CellMap, "<remove>, <keep> or nothing: an entry has no value of its own"))
        }
    }
}

/// Reads a cell of `expect.`: what must be live. `None` for no guard.
///
/// # Errors
/// When it breaks a rule.
pub fn read_expect(operation: &Operation, field: &Field, text: &str) -> Result<Option<Value>, Refusal> {
    if field.is_entry() && !has_own_value(field) {
        return match Token::of(text)? {
            Token::Blank => Ok(None),
            Token::Null => Ok(Some(Value::Null)),
            _ => Err(Refusal::new(Code::CellMap, "<null> (the entry isn't there) or nothing")),
        };
    }
    match read_value(operation, &field.kind, text)? {
        Cell::Blank => Ok(None),
        Cell::Set(value) => Ok(Some(value)),
        Cell::Keep | Cell::Remove | Cell::Secret(_) => Err(Refusal::new(
            Code::CellToken,
            "a value, <null> or nothing: a guard keeps and removes nothing",
        )),
    }
}

/// Whether a cell can hold what is there, so that it isn't only reached by what is inside of it.
fn has_own_value(field: &Field) -> bool {
    !matches!(field.kind, Kind::Map(_) | Kind::Object(_))
}

/// Reads the key of a side table's line. `None` for a blank one.
///
/// # Errors
/// When it breaks a rule.
pub fn read_key(text: &str) -> Result<Option<String>, Refusal> {
    let key = match Token::of(text)? {
        Token::Blank => return Ok(None),
        Token::Escaped(literal) => literal,
        Token::Text(text) if is_exponent(trim(text)) => return Err(exponent()),
        Token::Text(text) => trim(text),
        _ => return Err(Refusal::new(Code::CellToken, "a key; write `\\` before a literal `<`")),
    };
    if key.is_empty() {
        return Err(Refusal::new(Code::CellKey, "a key of at least one character"));
    }
    if key.chars().any(|c| c.is_control() || is_mark(c)) {
        return Err(Refusal::new(Code::CellKey, "a key without control, direction or zero-width characters"));
    }
    Ok(Some(key.to_owned()))
}

/// Reads an id that identifies the row: no token stands for one. `None` for a blank cell.
///
/// # Errors
/// When it is no RUUID.
pub(crate) fn read_id(text: &str) -> Result<Option<Ruuid>, Refusal> {
    let text = trim(text);
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| {
        if is_exponent(text) || is_error_value(text) || is_formula(text) {
            Refusal::new(Code::CellSpreadsheet, "an RUUID; a spreadsheet changed this cell")
        } else {
            Refusal::new(Code::CellId, format!("an RUUID ({error})"))
        }
    })
}

/// Reads true or false where nothing else may stand; blank is false.
///
/// # Errors
/// When it is neither.
pub(crate) fn read_flag(text: &str) -> Result<bool, Refusal> {
    match trim(text) {
        "" => Ok(false),
        text => parse_bool(text).ok_or_else(|| Refusal::new(Code::CellBool, "TRUE or nothing")),
    }
}

/// Reads a wave: a whole number, or nothing.
///
/// # Errors
/// When it is something else.
pub(crate) fn read_wave(text: &str) -> Result<Option<u32>, Refusal> {
    let text = trim(text);
    if text.is_empty() {
        return Ok(None);
    }
    if is_exponent(text) || is_error_value(text) || is_formula(text) {
        return Err(Refusal::new(Code::CellSpreadsheet, "a whole number; a spreadsheet changed this cell"));
    }
    // The waves of the orgs that aren't pinned have higher numbers.
    match whole_number(text).parse() {
        Ok(wave) if wave <= MAX_WAVE => Ok(Some(wave)),
        _ => Err(Refusal::new(Code::CellNumber, format!("a whole number from 0 to {MAX_WAVE}, or nothing"))),
    }
}

fn read_secret(kind: &Kind, text: &str) -> Result<Cell, Refusal> {
    let is_list = matches!(kind, Kind::List { .. });
    let refusal = || {
        let several = if is_list { ", several of them joined by `;`" } else { "" };
        let expected = "<keep> or nothing: a file must not hold a raw secret";
        Refusal::new(Code::CellSecret, format!("<secret:NAME>{several}, {expected}"))
    };
    match trim(text) {
        "" => return Ok(Cell::Blank),
        "<keep>" => return Ok(Cell::Keep),
        _ => {}
    }
    let name = |text| match Token::of(text) {
        Ok(Token::Secret(name)) => Ok(name),
        _ => Err(refusal()),
    };
    Ok(Cell::Secret(if is_list {
        SecretNames::List(text.split(';').map(name).collect::<Result<_, _>>()?)
    } else {
        SecretNames::One(name(text)?)
    }))
}

fn read_value(operation: &Operation, kind: &Kind, text: &str) -> Result<Cell, Refusal> {
    let (text, literal) = match Token::of(text)? {
        Token::Blank => return Ok(Cell::Blank),
        Token::Keep => return Ok(Cell::Keep),
        Token::Null => return Ok(Cell::Set(Value::Null)),
        Token::Empty => return empty(kind).map(Cell::Set),
        Token::Remove => {
            let expected = "no <remove>: it is only allowed in the column of a map's entry";
            let example = operation.examples.entry.as_ref().map(|entry| format!(", such as {entry}"));
            return Err(Refusal::new(Code::CellToken, format!("{expected}{}", example.unwrap_or_default())));
        }
        Token::Secret(_) => {
            let expected = match operation.secrets()[..] {
                [] => "no secret: no setting of this operation takes one".to_owned(),
                ref secrets => format!("no secret: only {} take one", secrets.join(" and ")),
            };
            return Err(Refusal::new(Code::CellToken, expected));
        }
        Token::Escaped(text) => (text, true),
        Token::Text(text) => (text, false),
    };
    value(kind, text, literal).map(Cell::Set)
}

/// The value that a text stands for, which no token is. `literal`: it was behind a backslash.
fn value(kind: &Kind, text: &str, literal: bool) -> Result<Value, Refusal> {
    let trimmed = trim(text);
    Ok(match kind {
        Kind::Text => Value::from(text),
        Kind::Bool => {
            Value::Bool(parse_bool(trimmed).ok_or_else(|| Refusal::new(Code::CellBool, "true or false"))?)
        }
        Kind::Int32 | Kind::Int64 if is_exponent(trimmed) => return Err(exponent()),
        Kind::Int32 => {
            Value::from(whole_number(trimmed).parse::<i32>().map_err(|_| {
                Refusal::new(Code::CellNumber, "a whole number from -2147483648 to 2147483647")
            })?)
        }
        Kind::Int64 => Value::from(whole_number(trimmed).parse::<i64>().map_err(|_| {
            Refusal::new(Code::CellNumber, format!("a whole number from {} to {}", i64::MIN, i64::MAX))
        })?),
        Kind::Number if !literal && is_exponent(trimmed) => return Err(exponent()),
        Kind::Number => number(trimmed).ok_or_else(|| {
            Refusal::new(Code::CellNumber, "a number, with a decimal point where it has decimals")
        })?,
        Kind::Enum(values) if values.iter().any(|value| **value == *trimmed) => Value::from(trimmed),
        Kind::Enum(values) => {
            return Err(Refusal::new(Code::CellEnum, format!("one of {}", values.join(", "))));
        }
        Kind::Ruuid(_) | Kind::HierarchyKey if !literal && is_exponent(trimmed) => return Err(exponent()),
        Kind::Ruuid(_) => Value::from(id(trimmed, "an RUUID")?),
        Kind::HierarchyKey => json!(trimmed.parse::<HierarchyKey>().map_err(|error| {
            Refusal::new(Code::CellKey, format!("RUUIDs joined by dots ({error}: {})", error.source))
        })?),
        Kind::AddressRange => {
            let parsed = trimmed.parse::<AddressRange>();
            parsed.map_err(|_| {
                Refusal::new(Code::CellAddress, "an IP address, or a range of them such as 10.0.0.0/8")
            })?;
            Value::from(trimmed)
        }
        Kind::List { .. } if is_json(kind) => return read_json(kind, text),
        Kind::List { of, .. } => {
            let item = |text: &str| match &of.kind {
                Kind::Ruuid(Some(Thing::Camera)) => {
                    id(trim(text), "camera RUUIDs joined by `;`").map(Value::from)
                }
                Kind::Ruuid(_) => id(trim(text), "RUUIDs joined by `;`").map(Value::from),
                kind => value(kind, text, false),
            };
            Value::Array(elements(text).map(|element| element.and_then(item)).collect::<Result<_, _>>()?)
        }
        Kind::Map(_) => {
            return Err(Refusal::new(
                Code::CellMap,
                "<null>, <empty>, <keep> or nothing: entries have columns of their own",
            ));
        }
        Kind::Object(_) | Kind::Opaque => {
            return Err(Refusal::new(Code::CellMap, "<null>, <empty> or nothing"));
        }
    })
}

/// Whether a cell holds such a value as JSON: what is in the list has no text of its own.
pub(crate) fn is_json(kind: &Kind) -> bool {
    matches!(kind, Kind::List { of, .. }
        if matches!(of.kind, Kind::List { .. } | Kind::Map(_) | Kind::Object(_) | Kind::Opaque))
}

fn read_json(kind: &Kind, text: &str) -> Result<Value, Refusal> {
    let refusal = |expected: String| Refusal::new(Code::CellJson, expected);
    let value: Value = serde_json::from_str(text).map_err(|error| {
        refusal(format!("a list in JSON; at its character {} is something else", error.column()))
    })?;
    match misfit(kind, &value, "") {
        None => Ok(value),
        Some(expected) => Err(refusal(format!("a list in JSON, with {expected}"))),
    }
}

/// What should be somewhere in a value in JSON, and where, if something else is there.
fn misfit(kind: &Kind, value: &Value, place: &str) -> Option<String> {
    let expect = |expected: &str| {
        let place = if place.is_empty() { "" } else { &format!(" at {place}") };
        Some(format!("{expected}{place}"))
    };
    match (kind, value) {
        (_, Value::Null) | (Kind::Opaque, _) => None,
        (Kind::Bool, value) => {
            if value.is_boolean() {
                None
            } else {
                expect("true or false")
            }
        }
        (Kind::Int32, value) => match value.as_i64().map(i32::try_from) {
            Some(Ok(_)) => None,
            _ => expect("a whole number of 32 bits"),
        },
        (Kind::Int64, value) => {
            if value.is_i64() {
                None
            } else {
                expect("a whole number of 64 bits")
            }
        }
        (Kind::Number, value) => {
            if value.is_number() {
                None
            } else {
                expect("a number")
            }
        }
        (Kind::Text, value) => {
            if value.is_string() {
                None
            } else {
                expect("a text")
            }
        }
        (Kind::List { of, .. }, Value::Array(items)) => {
            items.iter().enumerate().find_map(|(at, item)| misfit(&of.kind, item, &format!("{place}[{at}]")))
        }
        (Kind::List { .. }, _) => expect("a list"),
        (Kind::Map(entry), Value::Object(entries)) => {
            entries.iter().find_map(|(key, value)| misfit(&entry.kind, value, &format!("{place}.{key}")))
        }
        (Kind::Object(members), Value::Object(object)) => {
            object.iter().find_map(|(name, value)| match members.get(name) {
                Some(member) => misfit(&member.kind, value, &format!("{place}.{name}")),
                None => expect(&format!(
                    "no {}, only {},",
                    quote(name),
                    members.names().collect::<Vec<_>>().join(", ")
                )),
            })
        }
        (Kind::Map(_) | Kind::Object(_), _) => expect("an object"),
        (kind, Value::String(text)) => match self::value(kind, text, true) {
            Ok(_) => None,
            Err(refusal) => expect(&refusal.expected),
        },
        (Kind::Enum(_) | Kind::Ruuid(_) | Kind::HierarchyKey | Kind::AddressRange, _) => expect("a text"),
    }
}

/// Digits that are whole stay whole, to the last.
fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from));
    whole.ok().or_else(|| Number::from_f64(text.parse().ok()?).map(Value::Number))
}

fn empty(kind: &Kind) -> Result<Value, Refusal> {
    match kind {
        Kind::Text => Ok(json!("")),
        Kind::List { .. } => Ok(json!([])),
        Kind::Map(_) | Kind::Object(_) | Kind::Opaque => Ok(json!({})),
        Kind::Bool
        | Kind::Int32
        | Kind::Int64
        | Kind::Number
        | Kind::Enum(_)
        | Kind::Ruuid(_)
        | Kind::HierarchyKey
        | Kind::AddressRange => {
            Err(Refusal::new(Code::CellToken, "a value or <null>: nothing of this type is empty"))
        }
    }
}

fn id<'a>(text: &'a str, expected: &str) -> Result<&'a str, Refusal> {
    let check = Ruuid::check(text);
    check.map(|()| text).map_err(|error| Refusal::new(Code::CellId, format!("{expected} ({error})")))
}

fn elements(text: &str) -> impl Iterator<Item = Result<&str, Refusal>> {
    text.split(';').map(|element| {
        if trim(element).is_empty() {
            Err(Refusal::new(Code::CellList, "elements joined by `;`, none of them empty"))
        } else {
            Ok(element)
        }
    })
}

/// Whether a value, which fits its kind, has RUUIDs that aren't written as the vendor writes them.
pub(crate) fn has_uncanonical_id(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Ruuid(_), Value::String(id)) => !ends_canonically(id),
        (Kind::List { of, .. }, Value::Array(items)) => {
            items.iter().any(|item| has_uncanonical_id(&of.kind, item))
        }
        _ => false,
    }
}

/// What [`Ruuid::is_canonical`] says, for a million ids: the four spare bits are in the last character.
pub(crate) fn is_canonical(id: &Ruuid) -> bool {
    ends_canonically(id.as_str())
}

fn ends_canonically(id: &str) -> bool {
    id.ends_with(['A', 'Q', 'g', 'w'])
}

/// The first look at a cell.
enum Token<'a> {
    Blank,
    Null,
    Empty,
    Keep,
    Remove,
    Secret(SecretName),
    /// What follows a backslash.
    Escaped(&'a str),
    /// Anything else, untrimmed.
    Text(&'a str),
}

impl<'a> Token<'a> {
    fn of(text: &'a str) -> Result<Self, Refusal> {
        // Most cells are blank or words.
        if text.is_empty() {
            return Ok(Self::Blank);
        }
        if text.as_bytes()[0].is_ascii_alphanumeric()
            && text.bytes().all(|byte| byte != b':' && byte.is_ascii())
            && !text.ends_with("...")
        {
            return Ok(Self::Text(text));
        }
        let trimmed = trim(text);
        match trimmed {
            "" => return Ok(Self::Blank),
            "<null>" => return Ok(Self::Null),
            "<empty>" => return Ok(Self::Empty),
            "<keep>" => return Ok(Self::Keep),
            "<remove>" => return Ok(Self::Remove),
            _ => {}
        }
        if let Some(literal) = text.trim_start_matches(is_space).strip_prefix('\\') {
            // Of a text, only one that begins with the backslash is meant.
            return Ok(if text.starts_with('\\') { Self::Escaped(literal) } else { Self::Text(text) });
        }
        if visible_start(trimmed).starts_with(['<', '＜']) {
            return trimmed
                .strip_prefix("<secret:")
                .and_then(|name| name.strip_suffix('>')?.parse().ok())
                .map(Self::Secret)
                .ok_or_else(|| {
                    Refusal::new(
                        Code::CellToken,
                        "<null>, <empty>, <keep>, <remove>, <secret:NAME>, or `\\<` for a literal `<`",
                    )
                });
        }
        if is_formula(trimmed) {
            return Err(Refusal::new(
                Code::CellSpreadsheet,
                "a value, not a formula; write `\\=` for a literal `=`",
            ));
        }
        if is_error_value(trimmed) {
            return Err(Refusal::new(
                Code::CellSpreadsheet,
                "a value, not a spreadsheet's error; write `\\` before a literal text, such as `\\#`",
            ));
        }
        Ok(Self::Text(text))
    }
}

fn exponent() -> Refusal {
    Refusal::new(Code::CellSpreadsheet, "all digits: a spreadsheet shortened this number")
}

fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Spaces, with those that don't break and those that have no width.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_short_way_agrees_on_what_is_canonical(text in "[A-Za-z0-9_-]{22}") {
            let id: Ruuid = text.parse().unwrap();
            prop_assert_eq!(is_canonical(&id), id.is_canonical());
        }

        #[test]
        fn any_text_is_read_as_a_cell_without_a_panic(text in "(?s)[<>=#\\\\;]?.{0,20}") {
            for path in ["enabled", "apiToken", "doorInfoMap", "doorInfoMap.d", "doorInfoMap.d.clipDuration", "misconfiguredDoors"] {
                let operation = Operation::default_one();
                let path = operation.path(path).unwrap();
                let _ = read_setting(&operation, path.field(), &text);
                let _ = read_expect(&operation, path.field(), &text);
                let _ = read_key(&text);
            }
        }
    }
}
