//! A plan's line as JSON, without what is usual.
//!
//! What isn't there means:
//!
//! | member | means |
//! |---|---|
//! | a step's `action` and `verdict` | it is neither written nor stopped |
//! | a field's `before` and `was` | its step's `was`; where that has none, the very value of `after` |
//! | a field's `from` | the row |
//! | a field's `after` | it says `remove` or `secret` |
//!
//! `before` and `after` are values; `was` says what is none: `"absent"`, `"hidden"`, or a secret by its fingerprint. Of a
//! plan that reads nothing, `was` of each step is `"absent"`, and its fields say neither. Other members that are missing
//! are empty. Members have the order that they are written in here, and nothing is between them: so they are read.

use super::{PlanLine, PlannedField, PlannedStep, Precondition, RawTyped, UnknownKey, Verdict};
use crate::desired::{DesiredValue, Expect, Origin};
use crate::json::{write_json, write_text, write_value};
use crate::outcome::{OrgError, StoredValue};

impl PlanLine {
    /// Writes it behind what is there, without a line break.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        push(out, r#"{"line":"#);
        write_json(out, &self.line);
        push(out, r#","org":""#);
        push(out, self.org.as_str());
        push(out, r#"""#);
        for (name, text) in [("name", &self.name), ("skip", &self.skip), ("note", &self.note)] {
            if let Some(text) = text {
                member(out, name);
                write_text(out, text);
            }
        }
        if let Some(wave) = self.wave {
            member(out, "wave");
            write_json(out, &wave);
        }
        list(out, "carried", &self.carried, |out, text| write_text(out, text));
        member(out, "verdict");
        write_text(out, self.verdict.name());
        write_error(out, self.org_error.as_ref());
        list(out, "preconditions", &self.preconditions, write_precondition);
        list(out, "steps", &self.steps, write_step);
        let RawTyped(typed) = &self.typed;
        if !typed.is_empty() {
            member(out, "typed");
            write_text(out, typed);
        }
        out.push(b'}');
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Begins a member behind another.
fn member(out: &mut Vec<u8>, name: &str) {
    push(out, r#",""#);
    push(out, name);
    push(out, r#"":"#);
}

/// Adds a list, unless it is empty.
fn list<T>(out: &mut Vec<u8>, name: &str, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    for (place, item) in items.iter().enumerate() {
        if place == 0 {
            member(out, name);
            out.push(b'[');
        } else {
            out.push(b',');
        }
        write(out, item);
    }
    if !items.is_empty() {
        out.push(b']');
    }
}

fn write_error(out: &mut Vec<u8>, org_error: Option<&OrgError>) {
    if let Some(org_error) = org_error {
        member(out, "complaint");
        write_json(out, org_error);
    }
}

fn write_precondition(out: &mut Vec<u8>, precondition: &Precondition) {
    push(out, r#"{"operation":"#);
    write_text(out, &precondition.operation.name);
    list(out, "expects", &precondition.expects, write_expect);
    out.push(b'}');
}

fn write_expect(out: &mut Vec<u8>, Expect { path, value }: &Expect) {
    push(out, r#"{"path":"#);
    write_text(out, &path.text());
    member(out, "value");
    write_value(out, value);
    out.push(b'}');
}

fn write_step(out: &mut Vec<u8>, step: &PlannedStep) {
    push(out, r#"{"operation":"#);
    write_text(out, &step.operation.name);
    match step.verdict {
        Verdict::Update => push(out, r#","action":"update""#),
        // What is neither written nor stopped needs no word: of most plans that is nearly every step.
        Verdict::Unchanged => {}
        stopped => {
            member(out, "verdict");
            write_text(out, stopped.name());
        }
    }
    write_error(out, step.org_error.as_ref());
    if step.unproven {
        push(out, r#","unproven":true"#);
    }
    list(out, "secrets", &step.secrets, write_json);
    list(out, "expects", &step.expects, write_expect);
    let is_unread =
        !step.fields.is_empty() && step.fields.iter().all(|field| field.before == StoredValue::Absent);
    if is_unread {
        push(out, r#","was":"absent""#);
    }
    list(out, "fields", &step.fields, |out, field| write_field(out, field, is_unread));
    for (name, keys) in [("additions", &step.additions), ("idle_removals", &step.idle_removals)] {
        list(out, name, keys, write_key);
    }
    list(out, "unreadable", &step.unreadable, |out, place| write_text(out, place));
    out.push(b'}');
}

fn write_field(out: &mut Vec<u8>, field: &PlannedField, is_unread: bool) {
    let PlannedField { path, before, after, fingerprint, from } = field;
    push(out, r#"{"path":"#);
    write_text(out, &path.text());
    match (before, after) {
        (StoredValue::Json(before), DesiredValue::Set(after)) if before == after => {}
        (StoredValue::Json(before), _) => {
            member(out, "before");
            write_value(out, before);
        }
        _ if is_unread => {}
        (was, _) => {
            member(out, "was");
            write_json(out, was);
        }
    }
    match after {
        DesiredValue::Set(value) => {
            member(out, "after");
            write_value(out, value);
        }
        DesiredValue::Remove => push(out, r#","remove":true"#),
        DesiredValue::Secret(names) => {
            member(out, "secret");
            write_json(out, names);
        }
    }
    if let Some(fingerprint) = fingerprint {
        member(out, "fingerprint");
        write_text(out, fingerprint.as_str());
    }
    if *from != Origin::Row {
        member(out, "from");
        write_text(out, &from.text());
    }
    out.push(b'}');
}

fn write_key(out: &mut Vec<u8>, UnknownKey { entry, near, respelled }: &UnknownKey) {
    push(out, r#"{"entry":"#);
    write_text(out, &entry.text());
    list(out, "near", near, |out, key| write_text(out, key));
    if *respelled {
        push(out, r#","respelled":true"#);
    }
    out.push(b'}');
}
