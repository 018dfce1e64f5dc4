//! Names of columns -> what their cells are.
//!
//! A column that is refused stays in its place as [`Column::Refused`], so that the cells of the others are still
//! judged, and all problems come at once.

use std::borrow::Cow;
use std::sync::Arc;

use super::cell::trim;
use super::problem::{is_mark, quote};
use super::spreadsheet::{is_error_value, is_exponent, is_formula};
use crate::code::Code;
use crate::operation::{
    Catalog, Class, Field, Fields, Operation, Operations, ParsePathError, Path, SideTable, nearest,
};

/// A column of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Column {
    OrgUuid,
    OrgName,
    Wave,
    Group,
    Skip,
    Note,
    /// Its name begins with `_`: carried to the results.
    Carried,
    /// A setting of the operation at this place.
    Setting(u8, Path),
    Expect(u8, Path),
    Refused,
}

/// A column of a side table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SideColumn {
    OrgUuid,
    Key,
    Remove,
    Member(Arc<Field>),
    Refused,
}

/// What the table itself must know of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    /// Kept as it is; may hold line breaks and tabs.
    pub(crate) literal: bool,
    /// Holds text, in which direction marks are only worth a warning.
    pub(crate) text: bool,
    /// May never be shown.
    pub(crate) secret: bool,
}

/// Why a column is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ColumnRefusal {
    pub(crate) code: Code,
    pub(crate) expected: Cow<'static, str>,
    pub(crate) found: String,
}

const FIXED: [(&str, Column); 6] = [
    ("org_uuid", Column::OrgUuid),
    ("org_name", Column::OrgName),
    ("wave", Column::Wave),
    ("group", Column::Group),
    ("skip", Column::Skip),
    ("note", Column::Note),
];

/// Before what must be live.
const EXPECT: &str = "expect.";

/// The name of a column about settings, taken apart: `expect.org-mfa:mfaEnabled`.
#[derive(Clone, Copy)]
struct Name<'a> {
    expects: bool,
    /// The operation, where the name says which.
    prefix: Option<&'a str>,
    path: &'a str,
}

impl<'a> Name<'a> {
    /// `None` for a column that is no setting's.
    fn of(name: &'a str) -> Option<Self> {
        if name.starts_with('_') || FIXED.iter().any(|(fixed, _)| *fixed == name) {
            return None;
        }
        let unexpected = name.strip_prefix(EXPECT);
        let rest = unexpected.unwrap_or(name);
        // A key may have a colon, but no field has one.
        let (prefix, path) = match rest.find(['.', ':']) {
            Some(at) if rest.as_bytes()[at] == b':' => (Some(&rest[..at]), &rest[at + 1..]),
            _ => (None, rest),
        };
        Some(Self { expects: unexpected.is_some(), prefix, path })
    }

    /// The name of a column of the same sort.
    fn like(&self, prefix: Option<&str>, path: &str) -> String {
        let expect = if self.expects { EXPECT } else { "" };
        let (prefix, colon) = prefix.map_or(("", ""), |prefix| (prefix, ":"));
        [expect, prefix, colon, path].concat()
    }
}

/// What columns of a manifest may be.
pub(super) struct ColumnRules {
    catalog: Catalog,
    /// The operation of columns without a prefix.
    default: Arc<Operation>,
    /// Those of the rollout.
    operations: Operations,
    /// Whether the rollout file has groups.
    has_groups: bool,
}

