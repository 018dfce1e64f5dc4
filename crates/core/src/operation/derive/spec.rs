//! An OpenAPI file: its calls by path, and its schemas with their references followed.
//!
//! Foreign data: references may go in circles or nowhere, and `allOf` may hold anything.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::legible::one_line;
use crate::operation::{is_read, is_update, nearest};

/// The most references that are followed from one place to a schema.
const MOST_HOPS: usize = 32;

/// An OpenAPI file of version 3.
#[derive(Debug)]
pub struct Spec(Value);

/// What is wrong with a spec, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found {found}")]
pub struct SpecError {
    /// The place: a line and column, or names from the root with `/` between them.
    pub place: String,
    /// What should have been there.
    pub expected: &'static str,
    /// What is there.
    pub found: String,
}

/// Why an update can't be found in a spec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// It isn't an update by its name.
    #[error("{0:?} is not an update: the last part of its path begins with `update` or `selectiveUpdate`")]
    NotAnUpdate(String),
    /// The spec has none of this name.
    #[error("the spec has no {name:?}{}", .near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    NotThere {
        /// The name that was asked for.
        name: String,
        /// The one that is nearest to it.
        near: Option<String>,
    },
    /// It has several of this name.
    #[error("the spec has several: {}", .0.join(", "))]
    Several(Vec<String>),
    /// It has it, and it can't be used.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

/// A schema once its references were followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema<'s> {
    pub(super) value: &'s Value,
    /// Its name among the components, which tells whether two places have one type.
    pub(super) name: Option<&'s str>,
}

/// An update of the spec.
#[derive(Debug, Clone)]
pub struct Update<'s> {
    /// Its path.
    pub path: &'s str,
    /// What the spec says of it.
    pub(super) about: Option<&'s str>,
    pub(super) body: Schema<'s>,
    pub(super) reply: Option<Schema<'s>>,
}

impl Spec {
    /// Reads an OpenAPI file.
    ///
    /// # Errors
    /// It is no JSON, or not of version 3.
    pub fn parse(bytes: &[u8]) -> Result<Self, SpecError> {
        const EXPECTED: &str = "OpenAPI 3 in JSON";
        let wrong =
            |place: &str, found: String| SpecError { place: place.to_owned(), expected: EXPECTED, found };
        let root: Value = serde_json::from_slice(bytes).map_err(|error| {
            let start = bytes.trim_ascii_start();
            let is_yaml = ["openapi:", "swagger:", "---", "#", "info:"]
                .iter()
                .any(|sign| start.starts_with(sign.as_bytes()));
            let found = if is_yaml { "YAML".to_owned() } else { error.to_string() };
            // serde_json ends its messages with the same place.
            let found = found.split(" at line ").next().unwrap_or_default().to_owned();
            wrong(&format!("line {}, column {}", error.line(), error.column()), found)
        })?;
        match (root.get("openapi").and_then(Value::as_str), root.get("swagger")) {
            (Some(version), _) if version.starts_with("3.") => {}
            (Some(version), _) => return Err(wrong("openapi", format!("version {version:?}"))),
            (None, Some(version)) => return Err(wrong("swagger", format!("Swagger {version}"))),
            (None, None) => return Err(wrong("openapi", "nothing".to_owned())),
        }
        if !root.get("paths").is_some_and(Value::is_object) {
            let found = "no object".to_owned();
            return Err(SpecError { place: "paths".to_owned(), expected: "an object of paths", found });
        }
        Ok(Self(root))
    }

