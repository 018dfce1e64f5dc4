//! The page of an operation, and the page that lists them. Markdown that is legible as it is.

use std::fmt::Write as _;

use orgwave_core::operation::{
    Absent, Body, Catalog, Class, Field, Fields, Kind, Operation, Owner, Provenance,
};

use super::example::Example;
use super::fields::{WIDTH, all, item, settable};
use super::{capitalized, guards, path, prefix, words};
use crate::terminal::{Page, Style, Tone};

/// The page of an operation.
pub fn page(operation: &Operation) -> String {
    let mut out = format!("# `{}`: {}\n\n", operation.name, capitalized(&operation.title));
    out.push_str(&paragraph("", &operation.about));
    if let Some(lost) = &operation.irreversible {
        let lost = format!("Can't be undone: {lost}. An undo plan lists the fields and doesn't write them.");
        out.push('\n');
        out.push_str(&paragraph("", &lost));
    }
    columns(&mut out, operation);
    example(&mut out, operation);
    out.push_str("\n## Reads and updates\n\n");
    for fact in facts(operation) {
        out.push_str(&paragraph("- ", &fact));
    }
    unsettable(&mut out, operation);
    out
}

/// The page that lists the operations.
pub fn index(catalog: &Catalog) -> String {
    let mut out = format!(
        "# Operations\n\nAn operation is one settings object of an org that a rollout can set. \
                   `orgwave operations` lists them, and `orgwave operations NAME` prints a page of these.\n\n\
                   A column of the manifest names its operation, as in `org-mfa:mfaEnabled`; without a name it is of \
                   the rollout's default operation, which is `{}` unless the rollout says otherwise.\n\n\
                   A plan that trips a guard is not applied until it is acknowledged, with the `--ack` that the \
                   plan prints. Risks are shown first when a plan is reviewed.\n\n\
                   | operation | what it is about | fields | guards |\n| --- | --- | --- | --- |\n",
        catalog.default_one().name
    );
    for operation in catalog.iter() {
        let guards: Vec<String> = guards(operation).into_iter().map(|code| format!("`{code}`")).collect();
        let (name, fields) = (&operation.name, settable(operation).len());
        let _ = writeln!(
            out,
            "| [`{name}`]({name}.md) | {} | {fields} | {} |",
            operation.about,
            guards.join(", ")
        );
    }
    out
}

/// What holds for the operation as a whole, a sentence or two each.
fn facts(operation: &Operation) -> Vec<String> {
    let mut facts = Vec::new();
    if let Provenance::Derived(file) = &operation.provenance {
        let name = &operation.name;
        facts.push(format!(
            "Described by `{file}`, which is not part of orgwave, so plans have the guard `derived-{name}`."
        ));
    }
    let at = match &*operation.at {
        "" => "the reply itself".to_owned(),
        at => format!("`{at}` of the reply"),
    };
    facts.push(format!("Read by `{}`: {at}.", operation.read.path));
    let wrap = match &operation.wrap {
        Some(wrap) => format!("as `{wrap}`"),
        None => "as the body itself".to_owned(),
    };
    let body = match operation.body {
        Body::Whole => "whole: what a manifest doesn't name goes back as it was read",
        Body::Projected => "all fields below: those that a manifest doesn't name go back as they were read",
    };
    facts.push(format!("Updated by `{}`, {wrap}, {body}.", operation.write.path));
    facts.push(match &operation.owner {
        Owner::Inside(at) => {
            format!("The settings name their org (`{at}`): those of another are never written.")
        }
        Owner::Beside(at) => {
            format!("The reply names the org (`{at}`): the settings of another are never written.")
        }
        Owner::Unproven => {
            "Nothing in the reply names the org, so plans have the guard `unproven`.".to_owned()
        }
    });
    facts.push(match operation.absent {
        Absent::NotConnected => format!("An org without {} settings is blocked.", operation.title),
        Absent::Empty => format!("An org without {} settings gets them.", operation.title),
    });
    if !operation.watch.is_empty() {
        let watched: Vec<_> = operation.watch.iter().map(|place| format!("`{place}`")).collect();
        facts.push(format!(
            "The run stops if the canary's update turns {} from `true` to `false`.",
            watched.join(" or ")
        ));
    }
    if !operation.confesses.is_empty() {
        let warnings: Vec<_> = operation.confesses.iter().map(|confession| &*confession.words).collect();
        facts.push(format!("An accepted update may report {}.", warnings.join(", ")));
    }
    if operation.irreversible.is_none() {
        let has_secrets = all(operation).iter().any(|field| field.is_secret());
        let but = if has_secrets { ", except secrets" } else { "" };
        facts.push(format!("An undo plan restores what was live{but}."));
    }
    facts
}

