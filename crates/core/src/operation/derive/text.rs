//! A description's text: TOML, with comments that say what to check.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::guess::{class, is_secret, is_status, words};
use super::reads::{Read, Reads};
use super::shape::{Member, Members, Shape, Shaper};
use super::spec::{Schema, Spec, Update, last};
use crate::legible::one_line;
use crate::operation::Catalog;
use crate::operation::confession::confession;

/// The most characters of the spec's own words that are taken over.
const LONGEST_WORDS: usize = 200;

const HEAD: &str = "\
# Derived by `orgwave operations derive` from an OpenAPI file, to be reviewed: a spec says what calls look like, not what
# they do. Check, with the vendor's documentation and an org of your own:
#
# - `read` shows what `write` changes, of the org that is named in the header, and changes nothing itself.
# - `owner` is the org's id. With \"none\", no read proves whose settings these are, and every plan needs `--ack` for it.
# - `body`: \"whole\" sends all that was read, with the changes; \"projected\" the fields below, as read, with the changes.
# - Secrets have `class = \"secret\"`. A secret that is taken for a setting is printed in plans and reports.
# - A field that only the server sets has `class = \"server\"`; one that must go back as it was, `class = \"keep\"`.
# - A value that makes an org less safe, or deletes something, has a `risk` or a `guard`; what no undo brings back is
#   `irreversible`.
# - Lists are compared in order; where the order means nothing, add `as = \"set\"`.
";

/// The description of an update and one of its reads.
pub fn describe(
    spec: &Spec,
    update: &Update<'_>,
    reads: &Reads<'_>,
    read: &Read<'_>,
    catalog: &Catalog,
) -> String {
    let is_whole = reads.wrap.is_some() && read.is_same;
    let shown = spec.members(read.object);
    let mut members = Shaper::new(spec).members(reads.written);
    members.retain(|name, _| reads.wrap.is_some() || !is_status(name));
    // What proves whose settings these are may be in the reply only.
    let proofs = Shaper::new(spec).members(read.object);
    members
        .extend(proofs.into_iter().filter(|(name, _)| ["orgUuid", "integration"].contains(&name.as_str())));

    let mut tables = Tables::default();
    let mut fields = String::new();
    for (name, member) in &members {
        fields += &tables.field(name, member, true, shown.contains_key(name.as_str()));
    }
    let owner = owner(spec, read);
    let known = update.reply.map(|reply| spec.members(reply)).unwrap_or_default();
    let confesses: Vec<String> =
        known.into_keys().filter(|member| confession(member).is_some()).map(quoted).collect();
    let spoken = words(last(update.path));
    let title = spoken.iter().map(|word| capital(word)).collect::<Vec<_>>().join(" ");
    let title = if title.is_empty() { last(update.path).to_owned() } else { title };
    let about = update.about.map_or_else(|| format!("What {} writes.", last(update.path)), said);

    let mut text = HEAD.to_owned();
    if !reads.beside.is_empty() {
        let beside: Vec<_> = reads.beside.iter().map(|name| one_line(name)).collect();
        let _ = writeln!(
            text,
            "# - The body may have other members, which are never sent: {}.",
            beside.join(", ")
        );
    }
    let things: Vec<_> = members.keys().filter(|name| is_thing(name) && reads.wrap.is_none()).collect();
    if !things.is_empty() {
        let things: Vec<_> = things.into_iter().map(|name| one_line(name)).collect();
        let _ = writeln!(
            text,
            "# - The update may be of one thing in the org, not of the org: {}.",
            things.join(", ")
        );
    }
    if !read.asks.is_empty() {
        let asks: Vec<_> = read.asks.iter().map(|name| one_line(name)).collect();
        let _ =
            writeln!(text, "# - The read is sent without what its request may have: {}.", asks.join(", "));
    }
    let _ = writeln!(text, "\nformat = 1\nname = {}", quoted(&free_name(&spoken, catalog)));
    let _ = writeln!(text, "title = {}\nabout = {}", quoted(&title), quoted(&about));
    let _ = writeln!(text, "# It shows {} of the {} written fields.", read.shown, read.of);
    let _ = writeln!(text, "read = {{ path = {}, at = {} }}", quoted(read.path), quoted(&read.at));
    let wrap = reads.wrap.map(|wrap| format!(", wrap = {}", quoted(wrap))).unwrap_or_default();
    let body = if is_whole { "whole" } else { "projected" };
    let _ = writeln!(text, "write = {{ path = {}{wrap}, body = \"{body}\" }}", quoted(update.path));
    let _ = writeln!(text, "owner = {owner}");
    if let Some(Member { shape: Shape::Enum(values), .. }) = members.get("integration") {
        text += &kind(values, [last(update.path), last(read.path), reads.wrap.unwrap_or_default()]);
    }
    text += "# Or \"empty\": an org without these settings gets them.\nabsent = \"not connected\"\n";
    if !confesses.is_empty() {
        let _ = writeln!(text, "confesses = [{}]", confesses.join(", "));
    }
    text + "\n[fields]\n" + &fields + &tables.text()
}

