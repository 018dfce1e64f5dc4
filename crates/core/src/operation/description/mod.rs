//! A description of an operation: TOML, read into an [`Operation`] or refused with its line.
//!
//! 1. `raw`: the shape, in which an unknown key or a wrong type ends the reading.
//! 2. `build`: fields with what they refer to, maps and objects put where they are named.
//! 3. `check`: what only holds for the whole, such as the fields that the head names.
//!
//! Files are opened by others: text comes in.

mod build;
mod check;
mod error;
mod kinds;
mod raw;

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;

use self::build::{Builder, Built};
pub use self::error::DescriptionError;
use self::raw::{RawDescription, RawShared, WordOr};
use super::confession::confession;
use super::meaning::digest;
use super::{Call, Discriminator, OnePlace, Operation, Owner, Provenance, TableName, built_in};
use crate::code::Code;

/// The format that this version reads.
const FORMAT: i64 = 1;

const MIB: usize = 1024 * 1024;

/// A description's file.
#[derive(Clone, Copy)]
struct Source<'t> {
    file: &'t str,
    text: &'t str,
}

impl Source<'_> {
    fn error(
        self,
        span: Range<usize>,
        code: Code,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> DescriptionError {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
        DescriptionError {
            file: self.file.into(),
            line,
            code,
            expected: expected.into(),
            found: found.into(),
        }
    }

    fn parse<T: DeserializeOwned>(self) -> Result<T, DescriptionError> {
        toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.error(span, Code::OpSyntax, "a description in TOML", error.message())
        })
    }
}

/// Reads the description of an operation.
///
/// # Errors
/// It breaks a rule; the first that it breaks.
pub(super) fn read(file: &str, text: &str, provenance: Provenance) -> Result<Operation, DescriptionError> {
    let source = Source { file, text };
    let mut raw: RawDescription = source.parse()?;
    if *raw.format.get_ref() != FORMAT {
        let found = raw.format.get_ref().to_string();
        return Err(source.error(raw.format.span(), Code::OpSyntax, format!("format {FORMAT}"), found));
    }
    let name = &raw.name;
    if !is_name(name.get_ref()) {
        let expected = "a name of small letters, digits and `-`, a letter first";
        return Err(source.error(name.span(), Code::OpName, expected, name.get_ref()));
    }
    let mut builder = Builder::default();
    let own = std::mem::take(&mut raw.fields);
    builder.take(source, own, std::mem::take(&mut raw.maps), std::mem::take(&mut raw.objects));
    for include in &raw.include {
        let shared = built_in::shared(include.get_ref()).ok_or_else(|| {
            let expected = format!("one of the shared field sets: {}", built_in::SHARED_NAMES.join(", "));
            source.error(include.span(), Code::OpName, expected, include.get_ref())
        })?;
        let source = Source { file: shared.0, text: shared.1 };
        let RawShared { fields, maps, objects } = source.parse()?;
        builder.take(source, fields, maps, objects);
    }
    let Built { fields, tables, guards } = builder.build()?;
    let call = |path: &Spanned<String>, cap: usize, is_right: fn(&str) -> bool, what: &str| {
        if is_right(path.get_ref()) {
            return Ok(Call { path: path.get_ref().as_str().into(), cap });
        }
        Err(source.error(path.span(), Code::OpCall, what, path.get_ref()))
    };
    let owner = match raw.owner.get_ref() {
        WordOr::Word(word) if word == "none" => Some(Owner::Unproven),
        WordOr::Table(owner) => match (&owner.at, &owner.beside) {
            (Some(at), None) => Some(Owner::Inside(at.as_str().into())),
            (None, Some(beside)) => Some(Owner::Beside(beside.as_str().into())),
            _ => None,
        },
        WordOr::Word(_) => None,
    };
    let owner = owner.ok_or_else(|| {
        let expected = "{ at = \"…\" }, { beside = \"…\" } or \"none\"";
        source.error(raw.owner.span(), Code::OpSyntax, expected, "another owner")
    })?;
    let confesses = raw.confesses.iter().map(|member| {
        confession(member.get_ref()).ok_or_else(|| {
            let expected = "a member of an update's reply whose meaning is known";
            source.error(member.span(), Code::OpName, expected, member.get_ref())
        })
    });
    let irreversible = match (&raw.reversible, &raw.irreversible) {
        (Some(reversible), None) if !reversible.get_ref() => {
            let expected = "`irreversible`, which says what can't be brought back";
            return Err(source.error(reversible.span(), Code::OpField, expected, "nothing"));
        }
        (Some(reversible), Some(words)) if !reversible.get_ref() => Some(words.get_ref().as_str().into()),
        (_, Some(words)) => {
            let expected = "`reversible = false` beside `irreversible`";
            return Err(source.error(words.span(), Code::OpField, expected, "a reversible operation"));
        }
        (_, None) => None,
    };
    let examples = check::examples(&fields, raw.examples.as_ref().map(Spanned::get_ref));
    let mut operation = Operation {
        read: call(
            &raw.read.path,
            8 * MIB,
            is_read,
            "a path below /api/ whose last part begins with `get` or `find`",
        )?,
        write: call(
            &raw.write.path,
            MIB,
            is_update,
            "a path below /api/ whose last part begins with `update` or `selectiveUpdate`",
        )?,
        at: raw.read.at.get_ref().as_str().into(),
        wrap: raw.write.wrap.as_ref().map(|wrap| wrap.get_ref().as_str().into()),
        body: raw.write.body,
        owner,
        discriminator: raw.kind.as_ref().map(|kind| {
            let kind = kind.get_ref();
            Discriminator { member: kind.at.as_str().into(), is: kind.is.as_str().into() }
        }),
        absent: raw.absent,
        watch: raw.watch.iter().map(|place| place.get_ref().as_str().into()).collect(),
        confesses: confesses.map(|confession| confession.map(Arc::new)).collect::<Result<_, _>>()?,
        one_place: raw.one_place.as_ref().map(|rule| {
            let rule = rule.get_ref();
            OnePlace {
                map: rule.map.as_str().into(),
                name: rule.name.as_str().into(),
                place: rule.place.as_str().into(),
                words: rule.words.as_str().into(),
                advice: rule.advice.as_str().into(),
            }
        }),
        name: raw.name.get_ref().as_str().into(),
        title: raw.title.as_str().into(),
        about: raw.about.as_str().into(),
        irreversible,
        provenance,
        guards,
        examples,
        digest: "".into(),
        fields,
        tables,
    };
    check::whole(source, &raw, &operation)?;
    operation.digest = digest(&operation);
    Ok(operation)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Whether a path is that of a read.
pub(super) fn is_read(path: &str) -> bool {
    is_call(path, &["get", "find"])
}

/// Whether a path is that of an update.
pub(super) fn is_update(path: &str) -> bool {
    is_call(path, &["update", "selectiveUpdate"])
}

/// Whether a path is a call whose last part begins with one of some verbs. The verb is all that tells a read from a write.
fn is_call(path: &str, verbs: &[&str]) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    path.strip_prefix("/api/").is_some_and(|rest| rest.split('/').all(is_plain))
        && verbs.iter().any(|verb| {
            last.strip_prefix(verb).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
        })
}

#[cfg(test)]
mod tests;