/// What has a column: single values, then each map.
fn columns(out: &mut String, operation: &Operation) {
    let prefix = prefix(operation);
    let (mut single, mut maps): (Vec<&Field>, Vec<&Field>) = (Vec::new(), Vec::new());
    for field in all(operation).into_iter().filter(|field| field.class.is_settable()) {
        match (&field.kind, field.place().contains('*')) {
            (Kind::Map(_), false) => maps.push(field),
            (_, false) if field.members().is_none() => single.push(field),
            _ => {}
        }
    }
    if !single.is_empty() {
        out.push_str("\n## Columns\n\n");
    }
    for field in single {
        out.push_str(&item(field, &format!("{prefix}{}", path(field))));
    }
    for map in maps {
        let _ = write!(out, "\n## `{}`\n\n", path(map));
        let table = operation.tables.iter().find(|table| table.map.name == map.name);
        let mut about = map.words.to_string();
        match (table, map.members()) {
            (Some(table), _) => {
                let _ = write!(
                    about,
                    " An entry is a row of the table `{}`, with its key in `{}`, or has columns such as `{prefix}{}.<key>.{}`.",
                    table.name,
                    table.key_column,
                    map.name,
                    first_member(map)
                );
            }
            (None, Some(_)) => {
                let _ =
                    write!(about, " Columns are such as `{prefix}{}.<key>.{}`.", map.name, first_member(map));
            }
            (None, None) => {
                let _ = write!(
                    about,
                    " Columns are `{prefix}{}.<key>`: {}.",
                    map.name,
                    map.entry().map_or_else(String::new, |entry| words::of(entry))
                );
            }
        }
        out.push_str(&paragraph("", &about));
        if map.members().is_some() {
            out.push('\n');
            members(out, map, "");
        }
        for risk in map.members().is_none().then_some(&map.risks).into_iter().flatten() {
            out.push_str(&paragraph("- ", &format!("Risk when it {}: {}.", words::when(risk), risk.effect)));
        }
    }
}

/// What the entries of a map, or an object, hold; maps inside them too.
fn members(out: &mut String, field: &Field, above: &str) {
    for member in field.members().into_iter().flat_map(Fields::iter) {
        if !member.class.is_settable() {
            continue;
        }
        let name = format!("{above}{}", member.name);
        match (&member.kind, member.members()) {
            (Kind::Map(_), Some(_)) => members(out, member, &format!("{name}.<key>.")),
            (Kind::Object(_), _) => members(out, member, &format!("{name}.")),
            _ => out.push_str(&item(member, &name)),
        }
    }
}

fn first_member(map: &Field) -> String {
    let members = map.members().into_iter().flat_map(Fields::iter);
    let mut settable = members.filter(|member| member.class.is_settable() && member.members().is_none());
    settable.next().map(|member| member.name.to_string()).unwrap_or_default()
}

/// What no column sets.
fn unsettable(out: &mut String, operation: &Operation) {
    let fields: Vec<String> = all(operation)
        .into_iter()
        .filter(|field| !field.class.is_settable())
        .map(|field| format!("`{}` ({})", path(field), class_words(field.class)))
        .collect();
    if !fields.is_empty() {
        let _ = write!(out, "\n## Never set\n\n");
        out.push_str(&paragraph("", &format!("{}.", fields.join(", "))));
    }
}

fn class_words(class: Class) -> &'static str {
    match class {
        Class::Setting => "setting",
        Class::Secret => "secret",
        Class::ServerState => "the server's state",
        Class::Audit => "a record of the server",
        Class::Identity => "whose settings these are",
        Class::Discriminator => "which settings these are",
        Class::Keep => "sent as read",
        Class::Omit => "never sent",
    }
}

fn example(out: &mut String, operation: &Operation) {
    let Example { manifest, rollout, tables } = Example::of(operation);
    let _ = write!(out, "\n## Example\n\n`orgs.csv`:\n\n```csv\n{manifest}```\n");
    if let Some(rollout) = rollout {
        let _ = write!(out, "\n`rollout.toml`:\n\n```toml\n{rollout}```\n");
    }
    for (name, table) in tables {
        let _ = write!(out, "\n`{name}.csv`:\n\n```csv\n{table}```\n");
    }
}

fn paragraph(mark: &str, text: &str) -> String {
    let mut page = Page::new(WIDTH, Style::Plain);
    page.paragraph(Tone::Plain, 0, mark.len(), &format!("{mark}{text}"));
    page.finish()
}