    /// The update of this name: the last part of its path, or all of it.
    ///
    /// # Errors
    /// There is none, or several, or what it writes is no object.
    pub fn update(&self, name: &str) -> Result<Update<'_>, UpdateError> {
        let is_named = |path: &&str| *path == name || last(path) == name;
        let found: Vec<&str> = self.paths().filter(is_named).collect();
        let path = match &found[..] {
            [] => return Err(self.not_there(name)),
            [path] if is_update(path) => *path,
            [path] => return Err(UpdateError::NotAnUpdate((*path).to_owned())),
            several => {
                let shown = several.iter().map(|path| one_line(path).into_owned());
                return Err(UpdateError::Several(shown.collect()));
            }
        };
        let wrong = |below: &str, expected, found: &str| {
            let place = format!("paths/{path}/{below}");
            UpdateError::Spec(SpecError { place, expected, found: found.to_owned() })
        };
        let Some(call) = self.post(path) else {
            return Err(wrong("post", "a POST, as every call of the vendor is", "none"));
        };
        let body = call.pointer("/requestBody").map(|body| self.follow(body));
        let Some(body) =
            body.and_then(|body| body.value.get("content")?.get("application/json")?.get("schema"))
        else {
            return Err(wrong("post/requestBody", "a body of application/json with a schema", "none"));
        };
        let body = self.follow(body);
        if body.value.get("$ref").is_some() {
            let found = body.value["$ref"].to_string();
            let place = format!("paths/{path}/post/requestBody");
            return Err(SpecError { place, expected: "a reference to a schema of this file", found }.into());
        }
        if self.members(body).is_empty() {
            return Err(wrong("post/requestBody", "an object with properties", "another schema"));
        }
        let about = ["description", "summary"].into_iter().find_map(|key| call.get(key)?.as_str());
        Ok(Update { path, about, body, reply: self.reply(path) })
    }

    fn not_there(&self, name: &str) -> UpdateError {
        let is_whole = name.starts_with('/');
        let known = self.paths().filter(|path| is_update(path));
        let near = nearest(name, known.map(|path| if is_whole { path } else { last(path) }));
        UpdateError::NotThere { name: name.to_owned(), near: near.map(ToOwned::to_owned) }
    }

    /// The paths of the reads.
    pub(super) fn reads(&self) -> impl Iterator<Item = &str> {
        self.paths().filter(|path| is_read(path) && self.post(path).is_some())
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.0["paths"].as_object().into_iter().flat_map(|paths| paths.keys()).map(String::as_str)
    }

    fn post(&self, path: &str) -> Option<&Value> {
        self.0["paths"].get(path)?.get("post")
    }

    /// What a call sends, where it is described.
    pub(super) fn request(&self, path: &str) -> Option<Schema<'_>> {
        let body = self.follow(self.post(path)?.get("requestBody")?);
        Some(self.follow(body.value.get("content")?.get("application/json")?.get("schema")?))
    }

    /// What a call replies with, where it is described: the reply to a success, or the default one.
    pub(super) fn reply(&self, path: &str) -> Option<Schema<'_>> {
        let replies = self.post(path)?.get("responses")?;
        let reply = ["200", "2XX", "default"].into_iter().find_map(|status| replies.get(status))?;
        let reply = self.follow(reply);
        Some(self.follow(reply.value.get("content")?.get("application/json")?.get("schema")?))
    }

    /// A schema with its references followed, and out of an `allOf` or `anyOf` that only makes it nullable. What
    /// leads nowhere, or in a circle, is returned with its reference.
    pub(super) fn follow<'s>(&'s self, value: &'s Value) -> Schema<'s> {
        let mut schema = Schema { value, name: None };
        for _ in 0..MOST_HOPS {
            if let Some(reference) = schema.value.get("$ref").and_then(Value::as_str) {
                let Some(target) = reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer))
                else {
                    break;
                };
                schema = Schema { value: target, name: reference.rsplit('/').next() };
            } else if let Some(only) = only_one(schema.value) {
                schema.value = only;
            } else {
                break;
            }
        }
        schema
    }

    /// The properties of an object's schema, those of `allOf` too.
    pub(super) fn members<'s>(&'s self, schema: Schema<'s>) -> BTreeMap<&'s str, &'s Value> {
        let mut members = BTreeMap::new();
        let mut seen: Vec<*const Value> = Vec::new();
        let mut waiting = vec![schema.value];
        while let Some(value) = waiting.pop() {
            let value = self.follow(value).value;
            // An `allOf` may name what it is inside of.
            if seen.contains(&std::ptr::from_ref(value)) || seen.len() > MOST_HOPS {
                continue;
            }
            seen.push(value);
            for (name, member) in value.get("properties").and_then(Value::as_object).into_iter().flatten() {
                members.entry(name.as_str()).or_insert(member);
            }
            waiting.extend(value.get("allOf").and_then(Value::as_array).into_iter().flatten());
        }
        members
    }
}

/// The last part of a path.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The only alternative of a schema that says nothing else of its type: what makes a reference nullable.
fn only_one(value: &Value) -> Option<&Value> {
    if value.get("properties").is_some() {
        return None;
    }
    ["allOf", "anyOf", "oneOf"].into_iter().find_map(|key| {
        let all = value.get(key)?.as_array()?;
        let mut some = all.iter().filter(|one| one.get("type").is_none_or(|of| of != "null"));
        some.next().filter(|_| some.next().is_none())
    })
}
