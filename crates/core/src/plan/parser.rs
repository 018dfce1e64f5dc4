//! Reads a plan's line, in the order in which it is written: what only identifies something is borrowed, a path is looked
//! up instead of made anew for each org, and what is rare is left to serde.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;
use memchr::memchr2;
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Deserializer, Error, Value};

use super::line::worst;
use super::{IndexEntry, PlanLine, PlannedField, PlannedStep, Precondition, RawTyped, UnknownKey, Verdict};
use crate::desired::{DesiredValue, Expect, Origin};
use crate::ids::Ruuid;
use crate::operation::{Operation, Operations, Path};
use crate::outcome::StoredValue;

/// How many paths are kept: all columns of a wide rollout, and not every door of every org.
const MOST_KEPT: usize = 4096;

/// Reads the lines of a plan.
#[derive(Debug)]
pub struct LineParser {
    operations: Operations,
    kept: Vec<Paths>,
}

/// What a run must know of a line beforehand.
pub(super) struct Sketch {
    pub(super) org: Ruuid,
    /// The wave that the manifest pins.
    pub(super) pin: Option<u32>,
    /// Without its place and its wave.
    pub(super) entry: IndexEntry,
    pub(super) has_secrets: bool,
}

impl LineParser {
    /// For a plan of these operations.
    pub fn new(operations: Operations) -> Self {
        let kept = operations.iter().map(|_| Paths::default()).collect();
        Self { operations, kept }
    }