impl ColumnRules {
    /// The operations of a rollout are those that a header names, in its order, and then `others`.
    pub(super) fn new<'a>(
        catalog: Catalog,
        default: Arc<Operation>,
        header: impl Iterator<Item = &'a str>,
        others: impl Iterator<Item = Arc<Operation>>,
        has_groups: bool,
    ) -> Self {
        let named = header.filter_map(Name::of).filter_map(|name| match name.prefix {
            None => Some(default.clone()),
            Some(prefix) => catalog.get(prefix).cloned(),
        });
        let mut operations: Vec<Arc<Operation>> = Vec::new();
        for operation in named.chain(others) {
            let is_known = operations.iter().any(|known| known.name == operation.name);
            if !is_known && operations.len() < Operations::MOST {
                operations.push(operation);
            }
        }
        if operations.is_empty() {
            operations.push(default.clone());
        }
        Self { operations: Operations::new(operations), catalog, default, has_groups }
    }

    pub(super) fn operations(&self) -> &Operations {
        &self.operations
    }

    /// The column of this name.
    pub(super) fn column(&self, name: &str) -> Result<Column, ColumnRefusal> {
        check_name(name)?;
        let Some(parts) = Name::of(name) else { return self.own(name) };
        let (place, operation) = self.operation(parts)?;
        let path = self.path(operation, parts, name)?;
        if parts.expects {
            if path.field().is_secret() {
                return Err(ColumnRefusal {
                    code: Code::ColSecretExpect,
                    expected: "a path that is not a secret: secrets are never compared".into(),
                    found: quote(name),
                });
            }
            return Ok(Column::Expect(place, path));
        }
        let top = path.top();
        let Some(class) = path.field().unsettable() else { return Ok(Column::Setting(place, path)) };
        let reason = unsettable(class);
        let guard = Name { expects: true, ..parts }.like(parts.prefix, top);
        Err(ColumnRefusal {
            code: Code::ColUnsettable,
            expected: "a setting that a partner may set".into(),
            found: format!("{top}, {reason}; `{guard}` can guard on it"),
        })
    }

    /// A column's name in the spelling that all names of the same meaning share.
    pub(super) fn spelled<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match Name::of(name) {
            Some(parts) if parts.prefix == Some(&*self.default.name) => {
                let short = parts.like(None, parts.path);
                // Behind a prefix `note` would be a setting; alone it isn't.
                if Name::of(&short).is_some() { short.into() } else { name.into() }
            }
            _ => name.into(),
        }
    }

    /// The column as people name it where it must be distinguished from others.
    pub(super) fn name_of(&self, place: u8, path: &Path) -> String {
        let operation = self.operations.get(place).filter(|operation| operation.name != self.default.name);
        let name = Name { expects: false, prefix: None, path: "" };
        name.like(operation.map(|operation| &*operation.name), &path.text())
    }

    /// A column that is about no setting.
    fn own(&self, name: &str) -> Result<Column, ColumnRefusal> {
        match FIXED.iter().find(|(fixed, _)| *fixed == name) {
            None => Ok(Column::Carried),
            Some((_, Column::Group)) if !self.has_groups => Err(ColumnRefusal {
                code: Code::ColGroup,
                expected: "[group.NAME.settings] in the rollout file, for the groups that rows are in".into(),
                found: "no groups".to_owned(),
            }),
            Some((_, column)) => Ok(column.clone()),
        }
    }

    fn operation(&self, name: Name<'_>) -> Result<(u8, &Arc<Operation>), ColumnRefusal> {
        let wanted = name.prefix.unwrap_or(&self.default.name);
        let known = self.operations.place(wanted);
        known.and_then(|place| Some((place, self.operations.get(place)?))).ok_or_else(|| {
            if self.catalog.get(wanted).is_some() {
                return ColumnRefusal {
                    code: Code::ColOperation,
                    expected: format!("at most {} operations in a rollout", Operations::MOST).into(),
                    found: format!("{}, one more", quote(wanted)),
                };
            }
            let found = quote(wanted);
            let near = self.catalog.nearest(wanted).map(|near| name.like(Some(near), name.path));
            ColumnRefusal {
                code: Code::ColOperation,
                expected: "the name of an operation before the colon".into(),
                found: near.map_or(found.clone(), |near| format!("{found}; did you mean {}?", quote(&near))),
            }
        })
    }

    fn path(&self, operation: &Operation, name: Name<'_>, column: &str) -> Result<Path, ColumnRefusal> {
        let path = operation.path(name.path).map_err(|error| match &error {
            ParsePathError::UnknownField { name: field, .. } => self.unknown_field(operation, name, field),
            ParsePathError::UnknownMember { map, name, did_you_mean } => {
                let near = did_you_mean.iter().map(String::as_str);
                unknown(name, near, format!("a field of an entry of {map}").into())
            }
            ParsePathError::NotAMap(_)
            | ParsePathError::TooDeep(_)
            | ParsePathError::EmptyPart
            | ParsePathError::Escape => ColumnRefusal {
                code: Code::ColName,
                expected: {
                    let examples = &operation.examples;
                    let member = examples.member.as_ref().map(|member| format!(" or {member}"));
                    format!("a path such as {}{} ({error})", examples.field, member.unwrap_or_default())
                        .into()
                },
                found: quote(column),
            },
        })?;
        let is_changed =
            |key: &str| is_exponent(key) || is_error_value(key) || is_formula(key) || key.is_empty();
        if path.keys().iter().any(|key| is_changed(trim(key))) {
            return Err(ColumnRefusal {
                code: Code::ColName,
                expected: "a key as the vendor writes it; a spreadsheet changed this one".into(),
                found: quote(column),
            });
        }
        Ok(path)
    }

    fn unknown_field(&self, operation: &Operation, name: Name<'_>, field: &str) -> ColumnRefusal {
        let fields = operation.fields.names();
        let refusal = if name.prefix.is_some() {
            unknown(field, fields, format!("a field of {}", operation.name).into())
        } else if name.expects {
            unknown(field, fields, "a field of the settings".into())
        } else {
            let fixed = FIXED.iter().map(|(name, _)| *name);
            unknown(field, fixed.chain(fields), "a column that orgwave knows".into())
        };
        if refusal.code == Code::ColCase {
            return refusal;
        }
        match self.meant(operation, name) {
            Some(meant) => ColumnRefusal {
                found: format!("{}; did you mean {}?", quote(field), quote(&meant)),
                ..refusal
            },
            None => refusal,
        }
    }

    /// The column that a name of an unknown field would be, to the letter, elsewhere.
    fn meant(&self, operation: &Operation, name: Name<'_>) -> Option<String> {
        if let (Some(_), Some(path)) = (name.prefix, name.path.strip_prefix(EXPECT))
            && operation.path(path).is_ok()
        {
            return Some(Name { expects: true, ..name }.like(name.prefix, path));
        }
        let others = self.catalog.iter().filter(|other| other.path(name.path).is_ok());
        // One that the rollout has is likelier than one that it hasn't, and then the default one.
        let strange = |other: &&Arc<Operation>| {
            (self.operations.place(&other.name).is_none(), other.name != self.default.name)
        };
        let other = others.min_by_key(strange)?;
        let prefix = Some(&*other.name).filter(|prefix| **prefix != *self.default.name);
        Some(name.like(prefix, name.path))
    }
}

