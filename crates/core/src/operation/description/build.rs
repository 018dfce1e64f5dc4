//! Fields as they are written -> fields in their tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Number;
use toml::{Spanned, Value};

use super::kinds::{self, Details, innermost};
use super::raw::{Keys, Listed, RawField, RawFieldTable, RawFields, RawGuard, WordOr};
use super::{DescriptionError, Source, TableName};
use crate::code::Code;
use crate::operation::{Acknowledgement, Class, Field, Fields, Kind, Risk, Risky, SideTable, nearest};

/// The fields of an operation, and what they may refer to.
#[derive(Default)]
pub(super) struct Builder<'t> {
    fields: Set<'t>,
    maps: BTreeMap<String, Set<'t>>,
    objects: BTreeMap<String, Set<'t>>,
    /// What each guard's code says, once it was met.
    codes: BTreeMap<Box<str>, Arc<Acknowledgement>>,
}

/// Fields by wire name, each with the file that it is written in.
type Set<'t> = BTreeMap<String, (Source<'t>, Spanned<RawField>)>;

/// What comes of a description's fields.
pub(super) struct Built {
    /// The tree.
    pub(super) fields: Fields,
    /// The side tables, by name.
    pub(super) tables: Vec<Arc<SideTable>>,
    /// What has to be acknowledged, by code.
    pub(super) guards: Vec<Arc<Acknowledgement>>,
}

/// A side table as a field names it.
struct Table {
    map: String,
    name: String,
    key_column: String,
}

impl<'t> Builder<'t> {
    /// Takes in what a file has. What was there before stays.
    pub(super) fn take(
        &mut self,
        source: Source<'t>,
        fields: RawFields,
        maps: BTreeMap<String, Spanned<RawFields>>,
        objects: BTreeMap<String, Spanned<RawFields>>,
    ) {
        let set = |fields: RawFields| fields.into_iter().map(move |(name, field)| (name, (source, field)));
        for (name, field) in set(fields) {
            self.fields.entry(name).or_insert(field);
        }
        for (all, new) in [(&mut self.maps, maps), (&mut self.objects, objects)] {
            for (name, fields) in new {
                all.entry(name).or_insert_with(|| set(fields.into_inner()).collect());
            }
        }
    }

    /// Builds what it has.
    pub(super) fn build(mut self) -> Result<Built, DescriptionError> {
        let mut tables: Vec<Table> = Vec::new();
        let top = std::mem::take(&mut self.fields);
        let mut built = Vec::new();
        for (name, (source, raw)) in &top {
            built.push(self.field(*source, name, raw, &mut Vec::new())?);
            if let WordOr::Table(RawFieldTable { table: Some(table), key, .. }) = raw.get_ref() {
                let key_column = key.clone().unwrap_or_else(|| format!("{table}_key"));
                if tables.iter().any(|other| other.name == *table) {
                    return Err(source.error(raw.span(), Code::OpName, "each table once", table));
                }
                tables.push(Table { map: name.clone(), name: table.clone(), key_column });
            }
        }
        tables.sort_by(|left, right| left.name.cmp(&right.name));
        let fields = Fields::top(built);
        let tables = tables.into_iter().filter_map(|table| {
            let map = fields.get(&table.map)?.clone();
            let name = TableName::from(table.name.as_str());
            Some(Arc::new(SideTable { name, key_column: table.key_column.into(), map }))
        });
        let tables = tables.collect();
        Ok(Built { fields, tables, guards: self.codes.into_values().collect() })
    }

    /// A field. `open` are the maps and objects that it is inside of.
    fn field(
        &mut self,
        source: Source<'t>,
        name: &str,
        raw: &Spanned<RawField>,
        open: &mut Vec<String>,
    ) -> Result<Field, DescriptionError> {
        let bad =
            |span, expected: &str| source.error(span, Code::OpField, expected, format!("field {name:?}"));
        if name.is_empty() {
            return Err(bad(raw.span(), "a name"));
        }
        let short;
        let table = match raw.get_ref() {
            WordOr::Table(table) => table,
            WordOr::Word(word) => {
                short = RawFieldTable { of_type: Some(word.clone()), ..RawFieldTable::default() };
                &short
            }
        };
        let mut kind = self.kind(source, name, raw, table, open)?;
        let mut class = table.class.unwrap_or(Class::Setting);
        if let Some(wrong) = misfit(table, &kind, class, open.is_empty()) {
            return Err(bad(raw.span(), wrong));
        }
        if let (Class::Secret, Kind::Map(entry)) = (class, &mut kind) {
            // The map may be looked into; what is under its keys may not.
            Arc::get_mut(entry).expect("it was just made").class = Class::Secret;
            class = Class::Setting;
        }
        let mut risks = Vec::new();
        for risk in &table.risk.0 {
            let values = values(&kind, risk.when.get_ref()).ok_or_else(|| bad(risk.when.span(), WHEN))?;
            risks.push(Arc::new(Risk { values, effect: risk.words.as_str().into(), guard: None }));
        }
        for guard in &table.guard.0 {
            let values = values(&kind, guard.when.get_ref()).ok_or_else(|| bad(guard.when.span(), WHEN))?;
            let guarded = Some(self.acknowledgement(source, guard)?);
            risks.push(Arc::new(Risk { values, effect: guard.words.as_str().into(), guard: guarded }));
        }
        let mut field = Field::new(name, kind);
        field.class = class;
        field.risks = risks;
        field.words = table.words.as_deref().unwrap_or_default().into();
        field.example = table.example.as_deref().map(Into::into);
        field.is_shown = table.readback.unwrap_or(true);
        field.irreversible = table.irreversible.as_deref().map(Into::into);
        field.has_secret_keys = table.keys == Some(Keys::Secret);
        Ok(field)
    }