    /// What the plan is of.
    pub const fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Reads a line. Its wave is what the manifest pins.
    ///
    /// # Errors
    /// It is none.
    pub fn read(&mut self, json: &str) -> Result<PlanLine, Error> {
        let json = &mut Json { all: json.len(), rest: json };
        let mut line = json.head()?;
        line.preconditions = json.list_of(br#","preconditions":"#, |json| self.precondition(json))?;
        line.steps = json.list_of(br#","steps":"#, |json| self.step(json))?;
        if json.skip(br#","typed":"#) {
            line.typed = RawTyped(json.text()?.into());
        }
        json.expect(b"}")?;
        json.skip(b"\n");
        if json.rest.is_empty() { Ok(line) } else { Err(json.unexpected("the end")) }
    }

    /// Reads what a run must know of a line, and passes over the rest.
    pub(super) fn sketch(&self, json: &str) -> Result<Sketch, Error> {
        let json = &mut Json { all: json.len(), rest: json };
        let line = json.head()?;
        let (mut entry, mut has_secrets, mut statuses) = (IndexEntry::of(&line), false, Vec::new());
        if json.skip(br#","preconditions":["#) {
            json.leave()?;
        }
        if json.skip(br#","steps":["#) {
            loop {
                let name = json.operation()?;
                let (place, operation) = self.named(&name)?;
                let step = json.step_head(PlannedStep::new(operation, place, Verdict::Unchanged))?;
                has_secrets |= !step.secrets.is_empty();
                match step.verdict {
                    Verdict::Update => entry.updates.insert(place),
                    verdict => statuses.extend(verdict.status()),
                }
                // Of a plan of one operation, there is nothing to be known behind.
                if self.operations.count() == 1 {
                    break;
                }
                json.leave()?;
                if !json.skip(b",") {
                    break;
                }
            }
        }
        entry.rest = worst(statuses.into_iter());
        Ok(Sketch { org: line.org, pin: line.wave, entry, has_secrets })
    }

    fn named(&self, name: &str) -> Result<(u8, &Arc<Operation>), Error> {
        let named = self.operations.iter().find(|(_, operation)| *operation.name == *name);
        named.ok_or_else(|| Error::custom(format_args!("{name:?} is not an operation of this plan")))
    }

    fn precondition(&mut self, json: &mut Json<'_>) -> Result<Precondition, Error> {
        let name = json.operation()?;
        let (place, operation) = self.named(&name)?;
        let operation = Arc::clone(operation);
        let paths = &mut self.kept[usize::from(place)];
        let expects = json.list_of(br#","expects":"#, |json| expect(json, paths, &operation))?;
        json.expect(b"}")?;
        Ok(Precondition { operation, place, expects })
    }

    fn step(&mut self, json: &mut Json<'_>) -> Result<PlannedStep, Error> {
        let name = json.operation()?;
        let (place, operation) = self.named(&name)?;
        let operation = &Arc::clone(operation);
        let mut step = json.step_head(PlannedStep::new(operation, place, Verdict::Unchanged))?;
        let paths = &mut self.kept[usize::from(place)];
        step.expects = json.list_of(br#","expects":"#, |json| expect(json, paths, operation))?;
        let was = if json.skip(br#","was":"#) { Some(json.json()?) } else { None };
        step.fields = json.list_of(br#","fields":"#, |json| field(json, paths, operation, was.as_ref()))?;
        step.additions = json.list_of(br#","additions":"#, |json| key(json, paths, operation))?;
        step.idle_removals = json.list_of(br#","idle_removals":"#, |json| key(json, paths, operation))?;
        if json.skip(br#","unreadable":"#) {
            step.unreadable = json.json()?;
        }
        json.expect(b"}")?;
        Ok(step)
    }
}

/// The paths of an operation that were named before, by their texts.
#[derive(Debug, Default)]
struct Paths(HashMap<Box<str>, Path>);

impl Paths {
    fn get(&mut self, text: &str, operation: &Operation) -> Result<Path, Error> {
        if let Some(path) = self.0.get(text) {
            return Ok(path.clone());
        }
        let path = operation.path(text).map_err(Error::custom)?;
        if self.0.len() < MOST_KEPT {
            self.0.insert(text.into(), path.clone());
        }
        Ok(path)
    }
}

fn expect(json: &mut Json<'_>, paths: &mut Paths, operation: &Operation) -> Result<Expect, Error> {
    json.expect(br#"{"path":"#)?;
    let path = paths.get(&json.text()?, operation)?;
    json.expect(br#","value":"#)?;
    let value = json.value()?;
    json.expect(b"}")?;
    Ok(Expect { path, value })
}

fn key(json: &mut Json<'_>, paths: &mut Paths, operation: &Operation) -> Result<UnknownKey, Error> {
    json.expect(br#"{"entry":"#)?;
    let entry = paths.get(&json.text()?, operation)?;
    let near = if json.skip(br#","near":"#) { json.json()? } else { Vec::new() };
    let respelled = json.skip(br#","respelled":true"#);
    json.expect(b"}")?;
    Ok(UnknownKey { entry, near, respelled })
}

fn field(
    json: &mut Json<'_>,
    paths: &mut Paths,
    operation: &Operation,
    was: Option<&StoredValue>,
) -> Result<PlannedField, Error> {
    json.expect(br#"{"path":"#)?;
    let path = paths.get(&json.text()?, operation)?;
    let before = if json.skip(br#","before":"#) {
        Some(StoredValue::Json(json.value()?))
    } else if json.skip(br#","was":"#) {
        Some(json.json()?)
    } else {
        was.cloned()
    };
    let after = if json.skip(br#","after":"#) {
        DesiredValue::Set(json.value()?)
    } else if json.skip(br#","remove":true"#) {
        DesiredValue::Remove
    } else {
        json.expect(br#","secret":"#)?;
        DesiredValue::Secret(json.json()?)
    };
    let before = match (before, &after) {
        (Some(before), _) => before,
        (None, DesiredValue::Set(value)) => StoredValue::Json(value.clone()),
        (None, DesiredValue::Remove | DesiredValue::Secret(_)) => {
            return Err(json.unexpected("what was before"));
        }
    };
    let fingerprint = if json.skip(br#","fingerprint":"#) { Some(json.json()?) } else { None };
    let from = if json.skip(br#","from":"#) {
        let text = json.text()?;
        let unknown = || Error::custom(format_args!("{text:?} is not a valid origin"));
        operation.origin(&text).ok_or_else(unknown)?
    } else {
        Origin::Row
    };
    json.expect(b"}")?;
    Ok(PlannedField { path, before, after, fingerprint, from })
}

/// What of a line is still to be read.
struct Json<'a> {
    rest: &'a str,
    /// How long the line is.
    all: usize,
}

impl<'a> Json<'a> {
    /// The line up to what its steps are about.
    fn head(&mut self) -> Result<PlanLine, Error> {
        self.expect(br#"{"line":"#)?;
        let number = self.json()?;
        self.expect(br#","org":"#)?;
        let org = self.text()?.parse().map_err(Error::custom)?;
        let mut line = PlanLine::new(number, org, Verdict::Unchanged);
        for (name, text) in [
            (br#","name":"#, &mut line.name),
            (br#","skip":"#, &mut line.skip),
            (br#","note":"#, &mut line.note),
        ] {
            if self.skip(name) {
                *text = Some(self.text()?.into());
            }
        }
        if self.skip(br#","wave":"#) {
            line.wave = Some(self.json()?);
        }
        if self.skip(br#","carried":"#) {
            line.carried = self.json()?;
        }
        self.expect(br#","verdict":"#)?;
        line.verdict = self.json()?;
        if self.skip(br#","complaint":"#) {
            line.org_error = Some(self.json()?);
        }
        Ok(line)
    }

    fn operation(&mut self) -> Result<Cow<'a, str>, Error> {
        self.expect(br#"{"operation":"#)?;
        self.text()
    }

    /// A step up to what it expects.
    fn step_head(&mut self, mut step: PlannedStep) -> Result<PlannedStep, Error> {
        if self.skip(br#","action":"update""#) {
            step.verdict = Verdict::Update;
        } else if self.skip(br#","verdict":"#) {
            step.verdict = self.json()?;
        }
        if self.skip(br#","complaint":"#) {
            step.org_error = Some(self.json()?);
        }
        step.unproven = self.skip(br#","unproven":true"#);
        if self.skip(br#","secrets":"#) {
            step.secrets = self.json()?;
        }
        Ok(step)
    }

    /// Takes a text that is next; it is ASCII.
    #[inline]
    fn skip<const LENGTH: usize>(&mut self, text: &[u8; LENGTH]) -> bool {
        let is_next = self.rest.as_bytes().first_chunk() == Some(text);
        if is_next {
            self.rest = &self.rest[LENGTH..];
        }
        is_next
    }

    #[inline]
    fn expect<const LENGTH: usize>(&mut self, text: &[u8; LENGTH]) -> Result<(), Error> {
        if self.skip(text) { Ok(()) } else { Err(self.unexpected(&String::from_utf8_lossy(text))) }
    }

    fn unexpected(&self, expected: &str) -> Error {
        let column = self.all - self.rest.len() + 1;
        Error::custom(format_args!("expected {expected} at column {column}"))
    }

    /// A string.
    fn text(&mut self) -> Result<Cow<'a, str>, Error> {
        let inner = self.rest.strip_prefix('"').ok_or_else(|| self.unexpected("a string"))?;
        match memchr2(b'"', b'\\', inner.as_bytes()) {
            Some(end) if inner.as_bytes()[end] == b'"' => {
                self.rest = &inner[end + 1..];
                Ok(Cow::Borrowed(&inner[..end]))
            }
            _ => self.json().map(Cow::Owned),
        }
    }

    /// Any value. What most fields have is read here.
    fn value(&mut self) -> Result<Value, Error> {
        match self.rest.as_bytes().first() {
            Some(b'"') => Ok(Value::String(self.text()?.into())),
            Some(b't') if self.skip(b"true") => Ok(Value::Bool(true)),
            Some(b'f') if self.skip(b"false") => Ok(Value::Bool(false)),
            Some(b'1'..=b'9') => self.number(),
            Some(b'[') => self.texts(),
            _ => self.json(),
        }
    }

    /// A number; most are whole ones.
    fn number(&mut self) -> Result<Value, Error> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let ends = matches!(self.rest.as_bytes().get(digits), Some(b',' | b'}' | b']'));
        match self.rest[..digits].parse::<u64>() {
            Ok(number) if ends => {
                self.rest = &self.rest[digits..];
                Ok(number.into())
            }
            _ => self.json(),
        }
    }

    /// A list; most are of texts.
    fn texts(&mut self) -> Result<Value, Error> {
        let (list, mut texts) = (self.rest, Vec::new());
        self.expect(b"[")?;
        while self.rest.starts_with('"') {
            texts.push(Value::String(self.text()?.into()));
            if self.skip(b"]") {
                return Ok(texts.into());
            }
            if !self.skip(b",") {
                break;
            }
        }
        self.rest = list;
        self.json()
    }

    /// What serde makes of it.
    fn json<T: Deserialize<'a>>(&mut self) -> Result<T, Error> {
        let mut values = Deserializer::from_str(self.rest).into_iter();
        let value = values.next().ok_or_else(|| self.unexpected("a value"))??;
        self.rest = &self.rest[values.byte_offset()..];
        Ok(value)
    }

    /// Passes over what is left of the list or the object that was begun, its end included.
    fn leave(&mut self) -> Result<(), Error> {
        let bytes = self.rest.as_bytes();
        let (mut at, mut depth) = (0, 1);
        while let Some(byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'"' => {
                    while let Some(end) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
                        at += end + 1;
                        if bytes[at - 1] == b'"' {
                            break;
                        }
                        // What is escaped is no end.
                        at += 1;
                    }
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth > 1 => depth -= 1,
                b']' | b'}' => {
                    self.rest = &self.rest[at..];
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(self.unexpected("an end"))
    }

    /// A list, if it is there.
    fn list_of<T, const LENGTH: usize>(
        &mut self,
        name: &[u8; LENGTH],
        mut item: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        if !self.skip(name) {
            return Ok(items);
        }
        self.expect(b"[")?;
        loop {
            items.push(item(self)?);
            if !self.skip(b",") {
                break;
            }
        }
        self.expect(b"]")?;
        Ok(items)
    }
}