impl Column {
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::OrgName | Self::Note | Self::Skip | Self::Carried => {
                Shape { literal: true, text: true, secret: false }
            }
            Self::Setting(_, path) | Self::Expect(_, path) => {
                Shape { literal: false, text: path.kind().is_of_texts(), secret: path.field().is_secret() }
            }
            // What a refused column was meant to be is unknown: it may hold anything, secrets too.
            Self::Refused => Shape { literal: true, text: true, secret: true },
            Self::OrgUuid | Self::Wave | Self::Group => Shape::default(),
        }
    }
}

impl SideColumn {
    pub(crate) fn of(table: &SideTable, name: &str) -> Result<Self, ColumnRefusal> {
        check_name(name)?;
        let fixed = [("org_uuid", Self::OrgUuid), (&*table.key_column, Self::Key), ("remove", Self::Remove)];
        if let Some((_, column)) = fixed.iter().find(|(fixed, _)| *fixed == name) {
            return Ok(column.clone());
        }
        let members = table.entry().members();
        let member = members.and_then(|members| members.member(name));
        if let Some(class) = member.and_then(|member| member.unsettable()) {
            return Err(ColumnRefusal {
                code: Code::ColUnsettable,
                expected: "a setting that a partner may set".into(),
                found: format!("{name}, {}", unsettable(class)),
            });
        }
        member.cloned().map(Self::Member).ok_or_else(|| {
            let members = members.into_iter().flat_map(Fields::names);
            let names: Vec<&str> = fixed.iter().map(|(name, _)| *name).chain(members).collect();
            unknown(name, names.iter().copied(), format!("one of {}", names.join(", ")).into())
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        let text = match self {
            Self::Member(member) => member.kind.is_of_texts(),
            Self::Refused => true,
            Self::OrgUuid | Self::Key | Self::Remove => false,
        };
        let refused = matches!(self, Self::Refused);
        let secret = refused || matches!(self, Self::Member(member) if member.is_secret());
        Shape { literal: refused, text, secret }
    }
}

/// Why a class of fields can't be set.
pub(crate) const fn unsettable(class: Class) -> &'static str {
    match class {
        Class::Setting | Class::Secret => "which can be set",
        Class::ServerState => "which the vendor's server derives",
        Class::Audit => "which the vendor's server records",
        Class::Identity => "which identifies the org",
        Class::Discriminator => "which identifies the integration",
        Class::Keep => "which goes back as it was read",
        Class::Omit => "which is never sent",
    }
}

fn check_name(name: &str) -> Result<(), ColumnRefusal> {
    let refusal = |expected: &'static str| ColumnRefusal {
        code: Code::ColName,
        expected: expected.into(),
        found: quote(name),
    };
    if name.is_empty() {
        return Err(ColumnRefusal {
            code: Code::ColName,
            expected: "a column with a name".into(),
            found: "nothing; spreadsheets write such columns behind the last one that is used".into(),
        });
    }
    if name.chars().any(|c| c.is_control() || is_mark(c)) {
        return Err(refusal("a name without control, direction or zero-width characters"));
    }
    Ok(())
}