    fn kind(
        &mut self,
        source: Source<'t>,
        name: &str,
        raw: &Spanned<RawField>,
        table: &RawFieldTable,
        open: &mut Vec<String>,
    ) -> Result<Kind, DescriptionError> {
        let as_set = table.listed == Some(Listed::Set);
        match (&table.of_type, &table.map, &table.object, &table.list) {
            (Some(word), None, None, None) => {
                let values = table.values.iter().flatten().map(|value| value.as_str().into()).collect();
                let details = Details { values, as_set, ids: table.ids };
                kinds::kind(word, &details).ok_or_else(|| {
                    let expected = format!("one of the types {} for field {name:?}", kinds::WORDS);
                    source.error(raw.span(), Code::OpField, expected, word)
                })
            }
            (None, Some(map), None, None) => {
                let members = self.members(source, raw, "maps", map, open)?;
                Ok(Kind::Map(Arc::new(Field::new("", Kind::Object(members)))))
            }
            (None, None, Some(object), None) => {
                Ok(Kind::Object(self.members(source, raw, "objects", object, open)?))
            }
            (None, None, None, Some(list)) => {
                let members = self.members(source, raw, "objects", list, open)?;
                Ok(Kind::List { of: Arc::new(Field::new("", Kind::Object(members))), as_set })
            }
            _ => {
                let expected = "one of `type`, `map`, `object` and `list`";
                Err(source.error(
                    raw.span(),
                    Code::OpField,
                    expected,
                    format!("none or several for field {name:?}"),
                ))
            }
        }
    }

