//! Names of columns -> what their cells are.
//!
//! A column that is refused stays in its place as [`Column::Refused`], so that the cells of the others are still
//! judged, and all problems come at once.

use std::borrow::Cow;

use super::cell::trim;
use super::problem::{is_mark, quote};
use super::spreadsheet::{is_error_value, is_exponent, is_formula};
use crate::code::Code;
use crate::desired::SideTable;
use crate::settings::{Class, FIELDS, Field, Kind, MapSpec, Member, ParsePathError, Path, nearest};

/// A column of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Column {
    OrgUuid,
    OrgName,
    Wave,
    Skip,
    Note,
    /// Its name begins with `_`: carried to the results.
    Carried,
    Setting(Path),
    Expect(Path),
    Refused,
}

/// A column of a side table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SideColumn {
    OrgUuid,
    Key,
    Remove,
    Member(&'static Member),
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

const FIXED: [(&str, Column); 5] = [
    ("org_uuid", Column::OrgUuid),
    ("org_name", Column::OrgName),
    ("wave", Column::Wave),
    ("skip", Column::Skip),
    ("note", Column::Note),
];

impl Column {
    pub(crate) fn of(name: &str) -> Result<Self, ColumnRefusal> {
        check_name(name)?;
        if let Some((_, column)) = FIXED.iter().find(|(fixed, _)| *fixed == name) {
            return Ok(column.clone());
        }
        if name.starts_with('_') {
            return Ok(Self::Carried);
        }
        if let Some(path) = name.strip_prefix("expect.") {
            let path = read_path(path, name)?;
            if path.field().is_secret() {
                return Err(ColumnRefusal {
                    code: Code::ColSecretExpect,
                    expected: "a path that is no secret: a secret is never compared".into(),
                    found: quote(name),
                });
            }
            return Ok(Self::Expect(path));
        }
        let path = read_path(name, name)?;
        let field = path.field();
        let reason = match field.class {
            Class::Setting | Class::Secret => return Ok(Self::Setting(path)),
            class => unsettable(class),
        };
        Err(ColumnRefusal {
            code: Code::ColUnsettable,
            expected: "a setting that a partner may set".into(),
            found: format!("{}, {reason}; `expect.{}` can guard on it", field.name, field.name),
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::OrgName | Self::Note | Self::Skip | Self::Carried => {
                Shape { literal: true, text: true, secret: false }
            }
            Self::Setting(path) | Self::Expect(path) => Shape {
                literal: false,
                text: matches!(path.kind(), Kind::Text | Kind::Texts),
                secret: path.field().is_secret(),
            },
            // Nobody knows what a refused column was meant to be: anything may stand there, a secret too.
            Self::Refused => Shape { literal: true, text: true, secret: true },
            Self::OrgUuid | Self::Wave => Shape::default(),
        }
    }
}

impl SideColumn {
    pub(crate) fn of(table: SideTable, spec: &'static MapSpec, name: &str) -> Result<Self, ColumnRefusal> {
        check_name(name)?;
        let fixed = [("org_uuid", Self::OrgUuid), (table.key_column(), Self::Key), ("remove", Self::Remove)];
        if let Some((_, column)) = fixed.iter().find(|(fixed, _)| *fixed == name) {
            return Ok(*column);
        }
        spec.member(name).map(Self::Member).ok_or_else(|| {
            let names =
                fixed.iter().map(|(name, _)| *name).chain(spec.members.iter().map(|member| member.name));
            unknown(name, names.clone(), format!("one of {}", names.collect::<Vec<_>>().join(", ")).into())
        })
    }

    pub(crate) fn shape(self) -> Shape {
        let text = match self {
            Self::Member(member) => matches!(member.kind, Kind::Text),
            Self::Refused => true,
            Self::OrgUuid | Self::Key | Self::Remove => false,
        };
        let refused = matches!(self, Self::Refused);
        Shape { literal: refused, text, secret: refused }
    }
}

/// Why a class of fields can't be set.
pub(crate) const fn unsettable(class: Class) -> &'static str {
    match class {
        Class::Setting | Class::Secret => "which can be set",
        Class::ServerState => "which the vendor's server derives",
        Class::Audit => "which the vendor's server records",
        Class::Identity => "which says whose settings these are",
        Class::Discriminator => "which says what kind of settings these are",
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

fn read_path(path: &str, column: &str) -> Result<Path, ColumnRefusal> {
    let path: Path = path.parse().map_err(|error| match &error {
        ParsePathError::UnknownField { name, .. } => {
            let fields = FIELDS.iter().map(|field| field.name);
            if column.starts_with("expect.") {
                unknown(name, fields, "a field of the settings".into())
            } else {
                let fixed = FIXED.iter().map(|(name, _)| *name);
                unknown(name, fixed.chain(fields), "a column that orgwave knows".into())
            }
        }
        ParsePathError::UnknownMember { map, name, .. } => {
            let members = Field::named(map).and_then(Field::map).map_or(&[][..], |spec| spec.members);
            let names = members.iter().map(|member| member.name);
            unknown(name, names, format!("a field of an entry of {map}").into())
        }
        ParsePathError::NotAMap(_)
        | ParsePathError::TooDeep
        | ParsePathError::EmptyPart
        | ParsePathError::Escape => ColumnRefusal {
            code: Code::ColName,
            expected: format!("a path such as saveClips or doorInfoMap.<key>.doorName ({error})").into(),
            found: quote(column),
        },
    })?;
    let is_changed = |key| is_exponent(key) || is_error_value(key) || is_formula(key) || key.is_empty();
    if path.key().map(trim).is_some_and(is_changed) {
        return Err(ColumnRefusal {
            code: Code::ColName,
            expected: "a key as the vendor writes it; a spreadsheet changed this one".into(),
            found: quote(column),
        });
    }
    Ok(path)
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
        let refusal = Column::of(name).unwrap_err();
        (refusal.code, refusal.found)
    }

    #[test]
    fn what_a_column_may_be() {
        for (name, column) in FIXED {
            assert_eq!(Column::of(name), Ok(column));
        }
        assert_eq!(Column::of("_mine"), Ok(Column::Carried));
        for name in ["enabled", "apiToken", "doorInfoMap", "doorInfoMap.a", r"doorInfoMap.a\.b.doorName"] {
            assert!(matches!(Column::of(name), Ok(Column::Setting(_))), "{name}");
        }
        for name in ["expect.enabled", "expect.tokenValid", "expect.doorInfoMap.a", "expect.integration"] {
            assert!(matches!(Column::of(name), Ok(Column::Expect(_))), "{name}");
        }
    }

    #[test]
    fn what_it_may_not_be() {
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
            ("orgUuid", Code::ColUnsettable, "whose"),
            ("integration", Code::ColUnsettable, "kind"),
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
        let Kind::Map(spec) = Field::named("doorInfoMap").unwrap().kind else { unreachable!() };
        assert_eq!(SideColumn::of(SideTable::Doors, spec, "door_key"), Ok(SideColumn::Key));
        assert!(matches!(SideColumn::of(SideTable::Doors, spec, "doorName"), Ok(SideColumn::Member(_))));
        for (name, code) in
            [("location_key", Code::ColUnknown), ("Remove", Code::ColCase), ("note", Code::ColUnknown)]
        {
            assert_eq!(SideColumn::of(SideTable::Doors, spec, name).unwrap_err().code, code, "{name}");
        }
    }
}