fn unknown<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str>,
    expected: Cow<'static, str>,
) -> ColumnRefusal {
    let near = nearest(name, known);
    let code = match near {
        Some(near) if near.eq_ignore_ascii_case(name) => Code::ColCase,
        _ => Code::ColUnknown,
    };
    let found = quote(name);
    ColumnRefusal {
        code,
        expected,
        found: near.map_or(found.clone(), |near| format!("{found}; did you mean {near}?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> (Code, String) {
        let refusal = rules(&[]).column(name).unwrap_err();
        (refusal.code, refusal.found)
    }

    fn rules(header: &[&str]) -> ColumnRules {
        let catalog = Catalog::built_in();
        let default = catalog.default_one().clone();
        ColumnRules::new(catalog, default, header.iter().copied(), std::iter::empty(), true)
    }

    #[test]
    fn columns_of_every_kind_are_recognised() {
        let rules = rules(&[]);
        for (name, column) in FIXED {
            assert_eq!(rules.column(name), Ok(column));
        }
        assert_eq!(rules.column("_mine"), Ok(Column::Carried));
        for name in ["enabled", "apiToken", "doorInfoMap", "doorInfoMap.a", r"doorInfoMap.a\.b.doorName"] {
            assert!(matches!(rules.column(name), Ok(Column::Setting(0, _))), "{name}");
        }
        for name in ["expect.enabled", "expect.tokenValid", "expect.doorInfoMap.a", "expect.integration"] {
            assert!(matches!(rules.column(name), Ok(Column::Expect(0, _))), "{name}");
        }
    }

    #[test]
    fn columns_of_other_kinds_are_refused() {
        for (name, code, hint) in [
            ("saveclips", Code::ColCase, "did you mean saveClips?"),
            ("Org_UUID", Code::ColCase, "did you mean org_uuid?"),
            ("saveClip", Code::ColUnknown, "did you mean saveClips?"),
            ("Enabled.x", Code::ColCase, "did you mean enabled?"),
            ("zebra", Code::ColUnknown, "\"zebra\""),
            ("doorInfoMap.a.DoorName", Code::ColCase, "did you mean doorName?"),
            ("expect.saveclips", Code::ColCase, "did you mean saveClips?"),
            ("expect.apiToken", Code::ColSecretExpect, "expect.apiToken"),
            ("tokenValid", Code::ColUnsettable, "derives"),
            ("integrationAuditMap", Code::ColUnsettable, "records"),
            ("orgUuid", Code::ColUnsettable, "identifies the org"),
            ("integration", Code::ColUnsettable, "identifies the integration"),
            ("", Code::ColName, "nothing"),
            ("enabled.x", Code::ColName, "enabled.x"),
            ("doorInfoMap..doorName", Code::ColName, "doorInfoMap"),
            (r"doorInfoMap.1\.23E+11.doorName", Code::ColName, "doorInfoMap"),
            ("ena\u{202e}bled", Code::ColName, "<U+202E>"),
        ] {
            let (found_code, found) = refused(name);
            assert_eq!(found_code, code, "{name}");
            assert!(found.contains(hint), "{name}: {found}");
        }
    }

    #[test]
    fn side_tables_have_columns_of_their_own() {
        let operation = Operation::default_one();
        let doors = operation.table("doors").unwrap();
        assert_eq!(SideColumn::of(doors, "door_key"), Ok(SideColumn::Key));
        assert!(matches!(SideColumn::of(doors, "doorName"), Ok(SideColumn::Member(_))));
        for (name, code) in
            [("location_key", Code::ColUnknown), ("Remove", Code::ColCase), ("note", Code::ColUnknown)]
        {
            assert_eq!(SideColumn::of(doors, name).unwrap_err().code, code, "{name}");
        }
    }
}