    /// The members of a map's entries, or of an object.
    fn members(
        &mut self,
        source: Source<'t>,
        raw: &Spanned<RawField>,
        section: &str,
        name: &str,
        open: &mut Vec<String>,
    ) -> Result<Fields, DescriptionError> {
        let all = if section == "maps" { &mut self.maps } else { &mut self.objects };
        let full = format!("{section}.{name}");
        if open.contains(&full) {
            let expected = "fields that end: no map or object inside itself";
            return Err(source.error(raw.span(), Code::OpName, expected, format!("[{full}] inside itself")));
        }
        let Some(set) = all.remove(name) else {
            let near = nearest(name, all.keys().map(String::as_str));
            let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            return Err(source.error(
                raw.span(),
                Code::OpName,
                format!("a table [{full}]"),
                format!("none{near}"),
            ));
        };
        open.push(full);
        let mut members = Vec::new();
        let mut failed = None;
        for (member, (source, raw)) in &set {
            match self.field(*source, member, raw, open) {
                Ok(field) => members.push(field),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        open.pop();
        let all = if section == "maps" { &mut self.maps } else { &mut self.objects };
        all.insert(name.to_owned(), set);
        failed.map_or_else(|| Ok(Fields::new(members)), Err)
    }

    /// What a guard asks for. One code says one thing.
    fn acknowledgement(
        &mut self,
        source: Source<'t>,
        guard: &RawGuard,
    ) -> Result<Arc<Acknowledgement>, DescriptionError> {
        let code = guard.code.get_ref();
        if !super::is_name(code) || RESERVED.iter().any(|reserved| code.starts_with(reserved)) {
            let expected = "a code of small letters, digits and `-` that orgwave doesn't use itself";
            return Err(source.error(guard.code.span(), Code::OpName, expected, code));
        }
        let asks = guard.asks.as_deref().unwrap_or(&guard.words);
        let known = self.codes.entry(code.as_str().into());
        let known = known
            .or_insert_with(|| Arc::new(Acknowledgement { code: code.as_str().into(), words: asks.into() }));
        if *known.words == *asks {
            return Ok(known.clone());
        }
        let expected = format!("{code} to say {:?}, as elsewhere", known.words);
        Err(source.error(guard.code.span(), Code::OpName, expected, format!("{asks:?}")))
    }
}

/// Codes, or how they begin, that are every operation's.
const RESERVED: [&str; 6] = ["clears", "removals", "additions", "unproven", "unreadable-", "derived-"];

/// The attribute that doesn't fit, in words.
fn misfit(table: &RawFieldTable, kind: &Kind, class: Class, is_top: bool) -> Option<&'static str> {
    let inner = innermost(kind);
    let has_lists = |kind: &Kind| {
        let mut kind = kind;
        loop {
            match kind {
                Kind::List { .. } => return true,
                Kind::Map(entry) => kind = &entry.kind,
                _ => return false,
            }
        }
    };
    let is_enum = matches!(inner, Kind::Enum(_));
    let is_map = matches!(kind, Kind::Map(_));
    let is_table = matches!(kind, Kind::Map(entry) if entry.members().is_some());
    let is_settable = class.is_settable();
    [
        (
            is_enum != table.values.as_ref().is_some_and(|values| !values.is_empty()),
            "`values` with an enum, and only there",
        ),
        (table.listed.is_some() && !has_lists(kind), "`as` with a list only"),
        (table.ids.is_some() && !matches!(inner, Kind::Ruuid(_)), "`ids` with ruuid only"),
        (table.keys.is_some() && !is_map, "`keys` with a map only"),
        (
            table.keys.is_some() && class != Class::Keep,
            "`class = \"keep\"` for a map that is keyed by a secret: it can't be managed",
        ),
        (table.table.is_some() && !(is_table && is_top), "`table` with a map of objects at the top only"),
        (table.table.is_some() && !is_settable, "`table` with a setting only"),
        (table.key.is_some() && table.table.is_none(), "`key` beside `table` only"),
        (
            class == Class::Secret && !matches!(inner, Kind::Text | Kind::Ruuid(_)),
            "a secret that is a text or an RUUID, or a list or map of them",
        ),
        (
            holds_secret_list(kind) && is_settable,
            "`class = \"keep\"` for a list of objects with a secret: no cell may hold it",
        ),
        (matches!(inner, Kind::Opaque) && is_settable, "a class that is never set, for opaque"),
        (
            !(is_settable || table.risk.0.is_empty() && table.guard.0.is_empty()),
            "`risk` and `guard` with a setting only",
        ),
        (!is_settable && table.irreversible.is_some(), "`irreversible` with a setting only"),
        (!is_settable && table.example.is_some(), "`example` with a setting only"),
    ]
    .into_iter()
    .find_map(|(is_wrong, words)| is_wrong.then_some(words))
}

/// Whether it is a list of objects with a secret in them.
fn holds_secret_list(kind: &Kind) -> bool {
    fn holds_secret(field: &Field) -> bool {
        let is_inside = |members: &Fields| members.iter().any(|member| holds_secret(member));
        match &field.kind {
            Kind::List { of, .. } | Kind::Map(of) => field.is_secret() || holds_secret(of),
            Kind::Object(members) => is_inside(members),
            _ => field.is_secret(),
        }
    }
    matches!(kind, Kind::List { of, .. } if holds_secret(of))
}

/// What a `when` may be.
const WHEN: &str = "a `when` of values of the field's type, `<null>`, `<empty>`, `filled`, `any`, or for numbers `lowered` or `raised`";

/// What a risk's `when` says of values of a kind.
fn values(kind: &Kind, when: &Value) -> Option<Vec<Risky>> {
    let all = match when {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    let is_number = matches!(kind, Kind::Int32 | Kind::Int64 | Kind::Number);
    let value = |value: &Value| match value {
        Value::Boolean(flag) => matches!(kind, Kind::Bool).then_some(Risky::Is(*flag)),
        Value::Integer(number) => is_number.then(|| Risky::Number((*number).into())),
        Value::Float(number) if matches!(kind, Kind::Number) => Number::from_f64(*number).map(Risky::Number),
        Value::String(word) => match (word.as_str(), kind) {
            ("<null>", _) => Some(Risky::Null),
            ("<empty>", _) => Some(Risky::Empty),
            ("filled", _) => Some(Risky::Filled),
            ("any", _) => Some(Risky::Any),
            ("lowered", _) if is_number => Some(Risky::Lowered),
            ("raised", _) if is_number => Some(Risky::Raised),
            (word, Kind::Text) => Some(Risky::Word(word.into())),
            (word, Kind::Enum(values)) => {
                values.iter().any(|value| **value == *word).then(|| Risky::Word(word.into()))
            }
            _ => None,
        },
        _ => None,
    };
    all.into_iter().map(value).collect()
}