/// The tables that fields refer to.
#[derive(Default)]
struct Tables(BTreeMap<(&'static str, String), String>);

impl Tables {
    fn text(&self) -> String {
        let table =
            |((section, name), lines): (&(&str, String), &String)| format!("\n[{section}.{name}]\n{lines}");
        self.0.iter().map(table).collect()
    }

    /// The name of a table of these members; one that has the same is taken again.
    fn named(&mut self, section: &'static str, field: &str, members: &Members) -> String {
        let lines: String =
            members.iter().map(|(name, member)| self.field(name, member, false, true)).collect();
        let mut base: Vec<String> = words(field);
        base.retain(|word| !["map", "list", "to"].contains(&word.as_str()));
        let base = if base.is_empty() { "entry".to_owned() } else { base.join("_") };
        let mut name = base.clone();
        for number in 2.. {
            match self.0.get(&(section, name.clone())) {
                Some(known) if *known == lines => break,
                Some(_) => name = format!("{base}_{number}"),
                None => {
                    self.0.insert((section, name.clone()), lines);
                    break;
                }
            }
        }
        name
    }

    /// The lines of a field.
    fn field(
        &mut self,
        name: &str,
        Member { shape, about }: &Member,
        is_top: bool,
        is_shown: bool,
    ) -> String {
        if !is_plain(name) {
            return format!("# Omitted, since a column can't name it: {}\n", one_line(name));
        }
        let mut class = class(name, shape, is_top);
        let (kind, note) = self.kind(name, shape, &mut class);
        let mut line = kind;
        if let Some(class) = class {
            let _ = write!(line, ", class = \"{class}\"");
        }
        if class.is_none_or(|class| class == "secret")
            && let Some(about) = about.as_deref().filter(|about| !about.trim().is_empty())
        {
            let _ = write!(line, ", words = {}", quoted(&said(about)));
        }
        if shape.is_set() && !line.contains("opaque") {
            line += ", as = \"set\"";
        }
        let mut notes: Vec<&str> = note.into_iter().collect();
        if !is_shown {
            line += ", readback = false";
            notes.push("the read doesn't show it, so that it can't be compared or verified");
        }
        let notes: String = notes.iter().map(|note| format!("# {name}: {note}\n")).collect();
        // A type alone needs no table.
        match line.strip_prefix("type = ") {
            Some(word) if !line.contains(',') => format!("{notes}{name} = {word}\n"),
            _ => format!("{notes}{name} = {{ {line} }}\n"),
        }
    }

    /// The type, and what to check; the class, where the type asks for one.
    fn kind(
        &mut self,
        name: &str,
        shape: &Shape,
        class: &mut Option<&'static str>,
    ) -> (String, Option<&'static str>) {
        let opaque = |class: &mut Option<&'static str>, why| {
            class.get_or_insert("keep");
            ("type = \"opaque\"".to_owned(), Some(why))
        };
        if *class == Some("discriminator") {
            return ("type = \"text\"".to_owned(), None);
        }
        if let (Some("secret"), Shape::Opaque(why)) = (*class, shape) {
            return ("type = \"text\"".to_owned(), Some(*why));
        }
        if matches!(shape, Shape::Map(_)) && is_secret(name) {
            *class = Some("keep");
            let why = "by its name its keys or values are secrets; it goes back as read";
            return ("type = \"map of opaque\", keys = \"secret\"".to_owned(), Some(why));
        }
        if let Some(word) = shape.word() {
            let values = match shape.innermost() {
                Shape::Enum(values) => {
                    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                    format!(", values = [{}]", values.join(", "))
                }
                _ => String::new(),
            };
            let note = (*class == Some("keep")).then_some("by its name a secret; it goes back as read");
            return (format!("type = \"{word}\"{values}"), note);
        }
        // A field that can't be set needn't be described, unless it has to be kept out of reports.
        if class.is_some() && !holds_secrets(shape) {
            return (opaque(class, "").0, None);
        }
        let (key, section, members) = match shape {
            Shape::Object(members) => ("object", "objects", members),
            Shape::Map(of) | Shape::List(of, _) if matches!(**of, Shape::Opaque(_)) => {
                let Shape::Opaque(why) = **of else { unreachable!("it was just matched") };
                return opaque(class, why);
            }
            Shape::Map(of) => match &**of {
                Shape::Object(members) => ("map", "maps", members),
                _ => return opaque(class, "no description says such a type; it goes back as read"),
            },
            Shape::List(of, _) => match &**of {
                Shape::Object(members) => ("list", "objects", members),
                _ => return opaque(class, "no description says such a type; it goes back as read"),
            },
            Shape::Opaque(why) => return opaque(class, why),
            Shape::Word(_) | Shape::Enum(_) => unreachable!("it has a word"),
        };
        let table = self.named(section, name, members);
        let mut note = None;
        if key == "list" && holds_secrets(shape) {
            class.get_or_insert("keep");
            note = Some("a list with secrets inside can't be set; it goes back as read");
        }
        (format!("{key} = {}", quoted(&table)), note)
    }
}

/// Whether something inside has the name of a secret.
fn holds_secrets(shape: &Shape) -> bool {
    match shape.innermost() {
        Shape::Object(members) => members.iter().any(|(name, member)| {
            let inner = member.shape.innermost();
            is_secret(name) && matches!(inner, Shape::Word("text" | "ruuid")) || holds_secrets(&member.shape)
        }),
        _ => false,
    }
}

/// Whether a member of a body may say which thing is changed.
fn is_thing(name: &str) -> bool {
    ["uuid", "id", "Uuid", "Id"].iter().any(|end| name.ends_with(end))
        && !["orgUuid", "userUuid"].contains(&name)
}

/// Whether it can be written as it is in TOML, and named by a column.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Where a reply names its org: in the settings, or in what they are inside of.
fn owner(spec: &Spec, read: &Read<'_>) -> String {
    if spec.members(read.object).contains_key("orgUuid") {
        return "{ at = \"orgUuid\" }".to_owned();
    }
    let Some(reply) = spec.reply(read.path) else { return "\"none\"".to_owned() };
    let names = read.at.split('.').filter(|name| !name.is_empty());
    let mut above: Vec<(Vec<&str>, Schema<'_>)> = vec![(Vec::new(), reply)];
    for name in names {
        let Some((at, object)) = above.last() else { break };
        let Some(inside) = spec.members(*object).remove(name) else { break };
        above.push((at.iter().copied().chain([name]).collect(), spec.follow(inside)));
    }
    let beside = |(at, object): &(Vec<&str>, Schema<'_>)| {
        let members = spec.members(*object);
        let place = |more: &[&str]| [at.as_slice(), more].concat().join(".");
        if at.last() == Some(&"org") && members.contains_key("uuid") {
            return Some(place(&["uuid"]));
        }
        if members.contains_key("orgUuid") {
            return Some(place(&["orgUuid"]));
        }
        let org = members.get("org").map(|org| spec.members(spec.follow(org)))?;
        org.contains_key("uuid").then(|| place(&["org", "uuid"]))
    };
    match above.iter().rev().find_map(beside) {
        Some(place) => format!("{{ beside = {} }}", quoted(&place)),
        None => "\"none\"".to_owned(),
    }
}

/// The line of what kind of settings these are, where one of the kinds is named like one of the calls.
fn kind(values: &[String], names: [&str; 3]) -> String {
    let names = names.map(|name| words(name).concat());
    let is_like = |value: &&String| {
        let value = value.to_lowercase().replace('_', "");
        names.contains(&value)
    };
    match values.iter().find(is_like) {
        Some(value) => format!("kind = {{ at = \"integration\", is = {} }}\n", quoted(value)),
        None => {
            "# Add `kind = { at = \"integration\", is = \"…\" }` with the kind that these settings are.\n"
                .to_owned()
        }
    }
}

/// A name that no operation has.
fn free_name(words: &[String], catalog: &Catalog) -> String {
    let plain = words.iter().map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
    let mut plain: Vec<String> = plain.filter(|word| !word.is_empty()).collect();
    if !plain.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase())) {
        plain.insert(0, "derived".to_owned());
    }
    let mut name = plain.join("-");
    while catalog.get(&name).is_some() {
        name += "-derived";
    }
    name
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The spec's own words, as a sentence on one line.
fn said(text: &str) -> String {
    let spaced: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = one_line(&spaced);
    let mut words: String = line.chars().take(LONGEST_WORDS).collect();
    if words.len() < line.len() {
        words.push('…');
    } else if !words.ends_with(['.', '!', '?']) {
        words.push('.');
    }
    words
}

/// A text as TOML has it, on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
